//! Copies of many blobs between registries that fail a fifth of all answers.

use std::collections::HashMap;
use std::sync::Mutex;

use super::*;

/// The fraction of all answers that fail.
const SHARE: f64 = 0.2;
/// How often a request may fail in a row. A request is given up after eight attempts, and no test may fail by chance.
const MOST_IN_A_ROW: u32 = 6;

/// A registry that stores blobs and fails a part of its answers.
#[derive(Default)]
struct Flaky {
    random: u64,
    blobs: HashMap<String, Bytes>,
    uploads: HashMap<String, Vec<u8>>,
    failed_in_a_row: HashMap<String, u32>,
    faults: usize,
}

/// How an answer fails.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// The request has no effect, and the connection is closed.
    Reset,
    /// The request has no effect, and the answer is an error.
    Error,
    /// The request takes effect, and the connection is closed.
    AnswerLost,
    /// The body of the answer or of the request is cut off.
    Cut,
}

impl Flaky {
    /// Returns the upper half of the next number of splitmix64.
    fn random(&mut self) -> u32 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        u32::try_from((z ^ (z >> 31)) >> 32).unwrap()
    }

    fn fault(&mut self, asked: &Asked) -> Option<Fault> {
        let path = asked.path.split("/uploads/").next().unwrap().to_owned();
        let key = format!("{} {path}", asked.method);
        let fails = f64::from(self.random()) / f64::from(u32::MAX) < SHARE;
        let kind = self.random();
        let failed = self.failed_in_a_row.entry(key).or_default();
        if !fails || *failed >= MOST_IN_A_ROW {
            *failed = 0;
            return None;
        }
        *failed += 1;
        self.faults += 1;
        Some([Fault::Reset, Fault::Error, Fault::AnswerLost, Fault::Cut][kind as usize % 4])
    }

    fn answer(&mut self, asked: &Asked) -> Reply {
        match self.fault(asked) {
            Some(Fault::Reset) => Reply::reset(),
            Some(Fault::Error) => Reply::of(500),
            Some(Fault::AnswerLost) => {
                self.carry_out(asked, false);
                Reply::reset()
            }
            Some(Fault::Cut) => self.carry_out(asked, true),
            None => self.carry_out(asked, false),
        }
    }

    fn carry_out(&mut self, asked: &Asked, is_cut: bool) -> Reply {
        let path = asked.path.split('?').next().unwrap();
        let blob = path.rsplit('/').next().unwrap();
        match (asked.method.as_str(), path.contains("/uploads/")) {
            ("HEAD", false) => Reply::of(if self.blobs.contains_key(path) { 200 } else { 404 }),
            ("GET", false) => content(asked, self.blobs[blob].clone(), is_cut),
            ("POST", _) => {
                let location = format!("{path}{}", self.random());
                self.uploads.insert(location.clone(), Vec::new());
                if is_cut { Reply::reset() } else { Reply::of(202).with("location", location) }
            }
            ("GET", true) => match self.uploads.get(path) {
                Some(upload) => {
                    let range = format!("0-{}", upload.len().saturating_sub(1));
                    Reply::of(204).with("location", path).with("range", range)
                }
                None => Reply::of(404),
            },
            ("PUT", _) => self.put(asked, path, is_cut),
            _ => Reply::of(if is_cut { 502 } else { 405 }),
        }
    }

    fn put(&mut self, asked: &Asked, path: &str, is_cut: bool) -> Reply {
        let Some(upload) = self.uploads.get_mut(path) else { return Reply::of(404) };
        let begins = asked.header("content-range").map(|range| range.split('-').next().unwrap().parse().unwrap());
        if begins.is_some_and(|begin: usize| begin != upload.len()) {
            return Reply::of(416);
        }
        if is_cut {
            upload.extend_from_slice(&asked.body[..asked.body.len() / 2]);
            return Reply::reset();
        }
        upload.extend_from_slice(&asked.body);
        let bytes = Bytes::from(self.uploads.remove(path).unwrap());
        let digest = asked.path.split("digest=").nth(1).unwrap();
        if Digest::of(&bytes).as_str() != digest {
            return Reply::of(400).body(r#"{"errors":[{"code":"DIGEST_INVALID"}]}"#);
        }
        let repository = path.split("/uploads/").next().unwrap();
        self.blobs.insert(format!("{repository}/{digest}"), bytes);
        Reply::of(201)
    }
}

