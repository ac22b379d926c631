//! Registries whose answers are false or contradict each other: no entry of others is lost, no tag moves that must
//! stay, and no descriptor differs from the bytes.
//!
//! | file | holds |
//! |---|---|
//! | [`published`] | the published list cannot be read, or is something else by HEAD |
//! | [`newest`] | the list of tags has a hole |
//! | [`writes`] | what changes before the list is written: an immutable tag, a member of the list's own repository |
//! | [`descriptors`] | sizes, types and attestations that are not true |

use serde_json::Value;

use crate::support::context::{Context, Output};
use crate::support::images::{Dialect, Image};
use crate::support::registry::lie::{Change, Lie};
use crate::support::registry::{Knobs, Registry, Store};
use crate::support::seed;

mod descriptors;
mod newest;
mod published;
mod writes;

const CONTRADICTORY: &str = "mlist::plan::contradictory_answers";
/// A 404 as registries answer it for a manifest.
const ABSENT: Change = Change::Error(404, "MANIFEST_UNKNOWN");

/// A registry with the images `src/app-amd64:1` and `src/app-arm64:1`, and a project that publishes them as `dst/app`.
struct World {
    registry: Registry,
    context: Context,
    amd64: Image,
    arm64: Image,
}

impl World {
    /// Creates a world. `keys` are further keys of the list.
    fn new(keys: &str) -> Self {
        let registry = Registry::start(Knobs::default());
        let [amd64, arm64] = ["amd64", "arm64"].map(|arch| {
            let image = Image::new(Dialect::Oci, &format!("linux/{arch}"), "app");
            seed::image(&mut registry.store(), &format!("src/app-{arch}"), "1", &image);
            image
        });
        let host = registry.host();
        let context = Context::with(&format!(
            "[list.app]\nsource = \"{host}/src/app-{{arch}}:1\"\ntarget = \"{host}/dst/app\"\n{keys}\n"
        ));
        Self { registry, context, amd64, arm64 }
    }

    /// Returns the content of the registry.
    fn store(&self) -> impl std::ops::DerefMut<Target = Store> {
        self.registry.store()
    }

    /// Makes the registry lie from now on.
    fn lie(&self, lie: Lie) {
        self.registry.knobs().lies.push(lie);
    }

    /// Runs `mlist sync`. Every lie must have been told.
    #[track_caller]
    fn sync(&self) -> Output {
        let output = self.context.mlist("sync");
        let silent: Vec<Lie> = self.registry.knobs().lies.iter().filter(|lie| lie.told == 0).cloned().collect();
        assert!(silent.is_empty(), "no such request: {silent:?}\n{output}");
        output
    }

    /// Returns the digest that a tag of the target names.
    fn tag(&self, tag: &str) -> Option<String> {
        Some(self.store().manifest("dst/app", tag)?.digest.clone())
    }

    /// Returns the entries of the list that a tag of the target names. Checks each against the bytes of its manifest.
    #[track_caller]
    fn entries(&self, tag: &str) -> Vec<Value> {
        let store = self.store();
        let list = store.manifest("dst/app", tag).expect("the tag exists");
        let list: Value = serde_json::from_slice(&list.bytes).expect("a list is JSON");
        let entries = list["manifests"].as_array().expect("a list has entries").clone();
        for entry in &entries {
            let child =
                store.manifest("dst/app", entry["digest"].as_str().expect("a digest")).expect("the child exists");
            assert_eq!(entry["size"], child.bytes.len(), "{entry}");
            assert_eq!(entry["mediaType"], child.media_type, "{entry}");
        }
        entries
    }

    /// Returns the digests of the list that a tag of the target names.
    #[track_caller]
    fn digests(&self, tag: &str) -> Vec<String> {
        let digest = |entry: &Value| entry["digest"].as_str().expect("a digest").to_owned();
        self.entries(tag).iter().map(digest).collect()
    }
}

/// Checks that stderr has a problem with this code, and that it or the line of the list names `reference`.
#[track_caller]
fn assert_tells(output: &Output, code: &str, reference: &str) {
    assert!(output.stderr.contains(code), "{code} is not reported\n{output}");
    let is_named = [&output.stderr, &output.stdout].iter().any(|text| text.contains(reference));
    assert!(is_named, "{reference} is not named\n{output}");
}
