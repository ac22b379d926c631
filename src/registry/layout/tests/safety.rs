//! Damaged blobs, power failures, killed runs, locks, and errors that are not faults of the folder.

use super::files::journal::{self, Step};
use super::*;
use crate::oci::ImageManifest;

/// Overwrites the bytes of a blob with others of the same length. The time of the file changes, as it would later.
fn damage(path: &Path) {
    let size = usize::try_from(fs::metadata(path).unwrap().len()).unwrap();
    fs::write(path, vec![b' '; size]).unwrap();
    let time = std::time::SystemTime::now() + Duration::from_secs(5);
    fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
}

fn corrupt(digest: &Digest) -> ErrorKind {
    ErrorKind::Layout(LayoutFault::Corrupt(digest.clone()))
}

#[tokio::test]
async fn a_blob_with_other_bytes_of_the_same_size_is_absent_until_it_is_written_again() {
    for is_known in [false, true] {
        let mut folder = Folder::new();
        let (config, layer) = (folder.add_blob(b"{}").await, folder.add_blob(b"layer").await);
        damage(&folder.blob_path(&layer.digest));
        if !is_known {
            folder.layouts = Layouts::default();
        }
        assert!(!folder.layouts.has_blob(&folder.dir, &layer).await.unwrap());
        let error = folder.put(&tag("v1"), &image(&config, &layer)).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::ContentUnknown(vec![layer.digest.clone()]));
        folder.write(&layer, &[b"layer"]).await.unwrap();
        assert_eq!(fs::read(folder.blob_path(&layer.digest)).unwrap(), b"layer");
        folder.put(&tag("v1"), &image(&config, &layer)).await.unwrap();
    }
}

#[tokio::test]
async fn a_list_is_refused_while_a_child_is_corrupt() {
    let folder = Folder::new();
    let image = folder.add_image("a").await;
    damage(&folder.blob_path(image.digest()));
    let error = folder.put(&tag("v1"), &list(&[&image])).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::ContentUnknown(vec![image.digest().clone()]));
    folder.put(&by_digest(&image), &image).await.unwrap();
    folder.put(&tag("v1"), &list(&[&image])).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blob_is_hashed_once_in_a_run() {
    let folder = Folder::new();
    let (config, layer) = (folder.add_blob(b"{}").await, folder.add_blob(b"hashed once").await);
    let hex = layer.digest.hex();
    let hashed = || journal::below(Path::new(hex)).len();
    assert_eq!(hashed(), 0, "while it was written");
    let (v1, manifest, next_run) = (tag("v1"), image(&config, &layer), Layouts::default());
    for layouts in [&folder.layouts, &next_run] {
        let (one, two, three) = tokio::join!(
            layouts.has_blob(&folder.dir, &layer),
            layouts.has_blob(&folder.dir, &layer),
            layouts.put_manifest(&folder.dir, &v1, &manifest),
        );
        assert!(one.unwrap() && two.unwrap() && three.is_ok());
    }
    assert_eq!(hashed(), 1, "in the second run");
    let path = PathBuf::from("blobs/sha256").join(hex);
    let synced = journal::below(folder.dir.path()).into_iter().filter(|step| *step == (Step::Sync, path.clone()));
    assert_eq!(synced.count(), 2, "when it was written, and when the second run found it");
}

#[tokio::test]
async fn a_damaged_child_of_a_target_is_not_found_and_one_of_a_source_is_an_error() {
    let folder = Folder::new();
    let (one, two) = (folder.add_image("one").await, folder.add_image("two").await);
    let target = Layouts::new(HashSet::from([folder.dir.clone()]), CancellationToken::new());
    let source = Layouts::default();
    let by_digests = [by_digest(&one), by_digest(&two)];
    for locator in &by_digests {
        assert!(target.head(&folder.dir, locator).await.unwrap().is_some());
    }
    damage(&folder.blob_path(one.digest()));
    let layer = ImageManifest::parse(&two).unwrap().layers[0].descriptor.clone();
    fs::remove_file(folder.blob_path(&layer.digest)).unwrap();
    for locator in &by_digests {
        assert_eq!(target.head(&folder.dir, locator).await.unwrap(), None);
    }
    assert_eq!(source.head(&folder.dir, &by_digests[0]).await.unwrap_err().kind, corrupt(one.digest()));
    assert_eq!(source.head(&folder.dir, &by_digests[1]).await.unwrap().as_ref(), Some(two.descriptor()));

    folder.write(&layer, &[b"two"]).await.unwrap();
    assert!(target.head(&folder.dir, &by_digests[1]).await.unwrap().is_some());
    damage(&folder.blob_path(&ImageManifest::parse(&two).unwrap().config.digest));
    assert_eq!(target.head(&folder.dir, &by_digests[1]).await.unwrap(), None, "the config");
}

