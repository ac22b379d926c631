//! The tags of a repository (distribution-spec "Listing Tags").

use std::collections::BTreeSet;

use reqwest::Method;
use reqwest::header::{ACCEPT, HeaderValue};
use serde::Deserialize;

use crate::oci::{Repository, Tag};
use crate::registry::Result;
use crate::registry::error::{ErrorKind, Failure, Operation};
use crate::registry::transport::response::{HttpResponse, codes};

use super::manifests::{HttpResult, MANIFEST, silent};
use super::{Http, link, request_for};

/// The number of tags requested per page. ECR accepts no greater number, and others return fewer.
const PAGE: usize = 1000;
/// The maximum number of tags read from one repository.
const MOST: usize = 100_000;
/// A registry may send short or empty pages. If this many pages in a row contain no new tag, the pages form a loop.
const IDLE_PAGES: usize = 3;
/// The maximum number of pages read from one repository: enough for the maximum number of tags at fifty tags per page.
/// Registries do not send shorter pages, and one that sent a single tag per page would take days.
const PAGES: usize = MOST / 50;

/// One page. It has at most 4 MiB.
#[derive(Deserialize)]
struct Page {
    /// `null` if there are no tags: Go writes it this way.
    #[serde(default)]
    tags: Option<Vec<String>>,
}

impl Http {
    /// Returns all tags. `None` if the repository does not exist.
    pub(crate) async fn tags(&self, repository: &Repository) -> Result<Option<BTreeSet<Tag>>> {
        let tags = self.try_tags(repository).await;
        tags.map_err(|failure| failure.at(Operation::ReadTags, repository))
    }

    pub(super) async fn try_tags(&self, repository: &Repository) -> HttpResult<Option<BTreeSet<Tag>>> {
        let endpoint = self.endpoint(repository)?;
        let mut request = request_for(Method::GET, &endpoint, repository, &format!("tags/list?n={PAGE}"))?;
        request.headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        request.limit = Some(MANIFEST);
        let (mut tags, mut pages, mut idle) = (BTreeSet::new(), 0, 0);
        loop {
            let answer = self.send(&endpoint, &request, repository).await?;
            let is_first = pages == 0;
            match answer.status.as_u16() {
                200 => {}
                // zuul-registry answers so to a query, as it knows none. With an error code, there is no repository.
                404 if is_first && request.url.query().is_some() && codes(&answer.body).is_empty() => {
                    request.url.set_query(None);
                    continue;
                }
                404 if is_first => return Ok(None),
                404 => {
                    return Err(silent(
                        answer.out_of_place("returned an incomplete tag listing: a page was not found"),
                    ));
                }
                _ => return Err(answer.failure()),
            }
            let before = tags.len();
            tags.extend(page(&answer, is_first)?);
            if tags.len() > MOST {
                return Err(Failure::of(ErrorKind::TooManyTags { limit: MOST }));
            }
            let Some(next) = next_page(&answer)? else { return Ok(Some(tags)) };
            idle = if tags.len() == before { idle + 1 } else { 0 };
            if idle == IDLE_PAGES {
                return Err(silent(answer.out_of_place("returned a tag listing whose pages repeat without end")));
            }
            pages += 1;
            if pages == PAGES {
                return Err(silent(answer.out_of_place(format!("returned a tag listing of more than {PAGES} pages"))));
            }
            let next = link::beside(&request.url, next);
            request.continue_at(
                next.ok_or_else(|| silent(answer.out_of_place("continues its tag listing on another host")))?,
            );
        }
    }
}

/// Returns the target of the link to the next page, if there is one.
pub(super) fn next_page(answer: &HttpResponse) -> HttpResult<Option<&str>> {
    link::next(&answer.headers).map_err(|_| silent(answer.out_of_place("returned an invalid Link header")))
}

