//! Credentials that are refused: what can be read without them, and what is reported.

use futures_util::future::join_all;

use super::*;
use crate::registry::{AccessFacts, RegistryError};

/// How a registry refuses credentials that were valid once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stale {
    /// The token server refuses them, with this status.
    Token(u16),
    /// The registry refuses the token that its token server granted.
    Registry(u16),
    /// The registry uses Basic and refuses the password.
    Basic(u16),
}

const STALE: [Stale; 6] = [
    Stale::Token(401),
    Stale::Token(403),
    Stale::Registry(401),
    Stale::Registry(403),
    Stale::Basic(401),
    Stale::Basic(403),
];

/// A registry that refuses the credentials as `stale` says. `public/…` is public. A tag `absent` does not exist.
/// `hidden/…` is answered with 404 to anonymous requests.
async fn registry(stale: Stale) -> Server {
    Server::start(move |asked, _| {
        let authorization = asked.header("authorization").unwrap_or_default().to_owned();
        if asked.path.starts_with("/token") {
            return match (stale, authorization.is_empty()) {
                (Stale::Token(status), false) => {
                    Reply::of(status).body(r#"{"errors":[{"code":"DENIED","message":"stale"}]}"#)
                }
                (_, false) => Reply::of(200).body(r#"{"token":"of-ci"}"#),
                (_, true) => Reply::of(200).body(r#"{"token":"of-nobody"}"#),
            };
        }
        let is_somebody = !matches!(authorization.as_str(), "" | "Bearer of-nobody");
        match (is_somebody, stale) {
            // GHCR does it like this, without a challenge.
            (true, Stale::Registry(403) | Stale::Basic(403)) => {
                Reply::of(403).body(r#"{"errors":[{"code":"DENIED","message":"stale"}]}"#)
            }
            (true, _) => challenge(asked).body(r#"{"errors":[{"code":"UNAUTHORIZED","message":"stale"}]}"#),
            (false, Stale::Basic(_)) if asked.path.contains("/hidden/") => Reply::of(404),
            (false, Stale::Basic(_)) if !asked.path.starts_with("/v2/public/") || asked.path.contains("first") => {
                Reply::of(401).with("www-authenticate", r#"Basic realm="r""#)
            }
            (false, Stale::Token(_) | Stale::Registry(_)) if authorization.is_empty() => challenge(asked),
            _ if asked.path.contains("/hidden/") || asked.path.contains("absent") => Reply::of(404),
            _ if asked.path.starts_with("/v2/public/") && asked.method != "PUT" => Reply::manifest(&manifest()),
            _ => Reply::of(401).with("www-authenticate", r#"Basic realm="other""#),
        }
    })
    .await
}

async fn stale(stale: Stale, write: bool) -> (Server, TempDir, Client) {
    let server = registry(stale).await;
    let folder = logged_in(&server.address.to_string());
    let targets = [server.repository("public/a")];
    let targets: Vec<_> = targets.iter().filter(|_| write).collect();
    let client = Client::with_logins(&targets, 1, folder.path());
    (server, folder, client)
}

fn access(error: &RegistryError) -> &AccessFacts {
    &error.access
}

#[tokio::test]
async fn what_all_may_read_is_read_without_credentials_that_are_refused() {
    for kind in STALE {
        let (server, _folder, client) = stale(kind, false).await;
        if matches!(kind, Stale::Basic(_)) {
            // Only a repository that requires a password shows that the registry uses Basic.
            client.head(&server, "private/first:1").await.unwrap_err();
        }
        for name in ["public/a:1", "public/a:2", "public/b:1"] {
            assert!(client.head(&server, name).await.unwrap().is_some(), "{kind:?} {name}");
        }
        let before = server.asked().len();
        client.head(&server, "public/a:3").await.unwrap();
        assert_eq!(server.asked().len(), before + 1, "{kind:?}: that was learnt");
        assert!(client.head(&server, "public/a:absent").await.unwrap().is_none(), "{kind:?}: it is open to all");
    }
}

#[tokio::test]
async fn what_is_refused_with_credentials_and_without_is_told_as_both() {
    for kind in STALE {
        let (server, _folder, client) = stale(kind, false).await;
        for round in 0..3 {
            let error = client.head(&server, "private/a:1").await.unwrap_err();
            assert!(matches!(error.kind, ErrorKind::Unauthorized | ErrorKind::Denied), "{kind:?}: {error}");
            assert!(error.credentials.source().unwrap().to_string().ends_with("(user ci)"), "{kind:?}");
            assert_eq!(error.message.as_deref(), Some("stale"), "{kind:?}: in the words of the refusal");
            assert!(access(&error).is_refused_without, "{kind:?}");
            let anonymous = server
                .asked()
                .iter()
                .filter(|asked| asked.header("authorization").is_none_or(|header| header == "Bearer of-nobody"))
                .count();
            assert!(anonymous <= 3, "{kind:?}, round {round}: it is tried once: {:?}", server.lines());
        }
    }
}

#[tokio::test]
async fn what_nobody_is_told_of_is_not_absent() {
    for kind in STALE {
        let (server, _folder, client) = stale(kind, false).await;
        client.head(&server, "private/first:1").await.unwrap_err();
        let error = client.head(&server, "hidden/a:1").await.unwrap_err();
        assert!(matches!(error.kind, ErrorKind::Unauthorized | ErrorKind::Denied), "{kind:?}: {error}");
        assert!(!access(&error).is_refused_without, "{kind:?}: who knows what 404 means to nobody");
    }
}

#[tokio::test]
async fn nothing_is_written_without_credentials_that_are_refused() {
    for kind in STALE {
        let (server, _folder, client) = stale(kind, true).await;
        let error = client.put(&server, "public/a:1", &manifest()).await.unwrap_err();
        assert!(matches!(error.kind, ErrorKind::Unauthorized | ErrorKind::Denied), "{kind:?}: {error}");
        client.head(&server, "public/a:1").await.unwrap_err();
        let anonymous = |asked: &Asked| asked.path.starts_with("/token") && asked.header("authorization").is_none();
        assert!(!server.asked().iter().any(anonymous), "{kind:?}: {:?}", server.lines());
        assert!(!access(&error).is_refused_without, "{kind:?}");
    }
}

#[tokio::test]
async fn a_wrong_password_is_tried_three_times_whatever_is_asked_for() {
    let server = registry(Stale::Token(401)).await;
    let folder = logged_in(&server.address.to_string());
    let client = Client::with_logins(&[], 8, folder.path());
    let names: Vec<String> = (0..30).map(|n| format!("private/a{n}:1")).collect();
    let heads = join_all(names.iter().map(|name| client.head(&server, name))).await;
    assert!(heads.iter().all(|head| head.as_ref().is_err_and(|error| error.kind == ErrorKind::Unauthorized)));
    assert_eq!(server.asked().iter().filter(|asked| asked.header("authorization") == Some(USER_CI)).count(), 3);
}

#[tokio::test]
async fn a_token_of_the_config_file_is_sent_as_it_is_and_to_the_registry_alone() {
    let server = Server::start(|asked, _| match asked.header("authorization") {
        Some("Bearer given") if asked.path.starts_with("/v2/a/") => Reply::manifest(&manifest()),
        None if asked.path.starts_with("/token") => Reply::of(200).body(r#"{"token":"of-nobody"}"#),
        Some("Bearer of-nobody") if asked.path.starts_with("/v2/public/") => Reply::manifest(&manifest()),
        _ => challenge(asked),
    })
    .await;
    let folder = TempDir::new().unwrap();
    let config = format!(r#"{{"auths":{{"{}":{{"registrytoken":"given"}}}}}}"#, server.address);
    std::fs::write(folder.path().join("config.json"), config).unwrap();
    let client = Client::with_logins(&[], 1, folder.path());
    assert!(client.head(&server, "a:1").await.unwrap().is_some());
    assert_eq!(tokens(&server), [""; 0], "it is asked for nowhere");
    let stats = client.registries.stats().remove(&server.address.to_string()).unwrap();
    assert!(stats.credentials.unwrap().ends_with("config.json (registry token)"));
    assert!(client.head(&server, "public/b:1").await.unwrap().is_some(), "what it is not good for may be open to all");
    let error = client.head(&server, "private/c:1").await.unwrap_err();
    assert_eq!((&error.kind, access(&error).is_refused_without), (&ErrorKind::Unauthorized, true));
    let with_it = |asked: &Asked| asked.header("authorization") == Some("Bearer given");
    assert!(server.asked().iter().filter(|asked| with_it(asked)).all(|asked| asked.path.starts_with("/v2/")));
}

#[tokio::test]
async fn a_token_to_be_exchanged_goes_nowhere_else_when_it_is_refused() {
    for status in [400, 401, 403, 404, 405] {
        let server = Server::start(move |asked, _| match asked.method.as_str() {
            "POST" => Reply::of(status).body(r#"{"error":"invalid_grant"}"#),
            _ if asked.path.starts_with("/token") => Reply::of(200).body(r#"{"token":"of-nobody"}"#),
            _ => challenge(asked),
        })
        .await;
        let folder = TempDir::new().unwrap();
        let config = format!(r#"{{"auths":{{"{}":{{"identitytoken":"geheim"}}}}}}"#, server.address);
        std::fs::write(folder.path().join("config.json"), config).unwrap();
        let client = Client::with_logins(&[&server.repository("target")], 1, folder.path());
        client.head(&server, "target:1").await.unwrap_err();
        client.head(&server, "source:1").await.unwrap_err();
        let with_it = server.asked().into_iter().filter(|asked| {
            let headers = asked.headers.values().any(|value| value.to_str().unwrap_or_default().contains("geheim"));
            headers || asked.path.contains("geheim") || String::from_utf8_lossy(&asked.body).contains("geheim")
        });
        let with_it: Vec<_> = with_it.map(|asked| format!("{} {}", asked.method, asked.path)).collect();
        assert_eq!(with_it, ["POST /token"; 2], "{status}");
    }
}
