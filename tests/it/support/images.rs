//! Small images, and lists of them as other tools write them.

use std::path::Path;

use serde_json::{Value, json};

use super::registry::store::digest_of;

/// The media types to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// The types of Docker, schema 2.
    Docker,
    /// The types of the image-spec.
    Oci,
}

/// The media type of an image manifest.
pub(crate) const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
pub(crate) const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// The media type of a list.
pub(crate) const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
pub(crate) const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// An image with one layer, or more in a layout.
#[derive(Debug, Clone)]
pub(crate) struct Image {
    dialect: Dialect,
    platform: Value,
    layer: Vec<u8>,
    more_layers: Vec<Vec<u8>>,
    config: Vec<u8>,
    manifest: Vec<u8>,
}

impl Image {
    /// Creates an image for `platform` (`os/arch[/variant][ os.version]`). Each `content` gives a different image.
    pub(crate) fn new(dialect: Dialect, platform: &str, content: &str) -> Self {
        let platform = platform_json(platform);
        let layer = format!("a layer of {content} for {platform}").into_bytes();
        let mut config = platform.clone();
        config["rootfs"] = json!({ "type": "layers", "diff_ids": [digest_of(&layer)] });
        config["config"] = json!({});
        config["history"] = json!([{ "created_by": content }]);
        let config = config.to_string().into_bytes();
        let (manifest_type, config_type, layer_type) = dialect.types();
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": manifest_type,
            "config": descriptor(config_type, &config),
            "layers": [descriptor(layer_type, &layer)],
        });
        let (more_layers, manifest) = (Vec::new(), manifest.to_string().into_bytes());
        Self { dialect, platform, layer, more_layers, config, manifest }
    }

    /// Adds layers until there are `count`. Only [`write_layout`] writes them.
    pub(crate) fn with_layers(mut self, count: usize) -> Self {
        let mut manifest: Value = serde_json::from_slice(&self.manifest).expect("JSON that was written above");
        let layers = manifest["layers"].as_array_mut().expect("layers");
        for number in layers.len()..count {
            let layer = [format!("number {number} on ").as_bytes(), &self.layer].concat();
            layers.push(descriptor(self.dialect.types().2, &layer));
            self.more_layers.push(layer);
        }
        self.manifest = manifest.to_string().into_bytes();
        self
    }

    /// Extends the layer to this number of bytes.
    pub(crate) fn with_layer_of(mut self, bytes: usize) -> Self {
        let layer = std::mem::take(&mut self.layer);
        self.layer = layer.iter().copied().cycle().take(bytes).collect();
        let mut config: Value = serde_json::from_slice(&self.config).expect("JSON that was written above");
        config["rootfs"]["diff_ids"] = json!([digest_of(&self.layer)]);
        self.config = config.to_string().into_bytes();
        let (_, config_type, layer_type) = self.dialect.types();
        let mut manifest: Value = serde_json::from_slice(&self.manifest).expect("JSON that was written above");
        manifest["config"] = descriptor(config_type, &self.config);
        manifest["layers"] = json!([descriptor(layer_type, &self.layer)]);
        self.manifest = manifest.to_string().into_bytes();
        self
    }

    /// Adds a base layer that registries do not store: it must be downloaded from its vendor, like the base layers of
    /// Windows.
    pub(crate) fn on_a_foreign_base(mut self) -> Self {
        let mut manifest: Value = serde_json::from_slice(&self.manifest).expect("JSON that was written above");
        let mut base = descriptor(self.dialect.foreign_layer(), b"what only the vendor may hand out");
        // No server listens at this address, so a client that downloads the layer fails.
        base["urls"] = json!(["http://127.0.0.1:9/base"]);
        manifest["layers"].as_array_mut().expect("layers").insert(0, base);
        self.manifest = manifest.to_string().into_bytes();
        self
    }

    /// Appends spaces to the manifest and the config until they have these sizes.
    pub(crate) fn padded(mut self, manifest: usize, config: usize) -> Self {
        let mut value: Value = serde_json::from_slice(&self.manifest).expect("JSON that was written above");
        self.config.resize(config, b' ');
        value["config"] = descriptor(self.dialect.types().1, &self.config);
        self.manifest = value.to_string().into_bytes();
        self.manifest.resize(manifest, b' ');
        self
    }

    /// The digest of the manifest.
    pub(crate) fn digest(&self) -> String {
        digest_of(&self.manifest)
    }

    /// The media type of the manifest.
    pub(crate) fn media_type(&self) -> &'static str {
        self.dialect.types().0
    }

    /// The manifest bytes to push.
    pub(crate) fn manifest(&self) -> &[u8] {
        &self.manifest
    }

    /// The config and the layer, with their digests.
    pub(crate) fn blobs(&self) -> [(String, &[u8]); 2] {
        [&self.config, &self.layer].map(|bytes| (digest_of(bytes), bytes.as_slice()))
    }

    /// The entry of a list for this image.
    pub(crate) fn entry(&self) -> Value {
        let mut entry = descriptor(self.media_type(), &self.manifest);
        entry["platform"] = self.platform.clone();
        entry
    }
}

