//! Copies of blobs between registries and layouts.

use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use tempfile::TempDir;

use super::*;
use crate::oci::{Digest, LayoutDir};
use crate::registry::LayoutFault;
use crate::registry::http::KEPT_BYTES;
use crate::registry::tests::server::{Asked, Client, Reply, Server, blob, jobs};
use crate::registry::{Notice, Registry as _};

mod faults;
mod steps;

const BYTES: &[u8] = b"the bytes of a layer";

/// A registry that accepts uploads and answers mounts with `mount`.
async fn target(mount: fn(&Asked) -> Reply) -> Server {
    Server::start(move |asked, _| match (asked.method.as_str(), asked.path.as_str()) {
        ("POST", path) if path.contains("mount=") => mount(asked),
        ("POST", _) => Reply::of(202).with("location", "/up/2?state=x"),
        ("PUT", _) => Reply::of(201),
        ("GET", _) => Reply::of(200).body(BYTES),
        _ => Reply::of(404),
    })
    .await
}

fn digest() -> Digest {
    Digest::of(BYTES)
}

async fn copy(client: &Client, from: &Place, to: &Place) -> Result<Copied> {
    client.registries.copy_blob(&blob(BYTES), from, to, Way::MountOrSend).await
}

fn streamed() -> Copied {
    Copied::Streamed { bytes: BYTES.len() as u64 }
}

/// A layout that contains the blob.
async fn layout() -> (TempDir, Place) {
    let folder = TempDir::new().unwrap();
    let dir = LayoutDir::new(folder.path());
    let bytes = futures_util::stream::iter([Ok::<_, Box<RegistryError>>(Bytes::from_static(BYTES))]);
    Layouts::default().write_blob(&dir, &blob(BYTES), bytes).await.unwrap();
    (folder, Place::Layout(dir))
}

#[tokio::test]
async fn within_a_registry_a_blob_is_mounted() {
    let server = target(|_| Reply::of(201)).await;
    let client = Client::new(&[&server.repository("b")]);
    assert_eq!(copy(&client, &server.place("a"), &server.place("b")).await.unwrap(), Copied::Mounted);
    assert_eq!(server.lines(), [format!("POST /v2/b/blobs/uploads/?mount=sha256%3A{}&from=a", digest().hex())]);
    assert_eq!(server.asked()[0].header("content-length"), Some("0"));
}

#[tokio::test]
async fn an_upload_that_answers_a_mount_is_used() {
    let server = target(|_| Reply::of(202).with("location", "/up/1")).await;
    let client = Client::new(&[&server.repository("b")]);
    assert_eq!(copy(&client, &server.place("a"), &server.place("b")).await.unwrap(), streamed());
    let lines = server.lines();
    assert_eq!(lines.len(), 3, "{lines:?}");
    let put = server.asked().into_iter().find(|asked| asked.method == "PUT").unwrap();
    assert_eq!(put.path, format!("/up/1?digest={}", digest()));
    assert_eq!(put.body, BYTES);
    assert_eq!(put.header("content-length"), Some("20"));
    let sent: u64 = client
        .notices()
        .iter()
        .map(|notice| if let Notice::Streaming { bytes, .. } = notice { *bytes } else { 0 })
        .sum();
    assert_eq!(sent, 20);
}

#[tokio::test]
async fn a_mount_that_is_refused_is_followed_by_an_upload() {
    for status in [401, 403, 404, 405] {
        let server = match status {
            401 => target(|_| Reply::of(401)).await,
            403 => target(|_| Reply::of(403)).await,
            404 => target(|_| Reply::of(404)).await,
            _ => target(|_| Reply::of(405)).await,
        };
        let client = Client::new(&[&server.repository("b")]);
        assert_eq!(copy(&client, &server.place("a"), &server.place("b")).await.unwrap(), streamed(), "{status}");
        let put = server.asked().into_iter().find(|asked| asked.method == "PUT").unwrap();
        assert_eq!(put.path, format!("/up/2?state=x&digest={}", digest()));
    }
}

