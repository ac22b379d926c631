//! [`Release`]: six binaries for five architectures, each image in its own repository, and one list per binary.

use super::any_registry::AnyRegistry;
use super::images::{Dialect, Image};

/// The binaries, in the order of manifests.toml.
pub(crate) const BINARIES: [&str; 6] =
    ["hyperkube", "kube-apiserver", "kube-controller-manager", "kube-proxy", "kube-scheduler", "kubectl"];

/// The platforms, and how `{arch}` spells each.
pub(crate) const PLATFORMS: [(&str, &str); 5] = [
    ("linux/amd64", "amd64"),
    ("linux/arm/v7", "arm"),
    ("linux/arm64", "arm64"),
    ("linux/ppc64le", "ppc64le"),
    ("linux/s390x", "s390x"),
];

/// The tag of all images and lists.
pub(crate) const VERSION: &str = "v1.3.0";

/// A release as a project builds it.
pub(crate) struct Release;

impl Release {
    /// Returns the image of a binary for a platform.
    pub(crate) fn image(binary: &str, platform: &str) -> Image {
        Image::new(Dialect::Docker, platform, binary)
    }

    /// Pushes all thirty images to `k8s/NAME-ARCH:VERSION`.
    pub(crate) fn push(registry: &AnyRegistry) {
        Self::push_without(registry, "");
    }

    /// Like [`Release::push`], without the image of one repository.
    pub(crate) fn push_without(registry: &AnyRegistry, omitted: &str) {
        for binary in BINARIES {
            for (platform, arch) in PLATFORMS {
                let repository = format!("k8s/{binary}-{arch}");
                if repository != omitted {
                    registry.push(&repository, VERSION, &Self::image(binary, platform));
                }
            }
        }
    }

    /// Returns the expected platforms and digests of the list of a binary.
    pub(crate) fn list(binary: &str) -> Vec<(String, String)> {
        PLATFORMS.map(|(platform, _)| (platform.to_owned(), Self::image(binary, platform).digest())).to_vec()
    }

    /// Returns manifests.toml for images at `host`, with the lists in the same namespace.
    pub(crate) fn manifest(host: &str) -> String {
        Self::manifest_to(host, "{registry}/{name}")
    }

    /// Returns manifests.toml with lists at `target`.
    pub(crate) fn manifest_to(host: &str, target: &str) -> String {
        format!(
            r#"[vars]
registry = "{host}/k8s"
version  = "{VERSION}"

[defaults]
platforms = ["linux/amd64", "linux/arm/v7", "linux/arm64", "linux/ppc64le", "linux/s390x"]
source = "{{registry}}/{{name}}-{{arch}}:{{version}}"
target = "{target}"
tags   = ["{{version}}"]

[list.hyperkube]

[list.kube]
matrix.name = ["kube-apiserver", "kube-controller-manager", "kube-proxy", "kube-scheduler"]

[list.kubectl]
"#
        )
    }
}
