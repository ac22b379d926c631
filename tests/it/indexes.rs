//! Members that are indexes, as `docker buildx` and Docker 29 and later push each image: which entries are taken from
//! them, what else is copied, and the number of requests.

use crate::support::any_registry::{AnyRegistry, Kind, on_each_registry};
use crate::support::context::Context;
use crate::support::images::{Attestation, Dialect, Image, OCI_INDEX, index};
use crate::support::readers;
use crate::support::registry::knobs::Referrers;
use crate::support::registry::{Knobs, Log, Registry};

on_each_registry!(
    what_buildx_pushes_is_flattened_with_its_attestations,
    attestations_are_dropped_where_that_is_said,
    what_docker_pushes_is_an_index_of_one_image,
    one_index_is_the_source_of_many_members,
    indexes_cross_registries,
    indexes_go_into_a_layout,
    what_speaks_by_its_subject_comes_along,
    an_index_without_the_platform_blocks,
);

const PLATFORMS: [&str; 2] = ["linux/amd64", "linux/arm/v7"];
const ARCHES: [&str; 2] = ["amd64", "arm"];

fn start(kind: Kind) -> AnyRegistry {
    kind.start().expect("it was installed a moment ago")
}

fn images() -> Vec<Image> {
    PLATFORMS.iter().map(|platform| Image::new(Dialect::Oci, platform, "app")).collect()
}

/// Returns manifests.toml with one list, `acme/app:v1`.
fn manifest(source: &str, target: &str, more: &str) -> String {
    format!(
        r#"
            [list.app]
            platforms = {PLATFORMS:?}
            source = "{source}"
            target = "{target}"
            tags = ["v1"]
            {more}"#
    )
}

fn context(registry: &AnyRegistry, more: &str) -> Context {
    let host = registry.host();
    registry.project(&manifest(&format!("{host}/acme/app-{{arch}}:v1"), &format!("{host}/acme/app"), more))
}

/// Returns the expected platforms and digests, with attestations last.
fn expected(images: &[Image], attestations: &[Attestation]) -> Vec<(String, String)> {
    let of_images = PLATFORMS.iter().zip(images).map(|(platform, image)| ((*platform).to_owned(), image.digest()));
    let beside = attestations.iter().map(|attestation| ("unknown/unknown".to_owned(), attestation.digest()));
    of_images.chain(beside).collect()
}

fn push_built(registry: &AnyRegistry, images: &[Image]) -> Vec<Attestation> {
    let push = |(arch, image): (&&str, &Image)| registry.push_built(&format!("acme/app-{arch}"), "v1", image);
    ARCHES.iter().zip(images).map(push).collect()
}

/// Counts requests by kind: HEAD, GET of manifests, GET of blobs, PUT of manifests.
fn counts(log: &Log) -> [usize; 4] {
    let log = log.served();
    let of =
        |method: &str, blob: bool| log.filter(|exchange| exchange.method == method && exchange.is_blob() == blob).len();
    [log.count("HEAD"), of("GET", false), of("GET", true), of("PUT", false)]
}

fn sync(context: &Context, registry: &AnyRegistry) -> [usize; 4] {
    let (output, log) = registry.watch(|| context.mlist("sync"));
    output.exits(0);
    counts(&log)
}

fn assert_stands(registry: &AnyRegistry, repository: &str, attestation: &Attestation) {
    let get = |path: String| registry.wire().send("GET", &format!("/v2/{repository}/{path}"), &[], b"");
    for (digest, bytes) in attestation.blobs() {
        let answer = get(format!("blobs/{digest}"));
        assert_eq!((answer.status, &*answer.body), (200, bytes), "{digest}");
    }
    let bytes = registry.wire().manifest(repository, &attestation.digest()).expect("it was copied").body;
    assert_eq!(bytes, attestation.manifest());
}

