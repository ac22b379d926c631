//! [`Counters`]: counts the requests to one registry as they are sent.

use std::sync::{Arc, Mutex};

use reqwest::Method;
use reqwest::header::HeaderMap;
use tokio::time::Instant;

use crate::registry::lock::lock;
use crate::registry::{CredentialSource, HostStats};

/// The running figures of one registry.
#[derive(Default)]
pub(crate) struct Counters(Mutex<Figures>);

#[derive(Default)]
struct Figures {
    stats: HostStats,
    /// Where the credentials came from. Namespaces of one host may have credentials of their own.
    sources: Vec<Arc<CredentialSource>>,
    waiting: u32,
    /// When the current wait began, if any request is waiting.
    since: Option<Instant>,
}

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RequestPurpose {
    /// Manifests and blobs.
    Content,
    /// A token.
    Token,
}

impl Counters {
    /// Counts a request that is sent.
    pub(crate) fn sent(&self, method: &Method, purpose: RequestPurpose) {
        let stats = &mut lock(&self.0).stats;
        let counter = match (purpose, method.as_str()) {
            (RequestPurpose::Token, _) => &mut stats.token,
            (_, "HEAD") => &mut stats.head,
            (_, "GET") => &mut stats.get,
            (_, "POST") => &mut stats.post,
            _ => &mut stats.put,
        };
        *counter += 1;
    }

    /// Counts a repeated request.
    pub(crate) fn repeated(&self) {
        lock(&self.0).stats.retries += 1;
    }

    /// Stores the quota that an answer states: `ratelimit-remaining: 97;w=21600`.
    pub(crate) fn heard(&self, headers: &HeaderMap) {
        if let Some(left) = pulls_left(headers) {
            lock(&self.0).stats.pulls_left = Some(left);
        }
    }

    /// Stores where the credentials came from.
    pub(crate) fn credentials(&self, source: &Arc<CredentialSource>) {
        let sources = &mut lock(&self.0).sources;
        if !sources.contains(source) {
            sources.push(Arc::clone(source));
        }
    }

    /// Waits for `work`. Requests that wait at the same time count as one, so the sum is elapsed time.
    pub(crate) async fn waiting<T>(&self, work: impl Future<Output = T>) -> T {
        let _wait = Wait::begin(self);
        work.await
    }

    /// Returns the figures so far.
    pub(crate) fn stats(&self) -> HostStats {
        let figures = lock(&self.0);
        let mut stats = figures.stats.clone();
        let sources: Vec<String> = figures.sources.iter().map(ToString::to_string).collect();
        stats.credentials = (!sources.is_empty()).then(|| sources.join(", "));
        stats.waited += figures.since.map(|since| since.elapsed()).unwrap_or_default();
        stats
    }
}

/// Returns how many pulls are left of a quota, if the answer states this.
pub(crate) fn pulls_left(headers: &HeaderMap) -> Option<u64> {
    headers.get("ratelimit-remaining")?.to_str().ok()?.split(';').next()?.trim().parse().ok()
}

/// A waiting request. The wait ends when this is dropped, so that a cancelled wait ends too.
struct Wait<'a>(&'a Counters);

impl<'a> Wait<'a> {
    fn begin(counters: &'a Counters) -> Self {
        let mut figures = lock(&counters.0);
        figures.waiting += 1;
        figures.since.get_or_insert_with(Instant::now);
        Self(counters)
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        let mut figures = lock(&self.0.0);
        figures.waiting -= 1;
        if figures.waiting == 0
            && let Some(since) = figures.since.take()
        {
            figures.stats.waited += since.elapsed();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::registry::{Account, CredentialOrigin};

    #[tokio::test(start_paused = true)]
    async fn waits_at_the_same_time_are_counted_once() {
        let counters = Counters::default();
        let sleep = |seconds| counters.waiting(tokio::time::sleep(Duration::from_secs(seconds)));
        tokio::join!(sleep(2), sleep(5), async {
            tokio::time::timeout(Duration::from_secs(1), sleep(9)).await.is_ok()
        });
        sleep(1).await;
        assert_eq!(counters.stats().waited.as_secs(), 6);
    }

    #[test]
    fn all_credentials_of_a_host_are_told_each_once() {
        let counters = Counters::default();
        let source = |user: &str| {
            let (place, account) = ("~/auth.json".to_owned(), Account::User(user.to_owned()));
            Arc::new(CredentialSource { origin: CredentialOrigin::Podman, place, account })
        };
        assert_eq!(counters.stats().credentials, None);
        ["a", "b", "a"].map(source).iter().for_each(|source| counters.credentials(source));
        assert_eq!(counters.stats().credentials.unwrap(), "~/auth.json (user a), ~/auth.json (user b)");
    }

    #[test]
    fn a_quota_is_read_from_its_header() {
        for (value, left) in [("97;w=21600", Some(97)), ("0", Some(0)), ("many", None)] {
            let mut headers = HeaderMap::new();
            headers.insert("ratelimit-remaining", value.parse().unwrap());
            assert_eq!(pulls_left(&headers), left);
        }
    }
}