impl Dialect {
    fn foreign_layer(self) -> &'static str {
        match self {
            Self::Docker => "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
            Self::Oci => "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        }
    }

    fn types(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Docker => (
                DOCKER_MANIFEST,
                "application/vnd.docker.container.image.v1+json",
                "application/vnd.docker.image.rootfs.diff.tar.gzip",
            ),
            Self::Oci => (
                OCI_MANIFEST,
                "application/vnd.oci.image.config.v1+json",
                "application/vnd.oci.image.layer.v1.tar+gzip",
            ),
        }
    }
}

/// An attestation that BuildKit writes for an image, with its own manifest.
#[derive(Debug, Clone)]
pub(crate) struct Attestation {
    image: String,
    config: Vec<u8>,
    statement: Vec<u8>,
    manifest: Vec<u8>,
}

impl Attestation {
    /// Creates an attestation as BuildKit writes it by default: only the index refers to it.
    pub(crate) fn of(image: &Image) -> Self {
        let config = json!({ "os": "unknown", "architecture": "unknown", "config": {}, "of": image.digest() });
        Self::new(image, "application/vnd.oci.image.config.v1+json", config.to_string().into_bytes(), |_| {})
    }

    /// Creates an attestation as BuildKit writes it with `oci-artifact=true`: it also names its subject.
    pub(crate) fn by_subject(image: &Image) -> Self {
        Self::new(image, "application/vnd.oci.empty.v1+json", b"{}".to_vec(), |manifest| {
            manifest["artifactType"] = "application/vnd.docker.attestation.manifest.v1+json".into();
            manifest["subject"] = descriptor(image.media_type(), &image.manifest);
        })
    }

    fn new(image: &Image, config_type: &str, config: Vec<u8>, change: impl FnOnce(&mut Value)) -> Self {
        let statement = json!({
            "_type": "https://in-toto.io/Statement/v0.1", "predicateType": "https://slsa.dev/provenance/v0.2",
            "subject": [{ "name": "_", "digest": { "sha256": image.digest().trim_start_matches("sha256:") } }],
            "predicate": {},
        });
        let statement = statement.to_string().into_bytes();
        let mut layer = descriptor("application/vnd.in-toto+json", &statement);
        layer["annotations"] = json!({ "in-toto.io/predicate-type": "https://slsa.dev/provenance/v0.2" });
        let mut manifest = json!({
            "schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": descriptor(config_type, &config), "layers": [layer],
        });
        change(&mut manifest);
        Self { image: image.digest(), config, statement, manifest: manifest.to_string().into_bytes() }
    }

    /// The digest of the manifest.
    pub(crate) fn digest(&self) -> String {
        digest_of(&self.manifest)
    }

    /// The manifest bytes to push.
    pub(crate) fn manifest(&self) -> &[u8] {
        &self.manifest
    }

    /// The config and the statement, with their digests.
    pub(crate) fn blobs(&self) -> [(String, &[u8]); 2] {
        [&self.config, &self.statement].map(|bytes| (digest_of(bytes), bytes.as_slice()))
    }

    /// The entry of an index for this attestation.
    pub(crate) fn entry(&self) -> Value {
        let mut entry = descriptor(OCI_MANIFEST, &self.manifest);
        entry["platform"] = json!({ "os": "unknown", "architecture": "unknown" });
        entry["annotations"] = json!({
            "vnd.docker.reference.digest": self.image, "vnd.docker.reference.type": "attestation-manifest",
        });
        entry
    }
}

