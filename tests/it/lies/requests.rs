//! The requests of a run, and the lies that make sense for each.

use serde_json::{Value, json};

use crate::support::images::{DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST};
use crate::support::registry::Exchange;
use crate::support::registry::lie::{Change, Lie};
use crate::support::registry::store::{Manifest, digest_of, is_list};

use super::scenarios::World;

/// A request of a run without lies.
#[derive(Debug, Clone)]
pub(super) struct Request {
    /// The registry that received it.
    pub(super) registry: usize,
    method: String,
    /// The path, or its begin and `*` if the rest differs from run to run.
    path: String,
    query: String,
    /// How many same requests came before.
    occurrence: usize,
    status: u16,
    /// What it is about.
    pub(super) kind: &'static str,
}

/// A lie about one request.
#[derive(Debug, Clone)]
pub(super) struct Told {
    pub(super) name: &'static str,
    pub(super) changes: Vec<Change>,
    /// Whether the registry stores manifests without what they name.
    pub(super) is_lax: bool,
}

impl std::fmt::Display for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { registry, method, path, query, occurrence, status, .. } = self;
        write!(f, "{method} R{registry}{path}?{query} #{occurrence} ({status})")
    }
}

/// Returns the requests of a run, each with how often it came before.
pub(super) fn requests(world: &World) -> Vec<Request> {
    let mut requests: Vec<Request> = Vec::new();
    for (registry, log) in world.registries.iter().map(crate::support::registry::Registry::log).enumerate() {
        for exchange in log.iter() {
            let path = match exchange.path.split_once("/blobs/uploads/session-") {
                Some((begin, _)) => format!("{begin}/blobs/uploads/session-*"),
                None => exchange.path.clone(),
            };
            let Exchange { method, query, status, .. } = exchange.clone();
            let is_same = |other: &&Request| {
                (other.registry, &other.method, &other.path, &other.query) == (registry, &method, &path, &query)
            };
            let occurrence = requests.iter().filter(is_same).count();
            requests.push(Request { registry, method, path, query, occurrence, status, kind: kind(exchange) });
        }
    }
    requests
}

/// Returns what a request is about. Sources are in `src`, lists in `dst`.
fn kind(exchange: &Exchange) -> &'static str {
    let method = exchange.method.as_str();
    if exchange.path.ends_with("/tags/list") {
        return "tags";
    }
    if exchange.path.contains("/referrers/") {
        return "referrers";
    }
    if let Some(reference) = exchange.manifest() {
        let is_source = exchange.path.starts_with("/v2/src/");
        return match (method, is_source, reference.contains(':')) {
            ("HEAD", true, false) => "HEAD source tag",
            ("HEAD", true, true) => "HEAD source digest",
            ("GET", true, _) => "GET source",
            ("HEAD", false, false) => "HEAD target tag",
            ("HEAD", false, true) => "HEAD target digest",
            ("GET", false, false) => "GET target tag",
            ("GET", false, true) => "GET target digest",
            ("PUT", false, false) => "PUT tag",
            ("PUT", false, true) => "PUT child",
            _ => unreachable!("{exchange}"),
        };
    }
    match method {
        "HEAD" => "HEAD blob",
        "GET" => "GET blob",
        "POST" if exchange.query.contains("mount=") => "mount",
        "POST" => "begin upload",
        _ => "upload",
    }
}

impl Request {
    /// Returns the lie that a registry tells when it gets this request: once, or also each time that it is repeated.
    pub(super) fn lie(&self, told: &Told, always: bool) -> Lie {
        let lie = Lie::new(&self.method, &self.path, told.changes.clone());
        let times = if always { usize::MAX } else { 1 };
        Lie { query: Some(self.query.clone()), skip: self.occurrence, times, ..lie }
    }

