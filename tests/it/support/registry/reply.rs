//! [`Reply`]: a response that is sent completely or partly.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use hyper::{Response, StatusCode};
use tokio::time::Sleep;

use super::router::answers::Answer;

/// A response that is sent completely or partly.
pub(super) struct Reply(Response<Sent>);

/// The part of a body that is sent, and what happens after it.
pub(super) struct Sent {
    left: Option<Bytes>,
    /// The length in the headers, whatever is sent.
    length: u64,
    then: Then,
}

enum Then {
    End,
    /// The connection is closed after a short delay.
    Close(Option<Pin<Box<Sleep>>>),
    StandStill,
}

/// The connection is to be closed.
#[derive(Debug, thiserror::Error)]
#[error("closed on purpose")]
pub(super) struct Closed;

/// The time in which sent data leaves this machine.
const LEAVE: Duration = Duration::from_millis(5);

impl Reply {
    /// Sends the whole response.
    pub(super) fn whole(answer: Answer) -> Self {
        let length = answer.body().len();
        Self::of(answer, length, Then::End)
    }

    /// Sends the headers and this many bytes of the body, then closes the connection.
    pub(super) fn cut(answer: Answer, bytes: usize) -> Self {
        Self::of(answer, bytes, Then::Close(None))
    }

    /// Sends the headers and this many bytes of the body, then nothing.
    pub(super) fn stalled(answer: Answer, bytes: usize) -> Self {
        Self::of(answer, bytes, Then::StandStill)
    }

    fn of(answer: Answer, bytes: usize, then: Then) -> Self {
        Self(answer.map(|body| {
            let left = Some(body.slice(..bytes)).filter(|left| !left.is_empty());
            Sent { left, length: body.len() as u64, then }
        }))
    }

    pub(super) fn status(&self) -> StatusCode {
        self.0.status()
    }

    pub(super) fn into_response(self) -> Response<Sent> {
        self.0
    }
}

impl Body for Sent {
    type Data = Bytes;
    type Error = Closed;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Closed>>> {
        if let Some(bytes) = self.left.take() {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        match &mut self.then {
            Then::End => Poll::Ready(None),
            Then::Close(leave) => {
                let leave = leave.get_or_insert_with(|| Box::pin(tokio::time::sleep(LEAVE)));
                ready!(leave.as_mut().poll(context));
                Poll::Ready(Some(Err(Closed)))
            }
            Then::StandStill => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_none() && matches!(self.then, Then::End)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length)
    }
}

/// Encodes gzip (RFC 1952) in its simplest form: stored, not deflated.
pub(super) fn gzip(bytes: &[u8]) -> Bytes {
    let mut packed = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    let mut blocks = bytes.chunks(usize::from(u16::MAX)).peekable();
    while let Some(block) = blocks.next() {
        let length = u16::try_from(block.len()).expect("no block is longer");
        packed.push(u8::from(blocks.peek().is_none()));
        packed.extend(length.to_le_bytes());
        packed.extend((!length).to_le_bytes());
        packed.extend(block);
    }
    packed.extend(crc32(bytes).to_le_bytes());
    packed.extend(u32::try_from(bytes.len()).expect("no manifest is that large").to_le_bytes());
    packed.into()
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}
