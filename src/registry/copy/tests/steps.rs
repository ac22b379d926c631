//! Which requests are sent after one step of a transfer has failed.

use std::sync::Mutex;

use super::*;

const MIB: usize = 1 << 20;

/// The bytes of a blob that is not kept in memory.
fn large() -> Bytes {
    (0..10 * MIB).map(|n| u8::try_from(n % 253).unwrap()).collect::<Vec<_>>().into()
}

/// How a source answers a request for a range.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ranges {
    Supported,
    Ignored,
    Refused,
    /// The answer does not state which bytes it has.
    Wrong,
}

/// A source that cuts its first answers after these numbers of bytes.
async fn source(bytes: Bytes, ranges: Ranges, cuts: &'static [usize]) -> Server {
    Server::start(move |asked, number| {
        let begins = asked.header("range").map(|range| range[6..].trim_end_matches('-').parse::<usize>().unwrap());
        let (reply, rest) = match (begins, ranges) {
            (Some(begins), Ranges::Supported) => {
                let range = format!("bytes {begins}-{}/{}", bytes.len() - 1, bytes.len());
                (Reply::of(206).with("content-range", range), bytes.slice(begins..))
            }
            (Some(_), Ranges::Refused) => return Reply::of(416),
            (Some(begins), Ranges::Wrong) => (Reply::of(206), bytes.slice(begins..)),
            _ => (Reply::of(200), bytes.clone()),
        };
        let reply = reply.with("etag", "\"1\"").body(rest);
        cuts.get(number).map_or_else(|| Reply::of(404), |cut| if *cut == 0 { reply } else { reply.cut_after(*cut) })
    })
    .await
}

/// The answer of a target to a PUT.
#[derive(Clone, Copy)]
enum Put {
    /// The bytes are appended to the upload, and the blob is stored.
    Stored,
    /// The blob is stored, and the connection is closed.
    AnswerLost,
    /// This number of bytes is appended to the upload.
    Kept(usize),
    /// Nothing is appended, and this is the status.
    Status(u16),
}

/// A target with one upload at a time. `puts` are the answers to PUTs. Later ones are stored.
async fn target(puts: &'static [Put], tells_state: bool) -> Server {
    let (upload, stored, number) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()), AtomicUsize::new(0));
    Server::start(move |asked, _| {
        let (mut upload, mut stored) = (upload.lock().unwrap(), stored.lock().unwrap());
        match (asked.method.as_str(), asked.path.contains("/up")) {
            ("HEAD", _) => Reply::of(if stored.is_empty() { 404 } else { 200 }),
            ("POST", _) => {
                upload.clear();
                Reply::of(202).with("location", "/up/1")
            }
            ("GET", true) if tells_state => {
                let range = format!("0-{}", upload.len().saturating_sub(1));
                Reply::of(204).with("range", range).with("location", "/up/2?state=x")
            }
            ("PUT", true) => {
                let range = asked.header("content-range").map(|range| range.split('-').next().unwrap().to_owned());
                let begins = range.map_or(0, |begin| begin.parse().unwrap());
                assert!(begins == upload.len() || asked.body.is_empty(), "{begins} of {}", upload.len());
                let put = puts.get(number.fetch_add(1, Ordering::SeqCst)).copied().unwrap_or(Put::Stored);
                match put {
                    Put::Status(status) => return Reply::of(status),
                    Put::Kept(bytes) => {
                        upload.extend_from_slice(&asked.body[..bytes]);
                        return Reply::of(500);
                    }
                    Put::Stored | Put::AnswerLost => upload.extend_from_slice(&asked.body),
                }
                *stored = std::mem::take(&mut *upload);
                assert!(asked.path.ends_with(Digest::of(&stored).as_str()), "{} has other bytes", asked.path);
                if matches!(put, Put::AnswerLost) { Reply::reset() } else { Reply::of(201) }
            }
            _ => Reply::of(404),
        }
    })
    .await
}

async fn send(from: &Server, to: &Server, bytes: &[u8]) -> (Client, Result<Copied>) {
    let client = Client::new(&[&to.repository("b")]);
    let copied = client.registries.copy_blob(&blob(bytes), &from.place("a"), &to.place("b"), Way::MountOrSend).await;
    (client, copied)
}

fn methods(server: &Server) -> String {
    server.asked().iter().map(|asked| asked.method.clone()).collect::<Vec<_>>().join(" ")
}

fn ranges(server: &Server) -> Vec<String> {
    server.asked().iter().map(|asked| asked.header("range").unwrap_or("all").to_owned()).collect()
}