    /// Returns the lies that make sense for this request. `world` is the world after a run without lies.
    pub(super) fn lies(&self, world: &World) -> Vec<Told> {
        let mut lies = Vec::new();
        let mut add = |name, changes: Vec<Change>| lies.push(Told { name, changes, is_lax: false });
        let is_found = self.status < 300;
        if is_found {
            add("404", vec![Change::Error(404, self.code())]);
        }
        match self.method.as_str() {
            "GET" | "HEAD" => {
                add("stale", vec![Change::Stale]);
                if is_found && self.method == "GET" {
                    add("empty", vec![Change::Body("".into())]);
                    add("cut", vec![Change::Half]);
                }
            }
            _ => {
                add("not stored", vec![Change::NotStored]);
                lies.push(Told { name: "not stored, lax", changes: vec![Change::NotStored], is_lax: true });
            }
        }
        let mut add = |name, changes: Vec<Change>| lies.push(Told { name, changes, is_lax: false });
        let digest = |digest: &str| Change::Header("docker-content-digest", digest.to_owned().into());
        let unknown = digest(&digest_of(b"nothing that a registry has"));
        match self.kind {
            "tags" => {
                add("null", vec![body(&json!({ "tags": null }))]);
                for tag in self.tags(world) {
                    let name = if tag == "latest" { "without latest" } else { "without a version" };
                    add(name, vec![Change::WithoutTag(tag)]);
                }
            }
            "referrers" => {
                let none = json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [] });
                add("none", vec![body(&none)]);
            }
            "HEAD blob" if is_found => add("wrong size", vec![Change::Header("content-length", "999".into())]),
            "HEAD blob" => {
                let found = vec![Change::Status(200), Change::Header("content-length", "999".into())];
                lies.push(Told { name: "found, lax", changes: found, is_lax: true });
            }
            "GET blob" => add("other digest", vec![unknown]),
            _ if self.path.contains("/manifests/") => {
                let other = self.other_manifests(world, false).into_iter().next();
                if is_found {
                    add("unknown digest", vec![unknown]);
                    add("no digest", vec![Change::NoHeader("docker-content-digest")]);
                    if let Some((other, _, _)) = &other {
                        add("digest of another image", vec![digest(other)]);
                    }
                    for (other, _, _) in self.other_manifests(world, true) {
                        add("digest of another list", vec![digest(&other)]);
                    }
                }
                if self.method == "PUT" {
                    let no_digest = Change::NoHeader("docker-content-digest");
                    add("not stored, no digest", vec![Change::NotStored, no_digest]);
                } else if is_found {
                    let (of_other_kind, of_other_vendor) = self.other_types(world);
                    add("other type", vec![Change::Header("content-type", of_other_kind.into())]);
                    add("other vendor's type", vec![Change::Header("content-type", of_other_vendor.into())]);
                    if self.method == "HEAD" {
                        add("wrong size", vec![Change::Header("content-length", "999".into())]);
                    }
                } else if let (Some((other, media_type, size)), "HEAD") = (&other, self.method.as_str()) {
                    let headers = [("content-type", media_type.clone()), ("content-length", size.to_string())];
                    let headers = headers.map(|(name, value)| Change::Header(name, value.into()));
                    add("found", [vec![Change::Status(200), digest(other)], headers.into()].concat());
                }
            }
            _ => {}
        }
        lies
    }

    fn code(&self) -> &'static str {
        if self.path.contains("/manifests/") { "MANIFEST_UNKNOWN" } else { "NAME_UNKNOWN" }
    }

    fn repository(&self) -> &str {
        let path = self.path.trim_start_matches("/v2/");
        let ends = ["/manifests/", "/tags/list", "/blobs/", "/referrers/"];
        let end = ends.iter().find_map(|end| path.find(end)).expect("a path of the API");
        &path[..end]
    }

    fn tags(&self, world: &World) -> Vec<String> {
        let store = world.registries[self.registry].store();
        store.tags(self.repository()).expect("it was listed").map(str::to_owned).collect()
    }

    /// Returns the media types of a manifest of the other kind, and of the other vendor.
    fn other_types(&self, world: &World) -> (&'static str, &'static str) {
        let store = world.registries[self.registry].store();
        let reference = self.path.rsplit('/').next().expect("a reference");
        let is_list = store.manifest(self.repository(), reference).is_some_and(|found| is_list(&found.media_type));
        if is_list { (OCI_MANIFEST, DOCKER_LIST) } else { (OCI_INDEX, DOCKER_MANIFEST) }
    }

    /// Returns the digest, type and size of each other image or list of the same repository.
    fn other_manifests(&self, world: &World, of_list: bool) -> Vec<(String, String, usize)> {
        let store = world.registries[self.registry].store();
        let reference = self.path.rsplit('/').next().expect("a reference");
        let own = store.manifest(self.repository(), reference).map(|manifest| manifest.digest.clone());
        let is_other = |other: &&Manifest| Some(&other.digest) != own.as_ref() && is_list(&other.media_type) == of_list;
        let others = store.manifests(self.repository()).filter(is_other);
        others.map(|other| (other.digest.clone(), other.media_type.clone(), other.bytes.len())).collect()
    }
}

fn body(json: &Value) -> Change {
    Change::Body(json.to_string().into())
}
