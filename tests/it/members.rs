//! Where members may be, what may be left open, and what is not written again, each with the number of requests.

use crate::support::any_registry::{AnyRegistry, Kind, on_each_registry};
use crate::support::context::Context;
use crate::support::images::{DOCKER_LIST, Dialect, Image, OCI_INDEX, foreign_list, write_layout};
use crate::support::readers;
use crate::support::registry::{Knobs, Log, Mount, Registry};

on_each_registry!(
    members_in_the_targets_own_repository,
    members_in_repositories_of_their_own,
    members_in_another_registry,
    members_in_a_layout,
    lists_in_a_layout,
    a_bare_arm_takes_its_variant_from_the_config,
    two_tags_name_one_list,
    many_tags_name_one_list,
    another_tools_equal_list_is_left_alone,
    a_list_that_docker_made_is_left_alone,
    one_absent_member_costs_heads_only,
    an_image_for_another_platform_blocks,
);

const FIVE: &str = r#"["linux/amd64", "linux/arm/v7", "linux/arm64", "linux/ppc64le", "linux/s390x"]"#;
const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const ARCHES: [&str; 5] = ["amd64", "arm", "arm64", "ppc64le", "s390x"];
const PLATFORMS: [&str; 5] = ["linux/amd64", "linux/arm/v7", "linux/arm64", "linux/ppc64le", "linux/s390x"];

fn start(kind: Kind) -> AnyRegistry {
    kind.start().expect("it was installed a moment ago")
}

/// Returns manifests.toml with one list, `acme/app:v1`.
fn manifest(platforms: &str, source: &str, target: &str, tags: &str) -> String {
    format!(
        r#"[list.app]
            platforms = {platforms}
            source = "{source}"
            target = "{target}"
            tags = {tags}
        "#
    )
}

fn images(dialect: Dialect, content: &str) -> Vec<Image> {
    PLATFORMS.iter().map(|platform| Image::new(dialect, platform, content)).collect()
}

/// Returns the platforms and digests of a list of these images.
fn expected(images: &[Image]) -> Vec<(String, String)> {
    PLATFORMS.iter().zip(images).map(|(platform, image)| ((*platform).to_owned(), image.digest())).collect()
}

/// Counts requests by kind: HEAD, GET of manifests, GET of blobs, POST, PUT of blobs, PUT of manifests.
fn counts(log: &Log) -> [usize; 6] {
    let log = log.served();
    let of =
        |method: &str, blob: bool| log.filter(|exchange| exchange.method == method && exchange.is_blob() == blob).len();
    [log.count("HEAD"), of("GET", false), of("GET", true), log.count("POST"), of("PUT", true), of("PUT", false)]
}

fn sync(context: &Context, registry: &AnyRegistry) -> [usize; 6] {
    let (output, log) = registry.watch(|| context.mlist("sync"));
    output.exits(0);
    counts(&log)
}

const UNCHANGED: [usize; 6] = [6, 0, 0, 0, 0, 0];

