//! Manifests and configs, with servers that answer as registries do, and with servers that answer incorrectly.

use std::time::Duration;

use super::*;
use crate::oci::{Descriptor, Digest, MediaType, Payload};
use crate::registry::tests::server::{Client, Reply, Server, by_digest, manifest};
use crate::registry::{ErrorKind, Operation, Registry as _};

mod echoes;

#[tokio::test]
async fn a_head_says_what_a_tag_names() {
    let server = Server::start(|asked, _| match asked.path.as_str() {
        "/v2/a/b/manifests/v1" => Reply::manifest(&manifest()),
        _ => Reply::of(404).body(r#"{"errors":[{"code":"NAME_UNKNOWN"}]}"#),
    })
    .await;
    let client = Client::new(&[]);
    assert_eq!(client.head(&server, "a/b:v1").await.unwrap().as_ref(), Some(manifest().descriptor()));
    assert_eq!(client.head(&server, "a/b:v2").await.unwrap(), None);
    assert_eq!(server.lines(), ["HEAD /v2/a/b/manifests/v1", "HEAD /v2/a/b/manifests/v2"]);
    let asked = &server.asked()[0];
    assert_eq!(asked.header("accept"), Some(MANIFEST_TYPES));
    assert_eq!(asked.header("accept-encoding"), Some("identity"));
    assert_eq!(asked.header("user-agent"), Some(concat!("mlist/", env!("CARGO_PKG_VERSION"))));
}

type Script = Box<dyn Fn() -> Reply + Send + Sync>;

#[tokio::test]
async fn a_head_that_cannot_be_believed_is_asked_again_by_get() {
    let (body, other) = (manifest(), Digest::of(b"other").to_string());

    let heads: Vec<(&str, Script)> = vec![
        ("no digest", Box::new(|| Reply::of(200).with("content-type", MediaType::OciManifest.as_str()).body("{}"))),
        ("no type", Box::new(|| Reply::of(200).with("docker-content-digest", manifest().digest().as_str()).body("{}"))),
        (
            "no length",
            Box::new(|| {
                let empty = Payload::new(MediaType::OciManifest, "".into());
                Reply::manifest(&empty)
            }),
        ),
        (
            "another type",
            Box::new(|| {
                Reply::of(200)
                    .with("content-type", "text/html")
                    .with("docker-content-digest", manifest().digest().as_str())
            }),
        ),
        ("403", Box::new(|| Reply::of(403))),
        ("405", Box::new(|| Reply::of(405))),
    ];
    for (why, reply) in heads {
        let server = Server::start(move |asked, _| match asked.method.as_str() {
            "HEAD" => reply(),
            _ => Reply::of(200).with("content-type", "text/plain").body(manifest().bytes().clone()),
        })
        .await;
        let head = Client::new(&[]).head(&server, "a:1").await.unwrap();
        assert_eq!(head.as_ref(), Some(body.descriptor()), "{why}");
        assert_eq!(server.asked().len(), 2, "{why}");
    }
    // The answer to a HEAD by digest has another digest.
    let server = Server::start(move |asked, _| match asked.method.as_str() {
        "HEAD" => Reply::manifest(&manifest()).with("docker-content-digest", other.clone()),
        _ => Reply::of(404),
    })
    .await;
    let place = server.place("a");
    let reference = place.with_digest(&Digest::of(b"x"));
    assert_eq!(Client::new(&[]).registries.head(&reference).await.unwrap(), None);
}

#[tokio::test]
async fn a_signed_manifest_of_schema_1_has_the_digest_of_a_part_of_its_body() {
    let server = Server::start(|asked, _| match asked.method.as_str() {
        "HEAD" => Reply::of(405),
        _ => Reply::of(200)
            .with("content-type", "application/vnd.docker.distribution.manifest.v1+prettyjws")
            .with("docker-content-digest", Digest::of(b"without signatures").as_str())
            .body(r#"{"schemaVersion":1,"signatures":[]}"#),
    })
    .await;
    let head = Client::new(&[]).head(&server, "a:1").await.unwrap().unwrap();
    assert!(head.media_type.is_schema1(), "{head:?}");
    assert_eq!(server.lines().len(), 2, "no answer is taken for a fault");
}

#[tokio::test]
async fn a_head_that_is_refused_is_told_with_the_reason_of_a_get() {
    let server = Server::start(|asked, _| match asked.method.as_str() {
        "HEAD" => Reply::of(403),
        _ => Reply::of(403).body(r#"{"errors":[{"code":"DENIED","message":"no entry"}]}"#),
    })
    .await;
    let error = Client::new(&[]).head(&server, "a:1").await.unwrap_err();
    assert_eq!((error.kind, error.status, error.code.as_deref()), (ErrorKind::Denied, Some(403), Some("DENIED")));
    assert_eq!(error.message.as_deref(), Some("no entry"));
    assert_eq!(error.target.to_string(), format!("{}/a:1", server.address));
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_fails_is_told_with_its_reason() {
    let server = Server::start(|_, _| Reply::of(500).body("<html><title>database is down</title>")).await;
    let error = Client::new(&[]).head(&server, "a:1").await.unwrap_err();
    assert_eq!((error.kind, error.attempts), (ErrorKind::Server, 9));
    assert_eq!(error.message.as_deref(), Some("database is down"));
}

#[tokio::test(start_paused = true)]
async fn bytes_of_another_digest_are_never_returned() {
    let server = Server::start(|_, _| Reply::manifest(&Payload::new(MediaType::OciManifest, "{}".into()))).await;
    let client = Client::new(&[]);
    let wrong = client.registries.manifest(&server.place("a"), manifest().digest()).await.unwrap_err();
    let (expected, actual) = (manifest().digest().clone(), Digest::of(b"{}"));
    assert_eq!((wrong.kind, wrong.attempts), (ErrorKind::WrongDigest { expected, actual }, 8));
    let wrong = client.registries.config(&server.place("a"), manifest().digest()).await.unwrap_err();
    assert!(matches!(wrong.kind, ErrorKind::WrongDigest { .. }), "{wrong}");
}

#[tokio::test]
async fn what_is_too_large_is_not_read() {
    let server = Server::start(|_, _| Reply::of(200).body(vec![b' '; (4 << 20) + 1])).await;
    let client = Client::new(&[]);
    let error = client.registries.manifest(&server.place("a"), manifest().digest()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::TooLarge { limit: 4 << 20 });
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn an_encoded_manifest_is_refused() {
    let server = Server::start(|_, _| Reply::manifest(&manifest()).with("content-encoding", "gzip")).await;
    let error = Client::new(&[]).registries.manifest(&server.place("a"), manifest().digest()).await.unwrap_err();
    assert_eq!(error.kind.to_string(), "returned content with Content-Encoding: gzip");
}

#[tokio::test]
async fn a_redirect_to_another_host_carries_no_credentials() {
    let store = Server::start(|_, _| Reply::of(200).body("config")).await;
    let there = format!("http://somebody:else@{}/store?sig=1", store.address);
    let server = Server::start(move |asked, _| match asked.header("authorization") {
        Some(_) => Reply::of(307).with("location", there.clone()),
        None => Reply::of(401).with("www-authenticate", "Basic"),
    })
    .await;
    let folder = tempfile::TempDir::new().unwrap();
    let config = format!(r#"{{"auths":{{"{}":{{"auth":"Y2k6cGFzcw=="}}}}}}"#, server.address);
    std::fs::write(folder.path().join("config.json"), config).unwrap();
    let client = Client::with_logins(&[], 1, folder.path());
    let config = client.registries.config(&server.place("a"), &Digest::of(b"config")).await.unwrap().unwrap();
    assert_eq!(config.bytes(), "config");
    assert_eq!(store.lines(), ["GET /store?sig=1"]);
    assert_eq!(store.asked()[0].header("authorization"), None);
    assert_eq!(store.asked()[0].header("referer"), None);
}

#[tokio::test]
async fn a_redirect_is_not_followed_for_ever() {
    let server = Server::start(|asked, _| Reply::of(302).with("location", asked.path.clone())).await;
    let error = Client::new(&[]).registries.manifest(&server.place("a"), manifest().digest()).await.unwrap_err();
    assert_eq!(error.kind.to_string(), "redirected more than 5 times");
}

#[tokio::test]
async fn a_registry_leads_nowhere_that_it_may_not() {
    let metadata = "https://169.254.169.254/latest";
    for (to, why) in [
        (metadata, "https://169.254.169.254, which is a link-local address; mlist does not send requests there"),
        ("http://other.example/x", "http://other.example, which is not https; mlist does not send requests there"),
        ("ftp://127.0.0.1/x", "ftp://127.0.0.1, which is not https; mlist does not send requests there"),
    ] {
        let server = Server::start(move |asked, _| match asked.method.as_str() {
            "POST" => Reply::of(202).with("location", to),
            "GET" => Reply::of(307).with("location", to),
            _ => Reply::of(401).with("www-authenticate", format!(r#"Bearer realm="{to}""#)),
        })
        .await;
        let (place, target) = (server.place("a"), server.repository("b"));
        let client = Client::new(&[&target]);
        let read = client.registries.manifest(&place, manifest().digest()).await.unwrap_err();
        assert_eq!(read.kind.to_string(), format!("redirected to {why}"));
        let session = client.registries.http.begin_upload(&target).await.unwrap_err();
        assert_eq!(session.kind.to_string(), format!("started an upload at {why}"));
        if !to.starts_with("ftp") {
            let token = client.head(&server, "a:1").await.unwrap_err();
            assert_eq!(token.kind.to_string(), format!("requires tokens from {why}"));
        }
    }
}

#[tokio::test]
async fn a_page_that_is_no_manifest_is_told() {
    let server = Server::start(|_, _| Reply::of(200).with("content-type", "text/html").body("<html>hi</html>")).await;
    let error = Client::new(&[]).head(&server, "a:1").await.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::NotARegistry(_)), "{error}");
    assert_eq!(error.message, None);
}

#[tokio::test]
async fn a_manifest_is_written_as_it_is() {
    let server = Server::start(|_, _| Reply::stored(&manifest())).await;
    let client = Client::new(&[&server.repository("a")]);
    client.put(&server, "a:1", &manifest()).await.unwrap();
    let (place, payload) = (server.place("a"), manifest());
    client.registries.put_manifest(&place, &by_digest(&payload), &payload).await.unwrap();
    let asked = server.asked();
    assert_eq!(asked[0].body, payload.bytes());
    assert_eq!(asked[0].header("content-type"), Some(payload.media_type().as_str()));
    assert_eq!(
        server.lines(),
        ["PUT /v2/a/manifests/1".to_owned(), format!("PUT /v2/a/manifests/{}", payload.digest())]
    );
}

#[tokio::test]
async fn what_a_put_answers_is_not_taken_on_trust() {
    let child = Digest::of(b"child");
    let unknown = |code: &str| {
        let detail = format!(r#"{{"errors":[{{"code":"{code}","message":"m","detail":"{child}"}}]}}"#);
        (ErrorKind::ContentUnknown(vec![Digest::of(b"child")]), detail)
    };
    let ours = || manifest().digest().to_string();
    let missing = |code| unknown(code).1;
    let ecr = format!(
        "Images with digests '[{child}]' required for pushing image into repository with name 'a' do not exist"
    );
    let ecr = format!(r#"{{"errors":[{{"code":"ImageReferencedByManifestList","message":"{ecr}"}}]}}"#);
    let immutable = r#"{"errors":[{"code":"TAG_INVALID","message":"cannot be overwritten"}]}"#.to_owned();
    let content_unknown = unknown("").0;
    let wrong = ErrorKind::WrongDigest { expected: manifest().digest().clone(), actual: child.clone() };
    let nameless = ErrorKind::NotARegistry("accepted the manifest, but the manifest was not found afterwards".into());
    let table = [
        (201, Some(ours()), String::new(), None),
        (201, None, String::new(), Some(nameless.clone())),
        (200, Some(ours()), String::new(), None),
        (202, Some(ours()), String::new(), None),
        (200, None, "<html>".into(), Some(nameless)),
        (201, Some(child.to_string()), String::new(), Some(wrong)),
        (400, None, missing("MANIFEST_BLOB_UNKNOWN"), Some(content_unknown.clone())),
        (404, None, missing("BLOB_UNKNOWN"), Some(content_unknown.clone())),
        (400, None, ecr, Some(content_unknown)),
        (400, None, immutable, Some(ErrorKind::Immutable)),
        (412, None, String::new(), Some(ErrorKind::Refused)),
        (400, None, "Client sent an HTTP request to an HTTPS server.".into(), Some(ErrorKind::NeedsTls)),
        (413, None, "<html><title>413 Request Entity Too Large</title>".into(), Some(ErrorKind::Oversized)),
        (404, None, r#"{"errors":[{"code":"NAME_UNKNOWN"}]}"#.into(), Some(ErrorKind::NotFound)),
        (403, None, String::new(), Some(ErrorKind::Denied)),
    ];
    for (status, digest, body, expected) in table {
        let shown = format!("{status} {body}");
        let server = Server::start(move |_, _| {
            let reply = Reply::of(status).body(body.clone());
            digest.iter().fold(reply, |reply, digest| reply.with("docker-content-digest", digest.clone()))
        })
        .await;
        let put = Client::new(&[&server.repository("a")]).put(&server, "a:1", &manifest()).await;
        assert_eq!(put.err().map(|error| error.kind), expected, "{shown}");
    }
}

#[tokio::test]
async fn a_registry_that_does_not_support_writes_is_known_by_its_code_or_by_its_earlier_answers() {
    let kind = async |body: &'static str, status: u16, reads_first: bool| {
        let server = Server::start(move |asked, _| match asked.method.as_str() {
            "PUT" => Reply::of(status).body(body),
            _ => Reply::manifest(&manifest()),
        })
        .await;
        let client = Client::new(&[&server.repository("a")]);
        if reads_first {
            client.head(&server, "a:1").await.unwrap();
        }
        client.put(&server, "a:1", &manifest()).await.unwrap_err().kind
    };
    let unsupported = r#"{"errors":[{"code":"UNSUPPORTED","message":"The operation is unsupported."}]}"#;
    for status in [404, 405, 501] {
        assert_eq!(kind(unsupported, status, false).await, ErrorKind::Unsupported, "{status}");
    }
    for status in [405, 501] {
        assert_eq!(kind("", status, true).await, ErrorKind::Unsupported, "{status}");
        assert!(matches!(kind("", status, false).await, ErrorKind::NotARegistry(_)), "{status}");
    }
    assert!(matches!(kind("", 418, true).await, ErrorKind::NotARegistry(_)));
    // Other codes decide as well if the status says little.
    for (code, expected) in [
        ("DENIED", ErrorKind::Denied),
        ("UNAUTHORIZED", ErrorKind::Unauthorized),
        ("NAME_UNKNOWN", ErrorKind::NotFound),
        ("TAG_INVALID", ErrorKind::Refused),
        ("TOOMANYREQUESTS", ErrorKind::RateLimited { retry_after: None }),
    ] {
        let body = format!(r#"{{"errors":[{{"code":"{code}"}}]}}"#).leak();
        assert_eq!(kind(body, 418, false).await, expected, "{code}");
    }
}

#[tokio::test]
async fn a_put_whose_answer_says_nothing_is_looked_at() {
    let page =
        |status: u16| Reply::of(status).with("content-type", "text/html; charset=utf-8").body("<html>Log in</html>");
    let answers: [fn() -> Reply; 6] = [
        || Reply::of(201),
        || Reply::of(201).with("content-type", "text/html"),
        || Reply::of(201).with("content-type", "text/html").body("welcome"),
        || Reply::of(201).body("<!DOCTYPE html><title>Log in</title>"),
        || Reply::of(200),
        || Reply::of(202).body("queued"),
    ];
    for answer in answers {
        let written = Server::start(move |asked, _| match asked.method.as_str() {
            "PUT" => answer(),
            _ => Reply::manifest(&manifest()),
        })
        .await;
        Client::new(&[&written.repository("a")]).put(&written, "a:1", &manifest()).await.unwrap();
        assert_eq!(written.lines(), ["PUT /v2/a/manifests/1", "HEAD /v2/a/manifests/1"]);

        let others: [fn() -> Reply; 3] = [
            || Reply::of(404),
            || Reply::manifest(&Payload::new(MediaType::OciManifest, "{}".into())),
            || Reply::of(200).with("content-type", "text/html").body("<html>Log in</html>"),
        ];
        for other in others {
            let server = Server::start(move |asked, _| if asked.method == "PUT" { answer() } else { other() }).await;
            let error = Client::new(&[&server.repository("a")]).put(&server, "a:1", &manifest()).await.unwrap_err();
            assert!(matches!(error.kind, ErrorKind::NotARegistry(_)), "{error}");
            assert_eq!((error.operation, error.message), (Operation::PushManifest, None));
        }
    }
    let login = Server::start(move |_, _| page(200)).await;
    let error = Client::new(&[]).head(&login, "a:1").await.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::NotARegistry(_)), "{error}");
}

#[tokio::test]
async fn all_types_are_accepted_or_old_registries_serve_an_image_of_the_list() {
    const LIST: &str = r#"{"schemaVersion":2,"manifests":[]}"#;
    for media_type in [MediaType::OciIndex, MediaType::DockerList, MediaType::OciManifest, MediaType::DockerManifest] {
        let list = Payload::new(media_type.clone(), LIST.into());
        let (whole, child) = (list.clone(), manifest());
        let server = Server::start(move |asked, _| {
            let accepted = asked.headers.get_all("accept").iter().next().unwrap().to_str().unwrap();
            let is_accepted = accepted.split(',').any(|accepted| accepted.trim() == media_type.as_str());
            Reply::manifest(if is_accepted { &whole } else { &child })
        })
        .await;
        let client = Client::new(&[]);
        assert_eq!(client.head(&server, "a:1").await.unwrap().as_ref(), Some(list.descriptor()));
        let read = client.registries.manifest(&server.place("a"), list.digest()).await.unwrap();
        assert_eq!(read, Some(list));
    }
}

#[tokio::test]
async fn a_policy_that_keeps_an_image_back_is_told_in_its_own_words() {
    let server = Server::start(|asked, _| match asked.method.as_str() {
        "HEAD" => Reply::of(412),
        _ => Reply::of(412).body(r#"{"errors":[{"code":"PROJECTPOLICYVIOLATION","message":"not signed"}]}"#),
    })
    .await;
    let client = Client::new(&[]);
    let error = client.head(&server, "a:1").await.unwrap_err();
    assert_eq!((&error.kind, error.message.as_deref()), (&ErrorKind::Refused, Some("not signed")));
    let error = client.registries.manifest(&server.place("a"), manifest().digest()).await.unwrap_err();
    assert_eq!((error.kind, error.code.as_deref()), (ErrorKind::Refused, Some("PROJECTPOLICYVIOLATION")));
}

/// Creates the answer to a request for tags. Its argument creates an answer that lists these tags.
type Tags = fn(&dyn Fn(&str) -> Reply) -> Reply;

#[tokio::test]
async fn a_tag_of_a_target_that_is_denied_is_absent_if_the_repository_does_not_list_it() {
    let denied = || Reply::of(403).body(r#"{"errors":[{"code":"DENIED","message":"no right"}]}"#);
    let listed = |tags: &str| Reply::of(200).body(format!(r#"{{"tags":{tags}}}"#));
    let table: [(&str, Tags, bool); 6] = [
        ("other tags", |listed| listed(r#"["2"]"#), true),
        ("no tags", |listed| listed("null"), true),
        ("that tag", |listed| listed(r#"["2","1"]"#), false),
        ("no right", |_| Reply::of(403), false),
        ("no repository", |_| Reply::of(404).body(r#"{"errors":[{"code":"NAME_UNKNOWN"}]}"#), false),
        ("a page", |_| Reply::of(200).body("<html>"), false),
    ];
    for (why, tags, is_absent) in table {
        let server =
            Server::start(move |asked, _| if asked.path.contains("/tags/list") { tags(&listed) } else { denied() })
                .await;
        let head = Client::new(&[&server.repository("a")]).head(&server, "a:1").await;
        if is_absent {
            assert_eq!(head.unwrap(), None, "{why}");
        } else {
            let error = head.unwrap_err();
            assert_eq!((error.kind, error.message.as_deref()), (ErrorKind::Denied, Some("no right")), "{why}");
        }
        let asked = ["HEAD /v2/a/manifests/1", "GET /v2/a/manifests/1", "GET /v2/a/tags/list?n=1000"];
        assert_eq!(server.lines(), asked, "{why}");
    }
    let server = Server::start(|asked, _| {
        if asked.path.contains("/tags/list") { Reply::of(200).body(r#"{"tags":[]}"#) } else { Reply::of(403) }
    })
    .await;
    let client = Client::new(&[&server.repository("a")]);
    assert_eq!(client.head(&server, "source:1").await.unwrap_err().kind, ErrorKind::Denied, "a source is no target");
    let child = server.place("a").with_digest(manifest().digest());
    assert_eq!(client.registries.head(&child).await.unwrap_err().kind, ErrorKind::Denied, "no list has digests");
    assert!(!server.lines().iter().any(|line| line.contains("/tags/list")));
}

#[tokio::test]
async fn a_body_is_read_to_its_cap_and_no_further() {
    const MIB: usize = 1 << 20;
    for announced in [true, false] {
        let server = Server::start(move |asked, _| {
            let size = if asked.path.contains("/blobs/") { 8 * MIB } else { 4 * MIB };
            let size = size + usize::from(asked.path.starts_with("/v2/large"));
            let reply = Reply::of(200).body(vec![b' '; size]);
            if announced { reply } else { reply.unannounced() }
        })
        .await;
        let registries = Client::new(&[]).registries;
        let (fits, large) = (server.place("fits"), server.place("large"));
        let digest = |size: usize| Digest::of(&vec![b' '; size]);
        let config = registries.config(&fits, &digest(8 * MIB)).await.unwrap().unwrap();
        assert_eq!(config.bytes().len(), 8 * MIB);
        let error = registries.config(&large, &digest(8 * MIB + 1)).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::TooLarge { limit: 8 << 20 });
        let error = registries.manifest(&large, &digest(4 * MIB + 1)).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::TooLarge { limit: 4 << 20 });
        let error = registries.manifest(&fits, &digest(4 * MIB)).await.unwrap_err();
        assert_eq!(error.kind.to_string(), "returned a manifest that is not valid JSON", "it was read");
    }
}

#[tokio::test]
async fn of_an_error_no_more_is_read_than_64_kib() {
    let long = |at: usize| format!(r#"{{"errors":[{{"code":"DENIED","message":"no right"}}]{}}}"#, " ".repeat(at));
    for (at, code) in [(60 << 10, Some("DENIED")), (70 << 10, None)] {
        let server = Server::start(move |_, _| Reply::of(403).body(long(at))).await;
        let error = Client::new(&[]).head(&server, "a:1").await.unwrap_err();
        assert_eq!((error.kind, error.code.as_deref()), (ErrorKind::Denied, code));
    }
}

#[tokio::test]
async fn what_is_nested_too_deeply_is_no_end_of_the_run() {
    let deep = format!(r#"{{"x":{}"#, "[".repeat(1 << 20));
    let server = Server::start(move |asked, _| {
        let status = if asked.path.contains("denied") { 403 } else { 200 };
        Reply::of(status).with("content-type", "application/json").body(deep.clone())
    })
    .await;
    let client = Client::new(&[]);
    let error = client.head(&server, "a:1").await.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::NotARegistry(_)), "{error}");
    assert_eq!(client.head(&server, "a:denied").await.unwrap_err().kind, ErrorKind::Denied);
}

#[tokio::test]
async fn nothing_that_was_encoded_is_read() {
    let server = Server::start(|asked, _| {
        let status = if asked.path.contains("denied") { 403 } else { 200 };
        Reply::of(status).with("content-encoding", "gzip").body(r#"{"errors":[{"code":"X","message":"\u001f"}]}"#)
    })
    .await;
    let client = Client::new(&[]);
    let config = client.registries.config(&server.place("a"), manifest().digest()).await.unwrap_err();
    assert_eq!(config.kind.to_string(), "returned content with Content-Encoding: gzip");
    let denied = client.head(&server, "a:denied").await.unwrap_err();
    assert_eq!((denied.kind, denied.code, denied.message), (ErrorKind::Denied, None, None));
}

#[tokio::test]
async fn a_put_whose_answer_is_lost_is_sent_again() {
    let server = Server::start(|_, n| if n == 0 { Reply::reset() } else { Reply::stored(&manifest()) }).await;
    let client = Client::new(&[&server.repository("a")]);
    client.put(&server, "a:1", &manifest()).await.unwrap();
    let asked = server.asked();
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[0].body, asked[1].body);
}

#[tokio::test]
async fn a_slow_answer_is_an_answer() {
    let server = Server::start(|_, _| Reply::manifest(&manifest()).after(Duration::from_millis(300))).await;
    let head: Option<Descriptor> = Client::new(&[]).head(&server, "a:1").await.unwrap();
    assert!(head.is_some());
}

#[tokio::test]
async fn what_is_said_to_a_write_may_be_of_any_length() {
    let welcome = vec![b'x'; 5 << 20];
    let server = Server::start(move |_, _| Reply::of(200).body(welcome.clone())).await;
    let client = Client::new(&[&server.repository("a")]);
    let error = client.put(&server, "a:1", &manifest()).await.unwrap_err();
    assert_eq!(error.kind.to_string(), "accepted the manifest, but the manifest was not found afterwards");
}
