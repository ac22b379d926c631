//! How registries state their authentication scheme and token server.

use futures_util::future::join_all;

use super::*;
use crate::registry::tests::server::jobs;

#[tokio::test]
async fn who_does_not_say_how_to_ask_is_asked_at_its_base_once() {
    let server = Server::start(|asked, _| match asked.header("authorization") {
        _ if asked.path.starts_with("/token") => Reply::of(200).body(r#"{"token":"t"}"#),
        Some("Bearer t") => Reply::manifest(&manifest()),
        _ if asked.path == "/v2/" => challenge(asked),
        _ => Reply::of(401),
    })
    .await;
    let client = Client::new(&[]);
    let heads = join_all((0..8).map(|_| client.head(&server, "a:1"))).await;
    assert!(heads.into_iter().all(|head| head.unwrap().is_some()));
    assert_eq!(server.lines().iter().filter(|line| *line == "GET /v2/").count(), 1, "{:?}", server.lines());
    assert_eq!(tokens(&server).len(), 1);
}

#[tokio::test]
async fn a_base_that_says_nothing_either_is_asked_once_and_the_others_go_on() {
    let server = Server::start(|asked, _| match asked.path.as_str() {
        "/v2/" => Reply::of(200),
        path if path.starts_with("/v2/open/") => Reply::manifest(&manifest()),
        _ => Reply::of(401),
    })
    .await;
    let client = Client::new(&[]);
    for _ in 0..3 {
        let error = client.head(&server, "closed:1").await.unwrap_err();
        assert_eq!(error.kind.to_string(), "requires authentication without a usable WWW-Authenticate header");
        assert!(client.head(&server, "open/a:1").await.unwrap().is_some());
    }
    assert_eq!(server.lines().iter().filter(|line| *line == "GET /v2/").count(), 1, "{:?}", server.lines());
}

#[tokio::test]
async fn schemes_that_are_not_known_are_named() {
    let server = Server::start(|_, _| Reply::of(401).with("www-authenticate", "Negotiate, NTLM")).await;
    let error = Client::new(&[]).head(&server, "a:1").await.unwrap_err();
    let said = "requires the authentication scheme negotiate or ntlm; mlist supports only Basic and Bearer";
    assert_eq!((error.kind.to_string(), error.status), (said.to_owned(), Some(401)));
    assert!(!server.lines().contains(&"GET /v2/".to_owned()), "it has said what it wants");
}

#[tokio::test]
async fn no_token_is_asked_for_where_it_is_not_safe_even_by_nobody() {
    let server =
        Server::start(|_, _| Reply::of(401).with("www-authenticate", r#"Bearer realm="http://evil.example/token""#))
            .await;
    let error = Client::new(&[]).head(&server, "a:1").await.unwrap_err();
    assert!(error.kind.to_string().contains("http://evil.example, which is not https"), "{error}");
}

/// A registry whose token server is another host.
async fn registry_of(token_server: std::net::SocketAddr) -> Server {
    Server::start(move |asked, _| {
        if asked.header("authorization") == Some("Bearer t") {
            return Reply::manifest(&manifest());
        }
        let realm = format!(r#"Bearer realm="http://me:geheim@{token_server}/token?x=1#y",service="s""#);
        Reply::of(401).with("www-authenticate", realm)
    })
    .await
}

#[tokio::test]
async fn a_token_server_may_be_another_host_and_gets_no_name_that_stands_in_its_address() {
    let token_server = Server::start(|_, _| Reply::of(200).body(r#"{"token":"t"}"#)).await;
    let server = registry_of(token_server.address).await;
    assert!(Client::new(&[]).head(&server, "a:1").await.unwrap().is_some());
    assert_eq!(token_server.lines(), ["GET /token?x=1&service=s&scope=repository%3Aa%3Apull"]);
    assert_eq!(token_server.asked()[0].header("authorization"), None);
}

#[tokio::test]
async fn a_refusal_names_the_token_server_where_it_is_another_host() {
    let token_server = Server::start(|_, _| Reply::of(401).body(r#"{"details":"wrong password"}"#)).await;
    let server = registry_of(token_server.address).await;
    let error = Client::new(&[]).head(&server, "a:1").await.unwrap_err();
    assert_eq!(error.access.token_server, Some(token_server.address.to_string()));
    assert_eq!(error.host, Some(server.address.to_string()));

    let (own, _) = bearer_server().await;
    let client = Client::new(&[]);
    client.head(&own, "a:1").await.unwrap();
    let refusing = Server::start(|asked, _| match asked.path.as_str() {
        path if path.starts_with("/token") => Reply::of(401),
        _ => challenge(asked),
    });
    let error = client.head(&refusing.await, "a:1").await.unwrap_err();
    assert_eq!(error.access.token_server, None, "it is the registry itself");
}

#[tokio::test(start_paused = true)]
async fn a_token_server_that_is_down_is_told_once_by_its_name() {
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = gone.local_addr().unwrap();
    drop(gone);
    let server = registry_of(address).await;
    let client = Client::with(&[], |options| options.jobs = jobs(8));
    let names: Vec<String> = (0..40).map(|n| format!("a{n}:1")).collect();
    let began = Instant::now();
    let heads = join_all(names.iter().map(|name| client.head(&server, name))).await;
    let errors: Vec<_> = heads.into_iter().map(|head| head.unwrap_err()).collect();
    assert!(errors.iter().all(|error| error.kind == errors[0].kind), "all are told the same: {errors:?}");
    assert!(
        matches!(&errors[0].kind, ErrorKind::Unreachable(none) if none.why.contains("connection refused")),
        "{errors:?}"
    );
    assert!(errors.iter().all(|error| error.access.token_server == Some(address.to_string())));
    assert!(began.elapsed() < Duration::from_mins(2), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_token_server_that_asks_to_wait_is_waited_for() {
    let asked_once = AtomicUsize::new(0);
    let token_server = Server::start(move |_, _| match asked_once.fetch_add(1, Ordering::SeqCst) {
        0 => Reply::of(429).with("retry-after", "1"),
        1 => Reply::of(503),
        _ => Reply::of(200).body(r#"{"token":"t"}"#),
    })
    .await;
    let server = registry_of(token_server.address).await;
    let client = Client::new(&[]);
    assert!(client.head(&server, "a:1").await.unwrap().is_some());
    assert_eq!(token_server.lines().len(), 3);
    let told: Vec<_> = client.notices().into_iter().map(|notice| format!("{notice:?}")).collect();
    assert!(told[0].contains(&token_server.address.to_string()), "who is waited for: {told:?}");
}
