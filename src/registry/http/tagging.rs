//! [`Tagging`]: several tags with one PUT (distribution-spec end-7b, `PUT /manifests/DIGEST?tag=a&tag=b`).
//!
//! A registry that does not support this accepts the manifest and writes no tag. So only the tags in `OCI-Tag` count as
//! written.

use std::collections::HashMap;
use std::sync::Mutex;

use reqwest::header::HeaderMap;

use crate::oci::{Host, Payload, Repository, Tag};
use crate::registry::lock::lock;
use crate::registry::{Operation, Result};

use super::Http;
use super::manifests::{HttpResult, put_request};
use super::write_result::{WriteResult, write_result};

/// The number of tags per request that every registry with support for this should accept (distribution-spec). zot
/// accepts 46. A registry may answer 414.
const AT_ONCE: usize = 10;

/// What is known in this run about the hosts that were asked to write several tags at once.
#[derive(Default)]
pub(crate) struct Tagging(Mutex<HashMap<Host, TagSupport>>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TagSupport {
    /// The first request is in flight and will show it. Other requests do not wait for it.
    Soon,
    Yes,
    No,
}

impl Tagging {
    /// Whether to send several tags at once to `host`. The first request to a host shows whether it supports this.
    fn may_ask(&self, host: &Host) -> bool {
        let mut hosts = lock(&self.0);
        if let Some(known) = hosts.get(host) {
            return *known == TagSupport::Yes;
        }
        hosts.insert(host.clone(), TagSupport::Soon);
        true
    }

    /// Records the result of the first answer. A host that supported it once still supports it later.
    fn learn(&self, host: &Host, known: TagSupport) {
        let mut hosts = lock(&self.0);
        if hosts.get(host) == Some(&TagSupport::Soon) {
            hosts.insert(host.clone(), known);
        }
    }

    /// Removes the entry of a host whose first request failed, so that the next request tries again.
    fn forget(&self, host: &Host) {
        lock(&self.0).remove(host);
    }
}

impl Http {
    /// Writes `payload` under its digest and under `tags`. Returns the tags that the registry confirms.
    pub(crate) async fn put_tags(&self, repository: &Repository, payload: &Payload, tags: &[Tag]) -> Result<Vec<Tag>> {
        let mut confirmed = Vec::new();
        for tags in tags.chunks(AT_ONCE) {
            if !self.tagging.may_ask(repository.host()) {
                break;
            }
            let put = self.try_put_tags(repository, payload, tags).await;
            let written = put.map_err(|failure| failure.at(Operation::PushManifest, (repository, payload.digest())))?;
            confirmed.extend(written);
        }
        Ok(confirmed)
    }

    async fn try_put_tags(&self, repository: &Repository, payload: &Payload, tags: &[Tag]) -> HttpResult<Vec<Tag>> {
        let host = repository.host();
        let sent = async {
            let endpoint = self.endpoint(repository)?;
            let mut request = put_request(&endpoint, repository, payload.digest().as_str(), payload)?;
            request.url.query_pairs_mut().extend_pairs(tags.iter().map(|tag| ("tag", tag.as_str())));
            self.send(&endpoint, &request, repository).await
        };
        let answer = match sent.await {
            Ok(answer) => answer,
            Err(failure) => {
                self.tagging.forget(host);
                return Err(failure);
            }
        };
        match write_result(&answer, payload, repository) {
            WriteResult::Yes => {
                let named = named(&answer.headers);
                let confirmed: Vec<Tag> = tags.iter().filter(|tag| named.contains(&tag.as_str())).cloned().collect();
                self.tagging.learn(host, if confirmed.is_empty() { TagSupport::No } else { TagSupport::Yes });
                Ok(confirmed)
            }
            // The registry refuses either several tags at once or the list itself. Writing the tags one by one will
            // show which.
            WriteResult::Unsaid(failure) | WriteResult::No(failure) => {
                self.tagging.learn(host, TagSupport::No);
                Err(failure)
            }
        }
    }
}

/// Returns the tags in all `OCI-Tag` headers. Each header may have several.
fn named(headers: &HeaderMap) -> Vec<&str> {
    let values = headers.get_all("oci-tag").iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim).collect()
}

