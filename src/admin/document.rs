//! The content of a request, as JSON, within bounds of size and time.

use std::time::Duration;

use axum::{
    extract::{FromRequest, Request},
    http::header::CONTENT_LENGTH,
};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::refusal::{Refusal, Refused};

/// The largest content, in bytes.
pub(super) const MOST: usize = 64 * 1024;
/// How long it may take to arrive.
const LONGEST: Duration = Duration::from_secs(10);

/// What the content of a request says.
pub(super) struct Document<T>(pub(super) T);

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for Document<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &S) -> Result<Self, Refusal> {
        let too_large = || Refusal::new(Refused::ContentTooLarge, format!("{MOST} bytes are the most"));
        let stated =
            request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        if stated.is_some_and(|length: u64| length > MOST as u64) {
            return Err(too_large());
        }
        let content = timeout(LONGEST, Limited::new(request.into_body(), MOST).collect()).await;
        let content = content.map_err(|_| Refusal::from(Refused::ContentTooSlow))?;
        let content = content.map_err(|error| {
            if error.is::<LengthLimitError>() {
                too_large()
            } else {
                Refusal::new(Refused::Document, "the content broke off")
            }
        })?;
        let content = content.to_bytes();
        // An array would be read as the members of an object in their order.
        if content.trim_ascii_start().first() != Some(&b'{') {
            return Err(Refusal::new(Refused::Document, "it has to be a JSON object"));
        }
        let read = serde_json::from_slice(&content);
        read.map(Self).map_err(|error| Refusal::new(Refused::Document, error.to_string()))
    }
}
