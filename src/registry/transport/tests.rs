//! Attempts, pauses and dead hosts, tested with servers that fail.

use std::num::NonZeroU32;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::Instant;

use crate::oci::{Host, Reference};
use crate::registry::options::RateLimit;
use crate::registry::tests::server::{Asked, Client, Reply, Server, jobs, manifest};
use crate::registry::{ConnectionStep, ErrorKind, HostOptions, HostStats, NoAnswer, Notice, Registry as _};

fn stats(client: &Client, server: &Server) -> HostStats {
    client.registries.stats().remove(&server.address.to_string()).unwrap()
}

#[tokio::test]
async fn what_breaks_once_is_asked_again() {
    let broken: [fn() -> Reply; 5] = [
        Reply::reset,
        || Reply::of(500),
        || Reply::of(503),
        || Reply::of(429),
        || Reply::manifest(&manifest()).cut_after(10),
    ];
    for (number, reply) in broken.into_iter().enumerate() {
        let server = Server::start(move |_, n| if n == 0 { reply() } else { Reply::manifest(&manifest()) }).await;
        let client = Client::new(&[]);
        let place = server.place("a");
        let got = client.registries.manifest(&place, manifest().digest()).await.unwrap();
        assert_eq!(got, Some(manifest()), "{number}");
        assert_eq!((stats(&client, &server).get, stats(&client, &server).retries), (2, 1), "{number}");
    }
}

