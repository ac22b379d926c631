//! The lies that cannot be found: no other answer of the run contradicts them. README says what mlist trusts.

/// A kind of lie that cannot be found.
#[derive(Debug)]
pub(super) struct Trusted {
    /// The scenarios. Empty for all.
    scenarios: &'static [&'static str],
    /// The kind of the request.
    request: &'static str,
    /// The lies.
    lies: &'static [&'static str],
    /// How often it must be told so that it is not found.
    told: Times,
    /// Why it cannot be found.
    #[expect(dead_code, reason = "shown if the entry is stale")]
    why: &'static str,
}

/// How often a lie is told.
#[derive(Debug, PartialEq, Eq)]
enum Times {
    /// Once is enough.
    Once,
    /// Each time that the same request is repeated.
    Always,
}

impl Trusted {
    /// Whether this is about a lie in a run of this scenario.
    pub(super) fn covers(&self, scenario: &str, request: &str, lie: &str, always: bool) -> bool {
        let is_scenario = self.scenarios.is_empty() || self.scenarios.contains(&scenario);
        let is_told = always || self.told == Times::Once;
        is_scenario && is_told && self.request == request && self.lies.contains(&lie)
    }
}

pub(super) const TRUSTED: [Trusted; 10] = [
    Trusted {
        scenarios: &[],
        request: "HEAD source tag",
        lies: &["stale", "digest of another image", "digest of another list"],
        told: Times::Once,
        why: "a tag may name any manifest, and only this answer says which one",
    },
    Trusted {
        scenarios: &["missing is skipped"],
        request: "HEAD source tag",
        lies: &["404"],
        told: Times::Once,
        why: "a member that does not exist is left out",
    },
    Trusted {
        scenarios: &["attested"],
        request: "referrers",
        lies: &["404", "none", "stale"],
        told: Times::Once,
        why: "only the registry knows what has the image as its subject",
    },
    Trusted {
        scenarios: &[],
        request: "PUT tag",
        lies: &["not stored", "not stored, lax"],
        told: Times::Once,
        why: "the answer names the digest that was sent, so the tag is not read again",
    },
    Trusted {
        scenarios: &[],
        request: "PUT child",
        lies: &["not stored, lax"],
        told: Times::Once,
        why: "the registry accepts a list without its children, so no answer says that a child is missing",
    },
    Trusted {
        scenarios: &[],
        request: "mount",
        lies: &["not stored, lax"],
        told: Times::Once,
        why: "the registry accepts an image without its blobs, so no answer says that a blob is missing",
    },
    Trusted {
        scenarios: &[],
        request: "upload",
        lies: &["not stored, lax"],
        told: Times::Once,
        why: "the registry accepts an image without its blobs, so no answer says that a blob is missing",
    },
    Trusted {
        scenarios: &[],
        request: "HEAD blob",
        lies: &["found, lax"],
        told: Times::Once,
        why: "the registry accepts an image without its blobs, so no answer says that a blob is missing",
    },
    Trusted {
        scenarios: &["newest stays"],
        request: "tags",
        lies: &["without a version"],
        told: Times::Always,
        why: "only the list of tags says that a newer version exists",
    },
    Trusted {
        scenarios: &["keep, several writers"],
        request: "tags",
        lies: &["stale", "without a version"],
        told: Times::Always,
        why: "only the list of tags says that another writer has pushed a member that is not in the list yet",
    },
];
