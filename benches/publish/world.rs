//! [`World`]: the content of the registry before the first list is published, and the manifests.toml for it.

use std::fmt;

use serde_json::{Value, json};

use super::registry::Store;
use super::registry::store::digest_of;

/// The members of each list: the platform, and how names spell its architecture.
pub(crate) const PLATFORMS: [(&str, &str); 5] = [
    ("linux/amd64", "amd64"),
    ("linux/arm/v7", "arm"),
    ("linux/arm64", "arm64"),
    ("linux/ppc64le", "ppc64le"),
    ("linux/s390x", "s390x"),
];

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// The location of the members.
#[derive(Debug, Clone, Copy)]
pub(crate) enum World {
    /// Each in its own repository: blobs are mounted and children are written.
    OwnRepositories,
    /// In the repository of their list: only the list is written.
    TargetRepository,
}

impl World {
    /// Returns a file that declares this many lists.
    pub(crate) fn manifests_toml(self, lists: usize, host: &str) -> String {
        let source = match self {
            Self::OwnRepositories => "{registry}/{name}-{arch}:v1",
            Self::TargetRepository => "{registry}/{name}:v1-{arch}",
        };
        let platforms = PLATFORMS.map(|(platform, _)| platform);
        let names: Vec<String> = (0..lists).map(name).collect();
        format!(
            r#"
                [vars]
                registry = "{host}"

                [defaults]
                platforms = {platforms:?}
                source = "{source}"
                target = "{{registry}}/{{name}}"
                tags = ["v1"]

                [list.bench]
                matrix.name = {names:?}
            "#
        )
    }

    /// Adds the members of this many lists to the store.
    pub(crate) fn seed(self, lists: usize, store: &mut Store) {
        for number in 0..lists {
            for (platform, arch) in PLATFORMS {
                let name = name(number);
                let (repository, tag) = match self {
                    Self::OwnRepositories => (format!("{name}-{arch}"), "v1".to_owned()),
                    Self::TargetRepository => (name.clone(), format!("v1-{arch}")),
                };
                let manifest = image(store, &repository, &name, platform).to_string();
                store.put_manifest(&repository, &tag, MANIFEST, manifest.into()).expect("its blobs stand");
            }
        }
    }
}

impl fmt::Display for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OwnRepositories => "own repositories",
            Self::TargetRepository => "the target's",
        })
    }
}

/// Returns the list that a repository belongs to: its name without the architecture.
pub(crate) fn list_of(repository: &str) -> &str {
    repository.get(..name(0).len()).unwrap_or(repository)
}

fn name(number: usize) -> String {
    format!("bench/app{number:05}")
}

/// Uploads the blobs of an image with one layer. Returns its manifest.
fn image(store: &mut Store, repository: &str, content: &str, platform: &str) -> Value {
    let mut parts = platform.split('/');
    let mut config = json!({ "os": parts.next(), "architecture": parts.next(), "config": {} });
    if let Some(variant) = parts.next() {
        config["variant"] = json!(variant);
    }
    let layer = format!("a layer of {content} for {platform}").into_bytes();
    config["rootfs"] = json!({ "type": "layers", "diff_ids": [digest_of(&layer)] });
    let config = config.to_string().into_bytes();
    json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": upload(store, repository, "application/vnd.oci.image.config.v1+json", &config),
        "layers": [upload(store, repository, "application/vnd.oci.image.layer.v1.tar", &layer)],
    })
}

fn upload(store: &mut Store, repository: &str, media_type: &str, bytes: &[u8]) -> Value {
    let (id, digest) = (store.begin_upload(repository), digest_of(bytes));
    store.append(repository, &id, bytes);
    store.finish_upload(repository, &id, &digest).expect("the bytes have their digest");
    json!({ "mediaType": media_type, "digest": digest, "size": bytes.len() })
}
