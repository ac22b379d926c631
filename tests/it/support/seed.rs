//! Pushes into the store of the registry of this process, without requests.

use bytes::Bytes;

use super::images::{Attestation, Image, OCI_MANIFEST};
use super::registry::Store;

/// Pushes an image: its blobs, then its manifest under a tag or its digest.
pub(crate) fn image(store: &mut Store, repository: &str, reference: &str, image: &Image) {
    blobs(store, repository, &image.blobs());
    manifest(store, repository, reference, image.media_type(), image.manifest());
}

/// Pushes an attestation by its digest.
pub(crate) fn attestation(store: &mut Store, repository: &str, attestation: &Attestation) {
    blobs(store, repository, &attestation.blobs());
    manifest(store, repository, &attestation.digest(), OCI_MANIFEST, attestation.manifest());
}

/// Pushes a manifest. The blobs and children that it names must be in the repository.
pub(crate) fn manifest(store: &mut Store, repository: &str, reference: &str, media_type: &str, bytes: &[u8]) {
    let bytes = Bytes::copy_from_slice(bytes);
    store.put_manifest(repository, reference, media_type, bytes).expect("what it names is in the repository");
}

/// Pushes blobs.
fn blobs(store: &mut Store, repository: &str, blobs: &[(String, &[u8])]) {
    for (digest, bytes) in blobs {
        let upload = store.begin_upload(repository);
        store.append(repository, &upload, bytes).expect("the upload exists");
        store.finish_upload(repository, &upload, digest).expect("the bytes have their digest");
    }
}
