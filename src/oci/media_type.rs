//! Media types of manifests and configs (OCI image-spec media-types.md; Docker image manifest v2).

use std::fmt;

/// A media type. Unknown types are kept as they were written.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MediaType {
    /// `application/vnd.oci.image.index.v1+json`
    OciIndex,
    /// `application/vnd.oci.image.manifest.v1+json`
    OciManifest,
    /// `application/vnd.oci.image.config.v1+json`
    OciConfig,
    /// `application/vnd.docker.distribution.manifest.list.v2+json`
    DockerList,
    /// `application/vnd.docker.distribution.manifest.v2+json`
    DockerManifest,
    /// `application/vnd.docker.container.image.v1+json`
    DockerConfig,
    /// Any other type, as it was written.
    Other(String),
}

const NAMES: [(&str, MediaType); 6] = [
    ("application/vnd.oci.image.index.v1+json", MediaType::OciIndex),
    ("application/vnd.oci.image.manifest.v1+json", MediaType::OciManifest),
    ("application/vnd.oci.image.config.v1+json", MediaType::OciConfig),
    ("application/vnd.docker.distribution.manifest.list.v2+json", MediaType::DockerList),
    ("application/vnd.docker.distribution.manifest.v2+json", MediaType::DockerManifest),
    ("application/vnd.docker.container.image.v1+json", MediaType::DockerConfig),
];

impl MediaType {
    /// Parses a media type or the value of a `Content-Type` header. Parameters (`; charset=…`) are ignored, following
    /// the distribution-spec.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let essence = text.split(';').next().unwrap_or_default().trim();
        NAMES
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(essence))
            .map_or_else(|| Self::Other(essence.to_owned()), |(_, known)| known.clone())
    }

    /// The registered name, or the original text of an unknown type.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Other(name) => name,
            known => NAMES.iter().find(|(_, media_type)| media_type == known).map_or("", |(name, _)| name),
        }
    }

    /// Whether this is a manifest list or an image index.
    #[must_use]
    pub fn is_index(&self) -> bool {
        matches!(self, Self::OciIndex | Self::DockerList)
    }

    /// Whether this is the manifest of one image.
    #[must_use]
    pub fn is_image(&self) -> bool {
        matches!(self, Self::OciManifest | Self::DockerManifest)
    }

    /// Whether this is a manifest list, an image index or the manifest of an image.
    #[must_use]
    pub fn is_manifest(&self) -> bool {
        self.is_index() || self.is_image()
    }

    /// Whether this is Docker manifest schema 1, which a manifest list cannot contain. It describes its layers in an
    /// older format.
    #[must_use]
    pub fn is_schema1(&self) -> bool {
        self.as_str().starts_with("application/vnd.docker.distribution.manifest.v1+")
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_there_and_back() {
        for (name, media_type) in NAMES {
            assert_eq!(MediaType::parse(name), media_type);
            assert_eq!(media_type.as_str(), name);
        }
    }

    #[test]
    fn parameters_are_ignored_and_strangers_kept() {
        assert_eq!(MediaType::parse("application/vnd.oci.image.index.v1+json; charset=utf-8"), MediaType::OciIndex);
        assert_eq!(MediaType::parse("text/html").as_str(), "text/html");
        assert!(MediaType::parse("application/vnd.docker.distribution.manifest.v1+prettyjws").is_schema1());
    }
}