fn what_buildx_pushes_is_flattened_with_its_attestations(kind: Kind) {
    let registry = start(kind);
    let images = images();
    let attestations = push_built(&registry, &images);
    let context = context(&registry, "");
    // Two indexes, two images, two attestations and two configs are read. Five manifests are written.
    let [get, ..] = kind.copies(8);
    assert_eq!(sync(&context, &registry), [3 + 1, 6, 2 + get, 5]);
    let expected = expected(&images, &attestations);
    assert_eq!(registry.list("acme/app", "v1"), Some(expected.clone()));
    for attestation in &attestations {
        assert_stands(&registry, "acme/app", attestation);
    }
    let entry = &registry.wire().manifest("acme/app", "v1").expect("it was published").json()["manifests"][2];
    assert_eq!(*entry, attestations[0].entry());
    let target = format!("{}/acme/app:v1", registry.plain_host());
    let config = context.docker_config();
    let read = readers::skopeo(&format!("docker://{target}"), &config);
    assert_eq!(read.unwrap_or_else(|| expected.clone()), expected);
    let read = readers::docker(&target, &config);
    assert_eq!(read.unwrap_or_else(|| expected.clone()), expected);
    assert_eq!(sync(&context, &registry), [3, 2, 0, 0]);
}

fn attestations_are_dropped_where_that_is_said(kind: Kind) {
    let registry = start(kind);
    let images = images();
    let attestations = push_built(&registry, &images);
    let dropping = context(&registry, "attestations = \"drop\"\n");
    let [get, ..] = kind.copies(4);
    assert_eq!(sync(&dropping, &registry), [3 + 1, 4, 2 + get, 3]);
    assert_eq!(registry.list("acme/app", "v1"), Some(expected(&images, &[])));
    assert_eq!(sync(&dropping, &registry), [3, 2, 0, 0]);
    // Without `drop`, only the attestations are copied.
    let (output, log) = registry.watch(|| context(&registry, "").mlist("sync"));
    output.exits(0);
    assert_eq!(log.manifest_puts().len(), 3, "{log}");
    assert_eq!(registry.list("acme/app", "v1"), Some(expected(&images, &attestations)));
}

fn what_docker_pushes_is_an_index_of_one_image(kind: Kind) {
    let registry = start(kind);
    let images = images();
    for (arch, image) in ARCHES.iter().zip(&images) {
        let repository = format!("acme/app-{arch}");
        registry.push(&repository, &image.digest(), image);
        registry.push_list(&repository, "v1", OCI_INDEX, &index(&[image.entry()]));
    }
    let context = context(&registry, "");
    sync(&context, &registry);
    assert_eq!(registry.list("acme/app", "v1"), Some(expected(&images, &[])));
    // The referrers of the images are not requested again.
    let (output, log) = registry.watch(|| context.mlist("sync"));
    output.exits(0);
    assert_eq!(counts(&log), [3, 2, 0, 0], "{log}");
    assert_eq!(log.filter(|exchange| exchange.path.contains("/referrers/")).len(), 0);
}

