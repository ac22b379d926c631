//! [`replay`]: a minimal client that sends the requests of a log, each as soon as the requests that it depends on have
//! responses.
//!
//! This time is the lower limit: no client that sends these requests, with the same number at once, can be faster. The
//! client checks no digest, parses no response and decides nothing. The bytes of the manifests that it writes come from
//! the registry that they were first written to. The dependencies are in [`needs`].

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;

use super::registry::{Exchange, Log, Registry};

mod needs;

const EVERY_TYPE: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json";

/// Sends the requests of `log`, which went to `done`, to `to`, with at most `jobs` at once. Returns the duration.
pub(crate) fn replay(log: &Log, done: &Registry, to: &Registry, jobs: usize) -> Duration {
    let requests: Vec<Request<Full<Bytes>>> = log.iter().map(|exchange| request(exchange, done, to)).collect();
    let needs = needs::of(log, done);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    // The time of mlist includes opening its connections, so this time does as well.
    let began = Instant::now();
    runtime.block_on(send_all(requests, &needs, jobs));
    began.elapsed()
}

async fn send_all(requests: Vec<Request<Full<Bytes>>>, needs: &[Vec<usize>], jobs: usize) {
    let client: Client<HttpConnector, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let mut requests: Vec<Option<Request<Full<Bytes>>>> = requests.into_iter().map(Some).collect();
    let mut open: Vec<usize> = needs.iter().map(Vec::len).collect();
    let mut needed_by = vec![Vec::new(); needs.len()];
    for (request, needs) in needs.iter().enumerate() {
        for need in needs {
            needed_by[*need].push(request);
        }
    }
    let mut ready: VecDeque<usize> = (0..open.len()).filter(|request| open[*request] == 0).collect();
    let mut sent = FuturesUnordered::new();
    loop {
        while sent.len() < jobs
            && let Some(next) = ready.pop_front()
        {
            let request = requests[next].take().expect("each request is ready once");
            let client = &client;
            sent.push(async move {
                let answer = client.request(request).await.expect("an answer");
                answer.into_body().collect().await.expect("a whole answer");
                next
            });
        }
        let Some(answered) = sent.next().await else { break };
        for next in &needed_by[answered] {
            open[*next] -= 1;
            if open[*next] == 0 {
                ready.push_back(*next);
            }
        }
    }
    assert!(requests.iter().all(Option::is_none), "some requests need each other");
}

/// Creates the request of the log again, for another registry.
fn request(exchange: &Exchange, done: &Registry, to: &Registry) -> Request<Full<Bytes>> {
    let question = if exchange.query.is_empty() { "" } else { "?" };
    let uri = format!("http://{}{}{question}{}", to.host(), exchange.path, exchange.query);
    let mut request = Request::builder().method(exchange.method.as_str()).uri(uri).header(ACCEPT, EVERY_TYPE);
    let mut body = Bytes::new();
    if exchange.method == "PUT" {
        let (repository, reference) = exchange.repository().zip(exchange.manifest()).expect("only manifests are PUT");
        let store = done.store();
        let manifest = store.manifest(repository, reference).expect("what was PUT stands");
        request = request.header(CONTENT_TYPE, &manifest.media_type);
        body = manifest.bytes.clone();
    }
    request.header(CONTENT_LENGTH, body.len()).body(Full::new(body)).expect("the parts of a request that was sent")
}
