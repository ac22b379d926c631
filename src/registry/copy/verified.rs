//! [`Verified`]: the bytes of a blob, verified before the last piece is released.
//!
//! The bytes may be read by several requests. All bytes that were released are hashed once, in order, so the digest is
//! that of the bytes that the target received. If the target lost some of them, they are read again, and must be equal
//! to those that were released before.

use bytes::Bytes;

use crate::oci::{Descriptor, DigestVerifier};
use crate::registry::error::ErrorKind;

/// The distance between two positions from which bytes can be read again.
const MARK: u64 = 4 << 20;

/// The bytes of a blob as they arrive. The last piece is held back until size and digest are verified, so wrong bytes
/// can never be committed.
pub(super) struct Verified {
    blob: Descriptor,
    hashed: Hashed,
    /// Bytes to come that are hashed already: the source began before the position that was requested.
    repeated: u64,
    /// Bytes before this position are hashed and not released, because the target has them.
    stored: u64,
    held: Option<Bytes>,
    is_finished: bool,
    /// The state at each multiple of [`MARK`] so far.
    marks: Vec<Hashed>,
    /// States from earlier reads that this read must reach too.
    checks: Vec<Hashed>,
}

/// The state of the hash after a number of bytes.
#[derive(Clone)]
struct Hashed {
    bytes: u64,
    verifier: DigestVerifier,
}

impl Hashed {
    fn equals(&self, other: &Self) -> bool {
        self.bytes == other.bytes && self.verifier.clone().finish() == other.verifier.clone().finish()
    }
}

impl Verified {
    pub(super) fn new(blob: &Descriptor) -> Self {
        let hashed = Hashed { bytes: 0, verifier: blob.digest.verifier() };
        let marks = vec![hashed.clone()];
        let (repeated, stored, held, is_finished, checks) = Default::default();
        Self { blob: blob.clone(), hashed, repeated, stored, held, is_finished, marks, checks }
    }

    /// Returns how many bytes are hashed. The source is read from here.
    pub(super) fn position(&self) -> u64 {
        self.hashed.bytes
    }

    /// Returns how many bytes the target may have.
    pub(super) fn released(&self) -> u64 {
        let held = self.held.as_ref().map_or(0, Bytes::len) as u64;
        self.stored.max(self.hashed.bytes - held)
    }

    /// Whether all bytes have arrived.
    pub(super) fn is_complete(&self) -> bool {
        self.hashed.bytes == self.blob.size
    }

    /// Whether all bytes are verified and released.
    pub(super) fn is_finished(&self) -> bool {
        self.is_finished
    }

    /// Records that the source is read from `position`, at most [`Verified::position`].
    pub(super) fn begins_at(&mut self, position: u64) {
        self.repeated = self.hashed.bytes.saturating_sub(position);
    }

    /// Adds the next bytes. Returns the piece that is released, if any.
    pub(super) fn accept(&mut self, chunk: &Bytes) -> Result<Option<Bytes>, ErrorKind> {
        let fresh = chunk.slice(skipped(&mut self.repeated, chunk)..);
        let size = self.blob.size;
        if fresh.len() as u64 > size - self.hashed.bytes {
            return Err(ErrorKind::NotARegistry(format!("returned more than the {size} bytes of the blob")));
        }
        let mut unsent = self.stored.saturating_sub(self.hashed.bytes);
        self.hash(&fresh)?;
        let piece = fresh.slice(skipped(&mut unsent, &fresh)..);
        Ok(if piece.is_empty() { None } else { self.held.replace(piece) })
    }

    fn hash(&mut self, mut bytes: &[u8]) -> Result<(), ErrorKind> {
        while !bytes.is_empty() {
            let at = self.hashed.bytes;
            let next_mark = (at / MARK + 1) * MARK;
            let until = self.checks.iter().map(|check| check.bytes).chain([next_mark]).min().unwrap_or(next_mark);
            let length = usize::try_from(until - at).map_or(bytes.len(), |length| length.min(bytes.len()));
            let (part, rest) = bytes.split_at(length);
            self.hashed.verifier.update(part);
            self.hashed.bytes += length as u64;
            bytes = rest;
            let hashed = &self.hashed;
            if self.checks.iter().any(|check| check.bytes == hashed.bytes && !check.equals(hashed)) {
                return Err(ErrorKind::NotARegistry("returned different bytes than before".into()));
            }
            self.checks.retain(|check| check.bytes > hashed.bytes);
            if hashed.bytes == next_mark {
                self.marks.push(hashed.clone());
            }
        }
        Ok(())
    }

    /// Verifies size and digest after the last byte. Returns the last piece, if it is not empty.
    pub(super) fn finish(&mut self) -> Result<Option<Bytes>, ErrorKind> {
        let expected = &self.blob.digest;
        let verified = self.hashed.verifier.clone().finish();
        verified.map_err(|actual| ErrorKind::WrongDigest { expected: expected.clone(), actual })?;
        self.is_finished = true;
        Ok(self.held.take())
    }

