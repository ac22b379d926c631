use std::fs;
use std::path::{Path, PathBuf};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use serde_json::Value;

use crate::oci::{Entry, Index, MediaType, Platform, Tag};

use super::*;

mod explained;
mod safety;
mod several_writers;

struct Folder {
    _root: tempfile::TempDir,
    dir: LayoutDir,
    layouts: Layouts,
}

impl Folder {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let dir = LayoutDir::new(&root.path().join("layout"));
        Self { _root: root, dir, layouts: Layouts::default() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn blob_path(&self, digest: &Digest) -> PathBuf {
        files::blob_path(self.dir.path(), digest)
    }

    async fn add_blob(&self, bytes: &'static [u8]) -> Descriptor {
        let blob = Payload::new(MediaType::Other("application/octet-stream".into()), Bytes::from_static(bytes));
        self.write(blob.descriptor(), &[bytes]).await.unwrap();
        blob.descriptor().clone()
    }

    async fn write(&self, blob: &Descriptor, pieces: &[&'static [u8]]) -> Result<()> {
        let pieces: Vec<Result<Bytes>> = pieces.iter().map(|piece| Ok(Bytes::from_static(piece))).collect();
        self.layouts.write_blob(&self.dir, blob, stream::iter(pieces)).await
    }

    /// Writes an image with one layer under its digest. The text of the layer makes the image unique.
    async fn add_image(&self, layer: &'static str) -> Payload {
        let config = self.add_blob(br#"{"architecture":"amd64","os":"linux"}"#).await;
        let layer = self.add_blob(layer.as_bytes()).await;
        let image = image(&config, &layer);
        self.put(&Locator::Digest(image.digest().clone()), &image).await.unwrap();
        image
    }

    async fn put(&self, locator: &Locator, payload: &Payload) -> Result<()> {
        self.layouts.put_manifest(&self.dir, locator, payload).await
    }

    async fn head(&self, locator: &Locator) -> Result<Option<Descriptor>> {
        self.layouts.head(&self.dir, locator).await
    }

    fn index_json(&self) -> Value {
        serde_json::from_slice(&fs::read(self.path("index.json")).unwrap()).unwrap()
    }

    fn files(&self) -> Vec<String> {
        let folder = self.path("blobs/sha256");
        let names = fs::read_dir(folder)
            .map(|entries| entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect::<Vec<_>>());
        names.unwrap_or_default()
    }
}

fn image(config: &Descriptor, layer: &Descriptor) -> Payload {
    let text = format!(
        r#"{{"schemaVersion":2,"config":{{"digest":"{}","size":{}}},"layers":[{{"digest":"{}","size":{}}}]}}"#,
        config.digest, config.size, layer.digest, layer.size
    );
    Payload::new(MediaType::OciManifest, text.into())
}

fn list(images: &[&Payload]) -> Payload {
    let platform = Platform::parse("linux/amd64").unwrap();
    let entry = |image: &&Payload| Entry::new(image.descriptor().clone(), platform.clone());
    Index::new(MediaType::OciIndex, images.iter().map(entry).collect()).encode()
}

fn tag(text: &str) -> Locator {
    Locator::Tag(Tag::parse(text).unwrap())
}

fn by_digest(payload: &Payload) -> Locator {
    Locator::Digest(payload.digest().clone())
}

#[tokio::test]
async fn a_folder_that_is_no_layout_holds_nothing() {
    let folder = Folder::new();
    let digest = Digest::of(b"x");
    for _ in 0..2 {
        assert_eq!(folder.head(&tag("v1")).await.unwrap(), None);
        assert_eq!(folder.layouts.manifest(&folder.dir, &digest).await.unwrap(), None);
        assert_eq!(folder.layouts.config(&folder.dir, &digest).await.unwrap(), None);
        // Again with a folder that exists and is empty.
        fs::create_dir_all(folder.dir.path()).unwrap();
    }
}

#[tokio::test]
async fn malformed_files_are_named() {
    let ok = contents::MARKER_TEXT;
    for (marker, index, says) in [
        ("", contents::EMPTY_INDEX, "oci-layout is not a JSON object"),
        ("{}", contents::EMPTY_INDEX, "oci-layout has an unsupported imageLayoutVersion"),
        (
            r#"{"imageLayoutVersion":"2.0.0"}"#,
            contents::EMPTY_INDEX,
            "oci-layout has an unsupported imageLayoutVersion",
        ),
        (ok, "[]", "index.json is not a JSON object"),
        (ok, "{}", "index.json has no array `manifests`"),
        (
            ok,
            r#"{"manifests":[{"annotations":{"org.opencontainers.image.ref.name":"v1"}}]}"#,
            "the entry of v1 in index.json has no digest",
        ),
    ] {
        let folder = Folder::new();
        fs::create_dir_all(folder.dir.path()).unwrap();
        fs::write(folder.path("oci-layout"), marker).unwrap();
        fs::write(folder.path("index.json"), index).unwrap();
        let error = folder.head(&tag("v1")).await.unwrap_err();
        assert!(matches!(error.kind, ErrorKind::Layout(_)), "{error}");
        assert!(error.to_string().contains(says), "{error}");
        assert_eq!(error.host, None);
    }
}

#[tokio::test]
async fn a_layout_without_one_of_its_files_is_corrupt() {
    for name in ["oci-layout", "index.json"] {
        let folder = Folder::new();
        let image = folder.add_image("a").await;
        folder.put(&tag("v1"), &image).await.unwrap();
        fs::remove_file(folder.path(name)).unwrap();
        let error = folder.head(&tag("v1")).await.unwrap_err();
        assert!(error.to_string().contains(&format!("{name} is missing")), "{error}");
    }
    // What a killed run leaves is not a layout yet.
    let folder = Folder::new();
    fs::create_dir_all(folder.dir.path()).unwrap();
    fs::write(folder.path("index.json"), contents::EMPTY_INDEX).unwrap();
    assert_eq!(folder.head(&tag("v1")).await.unwrap(), None);
}

#[tokio::test]
async fn a_tag_of_two_manifests_names_neither() {
    let folder = Folder::new();
    let (one, two) = (folder.add_image("one").await, folder.add_image("two").await);
    folder.put(&tag("v1"), &one).await.unwrap();
    folder.put(&tag("v2"), &two).await.unwrap();
    let text = fs::read_to_string(folder.path("index.json")).unwrap();
    fs::write(folder.path("index.json"), text.replace("v2", "v1")).unwrap();
    let error = folder.head(&tag("v1")).await.unwrap_err().to_string();
    assert!(error.contains("two entries tagged v1") && error.contains(one.digest().as_str()), "{error}");

    // BuildKit writes two names of one image like this.
    let text = fs::read_to_string(folder.path("index.json")).unwrap();
    fs::write(folder.path("index.json"), text.replace(two.digest().as_str(), one.digest().as_str())).unwrap();
    assert_eq!(folder.head(&tag("v1")).await.unwrap().as_ref(), Some(one.descriptor()));
}

#[tokio::test]
async fn a_list_is_refused_while_a_child_is_absent() {
    let folder = Folder::new();
    let (here, elsewhere) = (folder.add_image("here").await, Folder::new().add_image("elsewhere").await);
    let error = folder.put(&tag("v1"), &list(&[&here, &elsewhere])).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::ContentUnknown(vec![elsewhere.digest().clone()]));
    assert_eq!(folder.head(&tag("v1")).await.unwrap(), None);
}

#[tokio::test]
async fn an_image_is_refused_while_a_blob_is_absent_or_cut_short() {
    let folder = Folder::new();
    let (config, layer) = (folder.add_blob(b"{}").await, folder.add_blob(b"layer").await);
    fs::write(folder.blob_path(&layer.digest), "lay").unwrap();
    assert!(!folder.layouts.has_blob(&folder.dir, &layer).await.unwrap());
    let error = folder.put(&tag("v1"), &image(&config, &layer)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::ContentUnknown(vec![layer.digest.clone()]));

    folder.write(&layer, &[b"layer"]).await.unwrap();
    folder.put(&tag("v1"), &image(&config, &layer)).await.unwrap();
}

#[tokio::test]
async fn other_bytes_never_get_the_name_of_a_blob() {
    let folder = Folder::new();
    let blob = Payload::new(MediaType::OciConfig, Bytes::from_static(b"right")).descriptor().clone();
    let wrong = folder.write(&blob, &[b"wr", b"ong"]).await.unwrap_err();
    assert!(matches!(wrong.kind, ErrorKind::WrongDigest { .. }), "{wrong}");
    let long = folder.write(&blob, &[b"right", b"er"]).await.unwrap_err();
    assert_eq!(long.kind, ErrorKind::TooLarge { limit: 5 });
    let short = folder.write(&Descriptor { size: 6, ..blob.clone() }, &[b"right"]).await.unwrap_err();
    assert!(short.to_string().contains("1 bytes shorter"), "{short}");
    assert!(!folder.layouts.has_blob(&folder.dir, &blob).await.unwrap());
    assert_eq!(folder.files(), Vec::<String>::new(), "nothing is left behind");
}

#[tokio::test]
async fn an_error_of_the_stream_comes_back_as_it_is() {
    let folder = Folder::new();
    let blob = Payload::new(MediaType::OciConfig, Bytes::from_static(b"right")).descriptor().clone();
    let cut = error(Operation::Read, "gcr.io/elsewhere".into(), ErrorKind::Unreachable("the connection broke".into()));
    let pieces = stream::iter([Ok(Bytes::from_static(b"ri")), Err(cut)]);
    let error = folder.layouts.write_blob(&folder.dir, &blob, pieces).await.unwrap_err();
    assert_eq!(error.target, "gcr.io/elsewhere".into());
    assert_eq!(folder.files(), Vec::<String>::new());
}

#[tokio::test]
async fn a_blob_of_another_size_is_an_error() {
    let folder = Folder::new();
    let text: &'static [u8] = vec![b'a'; 300_000].leak();
    let blob = folder.add_blob(text).await;
    let path = folder.blob_path(&blob.digest);

    let whole = folder.layouts.open_blob(&folder.dir, &blob).await.unwrap().unwrap();
    let pieces: Vec<Bytes> = whole.try_collect().await.unwrap();
    assert_eq!(pieces.concat(), text);

    let mut opened = folder.layouts.open_blob(&folder.dir, &blob).await.unwrap().unwrap();
    fs::File::options().write(true).open(&path).unwrap().set_len(200_000).unwrap();
    let failure = loop {
        if let Err(error) = opened.next().await.unwrap() {
            break error;
        }
    };
    assert!(failure.to_string().contains("is 100000 bytes shorter than expected"));

    fs::write(&path, "short").unwrap();
    let error = folder.layouts.open_blob(&folder.dir, &blob).await.err().unwrap();
    assert!(error.to_string().contains("has 5 bytes, but its descriptor has size 300000"), "{error}");
}

#[tokio::test]
async fn an_empty_blob_is_a_blob() {
    let folder = Folder::new();
    let blob = folder.add_blob(b"").await;
    let pieces: Vec<Bytes> =
        folder.layouts.open_blob(&folder.dir, &blob).await.unwrap().unwrap().try_collect().await.unwrap();
    assert!(pieces.is_empty());
}

#[tokio::test]
async fn a_manifest_with_other_bytes_is_an_error() {
    let folder = Folder::new();
    let image = folder.add_image("a").await;
    folder.put(&tag("v1"), &image).await.unwrap();
    fs::write(folder.blob_path(image.digest()), "{}").unwrap();
    let error = folder.layouts.manifest(&folder.dir, image.digest()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Layout(LayoutFault::Corrupt(image.digest().clone())));
    assert_eq!(folder.head(&tag("v1")).await.unwrap_err().kind, error.kind);
}

#[tokio::test]
async fn what_is_too_large_is_not_read() {
    let folder = Folder::new();
    let image = folder.add_image("a").await;
    let path = folder.blob_path(image.digest());
    fs::File::create(&path).unwrap().set_len(MANIFEST_LIMIT + 1).unwrap();
    let error = folder.layouts.manifest(&folder.dir, image.digest()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::TooLarge { limit: MANIFEST_LIMIT });
    fs::File::create(&path).unwrap().set_len(CONFIG_LIMIT + 1).unwrap();
    let error = folder.layouts.config(&folder.dir, image.digest()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::TooLarge { limit: CONFIG_LIMIT });
}

#[cfg(unix)]
#[tokio::test]
async fn links_and_pipes_are_not_read() {
    use std::os::unix::fs::symlink;
    let folder = Folder::new();
    let blob = folder.add_blob(b"secret").await;
    let path = folder.blob_path(&blob.digest);
    fs::rename(&path, folder.path("elsewhere")).unwrap();

    symlink(folder.path("elsewhere"), &path).unwrap();
    assert!(folder.layouts.has_blob(&folder.dir, &blob).await.unwrap_err().to_string().contains("not a regular file"));

    fs::remove_file(&path).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    assert!(folder.layouts.open_blob(&folder.dir, &blob).await.is_err(), "and it does not hang");

    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(
        folder.layouts.config(&folder.dir, &blob.digest).await.unwrap_err().to_string().contains("not a regular file")
    );

    fs::rename(folder.path("blobs"), folder.path("moved")).unwrap();
    symlink(folder.path("moved"), folder.path("blobs")).unwrap();
    assert!(folder.write(&blob, &[b"secret"]).await.unwrap_err().to_string().contains("links are not followed"));
}

#[cfg(unix)]
#[tokio::test]
async fn a_layout_whose_own_files_are_links_or_pipes_is_none_to_read_or_write() {
    use std::os::unix::fs::symlink;
    for name in ["oci-layout", "index.json"] {
        let folder = Folder::new();
        let image = folder.add_image("a").await;
        folder.put(&tag("v1"), &image).await.unwrap();
        let (path, elsewhere) = (folder.path(name), folder.path("elsewhere"));
        fs::rename(&path, &elsewhere).unwrap();
        let before = fs::read(&elsewhere).unwrap();

        symlink(&elsewhere, &path).unwrap();
        for error in [folder.head(&tag("v1")).await.err(), folder.put(&tag("v2"), &image).await.err()] {
            assert!(error.unwrap().to_string().contains(name), "a link");
        }
        fs::remove_file(&path).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        for error in [folder.head(&tag("v1")).await.err(), folder.put(&tag("v2"), &image).await.err()] {
            assert!(error.unwrap().to_string().contains(name), "a pipe, and it does not hang");
        }
        assert_eq!(fs::read(&elsewhere).unwrap(), before);
    }
}

#[tokio::test]
async fn what_can_be_written_nowhere_in_a_folder_has_one_cause() {
    use std::io::{Error, ErrorKind as Io};
    let (one, two) = (Path::new("out/index.json"), Path::new("out/blobs/sha256/ab"));
    for kind in [Io::ReadOnlyFilesystem, Io::PermissionDenied] {
        assert_eq!(files::unwritable(one, &Error::from(kind)), files::unwritable(two, &Error::from(kind)), "{kind:?}");
    }
    let ErrorKind::Layout(LayoutFault::File(why)) = files::unwritable(one, &Error::from(Io::NotADirectory)) else {
        panic!()
    };
    assert!(why.starts_with("out/index.json cannot be written: "), "{why}");
}

#[tokio::test]
async fn a_tag_moves_and_all_else_stays() {
    let folder = Folder::new();
    let (one, two) = (folder.add_image("one").await, folder.add_image("two").await);
    let index = serde_json::json!({
        "schemaVersion": 2,
        "x-mine": {"kept": true},
        "manifests": [
            {"digest": one.digest().as_str(), "size": 1, "mediaType": "x", "annotations": {"org.opencontainers.image.ref.name": "v1"}},
            {"digest": one.digest().as_str(), "size": 1, "mediaType": "x", "platform": {"os": "linux"}},
        ],
    });
    fs::write(folder.path("index.json"), index.to_string()).unwrap();
    folder.put(&tag("v1"), &two).await.unwrap();
    folder.put(&tag("v2"), &two).await.unwrap();

    let after = folder.index_json();
    assert_eq!(after["x-mine"], index["x-mine"]);
    assert_eq!(after["manifests"][0]["digest"], two.digest().as_str());
    assert_eq!(after["manifests"][1], index["manifests"][1]);
    assert_eq!(after["manifests"].as_array().unwrap().len(), 3);
    assert_eq!(folder.head(&tag("v2")).await.unwrap().as_ref(), Some(two.descriptor()));
}

#[tokio::test]
async fn a_manifest_is_found_by_its_digest_whether_listed_or_not() {
    let folder = Folder::new();
    let image = folder.add_image("a").await;
    assert_eq!(folder.head(&by_digest(&image)).await.unwrap().as_ref(), Some(image.descriptor()));
    assert_eq!(folder.index_json()["manifests"], serde_json::json!([]));
    let read = folder.layouts.manifest(&folder.dir, image.digest()).await.unwrap().unwrap();
    assert_eq!(read, image);
    let layer = folder.add_blob(b"a layer").await;
    assert_eq!(folder.head(&Locator::Digest(layer.digest)).await.unwrap(), None, "a layer is no manifest");
}

#[tokio::test]
async fn a_manifest_is_not_put_under_the_digest_of_another() {
    let folder = Folder::new();
    let (one, two) = (folder.add_image("one").await, folder.add_image("two").await);
    let error = folder.put(&by_digest(&one), &two).await.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::WrongDigest { .. }), "{error}");
}

