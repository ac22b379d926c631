//! [`Store`]: strict repositories in memory.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// Returns the digest of `bytes`: `sha256:…`.
pub(crate) fn digest_of(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    Sha256::digest(bytes).iter().fold("sha256:".to_owned(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes all");
        text
    })
}

/// Whether a media type is that of a list.
pub(crate) fn is_list(media_type: &str) -> bool {
    media_type.contains("image.index") || media_type.contains("manifest.list")
}

/// All repositories.
#[derive(Debug, Clone, Default)]
pub(crate) struct Store {
    repositories: BTreeMap<String, Repository>,
    refusals: Vec<Refusal>,
    sessions: usize,
}

#[derive(Debug, Clone, Default)]
struct Repository {
    blobs: BTreeMap<String, Bytes>,
    manifests: BTreeMap<String, Manifest>,
    tags: BTreeMap<String, String>,
    uploads: BTreeMap<String, Vec<u8>>,
}

/// A manifest as it was pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Manifest {
    /// The digest of exactly these bytes.
    pub(crate) digest: String,
    /// The media type that the client sent.
    pub(crate) media_type: String,
    /// The bytes that the client sent.
    pub(crate) bytes: Bytes,
}

/// A manifest that was refused because a blob or child that it names was not in the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The repository that it was pushed to.
    pub(crate) repository: String,
    /// Its tag or digest.
    pub(crate) reference: String,
    /// Whether it was a list and not an image.
    pub(crate) is_list: bool,
    /// The digests that were not found.
    pub(crate) missing: Vec<String>,
}

/// Why something was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The bytes do not have the digest that they were sent with.
    WrongDigest,
    /// The bytes are not a manifest, or not one of the type that they were sent with.
    Malformed(String),
    /// These digests that it names are not in the repository.
    Unknown(Vec<String>),
    /// The upload does not exist.
    NoUpload,
}

impl Store {
    /// Returns a blob of this repository.
    pub(crate) fn blob(&self, repository: &str, digest: &str) -> Option<&Bytes> {
        self.repositories.get(repository)?.blobs.get(digest)
    }

    /// Returns a manifest of this repository, by tag or digest.
    pub(crate) fn manifest(&self, repository: &str, reference: &str) -> Option<&Manifest> {
        let repository = self.repositories.get(repository)?;
        let digest = repository.tags.get(reference).map_or(reference, String::as_str);
        repository.manifests.get(digest)
    }

    /// Returns the names of all repositories, sorted.
    pub(crate) fn repositories(&self) -> impl Iterator<Item = &str> {
        self.repositories.keys().map(String::as_str)
    }

    /// Returns the manifests of a repository, sorted by digest.
    pub(crate) fn manifests(&self, repository: &str) -> impl Iterator<Item = &Manifest> {
        self.repositories.get(repository).into_iter().flat_map(|repository| repository.manifests.values())
    }

    /// Returns the tags of a repository, sorted. `None` if the repository does not exist.
    pub(crate) fn tags(&self, repository: &str) -> Option<impl Iterator<Item = &str>> {
        Some(self.repositories.get(repository)?.tags.keys().map(String::as_str))
    }

    /// Returns the descriptors of the manifests in a repository whose `subject` is this digest.
    pub(crate) fn referrers(&self, repository: &str, digest: &str) -> Vec<Value> {
        let manifests = self.repositories.get(repository).into_iter().flat_map(|place| place.manifests.values());
        let referrer = |manifest: &Manifest| {
            let fields: Value = serde_json::from_slice(&manifest.bytes).ok()?;
            let kind = fields["artifactType"].as_str().or_else(|| fields["config"]["mediaType"].as_str());
            (fields["subject"]["digest"] == digest).then(|| {
                json!({
                    "mediaType": manifest.media_type, "digest": manifest.digest, "size": manifest.bytes.len(),
                    "artifactType": kind, "annotations": fields["annotations"],
                })
            })
        };
        manifests.filter_map(referrer).collect()
    }

    /// Returns the manifests that were refused so far because of missing blobs or children.
    pub(crate) fn refusals(&self) -> &[Refusal] {
        &self.refusals
    }

    /// Deletes a tag, or a manifest and all its tags. Returns whether it existed.
    pub(crate) fn remove(&mut self, repository: &str, reference: &str) -> bool {
        let Some(repository) = self.repositories.get_mut(repository) else { return false };
        if repository.tags.remove(reference).is_some() {
            return true;
        }
        repository.tags.retain(|_, digest| digest != reference);
        repository.manifests.remove(reference).is_some()
    }

    /// Deletes a blob, whatever names it. Returns whether it existed.
    pub(crate) fn remove_blob(&mut self, repository: &str, digest: &str) -> bool {
        self.repositories.get_mut(repository).is_some_and(|repository| repository.blobs.remove(digest).is_some())
    }