#[tokio::test]
async fn between_registries_a_blob_is_sent_unless_it_stands() {
    let (from, to) = (target(|_| Reply::of(201)).await, target(|_| Reply::of(201)).await);
    let client = Client::new(&[&to.repository("b")]);
    assert_eq!(copy(&client, &from.place("a"), &to.place("b")).await.unwrap(), streamed());
    assert_eq!(from.lines(), [format!("GET /v2/a/blobs/{}", digest())]);
    assert_eq!(to.lines()[..2], [format!("HEAD /v2/b/blobs/{}", digest()), "POST /v2/b/blobs/uploads/".into()]);

    let full = Server::start(|_, _| Reply::of(200)).await;
    let client = Client::new(&[&full.repository("b")]);
    assert_eq!(copy(&client, &from.place("a"), &full.place("b")).await.unwrap(), Copied::Mounted);
    assert_eq!(full.asked().len(), 1);
}

#[tokio::test]
async fn only_the_step_that_fails_is_repeated() {
    let gets = AtomicUsize::new(0);
    let from = Server::start(move |_, _| match gets.fetch_add(1, Ordering::SeqCst) {
        0 => Reply::of(200).body(BYTES).cut_after(5),
        1 => Reply::of(503),
        _ => Reply::of(200).body(BYTES),
    })
    .await;
    let puts = AtomicUsize::new(0);
    let to = Server::start(move |asked, _| match asked.method.as_str() {
        "POST" => Reply::of(202).with("location", "/up/1"),
        "PUT" if puts.fetch_add(1, Ordering::SeqCst) == 0 => {
            Reply::of(404).body(r#"{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN"}]}"#)
        }
        "PUT" => Reply::of(201),
        _ => Reply::of(404),
    })
    .await;
    let client = Client::new(&[&to.repository("b")]);
    assert_eq!(copy(&client, &from.place("a"), &to.place("b")).await.unwrap(), streamed());
    assert_eq!(from.asked().len(), 3);
    assert_eq!(to.asked().iter().filter(|asked| asked.method == "POST").count(), 2);
}

#[tokio::test(start_paused = true)]
async fn wrong_bytes_are_never_committed() {
    let from = Server::start(|_, _| Reply::of(200).body("the bytes of a liar!")).await;
    let to = target(|_| Reply::of(404)).await;
    let client = Client::new(&[&to.repository("b")]);
    let error = copy(&client, &from.place("a"), &to.place("b")).await.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::WrongDigest { .. }), "{error}");
    assert_eq!((error.operation, error.host.as_deref()), (Operation::ReadBlob, Some(&*from.address.to_string())));
    assert_eq!(to.asked().iter().filter(|asked| asked.method == "PUT").count(), 0, "no PUT came to its end");
}

#[tokio::test]
async fn a_source_that_is_not_there_is_the_end() {
    let from = Server::start(|_, _| Reply::of(404)).await;
    let to = target(|_| Reply::of(404)).await;
    let client = Client::new(&[&to.repository("b")]);
    let error = copy(&client, &from.place("a"), &to.place("b")).await.unwrap_err();
    assert_eq!((error.kind, error.operation), (ErrorKind::NotFound, Operation::ReadBlob));
    assert_eq!(from.asked().len(), 1);
}

