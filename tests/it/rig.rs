//! Tests of the test registry: the registry of this process responds like Debian's. Otherwise, tests against it would
//! prove little.

use crate::support::any_registry::{AnyRegistry, Kind, on_strict_registries};
use crate::support::context::PATIENCE;
use crate::support::images::{DOCKER_LIST, Dialect, Image, OCI_INDEX, foreign_list};
use crate::support::readers;
use crate::support::registry::{Account, Registry, store::digest_of};
use crate::support::wire::EVERY_TYPE;

mod knobs;
mod lies;

on_strict_registries!(
    an_image_without_its_blobs_is_refused,
    a_list_without_its_children_is_refused,
    repositories_are_separate,
    a_mount_is_granted_or_becomes_a_session,
    what_is_pushed_is_read_back,
    other_programs_read_it,
    a_list_is_absent_for_who_does_not_accept_it,
    bytes_under_another_digest_are_refused,
    only_the_account_gets_in,
    the_log_tells_what_was_asked,
    it_goes_down_and_comes_back,
);

fn start(kind: Kind) -> AnyRegistry {
    kind.start().expect("it was installed a moment ago")
}

fn image(content: &str) -> Image {
    Image::new(Dialect::Docker, "linux/arm/v7", content)
}

fn an_image_without_its_blobs_is_refused(kind: Kind) {
    let (registry, image) = (start(kind), image("app"));
    let answer = registry.wire().put_manifest("a/b", "v1", image.media_type(), image.manifest());
    assert_eq!(answer.status, 400);
    assert_eq!(codes(&answer.json()), ["MANIFEST_BLOB_UNKNOWN"; 2], "one for the config, one for the layer");
    if let AnyRegistry::InProcess(registry) = registry {
        assert!(!registry.store().refusals()[0].is_list);
    }
}

fn a_list_without_its_children_is_refused(kind: Kind) {
    let (registry, image) = (start(kind), image("app"));
    registry.push("a/other", "v1", &image);
    let answer = registry.wire().put_manifest("a/b", "v1", DOCKER_LIST, &foreign_list(DOCKER_LIST, &[&image]));
    assert_eq!(answer.status, 400);
    assert_eq!(codes(&answer.json()), ["MANIFEST_BLOB_UNKNOWN"]);
    assert_eq!(answer.json()["errors"][0]["detail"], image.digest());
    if let AnyRegistry::InProcess(registry) = registry {
        assert!(registry.store().refusals()[0].is_list);
    }
}

fn repositories_are_separate(kind: Kind) {
    let (registry, image) = (start(kind), image("app"));
    registry.push("a/b", "v1", &image);
    registry.push("a/c", "other", &self::image("other"));
    let wire = registry.wire();
    let (blob, _) = &image.blobs()[0];
    assert_eq!(wire.send("HEAD", &format!("/v2/a/b/blobs/{blob}"), &[], b"").status, 200);
    assert_eq!(wire.send("HEAD", &format!("/v2/a/c/blobs/{blob}"), &[], b"").status, 404);
    assert!(wire.manifest("a/c", &image.digest()).is_none());
    assert!(wire.manifest("a/never", "v1").is_none());
}

fn a_mount_is_granted_or_becomes_a_session(kind: Kind) {
    let (registry, image) = (start(kind), image("app"));
    registry.push("a/b", "v1", &image);
    let (blob, _) = &image.blobs()[0];
    let mount = |digest: &str| format!("/v2/a/c/blobs/uploads/?mount={digest}&from=a/b");
    let wire = registry.wire();
    assert_eq!(wire.send("POST", &mount(blob), &[], b"").status, 201);
    assert_eq!(wire.send("HEAD", &format!("/v2/a/c/blobs/{blob}"), &[], b"").status, 200);
    let absent = wire.send("POST", &mount(&digest_of(b"never pushed")), &[], b"");
    assert_eq!(absent.status, 202);
    assert!(absent.header("Location").is_some());
}