    /// Stores a manifest if its blobs or children exist. Returns its digest.
    pub(crate) fn put_manifest(
        &mut self,
        repository: &str,
        reference: &str,
        media_type: &str,
        bytes: Bytes,
    ) -> Result<String, Refused> {
        let digest = digest_of(&bytes);
        if reference.contains(':') && reference != digest {
            return Err(Refused::WrongDigest);
        }
        let (is_list, needs) = needs(media_type, &bytes)?;
        let place = self.repositories.entry(repository.to_owned()).or_default();
        let stands = |digest: &String| {
            if is_list { place.manifests.contains_key(digest) } else { place.blobs.contains_key(digest) }
        };
        let missing: Vec<String> = needs.into_iter().filter(|digest| !stands(digest)).collect();
        if !missing.is_empty() {
            let (repository, reference) = (repository.to_owned(), reference.to_owned());
            self.refusals.push(Refusal { repository, reference, is_list, missing: missing.clone() });
            return Err(Refused::Unknown(missing));
        }
        Ok(self.put_unchecked(repository, reference, media_type, bytes))
    }

    /// Stores any bytes as a manifest, whatever they refer to. Returns their digest.
    pub(crate) fn put_unchecked(
        &mut self,
        repository: &str,
        reference: &str,
        media_type: &str,
        bytes: Bytes,
    ) -> String {
        let digest = digest_of(&bytes);
        let place = self.repositories.entry(repository.to_owned()).or_default();
        let manifest = Manifest { digest: digest.clone(), media_type: media_type.to_owned(), bytes };
        place.manifests.insert(digest.clone(), manifest);
        if !reference.contains(':') {
            place.tags.insert(reference.to_owned(), digest.clone());
        }
        digest
    }

    /// Adds a blob of one repository to another. Returns whether it existed.
    pub(crate) fn mount(&mut self, repository: &str, digest: &str, from: &str) -> bool {
        let Some(bytes) = self.blob(from, digest).cloned() else { return false };
        self.add_blob(repository, digest, bytes);
        true
    }

    /// Starts an upload. Returns its id.
    pub(crate) fn begin_upload(&mut self, repository: &str) -> String {
        self.sessions += 1;
        let id = format!("session-{}", self.sessions);
        self.repositories.entry(repository.to_owned()).or_default().uploads.insert(id.clone(), Vec::new());
        id
    }

    /// The number of bytes of an upload.
    pub(crate) fn uploaded(&self, repository: &str, id: &str) -> Option<usize> {
        Some(self.repositories.get(repository)?.uploads.get(id)?.len())
    }

    /// Appends to an upload. Returns its new number of bytes.
    pub(crate) fn append(&mut self, repository: &str, id: &str, bytes: &[u8]) -> Option<usize> {
        let upload = self.repositories.get_mut(repository)?.uploads.get_mut(id)?;
        upload.extend_from_slice(bytes);
        Some(upload.len())
    }

    /// Cancels an upload. Returns whether it existed.
    pub(crate) fn cancel_upload(&mut self, repository: &str, id: &str) -> bool {
        self.repositories.get_mut(repository).is_some_and(|repository| repository.uploads.remove(id).is_some())
    }

    /// Finishes an upload: stores its bytes as `digest` if the digest is correct.
    pub(crate) fn finish_upload(&mut self, repository: &str, id: &str, digest: &str) -> Result<(), Refused> {
        let place = self.repositories.get_mut(repository).ok_or(Refused::NoUpload)?;
        let bytes = place.uploads.remove(id).ok_or(Refused::NoUpload)?;
        if digest_of(&bytes) != digest {
            return Err(Refused::WrongDigest);
        }
        self.add_blob(repository, digest, bytes.into());
        Ok(())
    }

    fn add_blob(&mut self, repository: &str, digest: &str, bytes: Bytes) {
        self.repositories.entry(repository.to_owned()).or_default().blobs.insert(digest.to_owned(), bytes);
    }
}

/// Returns whether a manifest is a list, and the digests that must exist before it.
fn needs(media_type: &str, bytes: &[u8]) -> Result<(bool, Vec<String>), Refused> {
    let manifest: Value = serde_json::from_slice(bytes).map_err(|error| Refused::Malformed(error.to_string()))?;
    let stated = manifest["mediaType"].as_str().unwrap_or(media_type);
    if stated != media_type {
        return Err(Refused::Malformed(format!("sent as {media_type}, says it is {stated}")));
    }
    let is_list = is_list(media_type);
    let named: Vec<&Value> = if is_list {
        array(&manifest, "manifests")?.iter().collect()
    } else {
        // Foreign layers (those with `urls`) are not in the registry.
        let layers = array(&manifest, "layers")?.iter().filter(|layer| layer["urls"].is_null());
        std::iter::once(&manifest["config"]).chain(layers).collect()
    };
    let digest = |descriptor: &Value| descriptor["digest"].as_str().map(str::to_owned);
    let digests: Option<Vec<String>> = named.into_iter().map(digest).collect();
    Ok((is_list, digests.ok_or_else(|| Refused::Malformed("a descriptor without digest".to_owned()))?))
}

fn array<'a>(manifest: &'a Value, key: &str) -> Result<&'a Vec<Value>, Refused> {
    manifest[key].as_array().ok_or_else(|| Refused::Malformed(format!("no {key}")))
}
