//! Manifest lists and image indexes (image-spec image-index.md; Docker manifest list v2).

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::digest::DigestError;
use super::manifest::{null_as_none, read};
use super::{Descriptor, Digest, MalformedJson, MediaType, Payload, Platform};

/// A manifest list or image index: a list of images, one per platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// [`MediaType::OciIndex`] or [`MediaType::DockerList`].
    pub media_type: MediaType,
    /// The artifact type, if this is not a plain list of images (OCI only).
    pub artifact_type: Option<String>,
    /// The entries. Clients search them in this order.
    pub entries: Vec<Entry>,
    /// The digest of the manifest that this index refers to (OCI only).
    pub subject: Option<Digest>,
    /// The annotations of the index (OCI only).
    pub annotations: BTreeMap<String, String>,
}

/// One entry of an [`Index`]: the descriptor of a child and its metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The descriptor of the child.
    pub descriptor: Descriptor,
    /// The platform of the child, if the entry names one.
    pub platform: Option<Platform>,
    /// The annotations of the descriptor, not of the image.
    pub annotations: BTreeMap<String, String>,
    /// The artifact type of the child, if it is not an image.
    pub artifact_type: Option<String>,
    /// Other URLs from which the child can be downloaded.
    pub urls: Vec<String>,
}

impl Entry {
    /// Creates a plain entry: a manifest and its platform.
    #[must_use]
    pub fn new(descriptor: Descriptor, platform: Platform) -> Self {
        let (annotations, artifact_type, urls) = Default::default();
        Self { descriptor, platform: Some(platform), annotations, artifact_type, urls }
    }

    /// Creates the entry of an attestation, a manifest that states how the image with digest `image` was built or what
    /// it contains. BuildKit stores attestations next to the image.
    ///
    /// The platform is `unknown/unknown`. No machine has this platform, so no client runs the attestation.
    #[must_use]
    pub fn attestation(descriptor: Descriptor, image: &Digest) -> Self {
        let unknown = Platform { os: "unknown".into(), architecture: "unknown".into(), ..Platform::default() };
        let mut entry = Self::new(descriptor, unknown);
        entry.annotations.insert(ATTESTED.into(), image.to_string());
        entry.annotations.insert("vnd.docker.reference.type".into(), "attestation-manifest".into());
        entry
    }

    /// Creates the entry of a manifest as a registry lists it among the referrers of `subject` (distribution-spec
    /// "Listing Referrers"), from its bytes. `None` if `subject` is not the manifest's subject.
    #[must_use]
    pub fn referrer(payload: &Payload, subject: &Digest) -> Option<Self> {
        let fields: Map<String, Value> = serde_json::from_slice(payload.bytes()).ok()?;
        let named = Digest::parse(fields.get("subject")?.get("digest")?.as_str()?).ok()?;
        // If the manifest has no artifact type of its own, the media type of its config is used.
        let own = fields.get("artifactType").and_then(Value::as_str).filter(|own| !own.is_empty());
        let kind = own.or_else(|| fields.get("config")?.get("mediaType")?.as_str());
        let annotations = fields.get("annotations").cloned().and_then(|map| serde_json::from_value(map).ok());
        (named == *subject).then(|| Self {
            descriptor: payload.descriptor().clone(),
            platform: None,
            annotations: annotations.unwrap_or_default(),
            artifact_type: kind.map(str::to_owned),
            urls: Vec::new(),
        })
    }

    /// Returns the digest of the image that this entry is an attestation of, as it is written in the annotation. `None`
    /// if the entry is not an attestation.
    #[must_use]
    pub fn attested(&self) -> Option<&str> {
        let is_for_no_machine = self.platform.as_ref().is_none_or(Platform::is_unknown);
        self.annotations.get(ATTESTED).filter(|_| is_for_no_machine).map(String::as_str)
    }
}

/// Which of the manifests are wanted that refer to another one by their `subject`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ReferrerFilter {
    /// The attestations of an image.
    Attestations,
    /// All of them.
    All,
}

impl ReferrerFilter {
    /// The artifact type that they must have. `None` if it does not matter.
    #[must_use]
    pub fn artifact_type(self) -> Option<&'static str> {
        match self {
            Self::Attestations => Some(ATTESTATION_TYPE),
            Self::All => None,
        }
    }
}

