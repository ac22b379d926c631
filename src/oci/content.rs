//! What the manifest of an image or artifact says about its content (image-spec manifest.md, "Guidelines for Artifact
//! Usage").

use std::collections::BTreeMap;

use serde::Deserialize;

use super::manifest::{DescriptorWire, null_as_none, read};
use super::{Descriptor, Digest, MalformedJson, MediaType, Payload};

/// The summary of an image manifest, whose content is an image or another artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestContent {
    /// The config blob.
    pub config: Descriptor,
    /// The artifact type. `None` if this is an image.
    pub artifact_type: Option<String>,
    /// The number of bytes of the config and the layers.
    pub size: u64,
    /// The digest of the manifest that this one refers to.
    pub subject: Option<Digest>,
    /// The annotations of the manifest.
    pub annotations: BTreeMap<String, String>,
    /// The predicate types of in-toto statements in the layers, without duplicates, in the order of the layers.
    pub predicate_types: Vec<String>,
}

impl ManifestContent {
    /// Parses an OCI image manifest or a Docker v2 image manifest.
    ///
    /// # Errors
    /// Returns an error if the bytes are not such a manifest.
    pub fn parse(payload: &Payload) -> Result<Self, MalformedJson> {
        const WHAT: &str = "image manifest";
        let wire: ContentWire = read(WHAT, payload.bytes())?;
        let config = wire.config.descriptor(WHAT)?;
        let (mut size, mut predicate_types) = (config.size, Vec::new());
        for layer in wire.layers {
            size = size.saturating_add(layer.blob.descriptor(WHAT)?.size);
            if let Some(predicate) = layer.annotations.and_then(|annotations| annotations.predicate_type)
                && !predicate_types.contains(&predicate)
            {
                predicate_types.push(predicate);
            }
        }
        let subject = wire.subject.map(|subject| subject.descriptor(WHAT)).transpose()?;
        let is_image = matches!(config.media_type, MediaType::OciConfig | MediaType::DockerConfig);
        let own = Some(wire.artifact_type).filter(|own| !own.is_empty());
        // If the manifest has no artifact type of its own, the media type of its config is used.
        let artifact_type = own.or_else(|| (!is_image).then(|| config.media_type.to_string()));
        Ok(Self {
            config,
            artifact_type,
            size,
            subject: subject.map(|subject| subject.digest),
            annotations: wire.annotations,
            predicate_types,
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ContentWire {
    config: DescriptorWire,
    #[serde(default, deserialize_with = "null_as_none")]
    layers: Vec<AnnotatedLayer>,
    #[serde(default, deserialize_with = "null_as_none")]
    artifact_type: String,
    #[serde(default)]
    subject: Option<DescriptorWire>,
    #[serde(default, deserialize_with = "null_as_none")]
    annotations: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct AnnotatedLayer {
    #[serde(flatten)]
    blob: DescriptorWire,
    #[serde(default)]
    annotations: Option<LayerAnnotations>,
}

#[derive(Deserialize)]
struct LayerAnnotations {
    #[serde(default, rename = "in-toto.io/predicate-type")]
    predicate_type: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(manifest: &serde_json::Value) -> Result<ManifestContent, MalformedJson> {
        ManifestContent::parse(&Payload::new(MediaType::OciManifest, manifest.to_string().into()))
    }

    fn blob(media_type: &str, size: u64) -> serde_json::Value {
        serde_json::json!({ "mediaType": media_type, "digest": Digest::of(b"x").as_str(), "size": size })
    }

    #[test]
    fn an_image_has_a_size_and_no_artifact_type() {
        let config = "application/vnd.oci.image.config.v1+json";
        let layers = [blob("a", 10), blob("b", u64::MAX)];
        let image = parse(&serde_json::json!({ "config": blob(config, 3), "layers": layers[..1] })).unwrap();
        assert_eq!((image.size, image.artifact_type, image.subject), (13, None, None));
        let image = parse(&serde_json::json!({ "config": blob(config, 3), "layers": layers })).unwrap();
        assert_eq!(image.size, u64::MAX, "a claim can be any number");
        let nulls = serde_json::json!({
            "config": blob(config, 3), "layers": null, "artifactType": null, "subject": null, "annotations": null,
        });
        assert_eq!(parse(&nulls).unwrap().size, 3);
    }

    #[test]
    fn an_artifact_has_its_own_type_or_that_of_its_config() {
        let kind = |manifest: serde_json::Value| parse(&manifest).unwrap().artifact_type;
        let helm = blob("application/vnd.cncf.helm.config.v1+json", 2);
        assert_eq!(
            kind(serde_json::json!({ "config": helm })).as_deref(),
            Some("application/vnd.cncf.helm.config.v1+json")
        );
        let named = serde_json::json!({ "config": helm, "artifactType": "application/x" });
        assert_eq!(kind(named).as_deref(), Some("application/x"));
    }

    #[test]
    fn each_predicate_type_is_named_once() {
        let layer = |predicate: &str| {
            let mut layer = blob("application/vnd.in-toto+json", 1);
            layer["annotations"] = serde_json::json!({ "in-toto.io/predicate-type": predicate });
            layer
        };
        let mut manifest = serde_json::json!({ "config": blob("x", 1), "annotations": { "a": "b" } });
        manifest["layers"] = [layer("p"), layer("q"), layer("p"), blob("y", 1)].into_iter().collect();
        manifest["subject"] = blob("z", 7);
        let content = parse(&manifest).unwrap();
        assert_eq!(content.predicate_types, ["p", "q"]);
        assert_eq!((content.subject, content.annotations.len()), (Some(Digest::of(b"x")), 1));
    }

    #[test]
    fn other_json_is_refused() {
        for text in ["[]", "{}", r#"{"config":{"digest":"x","size":1}}"#] {
            assert!(parse(&serde_json::from_str(text).unwrap()).is_err(), "{text}");
        }
    }
}
