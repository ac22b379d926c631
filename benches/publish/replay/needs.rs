//! Dependencies: which requests of a log must have responses before another one can be sent.
//!
//! | request | depends on |
//! |---|---|
//! | first HEAD of a tag | nothing |
//! | GET of a manifest | the HEAD that returned its digest, and the HEAD of the target's tag: is there any work? |
//! | GET of a config | the GET of the manifest that names it |
//! | POST: a mount | all GETs of its list: a config that is not as declared forbids every write |
//! | PUT of a child | the mounts of its blobs |
//! | second HEAD of a tag, which checks whether it moved | all mounts of its list |
//! | PUT of a list | all other requests of its list |
//!
//! These are dependencies of the task, not of mlist. A client that guesses could send requests earlier, but might push
//! wrong content.

use std::collections::HashMap;

use serde_json::Value;

use crate::registry::{Exchange, Log, Registry};
use crate::world::list_of;

/// The purpose of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    /// Reads a tag. The digest that it refers to, if any.
    Ask(Option<String>),
    /// Reads a manifest: its digest, and the digests of its blobs.
    Manifest(String, Vec<String>),
    /// Reads a config.
    Config(String),
    /// Mounts a blob.
    Mount(String),
    /// Writes a child: the digests of its blobs.
    Child(Vec<String>),
    /// Checks whether a tag has moved.
    AskAgain,
    /// Writes a list.
    List,
}

/// Returns the dependencies of each request of `log`, which went to `done`.
pub(super) fn of(log: &Log, done: &Registry) -> Vec<Vec<usize>> {
    let mut asked: HashMap<&str, usize> = HashMap::new();
    let mut lists: HashMap<&str, Vec<(usize, Step)>> = HashMap::new();
    for (request, exchange) in log.iter().enumerate() {
        // A request without a repository (a probe of the API) has no dependencies, and no other request depends on it.
        let Some(repository) = exchange.repository() else { continue };
        let again = exchange.method == "HEAD" && asked.insert(&exchange.path, request).is_some();
        let step = if again { Step::AskAgain } else { step(exchange, repository, done) };
        lists.entry(list_of(repository)).or_default().push((request, step));
    }
    let mut needs = vec![Vec::new(); log.len()];
    for steps in lists.values() {
        for (request, step) in steps {
            needs[*request] = steps
                .iter()
                .filter(|(other, before)| other != request && comes_before(before, step))
                .map(|(other, _)| *other)
                .collect();
        }
    }
    needs
}

fn step(exchange: &Exchange, repository: &str, done: &Registry) -> Step {
    let store = done.store();
    let manifest = exchange.manifest().and_then(|reference| store.manifest(repository, reference));
    let mounted = exchange.query.split('&').find_map(|pair| pair.strip_prefix("mount="));
    match (exchange.method.as_str(), manifest, mounted) {
        // The registry was written to later: a list that has a tag now was not there at the time of this request.
        ("HEAD", _, _) if exchange.status == 404 => Step::Ask(None),
        ("HEAD", Some(manifest), _) => Step::Ask(Some(manifest.digest.clone())),
        ("GET", Some(manifest), _) => Step::Manifest(manifest.digest.clone(), blobs(&manifest.bytes)),
        ("GET", None, _) if exchange.is_blob() => {
            Step::Config(exchange.path.rsplit('/').next().unwrap_or_default().to_owned())
        }
        ("POST", _, Some(digest)) => Step::Mount(crate::registry::decode(digest)),
        ("PUT", Some(manifest), _) if exchange.manifest() == Some(&manifest.digest) => {
            Step::Child(blobs(&manifest.bytes))
        }
        ("PUT", Some(_), _) => Step::List,
        _ => panic!("{exchange} is no request of this bench"),
    }
}

fn comes_before(before: &Step, step: &Step) -> bool {
    match (before, step) {
        (Step::Ask(Some(named)), Step::Manifest(digest, _)) => named == digest,
        (Step::Ask(None), Step::Manifest(..))
        | (Step::Manifest(..) | Step::Config(_), Step::Mount(_) | Step::AskAgain)
        | (Step::Mount(_), Step::AskAgain) => true,
        (Step::Manifest(_, blobs), Step::Config(digest)) | (Step::Mount(digest), Step::Child(blobs)) => {
            blobs.contains(digest)
        }
        (before, Step::List) => *before != Step::List,
        _ => false,
    }
}

/// Returns the digests of the config and layers of an image.
fn blobs(manifest: &[u8]) -> Vec<String> {
    let manifest: Value = serde_json::from_slice(manifest).expect("the manifest of an image");
    let layers = manifest["layers"].as_array().into_iter().flatten();
    let descriptors = std::iter::once(&manifest["config"]).chain(layers);
    descriptors.filter_map(|descriptor| descriptor["digest"].as_str()).map(str::to_owned).collect()
}