/// The artifact type of an attestation that is found by its `subject`.
pub const ATTESTATION_TYPE: &str = "application/vnd.docker.attestation.manifest.v1+json";

/// The annotation in which an attestation names its image (BuildKit, attestation-storage.md).
const ATTESTED: &str = "vnd.docker.reference.digest";

impl Index {
    /// Creates a plain list of `entries`, without other metadata.
    #[must_use]
    pub fn new(media_type: MediaType, entries: Vec<Entry>) -> Self {
        Self { media_type, artifact_type: None, entries, subject: None, annotations: BTreeMap::new() }
    }

    /// Parses the bytes of a list. Its media type is the one that the payload was served with.
    ///
    /// # Errors
    /// Returns an error if the bytes are not a manifest list or image index.
    pub fn parse(payload: &Payload) -> Result<Self, MalformedJson> {
        let wire: IndexWire = read("manifest list", payload.bytes())?;
        let digest = |text: &str| {
            Digest::parse(text).map_err(|error| MalformedJson { what: "manifest list", why: error.to_string() })
        };
        let entry = |wire: EntryWire| {
            Ok(Entry {
                descriptor: Descriptor {
                    media_type: MediaType::parse(&wire.media_type),
                    digest: digest(&wire.digest)?,
                    size: wire.size,
                },
                platform: wire.platform,
                annotations: wire.annotations,
                artifact_type: wire.artifact_type,
                urls: wire.urls,
            })
        };
        Ok(Self {
            media_type: payload.media_type().clone(),
            artifact_type: wire.artifact_type,
            entries: wire.manifests.into_iter().map(entry).collect::<Result<_, _>>()?,
            subject: wire.subject.map(|subject| digest(&subject.digest)).transpose()?,
            annotations: wire.annotations,
        })
    }

    /// Parses an index of referrers, and returns only the entries with this artifact type, or all without one. They have
    /// no platforms and no annotations. Nothing else of the index is kept.
    ///
    /// # Errors
    /// Returns an error if the bytes are not an image index.
    pub fn referrers(payload: &Payload, artifact_type: Option<&str>) -> Result<Vec<Entry>, MalformedJson> {
        let wire: ReferrersWire<'_> = read("manifest list", payload.bytes())?;
        let malformed = |error: DigestError| MalformedJson { what: "manifest list", why: error.to_string() };
        let mut found = Vec::new();
        for entry in wire.manifests {
            let digest = Digest::parse(&entry.digest).map_err(malformed)?;
            if artifact_type.is_none_or(|wanted| entry.artifact_type.as_deref() == Some(wanted)) {
                let media_type = MediaType::parse(entry.media_type.as_deref().unwrap_or_default());
                let descriptor = Descriptor { media_type, digest, size: entry.size };
                let artifact_type = entry.artifact_type.map(Cow::into_owned);
                let (annotations, urls) = Default::default();
                found.push(Entry { descriptor, platform: None, annotations, artifact_type, urls });
            }
        }
        Ok(found)
    }

