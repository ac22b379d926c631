//! Sizes, types and attestations that are not true: the new list describes the bytes.

use serde_json::{Value, json};

use crate::support::images::{Attestation, DOCKER_MANIFEST, Dialect, Image, OCI_INDEX, OCI_MANIFEST, index};
use crate::support::registry::knobs::Referrers;
use crate::support::registry::lie::{Change, Lie};
use crate::support::seed;

use super::World;

const ONE: &str = r#"
    tags = ["1"]
    platforms = ["linux/amd64"]
"#;
const BOTH: &str = r#"
    tags = ["1"]
    platforms = ["linux/amd64", "linux/arm64"]
"#;
const ATTESTATION: &str = "application/vnd.docker.attestation.manifest.v1+json";

/// A world whose amd64 source is an index of one image.
fn built() -> World {
    let world = World::new(ONE);
    seed::manifest(&mut world.store(), "src/app-amd64", "1", OCI_INDEX, &index(&[world.amd64.entry()]));
    world
}

/// The answer of the referrers API with one attestation.
fn referrers(of: &Image, entry: &Value) -> Lie {
    let path = format!("/v2/src/app-amd64/referrers/{}", of.digest());
    Lie::new("GET", &path, [Change::Body(index(std::slice::from_ref(entry)).into())])
}

fn referrer(digest: &str, media_type: &str, size: usize) -> Value {
    json!({ "mediaType": media_type, "digest": digest, "size": size, "artifactType": ATTESTATION })
}

/// P2.
#[test]
fn an_unrelated_image_is_not_published_as_an_attestation() {
    for size in [1, 418] {
        let world = built();
        let unrelated = Image::new(Dialect::Oci, "linux/s390x", "unrelated");
        seed::image(&mut world.store(), "src/app-amd64", "unrelated", &unrelated);
        world.lie(referrers(&world.amd64, &referrer(&unrelated.digest(), OCI_MANIFEST, size)));
        world.sync().exits(0);
        assert_eq!(world.digests("1"), [world.amd64.digest()]);
    }
}

/// P2: by the tag that stands in for the referrers API.
#[test]
fn an_unrelated_image_is_not_published_by_the_referrers_tag() {
    let world = built();
    world.registry.knobs().referrers = Referrers::Unknown;
    let unrelated = Image::new(Dialect::Oci, "linux/s390x", "unrelated");
    seed::image(&mut world.store(), "src/app-amd64", "unrelated", &unrelated);
    let tag = world.amd64.digest().replace(':', "-");
    let list = index(&[referrer(&unrelated.digest(), OCI_MANIFEST, 7)]);
    seed::manifest(&mut world.store(), "src/app-amd64", &tag, OCI_INDEX, &list);
    world.sync().exits(0);
    assert_eq!(world.digests("1"), [world.amd64.digest()]);
    let read = world.registry.log().filter(|exchange| exchange.manifest() == Some(tag.as_str()));
    assert_ne!(read.len(), 0, "the tag was not read");
}

/// P2.
#[test]
fn an_attestation_is_listed_with_the_size_and_type_of_its_bytes() {
    // `None` is the right size.
    for (media_type, size) in [(OCI_MANIFEST, Some(1)), (DOCKER_MANIFEST, None)] {
        let world = built();
        let attestation = Attestation::by_subject(&world.amd64);
        seed::attestation(&mut world.store(), "src/app-amd64", &attestation);
        let entry = referrer(&attestation.digest(), media_type, size.unwrap_or(attestation.manifest().len()));
        world.lie(referrers(&world.amd64, &entry));
        world.sync().exits(0);
        assert_eq!(world.digests("1"), [world.amd64.digest(), attestation.digest()]);
    }
}

/// P3.
#[test]
fn an_attestation_in_an_index_is_listed_with_the_size_and_type_of_its_bytes() {
    let wrong: [(&str, Value); 2] = [("size", json!(999_999)), ("mediaType", json!(DOCKER_MANIFEST))];
    for (field, value) in wrong {
        let world = built();
        let attestation = Attestation::of(&world.amd64);
        seed::attestation(&mut world.store(), "src/app-amd64", &attestation);
        let mut entry = attestation.entry();
        entry[field] = value;
        let list = index(&[world.amd64.entry(), entry]);
        seed::manifest(&mut world.store(), "src/app-amd64", "1", OCI_INDEX, &list);
        world.sync().exits(0);
        assert_eq!(world.digests("1"), [world.amd64.digest(), attestation.digest()], "{field}");
    }
}

/// K11.
#[test]
fn a_size_or_type_that_head_and_the_published_list_agree_on_is_checked() {
    let wrong: [(&str, Value, &str); 2] =
        [("size", json!(999), "content-length"), ("mediaType", json!(DOCKER_MANIFEST), "content-type")];
    for (field, value, header) in wrong {
        let world = World::new(BOTH);
        world.sync().exits(0);
        let mut list: Value = {
            let store = world.store();
            serde_json::from_slice(&store.manifest("dst/app", "1").expect("it was published").bytes).expect("JSON")
        };
        list["manifests"][0][field] = value.clone();
        let list = list.to_string().into_bytes();
        world.store().put_unchecked("dst/app", "1", OCI_INDEX, list.into());
        let said = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        world.lie(Lie::new("HEAD", "/v2/src/app-amd64/manifests/1", [Change::Header(header, said.into())]));
        let rebuilt = Image::new(Dialect::Oci, "linux/arm64", "rebuilt");
        seed::image(&mut world.store(), "src/app-arm64", "1", &rebuilt);
        world.sync().exits(0);
        assert_eq!(world.digests("1"), [world.amd64.digest(), rebuilt.digest()], "{field}");
    }
}

/// J25.
#[test]
fn an_oci_manifest_that_is_served_with_dockers_type_is_listed_as_oci() {
    let world = World::new(ONE);
    let mut manifest: Value = serde_json::from_slice(world.amd64.manifest()).expect("JSON");
    manifest.as_object_mut().expect("an object").remove("mediaType");
    let manifest = manifest.to_string().into_bytes();
    let digest = world.store().put_unchecked("src/app-amd64", "1", DOCKER_MANIFEST, manifest.into());
    world.sync().exits(0);
    assert_eq!(world.digests("1"), [digest]);
    assert_eq!(world.entries("1")[0]["mediaType"], OCI_MANIFEST);
}
