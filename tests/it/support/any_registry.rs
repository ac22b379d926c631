//! [`AnyRegistry`]: the registry of this process, Debian's, or Debian's behind nginx, so that one test runs against all
//! of them.

use std::sync::Arc;

use serde_json::Value;

use super::context::Context;
use super::docker_registry::{DockerRegistry, Guard};
use super::images::{Attestation, Image, OCI_INDEX, OCI_MANIFEST, index};
use super::nginx::Nginx;
use super::registry::{Account, Auth, Knobs, Log, Registry};
use super::token_server::TokenServer;
use super::wire::Wire;

/// A registry to test against.
pub(crate) enum AnyRegistry {
    /// The registry of this process.
    InProcess(Registry),
    /// Debian's registry.
    Debian(DockerRegistry),
    /// Debian's registry, over TLS and HTTP/2.
    Tls(DockerRegistry, Nginx),
}

/// The kind of registry to start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The registry of this process.
    InProcess,
    /// Debian's registry.
    Debian,
    /// Debian's registry behind nginx, with TLS from a private authority, HTTP/2 and client certificates.
    Tls,
    /// Debian's registry, with password authentication.
    Passwords,
    /// Debian's registry, with tokens from a separate token server.
    Tokens,
}

/// The account of registries that require login.
fn bot() -> Account {
    Account::new("ci-bot", "s3cret-of-the-bot")
}

impl Kind {
    /// Starts a registry. `None` if it is not installed.
    pub(crate) fn start(self) -> Option<AnyRegistry> {
        match self {
            Self::InProcess => Some(AnyRegistry::InProcess(Registry::start(Knobs::default()))),
            Self::Debian => DockerRegistry::start(None).map(AnyRegistry::Debian),
            Self::Tls => AnyRegistry::behind_nginx(DockerRegistry::start(None)?),
            Self::Passwords => self.start_for(bot()),
            Self::Tokens => {
                let guard = Guard::Tokens(Arc::new(TokenServer::start(bot())));
                DockerRegistry::guarded(guard).map(AnyRegistry::Debian)
            }
        }
    }

    /// Starts a registry that requires a user and password. `None` if it is not installed.
    pub(crate) fn start_for(self, account: Account) -> Option<AnyRegistry> {
        match self {
            Self::InProcess => {
                let knobs = Knobs { auth: Auth::Basic(account), ..Knobs::default() };
                Some(AnyRegistry::InProcess(Registry::start(knobs)))
            }
            Self::Tls => AnyRegistry::behind_nginx(DockerRegistry::start(Some(account))?),
            Self::Debian | Self::Passwords | Self::Tokens => {
                DockerRegistry::start(Some(account)).map(AnyRegistry::Debian)
            }
        }
    }
}

impl AnyRegistry {
    fn behind_nginx(registry: DockerRegistry) -> Option<Self> {
        let nginx = Nginx::trusted(&registry.host())?;
        Some(Self::Tls(registry, nginx))
    }

    /// The address of the registry: `127.0.0.1:PORT`.
    pub(crate) fn host(&self) -> String {
        match self {
            Self::InProcess(registry) => registry.host(),
            Self::Debian(registry) => registry.host(),
            Self::Tls(_, nginx) => nginx.host(),
        }
    }

    /// Like [`AnyRegistry::host`], but an address with plain HTTP, for programs that only use plain HTTP for this
    /// machine.
    pub(crate) fn plain_host(&self) -> String {
        match self {
            Self::Tls(registry, _) => registry.host(),
            other => other.host(),
        }
    }

    /// Logs a project in, if the registry requires login.
    pub(crate) fn admit(&self, context: &Context) {
        if let Self::Debian(registry) = self
            && registry.asks()
        {
            context.log_in(&self.host(), &bot());
        }
    }

    /// Returns a client that sends requests with all rights, without using mlist.
    pub(crate) fn wire(&self) -> Wire {
        match self {
            Self::InProcess(registry) => Wire::new(registry.host(), Some(Registry::insider())),
            Self::Debian(registry) | Self::Tls(registry, _) => registry.wire(),
        }
    }

    /// Returns all requests so far, including those of [`AnyRegistry::wire`].
    pub(crate) fn log(&self) -> Log {
        match self {
            Self::InProcess(registry) => registry.log(),
            Self::Debian(registry) | Self::Tls(registry, _) => registry.log(),
        }
    }

    /// Returns the result of `work` and the requests that were sent during it.
    pub(crate) fn watch<T>(&self, work: impl FnOnce() -> T) -> (T, Log) {
        let before = self.log().len();
        let result = work();
        (result, self.log().since(before))
    }

    /// Stops the registry.
    pub(crate) fn stop(&mut self) {
        match self {
            Self::InProcess(registry) => registry.stop(),
            Self::Debian(registry) => registry.stop(),
            Self::Tls(registry, nginx) => {
                nginx.stop();
                registry.stop();
            }
        }
    }

    /// Starts the registry again, on the same port.
    pub(crate) fn restart(&mut self) {
        match self {
            Self::InProcess(registry) => registry.restart(),
            Self::Debian(registry) => registry.restart(),
            Self::Tls(registry, nginx) => {
                registry.restart();
                nginx.restart();
            }
        }
    }