    /// Releases the bytes after the first `stored` ones again, because the target does not have them.
    pub(super) fn rewind(&mut self, stored: u64) {
        self.marks.retain(|mark| mark.bytes <= stored);
        let Some(mark) = self.marks.last().cloned() else { return self.restart() };
        let reached = std::mem::replace(&mut self.hashed, mark);
        if reached.bytes > self.hashed.bytes {
            self.checks.push(reached);
        }
        (self.stored, self.held, self.is_finished, self.repeated) = (stored, None, false, 0);
    }

    /// Releases all bytes again.
    pub(super) fn restart(&mut self) {
        *self = Self::new(&self.blob);
    }
}

/// Returns how many bytes of `chunk` are to be skipped, and subtracts them from `left`.
fn skipped(left: &mut u64, chunk: &Bytes) -> usize {
    let skipped = usize::try_from(*left).map_or(chunk.len(), |left| left.min(chunk.len()));
    *left -= skipped as u64;
    skipped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::{Digest, MediaType};

    fn verified(bytes: &[u8]) -> Verified {
        let (digest, size) = (Digest::of(bytes), bytes.len() as u64);
        Verified::new(&Descriptor { media_type: MediaType::Other(String::new()), digest, size })
    }

    /// Returns the bytes that are released when these chunks arrive, and the error.
    fn read(verified: &mut Verified, chunks: &[&[u8]]) -> (Vec<u8>, Option<String>) {
        let mut released = Vec::new();
        for chunk in chunks {
            match verified.accept(&Bytes::copy_from_slice(chunk)) {
                Ok(piece) => released.extend(piece.unwrap_or_default()),
                Err(kind) => return (released, Some(kind.to_string())),
            }
        }
        if verified.is_complete() {
            match verified.finish() {
                Ok(piece) => released.extend(piece.unwrap_or_default()),
                Err(kind) => return (released, Some(kind.to_string())),
            }
        }
        (released, None)
    }

    #[test]
    fn the_last_piece_of_wrong_bytes_is_never_released() {
        let (sent, error) = read(&mut verified(b"abcdef"), &[b"abc", b"", b"xyz"]);
        assert_eq!(sent, b"abc");
        assert!(error.unwrap().contains("sha256:"));
        let (sent, error) = read(&mut verified(b"abcdef"), &[b"ab", b"cdefg"]);
        assert_eq!((sent, error.unwrap()), (vec![], "returned more than the 6 bytes of the blob".into()));
        assert_eq!(read(&mut verified(b"abcdef"), &[b"ab", b"cd"]), (b"ab".to_vec(), None));
        assert_eq!(read(&mut verified(b"abcdef"), &[b"ab", b"cdef"]), (b"abcdef".to_vec(), None));
    }

    #[test]
    fn an_empty_blob_has_a_digest_too() {
        assert_eq!(read(&mut verified(b""), &[]), (vec![], None));
        assert!(read(&mut verified(b""), &[b"x"]).1.is_some());
    }

    #[test]
    fn a_source_that_begins_too_early_is_skipped_to_the_position() {
        let mut verified = verified(b"abcdef");
        assert_eq!(read(&mut verified, &[b"ab", b"c"]), (b"ab".to_vec(), None));
        for begins_at in [0, 1, 3] {
            verified.begins_at(begins_at);
            assert_eq!(read(&mut verified, &[&b"abc"[usize::try_from(begins_at).unwrap()..]]), (vec![], None));
        }
        verified.begins_at(1);
        assert_eq!(read(&mut verified, &[b"b", b"cde", b"f"]), (b"cdef".to_vec(), None));
    }

    #[test]
    fn bytes_that_a_target_lost_are_released_again() {
        let mark = usize::try_from(MARK).unwrap();
        let bytes: Vec<u8> = (0..mark * 3 + 5).map(|n| u8::try_from(n % 251).unwrap()).collect();
        let mut verified = verified(&bytes);
        let chunks = |from: usize, to: usize| bytes[from..to].chunks(70_000).collect::<Vec<_>>();
        let reached = mark * 2 + mark / 2;
        let (sent, _) = read(&mut verified, &chunks(0, reached));
        assert_eq!((verified.released(), sent.len() as u64), (sent.len() as u64, verified.released()));
        assert!(bytes.starts_with(&sent));
        // The source is read from the last mark before the first byte that the target lost.
        for (stored, position) in [(mark + 7, mark), (mark * 2, mark * 2), (12, 0)] {
            verified.rewind(stored as u64);
            assert_eq!((verified.position(), verified.released()), (position as u64, stored as u64));
            let (sent, error) = read(&mut verified, &chunks(position, reached));
            assert_eq!(error, None);
            assert!(bytes[stored..].starts_with(&sent));
        }
        verified.rewind(100);
        let (sent, error) = read(&mut verified, &chunks(0, bytes.len()));
        assert!(error.is_none() && verified.is_finished() && sent == bytes[100..]);
    }

    #[test]
    fn bytes_that_differ_from_those_that_were_released_are_refused() {
        // The target has `abc` from the first read. The second read has the right digest, but the target would not.
        let mut verified = verified(b"xbcdef");
        assert_eq!(read(&mut verified, &[b"abc", b"d"]), (b"abc".to_vec(), None));
        verified.rewind(2);
        let (sent, error) = read(&mut verified, &[b"xbc", b"d", b"ef"]);
        assert_eq!((sent, error.unwrap()), (vec![], "returned different bytes than before".into()));
    }
}
