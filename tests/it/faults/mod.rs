//! Tests every known fault of registries one by one with the whole program: the final result, what is reported, and
//! that it never causes wrong bytes, unnecessary writes or leaked secrets.
//!
//! | file | holds |
//! |---|---|
//! | [`answers`] | responses that are lost, truncated, late, corrupt, compressed, too large or not from a registry |
//! | [`blobs`] | mounts, uploads, and redirects of blobs |
//! | [`challenges`] | the challenges of registries that require login |
//! | [`connections`] | connections that are closed |
//! | [`heads`] | HEADs that are refused or incomplete, lists that are returned as another manifest |
//! | [`later`] | responses that ask the client to retry later, in all forms |
//! | [`pushed`] | pushed tags and manifests that are not visible yet |
//! | [`tags`] | tags that are forbidden, and the tag list |
//! | [`writes`] | manifests that are refused, undone or immutable |

use serde_json::Value;

use crate::support::any_registry::AnyRegistry;
use crate::support::context::{Context, Output};
use crate::support::images::{Dialect, Image};
use crate::support::registry::{Account, Auth, Fault, Knobs, Log, Registry, Then};

mod answers;
mod blobs;
mod challenges;
mod connections;
mod heads;
mod later;
mod pushed;
mod tags;
mod writes;

/// The platforms of the members, and how `{arch}` spells each.
const MEMBERS: [(&str, &str); 2] = [("linux/amd64", "amd64"), ("linux/arm64", "arm64")];
const ALWAYS: usize = usize::MAX;
const PASSWORD: &str = "s3cret-of-the-bot";

fn account() -> Account {
    Account::new("ci-bot", PASSWORD)
}

/// A registry with the two members of `acme/app`, each in its own repository, and a project that publishes the list.
struct World {
    registry: AnyRegistry,
    context: Context,
    images: Vec<Image>,
}

/// The result of a run.
struct Run {
    output: Output,
    /// The requests to the registry.
    log: Log,
    /// The JSON report.
    report: Value,
}

impl World {
    /// Creates a world. `turn` changes the knobs after everything was pushed.
    fn new(turn: impl FnOnce(&mut Knobs)) -> Self {
        Self::with_tags(&["v1"], turn)
    }

    /// Like [`World::new`], with these tags for the list.
    fn with_tags(tags: &[&str], turn: impl FnOnce(&mut Knobs)) -> Self {
        let registry = AnyRegistry::InProcess(Registry::start(Knobs::default()));
        let images: Vec<Image> =
            MEMBERS.iter().map(|(platform, _)| Image::new(Dialect::Oci, platform, "app")).collect();
        let world = Self { context: Context::new(), images, registry };
        for ((_, arch), image) in MEMBERS.iter().zip(&world.images) {
            world.registry.push(&format!("acme/app-{arch}"), "v1", image);
        }
        world.context.manifest(&format!(
            r#"
                [list.app]
                platforms = ["linux/amd64", "linux/arm64"]
                source = "{host}/acme/app-{{arch}}:v1"
                target = "{host}/acme/app"
                tags = {tags:?}
            "#,
            host = world.registry.host()
        ));
        turn(&mut world.inner().knobs());
        world
    }

    /// Like [`World::new`], with a registry that requires login. mlist is logged in.
    fn guarded(auth: fn(Account) -> Auth, turn: impl FnOnce(&mut Knobs)) -> Self {
        let world = Self::new(turn);
        world.inner().knobs().auth = auth(account());
        world.context.log_in(&world.registry.host(), &account());
        world
    }

    /// Like [`World::new`], with these faults.
    fn faulty(faults: &[Fault]) -> Self {
        Self::new(|knobs| knobs.faults.extend(faults))
    }

    /// Like [`World::new`], with one version of the list already published and another one to publish.
    fn updating(faults: &[Fault]) -> Self {
        let mut world = Self::new(|_| {});
        world.sync().ends(0);
        world.images[1] = Image::new(Dialect::Oci, "linux/arm64", "app rebuilt");
        world.registry.push("acme/app-arm64", "v1", &world.images[1]);
        world.inner().knobs().faults.extend(faults);
        world
    }

    fn inner(&self) -> &Registry {
        match &self.registry {
            AnyRegistry::InProcess(registry) => registry,
            _ => unreachable!("knobs are turned here"),
        }
    }

    /// Runs `mlist sync` with maximum verbosity.
    fn sync(&self) -> Run {
        let (output, log) =
            self.registry.watch(|| self.context.mlist("sync -vv --format human --format json=report.json"));
        let report = std::fs::read_to_string(self.context.path("report.json")).expect("a report, whatever the outcome");
        let run = Run { output, log, report: serde_json::from_str(&report).expect("JSON") };
        run.assert_tells_no_secret(&report);
        self.assert_storage_heard_no_secret();
        run
    }