#[test]
fn the_type_of_a_manifest_is_its_own_word_before_others() {
    let own = br#"{"mediaType":"application/vnd.docker.distribution.manifest.v2+json","manifests":[]}"#;
    let listed = Some(MediaType::OciIndex);
    for (bytes, listed, is) in [
        (&own[..], listed.clone(), Some(MediaType::DockerManifest)),
        (b"{}", listed, Some(MediaType::OciIndex)),
        (br#"{"manifests":[]}"#, None, Some(MediaType::OciIndex)),
        (br#"{"config":{},"layers":[]}"#, None, Some(MediaType::OciManifest)),
        (b"{}", None, None),
        (b"\x1f\x8b", None, None),
    ] {
        assert_eq!(contents::manifest_type(bytes, listed), is, "{}", String::from_utf8_lossy(bytes));
    }
    let schema1 = contents::manifest_type(br#"{"schemaVersion":1,"fsLayers":[]}"#, None).unwrap();
    assert!(schema1.is_schema1());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_do_not_lose_each_others_tags() {
    let folder = Folder::new();
    let image = folder.add_image("a").await;
    // The second does not know the first's locks in memory, like another process.
    let strangers = [folder.layouts.clone(), Layouts::default()];
    let writes = (0..40).map(|number| {
        let (layouts, dir, image) = (strangers[number % 2].clone(), folder.dir.clone(), image.clone());
        tokio::spawn(async move { layouts.put_manifest(&dir, &tag(&format!("v{number}")), &image).await })
    });
    for write in writes.collect::<Vec<_>>() {
        write.await.unwrap().unwrap();
    }
    assert_eq!(folder.index_json()["manifests"].as_array().unwrap().len(), 40);
}

#[cfg(unix)]
#[tokio::test]
async fn other_programs_may_read_what_is_written() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new();
    let image = folder.add_image("a").await;
    let plain = folder.path("plain");
    fs::write(&plain, "").unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
    for path in [folder.blob_path(image.digest()), folder.path("index.json"), folder.path("oci-layout")] {
        assert_eq!(mode(&path), mode(&plain), "{}", path.display());
    }
}

#[tokio::test]
async fn referrers_are_what_index_json_names_or_a_tag_leads_to() {
    let folder = Folder::new();
    assert_eq!(
        folder.layouts.referrers(&folder.dir, &Digest::of(b"x"), Some("application/x")).await.unwrap(),
        None,
        "no layout at all"
    );
    let image = folder.add_image("app").await;
    let blob = folder.add_blob(b"{}").await;
    let referrer = |kind: &str, subject: &Digest| {
        let manifest = serde_json::json!({
            "schemaVersion": 2, "mediaType": MediaType::OciManifest.as_str(), "artifactType": kind,
            "config": { "mediaType": "application/vnd.oci.empty.v1+json", "digest": blob.digest.as_str(), "size": 2 },
            "layers": [], "subject": { "digest": subject.as_str(), "size": 7 }, "annotations": { "a": "b" },
        });
        Payload::new(MediaType::OciManifest, manifest.to_string().into())
    };
    let kinds = async || {
        let found = folder.layouts.referrers(&folder.dir, image.digest(), Some("application/x")).await.unwrap();
        let kind = |entry: Entry| (entry.artifact_type.unwrap(), entry.annotations.contains_key("a"));
        found.map(|found| found.into_iter().map(kind).collect::<Vec<_>>())
    };
    assert_eq!(kinds().await, None);
    let tag = |name: &str| Locator::Tag(Tag::parse(name).unwrap());
    folder.put(&tag("att"), &referrer("application/x", image.digest())).await.unwrap();
    folder.put(&tag("other"), &referrer("application/x", &Digest::of(b"other"))).await.unwrap();
    folder.put(&tag("type"), &referrer("application/other", image.digest())).await.unwrap();
    folder.put(&tag("app"), &image).await.unwrap();
    assert_eq!(kinds().await, Some(vec![("application/x".to_owned(), true)]));
    let all = folder.layouts.referrers(&folder.dir, image.digest(), None).await.unwrap();
    assert_eq!(all.map(|all| all.len()), Some(2), "of each type");
    // A client maintains this index, as in a registry without the referrers endpoint. A referrer that both name is
    // listed once.
    let by_tag = Payload::new(
        MediaType::OciManifest,
        [referrer("application/x", image.digest()).bytes(), b" ".as_slice()].concat().into(),
    );
    folder.put(&Locator::Digest(by_tag.digest().clone()), &by_tag).await.unwrap();
    let entry = |payload: &Payload, kind: &str| Entry {
        platform: None,
        artifact_type: Some(kind.to_owned()),
        ..Entry::new(payload.descriptor().clone(), Platform::default())
    };
    let listed = referrer("application/x", image.digest());
    let both = vec![entry(&listed, "application/x"), entry(&by_tag, "application/x")];
    let fallback = format!("sha256-{}", image.digest().hex());
    folder.put(&tag(&fallback), &Index::new(MediaType::OciIndex, both).encode()).await.unwrap();
    let expected = [("application/x", true), ("application/x", false)];
    assert_eq!(kinds().await, Some(expected.map(|(kind, whole)| (kind.to_owned(), whole)).to_vec()));
    // These manifests can no longer be read, so only the index with the tag names them.
    fs::write(folder.blob_path(by_tag.digest()), "{").unwrap();
    fs::write(folder.blob_path(listed.digest()), "{").unwrap();
    assert_eq!(kinds().await.map(|kinds| kinds.len()), Some(2), "the index by the tag names both");
}