fn members_in_the_targets_own_repository(kind: Kind) {
    let registry = start(kind);
    let mut images = images(Dialect::Docker, "app");
    let push = |arch: &str, image: &Image| registry.push("acme/app", &format!("v1-{arch}"), image);
    ARCHES.iter().zip(&images).for_each(|(arch, image)| push(arch, image));
    let source = format!("{}/acme/app:v1-{{arch}}", registry.host());
    let target = format!("{}/acme/app", registry.host());
    let context = registry.project(&manifest(FIVE, &source, &target, r#"["v1"]"#));
    // Before the list is written, its tag and its five members are checked again.
    assert_eq!(sync(&context, &registry), [6 + 6, 5, 5, 0, 0, 1]);
    assert_eq!(registry.list("acme/app", "v1"), Some(expected(&images)));
    assert_eq!(sync(&context, &registry), UNCHANGED);
    images[2] = Image::new(Dialect::Docker, "linux/arm64", "app rebuilt");
    push("arm64", &images[2]);
    assert_eq!(sync(&context, &registry), [6 + 6, 1 + 1, 1, 0, 0, 1]);
    assert_eq!(registry.list("acme/app", "v1"), Some(expected(&images)));
}

fn push_each(registry: &AnyRegistry, images: &[Image]) {
    for (arch, image) in ARCHES.iter().zip(images) {
        registry.push(&format!("acme/app-{arch}"), "v1", image);
    }
}

fn members_in_repositories_of_their_own(kind: Kind) {
    let registry = start(kind);
    let mut images = images(Dialect::Oci, "app");
    push_each(&registry, &images);
    let (source, target) =
        (format!("{}/acme/app-{{arch}}:v1", registry.host()), format!("{}/acme/app", registry.host()));
    let context = registry.project(&manifest(FIVE, &source, &target, r#"["v1"]"#));
    let [get, post, put] = kind.copies(10);
    assert_eq!(sync(&context, &registry), [6 + 1, 5, 5 + get, post, put, 5 + 1]);
    assert_eq!(registry.list("acme/app", "v1"), Some(expected(&images)));
    assert_eq!(sync(&context, &registry), UNCHANGED);
    images[4] = Image::new(Dialect::Oci, "linux/s390x", "app rebuilt");
    registry.push("acme/app-s390x", "v1", &images[4]);
    let [get, post, put] = kind.copies(2);
    assert_eq!(sync(&context, &registry), [6 + 4 + 1, 1 + 1, 1 + get, post, put, 1 + 1]);
    assert_eq!(registry.list("acme/app", "v1"), Some(expected(&images)));
}

fn members_in_another_registry(kind: Kind) {
    let (from, to) = (start(kind), start(kind));
    let images = images(Dialect::Docker, "app");
    push_each(&from, &images);
    let (source, target) = (format!("{}/acme/app-{{arch}}:v1", from.host()), format!("{}/mirror/app", to.host()));
    let context = from.project(&manifest(FIVE, &source, &target, r#"["v1"]"#));
    to.admit(&context);
    assert_eq!(sync(&context, &to)[5], 5 + 1);
    assert_eq!(to.list("mirror/app", "v1"), Some(expected(&images)));
    assert_blobs_stand(&to, "mirror/app", &images);
    let (output, log) = to.watch(|| from.watch(|| context.mlist("sync")).0);
    output.exits(0);
    assert_eq!(counts(&log), [1, 0, 0, 0, 0, 0]);
}

fn assert_blobs_stand(registry: &AnyRegistry, repository: &str, images: &[Image]) {
    for (digest, bytes) in images.iter().flat_map(Image::blobs) {
        let answer = registry.wire().send("GET", &format!("/v2/{repository}/blobs/{digest}"), &[], b"");
        assert_eq!((answer.status, &*answer.body), (200, bytes), "{digest}");
    }
}

fn members_in_a_layout(kind: Kind) {
    let registry = start(kind);
    let images = images(Dialect::Oci, "app");
    let target = format!("{}/acme/app", registry.host());
    let context = registry.project(&manifest(FIVE, "oci:images:{arch}", &target, r#"["v1"]"#));
    let tagged: Vec<(&str, &Image)> = ARCHES.into_iter().zip(&images).collect();
    write_layout(&context.path("images"), &tagged);
    let counted = sync(&context, &registry);
    // The HEADs are for the tag, for checking it again, and for each blob before it is uploaded.
    assert_eq!(counted, [1 + 1 + 10, 0, 0, 10, 10, 5 + 1]);
    assert_eq!(registry.list("acme/app", "v1"), Some(expected(&images)));
    assert_blobs_stand(&registry, "acme/app", &images);
    assert_eq!(sync(&context, &registry), [1, 0, 0, 0, 0, 0]);
}

fn lists_in_a_layout(kind: Kind) {
    let registry = start(kind);
    let images = images(Dialect::Docker, "app");
    push_each(&registry, &images);
    let source = format!("{}/acme/app-{{arch}}:v1", registry.host());
    let context = registry.project(&manifest(FIVE, &source, "oci:out/app", r#"["v1"]"#));
    let (output, log) = registry.watch(|| context.mlist("sync"));
    output.exits(0);
    assert_eq!(log.writes().len(), 0, "{log}");
    let read = readers::skopeo(&format!("oci:{}:v1", context.path("out/app").display()), &context.docker_config());
    assert_eq!(read.unwrap_or_else(|| expected(&images)), expected(&images));
    let output = context.mlist("sync").exits(0);
    assert!(output.verdict().starts_with("Nothing to publish: 1 list unchanged ("), "{output}");
}

fn a_bare_arm_takes_its_variant_from_the_config(kind: Kind) {
    let registry = start(kind);
    let images = images(Dialect::Docker, "app");
    push_each(&registry, &images);
    let (source, target) =
        (format!("{}/acme/app-{{arch}}:v1", registry.host()), format!("{}/acme/app", registry.host()));
    let platforms = FIVE.replace("arm/v7", "arm");
    let context = registry.project(&manifest(&platforms, &source, &target, r#"["v1"]"#));
    sync(&context, &registry);
    assert_eq!(registry.list("acme/app", "v1"), Some(expected(&images)));
    // The variant that the file leaves open is taken from the published list.
    assert_eq!(sync(&context, &registry), [6, 1, 0, 0, 0, 0]);
}

fn two_tags_name_one_list(kind: Kind) {
    let registry = start(kind);
    let images = images(Dialect::Docker, "app");
    push_each(&registry, &images);
    let (source, target) =
        (format!("{}/acme/app-{{arch}}:v1", registry.host()), format!("{}/acme/app", registry.host()));
    let context = registry.project(&manifest(FIVE, &source, &target, r#"["v1.2", "v1"]"#));
    let [get, post, put] = kind.copies(10);
    assert_eq!(sync(&context, &registry), [7 + 2, 5, 5 + get, post, put, 5 + 2]);
    assert_eq!(registry.list("acme/app", "v1.2"), Some(expected(&images)));
    let wire = registry.wire();
    assert_eq!(wire.digest("acme/app", "v1.2"), wire.digest("acme/app", "v1"));
    assert_eq!(sync(&context, &registry), [7, 0, 0, 0, 0, 0]);
    // If someone else moves one of the tags, only that tag is written again.
    let other = Image::new(Dialect::Docker, "linux/amd64", "other");
    registry.push("acme/app", "v1", &other);
    let (output, log) = registry.watch(|| context.mlist("sync"));
    output.exits(0);
    let puts = log.manifest_puts();
    let moved: &[&str] = if kind.replaces_tags() { &["v1"] } else { &[] };
    assert_eq!(puts.iter().filter_map(|put| put.manifest()).collect::<Vec<_>>(), moved, "{log}");
    assert_eq!(wire.digest("acme/app", "v1.2"), wire.digest("acme/app", "v1"));
}

fn many_tags_name_one_list(kind: Kind) {
    let registry = start(kind);
    let images = images(Dialect::Docker, "app");
    push_each(&registry, &images);
    let (source, target) =
        (format!("{}/acme/app-{{arch}}:v1", registry.host()), format!("{}/acme/app", registry.host()));
    let context = registry.project(&manifest(FIVE, &source, &target, r#"["v1.2.3", "v1.2", "v1", "latest"]"#));
    // One PUT is needed to detect that none of these registries can write several tags at once.
    let [get, post, put] = kind.copies(10);
    assert_eq!(sync(&context, &registry), [9 + 4, 5, 5 + get, post, put, 5 + 4 + 1]);
    let wire = registry.wire();
    for tag in ["v1.2", "v1", "latest"] {
        assert_eq!(wire.digest("acme/app", tag), wire.digest("acme/app", "v1.2.3"), "{tag}");
    }
    assert_eq!(sync(&context, &registry), [9, 0, 0, 0, 0, 0]);
}

fn another_tools_equal_list_is_left_alone(kind: Kind) {
    for media_type in [DOCKER_LIST, OCI_INDEX] {
        let registry = start(kind);
        let images = images(Dialect::Docker, "app");
        images.iter().zip(ARCHES).for_each(|(image, arch)| registry.push("acme/app", &format!("v1-{arch}"), image));
        // Other white space, other order of keys, other order of platforms.
        let order: Vec<&Image> = images.iter().rev().collect();
        registry.push_list("acme/app", "v1", media_type, &foreign_list(media_type, &order));
        let before = registry.wire().digest("acme/app", "v1");
        let source = format!("{}/acme/app:v1-{{arch}}", registry.host());
        let target = format!("{}/acme/app", registry.host());
        let context = registry.project(&manifest(FIVE, &source, &target, r#"["v1"]"#));
        for _ in 0..2 {
            assert_eq!(sync(&context, &registry), [6, 1, 0, 0, 0, 0], "{media_type}");
        }
        assert_eq!(registry.wire().digest("acme/app", "v1"), before);
    }
}

fn a_list_that_docker_made_is_left_alone(kind: Kind) {
    let registry = start(kind);
    let images = images(Dialect::Docker, "app");
    images.iter().zip(ARCHES).for_each(|(image, arch)| registry.push("acme/app", &format!("v1-{arch}"), image));
    let target = format!("{}/acme/app", registry.host());
    let source = format!("{target}:v1-{{arch}}");
    let context = registry.project(&manifest(FIVE, &source, &target, r#"["v1"]"#));
    // Docker falls back to plain HTTP for this machine, also if the port uses TLS.
    let target = format!("{}/acme/app", registry.plain_host());
    let members = ARCHES.map(|arch| format!("{target}:v1-{arch}"));
    if !readers::docker_publishes(&format!("{target}:v1"), &members, &context.docker_config()) {
        return;
    }
    assert_eq!(registry.list("acme/app", "v1"), Some(expected(&images)));
    let before = registry.wire().digest("acme/app", "v1");
    assert_eq!(sync(&context, &registry), [6, 1, 0, 0, 0, 0]);
    assert_eq!(registry.wire().digest("acme/app", "v1"), before);
}

fn one_absent_member_costs_heads_only(kind: Kind) {
    let registry = start(kind);
    push_each(&registry, &images(Dialect::Docker, "app")[..4]);
    let (source, target) =
        (format!("{}/acme/app-{{arch}}:v1", registry.host()), format!("{}/acme/app", registry.host()));
    let context = registry.project(&manifest(FIVE, &source, &target, r#"["v1"]"#));
    let (output, log) = registry.watch(|| context.mlist("sync --format json"));
    let report = output.exits(4).json();
    assert_eq!(counts(&log), UNCHANGED, "{log}");
    let list = &report["lists"][0];
    assert_eq!((&list["action"], &list["outcome"]), (&"blocked".into(), &"blocked".into()));
    assert_eq!(list["members"][4]["change"], "absent");
    assert_eq!(list["problems"][0]["code"], "mlist::plan::member_absent");
    assert_eq!(list["problems"][0]["http"]["status"], 404);
    assert_eq!((&list["problems"][0]["at"]["line"], &list["problems"][0]["retry"]), (&3.into(), &false.into()));
}

fn an_image_for_another_platform_blocks(kind: Kind) {
    let registry = start(kind);
    let images = images(Dialect::Docker, "app");
    push_each(&registry, &images);
    registry.push("acme/app-s390x", "v1", &images[3]);
    let (source, target) =
        (format!("{}/acme/app-{{arch}}:v1", registry.host()), format!("{}/acme/app", registry.host()));
    let context = registry.project(&manifest(FIVE, &source, &target, r#"["v1"]"#));
    let (output, log) = registry.watch(|| context.mlist("sync"));
    let output = output.exits(4);
    assert_eq!(log.writes().len(), 0, "{log}");
    assert!(output.stderr.contains("linux/ppc64le"), "what it is instead is told: {output}");
}

#[test]
fn a_mount_that_is_not_granted_is_streamed() {
    let registry = AnyRegistry::InProcess(Registry::start(Knobs { mount: Mount::Session, ..Knobs::default() }));
    let images = images(Dialect::Docker, "app");
    push_each(&registry, &images);
    let (source, target) =
        (format!("{}/acme/app-{{arch}}:v1", registry.host()), format!("{}/acme/app", registry.host()));
    let context = Context::with(&manifest(FIVE, &source, &target, r#"["v1"]"#));
    let counted = sync(&context, &registry);
    // Each blob is uploaded in the session that its mount opened. Five configs were already read for the plan.
    assert_eq!((counted[0], counted[3..].to_vec()), (6 + 1, vec![10, 10, 5 + 1]));
    assert_eq!(registry.list("acme/app", "v1"), Some(expected(&images)));
    assert_blobs_stand(&registry, "acme/app", &images);
    assert_eq!(sync(&context, &registry), UNCHANGED);
}

#[test]
fn a_windows_image_crosses_repositories_and_registries_without_its_foreign_base() {
    use crate::support::registry::store::digest_of;
    let (from, to) = (AnyRegistry::InProcess(Registry::start(Knobs::default())), start(Kind::InProcess));
    let config = br#"{"os":"windows","architecture":"amd64","os.version":"10.0.17763.1"}"#;
    let image = serde_json::json!({
        "schemaVersion": 2,
        "mediaType": DOCKER_MANIFEST,
        "config": {
            "mediaType": "application/vnd.docker.container.image.v1+json",
            "digest": digest_of(config),
            "size": config.len(),
        },
        "layers": [{
            "mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
            "digest": digest_of(b"a base that no registry has"),
            "size": 1 << 30,
            "urls": [format!("http://{}/base", from.host())],
        }],
    });
    from.wire().put_blob("acme/app-windows", &digest_of(config), config);
    let pushed = from.wire().put_manifest("acme/app-windows", "v1", DOCKER_MANIFEST, image.to_string().as_bytes());
    assert_eq!(pushed.status, 201);
    for (target, mounts) in [(&from, 2), (&to, 0)] {
        let source = format!("{}/acme/app-windows:v1", from.host());
        let list = manifest(r#"["windows/amd64"]"#, &source, &format!("{}/acme/app", target.host()), r#"["v1"]"#);
        let (output, log) = from.watch(|| Context::with(&list).mlist("sync"));
        output.exits(0);
        assert_eq!(log.filter(|exchange| exchange.query.contains("mount=")).len(), mounts, "{log}");
        assert_eq!(log.filter(|exchange| exchange.path.contains("/base")).len(), 0, "{log}");
        assert_eq!(target.list("acme/app", "v1").expect("it is published").len(), 1);
    }
}