fn content(asked: &Asked, bytes: Bytes, is_cut: bool) -> Reply {
    let from = asked.header("range").map(|range| {
        let from = range.trim_start_matches("bytes=").trim_end_matches('-').parse::<usize>().unwrap();
        (from, format!("bytes {from}-{}/{}", bytes.len() - 1, bytes.len()))
    });
    let (rest, reply) = match from {
        Some((from, range)) => (bytes.slice(from..), Reply::of(206).with("content-range", range)),
        None => (bytes, Reply::of(200)),
    };
    let half = rest.len() / 2;
    if is_cut { reply.body(rest).cut_after(half) } else { reply.body(rest) }
}

async fn start(flaky: &Arc<Mutex<Flaky>>) -> Server {
    let flaky = Arc::clone(flaky);
    Server::start(move |asked, _| flaky.lock().unwrap().answer(asked)).await
}

fn flaky(seed: u64) -> Arc<Mutex<Flaky>> {
    Arc::new(Mutex::new(Flaky { random: seed, ..Flaky::default() }))
}

/// What the copies of a number of blobs cost.
#[derive(Debug)]
struct Costs {
    /// The errors of the blobs that were not copied.
    failed: Vec<String>,
    /// The number of requests for each blob.
    requests: f64,
}

/// Copies this number of blobs of this size, all at once.
async fn copy_all(seed: u64, blobs: usize, size: usize) -> Costs {
    let (source, target) = (flaky(seed), flaky(!seed));
    let contents: Vec<Bytes> = (0..blobs)
        .map(|n| {
            let text = format!("blob {n} of seed {seed}, ").into_bytes();
            Bytes::from(text.iter().copied().cycle().take(size).collect::<Vec<u8>>())
        })
        .collect();
    let descriptors: Vec<Descriptor> = contents.iter().map(|bytes| blob(bytes)).collect();
    for (descriptor, bytes) in descriptors.iter().zip(&contents) {
        source.lock().unwrap().blobs.insert(descriptor.digest.to_string(), bytes.clone());
    }
    let (from, to) = (start(&source).await, start(&target).await);
    let repositories: Vec<_> = (0..blobs).map(|n| to.repository(&format!("b{n}"))).collect();
    let client = Client::with(&repositories.iter().collect::<Vec<_>>(), |options| options.jobs = jobs(64));
    let copies = descriptors.iter().enumerate().map(|(n, blob)| {
        let (from, to) = (from.place(&format!("a{n}")), to.place(&format!("b{n}")));
        let registries = Arc::clone(&client.registries);
        async move { registries.copy_blob(blob, &from, &to, Way::MountOrSend).await }
    });
    let results = futures_util::future::join_all(copies).await;
    let failed: Vec<String> = results.iter().filter_map(|it| it.as_ref().err()).map(ToString::to_string).collect();
    let stored = &target.lock().unwrap().blobs;
    for (n, descriptor) in descriptors.iter().enumerate().filter(|(n, _)| results[*n].is_ok()) {
        let bytes = stored.get(&format!("/v2/b{n}/blobs/{}", descriptor.digest));
        assert_eq!(bytes.map(|bytes| &bytes[..]), Some(&contents[n][..]), "blob {n} is stored");
    }
    let requests = from.asked().len() + to.asked().len();
    Costs { failed, requests: number(requests) / number(blobs) }
}

fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}

/// `long` in a long run (`tests/run --long`), otherwise `short`.
fn sample(short: usize, long: usize) -> usize {
    if std::env::var_os("MLIST_LONG_TESTS").is_some() { long } else { short }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn small_blobs_are_copied_although_a_fifth_of_all_answers_fail() {
    let costs = copy_all(7, sample(200, 1000), 3000).await;
    assert!(costs.failed.is_empty(), "{costs:?}");
    // Without faults, a blob takes 4 requests. It took 6.0 when a whole transfer was repeated after each fault.
    assert!(costs.requests < 5.7, "{costs:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_blobs_are_copied_although_a_fifth_of_all_answers_fail() {
    let costs = copy_all(8, sample(4, 20), 3 << 20).await;
    assert!(costs.failed.is_empty(), "{costs:?}");
}
