//! [`LayoutContents`]: what the directory of an OCI image layout holds.

/// What is found in the directory of an OCI image layout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LayoutContents {
    /// The directory does not exist.
    NoFolder,
    /// The directory is empty.
    Empty,
    /// Not a layout, but the unpacked files of `docker save`: there is a `manifest.json`.
    DockerArchive,
    /// Other files, without `oci-layout`.
    Other,
    /// A layout whose `index.json` has these names (`org.opencontainers.image.ref.name`), sorted and without duplicates.
    /// A name is a tag, or any other text.
    Names(Vec<String>),
}
