//! Content digests (OCI image-spec, descriptor.md "Digests").

use std::fmt;
use std::sync::Arc;

use sha2::{Digest as _, Sha256, Sha512};

/// A content digest: `sha256:` and 64 lowercase hex digits, or `sha512:` and 128 lowercase hex digits.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest(Arc<str>);

/// The error for a text that is not a valid digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a digest is sha256: and 64 hex digits, or sha512: and 128")]
pub struct DigestError;

impl Digest {
    /// Computes the sha256 digest of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(format!("sha256:{}", hex(&Sha256::digest(bytes))).into())
    }

    /// Parses `sha256:…` or `sha512:…`, the registered algorithms of the image-spec.
    ///
    /// # Errors
    /// Returns an error for any other algorithm, for a wrong length, and for any character that is not a lowercase hex
    /// digit. The image-spec does not allow uppercase.
    pub fn parse(text: &str) -> Result<Self, DigestError> {
        let (algorithm, encoded) = text.split_once(':').ok_or(DigestError)?;
        let length = match algorithm {
            "sha256" => 64,
            "sha512" => 128,
            _ => return Err(DigestError),
        };
        let lower_hex = |c: u8| c.is_ascii_digit() || (b'a'..=b'f').contains(&c);
        if encoded.len() == length && encoded.bytes().all(lower_hex) { Ok(Self(text.into())) } else { Err(DigestError) }
    }

    /// The algorithm: `sha256` or `sha512`.
    #[must_use]
    pub fn algorithm(&self) -> &str {
        self.0.split_once(':').map_or("", |(algorithm, _)| algorithm)
    }

    /// The hex digits after the colon.
    #[must_use]
    pub fn hex(&self) -> &str {
        self.0.split_once(':').map_or("", |(_, encoded)| encoded)
    }

    /// The whole text: `sha256:…`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `bytes` have this digest, computed with the algorithm of this digest.
    #[must_use]
    pub fn matches(&self, bytes: &[u8]) -> bool {
        let mut verifier = self.verifier();
        verifier.update(bytes);
        verifier.finish().is_ok()
    }

    /// Returns a verifier that checks a stream of bytes against this digest, chunk by chunk.
    #[must_use]
    pub fn verifier(&self) -> DigestVerifier {
        let state = match self.algorithm() {
            "sha512" => HashState::Sha512(Box::default()),
            _ => HashState::Sha256(Box::default()),
        };
        DigestVerifier { expected: self.clone(), state }
    }
}

/// Hashes a stream and compares the result with the expected digest.
#[derive(Clone)]
pub struct DigestVerifier {
    expected: Digest,
    state: HashState,
}

#[derive(Clone)]
enum HashState {
    Sha256(Box<Sha256>),
    Sha512(Box<Sha512>),
}

impl DigestVerifier {
    /// Adds the next bytes of the stream.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.state {
            HashState::Sha256(hasher) => hasher.update(bytes),
            HashState::Sha512(hasher) => hasher.update(bytes),
        }
    }

    /// Ends the stream and compares the digests.
    ///
    /// # Errors
    /// Returns the actual digest of the bytes if it differs from the expected one.
    pub fn finish(self) -> Result<(), Digest> {
        let actual = match self.state {
            HashState::Sha256(hasher) => format!("sha256:{}", hex(&hasher.finalize())),
            HashState::Sha512(hasher) => format!("sha512:{}", hex(&hasher.finalize())),
        };
        if actual == *self.expected.0 { Ok(()) } else { Err(Digest(actual.into())) }
    }
}

fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn is_of_the_bytes() {
        assert_eq!(Digest::of(b"").as_str(), EMPTY);
        assert!(Digest::parse(EMPTY).unwrap().matches(b""));
        assert!(!Digest::parse(EMPTY).unwrap().matches(b"x"));
    }

    #[test]
    fn sha512_is_checked_by_sha512() {
        let text = format!("sha512:{}", hex(&Sha512::digest(b"abc")));
        let digest = Digest::parse(&text).unwrap();
        assert!(digest.matches(b"abc"));
        let mut verifier = digest.verifier();
        verifier.update(b"ab");
        assert!(verifier.finish().is_err_and(|actual| actual.algorithm() == "sha512"));
    }

    #[test]
    fn refuses_what_is_no_digest() {
        for text in ["", "sha256", "sha256:", "md5:00", &EMPTY.to_uppercase(), &EMPTY[..70], &format!("{EMPTY}0")] {
            assert!(Digest::parse(text).is_err(), "{text}");
        }
    }
}