    /// Checks that the tag refers to the complete list, and that all its blobs exist.
    #[track_caller]
    fn assert_published(&self) {
        let digests = MEMBERS.iter().zip(&self.images);
        let expected: Vec<_> = digests.map(|((platform, _), image)| ((*platform).to_owned(), image.digest())).collect();
        let store = self.inner().store();
        let list = store.manifest("acme/app", "v1").expect("the tag stands");
        let list: Value = serde_json::from_slice(&list.bytes).expect("JSON");
        assert_eq!(crate::support::any_registry::entries(&list), expected);
        let blobs = self.images.iter().flat_map(Image::blobs);
        blobs.for_each(|(digest, bytes)| assert_eq!(store.blob("acme/app", &digest).expect("a blob"), bytes));
        let refused = store.refusals().iter().filter(|refusal| refusal.is_list).count();
        assert_eq!(refused, 0, "a list went before its children");
    }

    /// Checks that every requested fault has occurred.
    #[track_caller]
    fn assert_all_struck(&self) {
        let idle: Vec<Fault> =
            self.inner().knobs().faults.iter().filter(|fault| !matches!(fault.times, 0 | ALWAYS)).copied().collect();
        assert!(idle.is_empty(), "never came to pass: {idle:?}");
    }

    /// Checks that a run succeeds despite the faults, and that another run writes nothing, whatever the rules of the
    /// registry for tags and its responses to HEAD.
    #[track_caller]
    fn assert_gets_over(&self) -> Run {
        let run = self.sync().ends(0);
        self.assert_all_struck();
        self.assert_published();
        self.assert_unchanged();
        run
    }

    /// Checks that another run writes nothing.
    #[track_caller]
    fn assert_unchanged(&self) {
        let run = self.sync().ends(0);
        assert_eq!(run.log.writes().len(), 0, "{}", run.log);
        assert_eq!(run.report["summary"]["unchanged"], 1, "{}", run.report);
    }

    /// Checks that the tag of the target was not written.
    #[track_caller]
    fn assert_nothing_published(&self) {
        assert!(self.inner().store().manifest("acme/app", "v1").is_none(), "the tag stands");
    }

    #[track_caller]
    fn assert_storage_heard_no_secret(&self) {
        let log = self.inner().storage_log();
        for secret in [PASSWORD, &account().encoded(), "token-"] {
            let heard = log.filter(|exchange| exchange.says(secret));
            assert_eq!(heard.len(), 0, "{secret}: {heard}");
        }
        let refused = log.filter(|exchange| exchange.status == 400);
        assert_eq!(refused.len(), 0, "{refused}");
    }
}

impl Run {
    /// Checks the exit status. Panics with the transcript if it differs.
    #[track_caller]
    fn ends(self, status: i32) -> Self {
        assert_eq!(self.output.status, status, "{}\n{}", self.output, self.log);
        assert_eq!(self.report["exit_status"], status);
        self
    }

    /// Returns the problem with this code. All reported problems must have this code, however many lists they affect.
    #[track_caller]
    fn problem(&self, code: &str) -> &Value {
        let lists = self.report["lists"].as_array().expect("lists");
        let own = lists.iter().flat_map(|list| list["problems"].as_array().expect("problems"));
        let all: Vec<&Value> = own.chain(self.report["problems"].as_array().expect("problems")).collect();
        let mut codes: Vec<&str> = all.iter().filter_map(|problem| problem["code"].as_str()).collect();
        codes.dedup();
        assert_eq!(codes, [code], "{}", self.output);
        assert!(self.output.stderr.contains(code), "{}", self.output);
        assert!(all[0]["help"].is_string(), "what is to be done: {}", self.output);
        all[0]
    }

    /// Counts the writes of the list by its tag.
    fn list_puts(&self) -> usize {
        let to_tag = self.log.manifest_puts().filter(|put| put.repository() == Some("acme/app"));
        to_tag.filter(|put| put.manifest() == Some("v1")).len()
    }

    /// Counts these requests, whatever their result.
    fn count(&self, method: &str, path: &str) -> usize {
        self.log.filter(|exchange| exchange.method == method && exchange.path.contains(path)).len()
    }

    fn assert_tells_no_secret(&self, report: &str) {
        for secret in [PASSWORD, &account().encoded(), "storage-secret", "token-"] {
            assert!(!self.output.stdout.contains(secret), "{secret}: {}", self.output);
            assert!(!self.output.stderr.contains(secret), "{secret}: {}", self.output);
            assert!(!report.contains(secret), "{secret}: {report}");
        }
    }
}

fn fault(method: &'static str, path: &'static str, times: usize, then: Then) -> Fault {
    Fault { method, path, times, then }
}
