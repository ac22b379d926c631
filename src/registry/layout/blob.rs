//! Blobs of a layout as streams of bytes: [`BlobReader`] reads them, [`write()`] writes them.
//!
//! Both verify the bytes while these pass through. If a file were verified first, it could be replaced before it is
//! sent.

use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use tokio::io::AsyncWriteExt as _;
use tokio_util::io::ReaderStream;

use crate::oci::{Descriptor, Digest, DigestVerifier, LayoutDir};

use super::{ErrorKind, Operation, RegistryError, Result, blocking, error, files, named_digest};

/// How many bytes are read at once.
const PIECE: usize = 128 << 10;

/// The bytes of a blob. If they do not match its descriptor, the stream ends with an error instead of the last piece,
/// so the receiver never has a complete wrong blob.
pub struct BlobReader {
    pieces: ReaderStream<tokio::fs::File>,
    /// `None` after the end.
    verifier: Option<DigestVerifier>,
    expected: Digest,
    /// How many bytes are still to come.
    left: u64,
    /// The last piece read. It is returned only when another piece follows, or when all bytes are verified.
    held: Option<Bytes>,
}

impl BlobReader {
    pub(super) fn new(file: std::fs::File, blob: &Descriptor) -> Self {
        Self {
            pieces: ReaderStream::with_capacity(tokio::fs::File::from_std(file), PIECE),
            verifier: Some(blob.digest.verifier()),
            expected: blob.digest.clone(),
            left: blob.size,
            held: None,
        }
    }

    /// Returns the held piece if all bytes are correct.
    fn finish(&mut self, verifier: DigestVerifier) -> Option<io::Result<Bytes>> {
        let held = self.held.take();
        let wrong = |why: String| Some(Err(io::Error::new(io::ErrorKind::InvalidData, why)));
        if self.left > 0 {
            return wrong(format!("{} ends {} bytes too early", self.expected, self.left));
        }
        match verifier.finish() {
            Ok(()) => held.map(Ok),
            Err(actual) => wrong(format!("got {actual} instead of {}", self.expected)),
        }
    }
}

impl Stream for BlobReader {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let Some(mut verifier) = self.verifier.take() else { return Poll::Ready(None) };
            let Poll::Ready(piece) = Pin::new(&mut self.pieces).poll_next(context) else {
                self.verifier = Some(verifier);
                return Poll::Pending;
            };
            let piece = match piece {
                None => return Poll::Ready(self.finish(verifier)),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                Some(Ok(piece)) => piece,
            };
            let Some(left) = self.left.checked_sub(piece.len() as u64) else {
                let why = format!("{} has grown while it was read", self.expected);
                return Poll::Ready(Some(Err(io::Error::new(io::ErrorKind::InvalidData, why))));
            };
            verifier.update(&piece);
            self.left = left;
            self.verifier = Some(verifier);
            if let Some(before) = self.held.replace(piece) {
                return Poll::Ready(Some(Ok(before)));
            }
        }
    }
}

/// Writes `stream` as `blob` of `dir`: to a temporary file, which is renamed when its bytes are verified.
pub(super) async fn write<S, E>(dir: &LayoutDir, blob: &Descriptor, stream: S) -> Result<()>
where
    S: Stream<Item = std::result::Result<Bytes, E>>,
    E: Into<Box<RegistryError>>,
{
    let target = || named_digest(dir, &blob.digest);
    let failed = |kind| error(Operation::Write, target(), kind);
    let (root, digest) = (dir.path().to_owned(), blob.digest.clone());
    let (path, temporary) = blocking(Operation::Write, target(), move || {
        let path = files::make_blob_path(&root, &digest)?;
        let temporary = files::temporary(&path)?;
        Ok((path, temporary))
    })
    .await?;
    // The name deletes its file on drop. It is kept apart from the open file, to which the runtime writes.
    let (file, name) = temporary.into_parts();
    let mut file = tokio::fs::File::from_std(file);

    let mut verifier = blob.digest.verifier();
    let mut left = blob.size;
    let mut stream = pin!(stream);
    while let Some(piece) = stream.next().await {
        let piece = piece.map_err(Into::into)?;
        // A stream that is too long is wrong. Stop before it fills the disk.
        left = left.checked_sub(piece.len() as u64).ok_or_else(|| failed(ErrorKind::TooLarge { limit: blob.size }))?;
        verifier.update(&piece);
        file.write_all(&piece).await.map_err(|why| failed(files::unwritable(&path, &why)))?;
    }
    verifier.finish().map_err(|actual| failed(ErrorKind::WrongDigest { expected: blob.digest.clone(), actual }))?;
    // The digest is correct, but the size is not: the descriptor has the wrong size.
    if left > 0 {
        return Err(failed(ErrorKind::Layout(format!(
            "{path} is {left} bytes shorter than its descriptor says",
            path = path.display()
        ))));
    }
    file.flush().await.map_err(|why| failed(files::unwritable(&path, &why)))?;
    let file = file.into_std().await;
    blocking(Operation::Write, target(), move || files::persist(tempfile::NamedTempFile::from_parts(file, name), &path))
        .await
}
