//! Authentication by token and with Basic, against servers that require it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tempfile::TempDir;

use super::*;
use crate::registry::error::ErrorKind;
use crate::registry::tests::server::{Asked, Client, Reply, Server, blob, manifest};
use crate::registry::{Registry as _, Way};

mod challenges;
mod refusals;
mod sharing;

const USER_CI: &str = "Basic Y2k6cGFzcw==";

fn challenge(asked: &Asked) -> Reply {
    let realm = format!(r#"Bearer realm="http://{}/token",service="s""#, asked.header("host").unwrap());
    Reply::of(401).with("www-authenticate", realm)
}

fn logged_in(server_to_be: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    let config = format!(r#"{{"auths":{{"{server_to_be}":{{"auth":"Y2k6cGFzcw=="}}}}}}"#);
    std::fs::write(folder.path().join("config.json"), config).unwrap();
    folder
}

/// A server that grants `t0`, `t1`, … and accepts only the newest.
async fn bearer_server() -> (Server, Arc<AtomicUsize>) {
    let newest = Arc::new(AtomicUsize::new(0));
    let valid = Arc::clone(&newest);
    let server = Server::start(move |asked, _| {
        let token = format!("t{}", valid.load(Ordering::SeqCst));
        if asked.path.starts_with("/token") {
            return Reply::of(200).body(format!(r#"{{"token":"{token}","expires_in":300}}"#));
        }
        match asked.header("authorization") {
            Some(header) if header == format!("Bearer {token}") => Reply::manifest(&manifest()),
            // Harbor answers a stale token like this. A client that followed the challenge would switch schemes midway.
            Some(_) => Reply::of(401).with("www-authenticate", r#"Basic realm="harbor""#),
            None => challenge(asked),
        }
    });
    (server.await, newest)
}

fn tokens(server: &Server) -> Vec<String> {
    server.lines().into_iter().filter(|line| line.contains("/token")).collect()
}

#[tokio::test]
async fn a_token_is_asked_for_once_and_used_by_all() {
    let (server, _) = bearer_server().await;
    let client = Client::new(&[]);
    assert!(client.head(&server, "a:1").await.unwrap().is_some());
    let all = futures_util::future::join_all((0..20).map(|_| client.head(&server, "a:1"))).await;
    assert!(all.iter().all(|head| head.as_ref().is_ok_and(Option::is_some)));
    assert_eq!(tokens(&server), ["GET /token?service=s&scope=repository%3Aa%3Apull"]);
    let stats = client.registries.stats().remove(&server.address.to_string()).unwrap();
    assert_eq!((stats.head, stats.token, stats.retries), (22, 1, 0));
}

#[tokio::test]
async fn all_that_ask_at_once_wait_for_one_token() {
    let (server, _) = bearer_server().await;
    let client = Client::new(&[]);
    let all = futures_util::future::join_all((0..20).map(|_| client.head(&server, "a:1"))).await;
    assert!(all.iter().all(|head| head.as_ref().is_ok_and(Option::is_some)));
    assert_eq!(tokens(&server).len(), 1);
}

#[tokio::test]
async fn only_a_target_is_asked_for_the_right_to_push() {
    let (server, _) = bearer_server().await;
    let client = Client::new(&[&server.repository("target")]);
    for name in ["target:1", "source:1"] {
        client.head(&server, name).await.unwrap();
    }
    assert_eq!(
        tokens(&server),
        [
            "GET /token?service=s&scope=repository%3Atarget%3Apull%2Cpush",
            "GET /token?service=s&scope=repository%3Asource%3Apull"
        ]
    );
}

#[tokio::test]
async fn a_mount_has_one_token_for_both_repositories() {
    let (server, _) = bearer_server().await;
    let client = Client::new(&[&server.repository("target")]);
    client.head(&server, "target:1").await.unwrap();
    // The script answers 200, which is not a mount, so the blob is then sent. This test does not check that.
    let _ = client
        .registries
        .copy_blob(&blob(b"x"), &server.place("source"), &server.place("target"), Way::MountOrSend)
        .await;
    assert_eq!(
        tokens(&server)[1],
        "GET /token?service=s&scope=repository%3Atarget%3Apull%2Cpush&scope=repository%3Asource%3Apull"
    );
}

#[tokio::test]
async fn a_token_that_ended_is_renewed_once_by_all() {
    let (server, newest) = bearer_server().await;
    let client = Client::new(&[]);
    client.head(&server, "a:1").await.unwrap();
    newest.store(1, Ordering::SeqCst);
    let all = futures_util::future::join_all((0..8).map(|_| client.head(&server, "a:1"))).await;
    assert!(all.iter().all(|head| head.as_ref().is_ok_and(Option::is_some)), "{all:?}");
    assert_eq!(tokens(&server).len(), 2);
    let stats = client.registries.stats().remove(&server.address.to_string()).unwrap();
    assert_eq!(stats.retries, 0, "a renewed token is no attempt");
}

#[tokio::test]
async fn a_fresh_token_that_is_refused_is_the_end() {
    let server = Server::start(|asked, _| match asked.path.as_str() {
        path if path.starts_with("/token") => Reply::of(200).body(r#"{"token":"t"}"#),
        _ => challenge(asked).body(r#"{"errors":[{"code":"DENIED","message":"not yours"}]}"#),
    })
    .await;
    let error = Client::new(&[]).head(&server, "a:1").await.unwrap_err();
    assert_eq!((&error.kind, error.status), (&ErrorKind::Unauthorized, Some(401)), "nobody logged in");
    assert_eq!(server.lines().iter().filter(|line| line.starts_with("HEAD")).count(), 2, "{:?}", server.lines());
    let folder = logged_in(&server.address.to_string());
    let client = Client::with_logins(&[], 1, folder.path());
    let error = client.head(&server, "a:1").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied);
    assert_eq!(error.message.as_deref(), Some("not yours"));
    assert!(error.credentials.source().unwrap().to_string().ends_with("config.json (user ci)"));
}

#[tokio::test]
async fn credentials_go_to_the_token_server_and_nowhere_else() {
    let (server, _) = bearer_server().await;
    let folder = logged_in(&server.address.to_string());
    let client = Client::with_logins(&[], 1, folder.path());
    client.head(&server, "a:1").await.unwrap();
    let with_password: Vec<_> =
        server.asked().into_iter().filter(|asked| asked.header("authorization") == Some(USER_CI)).collect();
    assert_eq!(with_password.len(), 1);
    assert_eq!(with_password[0].path, "/token?service=s&scope=repository%3Aa%3Apull&account=ci");
}

#[tokio::test]
async fn a_realm_that_is_not_safe_gets_no_credentials() {
    let server =
        Server::start(|_, _| Reply::of(401).with("www-authenticate", r#"Bearer realm="http://evil.example/token""#))
            .await;
    let folder = logged_in(&server.address.to_string());
    let client = Client::with_logins(&[], 1, folder.path());
    let error = client.head(&server, "a:1").await.unwrap_err();
    assert!(error.kind.to_string().contains("http://evil.example, which is not https"), "{error}");
}

#[tokio::test]
async fn an_identity_token_is_posted_and_follows_no_redirect() {
    let server = Server::start(|asked, _| match (asked.path.as_str(), asked.header("authorization")) {
        ("/token", _) => Reply::of(200).body(r#"{"access_token":"t"}"#),
        ("/moved", _) => Reply::of(307).with("location", "/token"),
        (_, Some("Bearer t")) => Reply::manifest(&manifest()),
        (path, _) => {
            let realm = if path.contains("/b/") { "/moved" } else { "/token" };
            Reply::of(401).with("www-authenticate", format!(r#"Bearer realm="{realm}",service="s""#))
        }
    })
    .await;
    let folder = TempDir::new().unwrap();
    let config = format!(r#"{{"auths":{{"{}":{{"identitytoken":"id&1"}}}}}}"#, server.address);
    std::fs::write(folder.path().join("config.json"), config).unwrap();
    let client = || Client::with_logins(&[], 1, folder.path());
    assert!(client().head(&server, "a:1").await.unwrap().is_some());
    let posted = server.asked().into_iter().find(|asked| asked.method == "POST").unwrap();
    assert_eq!(
        posted.body,
        "grant_type=refresh_token&client_id=mlist&service=s&scope=repository%3Aa%3Apull&refresh_token=id%261"
    );
    client().head(&server, "b:1").await.unwrap_err();
    assert_eq!(server.lines().iter().filter(|line| line.starts_with("POST")).count(), 2, "{:?}", server.lines());
}

#[tokio::test]
async fn basic_is_sent_once_it_was_asked_for() {
    let server = Server::start(|asked, _| match asked.header("authorization") {
        Some(USER_CI) => Reply::manifest(&manifest()),
        _ => Reply::of(401).with("www-authenticate", r#"Basic realm="r""#),
    })
    .await;
    let folder = logged_in(&server.address.to_string());
    let client = Client::with_logins(&[], 4, folder.path());
    let all = futures_util::future::join_all((0..4).map(|_| client.head(&server, "a:1"))).await;
    assert!(all.iter().all(|head| head.as_ref().is_ok_and(Option::is_some)));
    assert_eq!(server.asked().len(), 5, "with credentials at hand the first goes alone");
    let stats = client.registries.stats().remove(&server.address.to_string()).unwrap();
    assert!(stats.credentials.unwrap().ends_with("(user ci)"));

    let anonymous = Client::new(&[]).head(&server, "a:1").await.unwrap_err();
    assert_eq!((anonymous.kind, anonymous.credentials.source()), (ErrorKind::Unauthorized, None));
}

#[tokio::test]
async fn a_refused_token_is_told_with_the_servers_words() {
    let server = Server::start(|asked, _| match asked.path.as_str() {
        path if path.starts_with("/token") => Reply::of(401).body(r#"{"details":"incorrect username or password"}"#),
        _ => challenge(asked),
    })
    .await;
    let folder = logged_in(&server.address.to_string());
    let client = Client::with_logins(&[], 4, folder.path());
    for _ in 0..3 {
        let error = client.head(&server, "a:1").await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unauthorized);
        assert_eq!(error.message.as_deref(), Some("incorrect username or password"));
    }
    let with_password = server.asked().into_iter().filter(|asked| asked.header("authorization").is_some());
    assert_eq!(with_password.count(), 1, "a wrong password is not tried again: accounts are locked for that");
    assert_eq!(tokens(&server).len(), 2, "without it, once");
}

#[tokio::test]
async fn a_token_that_has_ended_when_it_comes_is_used_all_the_same() {
    let server = Server::start(|asked, _| match (asked.path.as_str(), asked.header("authorization")) {
        (path, _) if path.starts_with("/token") => {
            Reply::of(200).body(r#"{"token":"t","expires_in":1}"#).after(Duration::from_millis(1100))
        }
        (_, Some("Bearer t")) => Reply::manifest(&manifest()),
        _ => challenge(asked),
    })
    .await;
    let client = Client::new(&[]);
    let head = tokio::time::timeout(Duration::from_secs(20), client.head(&server, "a:1")).await;
    assert!(head.expect("it does not ask for tokens for ever").unwrap().is_some());
    assert_eq!(tokens(&server).len(), 1);
}

#[tokio::test]
async fn a_stranger_that_was_redirected_to_does_not_say_where_credentials_go() {
    let stranger = Server::start(|asked, _| match asked.path.as_str() {
        path if path.starts_with("/token") => Reply::of(200).body(r#"{"token":"t"}"#),
        _ => challenge(asked),
    })
    .await;
    let address = stranger.address;
    let server = Server::start(move |asked, _| match asked.method.as_str() {
        "POST" => Reply::of(202).with("location", format!("http://{address}/upload")),
        "GET" => Reply::of(307).with("location", format!("http://{address}/storage")),
        _ => Reply::of(404),
    })
    .await;
    let folder = logged_in(&server.address.to_string());
    let layout = TempDir::new().unwrap();
    let from = crate::oci::Place::parse(&format!("oci:{}", layout.path().display())).unwrap();
    let sha256 = layout.path().join("blobs/sha256");
    std::fs::create_dir_all(&sha256).unwrap();
    std::fs::write(sha256.join(blob(b"x").digest.hex()), b"x").unwrap();
    let target = server.repository("a");
    let client = Client::with_logins(&[&target], 1, folder.path());
    client.registries.manifest(&server.place("a"), manifest().digest()).await.unwrap_err();
    client.registries.copy_blob(&blob(b"x"), &from, &server.place("a"), Way::MountOrSend).await.unwrap_err();
    assert!(stranger.lines().iter().any(|line| line.starts_with("PUT /upload")), "{:?}", stranger.lines());
    assert!(stranger.asked().iter().all(|asked| asked.header("authorization").is_none()), "{:?}", stranger.asked());
    assert_eq!(tokens(&stranger), [] as [&str; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_first_request_that_fails_holds_up_no_other() {
    let server = Server::start(|_, _| Reply::of(500)).await;
    let folder = logged_in(&server.address.to_string());
    let client = Client::with_logins(&[], 64, folder.path());
    let began = Instant::now();
    let all = futures_util::future::join_all((0..40).map(|_| client.head(&server, "a:1"))).await;
    assert!(all.iter().all(|head| head.as_ref().is_err_and(|error| error.kind == ErrorKind::Server)));
    assert!(began.elapsed() < Duration::from_mins(2), "one after the other: {:?}", began.elapsed());
}

#[tokio::test]
async fn who_asks_for_credentials_and_does_not_say_how_is_told_so() {
    for challenge in ["", "Bearer", r#"Bearer realm="file:///etc/passwd""#] {
        let server = Server::start(move |_, _| Reply::of(401).with("www-authenticate", challenge)).await;
        let folder = logged_in(&server.address.to_string());
        let client = Client::with_logins(&[], 1, folder.path());
        let error = client.head(&server, "a:1").await.unwrap_err();
        let said = "requires authentication without a usable WWW-Authenticate header";
        assert_eq!((error.kind.to_string(), error.status), (said.to_owned(), Some(401)), "{challenge}");
    }
}

#[tokio::test]
async fn a_token_server_that_sends_too_much_is_no_image_that_is_too_large() {
    let server = Server::start(|asked, _| match asked.path.as_str() {
        path if path.starts_with("/token") => Reply::of(200).body(vec![b'x'; 200 << 10]),
        _ => challenge(asked),
    })
    .await;
    let error = Client::new(&[]).head(&server, "a:1").await.unwrap_err();
    assert_eq!(error.kind.to_string(), "the token server returned more than 128 KiB");
}