#[tokio::test]
async fn a_source_that_is_cut_goes_on_within_the_same_put() {
    let bytes = large();
    let from = source(bytes.clone(), Ranges::Supported, &[3 * MIB, 2 * MIB, 0]).await;
    let to = target(&[], true).await;
    let (client, copied) = send(&from, &to, &bytes).await;
    assert_eq!(copied.unwrap(), Copied::Streamed { bytes: bytes.len() as u64 });
    assert_eq!((methods(&from).as_str(), methods(&to).as_str()), ("GET GET GET", "HEAD POST PUT"));
    assert_eq!(ranges(&from)[0], "all");
    for asked in &from.asked()[1..] {
        assert_eq!(asked.header("if-range"), Some("\"1\""));
        assert_ne!(asked.header("range"), None);
    }
    let sent: u64 =
        client.notices().iter().map(|it| if let Notice::Streaming { bytes, .. } = it { *bytes } else { 0 }).sum();
    assert_eq!(sent, bytes.len() as u64);
}

#[tokio::test]
async fn a_source_without_ranges_is_read_from_the_beginning_within_the_same_put() {
    for wrong in [Ranges::Ignored, Ranges::Refused, Ranges::Wrong] {
        let bytes = large();
        let from = source(bytes.clone(), wrong, &[3 * MIB, 0, 0, 0]).await;
        let to = target(&[], true).await;
        assert!(send(&from, &to, &bytes).await.1.is_ok());
        let gets = if wrong == Ranges::Ignored { "GET GET" } else { "GET GET GET" };
        assert_eq!((methods(&from).as_str(), methods(&to).as_str()), (gets, "HEAD POST PUT"));
    }
}

#[tokio::test]
async fn an_upload_that_was_interrupted_goes_on_with_what_is_missing() {
    let bytes = large();
    let from = source(bytes.clone(), Ranges::Supported, &[0; 9]).await;
    let to = target(&[Put::Kept(5 * MIB), Put::Kept(4 * MIB)], true).await;
    assert!(send(&from, &to, &bytes).await.1.is_ok());
    assert_eq!(methods(&to), "HEAD POST PUT HEAD GET PUT HEAD GET PUT");
    let last = to.asked().pop().unwrap();
    assert_eq!(last.header("content-range"), Some(&*format!("{}-{}", 9 * MIB, 10 * MIB - 1)));
    assert_eq!((last.body.len(), last.path.starts_with("/up/2?state=x&digest=")), (MIB, true));
    // From the last position at which the state of the hash is known.
    assert_eq!(ranges(&from), ["all".into(), format!("bytes={}-", 4 * MIB), format!("bytes={}-", 8 * MIB)]);
}

#[tokio::test]
async fn an_upload_that_has_all_bytes_is_only_completed() {
    // The size is a multiple of the distance between two positions from which bytes can be read again.
    let bytes = large().slice(..8 * MIB);
    let from = source(bytes.clone(), Ranges::Supported, &[0]).await;
    let to = target(&[Put::Kept(8 * MIB)], true).await;
    assert!(send(&from, &to, &bytes).await.1.is_ok());
    assert_eq!((methods(&from).as_str(), methods(&to).as_str()), ("GET", "HEAD POST PUT HEAD GET PUT"));
    let last = to.asked().pop().unwrap();
    assert_eq!((last.header("content-length"), last.header("content-range")), (Some("0"), None));
}

#[tokio::test]
async fn an_upload_whose_state_is_unknown_begins_anew() {
    let bytes = large();
    let from = source(bytes.clone(), Ranges::Supported, &[0; 9]).await;
    let to = target(&[Put::Kept(5 * MIB), Put::Status(404)], false).await;
    assert!(send(&from, &to, &bytes).await.1.is_ok());
    assert_eq!(methods(&to), "HEAD POST PUT HEAD GET POST PUT POST PUT");
    assert_eq!(ranges(&from), ["all", "all", "all"]);
}

#[tokio::test]
async fn an_upload_that_cannot_be_continued_begins_anew() {
    for status in [400, 405, 416, 501] {
        let puts: &[Put] = match status {
            400 => &[Put::Kept(5 * MIB), Put::Status(400), Put::Kept(MIB)],
            405 => &[Put::Kept(5 * MIB), Put::Status(405), Put::Kept(MIB)],
            416 => &[Put::Kept(5 * MIB), Put::Status(416), Put::Kept(MIB)],
            _ => &[Put::Kept(5 * MIB), Put::Status(501), Put::Kept(MIB)],
        };
        let bytes = large();
        let from = source(bytes.clone(), Ranges::Supported, &[0; 9]).await;
        let to = target(puts, true).await;
        assert!(send(&from, &to, &bytes).await.1.is_ok(), "{status}");
        assert_eq!(methods(&to), "HEAD POST PUT HEAD GET PUT POST PUT HEAD POST PUT", "{status}");
    }
}

