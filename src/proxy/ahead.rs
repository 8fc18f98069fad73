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
        let (first, mut frames, rest) = take_what_is_there(&mut content);
        match first {
            None if rest == Rest::None => return Body::empty(),
            Some(Ok(frame)) if rest == Rest::None && frames.is_empty() && frame.is_data() => {
                return Body::from_bytes(frame.into_data().unwrap_or_default());
            }
            first => first.into_iter().for_each(|first| frames.push_front(first)),
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
            if let Some(writer) = proxy.pour(writer, content, |_| ()).await {
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

/// Takes the frames that are there already: the first, and those behind it. Small content usually is there, in one: it came
/// with its head.
fn take_what_is_there(content: &mut Content) -> (Option<NextFrame>, Frames, Rest) {
    let (mut first, mut others, mut taken) = (None, Frames::new(), 0);
    // Whoever polls next is woken; until then nobody waits.
    let mut nobody = Context::from_waker(Waker::noop());
    while taken < AT_ONCE {
        match Pin::new(&mut *content).poll_frame(&mut nobody) {
            Poll::Ready(Some(frame)) => {
                let is_last = frame.is_err() || content.is_end_stream();
                taken += frame.as_ref().ok().and_then(Frame::data_ref).map_or(0, bytes::Bytes::len);
                if first.is_none() {
                    first = Some(frame);
                } else {
                    others.push_back(frame);
                }
                if is_last {
                    return (first, others, Rest::None);
                }
            }
            Poll::Ready(None) => return (first, others, Rest::None),
            Poll::Pending => break,
        }
    }
    (first, others, Rest::Some)
}
