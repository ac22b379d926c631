//! Tests of the knobs: each causes its fault and no other.

use std::time::{Duration, Instant};

use crate::support::any_registry::AnyRegistry;
use crate::support::images::{Attestation, DOCKER_LIST, Dialect, Image, OCI_MANIFEST, foreign_list};
use crate::support::registry::knobs::{
    Blobs, ChallengeForm, Connections, Immutable, Lag, NextPage, Referrers, Repositories, TagPages, TagParameter,
    Twins, Uploads,
};
use crate::support::registry::storm::{Limit, Says, Storm};
use crate::support::registry::{Account, Auth, Fault, Knobs, Mount, Registry, Then};
use crate::support::wire::{Answer, EVERY_TYPE, Wire};

/// Starts a registry with an image at `a/b:v1`, and changes its knobs after that.
fn seeded(turn: impl FnOnce(&mut Knobs)) -> (AnyRegistry, Image) {
    let registry = AnyRegistry::InProcess(Registry::start(Knobs::default()));
    let image = Image::new(Dialect::Docker, "linux/amd64", "app");
    registry.push("a/b", "v1", &image);
    turn(&mut inner(&registry).knobs());
    (registry, image)
}

fn inner(registry: &AnyRegistry) -> &Registry {
    match registry {
        AnyRegistry::InProcess(registry) => registry,
        _ => unreachable!("it was made above"),
    }
}

fn get(registry: &AnyRegistry, path: &str) -> Answer {
    registry.wire().send("GET", path, &[("Accept", EVERY_TYPE)], b"")
}

fn once(method: &'static str, path: &'static str, then: Then) -> impl FnOnce(&mut Knobs) {
    move |knobs| knobs.fault(Fault { method, path, times: 1, then })
}

const MANIFEST: &str = "/v2/a/b/manifests/v1";

#[test]
fn a_body_is_cut_behind_its_head_or_its_half() {
    for (then, comes) in [(Then::HeadOnly, 0), (Then::Cut, 1)] {
        let (registry, image) = seeded(once("GET", "/manifests/", then));
        let whole = image.manifest().len();
        let answer = get(&registry, MANIFEST);
        assert_eq!(answer.header("Content-Length"), Some(whole.to_string().as_str()));
        assert_eq!(answer.body.len(), comes * (whole / 2), "{then:?}");
        assert_eq!(get(&registry, MANIFEST).body, image.manifest());
    }
}

#[test]
fn one_bit_is_flipped() {
    let (registry, image) = seeded(once("GET", "/manifests/", Then::Flipped));
    let answer = get(&registry, MANIFEST);
    let differ = |(a, b): (&u8, &u8)| (a ^ b).count_ones();
    assert_eq!(answer.body.iter().zip(image.manifest()).map(differ).sum::<u32>(), 1);
    assert_eq!(answer.body.len(), image.manifest().len());
}

#[test]
fn a_body_is_packed_so_that_others_can_unpack_it() {
    let (registry, image) = seeded(once("GET", "/manifests/", Then::Gzipped));
    let answer = get(&registry, MANIFEST);
    assert_eq!(answer.header("Content-Encoding"), Some("gzip"));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("manifest.gz");
    std::fs::write(&file, &answer.body).expect("a file");
    let unpacked = std::process::Command::new("gzip").arg("-dc").arg(&file).output().expect("gzip is part of Debian");
    assert!(unpacked.status.success(), "{}", String::from_utf8_lossy(&unpacked.stderr));
    assert_eq!(unpacked.stdout, image.manifest());
}

#[test]
fn an_answer_is_late() {
    let late = Duration::from_millis(300);
    let (registry, _) = seeded(once("GET", "/manifests/", Then::Slow(late)));
    let began = Instant::now();
    assert_eq!(get(&registry, MANIFEST).status, 200);
    assert!(began.elapsed() >= late);
}

