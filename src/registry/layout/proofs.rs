//! [`Proofs`]: which blobs of a layout are known to have the right bytes.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use crate::oci::{Descriptor, Digest};
use crate::registry::lock::lock;

use super::{Disk, files};

/// How many bytes are hashed at once.
const PIECE: usize = 128 << 10;

/// The blobs of one layout whose bytes were hashed in this run. Each is hashed once, unless its file has changed since.
#[derive(Debug, Default)]
pub(super) struct Proofs(Mutex<HashMap<Digest, Arc<Mutex<Option<Proof>>>>>);

/// What is known about the file of a blob that has the right bytes.
#[derive(Debug, Clone, Copy)]
struct Proof {
    stamp: Stamp,
    /// Whether the bytes are synced to disk.
    is_synced: bool,
}

/// The state of a file. If it is the same as before, the bytes are too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    size: u64,
    modified: Option<SystemTime>,
}

impl Stamp {
    fn of(file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(Self { size: metadata.len(), modified: metadata.modified().ok() })
    }
}

impl Proofs {
    /// Whether the layout at `root` has `blob`, with the right size and the right bytes.
    ///
    /// # Errors
    /// Fails if the file cannot be read.
    pub(super) fn has(&self, root: &Path, blob: &Descriptor) -> Disk<bool> {
        Ok(self.prove(root, blob)?.is_some())
    }

    /// Like [`has`](Self::has), and syncs the file to disk, because the blob will be named. Another program may have
    /// written it.
    pub(super) fn has_synced(&self, root: &Path, blob: &Descriptor) -> Disk<bool> {
        let Some(file) = self.prove(root, blob)? else { return Ok(false) };
        let proof = self.of(&blob.digest);
        let mut proof = lock(&proof);
        if let Some(proof) = proof.as_mut().filter(|proof| !proof.is_synced) {
            files::sync_existing(&file, &files::blob_path(root, &blob.digest))?;
            proof.is_synced = true;
        }
        Ok(true)
    }

    /// Returns the file of `blob` if its bytes are right.
    fn prove(&self, root: &Path, blob: &Descriptor) -> Disk<Option<File>> {
        let Some((mut file, size)) = files::open_blob(root, &blob.digest)? else { return Ok(None) };
        if size != blob.size {
            return Ok(None);
        }
        let failed = |error: io::Error| files::unreadable(&files::blob_path(root, &blob.digest), &error);
        let proof = self.of(&blob.digest);
        // Held while the file is hashed, so that others do not hash it too.
        let mut proof = lock(&proof);
        let stamp = Stamp::of(&file).map_err(failed)?;
        if proof.is_none_or(|proof| proof.stamp != stamp) {
            let is_right = matches(&mut file, &blob.digest).map_err(failed)?;
            *proof = is_right.then_some(Proof { stamp, is_synced: false });
        }
        Ok(proof.is_some().then_some(file))
    }

    /// Records that `file` has the bytes of `digest`, and is synced.
    pub(super) fn add(&self, digest: &Digest, file: &File) {
        *lock(&self.of(digest)) = Stamp::of(file).ok().map(|stamp| Proof { stamp, is_synced: true });
    }

    fn of(&self, digest: &Digest) -> Arc<Mutex<Option<Proof>>> {
        Arc::clone(lock(&self.0).entry(digest.clone()).or_default())
    }
}

fn matches(file: &mut File, digest: &Digest) -> io::Result<bool> {
    #[cfg(test)]
    files::journal::add(files::journal::Step::Hash, Path::new(digest.hex()));
    let mut verifier = digest.verifier();
    let mut piece = vec![0; PIECE];
    loop {
        match file.read(&mut piece) {
            Ok(0) => return Ok(verifier.finish().is_ok()),
            Ok(read) => verifier.update(&piece[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
