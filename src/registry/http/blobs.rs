//! Blobs in the target repository (distribution-spec "Mounting a blob", "POST then PUT").

use bytes::Bytes;
use reqwest::header::{CONTENT_LENGTH, HeaderValue, LOCATION};
use reqwest::{Method, Url};

use crate::oci::{Digest, Repository};
use crate::registry;
use crate::registry::auth::{Right, Scopes};
use crate::registry::error::{ErrorKind, Failure, Operation};
use crate::registry::transport::Request;
use crate::registry::transport::destination::DestinationKind;
use crate::registry::transport::response::HttpResponse;
use crate::registry::transport::wire::{Follow, UrlSource};

use super::{Http, request_for};

/// The result of a mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mount {
    /// The repository has the blob.
    Done,
    /// The blob was not mounted, and the registry opened an upload for it.
    Session(Url),
    /// The blob was not mounted.
    Refused,
}

/// An upload that a registry has opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UploadSession {
    pub(crate) url: Url,
    /// The number of bytes that the registry has.
    pub(crate) stored: u64,
}

impl Http {
    /// Whether `repository` has `blob`. If the registry does not say, this is `false`, so that the blob is sent.
    pub(crate) async fn has_blob(&self, repository: &Repository, blob: &Digest) -> Result<bool, Failure> {
        let endpoint = self.endpoint(repository)?;
        let request = request_for(Method::HEAD, &endpoint, repository, &format!("blobs/{blob}"))?;
        let answer = self.send(&endpoint, &request, repository).await?;
        match answer.status.as_u16() {
            200 => Ok(true),
            401 | 429 => Err(answer.failure()),
            _ => Ok(false),
        }
    }

    /// Whether `repository` has `blob`. Unlike [`has_blob`](Self::has_blob), an answer that does not say so is an error.
    /// Redirects are followed: some front ends redirect without knowing what the storage has.
    pub(crate) async fn blob_exists(&self, repository: &Repository, blob: &Digest) -> registry::Result<bool> {
        let exists = async {
            let endpoint = self.endpoint(repository)?;
            let request = request_for(Method::HEAD, &endpoint, repository, &format!("blobs/{blob}"))?;
            let answer = self.send(&endpoint, &request, repository).await?;
            match answer.status.as_u16() {
                200 => Ok(true),
                404 => Ok(false),
                _ => Err(answer.failure()),
            }
        };
        exists.await.map_err(|failure: Failure| failure.at(Operation::ReadBlob, (repository, blob)))
    }

    /// Mounts `blob` from the repository `from` of the same registry. One token contains the rights for both. If the
    /// registry refuses the token or the mount, the blob must be sent.
    pub(crate) async fn mount(&self, from: &Repository, to: &Repository, blob: &Digest) -> Result<Mount, Failure> {
        let endpoint = self.endpoint(to)?;
        let mut request = request_for(Method::POST, &endpoint, to, "blobs/uploads/")?;
        request.url.query_pairs_mut().append_pair("mount", blob.as_str()).append_pair("from", from.path());
        let need = self.scopes(to).and(from, Right::Pull);
        match self.client.send(&endpoint, &empty(request), &need).await {
            Ok(answer) => match answer.status.as_u16() {
                201 => Ok(Mount::Done),
                202 => Ok(self.session(&answer, &endpoint.base).map_or(Mount::Refused, Mount::Session)),
                _ => Ok(Mount::Refused),
            },
            Err(failure) if failure.kind == ErrorKind::Stopped => Err(failure),
            // If more than the mount fails, the next request will report it.
            Err(_) => Ok(Mount::Refused),
        }
    }

    /// Opens an upload. Its URL may be used once.
    pub(crate) async fn begin_upload(&self, repository: &Repository) -> Result<Url, Failure> {
        let endpoint = self.endpoint(repository)?;
        let request = request_for(Method::POST, &endpoint, repository, "blobs/uploads/")?;
        let answer = self.send(&endpoint, &empty(request), repository).await?;
        match answer.status.as_u16() {
            // 201 is the answer to a request that sends bytes, and this one sends none. If it has a `Location`, the
            // upload continues there.
            201 | 202 => self.session(&answer, &endpoint.base),
            _ => Err(answer.failure()),
        }
    }

    /// Returns the state of an upload (distribution-spec "Resuming an upload"). `None` if the registry does not know
    /// the upload, does not tell the state of uploads, or stores them on another host.
    pub(crate) async fn upload_status(
        &self,
        repository: &Repository,
        upload: &UploadSession,
    ) -> Result<Option<UploadSession>, Failure> {
        let endpoint = self.endpoint(repository)?;
        if !endpoint.owns(&upload.url) {
            return Ok(None);
        }
        let mut request = Request::new(Method::GET, upload.url.clone());
        (request.url_source, request.follow) = (UrlSource::Received, Follow::SameHost);
        let answer = self.send(&endpoint, &request, repository).await?;
        let Some(stored) = answer.header("range").and_then(stored_bytes) else { return Ok(None) };
        if !matches!(answer.status.as_u16(), 200 | 202 | 204) {
            return Ok(None);
        }
        let url = if answer.headers.contains_key(LOCATION) {
            self.session(&answer, &endpoint.base)?
        } else {
            upload.url.clone()
        };
        Ok(Some(UploadSession { url, stored }))
    }

    /// Returns the URL where an upload continues, if the registry may direct requests there.
    fn session(&self, answer: &HttpResponse, base: &Url) -> Result<Url, Failure> {
        let url = session(answer, base)?;
        let admitted = self.client.transport.wire.may_lead(DestinationKind::Upload, base, &url);
        admitted.map_err(|failure| Failure { kind: failure.kind, code: None, message: None, ..answer.failure() })?;
        Ok(url)
    }

