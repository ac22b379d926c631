//! [`AnyRegistry`]: the registry of this process, Debian's, or that one behind nginx, so that one case runs against all.

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
    /// Ours.
    InProcess(Registry),
    /// Debian's.
    Debian(DockerRegistry),
    /// Debian's, over TLS and HTTP/2.
    Tls(DockerRegistry, Nginx),
}

/// Which of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Ours.
    InProcess,
    /// Debian's.
    Debian,
    /// Debian's, behind nginx: TLS of an authority of its own, HTTP/2, client certificates.
    Tls,
    /// Debian's, for who knows a password.
    Passwords,
    /// Debian's, for who has a token of a server beside it.
    Tokens,
}

/// Who is let in by a registry that asks.
fn bot() -> Account {
    Account::new("ci-bot", "s3cret-of-the-bot")
}

impl Kind {
    /// Starts one; none where it is not installed.
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

    /// Starts one that asks for user and password; none where it is not installed.
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

    /// `127.0.0.1:PORT`.
    pub(crate) fn host(&self) -> String {
        match self {
            Self::InProcess(registry) => registry.host(),
            Self::Debian(registry) => registry.host(),
            Self::Tls(_, nginx) => nginx.host(),
        }
    }

    /// As [`AnyRegistry::host`], where plain HTTP is spoken: for programs that speak no other to this machine.
    pub(crate) fn plain_host(&self) -> String {
        match self {
            Self::Tls(registry, _) => registry.host(),
            other => other.host(),
        }
    }

    /// Lets a project in, where the registry asks who is there.
    pub(crate) fn admit(&self, context: &Context) {
        if let Self::Debian(registry) = self
            && registry.asks()
        {
            context.log_in(&self.host(), &bot());
        }
    }

    /// Requests past mlist, with all rights.
    pub(crate) fn wire(&self) -> Wire {
        match self {
            Self::InProcess(registry) => Wire::new(registry.host(), Some(Registry::insider())),
            Self::Debian(registry) | Self::Tls(registry, _) => registry.wire(),
        }
    }

    /// All requests so far, those of [`AnyRegistry::wire`] included.
    pub(crate) fn log(&self) -> Log {
        match self {
            Self::InProcess(registry) => registry.log(),
            Self::Debian(registry) | Self::Tls(registry, _) => registry.log(),
        }
    }

    /// What `work` asked, and what it gave.
    pub(crate) fn watch<T>(&self, work: impl FnOnce() -> T) -> (T, Log) {
        let before = self.log().len();
        let result = work();
        (result, self.log().since(before))
    }

    /// Goes down.
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

    /// Comes back, on the same port.
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

    /// Pushes what `docker buildx` does: an image and what it says of it by digest, and an index of both under `tag`.
    pub(crate) fn push_built(&self, repository: &str, tag: &str, image: &Image) -> Attestation {
        let attestation = Attestation::of(image);
        self.push(repository, &image.digest(), image);
        self.push_attestation(repository, &attestation);
        self.push_list(repository, tag, OCI_INDEX, &index(&[image.entry(), attestation.entry()]));
        attestation
    }

    /// Pushes a list of images that stand there.
    pub(crate) fn push_list(&self, repository: &str, tag: &str, media_type: &str, list: &[u8]) {
        let answer = self.wire().put_manifest(repository, tag, media_type, list);
        assert_eq!(answer.status, 201, "{repository}:{tag} is not taken: {}", String::from_utf8_lossy(&answer.body));
    }

    /// Platforms and digests of the list that a tag names, in its order; none where there is none.
    pub(crate) fn list(&self, repository: &str, tag: &str) -> Option<Vec<(String, String)>> {
        let list = self.wire().manifest(repository, tag)?.json();
        Some(entries(&list))
    }

    /// The tags of a repository, sorted; none where there is no such repository.
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

/// Platforms (`os/arch[/variant][ os.version]`) and digests of a list.
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

/// Makes a test for each registry out of functions that take an [`AnyRegistry`], or a [`Kind`] to start their own.
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

/// As `on_each_registry`, and for those of Debian's that ask who is there.
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