#[tokio::test]
async fn an_upload_elsewhere_carries_no_credentials() {
    let store = target(|_| Reply::of(404)).await;
    let there = format!("http://{}/up?sig=1", store.address);
    let server = Server::start(move |asked, _| match (asked.header("authorization"), asked.method.as_str()) {
        (None, _) => Reply::of(401).with("www-authenticate", "Basic"),
        (_, "POST") => Reply::of(202).with("location", there.clone()),
        _ => Reply::of(404),
    })
    .await;
    let folder = TempDir::new().unwrap();
    let config = format!(r#"{{"auths":{{"{}":{{"auth":"Y2k6cGFzcw=="}}}}}}"#, server.address);
    std::fs::write(folder.path().join("config.json"), config).unwrap();
    let client = Client::with_logins(&[&server.repository("b")], 1, folder.path());
    let (_kept, from) = layout().await;
    assert_eq!(copy(&client, &from, &server.place("b")).await.unwrap(), streamed());
    let put = &store.asked()[0];
    assert_eq!((put.path.clone(), put.header("authorization")), (format!("/up?sig=1&digest={}", digest()), None));
}

#[tokio::test]
async fn layouts_are_read_and_written() {
    let (_kept, from) = layout().await;
    let server = target(|_| Reply::of(404)).await;
    let client = Client::new(&[&server.repository("b")]);
    assert_eq!(copy(&client, &from, &server.place("b")).await.unwrap(), streamed());
    assert_eq!(server.asked().last().unwrap().body, BYTES);

    for source in [&from, &server.place("a")] {
        let folder = TempDir::new().unwrap();
        let to = Place::Layout(LayoutDir::new(folder.path()));
        assert_eq!(copy(&client, source, &to).await.unwrap(), streamed());
        assert_eq!(copy(&client, source, &to).await.unwrap(), Copied::Mounted);
        assert_eq!(std::fs::read(folder.path().join("blobs/sha256").join(digest().hex())).unwrap(), BYTES);
    }
}

#[tokio::test]
async fn a_corrupt_blob_of_a_layout_is_not_sent() {
    let (kept, from) = layout().await;
    std::fs::write(kept.path().join("blobs/sha256").join(digest().hex()), vec![b'x'; BYTES.len()]).unwrap();
    let server = target(|_| Reply::of(404)).await;
    let folder = TempDir::new().unwrap();
    for to in [server.place("b"), Place::Layout(LayoutDir::new(folder.path()))] {
        let client = Client::new(&[&server.repository("b")]);
        let error = copy(&client, &from, &to).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Layout(LayoutFault::Corrupt(digest())));
        assert_eq!(error.target, from.with_digest(&digest()).into(), "the source is at fault");
    }
    assert!(server.asked().iter().all(|request| request.body != BYTES));
    assert!(!folder.path().join("blobs/sha256").join(digest().hex()).exists());
}

#[tokio::test]
async fn a_source_that_breaks_does_not_reach_a_layout() {
    let gets = AtomicUsize::new(0);
    let from = Server::start(move |_, _| match gets.fetch_add(1, Ordering::SeqCst) {
        0 => Reply::of(200).body(BYTES).cut_after(5),
        _ => Reply::of(200).body(BYTES),
    })
    .await;
    let folder = TempDir::new().unwrap();
    let to = Place::Layout(LayoutDir::new(folder.path()));
    assert_eq!(copy(&Client::new(&[]), &from.place("a"), &to).await.unwrap(), streamed());
    assert_eq!(from.asked().len(), 2);
}

#[tokio::test]
async fn an_empty_blob_is_sent_too() {
    let server = target(|_| Reply::of(404)).await;
    let from = Server::start(|_, _| Reply::of(200)).await;
    let client = Client::new(&[&server.repository("b")]);
    let copied =
        client.registries.copy_blob(&blob(b""), &from.place("a"), &server.place("b"), Way::MountOrSend).await.unwrap();
    assert_eq!(copied, Copied::Streamed { bytes: 0 });
    assert_eq!(server.asked().last().unwrap().header("content-length"), Some("0"));
}

#[tokio::test]
async fn many_streams_in_both_directions_do_not_wait_for_each_other() {
    let (a, b) = (target(|_| Reply::of(404)).await, target(|_| Reply::of(404)).await);
    let client = Client::with(&[&a.repository("x"), &b.repository("x")], |_| {});
    let (into_a, into_b) = ((b.place("x"), a.place("x")), (a.place("x"), b.place("x")));
    let copies = (0..20).map(|n| {
        let (from, to) = if n % 2 == 0 { &into_a } else { &into_b };
        copy(&client, from, to)
    });
    let all = futures_util::future::join_all(copies);
    let all = tokio::time::timeout(Duration::from_secs(20), all).await.expect("no deadlock");
    assert!(all.iter().all(|copied| *copied.as_ref().unwrap() == streamed()));
}

