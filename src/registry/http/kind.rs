//! [`media_type`]: the media type of a manifest, from the `Content-Type` header and from its bytes.

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::oci::MediaType;
use crate::registry::sanitize::one_line;

/// The parts of a manifest that determine its type.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    media_type: Option<String>,
    schema_version: Option<u32>,
    manifests: Option<IgnoredAny>,
    layers: Option<IgnoredAny>,
    config: Option<Config>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    media_type: Option<String>,
}

/// Whether a manifest can have this type.
pub(super) fn is_known(media_type: &MediaType) -> bool {
    media_type.is_manifest() || media_type.is_schema1()
}

/// Returns the type of a manifest that was sent with `header` as its `Content-Type`. Old registries send some manifests
/// as `text/plain`. Then the bytes determine the type.
///
/// # Errors
/// Returns why the bytes are not a manifest, or not of the type in the header. Written to follow the host name.
pub(super) fn media_type(header: Option<&str>, bytes: &[u8]) -> Result<MediaType, String> {
    let header = header.map(MediaType::parse).filter(is_known);
    let manifest: Manifest = match (serde_json::from_slice(bytes), &header) {
        (Ok(manifest), _) => manifest,
        // The registry says that this is a manifest. That it is malformed is not the registry's fault, and the code
        // that parses its content reports it.
        (Err(_), Some(header)) => return Ok(header.clone()),
        (Err(_), None) => return Err("returned a manifest that is not valid JSON".into()),
    };
    let own = manifest.media_type.as_deref().map(MediaType::parse);
    match (header, own) {
        (Some(header), Some(own)) if header != own => Err(format!(
            "returned a manifest with Content-Type {header}, but its mediaType is {}",
            one_line(own.as_str())
        )),
        // A Docker manifest always has `mediaType`, an OCI manifest need not have it (image-spec, manifest.md).
        (Some(MediaType::DockerManifest), None) if by_shape(&manifest) == Some(MediaType::OciManifest) => {
            Ok(MediaType::OciManifest)
        }
        (Some(header), _) => Ok(header),
        (None, Some(own)) if is_known(&own) => Ok(own),
        (None, Some(own)) => Err(format!("returned {}, which is not a manifest type", one_line(own.as_str()))),
        (None, None) => by_shape(&manifest).ok_or_else(|| "returned JSON that is not a manifest".to_owned()),
    }
}

fn by_shape(manifest: &Manifest) -> Option<MediaType> {
    if manifest.schema_version == Some(1) {
        return Some(MediaType::parse("application/vnd.docker.distribution.manifest.v1+json"));
    }
    if manifest.manifests.is_some() {
        return Some(MediaType::OciIndex);
    }
    let config = manifest.config.as_ref().filter(|_| manifest.layers.is_some())?;
    let is_docker = config.media_type.as_deref().map(MediaType::parse) == Some(MediaType::DockerConfig);
    Some(if is_docker { MediaType::DockerManifest } else { MediaType::OciManifest })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_and_the_bytes_must_not_contradict_each_other() {
        let (index, list) = (MediaType::OciIndex.to_string(), MediaType::DockerList.to_string());
        let of_docker = r#"{"config":{"mediaType":"application/vnd.docker.container.image.v1+json"},"layers":[]}"#;
        let docker = "application/vnd.docker.distribution.manifest.v2+json";
        let says = |name: &str| format!(r#"{{"mediaType":"{name}"}}"#);
        let table = [
            (Some(&*index), "{}".to_owned(), Ok(MediaType::OciIndex)),
            (Some(&*index), says(&index), Ok(MediaType::OciIndex)),
            (Some("text/plain"), says(&list), Ok(MediaType::DockerList)),
            (None, r#"{"manifests":[]}"#.to_owned(), Ok(MediaType::OciIndex)),
            (None, r#"{"config":{},"layers":[]}"#.to_owned(), Ok(MediaType::OciManifest)),
            (None, of_docker.to_owned(), Ok(MediaType::DockerManifest)),
            (
                Some(docker),
                r#"{"config":{"mediaType":"application/vnd.oci.image.config.v1+json"},"layers":[]}"#.to_owned(),
                Ok(MediaType::OciManifest),
            ),
            (Some(docker), of_docker.to_owned(), Ok(MediaType::DockerManifest)),
            (
                Some(&*index),
                says(&list),
                Err(format!("returned a manifest with Content-Type {index}, but its mediaType is {list}")),
            ),
            (Some("text/html"), "<html>".to_owned(), Err("returned a manifest that is not valid JSON".to_owned())),
            (Some(&*index), "<html>".to_owned(), Ok(MediaType::OciIndex)),
            (Some("application/json"), "{}".to_owned(), Err("returned JSON that is not a manifest".to_owned())),
            (None, says("text/x"), Err("returned text/x, which is not a manifest type".to_owned())),
        ];
        for (header, bytes, expected) in table {
            assert_eq!(media_type(header, bytes.as_bytes()), expected, "{header:?} {bytes}");
        }
        let old = media_type(Some("application/json"), br#"{"schemaVersion":1,"fsLayers":[]}"#).unwrap();
        assert!(old.is_schema1());
    }
}
