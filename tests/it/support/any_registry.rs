//! [`AnyRegistry`]: the registry of this process or Debian's, so that one case runs against both.

use serde_json::Value;

use super::docker_registry::DockerRegistry;
use super::images::Image;
use super::registry::{Account, Auth, Knobs, Log, Registry};
use super::wire::Wire;

/// A registry to test against.
pub(crate) enum AnyRegistry {
    /// Ours.
    InProcess(Registry),
    /// Debian's.
    Debian(DockerRegistry),
}

/// Which of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Ours.
    InProcess,
    /// Debian's.
    Debian,
}

impl Kind {
    /// Starts one, open to all; none where it is not installed.
    pub(crate) fn start(self) -> Option<AnyRegistry> {
        match self {
            Self::InProcess => Some(AnyRegistry::InProcess(Registry::start(Knobs::default()))),
            Self::Debian => DockerRegistry::start(None).map(AnyRegistry::Debian),
        }
    }

    /// Starts one that asks for user and password; none where it is not installed.
    pub(crate) fn start_for(self, account: Account) -> Option<AnyRegistry> {
        match self {
            Self::InProcess => {
                let knobs = Knobs { auth: Auth::Basic(account), ..Knobs::default() };
                Some(AnyRegistry::InProcess(Registry::start(knobs)))
            }
            Self::Debian => DockerRegistry::start(Some(account)).map(AnyRegistry::Debian),
        }
    }
}

impl AnyRegistry {
    /// `127.0.0.1:PORT`.
    pub(crate) fn host(&self) -> String {
        match self {
            Self::InProcess(registry) => registry.host(),
            Self::Debian(registry) => registry.host(),
        }
    }

    /// Requests past mlist, with all rights.
    pub(crate) fn wire(&self) -> Wire {
        match self {
            Self::InProcess(registry) => Wire::new(registry.host(), Some(Registry::insider())),
            Self::Debian(registry) => registry.wire(),
        }
    }

    /// All requests so far, those of [`AnyRegistry::wire`] included.
    pub(crate) fn log(&self) -> Log {
        match self {
            Self::InProcess(registry) => registry.log(),
            Self::Debian(registry) => registry.log(),
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
        }
    }

    /// Comes back, on the same port.
    pub(crate) fn restart(&mut self) {
        match self {
            Self::InProcess(registry) => registry.restart(),
            Self::Debian(registry) => registry.restart(),
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
}

/// Platforms (`os/arch[/variant]`) and digests of a list.
pub(crate) fn entries(list: &Value) -> Vec<(String, String)> {
    let entries = list["manifests"].as_array().expect("a list has entries");
    entries.iter().map(|entry| (platform(&entry["platform"]), text(&entry["digest"]))).collect()
}

fn platform(platform: &Value) -> String {
    let parts = ["os", "architecture", "variant"].map(|part| platform[part].as_str());
    parts.into_iter().flatten().collect::<Vec<_>>().join("/")
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
                if $crate::support::installed("docker-registry") {
                    super::$case($crate::support::any_registry::Kind::Debian);
                } else {
                    $crate::support::docker_registry::skipped("docker-registry is not installed");
                }
            })+
        }
    };
}

pub(crate) use on_each_registry;
