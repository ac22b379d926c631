//! The content of a layout's files: `oci-layout`, `index.json`, and the type of a manifest.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::oci::{Descriptor, Digest, MediaType, Tag};

use super::{Disk, ErrorKind, MANIFEST_LIMIT, fault, files};

/// The file that marks a folder as a layout.
pub(super) const MARKER: &str = "oci-layout";
/// Its content.
pub(super) const MARKER_TEXT: &str = r#"{"imageLayoutVersion":"1.0.0"}"#;
/// The file that names the manifests of a layout.
pub(super) const INDEX: &str = "index.json";
/// An `index.json` without manifests.
pub(super) const EMPTY_INDEX: &str =
    r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;

/// The annotation of a descriptor in `index.json` that contains its tag (image-spec annotations.md).
const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// The content of `index.json`. Unknown fields are kept, so that writing a tag changes nothing else.
pub(super) struct IndexJson {
    fields: Map<String, Value>,
    entries: Vec<Value>,
}

impl IndexJson {
    /// Reads the layout's `index.json`. `None` if the folder is not a layout.
    ///
    /// # Errors
    /// Fails if `oci-layout` or `index.json` is malformed, or if only one of them exists. An `index.json` without
    /// manifests does not count: a run that was killed while it created a layout leaves it.
    pub(super) fn read(root: &Path) -> Disk<Option<Self>> {
        let path = root.join(MARKER);
        let Some(marker) = files::read_file(&path, MANIFEST_LIMIT)? else {
            // A directory that is not a layout can have an `index.json` of any kind.
            return match Self::read_index(root) {
                Ok(Some(index)) if !index.entries.is_empty() => Err(fault(&path, "is missing")),
                _ => Ok(None),
            };
        };
        let version = object(&path, &marker)?.remove("imageLayoutVersion");
        if !version.as_ref().and_then(Value::as_str).is_some_and(|version| version.starts_with("1.")) {
            return Err(fault(&path, "has an unsupported imageLayoutVersion: expected \"1.0.0\""));
        }

        Self::read_index(root)?.map(Some).ok_or_else(|| fault(&root.join(INDEX), "is missing"))
    }

    /// Reads `index.json` alone. `None` if it does not exist.
    fn read_index(root: &Path) -> Disk<Option<Self>> {
        let path = root.join(INDEX);
        let Some(bytes) = files::read_file(&path, MANIFEST_LIMIT)? else { return Ok(None) };
        let mut fields = object(&path, &bytes)?;
        let entries = match fields.remove("manifests") {
            Some(Value::Array(entries)) => entries,
            // Go writes an empty array as `null`.
            Some(Value::Null) => Vec::new(),
            _ => return Err(fault(&path, "has no array `manifests`")),
        };
        Ok(Some(Self { fields, entries }))
    }

    /// Returns the digest that `tag` names.
    ///
    /// Several entries with this tag are valid if they name the same manifest: BuildKit writes one entry for each name
    /// of an image.
    ///
    /// # Errors
    /// Fails if entries with this tag name different manifests, or if one has no digest.
    pub(super) fn tagged(&self, tag: &Tag) -> Disk<Option<Digest>> {
        let mut found: Option<Digest> = None;
        for entry in self.entries.iter().filter(|entry| tag_of(entry) == Some(tag.as_str())) {
            let digest = digest_of(entry)
                .ok_or_else(|| ErrorKind::Layout(format!("the entry of {tag} in {INDEX} has no digest").into()))?;
            match &found {
                Some(other) if *other != digest => {
                    let both = format!("{INDEX} has two entries tagged {tag}: {other} and {digest}");
                    return Err(ErrorKind::Layout(both.into()));
                }
                _ => found = Some(digest),
            }
        }
        Ok(found)
    }

    /// Returns all valid tags.
    pub(super) fn tags(&self) -> BTreeSet<Tag> {
        self.entries.iter().filter_map(tag_of).filter_map(|tag| Tag::parse(tag).ok()).collect()
    }

    /// Returns all names, sorted and without duplicates. A name is a tag, or any other text.
    pub(super) fn names(&self) -> Vec<String> {
        let names: BTreeSet<&str> = self.entries.iter().filter_map(tag_of).collect();
        names.into_iter().map(str::to_owned).collect()
    }

    /// Returns the digests of all manifests that it names, without duplicates.
    pub(super) fn digests(&self) -> BTreeSet<Digest> {
        self.entries.iter().filter_map(digest_of).collect()
    }

    /// Returns the media type in the entry for `digest`.
    pub(super) fn type_of(&self, digest: &Digest) -> Option<MediaType> {
        let entry = self.entries.iter().find(|entry| digest_of(entry).as_ref() == Some(digest))?;
        entry.get("mediaType").and_then(Value::as_str).map(MediaType::parse)
    }

    /// Sets `tag` to `descriptor`. An existing tag keeps its position.
    pub(super) fn set(&mut self, tag: &Tag, descriptor: &Descriptor) {
        let new = json!({
            "mediaType": descriptor.media_type.as_str(),
            "digest": descriptor.digest.as_str(),
            "size": descriptor.size,
            "annotations": { REF_NAME: tag.as_str() },
        });
        let is_tagged = |entry: &Value| tag_of(entry) == Some(tag.as_str());
        let at = self.entries.iter().position(is_tagged).unwrap_or(self.entries.len());
        self.entries.retain(|entry| !is_tagged(entry));
        self.entries.insert(at, new);
    }

    /// Returns the bytes of the file.
    pub(super) fn encode(mut self) -> Vec<u8> {
        self.fields.insert("manifests".to_owned(), Value::Array(self.entries));
        // A map with string keys can always be written as JSON.
        serde_json::to_vec_pretty(&self.fields).unwrap_or_default()
    }
}

/// Returns the media type of a manifest: its own `mediaType` field, or else the type `listed` in `index.json`, or else
/// the type that its fields suggest. `None` if it is not a manifest.
pub(super) fn manifest_type(bytes: &[u8], listed: Option<MediaType>) -> Option<MediaType> {
    let Ok(fields) = serde_json::from_slice::<Map<String, Value>>(bytes) else { return listed };
    if let Some(own) = fields.get("mediaType").and_then(Value::as_str) {
        return Some(MediaType::parse(own));
    }
    let has = |name: &str, is: fn(&Value) -> bool| fields.get(name).is_some_and(is);
    listed.or(match () {
        () if has("manifests", Value::is_array) => Some(MediaType::OciIndex),
        () if has("config", Value::is_object) && has("layers", Value::is_array) => Some(MediaType::OciManifest),
        () if has("fsLayers", Value::is_array) => {
            Some(MediaType::parse("application/vnd.docker.distribution.manifest.v1+json"))
        }
        () => None,
    })
}

fn object(path: &Path, bytes: &[u8]) -> Disk<Map<String, Value>> {
    serde_json::from_slice(bytes).map_err(|error| fault(path, format_args!("is not a JSON object: {error}")))
}

fn tag_of(entry: &Value) -> Option<&str> {
    entry.get("annotations")?.get(REF_NAME)?.as_str()
}

fn digest_of(entry: &Value) -> Option<Digest> {
    Digest::parse(entry.get("digest")?.as_str()?).ok()
}