#[tokio::test]
async fn a_blob_that_was_stored_without_an_answer_is_not_sent_again() {
    for bytes in [large(), Bytes::from_static(BYTES)] {
        let from = source(bytes.clone(), Ranges::Supported, &[0]).await;
        let to = target(&[Put::AnswerLost], true).await;
        assert!(send(&from, &to, &bytes).await.1.is_ok());
        assert_eq!((methods(&from).as_str(), methods(&to).as_str()), ("GET", "HEAD POST PUT HEAD"));
    }
}

#[tokio::test]
async fn a_small_blob_is_read_once() {
    let from = source(Bytes::from_static(BYTES), Ranges::Supported, &[0]).await;
    let to = target(&[Put::Status(429), Put::Status(500), Put::Status(404), Put::Kept(5)], true).await;
    assert!(send(&from, &to, BYTES).await.1.is_ok());
    // After a refusal, the upload is used again.
    assert_eq!(methods(&to), "HEAD POST PUT PUT HEAD POST PUT POST PUT HEAD POST PUT");
    assert_eq!(methods(&from), "GET");
}

#[tokio::test]
async fn a_small_blob_is_streamed_if_there_is_no_room() {
    let from = source(Bytes::from_static(BYTES), Ranges::Supported, &[0, 0]).await;
    let to = target(&[Put::Status(500)], true).await;
    let client = Client::new(&[&to.repository("b")]);
    let all = client.registries.http.kept_bytes.try_acquire_many(u32::try_from(KEPT_BYTES).unwrap()).unwrap();
    assert_eq!(copy(&client, &from.place("a"), &to.place("b")).await.unwrap(), streamed());
    assert_eq!((methods(&from).as_str(), methods(&to).as_str()), ("GET GET", "HEAD POST PUT HEAD GET POST PUT"));
    drop(all);
    let from = source(Bytes::from_static(BYTES), Ranges::Supported, &[0]).await;
    assert_eq!(copy(&client, &from.place("a"), &to.place("c")).await.unwrap(), Copied::Mounted);
    assert_eq!(client.registries.http.kept_bytes.available_permits(), KEPT_BYTES);
}

#[tokio::test(start_paused = true)]
async fn an_error_names_the_step_that_failed_and_its_attempts() {
    let broken = Server::start(|_, _| Reply::of(500)).await;
    let to = target(&[], true).await;
    let error = send(&broken, &to, BYTES).await.1.unwrap_err();
    assert_eq!((error.operation, error.attempts, error.kind), (Operation::ReadBlob, 8, ErrorKind::Server));
    assert_eq!((methods(&to).as_str(), broken.asked().len()), ("HEAD POST", 8));

    let from = source(Bytes::from_static(BYTES), Ranges::Supported, &[100, 100, 100, 0]).await;
    let to = target(&[Put::Status(500); 20], true).await;
    let error = send(&from, &to, BYTES).await.1.unwrap_err();
    assert_eq!((error.operation, error.attempts, error.kind), (Operation::UploadBlob, 8, ErrorKind::Server));
    assert_eq!(to.asked().iter().filter(|asked| asked.method == "PUT").count(), 8);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_gets_no_further_is_given_up() {
    let bytes = large();
    let from = source(bytes.clone(), Ranges::Ignored, &[5 * MIB; 40]).await;
    let to = target(&[], true).await;
    let error = send(&from, &to, &bytes).await.1.unwrap_err();
    assert_eq!((error.operation, error.attempts), (Operation::ReadBlob, 8));
    // The first answer brought bytes, so the attempts began after it.
    assert_eq!(from.asked().len(), 8);
}

#[tokio::test]
async fn a_transfer_that_gets_further_is_not_given_up() {
    let bytes = large();
    let from = source(bytes.clone(), Ranges::Supported, &[MIB; 9]).await;
    let to = target(&[Put::Kept(MIB); 9], true).await;
    assert!(send(&from, &to, &bytes[..9 * MIB]).await.1.is_err(), "the source has another digest");
    drop((from, to));
    let from = source(bytes.clone(), Ranges::Supported, &[0; 12]).await;
    let to = target(&[Put::Kept(MIB); 9], true).await;
    assert!(send(&from, &to, &bytes).await.1.is_ok(), "nine PUTs failed, and each stored something");
}

#[tokio::test]
async fn a_stream_is_resumed_with_the_permit_that_it_has() {
    let bytes = large();
    let from = source(bytes.clone(), Ranges::Supported, &[3 * MIB, MIB, 0, 0, 0]).await;
    let to = target(&[Put::Kept(MIB)], true).await;
    let client = Client::with(&[&to.repository("b")], |options| options.jobs = jobs(1));
    let descriptor = blob(&bytes);
    let places = [from.place("a"), to.place("b")];
    let copy = client.registries.copy_blob(&descriptor, &places[0], &places[1], Way::MountOrSend);
    assert!(tokio::time::timeout(Duration::from_mins(1), copy).await.expect("no deadlock").is_ok());
}
