//! A registry that fails a fifth of all responses, and a registry with a low rate limit. All lists are published
//! correctly, and no tag ever refers to a list whose children do not exist.

use std::fmt::Write as _;

use crate::support::context::Context;
use crate::support::images::{Dialect, Image};
use crate::support::registry::knobs::Head;
use crate::support::registry::storm::{Limit, Says, Storm};
use crate::support::registry::{Account, Auth, Knobs, Mount, Registry, Store};
use crate::support::release::PLATFORMS;
use crate::support::sample;

/// The share of all responses that fail.
const SHARE: f64 = 0.2;
/// The share of failing responses that never arrive. Each costs the 15 seconds of the response timeout.
const STALLS: f64 = 0.01;

/// Lists of five members in their own registry.
struct Fleet {
    registry: Registry,
    context: Context,
    lists: usize,
}

/// The location of the members.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Members {
    /// Each in its own repository: blobs are mounted or uploaded.
    OwnRepositories,
    /// In the repository of their list.
    TargetRepository,
}

impl Fleet {
    fn new(lists: usize, members: Members) -> Self {
        let registry = Registry::start(Knobs::default());
        for list in 0..lists {
            for (platform, arch) in PLATFORMS {
                let (repository, tag) = match members {
                    Members::OwnRepositories => (format!("{}-{arch}", name(list)), "v1".to_owned()),
                    Members::TargetRepository => (name(list), format!("v1-{arch}")),
                };
                seed(&mut registry.store(), &repository, &tag, &image(list, platform));
            }
        }
        let source = match members {
            Members::OwnRepositories => "{registry}/{name}-{arch}:v1",
            Members::TargetRepository => "{registry}/{name}:v1-{arch}",
        };
        let platforms: Vec<&str> = PLATFORMS.iter().map(|(platform, _)| *platform).collect();
        let names: Vec<String> = (0..lists).map(name).collect();
        let manifest = format!(
            r#"
                [vars]
                registry = "{}"

                [defaults]
                platforms = {platforms:?}
                source = "{source}"
                target = "{{registry}}/{{name}}"
                tags = ["v1"]

                [list.app]
                matrix.name = {names:?}
            "#,
            registry.host()
        );
        Self { registry, context: Context::with(&manifest), lists }
    }

    /// Publishes all lists while a fifth of all responses fail. Then checks that nothing is left to do.
    fn weathers(&self, seed: u64) {
        self.registry.knobs().storm = Some(Storm::new(seed, SHARE, STALLS));
        self.context.mlist("sync").exits(0);
        let storm = self.registry.knobs().storm.take().expect("it was there a moment ago");
        let share = storm.struck.len() * 100 / storm.requests;
        assert!((15..=25).contains(&share), "{storm}");
        self.assert_published();
        self.assert_unchanged();
    }

    /// Checks that every list exists with the right entries, and that all its children and blobs exist.
    fn assert_published(&self) {
        let store = self.registry.store();
        let lists: Vec<_> = store.refusals().iter().filter(|refusal| refusal.is_list).collect();
        assert!(lists.is_empty(), "lists went before their children: {lists:?}");
        for list in 0..self.lists {
            let repository = name(list);
            let published = store.manifest(&repository, "v1").unwrap_or_else(|| panic!("{repository}:v1 is absent"));
            let published: serde_json::Value = serde_json::from_slice(&published.bytes).expect("JSON");
            let entries = published["manifests"].as_array().expect("entries");
            assert_eq!(entries.len(), PLATFORMS.len(), "{repository}");
            for (entry, (platform, _)) in entries.iter().zip(PLATFORMS) {
                let image = image(list, platform);
                assert_eq!(*entry, image.entry(), "{repository}");
                let child = store.manifest(&repository, &image.digest()).expect("a child that a tag names");
                assert_eq!(child.bytes, image.manifest());
                for (digest, bytes) in image.blobs() {
                    assert_eq!(store.blob(&repository, &digest).expect("a blob of a child that stands"), bytes);
                }
            }
        }
    }

    fn assert_unchanged(&self) {
        let before = self.registry.log().len();
        let output = self.context.mlist("sync").exits(0);
        let log = self.registry.log().since(before);
        assert_eq!(log.writes().len(), 0, "{log}");
        let all = format!("Nothing to publish: {} lists unchanged (", self.lists);
        assert!(output.verdict().starts_with(&all), "{output}");
    }
}

impl Drop for Fleet {
    /// Prints the faults of a failed run.
    #[expect(clippy::disallowed_macros, reason = "a test that fails shows why")]
    fn drop(&mut self) {
        if let Some(storm) = self.registry.knobs().storm.take().filter(|_| std::thread::panicking()) {
            eprintln!("{storm}");
        }
    }
}

fn name(list: usize) -> String {
    format!("acme/app{list:03}")
}

fn image(list: usize, platform: &str) -> Image {
    Image::new(Dialect::Oci, platform, &name(list))
}

