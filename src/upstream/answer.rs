//! The head of an answer, as it came over the wire.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, Version};
use hyper::ext::ReasonPhrase;

use super::{Fault, UpstreamError};
use crate::wire::{self, FieldLine, Lines, Violation};

/// The head of an answer: what decides about it is read, and its lines are as the origin sent them.
#[derive(Debug)]
pub struct AnswerHead {
    status: StatusCode,
    version: Version,
    bytes: Bytes,
    lines: Lines,
}

impl AnswerHead {
    /// The head in these bytes, with these lines, which a scanner has let through.
    ///
    /// # Errors
    /// It is none of a response.
    pub fn of(head: &wire::Head, bytes: Bytes, lines: Lines) -> Result<Self, UpstreamError> {
        let status = head.status.and_then(|status| StatusCode::from_u16(status).ok());
        let status = status.ok_or(Fault::Wire(Violation::StatusLine))?;
        let version = match head.version {
            wire::Version::Http10 => Version::HTTP_10,
            wire::Version::Http11 => Version::HTTP_11,
        };
        Ok(Self { status, version, bytes, lines })
    }

    /// The status.
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// The version of the message.
    pub const fn version(&self) -> Version {
        self.version
    }

    /// The reason, where it is not the usual one of the status.
    pub fn reason(&self) -> Option<ReasonPhrase> {
        // A version, a space, a status, and what there is of a reason behind another space.
        let reason = self.lines.start_line(&self.bytes).get("HTTP/1.1 200 ".len()..).unwrap_or_default();
        let is_usual = self.status.canonical_reason().is_some_and(|usual| usual.as_bytes() == reason);
        if is_usual { None } else { ReasonPhrase::try_from(reason).ok() }
    }

    /// How many bytes it has.
    pub const fn length(&self) -> usize {
        self.bytes.len()
    }

    /// The field lines, in their order, as the origin spells them. They hold no control character but HTAB.
    pub fn lines(&self) -> impl Iterator<Item = FieldLine<'_>> {
        self.lines.field_lines(&self.bytes)
    }

    /// The answer without its content, with a map of the fields. The values share the bytes that they are in.
    ///
    /// # Errors
    /// There is something in it that no map of fields can hold.
    pub fn into_response(self) -> Result<Response<()>, UpstreamError> {
        let mut response = Response::new(());
        *response.status_mut() = self.status;
        *response.version_mut() = self.version;
        let room = self.lines.field_count() + ADDED;
        *response.headers_mut() = fields(&self.bytes, self.lines.fields(&self.bytes), room)?;
        if let Some(reason) = self.reason() {
            response.extensions_mut().insert(reason);
        }
        Ok(response)
    }
}

/// How many fields are added to an answer that is passed on, usually: Via, Date and Cache-Status.
const ADDED: usize = 3;

/// The fields with these names and values, whose values share the bytes that they are in, in a map with room for so many.
pub(super) fn fields<'a>(
    bytes: &Bytes,
    lines: impl Iterator<Item = (&'a [u8], &'a [u8])>,
    room: usize,
) -> Result<HeaderMap, UpstreamError> {
    let mut fields = HeaderMap::with_capacity(room);
    for (name, value) in lines {
        let name = HeaderName::from_bytes(name).map_err(|_| Fault::Wire(Violation::FieldName))?;
        let value = HeaderValue::from_maybe_shared(bytes.slice_ref(value));
        let value = value.map_err(|_| Fault::Wire(Violation::ControlByte))?;
        fields.try_append(name, value).map_err(|_| Fault::Wire(Violation::TooManyFields))?;
    }
    Ok(fields)
}
