//! [`Stage`]: the files of an example, registries for all that it names, and mlist to run on it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::any_registry::{AnyRegistry, Kind};
use crate::support::context::{Context, Output};
use crate::support::images::{DOCKER_LIST, Dialect, Image, foreign_list};
use crate::support::readers;

use super::transcript::{Built, Published, Step, Transcript, variable};

/// The platforms and digests of a list.
type Entries = Vec<(String, String)>;

/// A project and the images that it has built so far.
pub(super) struct Stage {
    /// The registries, by the variable that names each.
    registries: BTreeMap<String, AnyRegistry>,
    context: Context,
    /// All pushed images, by reference.
    images: BTreeMap<String, Image>,
    /// The tags that each repository must have. For a tag of a list, also the required entries.
    tags: BTreeMap<String, BTreeMap<String, Option<Entries>>>,
}

/// Returns a folder of `examples`.
pub(super) fn folder(example: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(example)
}

/// Plays a transcript against registries of this kind, and checks the result of each step.
pub(super) fn play(kind: Kind, transcript: &str) {
    let transcript = Transcript::parse(transcript);
    let mut stage = Stage::of(kind, &transcript);
    assert!(!transcript.steps.is_empty());
    for step in &transcript.steps {
        stage.step(step);
    }
}

impl Stage {
    fn of(kind: Kind, transcript: &Transcript) -> Self {
        let start = |name| (name, kind.start().expect("it was installed a moment ago"));
        let registries = transcript.registries().into_iter().map(start).collect();
        let context = Context::new();
        copy(&folder(&transcript.example), &context.path(""));
        Self { registries, context, images: BTreeMap::new(), tags: BTreeMap::new() }
    }

    fn step(&mut self, step: &Step) {
        for (reference, built) in &step.built {
            self.push(reference, built);
        }
        for (name, value) in &step.environment {
            self.context.set(name, value);
        }
        let check = self.mlist("check", step).exits(0);
        assert!(check.verdict().contains(", no problems"), "{check}");
        self.stays_on_stage(&self.mlist("plan --format json", step).exits(step.status()));
        let sync = self.mlist("sync", step).exits(step.status());
        assert_eq!(without_the_time(sync.verdict()), step.verdict, "{sync}");
        for list in &step.published {
            self.expect(list);
        }
        self.reads_back(&step.published);
        self.is_settled(step);
        for (name, _) in &step.environment {
            self.context.unset(name);
        }
    }

    /// Runs a command with the arguments of the step. Each registry is set by `--set`.
    fn mlist(&self, command: &str, step: &Step) -> Output {
        let set = |(name, registry): (&String, &AnyRegistry)| format!("--set {name}={}/{name}", registry.host());
        let set: Vec<String> = self.registries.iter().map(set).collect();
        self.context.mlist(&format!("{command} {} {}", step.arguments, set.join(" ")))
    }

    /// Returns the registry of `{NAME}/PATH`, and the repository in it.
    fn at<'a>(&self, place: &'a str) -> (&AnyRegistry, String) {
        let (name, path): (&'a str, &'a str) = variable(place);
        (&self.registries[name], format!("{name}/{path}"))
    }

    fn push(&mut self, reference: &str, built: &Built) {
        let (place, tag) = reference.rsplit_once(':').expect("a tag");
        let (registry, repository) = self.at(place);
        match built {
            Built::List(tags) => {
                let images: Vec<&Image> = tags.iter().map(|tag| &self.images[&format!("{place}:{tag}")]).collect();
                registry.push_list(&repository, tag, DOCKER_LIST, &foreign_list(DOCKER_LIST, &images));
            }
            Built::Image { platform, foreign } => {
                let image = Image::new(Dialect::Docker, platform, reference);
                let image = if *foreign { image.on_a_foreign_base() } else { image };
                registry.push(&repository, tag, &image);
                self.images.insert(reference.to_owned(), image);
            }
        }
        self.tags.entry(place.to_owned()).or_default().insert(tag.to_owned(), None);
    }

    fn expect(&mut self, list: &Published) {
        let entries = self.entries(list);
        let tags = self.tags.entry(list.repository.clone()).or_default();
        for tag in &list.tags {
            tags.insert(tag.clone(), Some(entries.clone()));
        }
    }

    /// Returns the entries that a list must have.
    fn entries(&self, list: &Published) -> Entries {
        let entry = |(platform, image): &(String, String)| (platform.clone(), self.images[image].digest());
        list.members.iter().map(entry).collect()
    }

    /// Checks that the plan reads from and writes to the registries of this test only.
    fn stays_on_stage(&self, plan: &Output) {
        let plan = plan.json();
        let lists = plan["lists"].as_array().expect("lists");
        let members = lists.iter().flat_map(|list| list["members"].as_array().expect("members"));
        let places = lists.iter().map(|list| &list["target"]).chain(members.map(|member| &member["source"]));
        for place in places.filter_map(|place| place.as_str()) {
            assert!(self.registries.values().any(|registry| place.starts_with(&registry.host())), "{place}");
        }
    }

    /// Checks that the repositories have exactly the expected tags with the expected content, and that other programs
    /// read the same.
    fn reads_back(&self, published: &[Published]) {
        for (place, tags) in &self.tags {
            let (registry, repository) = self.at(place);
            let expected: Vec<&String> = tags.keys().collect();
            assert_eq!(registry.tags(&repository).iter().collect::<Vec<_>>(), expected, "{place}");
            for (tag, list) in tags.iter().filter_map(|(tag, list)| Some((tag, list.as_ref()?))) {
                assert_eq!(registry.list(&repository, tag).as_ref(), Some(list), "{place}:{tag}");
            }
        }
        for list in published {
            let (registry, repository) = self.at(&list.repository);
            let reference = format!("{}/{repository}:{}", registry.plain_host(), list.tags[0]);
            let config = self.context.docker_config();
            let read =
                [readers::skopeo(&format!("docker://{reference}"), &config), readers::docker(&reference, &config)];
            for read in read.into_iter().flatten() {
                assert_eq!(read, self.entries(list), "{reference}");
            }
        }
    }

    /// Checks that the same command finds nothing to do the second time, and writes nothing.
    fn is_settled(&self, step: &Step) {
        let writes = || -> usize { self.registries.values().map(|registry| registry.log().writes().len()).sum() };
        let before = writes();
        let again = self.mlist("sync", step).exits(step.status());
        let settled = if step.status() == 0 { "Nothing to publish: " } else { "Incomplete after " };
        assert!(again.verdict().starts_with(settled), "{again}");
        assert_eq!(writes(), before, "{again}");
    }
}

/// Removes the time from a verdict: `Done in 0.2s: 1 list created` becomes `Done: 1 list created`. `Incomplete after …`
/// is handled the same way.
fn without_the_time(verdict: &str) -> String {
    let timed = [" in ", " after "].iter().find_map(|word| verdict.split_once(word));
    match timed.and_then(|(word, rest)| Some((word, rest.split_once(": ")?.1))) {
        Some((word, what)) => format!("{word}: {what}"),
        None => verdict.to_owned(),
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder of examples") {
        let path = entry.expect("an entry").path();
        let to = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(&path, &to).expect("a copy");
        }
    }
}

/// Returns the names of the folders of `examples`.
pub(super) fn folders() -> BTreeSet<String> {
    let entries = fs::read_dir(folder("")).expect("examples").map(|entry| entry.expect("an entry"));
    entries.map(|entry| entry.file_name().into_string().expect("a name in UTF-8")).collect()
}
