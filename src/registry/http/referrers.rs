//! The manifests that name another one as their `subject` (distribution-spec "Listing Referrers").

use reqwest::Method;
use reqwest::header::{ACCEPT, HeaderValue};

use crate::oci::{Digest, Entry, Index, MediaType, Payload, Repository};
use crate::registry::error::{ErrorKind, Failure, Operation};
use crate::registry::transport::Endpoint;
use crate::registry::transport::response::HttpResponse;
use crate::registry::transport::wire::Follow;
use crate::registry::{Result, referrers};

use super::manifests::{HttpResult, MANIFEST, manifest_type, silent};
use super::tags::next_page;
use super::{Http, link, manifest_request, request_for};

/// The maximum number of pages read for the referrers of one manifest. A page has at most 4 MiB.
const PAGES: usize = 100;
/// The maximum number of bytes read for the referrers of one manifest.
const BYTES: usize = 32 << 20;
/// The maximum number of referrers of one type that are kept for one manifest. BuildKit writes one.
const MOST_OF_TYPE: usize = 100;
/// The maximum number of referrers of all types that are kept for one manifest.
const MOST: usize = 1000;

impl Http {
    /// Returns the manifests whose subject is `digest` and that have this artifact type, or all without one. `None` if
    /// there are none, or if the registry does not know them.
    pub(crate) async fn referrers(
        &self,
        repository: &Repository,
        digest: &Digest,
        artifact_type: Option<&str>,
    ) -> Result<Option<Vec<Entry>>> {
        let found = self.try_referrers(repository, digest, artifact_type).await.map(referrers::some);
        found.map_err(|failure| failure.at(Operation::ReadReferrers, (repository, digest)))
    }

    async fn try_referrers(
        &self,
        repository: &Repository,
        digest: &Digest,
        artifact_type: Option<&str>,
    ) -> HttpResult<Vec<Entry>> {
        let endpoint = self.endpoint(repository)?;
        let mut request = request_for(Method::GET, &endpoint, repository, &format!("referrers/{digest}"))?;
        request.headers.insert(ACCEPT, HeaderValue::from_static("application/vnd.oci.image.index.v1+json"));
        (request.limit, request.follow) = (Some(MANIFEST), Follow::SameHost);
        let (mut entries, mut bytes) = (Vec::new(), 0);
        for page in 0..PAGES {
            let answer = self.send(&endpoint, &request, repository).await?;
            if page == 0 && knows_no_referrers(&answer) {
                // It may be a large page, and no request may wait for room while it holds some.
                drop(answer);
                let index = self.referrers_index(&endpoint, repository, digest).await?;
                entries.extend(index.map(|index| named(&index, artifact_type)).transpose()?.unwrap_or_default());
                return limited(entries, artifact_type);
            }
            if answer.status != 200 {
                return Err(answer.failure());
            }
            // Registries may ignore a filter in the request, so each page is filtered here. Nothing else of it is kept.
            entries.extend(page_entries(&answer, artifact_type)?);
            bytes += answer.body.len();
            entries = limited(entries, artifact_type)?;
            if bytes > BYTES {
                let why = format!("returned a referrers listing of more than {} MiB", BYTES >> 20);
                return Err(Failure::of(ErrorKind::NotARegistry(why)));
            }
            let Some(next) = next_page(&answer)? else { return Ok(entries) };
            let next = link::beside(&request.url, next);
            request.continue_at(
                next.ok_or_else(|| silent(answer.out_of_place("continues its referrers listing on another host")))?,
            );
        }
        let why = format!("returned a referrers listing of more than {PAGES} pages");
        Err(Failure::of(ErrorKind::NotARegistry(why)))
    }

    /// Returns the index that clients maintain in a registry without the referrers endpoint. `None` if there is none.
    async fn referrers_index(
        &self,
        endpoint: &Endpoint,
        repository: &Repository,
        digest: &Digest,
    ) -> HttpResult<Option<HttpResponse>> {
        let Some(tag) = referrers::tag(digest) else { return Ok(None) };
        let request = manifest_request(Method::GET, endpoint, repository, tag.as_str())?;
        let answer = self.send(endpoint, &request, repository).await?;
        Ok(manifest_type(&answer)?.map(|_| answer))
    }
}

/// Returns the entries with this artifact type in the index that a tag names.
fn named(answer: &HttpResponse, artifact_type: Option<&str>) -> HttpResult<Vec<Entry>> {
    let Some(media_type) = manifest_type(answer)? else { return Ok(Vec::new()) };
    let payload = Payload::new(media_type, answer.body.clone());
    referrers::named(&payload, artifact_type).map_err(|_| no_index(answer))
}