fn what_is_pushed_is_read_back(kind: Kind) {
    let registry = start(kind);
    let (one, two) = (image("one"), Image::new(Dialect::Docker, "linux/amd64", "two"));
    registry.push("a/b", "one", &one);
    registry.push("a/b", "two", &two);
    let list = foreign_list(DOCKER_LIST, &[&one, &two]);
    registry.push_list("a/b", "v1", DOCKER_LIST, &list);
    let digest = digest_of(&list);
    for reference in ["v1", &digest] {
        let path = format!("/v2/a/b/manifests/{reference}");
        let head = registry.wire().send("HEAD", &path, &[("Accept", EVERY_TYPE)], b"");
        assert_eq!(head.status, 200);
        assert_eq!(head.header("Docker-Content-Digest"), Some(digest.as_str()));
        assert_eq!(head.header("Content-Type"), Some(DOCKER_LIST));
        assert_eq!(head.header("Content-Length"), Some(list.len().to_string().as_str()));
        assert_eq!(registry.wire().manifest("a/b", reference).unwrap().body, list);
    }
    let expected = [("linux/arm/v7".to_owned(), one.digest()), ("linux/amd64".to_owned(), two.digest())];
    assert_eq!(registry.list("a/b", "v1").unwrap(), expected);
    let tags = registry.wire().send("GET", "/v2/a/b/tags/list", &[], b"").json();
    let mut tags: Vec<&str> = tags["tags"].as_array().unwrap().iter().filter_map(|tag| tag.as_str()).collect();
    tags.sort_unstable(); // Debian's registry does not sort tags.
    assert_eq!(tags, ["one", "two", "v1"]);
    let (blob, bytes) = &two.blobs()[1];
    assert_eq!(registry.wire().send("GET", &format!("/v2/a/b/blobs/{blob}"), &[], b"").body, *bytes);
}

fn other_programs_read_it(kind: Kind) {
    let registry = start(kind);
    for (dialect, media_type, tag) in [(Dialect::Docker, DOCKER_LIST, "docker"), (Dialect::Oci, OCI_INDEX, "oci")] {
        let image = Image::new(dialect, "linux/arm/v7", "app");
        registry.push("a/b", "arm", &image);
        registry.push_list("a/b", tag, media_type, &foreign_list(media_type, &[&image]));
        let reference = format!("{}/a/b:{tag}", registry.plain_host());
        let config = tempfile::tempdir().unwrap();
        let expected = vec![("linux/arm/v7".to_owned(), image.digest())];
        let read = [
            readers::skopeo(&format!("docker://{reference}"), config.path()),
            readers::docker(&reference, config.path()),
        ];
        read.into_iter().flatten().for_each(|read| assert_eq!(read, expected));
    }
}

fn a_list_is_absent_for_who_does_not_accept_it(kind: Kind) {
    let registry = start(kind);
    let image = Image::new(Dialect::Oci, "linux/amd64", "app");
    registry.push("a/b", "amd64", &image);
    registry.push_list("a/b", "v1", OCI_INDEX, &foreign_list(OCI_INDEX, &[&image]));
    let accept = [("Accept", image.media_type())];
    assert_eq!(registry.wire().send("HEAD", "/v2/a/b/manifests/v1", &accept, b"").status, 404);
    assert_eq!(registry.wire().send("HEAD", "/v2/a/b/manifests/amd64", &accept, b"").status, 200);
}

fn bytes_under_another_digest_are_refused(kind: Kind) {
    let (registry, image) = (start(kind), image("app"));
    registry.push("a/b", "v1", &image);
    let other = digest_of(b"something else");
    let answer = registry.wire().put_manifest("a/b", &other, image.media_type(), image.manifest());
    assert_eq!((answer.status, codes(&answer.json())), (400, vec!["DIGEST_INVALID".to_owned()]));
}

fn only_the_account_gets_in(kind: Kind) {
    let account = Account::new("ci-bot", "very secret");
    let registry = kind.start_for(account).expect("it was installed a moment ago");
    registry.push("a/b", "v1", &image("app"));
    let nobody = crate::support::wire::Wire::new(registry.plain_host(), None);
    let answer = nobody.send("GET", "/v2/a/b/manifests/v1", &[("Accept", EVERY_TYPE)], b"");
    assert_eq!(answer.status, 401);
    assert!(answer.header("WWW-Authenticate").unwrap().starts_with("Basic realm="));
}

