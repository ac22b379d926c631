//! Content digests (OCI image-spec, descriptor.md "Digests").

use std::fmt;
use std::sync::Arc;

use sha2::{Digest as _, Sha256, Sha512};

use super::invisible::quoted_char;

/// A content digest: `sha256:` and 64 lowercase hex digits, or `sha512:` and 128 lowercase hex digits.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest(Arc<str>);

/// The supported algorithms, each with its number of hex digits.
const ALGORITHMS: [(&str, usize); 2] = [("sha256", 64), ("sha512", 128)];

/// The error for a text that is not a valid digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// The text is empty.
    #[error("the digest is empty")]
    Empty,
    /// The text has the hex digits of a digest, but not the algorithm before them.
    #[error("`{0}:` is missing before the hex digits")]
    BareHex(&'static str),
    /// The text has no algorithm, or one that is not supported.
    #[error("expected `sha256:` and 64 hex digits, or `sha512:` and 128")]
    Algorithm,
    /// The number of hex digits is not that of the algorithm.
    #[error("found {found} hex digits, expected {expected}")]
    Length {
        /// The number of hex digits that digests of this algorithm have.
        expected: usize,
        /// The number of hex digits in the text.
        found: usize,
    },
    /// A character is neither a digit nor a lowercase hex digit.
    #[error("invalid character {}, expected lowercase hex digits", quoted_char(*character))]
    Character {
        /// The character.
        character: char,
        /// Its position in the text, in bytes.
        at: usize,
    },
}

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
        if text.is_empty() {
            return Err(DigestError::Empty);
        }
        let character = |found: Option<(usize, char)>| match found {
            Some((at, character)) => Err(DigestError::Character { character, at }),
            None => Ok(()),
        };
        let Some((algorithm, encoded)) = text.split_once(':') else {
            let is_hex = text.bytes().all(|c| c.is_ascii_hexdigit());
            let algorithm = ALGORITHMS.into_iter().find(|(_, length)| is_hex && *length == text.len());
            return Err(algorithm.map_or(DigestError::Algorithm, |(name, _)| DigestError::BareHex(name)));
        };
        let Some((_, expected)) = ALGORITHMS.into_iter().find(|(name, _)| *name == algorithm) else {
            // Most likely quotes or upper-case letters.
            character(algorithm.char_indices().find(|(_, c)| !(c.is_ascii_lowercase() || c.is_ascii_digit())))?;
            return Err(DigestError::Algorithm);
        };
        let lower_hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
        let found = encoded.char_indices().find(|(_, c)| !lower_hex(*c));
        character(found.map(|(at, c)| (algorithm.len() + 1 + at, c)))?;
        if encoded.len() == expected {
            Ok(Self(text.into()))
        } else {
            Err(DigestError::Length { expected, found: encoded.len() })
        }
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
    fn an_error_says_what_is_wrong() {
        let (_, hex) = EMPTY.split_once(':').unwrap();
        for (text, error) in [
            (String::new(), DigestError::Empty),
            (hex.to_owned(), DigestError::BareHex("sha256")),
            (hex.to_uppercase(), DigestError::BareHex("sha256")),
            (hex.repeat(2), DigestError::BareHex("sha512")),
            (hex[1..].to_owned(), DigestError::Algorithm),
            (format!("md5:{hex}"), DigestError::Algorithm),
            (EMPTY.to_uppercase(), DigestError::Character { character: 'S', at: 0 }),
            (format!("\"{EMPTY}\""), DigestError::Character { character: '"', at: 0 }),
            (format!("sha256:{}", hex.to_uppercase()), DigestError::Character { character: 'E', at: 7 }),
            (format!("{EMPTY}\r"), DigestError::Character { character: '\r', at: 71 }),
            (EMPTY[..70].to_owned(), DigestError::Length { expected: 64, found: 63 }),
        ] {
            assert_eq!(Digest::parse(&text), Err(error), "{text}");
        }
        let error = Digest::parse(&format!("{EMPTY}\r")).unwrap_err();
        assert_eq!(error.to_string(), r"invalid character `\r`, expected lowercase hex digits");
    }

    #[test]
    fn refuses_what_is_no_digest() {
        for text in ["", "sha256", "sha256:", "md5:00", &EMPTY.to_uppercase(), &EMPTY[..70], &format!("{EMPTY}0")] {
            assert!(Digest::parse(text).is_err(), "{text}");
        }
    }
}