#[tokio::test]
async fn a_stop_ends_a_stream_at_once() {
    let source = Server::start(|_, _| Reply::of(200).body(BYTES).after(Duration::from_secs(10))).await;
    let to = target(|_| Reply::of(404)).await;
    let client = Client::new(&[&to.repository("b")]);
    let stop = async {
        source.received(1).await;
        client.registries.stop();
    };
    let (from, to) = (source.place("a"), to.place("b"));
    let (copied, ()) = tokio::join!(tokio::time::timeout(Duration::from_secs(5), copy(&client, &from, &to)), stop);
    assert_eq!(copied.unwrap().unwrap_err().kind, ErrorKind::Stopped);
}

#[tokio::test(start_paused = true)]
async fn an_error_that_never_ends_is_told_by_its_status() {
    let server = Server::start(|_, _| Reply::of(403).drips()).await;
    let folder = TempDir::new().unwrap();
    let (from, to) = (server.place("a"), Place::parse(&format!("oci:{}", folder.path().display())).unwrap());
    let (client, blob) = (Client::new(&[]), blob(b"abc"));
    let error = client.registries.copy_blob(&blob, &from, &to, Way::MountOrSend).await.unwrap_err();
    assert_eq!((&error.kind, server.asked().len()), (&ErrorKind::Denied, 1));
    let error = client.registries.manifest(&from, &blob.digest).await.unwrap_err();
    assert_eq!((&error.kind, server.asked().len()), (&ErrorKind::Denied, 2));
}

#[tokio::test]
async fn what_has_to_be_sent_is_sent_whatever_stands_there() {
    let server = target(|_| Reply::of(201)).await;
    let client = Client::new(&[&server.repository("b")]);
    let (from, to) = (server.place("a"), server.place("b"));
    let copied = client.registries.copy_blob(&blob(BYTES), &from, &to, Way::Send).await.unwrap();
    assert_eq!(copied, streamed());
    let get = format!("GET /v2/a/blobs/{}", digest());
    assert_eq!(server.lines()[..2], ["POST /v2/b/blobs/uploads/".to_owned(), get]);

    let full = Server::start(|asked, _| match asked.method.as_str() {
        "POST" => Reply::of(202).with("location", "/up"),
        "PUT" => Reply::of(201),
        _ => Reply::of(200).body(BYTES),
    })
    .await;
    let client = Client::new(&[&full.repository("b")]);
    let copied = client.registries.copy_blob(&blob(BYTES), &from, &full.place("b"), Way::Send).await.unwrap();
    assert_eq!((copied, full.lines().iter().any(|line| line.starts_with("HEAD"))), (streamed(), false));

    let (_kept, layout) = layout().await;
    std::fs::write(format!("{layout}/blobs/sha256/{}", digest().hex()).trim_start_matches("oci:"), BYTES).unwrap();
    let copied = client.registries.copy_blob(&blob(BYTES), &server.place("a"), &layout, Way::Send).await.unwrap();
    assert_eq!(copied, streamed());
}

#[tokio::test]
async fn a_foreign_layer_is_mounted_or_left_and_never_fetched() {
    type Mounted = fn(&Asked) -> Reply;
    let mounts: [(Mounted, Copied); 5] = [
        (|_| Reply::of(201), Copied::Mounted),
        (|_| Reply::of(202).with("location", "/up/1"), Copied::Skipped),
        (|_| Reply::of(404), Copied::Skipped),
        (|_| Reply::of(403), Copied::Skipped),
        (|_| Reply::of(400), Copied::Skipped),
    ];
    for (mount, expected) in mounts {
        let server = target(mount).await;
        let client = Client::new(&[&server.repository("b")]);
        let (from, to) = (server.place("a"), server.place("b"));
        let copied = client.registries.copy_blob(&blob(BYTES), &from, &to, Way::Mount).await.unwrap();
        assert_eq!((copied, server.asked().len()), (expected, 1));
    }
    let (from, to) = (target(|_| Reply::of(201)).await, target(|_| Reply::of(201)).await);
    let client = Client::new(&[&to.repository("b")]);
    let folder = TempDir::new().unwrap();
    let (_kept, layout) = layout().await;
    for (source, target) in [
        (from.place("a"), to.place("b")),
        (layout.clone(), to.place("b")),
        (from.place("a"), Place::Layout(LayoutDir::new(folder.path()))),
    ] {
        let copied = client.registries.copy_blob(&blob(BYTES), &source, &target, Way::Mount).await.unwrap();
        assert_eq!(copied, Copied::Skipped, "{source} {target}");
    }
    let copied = client.registries.copy_blob(&blob(BYTES), &from.place("a"), &layout, Way::Mount).await.unwrap();
    assert_eq!(copied, Copied::Mounted, "it stands there");
    assert_eq!((from.asked().len(), to.asked().len()), (0, 0));
}