#[test]
fn what_a_500_undoes_is_gone_and_what_it_denies_stands() {
    for (then, stands) in [(Then::Undone, false), (Then::StatusAfter(500), true)] {
        let (registry, image) = seeded(once("PUT", "/manifests/v2", then));
        let put = registry.wire().put_manifest("a/b", "v2", image.media_type(), image.manifest());
        assert_eq!((put.status, registry.wire().manifest("a/b", "v2").is_some()), (500, stands), "{then:?}");
    }
}

#[test]
fn what_says_later_says_when() {
    for (then, header) in [(Then::RetryAt(100), true), (Then::RetryInWords("retry-after: 12.5ms"), false)] {
        let (registry, _) = seeded(once("GET", "/manifests/", then));
        let answer = get(&registry, MANIFEST);
        assert_eq!((answer.status, answer.header("Retry-After").is_some()), (429, header));
        if let Some(date) = answer.header("Retry-After") {
            assert!(date.ends_with(" GMT"), "{date}");
        }
    }
}

#[test]
fn the_storage_wants_a_signature_and_no_credentials() {
    let (registry, image) = seeded(|knobs| knobs.blobs = Blobs::Storage);
    let (digest, bytes) = &image.blobs()[0];
    let path = format!("/v2/a/b/blobs/{digest}");
    let redirected = get(&registry, &path);
    assert_eq!(redirected.status, 307);
    let storage = inner(&registry).storage();
    let signed = redirected.header("Location").and_then(|to| to.strip_prefix(&format!("http://{storage}")));
    let signed = signed.expect("an address of the storage");
    let statuses = [(signed, None), (signed, Some(Registry::insider())), (path.as_str(), None)]
        .map(|(path, authorization)| Wire::new(storage.clone(), authorization).send("GET", path, &[], b"").status);
    assert_eq!(statuses, [200, 400, 400]);
    assert_eq!(Wire::new(storage, None).send("GET", signed, &[], b"").body, *bytes);
    assert_eq!(inner(&registry).storage_log().len(), 4);
}

#[test]
fn an_upload_is_sent_where_the_knob_says() {
    let (registry, _) = seeded(|_| {});
    let (host, storage) = (registry.host(), inner(&registry).storage());
    let at = "http://elsewhere.example/up".to_owned();
    for (uploads, address) in [
        (Uploads::Relative, "/v2/a/b/blobs/uploads/"),
        (Uploads::Absolute, &format!("http://{host}/v2/a/b/blobs/uploads/")),
        (Uploads::Storage, &format!("http://{storage}/v2/a/b/blobs/uploads/")),
        (Uploads::At(at.clone()), &at),
    ] {
        inner(&registry).knobs().uploads = uploads;
        let begun = registry.wire().send("POST", "/v2/a/b/blobs/uploads/", &[], b"");
        assert_eq!(begun.status, 202);
        let location = begun.header("Location").expect("a location");
        assert!(location.starts_with(address), "{location}");
    }
}

#[test]
fn a_mount_is_refused_or_only_said_to_be_granted() {
    let (registry, image) = seeded(|_| {});
    let (digest, _) = &image.blobs()[0];
    let mount = format!("/v2/a/c/blobs/uploads/?mount={digest}&from=a/b");
    for (knob, status) in [(Mount::Refused(405), 405), (Mount::Pretended, 201)] {
        inner(&registry).knobs().mount = knob;
        assert_eq!(registry.wire().send("POST", &mount, &[], b"").status, status);
        assert_eq!(get(&registry, &format!("/v2/a/c/blobs/{digest}")).status, 404, "{knob:?}");
    }
}

