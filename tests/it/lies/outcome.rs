//! The outcome of a run: what the tags name, and whether the lists describe the bytes.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::support::context::Output;
use crate::support::registry::Store;
use crate::support::registry::store::digest_of;

use super::scenarios::World;

/// What tags name: `R0/dst/app:1` to a digest.
pub(super) type Tags = BTreeMap<String, String>;

/// The tags of a world without lies, and how its run ends.
pub(super) struct Expected {
    pub(super) before: Tags,
    pub(super) after: Tags,
    pub(super) status: i32,
}

/// Returns all tags of a world.
pub(super) fn tags(world: &World) -> Tags {
    let mut tags = Tags::new();
    for (at, registry) in world.registries.iter().enumerate() {
        let store = registry.store();
        for repository in store.repositories() {
            for tag in store.tags(repository).into_iter().flatten() {
                let digest = store.manifest(repository, tag).expect("a tag names a manifest").digest.clone();
                tags.insert(format!("R{at}/{repository}:{tag}"), digest);
            }
        }
    }
    for entry in layout_entries(&world.context.path("out")) {
        let tag = entry["annotations"]["org.opencontainers.image.ref.name"].as_str().unwrap_or_default();
        tags.insert(format!("out:{tag}"), text(&entry["digest"]));
    }
    tags
}

/// Returns what is wrong after a run with a lie. Empty if nothing is.
pub(super) fn wrong(world: &World, output: &Output, expected: &Expected) -> Vec<String> {
    let now = tags(world);
    let mut wrong = Vec::new();
    let all = expected.before.keys().chain(expected.after.keys()).chain(now.keys());
    for tag in all.collect::<std::collections::BTreeSet<_>>() {
        let (before, after, now) = (expected.before.get(tag), expected.after.get(tag), now.get(tag));
        if now != before && now != after {
            wrong.push(format!("{tag} names {now:?}"));
        } else if output.status == 0 && now != after {
            wrong.push(format!("exit 0, but {tag} names what it named before"));
        }
        if let Some(digest) = now.filter(|_| now != before) {
            wrong.extend(false_entries(world, tag, digest));
        }
    }
    match output.status {
        0 if expected.status != 0 => wrong.push(format!("exit 0 instead of {}", expected.status)),
        0 | 1 | 4 => {}
        status => wrong.push(format!("exit {status}")),
    }
    wrong
}

/// Returns what the list or image at `tag` says that is not true.
fn false_entries(world: &World, tag: &str, digest: &str) -> Vec<String> {
    let (place, _) = tag.rsplit_once(':').expect("a tag");
    if let Some((registry, repository)) = place.split_once('/') {
        let store = world.registries[usize::from(registry == "R1")].store();
        false_of(tag, digest, &|digest| stored(&store, repository, digest))
    } else {
        let blobs = world.context.path("out/blobs/sha256");
        false_of(tag, digest, &|digest| std::fs::read(blobs.join(digest.trim_start_matches("sha256:"))).ok())
    }
}

fn stored(store: &Store, repository: &str, digest: &str) -> Option<Vec<u8>> {
    let manifest = store.manifest(repository, digest).map(|manifest| &manifest.bytes);
    manifest.or_else(|| store.blob(repository, digest)).map(|bytes| bytes.to_vec())
}

fn false_of(name: &str, digest: &str, read: &dyn Fn(&str) -> Option<Vec<u8>>) -> Vec<String> {
    let Some(bytes) = read(digest) else { return vec![format!("{name}: {digest} does not exist")] };
    if digest_of(&bytes) != digest {
        return vec![format!("{name}: {digest} has other bytes")];
    }
    let Ok(manifest) = serde_json::from_slice::<Value>(&bytes) else { return Vec::new() };
    let parts = ["manifests", "layers"].into_iter().filter_map(|key| manifest[key].as_array()).flatten();
    let config = Some(&manifest["config"]).filter(|config| config["digest"].is_string());
    let mut found = Vec::new();
    for part in parts.chain(config) {
        let digest = text(&part["digest"]);
        found.extend(false_of(name, &digest, read));
        let Some(bytes) = read(&digest) else { continue };
        if part["size"] != bytes.len() {
            found.push(format!("{name}: {digest} has another size"));
        }
        let own = serde_json::from_slice::<Value>(&bytes).unwrap_or_default()["mediaType"].clone();
        if own.is_string() && own != part["mediaType"] {
            found.push(format!("{name}: {digest} has another type"));
        }
    }
    found
}

fn layout_entries(layout: &Path) -> Vec<Value> {
    let Ok(index) = std::fs::read(layout.join("index.json")) else { return Vec::new() };
    let index: Value = serde_json::from_slice(&index).expect("mlist writes JSON");
    index["manifests"].as_array().expect("entries").clone()
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}