/// Returns manifests.toml with one list. Each of its rows names the same index as its source.
fn from_one_index(source: &str, target: &str) -> String {
    let rows = PLATFORMS.map(|platform| format!(r#"{{ platform = "{platform}", source = "{source}" }}"#));
    format!(
        r#"
            [list.app]
            platforms = [{}]
            target = "{target}"
            tags = ["v1"]
        "#,
        rows.join(", ")
    )
}

fn one_index_is_the_source_of_many_members(kind: Kind) {
    let registry = start(kind);
    let images = images();
    for image in &images {
        registry.push("acme/all", &image.digest(), image);
    }
    let attestation = Attestation::of(&images[1]);
    registry.push_attestation("acme/all", &attestation);
    let entries = [images[1].entry(), images[0].entry(), attestation.entry()];
    registry.push_list("acme/all", "v1", OCI_INDEX, &index(&entries));
    let host = registry.host();
    let context = registry.project(&from_one_index(&format!("{host}/acme/all:v1"), &format!("{host}/acme/app")));
    sync(&context, &registry);
    assert_eq!(registry.list("acme/app", "v1"), Some(expected(&images, &[attestation])));
    // One HEAD of the index, one of the tag. The referrers of the other image were requested once, in the first run.
    assert_eq!(sync(&context, &registry)[0], 2);
}

fn indexes_cross_registries(kind: Kind) {
    let (from, to) = (start(kind), start(kind));
    let images = images();
    let attestations = push_built(&from, &images);
    let (source, target) = (format!("{}/acme/app-{{arch}}:v1", from.host()), format!("{}/mirror/app", to.host()));
    let context = from.project(&manifest(&source, &target, ""));
    to.admit(&context);
    assert_eq!(sync(&context, &to)[3], 5);
    assert_eq!(to.list("mirror/app", "v1"), Some(expected(&images, &attestations)));
    for attestation in &attestations {
        assert_stands(&to, "mirror/app", attestation);
    }
}

fn indexes_go_into_a_layout(kind: Kind) {
    let registry = start(kind);
    let images = images();
    let attestations = push_built(&registry, &images);
    let source = format!("{}/acme/app-{{arch}}:v1", registry.host());
    let context = registry.project(&manifest(&source, "oci:out/app", ""));
    context.mlist("sync").exits(0);
    let expected = expected(&images, &attestations);
    let read = readers::skopeo(&format!("oci:{}:v1", context.path("out/app").display()), &context.docker_config());
    assert_eq!(read.unwrap_or_else(|| expected.clone()), expected);
    // And back from the layout: the source of each member is the list, and each row takes the image for its platform.
    context.manifest(&from_one_index("oci:out/app:v1", &format!("{}/acme/back", registry.host())));
    context.mlist("sync").exits(0);
    assert_eq!(registry.list("acme/back", "v1"), Some(expected));
}

fn what_speaks_by_its_subject_comes_along(kind: Kind) {
    let registry = start(kind);
    let images = images();
    let mut attestations = Vec::new();
    for (arch, image) in ARCHES.iter().zip(&images) {
        let (repository, attestation) = (format!("acme/app-{arch}"), Attestation::by_subject(image));
        registry.push(&repository, &image.digest(), image);
        registry.push_attestation(&repository, &attestation);
        registry.push_list(&repository, "v1", OCI_INDEX, &index(&[image.entry()]));
        // For registries without the referrers API: the referrers are listed under a tag.
        let mut entry = attestation.entry();
        entry["artifactType"] = "application/vnd.docker.attestation.manifest.v1+json".into();
        let fallback = image.digest().replace(':', "-");
        registry.push_list(&repository, &fallback, OCI_INDEX, &index(&[entry]));
        attestations.push(attestation);
    }
    let context = context(&registry, "");
    let (output, log) = registry.watch(|| context.mlist("sync"));
    output.exits(0);
    assert_eq!(log.filter(|exchange| exchange.path.contains("/referrers/")).len(), 2, "{log}");
    assert_eq!(registry.list("acme/app", "v1"), Some(expected(&images, &attestations)));
    for attestation in &attestations {
        assert_stands(&registry, "acme/app", attestation);
    }
    // The published list has the attestations. It is read once more, and the referrers are not requested.
    assert_eq!(sync(&context, &registry), [3, 3, 0, 0]);
}

fn an_index_without_the_platform_blocks(kind: Kind) {
    let registry = start(kind);
    let images = images();
    push_built(&registry, &images);
    registry.push_built("acme/app-arm", "v1", &images[0]);
    let (output, log) = registry.watch(|| context(&registry, "").mlist("sync --format json"));
    let report = output.exits(4).json();
    assert_eq!(log.writes().len(), 0, "{log}");
    let problem = &report["lists"][0]["problems"][0];
    assert_eq!(problem["code"], "mlist::plan::no_candidate");
    assert_eq!(problem["causes"][0], "the list has linux/amd64");
}

#[test]
fn a_registry_that_knows_no_referrers_and_has_no_such_tag_has_none() {
    for referrers in [Referrers::Listed, Referrers::Unknown] {
        let registry = AnyRegistry::InProcess(Registry::start(Knobs { referrers, ..Knobs::default() }));
        let images = images();
        for (arch, image) in ARCHES.iter().zip(&images) {
            let repository = format!("acme/app-{arch}");
            registry.push(&repository, &image.digest(), image);
            registry.push_list(&repository, "v1", OCI_INDEX, &index(&[image.entry()]));
        }
        let (output, log) = registry.watch(|| context(&registry, "").mlist("sync"));
        output.exits(0);
        assert_eq!(registry.list("acme/app", "v1"), Some(expected(&images, &[])));
        let by_tag = log.filter(|exchange| exchange.path.contains("/manifests/sha256-")).len();
        assert_eq!(by_tag, if referrers == Referrers::Unknown { 2 } else { 0 }, "{log}");
    }
}