#[test]
fn what_was_just_pushed_is_not_seen() {
    let hour = Duration::from_hours(1);
    let (registry, image) = seeded(|knobs| knobs.lag = Lag { tags: hour, children: Duration::ZERO });
    let other = Image::new(Dialect::Docker, "linux/arm64", "app");
    registry.push("a/b", "v1", &other);
    registry.push("a/b", "v2", &other);
    assert_eq!(registry.wire().digest("a/b", "v1"), Some(image.digest()), "it names what it did before");
    assert!(registry.wire().manifest("a/b", "v2").is_none());
    assert!(registry.wire().manifest("a/b", &other.digest()).is_some());
    inner(&registry).knobs().lag = Lag { tags: Duration::ZERO, children: hour };
    let third = Image::new(Dialect::Docker, "linux/s390x", "app");
    registry.push("a/b", &third.digest(), &third);
    assert!(registry.wire().manifest("a/b", &third.digest()).is_none());
    let list = |images: &[&Image]| {
        let list = foreign_list(DOCKER_LIST, images);
        registry.wire().put_manifest("a/b", "list", DOCKER_LIST, &list).status
    };
    assert_eq!((list(&[&image, &third]), list(&[&image])), (400, 201));
    assert_eq!(inner(&registry).store().refusals(), [], "that was no mistake of the client");
}

#[test]
fn an_immutable_tag_refuses_even_what_it_names() {
    for (rules, status, code) in [
        (Immutable::Ecr, 400, "TAG_INVALID"),
        (Immutable::Quay, 409, "TAG_IMMUTABLE"),
        (Immutable::Harbor, 412, "PRECONDITION"),
        (Immutable::Artifactory, 403, "DENIED"),
    ] {
        let (registry, image) = seeded(|knobs| knobs.immutable = Some(rules));
        let put =
            |reference: &str| registry.wire().put_manifest("a/b", reference, image.media_type(), image.manifest());
        assert_eq!((put("v2").status, put(&image.digest()).status), (201, 201));
        assert_eq!((put("v1").status, put("v1").json()["errors"][0]["code"].as_str()), (status, Some(code)));
    }
}

#[test]
fn the_tag_parameter_writes_as_many_tags_as_it_says() {
    for (parameter, status, named) in [
        (TagParameter::Ignored, 201, None),
        (TagParameter::Honoured(2), 201, Some("x, y")),
        (TagParameter::TooLong, 414, None),
    ] {
        let (registry, image) = seeded(|knobs| knobs.tag_parameter = parameter);
        let path = format!("/v2/a/b/manifests/{}?tag=x&tag=y&tag=z", image.digest());
        let put = registry.wire().send("PUT", &path, &[("Content-Type", image.media_type())], image.manifest());
        assert_eq!((put.status, put.header("OCI-Tag")), (status, named), "{parameter:?}");
        let stand = ["x", "y", "z"].map(|tag| registry.wire().manifest("a/b", tag).is_some());
        assert_eq!(stand, [named.is_some(), named.is_some(), false], "{parameter:?}");
    }
}

#[test]
fn one_of_two_equal_manifests_at_once_is_refused() {
    let delay = Duration::from_millis(300);
    let (registry, image) = seeded(|knobs| (knobs.twins, knobs.delay) = (Twins::Race, delay));
    let put = |tag: &str| registry.wire().put_manifest("a/b", tag, image.media_type(), image.manifest()).status;
    let mut statuses = std::thread::scope(|scope| {
        let threads = ["v2", "v3"].map(|tag| scope.spawn(move || put(tag)));
        threads.map(|thread| thread.join().expect("a status"))
    });
    statuses.sort_unstable();
    assert_eq!((statuses, put("v4")), ([201, 400], 201));
}

#[test]
fn repositories_are_made_before_where_the_knob_says() {
    let (registry, image) = seeded(|knobs| knobs.repositories = Repositories::MadeBefore);
    assert_eq!(registry.wire().send("POST", "/v2/a/never/blobs/uploads/", &[], b"").status, 404);
    let put = registry.wire().put_manifest("a/never", "v1", image.media_type(), image.manifest());
    assert_eq!((put.status, put.json()["errors"][0]["code"].as_str()), (404, Some("NAME_UNKNOWN")));
    assert_eq!(registry.wire().send("POST", "/v2/a/b/blobs/uploads/", &[], b"").status, 202);
}

