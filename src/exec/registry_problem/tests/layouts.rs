//! Messages for layouts on disk.

use super::*;
use crate::registry::LayoutFault;

fn of_layout(fault: LayoutFault) -> RegistryError {
    let (operation, target) = (Operation::Write, "oci:out/kubectl:v1".into());
    RegistryError { operation, host: None, target, ..error(ErrorKind::Layout(fault)) }
}

#[test]
fn a_layout_has_no_host() {
    let kind = ErrorKind::Layout("out/kubectl/index.json: permission denied".into());
    let layout = RegistryError { host: None, target: "oci:out/kubectl:v1".into(), ..error(kind) };
    assert_snapshot!(show(&layout), @r"
    mlist::registry::layout
    cannot write to oci:out/kubectl
    > out/kubectl/index.json: permission denied
    help: check the files of out/kubectl and their permissions, or write to another directory
    about: oci:out/kubectl
    ");
    assert_eq!(problem(&layout).http, None);
    let blob =
        RegistryError { target: format!("oci:out/kubectl@{}", Digest::of(b"layer")).as_str().into(), ..layout.clone() };
    assert_eq!(problem(&blob), problem(&layout), "one folder is one problem");
    assert_snapshot!(show(&RegistryError { operation: Operation::Read, ..layout }), @r"
    mlist::registry::layout
    cannot read oci:out/kubectl:v1
    > out/kubectl/index.json: permission denied
    help: check the files of out/kubectl and their permissions
    about: oci:out/kubectl:v1
    ");
}

#[test]
fn a_corrupt_blob_is_named_with_its_layout() {
    let corrupt = of_layout(LayoutFault::Corrupt(Digest::of(b"layer")));
    let help = problem(&corrupt).help.unwrap();
    assert!(help.starts_with("delete out/kubectl/blobs/sha256/dac1"), "{help}");
    assert!(help.ends_with(", then run mlist sync again"), "{help}");
    assert_snapshot!(show(&RegistryError { operation: Operation::Read, ..corrupt }), @r"
    mlist::plan::member_damaged
    blob sha256:dac1d7cfa95021764849fd102524e141488c5e3a90f861dbb5a12d9ac8584f85 in oci:out/kubectl is corrupt (its bytes do not match the digest)
    help: delete out/kubectl/blobs/sha256/dac1d7cfa95021764849fd102524e141488c5e3a90f861dbb5a12d9ac8584f85, then write the image to the layout again: skopeo copy docker://IMAGE oci:out/kubectl:v1
    about: oci:out/kubectl:v1
    ");
}

#[test]
fn what_is_missing_in_a_source_and_an_archive_are_named() {
    let read = |fault: LayoutFault| show(&RegistryError { operation: Operation::Read, ..of_layout(fault) });
    assert_snapshot!(read(LayoutFault::NoManifest(Digest::of(b"manifest"))), @r"
    mlist::plan::member_damaged
    oci:out/kubectl:v1 exists, but its manifest is missing
    > sha256:05b3abf2579a5eb66403cd78be557fd860633a1fe2103c7642030defe32c657f not found in oci:out/kubectl
    help: write the image to the layout again: skopeo copy docker://IMAGE oci:out/kubectl:v1
    about: oci:out/kubectl:v1
    ");
    assert_snapshot!(read(LayoutFault::NoLayer(Digest::of(b"layer"))), @r"
    mlist::plan::member_damaged
    oci:out/kubectl:v1 exists, but one of its layers is missing
    > layer sha256:dac1d7cfa95021764849fd102524e141488c5e3a90f861dbb5a12d9ac8584f85 not found in oci:out/kubectl
    help: write the image to the layout again: skopeo copy docker://IMAGE oci:out/kubectl:v1
    about: oci:out/kubectl:v1
    ");
    assert_snapshot!(read(LayoutFault::WrongSize { digest: Digest::of(b"layer"), expected: 5, actual: 3 }), @r"
    mlist::plan::member_damaged
    blob sha256:dac1d7cfa95021764849fd102524e141488c5e3a90f861dbb5a12d9ac8584f85 in oci:out/kubectl is corrupt (3 bytes instead of 5)
    help: delete out/kubectl/blobs/sha256/dac1d7cfa95021764849fd102524e141488c5e3a90f861dbb5a12d9ac8584f85, then write the image to the layout again: skopeo copy docker://IMAGE oci:out/kubectl:v1
    about: oci:out/kubectl:v1
    ");
    let archive = LayoutFault::Archive { path: "out/kubectl.tar.gz".into(), kind: "gzip archive" };
    assert_snapshot!(read(archive), @r"
    mlist::registry::layout
    out/kubectl.tar.gz is a gzip archive, not an OCI image layout directory
    help: convert the archive and use oci:DIR:TAG as the source: skopeo copy oci-archive:out/kubectl.tar.gz oci:DIR:TAG (for an archive from docker save: docker-archive:out/kubectl.tar.gz)
    about: oci:out/kubectl
    ");
}

#[test]
fn a_full_disk_a_low_limit_and_a_lock_are_not_faults_of_the_folder() {
    assert_snapshot!(show(&of_layout(LayoutFault::NoSpace)), @r"
    mlist::registry::no_space
    no space left on device
    > cannot write to oci:out/kubectl
    help: free disk space, then try again
    about: oci:out/kubectl
    retry
    ");
    assert_snapshot!(show(&of_layout(LayoutFault::QuotaExceeded)), @r"
    mlist::registry::no_space
    disk quota exceeded
    > cannot write to oci:out/kubectl
    help: free disk space or raise the quota, then try again
    about: oci:out/kubectl
    retry
    ");
    assert_snapshot!(show(&of_layout(LayoutFault::Locked(Duration::from_secs(30)))), @r"
    mlist::registry::layout_locked
    oci:out/kubectl is locked by another process
    > waited 30s for the lock
    help: try again when the other process has ended
    about: oci:out/kubectl
    retry
    ");
    let low = of_layout(LayoutFault::TooManyOpenFiles);
    assert_snapshot!(show(&low), @r"
    mlist::registry::too_many_open_files
    too many open files
    > cannot write to oci:out/kubectl
    help: raise the limit of open files (ulimit -n 4096), or allow fewer parallel requests (--jobs 8)
    about: oci:out/kubectl
    retry
    ");
    let blob = RegistryError {
        operation: Operation::Read,
        target: format!("oci:out/kubectl@{}", Digest::of(b"layer")).as_str().into(),
        ..low
    };
    assert_snapshot!(show(&blob), @r"
    mlist::registry::too_many_open_files
    too many open files
    > cannot read oci:out/kubectl
    help: raise the limit of open files (ulimit -n 4096), or allow fewer parallel requests (--jobs 8)
    about: oci:out/kubectl
    retry
    ");
}