/// An artifact that is not an image, with one layer.
#[derive(Debug, Clone)]
pub(crate) struct Artifact {
    layer: Vec<u8>,
    manifest: Vec<u8>,
}

impl Artifact {
    /// The bytes of a config without content.
    const EMPTY: &[u8] = b"{}";

    /// Creates an artifact. `subject` is the descriptor of the manifest that it refers to.
    pub(crate) fn new(artifact_type: &str, content: &str, subject: Option<&Value>) -> Self {
        let layer = content.as_bytes().to_vec();
        let mut manifest = json!({
            "schemaVersion": 2, "mediaType": OCI_MANIFEST, "artifactType": artifact_type,
            "config": descriptor("application/vnd.oci.empty.v1+json", Self::EMPTY),
            "layers": [descriptor(artifact_type, &layer)],
        });
        if let Some(subject) = subject {
            manifest["subject"] = subject.clone();
        }
        Self { layer, manifest: manifest.to_string().into_bytes() }
    }

    /// Returns the descriptor of a manifest, for the subject of an artifact.
    pub(crate) fn subject(media_type: &str, manifest: &[u8]) -> Value {
        descriptor(media_type, manifest)
    }

    /// The digest of the manifest.
    pub(crate) fn digest(&self) -> String {
        digest_of(&self.manifest)
    }

    /// The manifest bytes to push.
    pub(crate) fn manifest(&self) -> &[u8] {
        &self.manifest
    }

    /// The config and the layer, with their digests.
    pub(crate) fn blobs(&self) -> [(String, &[u8]); 2] {
        [Self::EMPTY, &self.layer].map(|bytes| (digest_of(bytes), bytes))
    }
}

/// Creates an index of these entries.
pub(crate) fn index(entries: &[Value]) -> Vec<u8> {
    json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries }).to_string().into_bytes()
}

/// Creates a list as another tool might write it: with a different order of keys and different white space.
pub(crate) fn foreign_list(media_type: &str, images: &[&Image]) -> Vec<u8> {
    let entries: Vec<Value> = images.iter().map(|image| image.entry()).collect();
    let list = json!({ "manifests": entries, "mediaType": media_type, "schemaVersion": 2 });
    let mut text = serde_json::to_string_pretty(&list).expect("JSON");
    text.push('\n');
    text.into_bytes()
}

/// Writes an OCI image layout with these images under these tags.
pub(crate) fn write_layout(folder: &Path, images: &[(&str, &Image)]) {
    let blobs = folder.join("blobs/sha256");
    std::fs::create_dir_all(&blobs).expect("a folder");
    let write = |digest: &str, bytes: &[u8]| {
        std::fs::write(blobs.join(digest.trim_start_matches("sha256:")), bytes).expect("a blob");
    };
    let mut entries = Vec::new();
    for (tag, image) in images {
        image.blobs().iter().for_each(|(digest, bytes)| write(digest, bytes));
        image.more_layers.iter().for_each(|layer| write(&digest_of(layer), layer));
        write(&image.digest(), image.manifest());
        let mut entry = image.entry();
        entry["annotations"] = json!({ "org.opencontainers.image.ref.name": tag });
        entries.push(entry);
    }
    let index = json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries });
    std::fs::write(folder.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).expect("oci-layout");
    std::fs::write(folder.join("index.json"), index.to_string()).expect("index.json");
}

fn descriptor(media_type: &str, bytes: &[u8]) -> Value {
    json!({ "mediaType": media_type, "digest": digest_of(bytes), "size": bytes.len() })
}

fn platform_json(platform: &str) -> Value {
    let (platform, version) =
        platform.split_once(' ').map_or((platform, None), |(name, version)| (name, Some(version)));
    let mut parts = platform.split('/');
    let mut json = json!({ "os": parts.next(), "architecture": parts.next() });
    if let Some(variant) = parts.next() {
        json["variant"] = variant.into();
    }
    if let Some(version) = version {
        json["os.version"] = version.into();
    }
    json
}
