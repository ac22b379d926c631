//! Media types of manifests and configs (OCI image-spec media-types.md; Docker image manifest v2).

use std::fmt;

/// What some bytes are. An open set: what is not known here is kept as it was written.
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
    /// Reads a media type or the value of a `Content-Type` header; parameters (`; charset=…`) are ignored, as the
    /// distribution-spec asks.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let essence = text.split(';').next().unwrap_or_default().trim();
        NAMES
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(essence))
            .map_or_else(|| Self::Other(essence.to_owned()), |(_, known)| known.clone())
    }

    /// The registered name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Other(name) => name,
            known => NAMES.iter().find(|(_, media_type)| media_type == known).map_or("", |(name, _)| name),
        }
    }

    /// A manifest list or an image index.
    #[must_use]
    pub fn is_index(&self) -> bool {
        matches!(self, Self::OciIndex | Self::DockerList)
    }

    /// The manifest of one image.
    #[must_use]
    pub fn is_image(&self) -> bool {
        matches!(self, Self::OciManifest | Self::DockerManifest)
    }

    /// A manifest of any kind that a list can be made of or be.
    #[must_use]
    pub fn is_manifest(&self) -> bool {
        self.is_index() || self.is_image()
    }

    /// Docker's first manifest format, which no list can hold: it names its layers by what they were called then.
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