    /// Encodes this list as JSON: indented by two spaces, keys in the order of the image-spec, annotations sorted by
    /// key.
    ///
    /// This format must never change: the same list must have the same bytes on every machine and in every release.
    /// Otherwise each new release would have to read every published list once more.
    #[must_use]
    pub fn encode(&self) -> Payload {
        let wire = IndexWire {
            schema_version: 2,
            media_type: self.media_type.as_str().to_owned(),
            artifact_type: self.artifact_type.clone(),
            manifests: self.entries.iter().map(EntryWire::from).collect(),
            // A subject is parsed for comparison only; mlist never writes one.
            subject: None,
            annotations: self.annotations.clone(),
        };
        // Strings, numbers and maps with string keys cannot fail to serialize.
        let bytes = serde_json::to_vec_pretty(&wire).unwrap_or_default();
        Payload::new(self.media_type.clone(), bytes.into())
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct IndexWire {
    #[serde(default)]
    schema_version: u32,
    #[serde(default, deserialize_with = "null_as_none")]
    media_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    artifact_type: Option<String>,
    #[serde(deserialize_with = "null_as_none")]
    manifests: Vec<EntryWire>,
    #[serde(default, skip_serializing)]
    subject: Option<SubjectWire>,
    #[serde(default, deserialize_with = "null_as_none", skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct EntryWire {
    #[serde(default, deserialize_with = "null_as_none")]
    media_type: String,
    digest: String,
    size: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    platform: Option<Platform>,
    #[serde(default, deserialize_with = "null_as_none", skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    artifact_type: Option<String>,
    #[serde(default, deserialize_with = "null_as_none", skip_serializing_if = "Vec::is_empty")]
    urls: Vec<String>,
}

/// The parts of an index of referrers that are used, borrowed from its bytes.
#[derive(Deserialize)]
struct ReferrersWire<'b> {
    #[serde(borrow, deserialize_with = "null_as_none")]
    manifests: Vec<ReferrerWire<'b>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReferrerWire<'b> {
    #[serde(default, borrow)]
    media_type: Option<Cow<'b, str>>,
    #[serde(borrow)]
    digest: Cow<'b, str>,
    size: u64,
    #[serde(default, borrow)]
    artifact_type: Option<Cow<'b, str>>,
}

#[derive(Deserialize)]
struct SubjectWire {
    digest: String,
}

impl From<&Entry> for EntryWire {
    fn from(entry: &Entry) -> Self {
        Self {
            media_type: entry.descriptor.media_type.as_str().to_owned(),
            digest: entry.descriptor.digest.to_string(),
            size: entry.descriptor.size,
            platform: entry.platform.clone(),
            annotations: entry.annotations.clone(),
            artifact_type: entry.artifact_type.clone(),
            urls: entry.urls.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index() -> Index {
        let descriptor = Descriptor { media_type: MediaType::OciManifest, digest: Digest::of(b"a"), size: 527 };
        let mut windows = Platform::parse("windows/amd64").unwrap();
        windows.os_version = Some("10.0.17763.6532".into());
        windows.os_features = vec!["win32k".into()];
        let mut index = Index::new(
            MediaType::OciIndex,
            vec![
                Entry::new(descriptor.clone(), Platform::parse("linux/arm/v7").unwrap()),
                Entry::new(descriptor, windows),
            ],
        );
        index.annotations.insert("b".into(), "2".into());
        index.annotations.insert("a".into(), "1".into());
        index
    }

    #[test]
    fn the_bytes_are_frozen() {
        insta::assert_snapshot!(String::from_utf8_lossy(index().encode().bytes()), @r#"
        {
          "schemaVersion": 2,
          "mediaType": "application/vnd.oci.image.index.v1+json",
          "manifests": [
            {
              "mediaType": "application/vnd.oci.image.manifest.v1+json",
              "digest": "sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb",
              "size": 527,
              "platform": {
                "architecture": "arm",
                "os": "linux",
                "variant": "v7"
              }
            },
            {
              "mediaType": "application/vnd.oci.image.manifest.v1+json",
              "digest": "sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb",
              "size": 527,
              "platform": {
                "architecture": "amd64",
                "os": "windows",
                "os.version": "10.0.17763.6532",
                "os.features": [
                  "win32k"
                ]
              }
            }
          ],
          "annotations": {
            "a": "1",
            "b": "2"
          }
        }
        "#);
    }

    #[test]
    fn reads_what_it_writes() {
        assert_eq!(Index::parse(&index().encode()).unwrap(), index());
    }

    #[test]
    fn null_is_nothing_as_go_writes_it() {
        let read = |text: &str| Index::parse(&Payload::new(MediaType::OciIndex, text.to_owned().into())).unwrap();
        let plain =
            format!(r#"{{"digest":"{}","size":1,"platform":{{"os":"linux","architecture":"arm"}}}}"#, Digest::of(b"a"));
        let nulls = plain.replace(r#""arm""#, r#""arm","variant":null,"os.version":null,"os.features":null"#);
        let nulls = nulls.replace(r#""size":1"#, r#""size":1,"annotations":null,"urls":null,"artifactType":null"#);
        let with = |fields: &str, entry: &str| read(&format!(r#"{{{fields}"manifests":[{entry}]}}"#));
        assert_eq!(with(r#""annotations":null,"subject":null,"artifactType":null,"#, &nulls), with("", &plain));
        assert_eq!(read(r#"{"manifests":null}"#).entries, []);
    }

    #[test]
    fn refuses_what_is_no_list() {
        for text in ["", "[]", "{}", r#"{"manifests":[{"digest":"x","size":1}]}"#] {
            let payload = Payload::new(MediaType::OciIndex, text.as_bytes().to_vec().into());
            assert!(Index::parse(&payload).is_err(), "{text}");
        }
    }
}
