//! [`AnyRegistry`]: the registry of this process, Debian's, Debian's behind nginx, and others, so that one test runs
//! against all of them.

use std::sync::Arc;

use serde_json::Value;

use super::context::Context;
use super::docker_registry::{DockerRegistry, Guard, skipped};
use super::ferro_registry::FerroRegistry;
use super::images::{Attestation, Image, OCI_INDEX, OCI_MANIFEST, index};
use super::nginx::Nginx;
use super::registry::{Account, Auth, Knobs, Log, Registry};
use super::token_server::TokenServer;
use super::wire::Wire;
use super::zuul_registry::{Readers, ZuulRegistry};

/// A registry to test against.
pub(crate) enum AnyRegistry {
    /// The registry of this process.
    InProcess(Registry),
    /// Debian's registry.
    Debian(DockerRegistry),
    /// Debian's registry, over TLS and HTTP/2.
    Tls(DockerRegistry, Nginx),
    /// zuul-registry.
    Zuul(ZuulRegistry),
    /// ferro-oci-server.
    Ferro(FerroRegistry),
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
    /// zuul-registry, which requires tokens.
    Zuul,
    /// ferro-oci-server.
    Ferro,
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
            Self::Zuul => ZuulRegistry::start(&bot(), Readers::Everyone).map(AnyRegistry::Zuul),
            Self::Ferro => FerroRegistry::start(None).map(AnyRegistry::Ferro),
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
            Self::Zuul => ZuulRegistry::start(&account, Readers::Account).map(AnyRegistry::Zuul),
            Self::Ferro => FerroRegistry::start(Some(account)).map(AnyRegistry::Ferro),
        }
    }

    /// Runs a test with this kind of registry, or says that it is skipped.
    pub(crate) fn run(self, test: fn(Self)) {
        match self.missing() {
            None => test(self),
            Some(program) => skipped(&format!("{program} is not installed")),
        }
    }

    /// Returns a program that this kind of registry needs and that is not installed.
    fn missing(self) -> Option<&'static str> {
        let programs: &[&str] = match self {
            Self::InProcess => &[],
            Self::Debian | Self::Passwords | Self::Tokens => &["docker-registry", "htpasswd"],
            Self::Tls => &["docker-registry", "htpasswd", "nginx"],
            Self::Zuul => return (!ZuulRegistry::is_installed()).then_some("zuul-registry"),
            Self::Ferro if !FerroRegistry::is_installed() => return Some("ferro-oci-server"),
            Self::Ferro => &["htpasswd", "nginx"],
        };
        programs.iter().copied().find(|program| !super::installed(program))
    }

    /// Whether it mounts blobs of another repository. Otherwise they are sent.
    pub(crate) fn mounts(self) -> bool {
        !matches!(self, Self::Zuul | Self::Ferro)
    }

    /// Returns the numbers of GETs, POSTs and PUTs that copy so many blobs from one repository to another.
    pub(crate) fn copies(self, blobs: usize) -> [usize; 3] {
        match self {
            _ if self.mounts() => [0, blobs, 0],
            // The mount is refused and opens no upload.
            Self::Zuul => [blobs, 2 * blobs, blobs],
            _ => [blobs; 3],
        }
    }

    /// Whether it refuses a list without its children.
    pub(crate) fn requires_children(self) -> bool {
        self != Self::Zuul
    }

    /// Whether it answers 404 for the tags of a repository that does not exist. Otherwise it lists none.
    pub(crate) fn knows_repositories(self) -> bool {
        !matches!(self, Self::Zuul | Self::Ferro)
    }

    /// Whether a tag names only what was pushed last. Otherwise it names one manifest of each media type, and a client
    /// gets a list rather than an image.
    pub(crate) fn replaces_tags(self) -> bool {
        self != Self::Zuul
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
            Self::Zuul(registry) => registry.host(),
            Self::Ferro(registry) => registry.host(),
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
        let asks = match self {
            Self::Debian(registry) => registry.asks(),
            Self::Zuul(_) => true,
            Self::InProcess(_) | Self::Tls(..) | Self::Ferro(_) => false,
        };
        if asks {
            context.log_in(&self.host(), &bot());
        }
    }

    /// Creates a project with this manifests.toml that is logged in, if the registry requires login.
    pub(crate) fn project(&self, manifest: &str) -> Context {
        let context = Context::with(manifest);
        self.admit(&context);
        context
    }

    /// Returns a client that sends requests with all rights, without using mlist.
    pub(crate) fn wire(&self) -> Wire {
        match self {
            Self::InProcess(registry) => Wire::new(registry.host(), Some(Registry::insider())),
            Self::Debian(registry) | Self::Tls(registry, _) => registry.wire(),
            Self::Zuul(registry) => registry.wire(),
            Self::Ferro(registry) => registry.wire(),
        }
    }

    /// Returns all requests so far, including those of [`AnyRegistry::wire`].
    pub(crate) fn log(&self) -> Log {
        match self {
            Self::InProcess(registry) => registry.log(),
            Self::Debian(registry) | Self::Tls(registry, _) => registry.log(),
            Self::Zuul(registry) => registry.log(),
            Self::Ferro(registry) => registry.log(),
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
            Self::Zuul(registry) => registry.stop(),
            Self::Ferro(registry) => registry.stop(),
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
            Self::Zuul(registry) => registry.restart(),
            Self::Ferro(registry) => registry.restart(),
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
        // zuul-registry knows no queries.
        let query = if matches!(self, Self::Zuul(_)) { "" } else { "?n=1000" };
        let answer = self.wire().send("GET", &format!("/v2/{repository}/tags/list{query}"), &[], b"");
        if answer.status == 404 {
            return Vec::new();
        }
        let mut tags: Vec<String> = serde_json::from_value(answer.json()["tags"].take()).expect("an array of tags");
        // zuul-registry lists digests too.
        tags.retain(|tag| !tag.contains(':'));
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
        $crate::support::any_registry::on_strict_registries!($($case),+);
        $crate::support::any_registry::on_registry!(zuul Zuul $($case)+);
        $crate::support::any_registry::on_registry!(ferro Ferro $($case)+);
    };
}

/// Like `on_each_registry`, and also for Debian's registries that require login.
macro_rules! on_every_registry {
    ($($case:ident),+ $(,)?) => {
        $crate::support::any_registry::on_each_registry!($($case),+);
        $crate::support::any_registry::on_registry!(passwords Passwords $($case)+);
        $crate::support::any_registry::on_registry!(tokens Tokens $($case)+);
    };
}

/// Like `on_each_registry`, without those that do not check what is sent to them.
macro_rules! on_strict_registries {
    ($($case:ident),+ $(,)?) => {
        $crate::support::any_registry::on_registry!(in_process InProcess $($case)+);
        $crate::support::any_registry::on_registry!(debian Debian $($case)+);
        $crate::support::any_registry::on_registry!(tls Tls $($case)+);
    };
}

/// Generates a module of tests for one registry.
macro_rules! on_registry {
    ($module:ident $kind:ident $($case:ident)+) => {
        mod $module {
            $(#[test]
            fn $case() {
                $crate::support::any_registry::Kind::$kind.run(super::$case);
            })+
        }
    };
}

pub(crate) use {on_each_registry, on_every_registry, on_registry, on_strict_registries};