/// Returns `entries`, or the failure that they are too many.
fn limited(entries: Vec<Entry>, artifact_type: Option<&str>) -> HttpResult<Vec<Entry>> {
    let (most, of_type) = match artifact_type {
        Some(artifact_type) => (MOST_OF_TYPE, format!(" with the artifact type {artifact_type}")),
        None => (MOST, String::new()),
    };
    if entries.len() <= most {
        return Ok(entries);
    }
    Err(Failure::of(ErrorKind::NotARegistry(format!("returned more than {most} referrers{of_type}"))))
}

/// Whether the answer means that the registry has no referrers endpoint: 404 (distribution-spec), an answer that
/// routers give for an unknown path, or a page of the registry's website (GHCR redirects to it). If access is denied,
/// there may be referrers that are not visible, so that does not count. Nor does a listing whose body is empty.
fn knows_no_referrers(answer: &HttpResponse) -> bool {
    match answer.status.as_u16() {
        300..=399 | 400 | 404 | 405 | 501 => true,
        200 => answer.is_html(),
        _ => false,
    }
}

fn page_entries(answer: &HttpResponse, artifact_type: Option<&str>) -> HttpResult<Vec<Entry>> {
    let payload = Payload::new(MediaType::OciIndex, answer.body.clone());
    Index::referrers(&payload, artifact_type).map_err(|_| no_index(answer))
}