#[tokio::test]
async fn what_is_no_fault_of_the_moment_is_not_asked_again() {
    for status in [400, 403, 404, 405, 501] {
        let server = Server::start(move |_, _| Reply::of(status)).await;
        let client = Client::new(&[]);
        let _ = client.registries.manifest(&server.place("a"), manifest().digest()).await;
        assert_eq!(server.asked().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn a_pause_holds_all_and_is_told_once() {
    let server = Server::start(|_, n| match n {
        0..4 => Reply::of(429).with("retry-after", "1"),
        _ => Reply::manifest(&manifest()).with("ratelimit-remaining", "97;w=21600"),
    })
    .await;
    let client = Client::new(&[]);
    let began = Instant::now();
    let all = join_all((0..4).map(|_| client.head(&server, "a:1"))).await;
    assert!(all.iter().all(|head| head.as_ref().is_ok_and(Option::is_some)), "{all:?}");
    assert!(began.elapsed() >= Duration::from_secs(1));
    assert_eq!(server.asked().len(), 8);
    let (notices, host) = (client.notices(), server.address.to_string());
    assert!(
        matches!(&notices[..], [Notice::Paused { host: a, status: 429, wait, as_asked: true }, Notice::Resumed { host: b, .. }]
            if *a == host && *b == host && *wait == Duration::from_secs(1)),
        "{notices:?}"
    );
    let stats = stats(&client, &server);
    assert_eq!((stats.retries, stats.pulls_left), (4, Some(97)));
    assert!((1..3).contains(&stats.waited.as_secs()), "{:?}", stats.waited);
}

#[tokio::test]
async fn what_failed_does_not_line_up_behind_all_that_is_new() {
    let reply = |n| if n == 0 { Reply::of(500) } else { Reply::manifest(&manifest()) };
    let server = Server::start(move |_, n| reply(n).after(Duration::from_millis(30))).await;
    let client = Client::with(&[], |_| {});
    let tags: Vec<String> = (0..30).map(|n| format!("a:{n}")).collect();
    let all = join_all(tags.iter().map(|tag| client.head(&server, tag))).await;
    assert!(all.iter().all(|head| head.as_ref().is_ok_and(Option::is_some)), "{all:?}");
    let asked = server.lines();
    let again = asked.iter().rposition(|line| *line == asked[0]).unwrap();
    // Its delay is at most 200 ms. The 29 other requests take 870 ms, one after the other.
    assert!((1..25).contains(&again), "{again}: {asked:#?}");
}

#[tokio::test]
async fn a_host_that_is_paused_stops_no_other() {
    let slow = Server::start(|_, n| match n {
        0 => Reply::of(429).with("retry-after", "2"),
        _ => Reply::manifest(&manifest()),
    })
    .await;
    let quick = Server::start(|_, _| Reply::manifest(&manifest()).after(Duration::from_millis(10))).await;
    let client = Client::with(&[], |_| {});
    let began = Instant::now();
    let quick = async {
        client.noticed().await;
        for _ in 0..5 {
            client.head(&quick, "a:1").await.unwrap();
        }
        began.elapsed()
    };
    let (paused, took) = tokio::join!(client.head(&slow, "a:1"), quick);
    paused.unwrap();
    assert!(took < Duration::from_secs(2), "one permit for all, and it was not held: {took:?}");
}

#[tokio::test]
async fn a_pause_that_is_too_long_ends_the_host_at_once() {
    let server = Server::start(|_, _| Reply::of(429).with("retry-after", "3600")).await;
    let client = Client::new(&[]);
    for _ in 0..3 {
        let error = client.head(&server, "a:1").await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::RateLimited { retry_after: Some(Duration::from_hours(1)) });
        assert_eq!(error.status, Some(429));
    }
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn a_quota_that_is_used_up_ends_that_read_only() {
    let server = Server::start(|asked, _| match asked.method.as_str() {
        "GET" => Reply::of(429).with("ratelimit-remaining", "0;w=21600").with("retry-after", "3600"),
        _ => Reply::manifest(&manifest()),
    })
    .await;
    let client = Client::new(&[]);
    let error = client.registries.manifest(&server.place("a"), manifest().digest()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::PullQuota { retry_after: Some(Duration::from_hours(1)) });
    assert!(client.head(&server, "a:1").await.unwrap().is_some());
    assert_eq!(server.asked().len(), 2, "it is not waited for");
}

#[tokio::test(start_paused = true)]
async fn a_dead_host_is_told_once() {
    let closed = {
        // A port that was free a moment ago. Nothing listens on it now.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let client = Client::new(&[]);
    let reference = Reference::parse(&format!("{closed}/a:1")).unwrap();
    let all = join_all((0..20).map(|_| client.registries.head(&reference))).await;
    let told = |error: &crate::registry::RegistryError| (error.kind.to_string(), error.attempts);
    let first = told(all[0].as_ref().unwrap_err());
    assert!(first.0.starts_with("connection refused (8 attempts in "), "{first:?}");
    assert_eq!(first.1, 8);
    for result in &all {
        assert_eq!(told(result.as_ref().unwrap_err()), first);
    }
    let late = client.registries.head(&reference).await.unwrap_err();
    assert_eq!(told(&late), first);
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_looked_up_twice_and_no_more() {
    let client = Client::new(&[]);
    let reference = Reference::parse("no-such-host.invalid/a:1").unwrap();
    let error = client.registries.head(&reference).await.unwrap_err();
    let why = "host name not found (DNS): no-such-host.invalid".to_owned();
    assert_eq!(error.kind, ErrorKind::Unreachable(NoAnswer { step: ConnectionStep::HostName, why }));
    assert_eq!(error.attempts, 2);
    let began = Instant::now();
    let late = client.registries.head(&reference).await.unwrap_err();
    assert_eq!((late.kind, late.attempts), (error.kind, 2), "it is not looked up again");
    assert!(began.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_host_that_once_answered_does_not_die_of_one_request() {
    let server = Server::start(|asked, _| match asked.path.as_str() {
        path if path.contains("/bad/") => Reply::reset(),
        _ => Reply::manifest(&manifest()),
    })
    .await;
    let client = Client::new(&[]);
    client.head(&server, "good:1").await.unwrap();
    let error = client.head(&server, "bad:1").await.unwrap_err();
    assert!(error.kind.to_string().starts_with("the connection was lost: "), "{error}");
    assert_eq!(error.attempts, 8);
    assert!(client.head(&server, "good:1").await.unwrap().is_some());
}

#[tokio::test]
async fn a_stop_ends_waits_at_once() {
    let server = Server::start(|_, _| Reply::of(429).with("retry-after", "60")).await;
    let client = Client::new(&[]);
    let began = Instant::now();
    let stop = async {
        client.noticed().await;
        client.registries.stop();
    };
    let (head, ()) = tokio::join!(client.head(&server, "a:1"), stop);
    assert_eq!(head.unwrap_err().kind, ErrorKind::Stopped);
    assert_eq!(client.head(&server, "a:1").await.unwrap_err().kind, ErrorKind::Stopped);
    assert!(began.elapsed() < Duration::from_secs(5));
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn a_manifest_that_is_being_written_is_awaited() {
    let server = Server::start(|asked, _| match asked.path.as_str() {
        path if path.ends_with("lost") => Reply::reset().after(Duration::from_millis(300)),
        _ => Reply::stored(&manifest()).after(Duration::from_millis(300)),
    })
    .await;
    let client = Client::new(&[&server.repository("a")]);
    let stop = async {
        server.received(2).await;
        client.registries.stop();
    };
    let payload = manifest();
    let puts = (client.put(&server, "a:1", &payload), client.put(&server, "a:lost", &payload));
    let (kept, lost, ()) = tokio::join!(puts.0, puts.1, stop);
    kept.unwrap();
    let lost = lost.unwrap_err();
    assert!(matches!(lost.kind, ErrorKind::Unreachable(_)), "whether it was written is unknown: {lost}");
}

#[tokio::test]
async fn no_more_requests_than_jobs_are_in_flight() {
    let flying = std::sync::Arc::new(std::sync::Mutex::new((0_usize, 0_usize)));
    let (counter, most) = (std::sync::Arc::clone(&flying), flying);
    let server = Server::start(move |_, _| {
        let mut flying = counter.lock().unwrap();
        flying.0 += 1;
        flying.1 = flying.1.max(flying.0);
        let counter = std::sync::Arc::clone(&counter);
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(15)).await;
            counter.lock().unwrap().0 -= 1;
        });
        Reply::manifest(&manifest()).after(Duration::from_millis(30))
    })
    .await;
    let client = Client::with(&[], |options| options.jobs = jobs(3));
    join_all((0..12).map(|_| client.head(&server, "a:1"))).await;
    assert_eq!(most.lock().unwrap().1, 3);
}

#[tokio::test]
async fn a_write_that_was_refused_and_then_stopped_was_never_heeded() {
    let server = Server::start(|_, _| Reply::of(429).with("retry-after", "60")).await;
    let client = Client::new(&[&server.repository("a")]);
    let stop = async {
        client.noticed().await;
        client.registries.stop();
    };
    let written = manifest();
    let (put, ()) = tokio::join!(client.put(&server, "a:1", &written), stop);
    let error = put.unwrap_err();
    assert_eq!((&error.kind, error.attempts), (&ErrorKind::Stopped, 0));
}

#[tokio::test(start_paused = true)]
async fn a_host_that_breaks_every_write_is_told_once_and_asked_for_no_more() {
    let server = Server::start(|asked, _| match asked.method.as_str() {
        "PUT" => Reply::reset(),
        _ => Reply::manifest(&manifest()),
    })
    .await;
    let client = Client::with(&[&server.repository("a")], |options| options.jobs = jobs(4));
    client.head(&server, "a:1").await.unwrap();
    let (payload, tags) = (manifest(), (0..40).map(|n| format!("a:{n}")).collect::<Vec<_>>());
    let all = join_all(tags.iter().map(|tag| client.put(&server, tag, &payload))).await;
    let told: Vec<String> = all.into_iter().map(|put| put.unwrap_err().kind.to_string()).collect();
    let puts = server.lines().iter().filter(|line| line.starts_with("PUT")).count();
    assert!(puts < 40 * 8, "{puts}");
    let late = client.put(&server, "a:late", &payload).await.unwrap_err().kind.to_string();
    assert!(late.starts_with("the connection was lost: ") && late.contains("8 attempts"), "{late}");
    let others = told.iter().filter(|words| **words != late).count();
    assert!(others <= 3, "{others} writes failed before no more were sent: {told:#?}");
    assert_eq!(server.lines().iter().filter(|line| line.ends_with("/late")).count(), 0);
    assert!(client.head(&server, "a:1").await.unwrap().is_some(), "reads go on");
}

#[tokio::test]
async fn a_host_is_asked_no_faster_than_was_said_of_it() {
    let server = Server::start(|_, _| Reply::manifest(&manifest())).await;
    let client = Client::with(&[], |options| {
        let rate = RateLimit { requests: NonZeroU32::new(20).unwrap(), per: Duration::from_secs(1) };
        let host = Host::parse(&server.address.to_string()).unwrap();
        options.hosts.insert(host, HostOptions { rate: Some(rate), ..HostOptions::default() });
        options.jobs = jobs(8);
    });
    let began = Instant::now();
    join_all((0..11).map(|_| client.head(&server, "a:1"))).await;
    assert!(began.elapsed() >= Duration::from_millis(500), "{:?}", began.elapsed());
}

#[tokio::test]
async fn an_address_that_nobody_can_ask_for_is_not_asked_for() {
    let far = |asked: &Asked| format!("http://{}/{}?sig=geheim", asked.header("host").unwrap(), "a".repeat(70_000));
    let server = Server::start(move |asked, _| Reply::of(307).with("location", far(asked))).await;
    let client = Client::new(&[]);
    let error = client.registries.manifest(&server.place("a"), manifest().digest()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotARegistry("redirected to an address that is too long for a request".into()));
    assert_eq!(server.asked().len(), 1, "no other attempt would do better");
}

#[tokio::test]
async fn a_host_that_names_thousands_of_schemes_is_told_in_a_line() {
    let server = Server::start(|_, _| {
        let schemes: Vec<String> = (0..9000).map(|n| format!("scheme{n} realm=x")).collect();
        Reply::of(401).with("www-authenticate", schemes.join(", "))
    })
    .await;
    let error = Client::new(&[]).head(&server, "a:1").await.unwrap_err();
    let said = error.kind.to_string();
    assert!(said.starts_with("requires the authentication scheme scheme0 or scheme1") && said.len() < 300, "{said}");
}