    /// Pushes an image: its blobs, then its manifest under `tag`.
    pub(crate) fn push(&self, repository: &str, tag: &str, image: &Image) {
        let wire = self.wire();
        for (digest, bytes) in image.blobs() {
            wire.put_blob(repository, &digest, bytes);
        }
        let answer = wire.put_manifest(repository, tag, image.media_type(), image.manifest());
        assert_eq!(answer.status, 201, "{repository}:{tag} is not taken: {}", String::from_utf8_lossy(&answer.body));
    }

    /// Pushes an attestation by its digest.
    pub(crate) fn push_attestation(&self, repository: &str, attestation: &Attestation) {
        for (digest, bytes) in attestation.blobs() {
            self.wire().put_blob(repository, &digest, bytes);
        }
        self.push_list(repository, &attestation.digest(), OCI_MANIFEST, attestation.manifest());
    }

    /// Pushes what `docker buildx` pushes: an image and its attestation by digest, and an index of both under `tag`.
    pub(crate) fn push_built(&self, repository: &str, tag: &str, image: &Image) -> Attestation {
        let attestation = Attestation::of(image);
        self.push(repository, &image.digest(), image);
        self.push_attestation(repository, &attestation);
        self.push_list(repository, tag, OCI_INDEX, &index(&[image.entry(), attestation.entry()]));
        attestation
    }

    /// Pushes a list. Its images must already be in the repository.
    pub(crate) fn push_list(&self, repository: &str, tag: &str, media_type: &str, list: &[u8]) {
        let answer = self.wire().put_manifest(repository, tag, media_type, list);
        assert_eq!(answer.status, 201, "{repository}:{tag} is not taken: {}", String::from_utf8_lossy(&answer.body));
    }

    /// Returns the platforms and digests of the list that a tag refers to, in the order of the list. `None` if the tag
    /// does not exist.
    pub(crate) fn list(&self, repository: &str, tag: &str) -> Option<Vec<(String, String)>> {
        let list = self.wire().manifest(repository, tag)?.json();
        Some(entries(&list))
    }

    /// Returns the tags of a repository, sorted. Empty if the repository does not exist.
    pub(crate) fn tags(&self, repository: &str) -> Vec<String> {
        let answer = self.wire().send("GET", &format!("/v2/{repository}/tags/list?n=1000"), &[], b"");
        if answer.status == 404 {
            return Vec::new();
        }
        let mut tags: Vec<String> = serde_json::from_value(answer.json()["tags"].take()).expect("an array of tags");
        tags.sort();
        tags
    }
}

/// Returns the platforms (`os/arch[/variant][ os.version]`) and digests of a list.
pub(crate) fn entries(list: &Value) -> Vec<(String, String)> {
    let entries = list["manifests"].as_array().expect("a list has entries");
    entries.iter().map(|entry| (platform(&entry["platform"]), text(&entry["digest"]))).collect()
}

fn platform(platform: &Value) -> String {
    let parts = ["os", "architecture", "variant"].map(|part| platform[part].as_str());
    let name = parts.into_iter().flatten().collect::<Vec<_>>().join("/");
    match platform["os.version"].as_str() {
        Some(version) => format!("{name} {version}"),
        None => name,
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// Generates a test for each registry from functions that take a [`Kind`].
macro_rules! on_each_registry {
    ($($case:ident),+ $(,)?) => {
        mod in_process {
            $(#[test]
            fn $case() {
                super::$case($crate::support::any_registry::Kind::InProcess);
            })+
        }
        mod debian {
            $(#[test]
            fn $case() {
                if ["docker-registry", "htpasswd"].into_iter().all($crate::support::installed) {
                    super::$case($crate::support::any_registry::Kind::Debian);
                } else {
                    $crate::support::docker_registry::skipped("docker-registry or htpasswd is not installed");
                }
            })+
        }
        mod tls {
            $(#[test]
            fn $case() {
                if ["docker-registry", "htpasswd", "nginx"].into_iter().all($crate::support::installed) {
                    super::$case($crate::support::any_registry::Kind::Tls);
                } else {
                    $crate::support::docker_registry::skipped("docker-registry, htpasswd or nginx is not installed");
                }
            })+
        }
    };
}

/// Like `on_each_registry`, and also for Debian's registries that require login.
macro_rules! on_every_registry {
    ($($case:ident),+ $(,)?) => {
        $crate::support::any_registry::on_each_registry!($($case),+);
        $crate::support::any_registry::on_every_registry!(@guarded passwords Passwords $($case)+);
        $crate::support::any_registry::on_every_registry!(@guarded tokens Tokens $($case)+);
    };
    (@guarded $module:ident $kind:ident $($case:ident)+) => {
        mod $module {
            $(#[test]
            fn $case() {
                if ["docker-registry", "htpasswd"].into_iter().all($crate::support::installed) {
                    super::$case($crate::support::any_registry::Kind::$kind);
                } else {
                    $crate::support::docker_registry::skipped("docker-registry or htpasswd is not installed");
                }
            })+
        }
    };
}

pub(crate) use {on_each_registry, on_every_registry};
