//! Manifest lists and image indexes (image-spec image-index.md; Docker manifest list v2).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::manifest::{null_as_none, read};
use super::{Descriptor, Digest, MalformedJson, MediaType, Payload, Platform};

/// A list of images, one per platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// [`MediaType::OciIndex`] or [`MediaType::DockerList`].
    pub media_type: MediaType,
    /// What it is, where it is no plain list of images (OCI only).
    pub artifact_type: Option<String>,
    /// The members; their order is the order in which clients look.
    pub entries: Vec<Entry>,
    /// The manifest it speaks of (OCI only).
    pub subject: Option<Digest>,
    /// OCI only.
    pub annotations: BTreeMap<String, String>,
}

/// One member of an [`Index`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Which manifest.
    pub descriptor: Descriptor,
    /// For which machine.
    pub platform: Option<Platform>,
    /// Of the descriptor, not of the image.
    pub annotations: BTreeMap<String, String>,
    /// What the manifest is, where it is no image.
    pub artifact_type: Option<String>,
    /// Other places of the manifest.
    pub urls: Vec<String>,
}

impl Entry {
    /// A plain member: a manifest and its platform.
    #[must_use]
    pub fn new(descriptor: Descriptor, platform: Platform) -> Self {
        let (annotations, artifact_type, urls) = Default::default();
        Self { descriptor, platform: Some(platform), annotations, artifact_type, urls }
    }

    /// What says how the image of this digest was built or what is in it, as BuildKit stores it beside the image: for
    /// a machine that does not exist, so that none runs it.
    #[must_use]
    pub fn attestation(descriptor: Descriptor, image: &Digest) -> Self {
        let unknown = Platform { os: "unknown".into(), architecture: "unknown".into(), ..Platform::default() };
        let mut entry = Self::new(descriptor, unknown);
        entry.annotations.insert(ATTESTED.into(), image.to_string());
        entry.annotations.insert("vnd.docker.reference.type".into(), "attestation-manifest".into());
        entry
    }

    /// The digest of the image that this is an attestation of, as it is written; none for an image.
    #[must_use]
    pub fn attested(&self) -> Option<&str> {
        let is_for_no_machine = self.platform.as_ref().is_none_or(Platform::is_unknown);
        self.annotations.get(ATTESTED).filter(|_| is_for_no_machine).map(String::as_str)
    }
}

/// The annotation by which an attestation names its image (BuildKit, attestation-storage.md).
const ATTESTED: &str = "vnd.docker.reference.digest";

impl Index {
    /// A plain list of `entries`.
    #[must_use]
    pub fn new(media_type: MediaType, entries: Vec<Entry>) -> Self {
        Self { media_type, artifact_type: None, entries, subject: None, annotations: BTreeMap::new() }
    }

    /// Reads the bytes of a list; its type is what the payload was served as.
    ///
    /// # Errors
    /// Bytes that are no list.
    pub fn parse(payload: &Payload) -> Result<Self, MalformedJson> {
        let wire: IndexWire = read("index", payload.bytes())?;
        let digest =
            |text: &str| Digest::parse(text).map_err(|error| MalformedJson { what: "index", why: error.to_string() });
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

    /// The bytes of this list: two-space JSON, keys in the order of the image-spec, annotations sorted.
    ///
    /// Frozen: the same list has the same bytes on every machine and in every release, or each published list would
    /// be read once more by every new one.
    #[must_use]
    pub fn encode(&self) -> Payload {
        let wire = IndexWire {
            schema_version: 2,
            media_type: self.media_type.as_str().to_owned(),
            artifact_type: self.artifact_type.clone(),
            manifests: self.entries.iter().map(EntryWire::from).collect(),
            // A subject is read for comparison; mlist writes none.
            subject: None,
            annotations: self.annotations.clone(),
        };
        // Texts, numbers and maps with text keys can't fail to become JSON.
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