#[tokio::test]
async fn everything_is_synced_before_it_is_named() {
    let folder = Folder::new();
    let image = folder.add_image("a").await;
    folder.put(&tag("v1"), &list(&[&image])).await.unwrap();

    let steps = journal::below(folder.dir.path());
    let position = |step: Step, path: &str| {
        let at = steps.iter().rposition(|(other, name)| (*other, name.as_path()) == (step, Path::new(path)));
        at.unwrap_or_else(|| panic!("no {step:?} of {path}: {steps:?}"))
    };
    for (at, (step, path)) in steps.iter().enumerate().filter(|(_, (step, _))| *step == Step::Rename) {
        assert!(steps[..at].contains(&(Step::Sync, path.clone())), "{step:?} {}", path.display());
    }
    let named = position(Step::Rename, "index.json");
    let blobs = steps.iter().rposition(|(step, path)| *step == Step::Rename && path.starts_with("blobs")).unwrap();
    assert!(blobs < position(Step::SyncFolder, "blobs/sha256"), "{steps:?}");
    assert!(
        position(Step::SyncFolder, "blobs/sha256") < named && position(Step::SyncFolder, "blobs") < named,
        "{steps:?}"
    );
    assert!(named < position(Step::SyncFolder, ""), "{steps:?}");
}

#[tokio::test]
async fn what_killed_runs_left_is_removed_and_what_is_in_use_is_not() {
    let mut folder = Folder::new();
    folder.add_image("a").await;
    let left = [".mlist-aB3xY9", "blobs/.mlist-aB3xY9", "blobs/sha256/.mlist-aB3xY9"].map(|name| folder.path(name));
    for path in &left {
        fs::write(path, "half a bl").unwrap();
    }
    let other = folder.path("blobs/sha256/notes");
    fs::write(&other, "of the user").unwrap();
    let in_use = temporary::create(&folder.path("blobs/sha256")).unwrap();

    folder.layouts = Layouts::default();
    folder.add_blob(b"another").await;
    assert_eq!(left.each_ref().map(|path| path.exists()), [false; 3]);
    assert!(other.exists() && in_use.path().exists());
}

#[tokio::test(start_paused = true)]
async fn a_locked_layout_is_waited_for_by_all_its_writers_at_once() {
    let folder = Folder::new();
    let image = folder.add_image("a").await;
    let other_process = fs::File::open(folder.path("oci-layout")).unwrap();
    other_process.lock().unwrap();
    let began = Instant::now();
    for name in ["v1", "v2", "v3"] {
        let error = folder.put(&tag(name), &image).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Layout(LayoutFault::Locked(LOCK_LIMIT)));
    }
    assert!((LOCK_LIMIT..LOCK_LIMIT * 2).contains(&began.elapsed()), "{:?}", began.elapsed());

    let unlocked = async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        other_process.unlock().unwrap();
    };
    let (v1, layouts) = (tag("v1"), Layouts::default());
    let (written, ()) = tokio::join!(layouts.put_manifest(&folder.dir, &v1, &image), unlocked);
    written.unwrap();
    folder.put(&tag("v2"), &image).await.unwrap();
}

#[tokio::test]
async fn waiting_for_a_lock_ends_when_the_run_is_stopped() {
    let folder = Folder::new();
    let image = folder.add_image("a").await;
    let other_process = fs::File::open(folder.path("oci-layout")).unwrap();
    other_process.lock().unwrap();
    let stop = CancellationToken::new();
    stop.cancel();
    let error = Layouts::new(HashSet::new(), stop).put_manifest(&folder.dir, &tag("v1"), &image).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Stopped);
}

#[cfg(unix)]
#[test]
fn a_full_disk_and_a_low_limit_are_not_faults_of_the_folder() {
    let path = Path::new("out/index.json");
    for (number, fault) in [
        (libc::EMFILE, LayoutFault::TooManyOpenFiles),
        (libc::ENFILE, LayoutFault::TooManyOpenFiles),
        (libc::ENOSPC, LayoutFault::NoSpace),
        (libc::EDQUOT, LayoutFault::QuotaExceeded),
    ] {
        let error = std::io::Error::from_raw_os_error(number);
        assert_eq!(files::unwritable(path, &error), ErrorKind::Layout(fault), "{error}");
    }
    let none_left = std::io::Error::from_raw_os_error(libc::EMFILE);
    assert_eq!(files::unreadable(path, &none_left), ErrorKind::Layout(LayoutFault::TooManyOpenFiles));
}
