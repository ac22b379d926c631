//! The images of a [`Fake`].

use super::Fake;
use crate::oci::{Descriptor, Digest, MediaType, Payload, Platform, Reference};

/// The kind of base layer of a Windows image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Base {
    /// A normal layer.
    Plain,
    /// A foreign layer that is nevertheless in the image's repository.
    Foreign,
    /// A foreign layer that is in no registry.
    Elsewhere,
}

impl Fake {
    /// Adds an image for `platform` at `reference`: a config, two layers (one of them is the same in all images), a
    /// manifest, and the tag. Another `seed` gives another image.
    pub(crate) fn image(&self, reference: &str, platform: &str, seed: &str) -> Descriptor {
        self.image_with(reference, platform, seed, "")
    }

    /// Adds an image with `fields` in its manifest, which begin with a comma.
    pub(crate) fn image_with(&self, reference: &str, platform: &str, seed: &str, fields: &str) -> Descriptor {
        let (reference, platform) = (Reference::parse(reference).unwrap(), Platform::parse(platform).unwrap());
        let config = Payload::new(MediaType::OciConfig, serde_json::to_vec(&platform).unwrap().into());
        let layer = |text: &str| {
            let layer_type = MediaType::Other("application/vnd.oci.image.layer.v1.tar".into());
            Payload::new(layer_type, text.to_owned().into())
        };
        let blobs = [config.clone(), layer("base"), layer(&format!("{reference} {seed}"))];
        let [config_json, base, own] = blobs.each_ref().map(|blob| {
            let Descriptor { media_type, digest, size } = blob.descriptor();
            format!(r#"{{"mediaType":"{media_type}","digest":"{digest}","size":{size}}}"#)
        });
        let manifest = Payload::new(
            MediaType::OciManifest,
            format!(r#"{{"schemaVersion":2,"config":{config_json},"layers":[{base},{own}]{fields}}}"#).into(),
        );
        let mut state = self.state();
        for blob in &blobs {
            state.blobs.insert((reference.place.clone(), blob.digest().clone()));
        }
        state.configs.insert(config.digest().clone(), config);
        state.manifests.insert((reference.place.clone(), manifest.digest().clone()), manifest.clone());
        state.tags.insert(reference, manifest.digest().clone());
        manifest.descriptor().clone()
    }

    /// Adds a Windows image with one layer at `reference`. Returns the digest of the layer.
    pub(crate) fn windows_image(&self, reference: &str, base: Base) -> Digest {
        let reference = Reference::parse(reference).unwrap();
        let config = br#"{"os":"windows","architecture":"amd64","os.version":"10.0.17763.1"}"#;
        let config = Payload::new(MediaType::DockerConfig, config.as_slice().into());
        let (layer, descriptor) = (Digest::of(b"windows"), config.descriptor());
        let (media_type, urls): (_, &[&str]) = match base {
            Base::Plain => ("application/vnd.docker.image.rootfs.diff.tar.gzip", &[]),
            Base::Foreign | Base::Elsewhere => {
                ("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", &["https://go.microsoft.example/base"])
            }
        };
        let manifest = serde_json::json!({
            "schemaVersion": 2,
            "config": { "mediaType": "application/vnd.docker.container.image.v1+json", "digest": descriptor.digest.as_str(), "size": descriptor.size },
            "layers": [{ "mediaType": media_type, "digest": layer.as_str(), "size": 7, "urls": urls }],
        });
        let manifest = Payload::new(MediaType::DockerManifest, manifest.to_string().into());
        let mut state = self.state();
        let place = &reference.place;
        state.blobs.insert((place.clone(), config.digest().clone()));
        if base != Base::Elsewhere {
            state.blobs.insert((place.clone(), layer.clone()));
        }
        state.configs.insert(config.digest().clone(), config);
        state.manifests.insert((place.clone(), manifest.digest().clone()), manifest.clone());
        state.tags.insert(reference, manifest.digest().clone());
        layer
    }
}