#[test]
fn tags_come_page_by_page() {
    let (registry, image) = seeded(|_| {});
    for tag in ["v2", "v3", "v4", "v5"] {
        registry.push("a/b", tag, &image);
    }
    let page = |link: NextPage, query: &str| {
        inner(&registry).knobs().tags = TagPages { most: Some(2), link };
        let answer = get(&registry, &format!("/v2/a/b/tags/list?n=1000{query}"));
        (answer.json()["tags"].to_string(), answer.header("Link").unwrap_or_default().to_owned())
    };
    let path = "/v2/a/b/tags/list?n=2";
    let first = r#"["v1","v2"]"#.to_owned();
    let next = |from: &str, to: &str| format!(r#"<{from}{path}&last={to}>; rel="next""#);
    assert_eq!(page(NextPage::Relative, ""), (first.clone(), next("", "v2")));
    assert_eq!(page(NextPage::Relative, "&last=v4"), (r#"["v5"]"#.to_owned(), String::new()));
    let host = format!("http://{}", registry.host());
    assert_eq!(page(NextPage::Absolute, ""), (first, next(&host, "v2")));
    assert_eq!(page(NextPage::Looping, "&last=v2"), (r#"["v3","v4"]"#.to_owned(), next("", "v2")));
    assert_eq!(page(NextPage::Null, ""), ("null".to_owned(), String::new()));
}

#[test]
fn referrers_are_listed_where_the_knob_says() {
    let (registry, image) = seeded(|_| {});
    let attestation = Attestation::by_subject(&image);
    for (digest, bytes) in attestation.blobs() {
        registry.wire().put_blob("a/b", &digest, bytes);
    }
    registry.wire().put_manifest("a/b", &attestation.digest(), OCI_MANIFEST, attestation.manifest());
    let path = format!("/v2/a/b/referrers/{}", image.digest());
    let listed = get(&registry, &path).json();
    assert_eq!(listed["manifests"].as_array().unwrap().len(), 1);
    assert_eq!(listed["manifests"][0]["digest"], attestation.digest());
    assert_eq!(listed["manifests"][0]["artifactType"], "application/vnd.docker.attestation.manifest.v1+json");
    let none = get(&registry, &format!("/v2/a/b/referrers/{}", attestation.digest()));
    assert_eq!((none.status, none.json()["manifests"].as_array().unwrap().len()), (200, 0));
    inner(&registry).knobs().referrers = Referrers::Unknown;
    assert_eq!(get(&registry, &path).status, 404);
}

#[test]
fn a_challenge_has_the_form_that_the_knob_says() {
    let account = Account::new("ci-bot", "very secret");
    let (registry, _) = seeded(|knobs| knobs.auth = Auth::Bearer(account));
    let nobody = Wire::new(registry.host(), None);
    let asked = |form: ChallengeForm, path: &str| {
        inner(&registry).knobs().challenge = form;
        let answer = nobody.send("GET", path, &[], b"");
        assert_eq!(answer.status, 401);
        answer.header("WWW-Authenticate").map(str::to_owned)
    };
    assert_eq!(asked(ChallengeForm::BaseOnly, MANIFEST), None);
    assert!(asked(ChallengeForm::BaseOnly, "/v2/").expect("a challenge").starts_with("Bearer realm="));
    assert!(asked(ChallengeForm::Crowded, MANIFEST).expect("challenges").starts_with("Negotiate, Digest realm="));
    let realm = asked(ChallengeForm::Realm("https://elsewhere.example/".to_owned()), MANIFEST);
    assert_eq!(realm.as_deref(), Some(r#"Bearer realm="https://elsewhere.example/",service="rig""#));
}

#[test]
fn a_connection_ends_after_so_many_answers() {
    use std::io::{Read as _, Write as _};
    let (registry, _) = seeded(|knobs| knobs.connections = Connections::ClosedAfter(2));
    let mut stream = std::net::TcpStream::connect(registry.host()).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_mins(1))).expect("a socket takes a time limit");
    let mut heard = String::new();
    for _ in 0..2 {
        stream.write_all(b"GET /v2/ HTTP/1.1\r\nHost: rig\r\n\r\n").expect("it is open");
        let mut some = [0; 4096];
        let length = stream.read(&mut some).expect("an answer");
        heard += &String::from_utf8_lossy(&some[..length]);
    }
    assert_eq!(heard.matches("HTTP/1.1 200").count(), 2);
    assert!(!heard.to_lowercase().contains("connection: close"), "it is closed without a word: {heard}");
    assert_eq!(stream.read(&mut [0; 16]).expect("the end"), 0);
}

#[test]
fn a_limit_lets_so_many_through() {
    let (registry, _) = seeded(|knobs| knobs.limit = Some(Limit::new(1, 3, Says::InASecond)));
    let statuses = [(); 5].map(|()| registry.wire().send("GET", "/v2/", &[], b"").status);
    let refused = statuses.iter().filter(|status| **status == 429).count();
    assert!((1..=2).contains(&refused) && statuses[..3] == [200; 3], "{statuses:?}");
}

#[test]
fn a_storm_strikes_as_often_as_it_says_and_never_one_request_for_ever() {
    for seed in 1..=3 {
        let (registry, _) = seeded(|knobs| knobs.storm = Some(Storm::new(seed, 0.2, 0.0)));
        let wire = registry.wire();
        let mut failed = 0;
        for request in 0..500 {
            let answer = wire.try_send("GET", &format!("/v2/?{request}"), &[], b"");
            failed += usize::from(answer.is_none_or(|answer| answer.status != 200 || answer.body != "{}".as_bytes()));
        }
        let struck = inner(&registry).knobs().storm.take().expect("a storm").struck.len();
        assert!((70..=130).contains(&struck) && failed <= struck && failed > struck / 2, "{struck}, seen {failed}");
    }
    let (registry, _) = seeded(|knobs| knobs.storm = Some(Storm::new(1, 1.0, 0.0)));
    let wire = registry.wire();
    let answers = [(); 7].map(|()| wire.try_send("PUT", "/v2/", &[], b"").is_some_and(|answer| answer.status == 405));
    assert_eq!(answers, [false, false, false, false, false, false, true]);
}

#[test]
fn a_storm_strikes_the_same_attempts_in_whatever_order_requests_come() {
    let struck = |repositories: &[&str]| {
        let (registry, _) = seeded(|knobs| knobs.storm = Some(Storm::new(1, 0.5, 0.0)));
        let wire = registry.wire();
        for repository in repositories {
            // The id of an upload depends on the order in which uploads were started.
            let path = format!("/v2/{repository}/blobs/uploads/{}?digest=sha256:0", repositories[0]);
            let _ = wire.try_send("PUT", &path, &[], b"");
        }
        let storm = inner(&registry).knobs().storm.take().expect("a storm");
        let mut struck: Vec<String> = storm.struck.iter().map(ToString::to_string).collect();
        struck.sort();
        struck
    };
    let one_by_one = struck(&["a", "a", "a", "a", "b", "b", "b", "b"]);
    assert_eq!(one_by_one, struck(&["b", "a", "b", "b", "a", "a", "b", "a"]));
    assert!((1..8).contains(&one_by_one.len()), "{one_by_one:?}");
}

#[test]
fn the_log_keeps_what_a_request_says() {
    let (registry, _) = seeded(|_| {});
    let body = "x".repeat(100 << 10);
    registry.wire().send("POST", "/token?q=in-the-query", &[("X-Test", "in-a-header")], b"in the body");
    registry.wire().send("POST", "/v2/", &[], body.as_bytes());
    let log = inner(&registry).log();
    let said = |text: &str| log.filter(|exchange| exchange.says(text)).len();
    assert_eq!(["in-the-query", "in-a-header", "in the body", "nowhere"].map(said), [1, 1, 1, 0]);
    assert_eq!(log.iter().last().expect("a request").said.body.len(), 64 << 10);
    assert!(!log.to_string().contains("in-a-header"), "it is not shown");
}
