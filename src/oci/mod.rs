//! Names and data types of the OCI specifications. This layer does no I/O and sets no policy.
//!
//! | file | holds |
//! |---|---|
//! | [`digest`] | [`Digest`]: `sha256:…` or `sha512:…`, computed and verified |
//! | [`reference`](mod@reference) | [`Reference`], [`Place`], [`Repository`], [`Host`], [`Tag`]: where a manifest is |
//! | [`platform`] | [`Platform`]: `os/arch[/variant]`, parsed and compared |
//! | [`media_type`] | [`MediaType`]: media types of OCI and Docker; unknown types are kept as they are |
//! | [`invisible`] | [`is_invisible`]: characters of foreign text that are never shown; [`excerpt`]: escapes for them |
//! | [`manifest`] | [`Descriptor`], [`Payload`] (bytes with their digest), image manifests and image configs |
//! | [`content`] | [`ManifestContent`]: what an image manifest says about its content, an image or artifact |
//! | [`index`] | [`Index`]: a manifest list or image index, parsed and encoded |
//! | [`layout`] | [`LayoutContents`]: what the directory of an image layout holds |
//!
//! Every constructor validates its input. Bytes that were read are kept unchanged, so a digest is always the digest of
//! those bytes and never of re-serialized JSON.

pub mod content;
pub mod digest;
pub mod index;
pub mod invisible;
pub mod layout;
pub mod manifest;
pub mod media_type;
pub mod platform;
pub mod reference;

pub use content::ManifestContent;
pub use digest::{Digest, DigestError, DigestVerifier};
pub use index::{ATTESTATION_TYPE, Entry, Index, ReferrerFilter};
pub use invisible::{excerpt, is_invisible, quoted_char};
pub use layout::LayoutContents;
pub use manifest::{Descriptor, ImageConfig, ImageManifest, MalformedJson, Payload};
pub use media_type::MediaType;
pub use platform::{Platform, is_plain};
pub use reference::{
    Host, LayoutDir, Locator, Place, Reference, ReferenceError, ReferenceErrorKind, Repository, Tag, written_host,
};