/// Returns the tags of a page. The first page of a repository without tags may have no list. On a later page there
/// would be a hole in the list.
fn page(answer: &HttpResponse, is_first: bool) -> HttpResult<impl Iterator<Item = Tag>> {
    let no_list = || silent(answer.out_of_place("returned an invalid tag listing"));
    // serde would also accept an array with the right values.
    if answer.body.trim_ascii_start().first() != Some(&b'{') {
        return Err(no_list());
    }
    let page: Page = serde_json::from_slice(&answer.body).map_err(|_| no_list())?;
    let tags = match page.tags {
        None if !is_first => return Err(no_list()),
        tags => tags.unwrap_or_default(),
    };
    // An invalid tag cannot be requested, so it is ignored.
    Ok(tags.into_iter().filter_map(|tag| Tag::parse(&tag).ok()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::Place;
    use crate::registry::Registry as _;
    use crate::registry::tests::server::{Client, Reply, Server};

    async fn tags(server: &Server) -> std::result::Result<Option<Vec<String>>, ErrorKind> {
        let tags = Client::new(&[]).registries.tags(&server.place("a/b")).await;
        tags.map(|tags| tags.map(|tags| tags.iter().map(ToString::to_string).collect())).map_err(|error| error.kind)
    }

    fn names(tags: &[&str]) -> Vec<String> {
        tags.iter().map(|tag| (*tag).to_owned()).collect()
    }

    #[tokio::test]
    async fn no_repository_and_no_tags_are_two_things() {
        let unknown = Server::start(|_, _| Reply::of(404).body(r#"{"errors":[{"code":"NAME_UNKNOWN"}]}"#)).await;
        assert_eq!(tags(&unknown).await, Ok(None));
        assert_eq!(unknown.lines(), ["GET /v2/a/b/tags/list?n=1000"]);
        for body in [r#"{"name":"a/b","tags":null}"#, r#"{"name":"a/b"}"#, r#"{"tags":[]}"#] {
            let empty = Server::start(move |_, _| Reply::of(200).body(body)).await;
            assert_eq!(tags(&empty).await, Ok(Some(names(&[]))), "{body}");
            assert_eq!(empty.lines(), ["GET /v2/a/b/tags/list?n=1000"]);
        }
    }

    #[tokio::test]
    async fn a_registry_that_knows_no_query_is_asked_without_one() {
        let server = Server::start(|asked, _| {
            if asked.path.contains('?') {
                return Reply::of(404).with("content-type", "text/html").body("<html>404 Not Found</html>");
            }
            Reply::of(200).body(r#"{"tags":["1"]}"#)
        })
        .await;
        assert_eq!(tags(&server).await, Ok(Some(names(&["1"]))));
        let absent = Server::start(|_, _| Reply::of(404)).await;
        assert_eq!(tags(&absent).await, Ok(None));
        assert_eq!(absent.lines(), ["GET /v2/a/b/tags/list?n=1000", "GET /v2/a/b/tags/list"]);
    }

    #[tokio::test]
    async fn pages_are_followed_whatever_form_their_links_have() {
        let forms: [fn(&str) -> String; 4] = [
            |_| r#"</v2/a/b/tags/list?n=2&last=2>; rel="next""#.into(),
            |_| "<?last=2>;rel=next;n=2".into(),
            |host| {
                format!(r#"<x>; rel="prev", <http://{host}/v2/a/b/tags/list?last=2&sig=%2F>; title="," ; rel="next""#)
            },
            // The registry assumes that it is reached over TLS, on the default port.
            |_| r#"<https://127.0.0.1/v2/a/b/tags/list?last=2>; rel="next""#.into(),
        ];
        for link in forms {
            let server = Server::start(move |asked, _| {
                if asked.path.contains("last=2") {
                    return Reply::of(200).body(r#"{"tags":["3"]}"#);
                }
                let link = link(asked.header("host").unwrap());
                Reply::of(200).body(r#"{"tags":["2","1","no tag"]}"#).with("link", link)
            })
            .await;
            assert_eq!(tags(&server).await, Ok(Some(names(&["1", "2", "3"]))));
            let last = server.lines().pop().unwrap();
            assert!(last.starts_with("GET /v2/a/b/tags/list?") && server.asked().len() == 2, "{last}");
        }
    }

    #[tokio::test]
    async fn pages_that_do_not_end_are_not_followed_for_ever() {
        let circle =
            Server::start(|_, _| Reply::of(200).body(r#"{"tags":["1"]}"#).with("link", "<?n=1>;rel=next")).await;
        let kind = tags(&circle).await.unwrap_err();
        assert_eq!(
            (kind.to_string().as_str(), circle.asked().len()),
            ("returned a tag listing whose pages repeat without end", 4)
        );
        let endless = Server::start(|_, n| {
            let names: Vec<String> = (0..1000).map(|tag| format!("t{n}-{tag}")).collect();
            Reply::of(200)
                .body(serde_json::json!({ "tags": names }).to_string())
                .with("link", format!("<?last={n}>; rel=next"))
        })
        .await;
        assert_eq!(tags(&endless).await, Err(ErrorKind::TooManyTags { limit: MOST }));
        assert_eq!(endless.asked().len(), 101);
    }

    #[tokio::test]
    async fn a_registry_that_gives_a_tag_a_page_is_not_asked_for_all() {
        let server = Server::start(|_, n| {
            Reply::of(200).body(format!(r#"{{"tags":["t{n}"]}}"#)).with("link", format!("<?last={n}>; rel=next"))
        })
        .await;
        let kind = tags(&server).await.unwrap_err();
        assert_eq!(kind.to_string(), "returned a tag listing of more than 2000 pages");
        assert_eq!(server.asked().len(), PAGES);
    }

    #[tokio::test]
    async fn a_list_with_a_hole_is_no_list() {
        type Page = fn() -> Reply;
        let pages: [(Page, &str); 4] = [
            (|| Reply::of(404), "returned an incomplete tag listing: a page was not found"),
            (|| Reply::of(200).body(r#"{"tags":null}"#), "returned an invalid tag listing"),
            (|| Reply::of(200).body("{}"), "returned an invalid tag listing"),
            (
                || Reply::of(200).body(r#"{"tags":["2"]}"#).with("link", "/v2/x; rel=next"),
                "returned an invalid Link header",
            ),
        ];
        for (second, why) in pages {
            let server = Server::start(move |_, n| match n {
                0 => Reply::of(200).body(r#"{"tags":["1"]}"#).with("link", "<?last=1>; rel=next"),
                _ => second(),
            })
            .await;
            assert_eq!(tags(&server).await.unwrap_err().to_string(), why);
        }
    }

    #[tokio::test]
    async fn a_next_page_on_another_host_is_not_asked_for() {
        let other = Server::start(|_, _| Reply::of(200).body(r#"{"tags":["3"]}"#)).await;
        for next in
            [format!("http://localhost:{}/", other.address.port()), "file:///etc/passwd".into(), "http://".into()]
        {
            let link = format!("<{next}>; rel=next");
            let server =
                Server::start(move |_, _| Reply::of(200).body(r#"{"tags":["1"]}"#).with("link", link.clone())).await;
            assert!(matches!(tags(&server).await, Err(ErrorKind::NotARegistry(_))), "{next}");
        }
        assert!(other.asked().is_empty());
    }

    #[tokio::test]
    async fn what_is_no_list_of_tags_is_told_and_no_absence() {
        let deep = format!(r#"{{"tags":{}"#, "[".repeat(200));
        for body in ["<html>log in</html>", "[]", r#"{"tags":[1]}"#, r#"{"tags":"a"}"#, &deep] {
            let body = body.to_owned();
            let server = Server::start(move |_, _| Reply::of(200).body(body.clone())).await;
            assert_eq!(tags(&server).await.unwrap_err().to_string(), "returned an invalid tag listing");
        }
        let denied = Server::start(|_, _| Reply::of(403)).await;
        assert_eq!(tags(&denied).await, Err(ErrorKind::Denied));
        let large = Server::start(|_, _| Reply::of(200).body(vec![b' '; (4 << 20) + 1])).await;
        assert_eq!(tags(&large).await, Err(ErrorKind::TooLarge { limit: 4 << 20 }));
        let encoded = Server::start(|_, _| Reply::of(200).with("content-encoding", "br").body("x")).await;
        assert!(matches!(tags(&encoded).await, Err(ErrorKind::NotARegistry(why)) if why.contains("br")));
    }

    #[tokio::test]
    async fn a_layout_has_tags_too() {
        let folder = tempfile::TempDir::new().unwrap();
        let place = Place::parse(&format!("oci:{}", folder.path().display())).unwrap();
        let client = Client::new(&[]);
        assert_eq!(client.registries.tags(&place).await.unwrap(), None);
        std::fs::write(folder.path().join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
        let entry = |name: &str| format!(r#"{{"annotations":{{"org.opencontainers.image.ref.name":"{name}"}}}}"#);
        let entries = [entry("v1"), "{}".to_owned(), entry("docker.io/library/app:v2"), entry("v1")].join(",");
        std::fs::write(folder.path().join("index.json"), format!(r#"{{"manifests":[{entries}]}}"#)).unwrap();
        let tags = client.registries.tags(&place).await.unwrap().unwrap();
        assert_eq!(tags.iter().map(ToString::to_string).collect::<Vec<_>>(), ["v1"], "a name of an image is no tag");
    }
}
