//! [`pieces()`]: passes the pieces of a blob to the request or the file that they are written to.

use std::io;

use bytes::Bytes;
use futures_util::{Stream, stream};
use tokio::sync::mpsc;

/// Returns the two ends of a stream of `size` bytes. If the sender is dropped before, the stream ends with an error, so
/// that a part of a blob is never taken for the blob.
pub(super) fn pieces(size: u64) -> (mpsc::Sender<Bytes>, impl Stream<Item = io::Result<Bytes>> + Send + 'static) {
    let (sender, receiver) = mpsc::channel(1);
    let stream = stream::unfold((receiver, size), |(mut receiver, left): (mpsc::Receiver<Bytes>, u64)| async move {
        match receiver.recv().await {
            Some(piece) => {
                let left = left.saturating_sub(piece.len() as u64);
                Some((Ok(piece), (receiver, left)))
            }
            None if left > 0 => Some((Err(io::Error::other("the transfer has ended")), (receiver, 0))),
            None => None,
        }
    });
    (sender, stream)
}
