//! [`Log`]: what a registry was asked, and questions about that.

use std::sync::Arc;
use std::time::Duration;

/// One request and its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Exchange {
    /// `GET`.
    pub(crate) method: String,
    /// As sent, without query.
    pub(crate) path: String,
    /// As sent, without `?`; may be empty.
    pub(crate) query: String,
    /// The answer.
    pub(crate) status: u16,
    /// When it came, since the registry's start. Zero where the registry does not say.
    pub(crate) began: Duration,
    /// When it took effect, since the registry's start. Zero where the registry does not say.
    pub(crate) ended: Duration,
    /// Bytes of the request's body. Zero where the registry does not say.
    pub(crate) sent: u64,
    /// How it was authorized.
    pub(crate) authorization: Authorization,
    /// What else it said. Empty where the registry does not say.
    pub(crate) said: Arc<Said>,
}

/// All that a request said besides its method and address; not shown by `Display`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Said {
    /// Names in lower case, and values.
    pub(crate) headers: Vec<(String, String)>,
    /// The first 64 KiB of the body, as text.
    pub(crate) body: String,
}

/// What the `Authorization` header held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Authorization {
    /// The registry's log does not say.
    Unknown,
    /// There was none.
    None,
    /// User and password.
    Basic,
    /// A token.
    Bearer,
}

impl Exchange {
    /// The repository; none for `/v2/` and the token endpoint.
    pub(crate) fn repository(&self) -> Option<&str> {
        let path = self.path.strip_prefix("/v2/")?;
        ["/manifests/", "/blobs/", "/tags/list"].iter().find_map(|end| path.rfind(end)).map(|end| &path[..end])
    }

    /// The tag or digest, where this is about a manifest.
    pub(crate) fn manifest(&self) -> Option<&str> {
        let path = self.path.strip_prefix("/v2/")?;
        let at = path.rfind("/manifests/")?;
        Some(&path[at + "/manifests/".len()..])
    }

    /// Whether this is about a blob or the upload of one.
    pub(crate) fn is_blob(&self) -> bool {
        self.path.contains("/blobs/")
    }

    /// Whether this asks for a token.
    pub(crate) fn is_token(&self) -> bool {
        self.path == "/token"
    }

    /// Whether the request says `text` anywhere: in its address, a header or its body.
    pub(crate) fn says(&self, text: &str) -> bool {
        let headers = self.said.headers.iter().map(|(_, value)| value);
        [&self.path, &self.query, &self.said.body].into_iter().chain(headers).any(|part| part.contains(text))
    }

    /// Whether this may change something in the registry.
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
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// What came after the first `count`.
    pub(crate) fn since(&self, count: usize) -> Self {
        Self(self.0[count..].to_vec())
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Exchange> {
        self.0.iter()
    }

    /// Those for which `test` holds.
    pub(crate) fn filter(&self, test: impl Fn(&Exchange) -> bool) -> Self {
        Self(self.0.iter().filter(|exchange| test(exchange)).cloned().collect())
    }

    /// How many have this method, tokens not counted.
    pub(crate) fn count(&self, method: &str) -> usize {
        self.0.iter().filter(|exchange| exchange.method == method && !exchange.is_token()).count()
    }

    /// What may have changed something.
    pub(crate) fn writes(&self) -> Self {
        self.filter(Exchange::is_write)
    }

    /// PUTs of manifests, children and lists alike.
    pub(crate) fn manifest_puts(&self) -> Self {
        self.filter(|exchange| exchange.method == "PUT" && exchange.manifest().is_some())
    }

    /// Requests for tokens.
    pub(crate) fn tokens(&self) -> Self {
        self.filter(Exchange::is_token)
    }
}

impl std::fmt::Display for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|exchange| writeln!(f, "{exchange}"))
    }
}
