//! [`Log`]: the requests that a registry received.

use std::sync::Arc;
use std::time::Duration;

/// A request and its response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Exchange {
    /// The method, such as `GET`.
    pub(crate) method: String,
    /// The path as sent, without the query.
    pub(crate) path: String,
    /// The query as sent, without `?`. May be empty.
    pub(crate) query: String,
    /// The status of the response.
    pub(crate) status: u16,
    /// When the request arrived, since the start of the registry. Zero if the registry does not record it.
    pub(crate) began: Duration,
    /// When it took effect, since the start of the registry. Zero if the registry does not record it.
    pub(crate) ended: Duration,
    /// The size of the request body in bytes. Zero if the registry does not record it.
    pub(crate) sent: u64,
    /// How the request was authorized.
    pub(crate) authorization: Authorization,
    /// The headers and body of the request. Empty if the registry does not record them.
    pub(crate) said: Arc<Said>,
}

/// The content of a request besides its method and URL. `Display` does not show it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Said {
    /// Names in lower case, and values.
    pub(crate) headers: Vec<(String, String)>,
    /// The first 64 KiB of the body, as text.
    pub(crate) body: String,
}

/// The scheme of the `Authorization` header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Authorization {
    /// The log of the registry does not record it.
    Unknown,
    /// There was no such header.
    None,
    /// User and password.
    Basic,
    /// A token.
    Bearer,
}

impl Exchange {
    /// The repository. `None` for `/v2/` and the token endpoint.
    pub(crate) fn repository(&self) -> Option<&str> {
        let path = self.path.strip_prefix("/v2/")?;
        ["/manifests/", "/blobs/", "/tags/list"].iter().find_map(|end| path.rfind(end)).map(|end| &path[..end])
    }

    /// The tag or digest, if the request is about a manifest.
    pub(crate) fn manifest(&self) -> Option<&str> {
        let path = self.path.strip_prefix("/v2/")?;
        let at = path.rfind("/manifests/")?;
        Some(&path[at + "/manifests/".len()..])
    }

    /// Whether the request is about a blob or its upload.
    pub(crate) fn is_blob(&self) -> bool {
        self.path.contains("/blobs/")
    }

    /// Whether the request asks for a token.
    pub(crate) fn is_token(&self) -> bool {
        matches!(self.path.as_str(), "/token" | "/auth/token")
    }

    /// Whether the request contains `text` in its path, query, headers or body.
    pub(crate) fn says(&self, text: &str) -> bool {
        let headers = self.said.headers.iter().map(|(_, value)| value);
        [&self.path, &self.query, &self.said.body].into_iter().chain(headers).any(|part| part.contains(text))
    }

    /// Whether the request may change something in the registry.
    pub(crate) fn is_write(&self) -> bool {
        !self.is_token() && !matches!(self.method.as_str(), "GET" | "HEAD")
    }
}

impl std::fmt::Display for Exchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let question = if self.query.is_empty() { "" } else { "?" };
        write!(f, "{} {}{question}{} {}", self.method, self.path, self.query, self.status)
    }
}

/// Requests in the order in which they took effect.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Log(pub(crate) Vec<Exchange>);

impl Log {
    /// The number of requests.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns the requests after the first `count`.
    pub(crate) fn since(&self, count: usize) -> Self {
        Self(self.0[count..].to_vec())
    }

    /// Iterates over the requests.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Exchange> {
        self.0.iter()
    }

    /// Returns the requests for which `test` is true.
    pub(crate) fn filter(&self, test: impl Fn(&Exchange) -> bool) -> Self {
        Self(self.0.iter().filter(|exchange| test(exchange)).cloned().collect())
    }

    /// Counts the requests with this method, without token requests.
    pub(crate) fn count(&self, method: &str) -> usize {
        self.0.iter().filter(|exchange| exchange.method == method && !exchange.is_token()).count()
    }

    /// Returns the requests that may have changed something.
    pub(crate) fn writes(&self) -> Self {
        self.filter(Exchange::is_write)
    }

    /// Returns the PUTs of manifests, both of children and of lists.
    pub(crate) fn manifest_puts(&self) -> Self {
        self.filter(|exchange| exchange.method == "PUT" && exchange.manifest().is_some())
    }

    /// Returns the requests without those for tokens and those that were refused for want of a token.
    pub(crate) fn served(&self) -> Self {
        self.filter(|exchange| exchange.status != 401 && !exchange.is_token())
    }

    /// Returns the token requests.
    pub(crate) fn tokens(&self) -> Self {
        self.filter(Exchange::is_token)
    }
}

impl std::fmt::Display for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|exchange| writeln!(f, "{exchange}"))
    }
}
