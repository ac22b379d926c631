//! [`ByHost`]: the values in `auths` and `credHelpers`, by host and namespace.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use crate::oci::Host;

/// The values of a config file, by the host of their key. For each host, the most specific key comes first.
pub(super) struct ByHost<T>(HashMap<Host, Vec<(KeyScope, T)>>);

/// Which repositories of a host a key is for.
struct KeyScope {
    /// The namespace: `team/app` means that repository and all below it. If it is empty, the key is for the whole host.
    namespace: String,
    spelling: Spelling,
}

/// How a key is written. The preferred spelling comes first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Spelling {
    /// As current versions of `docker login` and `podman login` write it.
    Usual,
    /// With a scheme, with the path of an API, in upper case, or with another name of the same host.
    Other,
}

/// What a path after the host means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PathMeaning {
    /// A namespace, unless the key has a scheme (containers-auth.json(5)).
    Namespaces,
    /// Nothing: in `~/.dockercfg`, it is the path of an API.
    OfApis,
}

/// The key for Docker Hub, as `docker login` writes it.
const HUB: &str = "https://index.docker.io/v1/";

impl<T> Default for ByHost<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T> ByHost<T> {
    /// Sorts values by host. Keys that do not name a host are ignored, because no request goes to them.
    pub(super) fn new(values: BTreeMap<String, T>, paths: PathMeaning) -> Self {
        let mut hosts: HashMap<Host, Vec<(KeyScope, T)>> = HashMap::new();
        for (key, value) in values {
            if let Some((host, scope)) = read(&key, paths) {
                hosts.entry(host).or_default().push((scope, value));
            }
        }
        for values in hosts.values_mut() {
            values.sort_by_key(|(scope, _)| (Reverse(scope.namespace.len()), scope.spelling));
        }
        Self(hosts)
    }

    /// Returns the values for the repository `path` of `host`, the most specific first. An empty path matches only keys
    /// without a namespace.
    pub(super) fn of<'a>(&'a self, host: &Host, path: &'a str) -> impl Iterator<Item = &'a T> {
        let all = self.0.get(host).map(Vec::as_slice).unwrap_or_default();
        all.iter().filter(move |(scope, _)| scope.holds(path)).map(|(_, value)| value)
    }

    /// Returns the values for any repository of `host`.
    pub(super) fn anywhere_in(&self, host: &Host) -> impl Iterator<Item = &T> {
        self.0.get(host).into_iter().flatten().map(|(_, value)| value)
    }
}

impl KeyScope {
    fn holds(&self, path: &str) -> bool {
        let rest = path.strip_prefix(self.namespace.as_str());
        self.namespace.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

fn read(key: &str, paths: PathMeaning) -> Option<(Host, KeyScope)> {
    let bare = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://"));
    let (host, path) = bare.unwrap_or(key).split_once('/').unwrap_or((bare.unwrap_or(key), ""));
    let path = path.trim_end_matches('/');
    let is_of_api = bare.is_some() || paths == PathMeaning::OfApis || matches!(path, "v1" | "v2");
    let namespace = if is_of_api { "" } else { path };
    let host = Host::parse(host).ok()?;
    let is_usual = if host.is_hub() && namespace.is_empty() {
        key == HUB
    } else {
        key.strip_prefix(host.as_str()).is_some_and(|rest| rest.trim_start_matches('/') == namespace)
    };
    let spelling = if is_usual { Spelling::Usual } else { Spelling::Other };
    Some((host, KeyScope { namespace: namespace.to_owned(), spelling }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the keys found for `name` (`HOST/PATH`), best match first.
    fn found(keys: &[&str], paths: PathMeaning, name: &str) -> Vec<String> {
        let values = keys.iter().map(|key| ((*key).to_owned(), (*key).to_owned())).collect();
        let (host, path) = name.split_once('/').unwrap_or((name, ""));
        ByHost::new(values, paths).of(&Host::parse(host).unwrap(), path).cloned().collect()
    }

    #[test]
    fn the_most_specific_key_goes_first_and_others_do_not_count() {
        let keys = ["quay.io", "quay.io/a", "quay.io/a/b", "quay.io/a/bc", "quay.io/b", "ghcr.io/a"];
        for (name, expected) in [
            ("quay.io/a/b/c", &["quay.io/a/b", "quay.io/a", "quay.io"][..]),
            ("quay.io/a/b", &["quay.io/a/b", "quay.io/a", "quay.io"]),
            ("quay.io/a/bcd", &["quay.io/a", "quay.io"]),
            ("quay.io/c", &["quay.io"]),
            ("quay.io", &["quay.io"]),
            ("ghcr.io/b", &[]),
        ] {
            assert_eq!(found(&keys, PathMeaning::Namespaces, name), expected, "{name}");
        }
    }

    #[test]
    fn a_host_is_known_by_all_its_spellings_the_usual_one_first() {
        let keys = ["HTTPS://x.io", "http://x.io/", "https://x.io/v2/", "x.io", "X.io", "x.io/v1/", "x.io:80"];
        let expected = ["x.io", "X.io", "http://x.io/", "https://x.io/v2/", "x.io/v1/"];
        assert_eq!(found(&keys, PathMeaning::Namespaces, "x.io/a"), expected);
        let hub = ["docker.io", "https://index.docker.io/v1/", "index.docker.io", "registry-1.docker.io"];
        let expected = ["https://index.docker.io/v1/", "docker.io", "index.docker.io", "registry-1.docker.io"];
        assert_eq!(found(&hub, PathMeaning::Namespaces, "docker.io/library/debian"), expected);
        assert_eq!(found(&["docker.io/acme"], PathMeaning::Namespaces, "docker.io/acme/api"), ["docker.io/acme"]);
    }

    #[test]
    fn a_path_behind_a_scheme_or_in_the_old_file_is_no_namespace() {
        assert_eq!(found(&["https://x.io/team"], PathMeaning::Namespaces, "x.io/other"), ["https://x.io/team"]);
        assert_eq!(found(&["x.io/team"], PathMeaning::OfApis, "x.io/other"), ["x.io/team"]);
        assert_eq!(found(&["x.io/team"], PathMeaning::Namespaces, "x.io/other"), [] as [&str; 0]);
    }

    #[test]
    fn what_is_no_host_is_passed_over() {
        assert_eq!(found(&["", "/", "*.x.io", "a b", "https://"], PathMeaning::Namespaces, "x.io"), [] as [&str; 0]);
    }
}
