//! [`Wire`]: a minimal HTTP client, for seeding and inspecting a registry without mlist.
//!
//! It uses HTTP/1.0 with one connection per request, without chunks or reuse, so that it stays simple.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::token_server::TokenServer;

/// A client for one host.
#[derive(Clone)]
pub(crate) struct Wire {
    host: String,
    rights: Rights,
}

/// The credentials for the host.
#[derive(Clone)]
enum Rights {
    /// None: the host does not require login.
    None,
    /// This `Authorization` header.
    Fixed(String),
    /// A new token for the path of each request.
    Minted(Arc<TokenServer>),
}

/// A response.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// The status.
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    /// The body.
    pub(crate) body: Bytes,
}

impl Wire {
    /// Creates a client for `host` (`127.0.0.1:PORT`), with this `Authorization` header if there is one.
    pub(crate) fn new(host: String, authorization: Option<String>) -> Self {
        Self { host, rights: authorization.map_or(Rights::None, Rights::Fixed) }
    }

    /// Creates a client for `host`, which trusts the tokens of `server`.
    pub(crate) fn with_tokens(host: String, server: &Arc<TokenServer>) -> Self {
        Self { host, rights: Rights::Minted(Arc::clone(server)) }
    }

    /// Sends a request. `None` if there is no connection or no response.
    pub(crate) fn try_send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Option<Answer> {
        let mut stream = TcpStream::connect(&self.host).ok()?;
        stream.set_read_timeout(Some(Duration::from_mins(1))).ok()?;
        let length = body.len().to_string();
        let own = match &self.rights {
            Rights::None => None,
            Rights::Fixed(authorization) => Some(authorization.clone()),
            Rights::Minted(server) => Some(server.insider(path)),
        };
        let own = own.as_ref().map(|value| ("Authorization", value.as_str()));
        let headers = own.into_iter().chain(headers.iter().copied()).chain([("Content-Length", length.as_str())]);
        let headers: String = headers.map(|(name, value)| [name, ": ", value, "\r\n"].concat()).collect();
        let head = format!("{method} {path} HTTP/1.0\r\nHost: {}\r\n{headers}\r\n", self.host);
        // A registry may respond and close the connection before it has read all of a body that it refuses.
        let _ = stream.write_all(&[head.as_bytes(), body].concat());
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).ok()?;
        Answer::parse(&bytes)
    }

    /// Sends a request. Panics if there is no response.
    pub(crate) fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let answer = self.try_send(method, path, headers, body);
        answer.unwrap_or_else(|| panic!("{} does not answer {method} {path}", self.host))
    }

    /// Returns the manifest of any type by tag or digest. `None` if it is not found.
    pub(crate) fn manifest(&self, repository: &str, reference: &str) -> Option<Answer> {
        let path = format!("/v2/{repository}/manifests/{reference}");
        let answer = self.send("GET", &path, &[("Accept", EVERY_TYPE)], b"");
        match answer.status {
            200 => Some(answer),
            404 => None,
            status => panic!("{status} for GET {path}"),
        }
    }

    /// Returns the digest that a tag refers to. `None` if the tag is not found.
    pub(crate) fn digest(&self, repository: &str, tag: &str) -> Option<String> {
        let answer = self.manifest(repository, tag)?;
        Some(answer.header("Docker-Content-Digest").expect("registries say the digest").to_owned())
    }

    /// Uploads a blob.
    pub(crate) fn put_blob(&self, repository: &str, digest: &str, bytes: &[u8]) {
        let begun = self.send("POST", &format!("/v2/{repository}/blobs/uploads/"), &[], b"");
        assert_eq!(begun.status, 202, "an upload to {repository} is not begun");
        let location = begun.header("Location").expect("an upload has a place").to_owned();
        let location = location.strip_prefix(&format!("http://{}", self.host)).unwrap_or(&location);
        let path = format!("{location}{}digest={digest}", if location.contains('?') { '&' } else { '?' });
        let done = self.send("PUT", &path, &[("Content-Type", "application/octet-stream")], bytes);
        assert_eq!(done.status, 201, "{digest} is not taken by {repository}");
    }

    /// Pushes a manifest under a tag or digest.
    pub(crate) fn put_manifest(&self, repository: &str, reference: &str, media_type: &str, bytes: &[u8]) -> Answer {
        let path = format!("/v2/{repository}/manifests/{reference}");
        self.send("PUT", &path, &[("Content-Type", media_type)], bytes)
    }
}

/// An `Accept` header with all types that current registries store.
pub(crate) const EVERY_TYPE: &str = "application/vnd.oci.image.index.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.v2+json";

impl Answer {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
        let head = std::str::from_utf8(&bytes[..end]).ok()?;
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let pair = |line: &str| line.split_once(':').map(|(name, value)| (name.to_owned(), value.trim().to_owned()));
        let headers = lines.filter_map(pair).collect();
        Some(Self { status, headers, body: Bytes::copy_from_slice(&bytes[end + 4..]) })
    }

    /// Returns the value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Parses the body as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("a body of JSON")
    }
}