#[tokio::test]
async fn an_upload_that_is_opened_with_201_is_used() {
    for with in ["?mount=", ""] {
        let server = Server::start(move |asked, _| match (asked.method.as_str(), asked.path.contains("mount=")) {
            ("POST", true) => Reply::of(403),
            ("POST", false) => Reply::of(201).with("location", "/up/3"),
            ("PUT", _) => Reply::of(201),
            _ => Reply::of(200).body(BYTES),
        })
        .await;
        let client = Client::new(&[&server.repository("b")]);
        let way = if with.is_empty() { Way::Send } else { Way::MountOrSend };
        let (from, to) = (server.place("a"), server.place("b"));
        let copied = client.registries.copy_blob(&blob(BYTES), &from, &to, way).await.unwrap();
        assert_eq!(copied, streamed());
        assert_eq!(server.lines().last().unwrap(), &format!("PUT /up/3?digest={}", digest()));
    }
}

#[tokio::test]
async fn a_blob_that_is_redirected_to_another_host_is_fetched_there_without_credentials() {
    let store = Server::start(|_, _| Reply::of(200).body(BYTES)).await;
    let there = format!("http://{}/store?sig=1", store.address);
    let from = Server::start(move |asked, _| match asked.header("authorization") {
        Some(_) => Reply::of(307).with("location", there.clone()),
        None => Reply::of(401).with("www-authenticate", "Basic"),
    })
    .await;
    let to = target(|_| Reply::of(404)).await;
    let folder = TempDir::new().unwrap();
    let config = format!(r#"{{"auths":{{"{}":{{"auth":"Y2k6cGFzcw=="}}}}}}"#, from.address);
    std::fs::write(folder.path().join("config.json"), config).unwrap();
    let client = Client::with_logins(&[&to.repository("b")], 1, folder.path());
    assert_eq!(copy(&client, &from.place("a"), &to.place("b")).await.unwrap(), streamed());
    let asked = &store.asked()[0];
    assert_eq!((asked.path.as_str(), asked.header("authorization")), ("/store?sig=1", None));
    assert!(to.asked().iter().all(|asked| asked.header("authorization").is_none()));
}

#[tokio::test]
async fn an_encoded_blob_is_not_sent_on() {
    let from = Server::start(|_, _| Reply::of(200).with("content-encoding", "gzip").body(BYTES)).await;
    let to = target(|_| Reply::of(404)).await;
    let client = Client::new(&[&to.repository("b")]);
    let error = copy(&client, &from.place("a"), &to.place("b")).await.unwrap_err();
    assert_eq!(error.kind.to_string(), "returned content with Content-Encoding: gzip");
    assert!(!to.lines().iter().any(|line| line.starts_with("PUT")));
}

#[tokio::test]
async fn an_answer_to_the_bytes_of_a_blob_needs_no_body_of_a_certain_type() {
    let from = Server::start(|_, _| Reply::of(200).body(BYTES)).await;
    let answers: [fn() -> Reply; 4] = [
        // zuul-registry
        || Reply::of(201).with("content-type", "text/html;charset=utf-8"),
        || Reply::of(204).with("content-type", "text/html"),
        || Reply::of(201).with("content-type", "text/html").body("\r\n"),
        || Reply::of(201).with("docker-content-digest", digest().as_str()).body("<html>Created</html>"),
    ];
    for answer in answers {
        let to = Server::start(move |asked, _| match asked.method.as_str() {
            "POST" => Reply::of(202).with("content-type", "text/html").with("location", "/up"),
            "PUT" => answer(),
            _ => Reply::of(404),
        })
        .await;
        let client = Client::new(&[&to.repository("b")]);
        assert_eq!(copy(&client, &from.place("a"), &to.place("b")).await.unwrap(), streamed());
    }
}

#[tokio::test]
async fn a_page_is_no_answer_to_the_bytes_of_a_blob() {
    let from = Server::start(|_, _| Reply::of(200).body(BYTES)).await;
    let to = Server::start(|asked, _| match asked.method.as_str() {
        "POST" => Reply::of(202).with("location", "/up"),
        "PUT" => Reply::of(200).with("content-type", "text/html").body("<html>Log in</html>"),
        _ => Reply::of(404),
    })
    .await;
    let client = Client::new(&[&to.repository("b")]);
    let error = copy(&client, &from.place("a"), &to.place("b")).await.unwrap_err();
    assert_eq!(error.kind.to_string(), "the response to the upload is an HTML page");
    assert_eq!((error.operation, error.message), (Operation::UploadBlob, None));
}

#[tokio::test]
async fn what_a_registry_does_not_take_ends_the_copy_with_its_reason() {
    let unknown = r#"{"errors":[{"code":"NAME_UNKNOWN","message":"The repository with name 'b' does not exist"}]}"#;
    for (status, body, kind) in [
        (404, unknown, ErrorKind::NotFound),
        (413, "<html><title>413 Request Entity Too Large</title>", ErrorKind::Oversized),
        (403, "", ErrorKind::Denied),
    ] {
        let server = Server::start(move |asked, _| match asked.method.as_str() {
            "GET" => Reply::of(200).body(BYTES),
            "POST" if status == 413 => Reply::of(202).with("location", "/up"),
            _ => Reply::of(status).body(body),
        })
        .await;
        let client = Client::new(&[&server.repository("b")]);
        let error = copy(&client, &server.place("a"), &server.place("b")).await.unwrap_err();
        assert_eq!((error.kind, error.operation), (kind, Operation::UploadBlob));
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_that_never_ends_a_blob_of_no_bytes_is_given_up() {
    let (from, to) = (Server::start(|_, _| Reply::of(200).stands_still()).await, target(|_| Reply::of(201)).await);
    let client = Client::new(&[&to.repository("b")]);
    let (places, empty) = ([from.place("a"), to.place("b")], blob(b""));
    let copied = client.registries.copy_blob(&empty, &places[0], &places[1], Way::MountOrSend);
    let error = tokio::time::timeout(Duration::from_hours(1), copied).await.expect("it is not waited for").unwrap_err();
    assert_eq!(error.operation, Operation::ReadBlob);
    assert!(error.kind.to_string().starts_with("no data received for 60s"), "{error}");
    assert!(!to.asked().iter().any(|asked| asked.method == "PUT"));
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_its_turn_does_not_stand_still() {
    let from = Server::start(|asked, _| {
        let number = asked.path.rsplit(':').next().and_then(|hex| (0..44_u8).find(|n| Digest::of(&[*n]).hex() == hex));
        Reply::of(200).body(vec![number.unwrap()])
    })
    .await;
    let to = Server::start(|asked, _| match asked.method.as_str() {
        "POST" => Reply::of(202).with("location", "/up/1"),
        "PUT" => Reply::of(201).after(Duration::from_secs(20)),
        _ => Reply::of(404),
    })
    .await;
    let client = Client::with(&[&to.repository("b")], |options| options.jobs = jobs(64));
    let (from, to) = (from.place("a"), to.place("b"));
    let blobs: Vec<Descriptor> = (0..44_u8).map(|n| blob(&[n])).collect();
    // Four are copied at a time, so the last of them wait for more than three minutes.
    let copies = blobs.iter().map(|blob| client.registries.copy_blob(blob, &from, &to, Way::MountOrSend));
    for copied in futures_util::future::join_all(copies).await {
        assert_eq!(copied.unwrap(), Copied::Streamed { bytes: 1 });
    }
    assert_eq!(client.registries.stats().values().map(|stats| stats.retries).sum::<u64>(), 0);
}
