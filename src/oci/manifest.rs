//! Descriptors, payloads, and the parts of image manifests and image configs that mlist reads.

use bytes::Bytes;
use serde::{Deserialize, Deserializer};

use super::{Digest, MediaType, Platform};

/// A descriptor: what a registry claims about a manifest or blob (image-spec descriptor.md). The claim is not verified
/// until the bytes are read.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Descriptor {
    /// The media type of the bytes.
    pub media_type: MediaType,
    /// The digest of the bytes.
    pub digest: Digest,
    /// The number of bytes.
    pub size: u64,
}

/// The unmodified bytes of a manifest or config, with their digest.
#[derive(Clone, PartialEq, Eq)]
pub struct Payload {
    descriptor: Descriptor,
    bytes: Bytes,
}

/// The error for JSON that does not match its media type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid {what}: {why}")]
pub struct MalformedJson {
    /// What was parsed: `image manifest`, `image config`, `manifest list`.
    pub what: &'static str,
    /// Why it could not be parsed.
    pub why: String,
}

impl Payload {
    /// Creates a payload from `bytes`, which are kept unchanged. Computes their size and their sha256 digest.
    #[must_use]
    pub fn new(media_type: MediaType, bytes: Bytes) -> Self {
        let digest = Digest::of(&bytes);
        Self { descriptor: Descriptor { media_type, digest, size: bytes.len() as u64 }, bytes }
    }

    /// Creates a payload from `bytes`, which must have `digest`.
    ///
    /// # Errors
    /// Returns the actual digest of the bytes if it differs from `digest`.
    pub fn verified(media_type: MediaType, bytes: Bytes, digest: &Digest) -> Result<Self, Digest> {
        let mut verifier = digest.verifier();
        verifier.update(&bytes);
        verifier.finish()?;
        Ok(Self { descriptor: Descriptor { media_type, digest: digest.clone(), size: bytes.len() as u64 }, bytes })
    }

    /// The media type, digest and size of the bytes.
    #[must_use]
    pub fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    /// The media type of the bytes.
    #[must_use]
    pub fn media_type(&self) -> &MediaType {
        &self.descriptor.media_type
    }

    /// The digest of the bytes.
    #[must_use]
    pub fn digest(&self) -> &Digest {
        &self.descriptor.digest
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }
}

impl std::fmt::Debug for Payload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} ({} bytes)", self.descriptor.media_type, self.descriptor.digest, self.descriptor.size)
    }
}

/// The parts of an image manifest that are needed to copy and check the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageManifest {
    /// The config blob.
    pub config: Descriptor,
    /// The layer blobs, in order.
    pub layers: Vec<Layer>,
}

/// One layer of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// The descriptor of the layer blob.
    pub descriptor: Descriptor,
    /// Whether the blob may be missing from the registry: the layer names other URLs for it (`urls`) and has a foreign
    /// or nondistributable media type. The base layers of Windows images were such layers.
    pub is_foreign: bool,
}

impl ImageManifest {
    /// Parses an OCI image manifest or a Docker v2 image manifest. Both have the same structure.
    ///
    /// # Errors
    /// Returns an error if the bytes are not such a manifest.
    pub fn parse(payload: &Payload) -> Result<Self, MalformedJson> {
        let wire: ManifestWire = read("image manifest", payload.bytes())?;
        Ok(Self {
            config: wire.config.descriptor("image manifest")?,
            layers: wire.layers.into_iter().map(DescriptorWire::layer).collect::<Result<_, _>>()?,
        })
    }

    /// Returns the config and the layers: all blobs that a repository must contain before it accepts this manifest.
    /// Foreign layers are excluded.
    pub fn blobs(&self) -> impl Iterator<Item = &Descriptor> {
        let layers = self.layers.iter().filter(|layer| !layer.is_foreign).map(|layer| &layer.descriptor);
        std::iter::once(&self.config).chain(layers)
    }
}

/// The parts of an image config that name its platform (image-spec config.md).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageConfig {
    /// The platform, as written in the config. Fields that are missing in the config are empty.
    pub platform: Platform,
}

impl ImageConfig {
    /// Parses an OCI or Docker image config. The config of an artifact has no platform fields, so its platform is
    /// empty.
    ///
    /// # Errors
    /// Returns an error if the bytes are not a JSON object, or if a platform field does not contain text.
    pub fn parse(bytes: &[u8]) -> Result<Self, MalformedJson> {
        Ok(Self { platform: read("image config", bytes)? })
    }
}

#[derive(Deserialize)]
struct ManifestWire {
    config: DescriptorWire,
    #[serde(default, deserialize_with = "null_as_none")]
    layers: Vec<DescriptorWire>,
}

/// A descriptor in its JSON form.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DescriptorWire {
    #[serde(default, deserialize_with = "null_as_none")]
    media_type: String,
    digest: String,
    size: u64,
    #[serde(default, deserialize_with = "null_as_none")]
    urls: Vec<String>,
}