    /// Returns the rights that are required to read from or write to `repository`.
    pub(crate) fn rights(&self, repository: &Repository) -> Scopes {
        self.scopes(repository)
    }
}

/// Adds an empty body with its `Content-Length`. Without it, some front ends answer 411.
fn empty(mut request: Request) -> Request {
    request.body = Some(Bytes::new());
    request.headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    request
}

/// Returns the URL of an upload. Its `Location` may be relative, and may be on another host.
fn session(answer: &HttpResponse, base: &Url) -> Result<Url, Failure> {
    let out_of_place = |why: &str| {
        let failure = answer.out_of_place(why);
        Failure { code: None, message: None, ..failure }
    };
    let location =
        answer.header("location").ok_or_else(|| out_of_place("started an upload without a Location header"))?;
    base.join(location).map_err(|_| out_of_place("started an upload with an invalid Location header"))
}

/// Returns the number of bytes that the `Range` header of an upload states: `0-9`, and from some registries
/// `bytes=0-9`. `0-0` is both one byte and none, so it is not used.
fn stored_bytes(range: &str) -> Option<u64> {
    let (first, last) = range.trim_start_matches("bytes=").split_once('-')?;
    let last: u64 = last.parse().ok()?;
    (first == "0" && last > 0).then(|| last.checked_add(1))?
}

/// Returns the URL that completes an upload. Its own query is kept, because the registry may have signed it.
pub(crate) fn commit(mut session: Url, blob: &Digest) -> Url {
    let query = match session.query() {
        Some(query) if !query.is_empty() => format!("{query}&digest={blob}"),
        _ => format!("digest={blob}"),
    };
    session.set_query(Some(&query));
    session
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;
    use reqwest::header::HeaderMap;

    use super::*;
    use crate::registry::Registry as _;
    use crate::registry::tests::server::{Client, Reply, Server, blob};

    fn opened(base: &str, location: Option<&str>) -> Result<String, String> {
        let mut headers = HeaderMap::new();
        if let Some(location) = location {
            headers.insert("location", location.parse().unwrap());
        }
        let (body, signed) = Default::default();
        let answer = HttpResponse { status: StatusCode::ACCEPTED, headers, body, signed, attempts: 1, room: None };
        let digest = Digest::of(b"");
        session(&answer, &Url::parse(base).unwrap())
            .map(|url| commit(url, &digest).to_string().replace(digest.as_str(), "D"))
            .map_err(|failure| failure.kind.to_string())
    }

    #[tokio::test(start_paused = true)]
    async fn a_blob_is_missing_only_if_the_registry_says_so() {
        let blob = blob(b"a layer");
        for (status, expected) in [
            (200, Ok(true)),
            (404, Ok(false)),
            (401, Err(ErrorKind::Unauthorized)),
            (403, Err(ErrorKind::Denied)),
            (405, Err(ErrorKind::NotARegistry("unexpected status 405 (Method Not Allowed)".into()))),
            (429, Err(ErrorKind::RateLimited { retry_after: None })),
            (500, Err(ErrorKind::Server)),
        ] {
            // The answer of the registry itself, and the answer of a storage to which it redirects.
            for redirects in [false, true] {
                let server = Server::start(move |asked, _| {
                    if redirects && !asked.path.starts_with("/storage") {
                        Reply::of(307).with("location", "/storage")
                    } else {
                        Reply::of(status).with("www-authenticate", "Basic")
                    }
                })
                .await;
                let exists = Client::new(&[]).registries.has_blob(&server.place("a/b"), &blob).await;
                if redirects && exists.is_err() {
                    assert!(expected.is_err(), "{status}");
                } else {
                    assert_eq!(exists.map_err(|error| error.kind), expected, "{status}");
                }
                assert!(server.asked().iter().all(|asked| asked.method == "HEAD"));
            }
        }
    }

    #[test]
    fn an_upload_goes_where_its_location_says() {
        let base = "https://a.example/";
        for (location, url) in [
            ("/v2/x/blobs/uploads/1", "https://a.example/v2/x/blobs/uploads/1?digest=D"),
            ("/up?_state=a%3D%3D&b=+", "https://a.example/up?_state=a%3D%3D&b=+&digest=D"),
            ("https://a.example:443/up?", "https://a.example/up?digest=D"),
            ("up/1", "https://a.example/up/1?digest=D"),
            ("https://store.example/up?sig=1", "https://store.example/up?sig=1&digest=D"),
        ] {
            assert_eq!(opened(base, Some(location)).unwrap(), url, "{location}");
        }
    }

    #[test]
    fn the_bytes_of_an_upload_are_read_from_its_range() {
        for (range, stored) in [
            ("0-9", Some(10)),
            ("bytes=0-9", Some(10)),
            ("0-0", None),
            ("5-9", None),
            ("0-", None),
            ("0-18446744073709551615", None),
            ("", None),
        ] {
            assert_eq!(stored_bytes(range), stored, "{range}");
        }
    }

    #[test]
    fn an_upload_goes_nowhere_else() {
        for (location, why) in [(None, "without a Location"), (Some("https://"), "invalid Location")] {
            let error = opened("https://a.example/", location).unwrap_err();
            assert!(error.contains(why), "{location:?}: {error}");
        }
        // The registry is addressed with its port, and its front end omits the port.
        let (named, said) =
            (Url::parse("https://a.example:443/").unwrap(), Url::parse("https://a.example/up").unwrap());
        assert_eq!(named.origin(), said.origin());
    }
}
