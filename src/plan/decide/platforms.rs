//! Parts of a platform that the file leaves open: the variant of arm, the version of Windows.

use crate::oci::Platform;

/// Whether the declared platform has no open part that the image's config could fill in.
pub(super) fn is_complete(declared: &Platform) -> bool {
    !is_variant_open(declared) && !is_version_open(declared)
}

/// Returns `declared` with its open parts taken from `source`, which is the published entry or the config.
pub(super) fn filled(declared: &Platform, source: &Platform) -> Platform {
    let mut platform = declared.clone();
    let normalized = source.normalized();
    // If the config is for another os or architecture, its parts do not apply. The declared platform is used as it is.
    if !source.os.is_empty() && normalized.os != declared.os
        || !source.architecture.is_empty() && normalized.architecture != declared.architecture
    {
        return platform;
    }
    if is_variant_open(declared) {
        platform.variant = normalized.variant;
    }
    if is_version_open(declared) {
        platform.os_version = normalized.os_version;
        if platform.os_features.is_empty() {
            platform.os_features.clone_from(&source.os_features);
        }
    }
    platform
}

fn is_variant_open(declared: &Platform) -> bool {
    declared.architecture == "arm" && declared.variant.is_none()
}

fn is_version_open(declared: &Platform) -> bool {
    declared.is_windows() && declared.os_version.is_none()
}
