//! Names and bytes of the OCI world: no I/O, no policy.
//!
//! | file | holds |
//! |---|---|
//! | [`digest`] | [`Digest`]: `sha256:…`, computed and checked |
//! | [`reference`](mod@reference) | [`Reference`], [`Place`], [`Repository`], [`Host`], [`Tag`]: where something is |
//! | [`platform`] | [`Platform`]: `os/arch[/variant]` and how two of them compare |
//! | [`media_type`] | [`MediaType`]: Docker's and OCI's, an open set |
//! | [`manifest`] | [`Descriptor`], [`Payload`] (bytes with their digest), image manifests and configs |
//! | [`index`] | [`Index`]: a manifest list or image index, read and written |
//!
//! Every constructor validates. Bytes that were read are kept as they were: a digest is always the digest of those
//! bytes, never of a re-serialisation.

pub mod digest;
pub mod index;
pub mod manifest;
pub mod media_type;
pub mod platform;
pub mod reference;

pub use digest::{Digest, Verifier};
pub use index::{Entry, Index};
pub use manifest::{Descriptor, ImageConfig, ImageManifest, MalformedJson, Payload};
pub use media_type::MediaType;
pub use platform::Platform;
pub use reference::{Host, LayoutDir, Locator, Place, Reference, ReferenceError, Repository, Tag};
