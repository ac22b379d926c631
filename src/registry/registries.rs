//! [`Registries`]: HTTP registries and layouts as one [`Registry`].

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::oci::{Descriptor, Digest, Entry, Host, LayoutContents, Locator, Payload, Place, Reference, Tag};

use super::auth::AuthClient;
use super::copy::Copier;
use super::credentials::Credentials;
use super::gate::RunState;
use super::http::tagging::Tagging;
use super::http::{Http, KEPT_BYTES};
use super::layout::Layouts;
use super::transport::Transport;
use super::{
    Copied, ErrorKind, ErrorTarget, ExpectedTag, HostHistory, Operation, RegistriesOptions, Registry, Result, Stats,
    TagWrite, Way, file_limit,
};

/// Registries over HTTP, and layouts.
pub struct Registries {
    pub(super) http: Http,
    layouts: Layouts,
}

impl Registries {
    /// Creates the registries without connecting: a host is contacted when it is first used.
    ///
    /// # Errors
    /// Fails if an HTTP client cannot be created.
    pub fn new(options: RegistriesOptions) -> Result<Self> {
        let RegistriesOptions { access, jobs, credentials, observer, hosts, certificates } = options;
        // Each request in flight has a connection, which counts as an open file.
        let jobs = NonZeroUsize::new(file_limit::shares().connections).map_or(jobs, |most| jobs.min(most));
        let (run, access) = (Arc::new(RunState::new(jobs, observer)), Arc::new(access));
        let credentials = Credentials::new(credentials, &hosts);
        let transport = Transport::new(run, hosts, certificates);
        let transport = transport.map_err(|failure| failure.at(Operation::Connect, ErrorTarget::Registries))?;
        let layouts = Layouts::new(access.layouts().clone(), transport.run.stop.clone());
        let client = AuthClient::new(transport, credentials, Arc::clone(&access));
        let (tagging, kept_bytes) = (Tagging::default(), Semaphore::new(KEPT_BYTES));
        Ok(Self { http: Http { client, access, tagging, kept_bytes }, layouts })
    }

    /// Returns the requests so far, by host. Layouts are not counted.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.http.client.transport.stats()
    }

    /// Adds to an error what is known about the host: the proxy before it, and what its answers so far show.
    fn told<T>(&self, result: Result<T>) -> Result<T> {
        result.map_err(|mut error| {
            if let Some(host) = error.host.as_deref().and_then(|host| Host::parse(host).ok()) {
                (error.proxy, error.history) = self.http.client.transport.surroundings(&host);
            }
            // A status that no registry should use here means something else if a registry sends it.
            if matches!(error.kind, ErrorKind::NotARegistry(_))
                && matches!(error.status, Some(405 | 501))
                && error.history == HostHistory::Registry
            {
                error.kind = ErrorKind::Unsupported;
            }
            error
        })
    }

    /// Ends pauses, back-off and blob transfers at once: requests that wait fail as stopped. The writing of a manifest
    /// is not interrupted.
    pub fn stop(&self) {
        self.http.client.transport.run.stop.cancel();
    }
}

impl Registry for Registries {
    async fn head(&self, reference: &Reference) -> Result<Option<Descriptor>> {
        match &reference.place {
            Place::Repository(repository) => self.told(self.http.head(repository, &reference.locator).await),
            Place::Layout(dir) => self.layouts.head(dir, &reference.locator).await,
        }
    }

    async fn read(&self, reference: &Reference) -> Result<Option<Descriptor>> {
        match &reference.place {
            Place::Repository(repository) => self.told(self.http.read(repository, &reference.locator).await),
            Place::Layout(dir) => self.layouts.head(dir, &reference.locator).await,
        }
    }

    async fn manifest(&self, place: &Place, digest: &Digest) -> Result<Option<Payload>> {
        match place {
            Place::Repository(repository) => self.told(self.http.manifest(repository, digest).await),
            Place::Layout(dir) => self.layouts.manifest(dir, digest).await,
        }
    }

    async fn config(&self, place: &Place, digest: &Digest) -> Result<Option<Payload>> {
        match place {
            Place::Repository(repository) => self.told(self.http.config(repository, digest).await),
            Place::Layout(dir) => self.layouts.config(dir, digest).await,
        }
    }

    async fn has_blob(&self, place: &Place, blob: &Descriptor) -> Result<bool> {
        match place {
            Place::Repository(repository) => self.told(self.http.blob_exists(repository, &blob.digest).await),
            Place::Layout(dir) => self.layouts.has_blob(dir, blob).await,
        }
    }

    async fn tags(&self, place: &Place) -> Result<Option<BTreeSet<Tag>>> {
        match place {
            Place::Repository(repository) => self.told(self.http.tags(repository).await),
            Place::Layout(dir) => self.layouts.tags(dir).await,
        }
    }

    async fn referrers(
        &self,
        place: &Place,
        digest: &Digest,
        artifact_type: Option<&str>,
    ) -> Result<Option<Vec<Entry>>> {
        match place {
            Place::Repository(repository) => self.told(self.http.referrers(repository, digest, artifact_type).await),
            Place::Layout(dir) => self.layouts.referrers(dir, digest, artifact_type).await,
        }
    }

    async fn layout(&self, place: &Place) -> Result<Option<LayoutContents>> {
        match place {
            Place::Repository(_) => Ok(None),
            Place::Layout(dir) => self.layouts.contents(dir).await.map(Some),
        }
    }

    async fn copy_blob(&self, blob: &Descriptor, from: &Place, to: &Place, way: Way) -> Result<Copied> {
        self.told(Copier { http: &self.http, layouts: &self.layouts, blob, from, to, way }.copy().await)
    }

    async fn put_manifest(&self, place: &Place, locator: &Locator, payload: &Payload) -> Result<()> {
        match place {
            Place::Repository(repository) => self.told(self.http.put_manifest(repository, locator, payload).await),
            Place::Layout(dir) => self.layouts.put_manifest(dir, locator, payload).await,
        }
    }

    async fn put_tag(&self, place: &Place, tag: ExpectedTag<'_>, payload: &Payload) -> Result<TagWrite> {
        match place {
            Place::Repository(_) => {
                self.put_manifest(place, &Locator::Tag(tag.tag.clone()), payload).await.map(|()| TagWrite::Written)
            }
            Place::Layout(dir) => self.layouts.put_tag(dir, tag, payload).await,
        }
    }

    async fn put_tags(&self, place: &Place, payload: &Payload, tags: &[Tag]) -> Result<Vec<Tag>> {
        match place {
            Place::Repository(repository) => self.told(self.http.put_tags(repository, payload, tags).await),
            // In a layout, each tag is written in a step of its own.
            Place::Layout(_) => Ok(Vec::new()),
        }
    }
}
