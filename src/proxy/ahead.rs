//! Content that is passed on is read ahead of its client, as far as there is room: a client that reads slowly then holds
//! no connection to the origin, and no place among the fetches.

use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use http_body::{Body as _, Frame};

use super::{Body, Proxy};
use crate::{store::Fill, upstream::Content};

/// How many bytes are taken at once before a task is worth its price.
const AT_ONCE: usize = 64 * 1024;

/// The first frames of content, and how it may end.
pub(super) type Frames = VecDeque<NextFrame>;
type NextFrame = Result<Frame<bytes::Bytes>, Box<dyn std::error::Error + Send + Sync>>;

impl Proxy {
    /// Content that is to be passed on.
    pub(super) fn read_ahead(&self, mut content: Content, is_endless: bool) -> Body {
        // What has no end would only fill the window, and its client wants each word as it comes.
        if content.is_end_stream() || is_endless {
            return Body::origin(content);
        }
        let length = content.size_hint().exact();
        // Whoever polls next is woken; until then nobody waits.
        let mut nobody = Context::from_waker(Waker::noop());
        let first = match Pin::new(&mut content).poll_frame(&mut nobody) {
            Poll::Ready(None) => return Body::empty(),
            Poll::Ready(Some(Ok(frame))) if content.is_end_stream() && frame.is_data() => {
                return Body::from_bytes(frame.into_data().unwrap_or_default());
            }
            Poll::Ready(first) => first,
            Poll::Pending => None,
        };
        let (mut frames, rest) = take_what_is_there(first, &mut content, &mut nobody);
        if rest == Rest::None && frames.len() == 1 {
            match frames.pop_front() {
                // In chunks: the end of the content is not told with the last of it.
                Some(Ok(frame)) if frame.is_data() => {
                    return Body::from_bytes(frame.into_data().unwrap_or_default());
                }
                other => frames.extend(other),
            }
        }
        let then = match rest {
            Rest::None => Body::empty(),
            Rest::Some => self.pump(content),
        };
        Body::begun(frames, then, length)
    }

    /// Reads the rest in a task of its own.
    fn pump(&self, content: Content) -> Body {
        let window = self.shared.settings.policy.max_object;
        let (writer, follower) = Fill::pass_on(self.shared.store.budget(), window);
        let proxy = self.clone();
        self.shared.tasks.spawn(async move {
            if let Some(writer) = proxy.pour(writer, content).await {
                writer.finish();
            }
        });
        Body::filling(follower, None)
    }
}

/// Whether there may be more than was taken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rest {
    None,
    Some,
}

/// Takes the frames that are there already, behind the first, if it is. Small content usually is: it came with its head.
fn take_what_is_there(
    first: Option<NextFrame>,
    content: &mut Content,
    nobody: &mut Context<'_>,
) -> (Frames, Rest) {
    let mut frames = Frames::from_iter(first);
    let length =
        |frame: &NextFrame| frame.as_ref().ok().and_then(Frame::data_ref).map_or(0, bytes::Bytes::len);
    let mut taken = frames.front().map_or(0, length);
    while taken < AT_ONCE {
        if frames.back().is_some_and(Result::is_err) || content.is_end_stream() {
            return (frames, Rest::None);
        }
        match Pin::new(&mut *content).poll_frame(nobody) {
            Poll::Ready(Some(frame)) => {
                taken += length(&frame);
                frames.push_back(frame);
            }
            Poll::Ready(None) => return (frames, Rest::None),
            Poll::Pending => break,
        }
    }
    (frames, Rest::Some)
}
