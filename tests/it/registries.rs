//! `mlist::registry` alone, against both registries: what it writes exists in the registry, and it reads what exists
//! there.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::sync::Arc;

use mlist::oci::{Descriptor, Digest, ImageManifest, Index, MediaType, Payload, Place, Reference};
use mlist::registry::Registry as _;
use mlist::registry::{
    Access, Copied, CredentialSources, ErrorKind, Registries, RegistriesOptions, RegistryError, RepositoryGroup,
    Rights, Way,
};

use crate::support::any_registry::{AnyRegistry, Kind, on_each_registry};
use crate::support::context::Context;
use crate::support::images::{Dialect, Image, write_layout};
use crate::support::nginx;
use crate::support::registry::{Account, Auth, Knobs, Registry};

on_each_registry!(
    an_image_is_mounted_and_read_back,
    an_image_of_another_registry_is_sent,
    an_image_of_a_layout_is_sent,
    what_stands_is_not_sent_again,
    children_that_are_absent_are_named,
    basic_credentials_are_read_from_the_file,
    tags_are_listed,
    a_blob_comes_by_the_way_that_is_wanted,
    many_images_at_once,
);

fn start(kind: Kind) -> AnyRegistry {
    kind.start().expect("it was installed a moment ago")
}

fn image(content: &str) -> Image {
    Image::new(Dialect::Oci, "linux/arm64", content)
}

/// Returns a context that is logged in to those of these registries that require it.
fn logged_in(registries: &[&AnyRegistry]) -> Context {
    let context = Context::new();
    for registry in registries {
        registry.admit(&context);
    }
    context
}

/// Creates `Registries` with the right to write to `target`.
fn registries(context: &Context, target: &Place) -> Registries {
    let Place::Repository(target) = target else { panic!("{target} is a layout") };
    let groups = vec![RepositoryGroup { target: Some(target.clone()), sources: Vec::new() }];
    let docker = Some(context.docker_config().join("config.json"));
    let (hosts, certificates) = (BTreeMap::default(), nginx::certs_d());
    let options = RegistriesOptions {
        access: Access::new(Rights::Write, groups),
        jobs: NonZeroUsize::MIN.saturating_add(7),
        credentials: CredentialSources { docker, ..CredentialSources::default() },
        hosts,
        certificates,
        observer: Arc::new(|_| {}),
    };
    Registries::new(options).expect("a client")
}

fn place(registry: &AnyRegistry, name: &str) -> Place {
    Place::parse(&format!("{}/{name}", registry.host())).expect("a repository")
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Runtime::new().expect("a runtime").block_on(work)
}

/// Copies the image at a tag from `from` to `to`, as the executor does. Returns how each blob was copied.
async fn copy(registries: &Registries, from: &Place, to: &Place, tag: &str) -> Result<Vec<Copied>, Box<RegistryError>> {
    let reference = Reference::parse(&format!("{from}:{tag}")).expect("a reference");
    let head = registries.head(&reference).await?.expect("it was pushed");
    let payload = registries.manifest(from, &head.digest).await?.expect("it was pushed");
    assert_eq!(payload.descriptor(), &head, "HEAD and GET say the same");
    let manifest = ImageManifest::parse(&payload).expect("an image");
    let config = registries.config(from, &manifest.config.digest).await?.expect("it was pushed");
    assert_eq!(config.descriptor().size, manifest.config.size);
    let mut copied = Vec::new();
    for blob in manifest.blobs() {
        copied.push(registries.copy_blob(blob, from, to, Way::MountOrSend).await?);
    }
    let tagged = to.tagged(reference.tag().expect("a tag"));
    registries.put_manifest(to, &tagged.locator, &payload).await?;
    assert_eq!(registries.head(&tagged).await?.as_ref(), Some(&head));
    Ok(copied)
}

fn is_sent(copied: &[Copied]) -> bool {
    copied.iter().all(|copied| matches!(copied, Copied::Streamed { bytes } if *bytes > 0))
}