impl DescriptorWire {
    pub(super) fn descriptor(&self, what: &'static str) -> Result<Descriptor, MalformedJson> {
        let digest = Digest::parse(&self.digest).map_err(|error| MalformedJson { what, why: error.to_string() })?;
        Ok(Descriptor { media_type: MediaType::parse(&self.media_type), digest, size: self.size })
    }

    fn layer(self) -> Result<Layer, MalformedJson> {
        let foreign_type = self.media_type.contains(".foreign.") || self.media_type.contains(".nondistributable.");
        Ok(Layer { descriptor: self.descriptor("image manifest")?, is_foreign: foreign_type && !self.urls.is_empty() })
    }
}

/// Parses JSON. `what` names the expected document in the error.
pub(super) fn read<'b, T: serde::Deserialize<'b>>(what: &'static str, bytes: &'b [u8]) -> Result<T, MalformedJson> {
    let malformed = |why: String| MalformedJson { what, why };
    if bytes.trim_ascii_start().first().is_some_and(|first| *first != b'{') {
        // serde would also accept an array that contains the right values.
        return Err(malformed("expected a JSON object".into()));
    }
    serde_json::from_slice(bytes).map_err(|error| malformed(brief(&error)))
}

/// The maximum length of a serde error message in bytes; the rest is cut off. serde quotes unexpected values in full.
const BRIEF: usize = 200;

fn brief(error: &serde_json::Error) -> String {
    let said = error.to_string().replace("EOF while parsing", "unexpected end of");
    if said.len() <= BRIEF {
        return said;
    }
    format!("{}… at line {} column {}", &said[..said.floor_char_boundary(BRIEF)], error.line(), error.column())
}

/// Deserializes `null` like a missing value: Go writes `null` for an empty list or map.
pub(super) fn null_as_none<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(json: D) -> Result<T, D::Error> {
    Option::deserialize(json).map(Option::unwrap_or_default)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_layers_are_told_apart() {
        let digest = Digest::of(b"x");
        let json = format!(
            r#"{{"config":{{"mediaType":"application/vnd.docker.container.image.v1+json","digest":"{digest}","size":1}},
            "layers":[{{"mediaType":"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip","digest":"{digest}","size":9,"urls":["https://x"]}},
            {{"mediaType":"application/vnd.docker.image.rootfs.diff.tar.gzip","digest":"{digest}","size":3}}]}}"#
        );
        let manifest = ImageManifest::parse(&Payload::new(MediaType::DockerManifest, json.into())).unwrap();
        assert_eq!(manifest.blobs().map(|blob| blob.size).collect::<Vec<_>>(), [1, 3]);
    }

    #[test]
    fn a_config_gives_its_platform() {
        let config = ImageConfig::parse(
            br#"{"architecture":"amd64","os":"windows","os.version":"10.0.17763.1","os.features":["win32k"],"rootfs":{}}"#,
        );
        let platform = config.unwrap().platform;
        assert_eq!(platform.os_version.as_deref(), Some("10.0.17763.1"));
        assert_eq!(platform.os_features, ["win32k"]);
    }

    #[test]
    fn null_is_nothing_as_go_writes_it() {
        let digest = Digest::of(b"x");
        let json =
            format!(r#"{{"config":{{"digest":"{digest}","size":1,"urls":null}},"layers":null,"annotations":null}}"#);
        let manifest = ImageManifest::parse(&Payload::new(MediaType::OciManifest, json.into())).unwrap();
        assert_eq!((manifest.layers.len(), manifest.config.digest), (0, digest));
        let config = ImageConfig::parse(br#"{"architecture":null,"os":null,"os.features":null,"variant":null}"#);
        assert_eq!(config.unwrap().platform, Platform::default());
    }

    #[test]
    fn an_array_is_no_config() {
        for text in ["[]", r#"["amd64","linux"]"#, " [", "null", ""] {
            assert!(ImageConfig::parse(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_malformed_is_not_quoted_whole() {
        let json = format!(r#"{{"architecture":["{0}"],"os":{{"{0}":1}}}}"#, "ä".repeat(1 << 20));
        let said = |json: &str| ImageConfig::parse(json.as_bytes()).unwrap_err().why;
        assert_eq!(said(&json), "invalid type: sequence, expected a string at line 1 column 16");
        let digest = Digest::of(b"x");
        let json = format!(r#"{{"config":{{"digest":"{digest}","size":"{}"}}}}"#, "ä".repeat(1 << 20));
        let why = ImageManifest::parse(&Payload::new(MediaType::OciManifest, json.into())).unwrap_err().why;
        assert!(why.starts_with("invalid type: string \"ää") && why.ends_with("ä… at line 1 column 2097255"), "{why}");
        assert!(why.len() < 300, "{}", why.len());
    }

    #[test]
    fn wrong_bytes_are_refused() {
        let bytes = Bytes::from_static(b"{}");
        assert!(Payload::verified(MediaType::OciManifest, bytes.clone(), &Digest::of(b"other")).is_err());
        assert!(ImageManifest::parse(&Payload::new(MediaType::OciManifest, bytes)).is_err());
    }
}
