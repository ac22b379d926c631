//! What is missing or damaged in a source, and what a folder holds that has no such image.

use super::*;

#[tokio::test]
async fn a_tag_whose_manifest_is_missing_is_an_error_in_a_source_and_not_found_in_a_target() {
    let folder = Folder::new();
    let image = folder.add_image("a").await;
    folder.put(&tag("v1"), &image).await.unwrap();
    fs::remove_file(folder.blob_path(image.digest())).unwrap();
    let missing = LayoutFault::NoManifest(image.digest().clone());
    assert_eq!(folder.head(&tag("v1")).await.unwrap_err().kind, ErrorKind::Layout(missing));
    let target = Layouts::new(HashSet::from([folder.dir.clone()]), CancellationToken::new());
    assert_eq!(target.head(&folder.dir, &tag("v1")).await.unwrap(), None);

    let blob = folder.add_blob(b"no manifest").await;
    let text = fs::read_to_string(folder.path("index.json")).unwrap();
    let text = text.replace(image.digest().as_str(), blob.digest.as_str());
    fs::write(folder.path("index.json"), text.replace("mediaType", "x")).unwrap();
    let error = folder.head(&tag("v1")).await.unwrap_err();
    assert!(error.to_string().ends_with("is not a manifest"), "{error}");
}

#[tokio::test]
async fn a_layer_that_is_missing_or_cut_is_an_error_in_a_source() {
    let folder = Folder::new();
    let image = folder.add_image("layer").await;
    folder.put(&tag("v1"), &image).await.unwrap();
    let Descriptor { digest, size, .. } =
        crate::oci::ImageManifest::parse(&image).unwrap().layers[0].descriptor.clone();
    fs::write(folder.blob_path(&digest), "cut").unwrap();
    let read = || folder.layouts.manifest(&folder.dir, image.digest());
    let cut = LayoutFault::WrongSize { digest: digest.clone(), expected: size, actual: 3 };
    assert_eq!(read().await.unwrap_err().kind, ErrorKind::Layout(cut));
    fs::remove_file(folder.blob_path(&digest)).unwrap();
    let missing = LayoutFault::NoLayer(digest);
    assert_eq!(read().await.unwrap_err().kind, ErrorKind::Layout(missing));
    let target = Layouts::new(HashSet::from([folder.dir.clone()]), CancellationToken::new());
    assert!(target.manifest(&folder.dir, image.digest()).await.unwrap().is_some(), "it is written again");
}

#[tokio::test]
async fn what_a_folder_holds_explains_why_nothing_is_found() {
    let folder = Folder::new();
    let contents = async || folder.layouts.contents(&folder.dir).await.unwrap();
    assert_eq!(contents().await, LayoutContents::NoFolder);
    fs::create_dir_all(folder.dir.path()).unwrap();
    assert_eq!(contents().await, LayoutContents::Empty);
    fs::create_dir(folder.path("blobs")).unwrap();
    assert_eq!(contents().await, LayoutContents::Other);
    fs::write(folder.path("manifest.json"), "[]").unwrap();
    assert_eq!(contents().await, LayoutContents::DockerArchive);
    let image = folder.add_image("a").await;
    assert_eq!(contents().await, LayoutContents::Names(Vec::new()));
    folder.put(&tag("v2"), &image).await.unwrap();
    folder.put(&tag("v1"), &image).await.unwrap();
    let text = fs::read_to_string(folder.path("index.json")).unwrap();
    fs::write(folder.path("index.json"), text.replace("v2", "ghcr.io/acme/app:v2")).unwrap();
    assert_eq!(contents().await, LayoutContents::Names(vec!["ghcr.io/acme/app:v2".to_owned(), "v1".to_owned()]));
}

#[tokio::test]
async fn an_archive_where_a_folder_is_expected_is_named() {
    let folder = Folder::new();
    let tar = [[0; 257].as_slice(), b"ustar", &[0; 250]].concat();
    for (bytes, kind) in [
        (&b"\x1f\x8b\x08"[..], Some("gzip archive")),
        (b"\x28\xb5\x2f\xfd", Some("zstd archive")),
        (&tar, Some("tar archive")),
        (b"text", None),
        (b"", None),
    ] {
        fs::write(folder.dir.path(), bytes).unwrap();
        let path = folder.dir.path().to_owned();
        let file = format!("{} is a file, not a directory", path.display());
        let expected = kind.map_or(LayoutFault::File(file), |kind| LayoutFault::Archive { path, kind });
        assert_eq!(folder.head(&tag("v1")).await.unwrap_err().kind, ErrorKind::Layout(expected.clone()));
        let error = folder.layouts.contents(&folder.dir).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Layout(expected));
    }
}
