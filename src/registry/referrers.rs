//! Referrers without an endpoint for them: an index by a tag that is made of the digest (distribution-spec, "Referrers Tag
//! Schema"). Who pushes a manifest with a `subject` to a registry that knows nothing of the kind keeps it up.

use crate::oci::{Digest, Entry, Index, MalformedJson, Payload, Tag};

/// The tag of the index that names what speaks of `digest`: `sha256-` and its digits, of a longer one the first 64.
pub(super) fn tag(digest: &Digest) -> Option<Tag> {
    let digits = digest.hex().get(..64).unwrap_or(digest.hex());
    Tag::parse(&format!("{}-{digits}", digest.algorithm())).ok()
}

/// What such an index names; nothing where the tag names something else.
///
/// # Errors
/// Bytes that are no index.
pub(super) fn named(payload: &Payload) -> Result<Vec<Entry>, MalformedJson> {
    if payload.media_type().is_index() { Ok(Index::parse(payload)?.entries) } else { Ok(Vec::new()) }
}

/// These, or that there are none.
pub(super) fn some(entries: Vec<Entry>) -> Option<Vec<Entry>> {
    Some(entries).filter(|entries| !entries.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tag_is_made_of_the_digest() {
        let digits = "0123456789abcdef".repeat(8);
        for (digest, name) in [
            (format!("sha256:{}", &digits[..64]), format!("sha256-{}", &digits[..64])),
            (format!("sha512:{digits}"), format!("sha512-{}", &digits[..64])),
        ] {
            assert_eq!(tag(&Digest::parse(&digest).unwrap()).unwrap().as_str(), name);
        }
    }
}
