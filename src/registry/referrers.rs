//! Referrers in registries without the referrers endpoint: an index whose tag is derived from the digest
//! (distribution-spec, "Referrers Tag Schema"). Clients that push a manifest with a `subject` to such a registry keep
//! this index up to date.

use crate::oci::{Digest, Entry, Index, MalformedJson, Payload, Tag};

/// Returns the tag of the index of the referrers of `digest`: `sha256-` and the hex digits, at most the first 64.
pub(super) fn tag(digest: &Digest) -> Option<Tag> {
    let digits = digest.hex().get(..64).unwrap_or(digest.hex());
    Tag::parse(&format!("{}-{digits}", digest.algorithm())).ok()
}

/// Returns the entries of such an index that have this artifact type, or all without one. Empty if the tag names something else.
///
/// # Errors
/// Fails if the bytes are not a valid index.
pub(super) fn named(payload: &Payload, artifact_type: Option<&str>) -> Result<Vec<Entry>, MalformedJson> {
    if payload.media_type().is_index() { Index::referrers(payload, artifact_type) } else { Ok(Vec::new()) }
}

/// Returns the entries. `None` if there are none.
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