fn the_log_tells_what_was_asked(kind: Kind) {
    let registry = start(kind);
    let ((), log) = registry.watch(|| registry.push("a/b", "v1", &image("app")));
    let methods: Vec<&str> = log.iter().map(|exchange| exchange.method.as_str()).collect();
    assert_eq!(methods, ["POST", "PUT", "POST", "PUT", "PUT"], "{log}");
    let last = log.iter().last().unwrap();
    assert_eq!((last.repository(), last.manifest(), last.status), (Some("a/b"), Some("v1"), 201));
    assert_eq!(log.manifest_puts().len(), 1);
    assert!(log.iter().take(4).all(|exchange| exchange.is_blob() && exchange.repository() == Some("a/b")));
}

fn it_goes_down_and_comes_back(kind: Kind) {
    let mut registry = start(kind);
    registry.push("a/b", "v1", &image("app"));
    registry.stop();
    assert!(registry.wire().try_send("GET", "/v2/", &[], b"").is_none());
    registry.restart();
    assert!(registry.wire().manifest("a/b", "v1").is_some());
}

fn codes(errors: &serde_json::Value) -> Vec<String> {
    let errors = errors["errors"].as_array().expect("errors");
    errors.iter().map(|error| error["code"].as_str().expect("a code").to_owned()).collect()
}

mod bearer {
    use super::*;
    use crate::support::registry::{Auth, Knobs};
    use crate::support::wire::Wire;

    fn start() -> (Registry, Account) {
        let account = Account::new("ci-bot", "very secret");
        let auth = Auth::Bearer(account.clone());
        (Registry::start(Knobs { auth, ..Knobs::default() }), account)
    }

    fn token(registry: &Registry, account: &Account, scopes: &str) -> String {
        let wire = Wire::new(registry.host(), Some(account.basic()));
        let answer = wire.send("GET", &format!("/token?service=rig&{scopes}"), &[], b"");
        format!("Bearer {}", answer.json()["token"].as_str().expect("a token"))
    }

    #[test]
    fn a_challenge_names_realm_and_scope() {
        let (registry, _) = start();
        let answer = Wire::new(registry.host(), None).send("HEAD", "/v2/a/b/manifests/v1", &[], b"");
        assert_eq!(answer.status, 401);
        let host = registry.host();
        let expected = format!(r#"Bearer realm="http://{host}/token",service="rig",scope="repository:a/b:pull""#);
        assert_eq!(answer.header("WWW-Authenticate"), Some(expected.as_str()));
    }

    #[test]
    fn a_token_is_given_to_the_account_only() {
        let (registry, _) = start();
        let wrong = Account::new("ci-bot", "guessed").basic();
        for authorization in [None, Some(wrong)] {
            let wire = Wire::new(registry.host(), authorization);
            assert_eq!(wire.send("GET", "/token?scope=repository:a/b:pull", &[], b"").status, 401);
        }
    }

    #[test]
    fn a_token_to_pull_does_not_push_and_a_mount_needs_both_repositories() {
        let (registry, account) = start();
        let statuses = |scopes: &str| {
            let wire = Wire::new(registry.host(), Some(token(&registry, &account, scopes)));
            let head = wire.send("HEAD", "/v2/a/b/manifests/v1", &[], b"").status;
            let upload = wire.send("POST", "/v2/a/b/blobs/uploads/", &[], b"").status;
            let mount = "/v2/a/b/blobs/uploads/?mount=sha256:00&from=a/c";
            (head, upload, wire.send("POST", mount, &[], b"").status)
        };
        assert_eq!(statuses("scope=repository:a/b:pull"), (404, 401, 401));
        assert_eq!(statuses("scope=repository:a/b:pull,push"), (404, 202, 401));
        assert_eq!(statuses("scope=repository:a/b:pull,push&scope=repository:a/c:pull"), (404, 202, 202));
        assert_eq!(statuses("scope=repository:a/b:pull,push+repository:a/c:pull"), (404, 202, 202));
    }

    #[test]
    fn revoked_tokens_are_refused() {
        let (registry, account) = start();
        let wire = Wire::new(registry.host(), Some(token(&registry, &account, "scope=repository:a/b:pull")));
        registry.knobs().revoke_tokens_after = Some(0);
        let statuses = [(); 2].map(|()| wire.send("HEAD", "/v2/a/b/manifests/v1", &[], b"").status);
        assert_eq!(statuses, [404, 401]);
    }
}

mod faults {
    use super::*;
    use crate::support::registry::{Fault, Knobs, Mount, Then};
    use crate::support::wire::Wire;