fn an_image_is_mounted_and_read_back(kind: Kind) {
    let registry = start(kind);
    registry.push("a/source", "v1", &image("app"));
    let (from, to) = (place(&registry, "a/source"), place(&registry, "a/target"));
    let context = logged_in(&[&registry]);
    let registries = registries(&context, &to);
    let copied = run(copy(&registries, &from, &to, "v1")).expect("it is copied");
    if kind.mounts() {
        assert_eq!(copied, [Copied::Mounted, Copied::Mounted]);
    } else {
        assert!(is_sent(&copied), "{copied:?}");
    }
    assert!(registry.wire().manifest("a/target", "v1").is_some());
    let stats = registries.stats().remove(&registry.host()).expect("it was asked");
    let [get, post, put] = kind.copies(2).map(|count| count as u64);
    // zuul-registry shows at the first HEAD that it requires a token.
    let challenges = u64::from(kind == Kind::Zuul);
    assert_eq!((stats.head, stats.get), (2 + challenges, 2 + get));
    assert_eq!((stats.post, stats.put, stats.retries), (post, 1 + put, 0));
}

fn an_image_of_another_registry_is_sent(kind: Kind) {
    let (source, target) = (start(kind), start(kind));
    source.push("a/b", "v1", &image("app"));
    let (from, to) = (place(&source, "a/b"), place(&target, "c/d"));
    let context = logged_in(&[&source, &target]);
    let copied = run(copy(&registries(&context, &to), &from, &to, "v1")).expect("it is copied");
    assert!(is_sent(&copied), "{copied:?}");
    assert!(target.wire().manifest("c/d", "v1").is_some());
}

fn an_image_of_a_layout_is_sent(kind: Kind) {
    let (registry, folder) = (start(kind), tempfile::TempDir::new().expect("a folder"));
    write_layout(folder.path(), &[("v1", &image("app"))]);
    let from = Place::parse(&format!("oci:{}", folder.path().display())).expect("a layout");
    let to = place(&registry, "c/d");
    let context = logged_in(&[&registry]);
    let copied = run(copy(&registries(&context, &to), &from, &to, "v1")).expect("it is copied");
    assert!(is_sent(&copied), "{copied:?}");
}

fn what_stands_is_not_sent_again(kind: Kind) {
    let (source, target) = (start(kind), start(kind));
    source.push("a/b", "v1", &image("app"));
    target.push("c/d", "other", &image("app"));
    let (from, to) = (place(&source, "a/b"), place(&target, "c/d"));
    let context = logged_in(&[&source, &target]);
    let copied = run(copy(&registries(&context, &to), &from, &to, "v1")).expect("it is copied");
    assert_eq!(copied, [Copied::Mounted, Copied::Mounted]);
}

fn children_that_are_absent_are_named(kind: Kind) {
    let registry = start(kind);
    let to = place(&registry, "a/b");
    let absent = Digest::of(b"absent");
    let child = Descriptor { media_type: MediaType::OciManifest, digest: absent.clone(), size: 6 };
    let platform = mlist::oci::Platform::parse("linux/amd64").expect("a platform");
    let list: Payload = Index::new(MediaType::OciIndex, vec![mlist::oci::Entry::new(child, platform)]).encode();
    let tagged = Reference::parse(&format!("{to}:v1")).expect("a reference");
    let context = logged_in(&[&registry]);
    let put = run(registries(&context, &to).put_manifest(&to, &tagged.locator, &list));
    let head = run(registries(&context, &to).head(&tagged)).expect("it answers");
    if kind.requires_children() {
        assert_eq!(put.expect_err("it is strict").kind, ErrorKind::ContentUnknown(vec![absent]));
        assert_eq!(head, None);
    } else {
        put.expect("it is not strict");
        assert_eq!(head.as_ref(), Some(list.descriptor()));
    }
}

fn tags_are_listed(kind: Kind) {
    let registry = start(kind);
    let to = place(&registry, "a/b");
    let context = logged_in(&[&registry]);
    let registries = registries(&context, &to);
    let none = run(registries.tags(&to)).expect("it answers");
    assert_eq!(none, if kind.knows_repositories() { None } else { Some(BTreeSet::new()) });
    for tag in ["v2", "v1", "latest"] {
        registry.push("a/b", tag, &image("app"));
    }
    let tags = run(registries.tags(&to)).expect("it answers").expect("it was pushed");
    assert_eq!(tags.iter().map(ToString::to_string).collect::<Vec<_>>(), ["latest", "v1", "v2"]);
}