#[cfg(test)]
mod tests {
    use crate::oci::Place;
    use crate::registry::tests::server::{Asked, Client, Reply, Server, manifest};
    use crate::registry::{ErrorKind, Registry as _};

    use super::*;

    fn tags(count: usize) -> Vec<Tag> {
        (0..count).map(|number| Tag::parse(&format!("t{number}")).unwrap()).collect()
    }

    fn shown(tags: &[Tag]) -> Vec<&str> {
        tags.iter().map(Tag::as_str).collect()
    }

    async fn put(client: &Client, server: &Server, count: usize) -> Result<Vec<Tag>> {
        client.registries.put_tags(&server.place("a"), &manifest(), &tags(count)).await
    }

    async fn served(script: impl Fn(&Asked, usize) -> Reply + Send + Sync + 'static) -> (Server, Client) {
        let server = Server::start(script).await;
        let client = Client::new(&[&server.repository("a")]);
        (server, client)
    }

    #[tokio::test]
    async fn only_tags_that_the_registry_names_are_written() {
        let (server, client) = served(|_, _| {
            let reply = Reply::stored(&manifest()).with("oci-tag", "t0 ,t2").with("oci-tag", "t3");
            reply.with("oci-tag", "stranger")
        })
        .await;
        assert_eq!(shown(&put(&client, &server, 4).await.unwrap()), ["t0", "t2", "t3"]);
        let asked = &server.asked()[0];
        let path = format!("/v2/a/manifests/{}?tag=t0&tag=t1&tag=t2&tag=t3", manifest().digest());
        assert_eq!((asked.method.as_str(), &asked.path), ("PUT", &path));
        assert_eq!(
            (asked.header("content-type"), &asked.body),
            (Some(manifest().media_type().as_str()), manifest().bytes())
        );
    }

    #[tokio::test]
    async fn ten_are_put_at_once() {
        let (server, client) = served(|asked, _| {
            let tags: Vec<&str> = asked.path.split("tag=").skip(1).map(|tag| tag.trim_end_matches('&')).collect();
            Reply::stored(&manifest()).with("oci-tag", tags.join(","))
        })
        .await;
        assert_eq!(put(&client, &server, 23).await.unwrap(), tags(23));
        assert_eq!(
            server.asked().iter().map(|asked| asked.path.matches("tag=").count()).collect::<Vec<_>>(),
            [10, 10, 3]
        );
    }

    #[tokio::test]
    async fn a_registry_that_does_not_know_it_is_asked_once_in_a_run() {
        for status in [201, 400, 405, 414] {
            let (server, client) = served(move |_, _| Reply::of(status)).await;
            for _ in 0..2 {
                assert!(put(&client, &server, 3).await.unwrap_or_default().is_empty(), "{status}");
            }
            assert_eq!(server.asked().len(), 1, "{status}");
        }
    }

    #[tokio::test]
    async fn while_one_finds_it_out_the_others_do_not_wait() {
        let (server, client) = served(|_, _| {
            Reply::stored(&manifest()).with("oci-tag", "t0,t1").after(std::time::Duration::from_millis(300))
        })
        .await;
        let (first, second) = tokio::join!(put(&client, &server, 2), put(&client, &server, 2));
        assert_eq!((first.unwrap().len(), second.unwrap().len()), (2, 0));
        assert_eq!(put(&client, &server, 2).await.unwrap().len(), 2);
        assert_eq!(server.asked().len(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_registry_that_fails_has_shown_nothing() {
        let (server, client) = served(|_, n| match n {
            0..8 => Reply::of(500),
            _ => Reply::stored(&manifest()).with("oci-tag", "t0,t1"),
        })
        .await;
        assert_eq!(put(&client, &server, 2).await.unwrap_err().kind, ErrorKind::Server);
        assert_eq!(put(&client, &server, 2).await.unwrap().len(), 2);
    }

    #[tokio::test]
    async fn the_tags_of_a_layout_are_put_one_by_one() {
        let folder = tempfile::TempDir::new().unwrap();
        let place = Place::parse(&format!("oci:{}", folder.path().display())).unwrap();
        let put = Client::new(&[]).registries.put_tags(&place, &manifest(), &tags(3)).await;
        assert_eq!(put.unwrap(), []);
    }
}