    fn seeded(knobs: Knobs) -> (AnyRegistry, Image) {
        let (registry, image) = (AnyRegistry::InProcess(Registry::start(knobs)), image("app"));
        registry.push("a/b", "v1", &image);
        (registry, image)
    }

    #[test]
    fn a_lost_answer_took_effect_and_a_lost_request_did_not() {
        for (then, takes_effect) in [(Then::AnswerLost, true), (Then::RequestLost, false)] {
            let (registry, image) = seeded(Knobs::default());
            let AnyRegistry::InProcess(inner) = &registry else { unreachable!() };
            inner.knobs().fault(Fault { method: "PUT", path: "/manifests/v2", times: 1, then });
            let path = "/v2/a/b/manifests/v2";
            let headers = [("Content-Type", image.media_type())];
            assert!(registry.wire().try_send("PUT", path, &headers, image.manifest()).is_none());
            assert_eq!(registry.wire().manifest("a/b", "v2").is_some(), takes_effect);
            assert_eq!(registry.wire().send("PUT", path, &headers, image.manifest()).status, 201);
        }
    }

    #[test]
    fn statuses_come_as_often_as_asked_for() {
        let (registry, _) = seeded(Knobs::default());
        let AnyRegistry::InProcess(inner) = &registry else { unreachable!() };
        inner.knobs().fault(Fault { method: "HEAD", path: "/manifests/", times: 1, then: Then::Status(503) });
        inner.knobs().fault(Fault { method: "HEAD", path: "/manifests/", times: 1, then: Then::RetryAfter(7) });
        let head = || registry.wire().send("HEAD", "/v2/a/b/manifests/v1", &[("Accept", EVERY_TYPE)], b"");
        assert_eq!(head().status, 503);
        let limited = head();
        assert_eq!((limited.status, limited.header("Retry-After")), (429, Some("7")));
        assert_eq!(head().status, 200);
    }

    #[test]
    fn a_mount_can_become_a_session() {
        let (registry, image) = seeded(Knobs { mount: Mount::Session, ..Knobs::default() });
        let (blob, _) = &image.blobs()[0];
        let path = format!("/v2/a/c/blobs/uploads/?mount={blob}&from=a/b");
        assert_eq!(registry.wire().send("POST", &path, &[], b"").status, 202);
    }

    #[test]
    fn it_stands_still_after_so_many_writes_and_forgets_what_waited() {
        let (registry, image) = seeded(Knobs::default());
        let AnyRegistry::InProcess(inner) = &registry else { unreachable!() };
        inner.freeze_after(2);
        let wire = Wire::new(registry.host(), None);
        let pushes = std::thread::scope(|scope| {
            let push = |tag: &'static str| {
                let (wire, image) = (wire.clone(), image.clone());
                move || {
                    let headers = [("Content-Type", image.media_type())];
                    wire.try_send("PUT", &format!("/v2/a/b/manifests/{tag}"), &headers, image.manifest()).is_some()
                }
            };
            assert!(push("v2")(), "the first write is answered");
            let waiting = [scope.spawn(push("v3")), scope.spawn(push("v4"))];
            assert!(inner.wait_frozen(PATIENCE));
            inner.thaw_and_forget();
            waiting.map(|thread| thread.join().unwrap())
        });
        // One of the two is the second write: it took effect, but its response is dropped. The other has no effect, or
        // arrives after the freeze.
        let stand = ["v3", "v4"].map(|tag| registry.wire().manifest("a/b", tag).is_some());
        assert!(stand.contains(&true));
        assert!(pushes.contains(&false));
    }
}
