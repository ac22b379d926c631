//! One token for all repositories of a list, and what happens with servers that do not support this.

use futures_util::future::join_all;

use super::*;
use crate::registry::tests::server::jobs;
use crate::registry::{Copied, RegistriesOptions, RepositoryGroup, Rights};

/// What a token server grants of the requested scopes, or the status of its refusal.
type Policy = fn(&[String]) -> Result<Vec<String>, u16>;

const ALL: Policy = |scopes| Ok(scopes.to_vec());

/// A registry that accepts tokens for what its token server granted, and adds `error` to the challenge for tokens that
/// lack a right.
async fn registry(policy: Policy, error: &'static str) -> Server {
    Server::start(move |asked, _| {
        let url = reqwest::Url::parse(&format!("http://x{}", asked.path)).unwrap();
        let of = |name: &str| {
            url.query_pairs().filter(|(key, _)| key == name).map(|(_, value)| value.into_owned()).collect::<Vec<_>>()
        };
        if url.path() == "/token" {
            return match policy(&of("scope")) {
                Ok(granted) => {
                    Reply::of(200).body(format!(r#"{{"token":"of|{}","expires_in":300}}"#, granted.join("|")))
                }
                Err(status) => Reply::of(status),
            };
        }
        let path = url.path().strip_prefix("/v2/").unwrap();
        let (name, _) = path.split_once("/manifests/").or(path.split_once("/blobs/")).unwrap_or((path, ""));
        let right = if matches!(asked.method.as_str(), "GET" | "HEAD") { "pull" } else { "push" };
        let held = asked.header("authorization").map(|header| header.strip_prefix("Bearer ").unwrap().to_owned());
        let holds = |name: &str, right: &str| {
            let scopes = held.as_deref().unwrap_or_default().split('|');
            scopes
                .filter_map(|scope| scope.strip_prefix("repository:")?.rsplit_once(':'))
                .any(|(path, actions)| path == name && actions.split(',').any(|action| action == right))
        };
        let may = holds(name, right) && of("from").iter().all(|from| holds(from, "pull"));
        match (may, asked.method.as_str()) {
            (false, _) => {
                let realm = format!(r#"Bearer realm="/token",service="s"{}"#, if held.is_some() { error } else { "" });
                Reply::of(401).with("www-authenticate", realm)
            }
            (_, "POST") if url.query().is_some() => Reply::of(201),
            (_, "POST") => Reply::of(202).with("location", format!("/v2/{name}/blobs/1")),
            (_, "PUT") => Reply::of(201),
            (_, "GET") if path.contains("/blobs/") => Reply::of(200).body("x"),
            _ => Reply::manifest(&manifest()),
        }
    })
    .await
}

const TOO_NARROW: &str = r#",error="insufficient_scope""#;

/// A client that may write to lists of the form `TARGET SOURCE SOURCE`.
fn client(server: &Server, at_once: usize, lists: &[String]) -> Client {
    client_with(server, lists, |options| options.jobs = jobs(at_once))
}

fn client_with(server: &Server, lists: &[String], change: impl FnOnce(&mut RegistriesOptions)) -> Client {
    Client::with(&[], |options| {
        change(options);
        let group = |list: &String| {
            let mut all = list.split(' ').map(|name| server.repository(name));
            RepositoryGroup { target: all.next(), sources: all.collect() }
        };
        options.access = Access::new(Rights::Write, lists.iter().map(group).collect());
    })
}

/// Reads the manifests of `names`, one after the other.
async fn read(client: &Client, server: &Server, names: &str) {
    for name in names.split(' ') {
        assert!(client.head(server, &format!("{name}:1")).await.unwrap().is_some(), "{name}");
    }
}

async fn copy(client: &Client, server: &Server, from: &str, to: &str) -> Copied {
    client.registries.copy_blob(&blob(b"x"), &server.place(from), &server.place(to), Way::MountOrSend).await.unwrap()
}

/// The scopes of all requests for tokens so far: `t:pull,push a:pull`.
fn asked_for(server: &Server) -> Vec<String> {
    let decoded = |line: String| line.replace("%3A", ":").replace("%2C", ",");
    let one = |line: String| {
        line.split("scope=repository:").skip(1).map(|scope| scope.trim_end_matches('&')).collect::<Vec<_>>().join(" ")
    };
    tokens(server).into_iter().map(decoded).map(one).collect()
}

#[tokio::test]
async fn two_hundred_lists_take_two_hundred_tokens() {
    let server = registry(ALL, TOO_NARROW).await;
    let lists: Vec<String> = (0..200).map(|n| format!("t{n} a{n} b{n} c{n} d{n} e{n}")).collect();
    let folder = logged_in(&server.address.to_string());
    let client = client_with(&server, &lists, |options| {
        options.jobs = jobs(64);
        options.credentials.docker = Some(folder.path().join("config.json"));
    });
    let names: Vec<String> = lists.iter().flat_map(|list| list.split(' ')).map(|name| format!("{name}:1")).collect();
    for round in 0..2 {
        let heads = join_all(names.iter().map(|name| client.head(&server, name))).await;
        assert!(heads.into_iter().all(|head| head.unwrap().is_some()));
        let stats = client.registries.stats().remove(&server.address.to_string()).unwrap();
        assert_eq!((stats.token, stats.retries), (200, 0), "round {round}");
        assert_eq!(stats.head, 1 + 1_200 * (round + 1), "one each, and one that found out how to ask");
    }
    assert!(asked_for(&server).iter().all(|scopes| scopes.split(' ').count() == 6), "{:?}", asked_for(&server));
}

#[tokio::test]
async fn a_mount_takes_the_token_of_its_list() {
    let server = registry(ALL, TOO_NARROW).await;
    let client = client(&server, 1, &["t a b".into()]);
    read(&client, &server, "t a b").await;
    for source in ["a", "b"] {
        assert_eq!(copy(&client, &server, source, "t").await, Copied::Mounted);
    }
    assert_eq!(asked_for(&server), ["t:pull,push a:pull b:pull"]);
}

#[tokio::test]
async fn a_long_list_takes_a_token_for_each_fifteen_sources() {
    let server = registry(ALL, TOO_NARROW).await;
    let sources: Vec<String> = (0..33).map(|n| format!("s{n}")).collect();
    let list = format!("t {}", sources.join(" "));
    let client = client(&server, 1, std::slice::from_ref(&list));
    read(&client, &server, &list).await;
    assert_eq!(copy(&client, &server, "s32", "t").await, Copied::Mounted);
    assert_eq!(tokens(&server).len(), 3);
}

#[tokio::test]
async fn who_refuses_several_scopes_is_asked_for_one_at_a_time() {
    let refusals: [Policy; 4] = [
        |scopes| if scopes.len() > 1 { Err(400) } else { ALL(scopes) },
        |scopes| if scopes.len() > 1 { Err(401) } else { ALL(scopes) },
        |scopes| if scopes.len() > 1 { Err(403) } else { ALL(scopes) },
        |scopes| if scopes.len() > 1 { Err(414) } else { ALL(scopes) },
    ];
    for policy in refusals {
        let server = registry(policy, TOO_NARROW).await;
        let client = client(&server, 1, &["t a b".into(), "u c d".into()]);
        read(&client, &server, "t a b u c d").await;
        let mut expected =
            vec!["t:pull,push a:pull b:pull", "t:pull,push", "a:pull", "b:pull", "u:pull,push", "c:pull", "d:pull"];
        assert_eq!(asked_for(&server), expected, "the second list is not asked for as a whole");
        // A mount needs a token for two repositories. If that is refused, the bytes are sent. It is tried only once for
        // all lists.
        for (from, to) in [("a", "t"), ("a", "t"), ("b", "t"), ("c", "u")] {
            assert_eq!(copy(&client, &server, from, to).await, Copied::Streamed { bytes: 1 });
        }
        expected.push("t:pull,push a:pull");
        assert_eq!(asked_for(&server), expected);
        assert_eq!(server.lines().iter().filter(|line| line.contains("mount=")).count(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn who_fails_at_several_scopes_is_asked_for_one_at_a_time() {
    let server = registry(|scopes| if scopes.len() > 1 { Err(500) } else { ALL(scopes) }, TOO_NARROW).await;
    let client = client(&server, 1, &["t a b".into(), "u c d".into()]);
    read(&client, &server, "t a b u c d").await;
    let together = asked_for(&server).iter().filter(|scopes| scopes.contains(' ')).count();
    assert_eq!((together, tokens(&server).len()), (8, 14), "as often as any request, and then never");
}

#[tokio::test]
async fn who_heeds_only_the_first_scope_is_asked_for_one_at_a_time() {
    let first: Policy = |scopes| Ok(scopes[..1].to_vec());
    // A registry that gives no reason for refusing a token may mean that it has expired, so it is renewed first.
    for (error, renewed) in [(TOO_NARROW, 0), ("", 1)] {
        let server = registry(first, error).await;
        let client = client(&server, 1, &["t a b".into(), "u c d".into()]);
        read(&client, &server, "t a b u c d").await;
        let mut expected = vec!["t:pull,push a:pull b:pull"; 1 + renewed];
        expected.extend(["a:pull", "b:pull", "t:pull,push", "u:pull,push", "c:pull", "d:pull"]);
        expected.retain(|scopes| *scopes != "t:pull,push");
        assert_eq!(asked_for(&server), expected, "{error}");
        assert_eq!(copy(&client, &server, "a", "t").await, Copied::Streamed { bytes: 1 });
        assert_eq!(copy(&client, &server, "c", "u").await, Copied::Streamed { bytes: 1 });
        let mounts = server.lines().iter().filter(|line| line.contains("mount=")).count();
        assert_eq!(mounts, 1, "that a token for two is worth one was seen");
    }
}

#[tokio::test]
async fn what_is_granted_in_part_is_told_for_the_part_that_is_not() {
    let partial: Policy = |scopes| Ok(scopes.iter().filter(|scope| !scope.contains(":secret:")).cloned().collect());
    let server = registry(partial, TOO_NARROW).await;
    let client = client(&server, 1, &["t a secret b".into(), "u c d".into()]);
    for _ in 0..3 {
        read(&client, &server, "t a b").await;
        let error = client.head(&server, "secret:1").await.unwrap_err();
        assert_eq!((error.kind, error.status), (ErrorKind::Unauthorized, Some(401)));
    }
    assert_eq!(copy(&client, &server, "a", "t").await, Copied::Mounted);
    read(&client, &server, "u c d").await;
    let expected = ["t:pull,push a:pull secret:pull b:pull", "secret:pull", "u:pull,push c:pull d:pull"];
    assert_eq!(asked_for(&server), expected, "alone once, and the others still share");
}

#[tokio::test]
async fn a_mount_that_its_token_is_no_right_to_is_not_tried_for_every_blob() {
    let partial: Policy =
        |scopes| Ok(scopes.iter().filter(|scope| scopes.len() == 1 || !scope.contains(":a:")).cloned().collect());
    let server = registry(partial, TOO_NARROW).await;
    let client = client(&server, 1, &["t".into()]);
    for _ in 0..5 {
        assert_eq!(copy(&client, &server, "a", "t").await, Copied::Streamed { bytes: 1 });
    }
    assert_eq!(copy(&client, &server, "b", "t").await, Copied::Mounted, "of another source nothing is known by that");
    let mounts = server.lines().iter().filter(|line| line.contains("mount=") && line.contains("from=a")).count();
    assert_eq!(mounts, 2, "without a token, then with one");
    assert_eq!(asked_for(&server).iter().filter(|scopes| *scopes == "t:pull,push a:pull").count(), 1);
}

#[tokio::test]
async fn one_token_that_ended_is_renewed_once_for_its_list() {
    static ENDED: AtomicUsize = AtomicUsize::new(0);
    // Each token is valid until the next one is requested.
    let server = Server::start(|asked, _| {
        let newest = || ENDED.load(Ordering::SeqCst);
        if asked.path.starts_with("/token") {
            return Reply::of(200).body(format!(r#"{{"token":"t{}","expires_in":300}}"#, newest()));
        }
        match asked.header("authorization") {
            Some(header) if header == format!("Bearer t{}", newest()) => Reply::manifest(&manifest()),
            _ => challenge(asked),
        }
    })
    .await;
    let client = client(&server, 8, &["t a b c d e".into()]);
    let names = ["t:1", "a:1", "b:1", "c:1", "d:1", "e:1"];
    for round in 1..4 {
        let heads = join_all(names.map(|name| client.head(&server, name))).await;
        assert!(heads.into_iter().all(|head| head.unwrap().is_some()));
        assert_eq!(tokens(&server).len(), round);
        ENDED.fetch_add(1, Ordering::SeqCst);
    }
    assert!(asked_for(&server).iter().all(|scopes| scopes == "t:pull,push a:pull b:pull c:pull d:pull e:pull"));
}

#[tokio::test(start_paused = true)]
async fn a_token_of_a_minute_is_renewed_before_it_ends() {
    let server = Server::start(|asked, _| match asked.header("authorization") {
        _ if asked.path.starts_with("/token") => {
            Reply::of(200).body(r#"{"access_token":"t","expires_in":60,"refresh_token":"not for us"}"#)
        }
        Some("Bearer t") => Reply::manifest(&manifest()),
        _ => challenge(asked),
    })
    .await;
    let client = client(&server, 1, &["t a".into()]);
    for minute in 1..4 {
        read(&client, &server, "t a").await;
        tokio::time::advance(Duration::from_secs(50)).await;
        assert_eq!(tokens(&server).len(), minute);
    }
    let refused = server
        .asked()
        .iter()
        .filter(|asked| asked.path.starts_with("/v2") && asked.header("authorization").is_none())
        .count();
    assert_eq!(refused, 1, "the first, which found out how to ask");
    assert!(tokens(&server).iter().all(|line| line.starts_with("GET ")), "a refresh token was not asked for");
}

/// A registry whose tokens live for a minute, and which adds `error` to the challenge for expired ones.
async fn registry_of_a_minute(error: &'static str, paused: &'static str) -> Server {
    let began = Instant::now();
    let was_paused = AtomicUsize::new(0);
    Server::start(move |asked, _| {
        let now = began.elapsed().as_secs();
        if asked.path.starts_with("/token") {
            return Reply::of(200).body(format!(r#"{{"token":"{now}"}}"#));
        }
        let held = asked.header("authorization").map(|header| header.strip_prefix("Bearer ").unwrap().parse::<u64>());
        let Some(Ok(given)) = held else { return challenge(asked) };
        if now - given >= 60 {
            return Reply::of(401).with("www-authenticate", format!(r#"Bearer realm="/token"{error}"#));
        }
        if asked.path.contains(paused) && was_paused.fetch_add(1, Ordering::SeqCst) < 2 {
            return Reply::of(429).with("retry-after", "65");
        }
        Reply::manifest(&manifest())
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn a_token_that_ends_while_its_request_waits_is_no_denial() {
    for error in ["", r#",error="invalid_token""#] {
        let server = registry_of_a_minute(error, "/a/").await;
        let client = client(&server, 1, &["t a".into()]);
        read(&client, &server, "a t").await;
        assert_eq!(asked_for(&server), ["t:pull,push a:pull"; 3], "once for each pause: {:?}", server.lines());
    }
}

#[tokio::test]
async fn each_namespace_is_asked_for_with_its_own_credentials() {
    let server = registry(ALL, TOO_NARROW).await;
    let folder = TempDir::new().unwrap();
    // `ci:pass` for all repositories, `team:word` for those below `team/`.
    let (all, team) = ("Y2k6cGFzcw==", "dGVhbTp3b3Jk");
    let host = server.address;
    let config = format!(r#"{{"auths":{{"{host}":{{"auth":"{all}"}},"{host}/team":{{"auth":"{team}"}}}}}}"#);
    std::fs::write(folder.path().join("config.json"), config).unwrap();
    let lists = ["team/t team/a base".to_owned()];
    let client = client_with(&server, &lists, |options| {
        options.credentials.docker = Some(folder.path().join("config.json"));
    });
    read(&client, &server, "team/t team/a base").await;
    let asked = server.asked().into_iter().filter(|asked| asked.path.starts_with("/token"));
    let with: Vec<_> = asked.map(|asked| asked.header("authorization").unwrap().to_owned()).collect();
    assert_eq!(with, [format!("Basic {team}"), format!("Basic {all}")]);
    assert_eq!(
        asked_for(&server).iter().map(|scopes| scopes.split("&account").next().unwrap()).collect::<Vec<_>>(),
        ["team%2Ft:pull,push team%2Fa:pull", "base:pull"]
    );
}
