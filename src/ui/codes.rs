//! [`CODES`]: every code of a problem that is not of manifests.toml; those of the file are in
//! [`config::codes`](crate::config::codes). Each is a promise, and a test finds what is said without standing here.

/// A code and what it means, in one sentence.
pub const CODES: &[(&str, &str)] = &[
    ("mlist::cli::no_threads", "the machine gives no threads to work with"),
    ("mlist::exec::bad_manifest", "the manifest of a member that is to be copied can't be read"),
    ("mlist::exec::member_gone", "a member that was there when it was planned is gone"),
    ("mlist::exec::moved_meanwhile", "a tag was moved by someone else after it was planned, and is left alone"),
    ("mlist::exec::stopped", "the run was stopped before a registry had answered"),
    ("mlist::plan::config_says_more", "a warning: an image's config names a variant or version that is not declared"),
    ("mlist::plan::member_absent", "a member is not there"),
    ("mlist::plan::member_damaged", "a member is there, and its manifest or config is not"),
    ("mlist::plan::member_is_index", "a member is a list itself"),
    ("mlist::plan::mismatch", "an image is for another platform than the one that is declared"),
    ("mlist::plan::not_an_image", "a member is something else than an image"),
    ("mlist::plan::platform_twice", "two members of a list turn out to be for one platform"),
    ("mlist::plan::schema1", "a member has Docker's first form of a manifest, which no list can name"),
    ("mlist::plan::unreadable_manifest", "the manifest or config of a member can't be read"),
    ("mlist::registry::certificate", "a file of certificates or keys can't be used"),
    ("mlist::registry::content_unknown", "a registry does not see members or blobs that were pushed to it"),
    ("mlist::registry::credentials", "a credential helper, file or variable can't be used"),
    ("mlist::registry::denied", "the credentials have no right to do this"),
    ("mlist::registry::immutable", "a registry refuses to move a tag, or to write it again"),
    ("mlist::registry::layout", "a file of an OCI image layout can't be read or written"),
    ("mlist::registry::not_a_registry", "an answer that no registry gives: a login page, an error of a proxy"),
    ("mlist::registry::not_found", "a repository or blob that is needed is not there"),
    ("mlist::registry::rate_limited", "a registry takes no more for now, or gives out no more images"),
    ("mlist::registry::refused", "a registry refuses what was asked: its rules or limits forbid it"),
    ("mlist::registry::server", "a registry or token server failed, as often as it was asked"),
    (
        "mlist::registry::tls",
        "a TLS connection can't be made: a certificate is not trusted, over, missing or of another name",
    ),
    ("mlist::registry::too_large", "more bytes or tags than are read, or than the registry takes"),
    ("mlist::registry::unauthorized", "a registry asks for credentials, or does not accept those it got"),
    ("mlist::registry::unreachable", "no connection to a registry, or no answer from it"),
    (
        "mlist::registry::wrong_digest",
        "a registry sent bytes that are not what was asked for; nothing of them was used",
    ),
    ("mlist::ui::unwritable", "a file of the answer can't be written"),
];