/// Adds an image to the store directly, without the network.
fn seed(store: &mut Store, repository: &str, tag: &str, image: &Image) {
    for (digest, bytes) in image.blobs() {
        let upload = store.begin_upload(repository);
        store.append(repository, &upload, bytes);
        store.finish_upload(repository, &upload, &digest).expect("the bytes have their digest");
    }
    let bytes = image.manifest().to_vec().into();
    store.put_manifest(repository, tag, image.media_type(), bytes).expect("its blobs stand");
}

#[test]
fn a_thousand_images_are_published_in_every_storm() {
    for seed in sample(3, 1..=3) {
        Fleet::new(200, Members::OwnRepositories).weathers(seed);
    }
}

#[test]
fn blobs_that_are_sent_by_tokens_get_through_a_storm() {
    let fleet = Fleet::new(20, Members::OwnRepositories);
    let account = Account::new("ci-bot", "s3cret-of-the-bot");
    fleet.context.log_in(&fleet.registry.host(), &account);
    {
        let mut knobs = fleet.registry.knobs();
        (knobs.auth, knobs.mount) = (Auth::Bearer(account), Mount::Session);
    }
    fleet.weathers(4);
}

#[test]
fn sixty_lists_are_published_in_every_storm() {
    for seed in sample(12, 101..=112) {
        Fleet::new(60, Members::OwnRepositories).weathers(seed);
    }
}

#[test]
fn sixty_lists_whose_heads_say_too_little_are_published_in_every_storm() {
    for seed in sample(12, 201..=212) {
        let fleet = Fleet::new(60, Members::OwnRepositories);
        fleet.registry.knobs().head = Head::NoDigest;
        fleet.weathers(seed);
    }
}

/// Publishes to a host that accepts fifty requests per second.
fn fifty_a_second(says: Says) {
    let fleet = Fleet::new(60, Members::TargetRepository);
    fleet.registry.knobs().limit = Some(Limit::new(50, 10, says));
    fleet.context.mlist("sync").exits(0);
    fleet.registry.knobs().limit = None;
    fleet.assert_published();
    fleet.assert_unchanged();
}

#[test]
fn a_host_that_takes_fifty_requests_a_second_gets_all_lists() {
    fifty_a_second(Says::Nothing);
}

#[test]
fn a_host_that_takes_fifty_requests_a_second_and_says_when_gets_all_lists() {
    fifty_a_second(Says::InASecond);
}

/// The layers of images that are copied to another registry: small ones, which are read before they are sent, and large
/// ones, which are sent while they are read.
const LAYERS: [(&str, usize); 2] = [("small", 3000), ("large", 3 << 20)];

/// Copies images with small and large layers from one registry to another while a fifth of the responses of both fail.
/// Then checks that all arrived. Returns how many reads were resumed.
fn copied_between_two_registries(seed: u64, lists: usize) -> usize {
    let (from, to) = (Registry::start(Knobs::default()), Registry::start(Knobs::default()));
    let layered = |list: usize, layer: &str, size| {
        Image::new(Dialect::Oci, "linux/amd64", &format!("{layer} {list}")).with_layer_of(size)
    };
    let mut manifest = "[defaults]\nplatforms = [\"linux/amd64\"]\ntags = [\"v1\"]\n".to_owned();
    for list in 0..lists {
        for (layer, size) in LAYERS {
            seed_image(&from, &format!("acme/{layer}{list}"), &layered(list, layer, size));
            writeln!(manifest, "\n[list.{layer}{list}]").expect("a String takes all");
            writeln!(manifest, "source = \"{}/acme/{layer}{list}:v1\"", from.host()).expect("a String takes all");
            writeln!(manifest, "target = \"{}/acme/{layer}{list}\"", to.host()).expect("a String takes all");
        }
    }
    let context = Context::with(&manifest);
    for (registry, seed) in [(&from, seed), (&to, !seed)] {
        registry.knobs().storm = Some(Storm::new(seed, SHARE, 0.0));
    }
    context.mlist("sync").exits(0);
    for registry in [&from, &to] {
        registry.knobs().storm = None;
    }
    let store = to.store();
    for list in 0..lists {
        for (layer, size) in LAYERS {
            for (digest, bytes) in layered(list, layer, size).blobs() {
                let stored = store.blob(&format!("acme/{layer}{list}"), &digest);
                assert!(stored.is_some_and(|stored| stored == bytes), "{layer}{list} {digest}");
            }
        }
    }
    drop(store);
    let (puts, posts) = (uploads(&to, "PUT"), uploads(&to, "POST"));
    assert!(puts >= lists * 4 && posts >= lists * 4, "{puts} PUTs, {posts} POSTs");
    from.log().filter(|exchange| exchange.is_blob() && exchange.status == 206).len()
}

fn uploads(registry: &Registry, method: &str) -> usize {
    registry.log().filter(|exchange| exchange.method == method && exchange.path.contains("/uploads/")).len()
}

fn seed_image(registry: &Registry, repository: &str, image: &Image) {
    seed(&mut registry.store(), repository, "v1", image);
}

#[test]
fn blobs_are_copied_between_two_registries_in_every_storm() {
    let resumed: usize = sample(6, 401..=406).into_iter().map(|seed| copied_between_two_registries(seed, 12)).sum();
    assert!(resumed > 0, "no read was resumed");
}