fn a_blob_comes_by_the_way_that_is_wanted(kind: Kind) {
    let registry = start(kind);
    let app = image("app");
    registry.push("a/source", "v1", &app);
    let (from, to) = (place(&registry, "a/source"), place(&registry, "a/target"));
    let context = logged_in(&[&registry]);
    let registries = registries(&context, &to);
    let [config, layer] = app.blobs().map(|(digest, bytes)| Descriptor {
        media_type: MediaType::OciConfig,
        digest: Digest::parse(&digest).expect("a digest"),
        size: bytes.len() as u64,
    });
    let copy = |blob: &Descriptor, way| run(registries.copy_blob(blob, &from, &to, way)).expect("it is copied");
    assert_eq!(copy(&config, Way::Mount), if kind.mounts() { Copied::Mounted } else { Copied::Skipped });
    assert_eq!(
        copy(&config, Way::Send),
        Copied::Streamed { bytes: config.size },
        "it stands, and is sent all the same"
    );
    assert_eq!(copy(&layer, Way::Send), Copied::Streamed { bytes: layer.size });
    let nowhere = Descriptor { digest: Digest::of(b"foreign"), ..layer };
    assert_eq!(copy(&nowhere, Way::Mount), Copied::Skipped);
}

fn basic_credentials_are_read_from_the_file(kind: Kind) {
    let account = Account::new("ci", "secret");
    let Some(registry) = kind.start_for(account.clone()) else {
        return crate::support::docker_registry::skipped("no registry with an account can be started");
    };
    registry.push("a/b", "v1", &image("app"));
    let (from, to) = (place(&registry, "a/b"), place(&registry, "c/d"));
    let context = Context::new();
    let nobody = run(copy(&registries(&context, &to), &from, &to, "v1")).expect_err("nobody is let in");
    assert_eq!((nobody.kind, nobody.status), (ErrorKind::Unauthorized, Some(401)));

    context.log_in(&registry.host(), &account);
    let registries = registries(&context, &to);
    run(copy(&registries, &from, &to, "v1")).expect("ci is let in");
    let stats = registries.stats().remove(&registry.host()).expect("it was asked");
    assert_eq!(stats.head, 3, "the first HEAD shows how to ask, and is sent again");
}

fn many_images_at_once(kind: Kind) {
    let (source, target) = (start(kind), start(kind));
    for number in 0..12 {
        source.push("a/b", &format!("v{number}"), &image(&format!("app {number}")));
    }
    let (from, to) = (place(&source, "a/b"), place(&target, "c/d"));
    let context = logged_in(&[&source, &target]);
    let registries = registries(&context, &to);
    let tags: Vec<_> = (0..12).map(|number| format!("v{number}")).collect();
    let copies = tags.iter().map(|tag| copy(&registries, &from, &to, tag));
    let all = run(futures_util::future::join_all(copies));
    assert!(all.iter().all(|copied| is_sent(copied.as_ref().expect("it is copied"))));
}

#[test]
fn tokens_are_asked_for_by_repository_and_right() {
    let account = Account::new("ci", "secret");
    let knobs = Knobs { auth: Auth::Bearer(account.clone()), ..Knobs::default() };
    let registry = AnyRegistry::InProcess(Registry::start(knobs));
    registry.push("a/b", "v1", &image("app"));
    let context = Context::new();
    context.log_in(&registry.host(), &account);
    let (from, to) = (place(&registry, "a/b"), place(&registry, "c/d"));
    let registries = registries(&context, &to);
    let copied = run(copy(&registries, &from, &to, "v1")).expect("ci is let in");
    assert_eq!(copied, [Copied::Mounted, Copied::Mounted]);
    let stats = registries.stats().remove(&registry.host()).expect("it was asked");
    assert_eq!(stats.token, 3, "source, both for the mount, target");
}