fn no_index(answer: &HttpResponse) -> Failure {
    silent(answer.out_of_place("returned an invalid referrers listing"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::Registry as _;
    use crate::registry::tests::server::{Client, Reply, Server, manifest};

    const TYPE: &str = "application/x";

    /// An index of referrers with these names. Those of the wanted type have names that begin with `x`.
    fn list(names: &[&str]) -> String {
        let entry = |name: &&str| {
            serde_json::json!({
                "mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": Digest::of(name.as_bytes()).as_str(),
                "size": 7, "artifactType": if name.starts_with('x') { TYPE } else { "application/y" },
                "annotations": { "a": "b" },
            })
        };
        let entries: Vec<_> = names.iter().map(entry).collect();
        serde_json::json!({ "schemaVersion": 2, "manifests": entries }).to_string()
    }

    /// Returns the digests of the referrers.
    async fn found(server: &Server) -> std::result::Result<Option<Vec<String>>, ErrorKind> {
        found_of(server, Some(TYPE)).await
    }

    async fn found_of(
        server: &Server,
        artifact_type: Option<&str>,
    ) -> std::result::Result<Option<Vec<String>>, ErrorKind> {
        let client = Client::new(&[]);
        let found = client.registries.referrers(&server.place("a/b"), manifest().digest(), artifact_type).await;
        let name = |entry: Entry| entry.descriptor.digest.to_string();
        found.map(|found| found.map(|found| found.into_iter().map(name).collect())).map_err(|error| error.kind)
    }

    fn path() -> String {
        format!("GET /v2/a/b/referrers/{}", manifest().digest())
    }

    fn fallback() -> String {
        format!("GET /v2/a/b/manifests/sha256-{}", manifest().digest().hex())
    }

    fn kinds(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| Digest::of(name.as_bytes()).to_string()).collect()
    }

    #[tokio::test]
    async fn what_the_registry_lists_is_found() {
        let server = Server::start(|_, _| Reply::of(200).body(list(&["x", "y", "x2"]))).await;
        assert_eq!(found(&server).await, Ok(Some(kinds(&["x", "x2"]))), "others are left out");
        assert_eq!(server.lines(), [path()]);
        let empty = Server::start(|_, _| Reply::of(200).body(list(&[]))).await;
        assert_eq!(found(&empty).await, Ok(None));
        assert_eq!(empty.lines(), [path()], "it knows that there are none");
    }

    #[tokio::test]
    async fn without_an_artifact_type_all_are_found_up_to_a_higher_limit() {
        let server = Server::start(|_, _| Reply::of(200).body(list(&["x", "y", "x2"]))).await;
        assert_eq!(found_of(&server, None).await, Ok(Some(kinds(&["x", "y", "x2"]))));
        assert_eq!(server.lines(), [path()]);
        let many =
            Server::start(|_, n| Reply::of(200).body(list(&["y"; 300])).with("link", format!("<?last={n}>; rel=next")))
                .await;
        let why = "returned more than 1000 referrers".to_owned();
        assert_eq!(found_of(&many, None).await, Err(ErrorKind::NotARegistry(why)));
        assert_eq!(many.asked().len(), 4);
    }

    #[tokio::test]
    async fn pages_are_followed_on_the_same_host_and_not_for_ever() {
        let server = Server::start(|asked, _| {
            if asked.path.contains("last=2") {
                return Reply::of(200).body(list(&["y", "x2"]));
            }
            Reply::of(200).body(list(&["x"])).with("link", "<?last=2>; rel=next")
        })
        .await;
        assert_eq!(found(&server).await, Ok(Some(kinds(&["x", "x2"]))));
        let elsewhere = Server::start(|_, _| {
            Reply::of(200).body(list(&["x"])).with("link", "<http://elsewhere.example/>; rel=next")
        })
        .await;
        assert_eq!(found(&elsewhere).await.unwrap_err().to_string(), "continues its referrers listing on another host");
        let endless =
            Server::start(|_, n| Reply::of(200).body(list(&["y"])).with("link", format!("<?last={n}>; rel=next")))
                .await;
        assert!(matches!(found(&endless).await, Err(ErrorKind::NotARegistry(why)) if why.contains("100 pages")));
        assert_eq!(endless.asked().len(), PAGES);
    }

    #[tokio::test]
    async fn many_large_answers_wait_for_room_and_all_are_read() {
        let server = Server::start(|asked, _| {
            let padding = " ".repeat(1 << 20);
            if asked.path.contains("/referrers/") {
                return Reply::of(200).with("content-type", "text/html").body(format!("<html>{padding}"));
            }
            let index = list(&["x"]) + &padding;
            Reply::of(200).with("content-type", "application/vnd.oci.image.index.v1+json").body(index)
        })
        .await;
        let all = futures_util::future::join_all((0..40).map(|_| found(&server))).await;
        assert!(all.iter().all(|found| *found == Ok(Some(kinds(&["x"])))), "{all:?}");
    }

    #[tokio::test]
    async fn referrers_have_a_limit_in_number_and_in_bytes() {
        let many =
            Server::start(|_, n| Reply::of(200).body(list(&["x"; 30])).with("link", format!("<?last={n}>; rel=next")))
                .await;
        assert!(
            matches!(found(&many).await, Err(ErrorKind::NotARegistry(why)) if why.contains("more than 100 referrers"))
        );
        assert_eq!(many.asked().len(), 4);
        let large = Server::start(|_, n| {
            let body = list(&["y"]) + &" ".repeat(3 << 20);
            Reply::of(200).body(body).with("link", format!("<?last={n}>; rel=next"))
        })
        .await;
        assert!(matches!(found(&large).await, Err(ErrorKind::NotARegistry(why)) if why.contains("more than 32 MiB")));
        assert_eq!(large.asked().len(), 11);
    }

    #[tokio::test]
    async fn a_listing_that_lost_its_body_is_not_taken_for_none() {
        let server =
            Server::start(|_, _| Reply::of(200).with("content-type", "application/vnd.oci.image.index.v1+json"));
        assert!(matches!(found(&server.await).await, Err(ErrorKind::NotARegistry(_))));
    }

    #[tokio::test]
    async fn a_registry_without_the_endpoint_has_them_by_a_tag_or_not_at_all() {
        let replies: [fn() -> Reply; 7] = [
            || Reply::of(404).body("404 page not found"),
            || Reply::of(400),
            || Reply::of(405),
            || Reply::of(501),
            || Reply::of(303).with("location", "https://web.example/login"),
            || Reply::of(200).with("content-type", "text/html").body("<html>Sign in</html>"),
            || Reply::of(200).with("content-type", "text/html"),
        ];
        for reply in replies {
            let server = Server::start(move |asked, _| {
                if asked.path.contains("/referrers/") {
                    return reply();
                }
                Reply::of(200).with("content-type", "application/vnd.oci.image.index.v1+json").body(list(&["x"]))
            })
            .await;
            assert_eq!(found(&server).await, Ok(Some(kinds(&["x"]))));
            assert_eq!(server.lines(), [path(), fallback()]);
            let neither = Server::start(
                move |asked, _| if asked.path.contains("/referrers/") { reply() } else { Reply::of(404) },
            )
            .await;
            assert_eq!(found(&neither).await, Ok(None));
        }
    }

    #[tokio::test]
    async fn a_tag_that_names_something_else_names_no_referrers() {
        let server = Server::start(|asked, _| {
            if asked.path.contains("/referrers/") { Reply::of(404) } else { Reply::manifest(&manifest()) }
        })
        .await;
        assert_eq!(found(&server).await, Ok(None));
    }

    #[tokio::test]
    async fn what_nobody_may_see_or_can_read_is_not_taken_for_none() {
        for status in [401, 403] {
            let server = Server::start(move |_, _| Reply::of(status)).await;
            assert!(found(&server).await.is_err(), "{status}");
            assert!(server.lines().iter().all(|line| !line.contains("/manifests/")));
        }
        for body in ["[]", r#"{"manifests":{}}"#, r#"{"manifests":[{"digest":"x","size":1}]}"#] {
            let server = Server::start(move |_, _| Reply::of(200).body(body)).await;
            assert_eq!(
                found(&server).await.unwrap_err().to_string(),
                "returned an invalid referrers listing",
                "{body}"
            );
        }
        let large = Server::start(|_, _| Reply::of(200).body(vec![b' '; (4 << 20) + 1])).await;
        assert_eq!(found(&large).await, Err(ErrorKind::TooLarge { limit: 4 << 20 }));
    }
}
