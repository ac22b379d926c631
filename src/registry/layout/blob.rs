//! Blobs of a layout as streams of bytes: [`BlobReader`] reads them, [`write()`] writes them.
//!
//! Bytes are verified while they pass through. If a file were verified first, it could be replaced before it is sent.
//! The reader leaves this to the copy, which verifies all sources.

use std::io;
use std::path::Path;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use tempfile::NamedTempFile;
use tokio::io::AsyncWriteExt as _;
use tokio_util::io::ReaderStream;

use crate::oci::{Descriptor, Digest};

use super::folder::LayoutFolder;
use super::open_files::OpenFiles;
use super::{Disk, ErrorKind, RegistryError, files};

/// How many bytes are read at once.
const PIECE: usize = 128 << 10;

/// The bytes of a blob, not verified. If there are more or fewer than its descriptor says, the stream ends with an
/// error.
pub struct BlobReader {
    pieces: ReaderStream<tokio::fs::File>,
    digest: Digest,
    /// How many bytes are still to come.
    left: u64,
}

impl BlobReader {
    pub(super) fn new(file: std::fs::File, blob: &Descriptor) -> Self {
        let pieces = ReaderStream::with_capacity(tokio::fs::File::from_std(file), PIECE);
        Self { pieces, digest: blob.digest.clone(), left: blob.size }
    }
}

impl Stream for BlobReader {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let wrong = |why: String| Poll::Ready(Some(Err(io::Error::new(io::ErrorKind::InvalidData, why))));
        let Poll::Ready(piece) = Pin::new(&mut self.pieces).poll_next(context) else { return Poll::Pending };
        match piece {
            None if self.left > 0 => {
                let left = std::mem::take(&mut self.left);
                wrong(format!("blob {} is {left} bytes shorter than expected", self.digest))
            }
            Some(Ok(piece)) => match self.left.checked_sub(piece.len() as u64) {
                Some(left) => {
                    self.left = left;
                    Poll::Ready(Some(Ok(piece)))
                }
                None => wrong(format!("blob {} has grown while it was read", self.digest)),
            },
            piece => Poll::Ready(piece),
        }
    }
}

/// Why a blob was not written.
pub(super) enum BlobWriteError {
    /// The stream ended with this error.
    Source(Box<RegistryError>),
    /// The bytes were wrong, or could not be written.
    Target(ErrorKind),
}

impl From<ErrorKind> for BlobWriteError {
    fn from(kind: ErrorKind) -> Self {
        Self::Target(kind)
    }
}

/// Writes `stream` as `blob` of `folder`: to a temporary file, which is synced and renamed when its bytes are verified.
pub(super) async fn write<S, E>(
    folder: &Arc<LayoutFolder>,
    open_files: &OpenFiles,
    blob: &Descriptor,
    stream: S,
) -> Result<(), BlobWriteError>
where
    S: Stream<Item = Result<Bytes, E>>,
    E: Into<Box<RegistryError>>,
{
    let (layout, digest) = (Arc::clone(folder), blob.digest.clone());
    let (path, temporary) = open_files.run(move || layout.begin_blob(&digest)).await?;
    // The name deletes its file on drop. It is kept apart from the open file, to which the runtime writes.
    let (file, name) = temporary.into_parts();
    let file = fill(tokio::fs::File::from_std(file), &path, blob, stream).await?;
    let (layout, digest) = (Arc::clone(folder), blob.digest.clone());
    let file = NamedTempFile::from_parts(file, name);
    Ok(open_files.run_once(move || layout.finish_blob(&digest, file, &path)).await?)
}

/// Writes `stream` to `file`, and verifies that it is `blob`. `path` is named in errors.
async fn fill<S, E>(
    mut file: tokio::fs::File,
    path: &Path,
    blob: &Descriptor,
    stream: S,
) -> Result<std::fs::File, BlobWriteError>
where
    S: Stream<Item = Result<Bytes, E>>,
    E: Into<Box<RegistryError>>,
{
    let mut verifier = blob.digest.verifier();
    let mut left = blob.size;
    let mut stream = pin!(stream);
    while let Some(piece) = stream.next().await {
        let piece = piece.map_err(|error| BlobWriteError::Source(error.into()))?;
        // A stream that is too long is wrong. Stop before it fills the disk.
        left = left.checked_sub(piece.len() as u64).ok_or(ErrorKind::TooLarge { limit: blob.size })?;
        verifier.update(&piece);
        on_disk(file.write_all(&piece).await, path)?;
    }
    verifier.finish().map_err(|actual| ErrorKind::WrongDigest { expected: blob.digest.clone(), actual })?;
    // The digest is correct, but the size is not: the descriptor has the wrong size.
    if left > 0 {
        let why = format!("{path} is {left} bytes shorter than its descriptor says", path = path.display());
        return Err(BlobWriteError::Target(ErrorKind::Layout(why.into())));
    }
    on_disk(file.flush().await, path)?;
    Ok(file.into_std().await)
}

fn on_disk<T>(result: io::Result<T>, path: &Path) -> Disk<T> {
    result.map_err(|error| files::unwritable(path, &error))
}
