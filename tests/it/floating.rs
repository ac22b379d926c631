//! Tags that only the newest version has, over several releases: which of them move, which stay, and what is shown for
//! those that stay.

use std::collections::BTreeMap;

use crate::support::any_registry::{AnyRegistry, Kind, on_each_registry};
use crate::support::context::{Context, Output};
use crate::support::images::{Dialect, Image};

on_each_registry!(
    a_backport_leaves_what_is_newer_and_moves_its_own,
    a_pre_release_leaves_floating_tags_and_says_so,
    of_two_versions_in_one_file_the_newer_has_latest,
    a_revision_is_newer_than_the_one_before,
    tags_of_architectures_are_no_versions_that_count,
    dates_and_versions_do_not_count_for_each_other,
);

/// The values of `{arch}`.
const ARCHITECTURES: [&str; 2] = ["amd64", "386"];

/// A project with two images of each version.
struct Project {
    registry: AnyRegistry,
    context: Context,
    /// The versions, by the digest of their amd64 image.
    versions: BTreeMap<String, String>,
}

/// The location of the images of a version.
#[derive(Clone, Copy)]
enum Images {
    /// `app-ARCH:VERSION`, each in its own repository.
    Beside,
    /// `app:VERSION-ARCH`, in the repository of the list.
    Within,
}

impl Images {
    fn source(self) -> &'static str {
        match self {
            Self::Beside => "app-{arch}:{version}",
            Self::Within => "app:{version}-{arch}",
        }
    }
}

impl Project {
    /// Creates a project with these `tags` (a TOML array) and these further keys of its list.
    fn new(kind: Kind, images: Images, tags: &str, more: &str) -> Self {
        let registry = kind.start().expect("it was installed a moment ago");
        let (host, source) = (registry.host(), images.source());
        let context = registry.project(&format!(
            r#"
                [vars]
                registry = "{host}/acme"
                version = "0"

                [list.app]
                {more}
                platforms = ["linux/amd64", "linux/386"]
                source = "{{registry}}/{source}"
                target = "{{registry}}/app"
                tags = {tags}
            "#
        ));
        Self { registry, context, versions: BTreeMap::new() }
    }

    /// Pushes the images of a version.
    fn build(&mut self, images: Images, version: &str) {
        for arch in ARCHITECTURES {
            let image = Image::new(Dialect::Docker, &format!("linux/{arch}"), version);
            let place = images.source().replace("{arch}", arch).replace("{version}", version);
            let (repository, tag) = place.split_once(':').expect("a tag");
            self.registry.push(&format!("acme/{repository}"), tag, &image);
            if arch == "amd64" {
                self.versions.insert(image.digest(), version.to_owned());
            }
        }
    }

    /// Runs a command for a version.
    fn mlist(&self, command: &str, version: &str) -> Output {
        self.context.mlist(&format!("{command} --set version={version}")).exits(0)
    }

    /// Builds and publishes a version, and checks that a second run finds nothing to do. Returns the plan.
    fn release(&mut self, images: Images, version: &str) -> Output {
        self.build(images, version);
        let plan = self.mlist("plan", version);
        self.mlist("sync", version);
        self.is_settled(version);
        plan
    }

    fn is_settled(&self, version: &str) {
        let before = self.registry.log().writes().len();
        let again = self.mlist("sync", version);
        assert!(again.verdict().starts_with("Nothing to publish: "), "{again}");
        assert_eq!(self.registry.log().writes().len(), before, "{again}");
    }

    /// Returns each tag of the list with the version of its images, as `TAG VERSION`.
    fn tags(&self) -> Vec<String> {
        let named = |tag: String| {
            let list = self.registry.wire().manifest("acme/app", &tag)?.json();
            let digest = list["manifests"][0]["digest"].as_str()?;
            Some(format!("{tag} {}", self.versions[digest]))
        };
        self.registry.tags("acme/app").into_iter().filter_map(named).collect()
    }
}

/// Checks that the plan has a line which says that a tag stays, and why.
#[track_caller]
fn assert_stays(plan: &Output, tag: &str, why: &str) {
    let line = plan.stdout.lines().find(|line| line.starts_with(&format!("  = tag {tag} ")));
    let line = line.unwrap_or_else(|| panic!("nothing is said of {tag}\n{plan}"));
    assert!(line.contains("stays at ") && line.ends_with(&format!(": {why}")), "{line}");
}

/// The tags `1.2.9`, `1.2`, `1`, `latest`.
const SEMVER: &str = r#"[
    "{version}",
    { tag = "{version.major}.{version.minor}", when = "newest" },
    { tag = "{version.major}", when = "newest" },
    { tag = "latest", when = "newest" },
]"#;

fn a_backport_leaves_what_is_newer_and_moves_its_own(kind: Kind) {
    let mut project = Project::new(kind, Images::Beside, SEMVER, "");
    project.release(Images::Beside, "1.2.8");
    assert_eq!(project.tags(), ["1 1.2.8", "1.2 1.2.8", "1.2.8 1.2.8", "latest 1.2.8"]);
    project.release(Images::Beside, "1.3.0");
    assert_eq!(project.tags(), ["1 1.3.0", "1.2 1.2.8", "1.2.8 1.2.8", "1.3 1.3.0", "1.3.0 1.3.0", "latest 1.3.0"]);
    let plan = project.release(Images::Beside, "1.2.9");
    assert_stays(&plan, "latest", "1.3.0 is newer than 1.2.9");
    assert_stays(&plan, "1", "1.3.0 is newer than 1.2.9");
    let expected = ["1 1.3.0", "1.2 1.2.9", "1.2.8 1.2.8", "1.2.9 1.2.9", "1.3 1.3.0", "1.3.0 1.3.0", "latest 1.3.0"];
    assert_eq!(project.tags(), expected);
    // Running an older release again does not move a tag back.
    let plan = project.mlist("plan -v", "1.2.8");
    assert_stays(&plan, "1.2", "1.2.9 is newer than 1.2.8");
    project.is_settled("1.2.8");
    project.is_settled("1.3.0");
    assert_eq!(project.tags(), expected);
}

fn a_pre_release_leaves_floating_tags_and_says_so(kind: Kind) {
    let mut project = Project::new(kind, Images::Beside, SEMVER, "");
    project.release(Images::Beside, "1.2.8");
    let plan = project.release(Images::Beside, "1.3.0-rc.1");
    assert_stays(&plan, "latest", "1.3.0-rc.1 is a pre-release");
    assert_stays(&plan, "1", "1.3.0-rc.1 is a pre-release");
    assert!(!plan.stdout.contains("tag 1.3 "), "a tag that does not exist is not told of\n{plan}");
    assert_eq!(project.tags(), ["1 1.2.8", "1.2 1.2.8", "1.2.8 1.2.8", "1.3.0-rc.1 1.3.0-rc.1", "latest 1.2.8"]);
    let report = project.context.mlist("sync --format json --set version=1.3.0-rc.1").exits(0).json();
    let tags = report["lists"][0]["tags"].as_array().expect("tags");
    let latest = tags.iter().find(|tag| tag["tag"] == "latest").expect("latest");
    assert_eq!((&latest["change"], &latest["done"]), (&"stays".into(), &true.into()), "{latest}");
    assert_eq!(latest["reason"], "1.3.0-rc.1 is a pre-release");
}

fn of_two_versions_in_one_file_the_newer_has_latest(kind: Kind) {
    // The older version is first in the file, and is synced alone after the newer one was published.
    let matrix = r#"matrix.version = ["1.9.2", "1.10.0"]"#;
    let mut project = Project::new(kind, Images::Beside, SEMVER, matrix);
    project.context.mlist("check").exits(0);
    project.build(Images::Beside, "1.9.2");
    project.build(Images::Beside, "1.10.0");
    let plan = project.context.mlist("plan app/1.9.2").exits(0);
    assert!(plan.stdout.contains("  + tag 1.9 "), "{plan}");
    for newer in ["  + tag 1 ", "  + tag latest "] {
        assert!(!plan.stdout.contains(newer), "1.10.0 is not published yet, but has it:\n{plan}");
    }
    project.context.mlist("sync").exits(0);
    let expected = ["1 1.10.0", "1.10 1.10.0", "1.10.0 1.10.0", "1.9 1.9.2", "1.9.2 1.9.2", "latest 1.10.0"];
    assert_eq!(project.tags(), expected);
    for command in ["sync", "sync app/1.9.2", "sync app/1.10.0"] {
        let again = project.context.mlist(command).exits(0);
        assert!(again.verdict().starts_with("Nothing to publish: "), "{again}");
    }
    assert_eq!(project.tags(), expected);
}

fn a_revision_is_newer_than_the_one_before(kind: Kind) {
    let tags = r#"[
        "{version}",
        { tag = "{version.major}.{version.minor}.{version.patch}", when = "newest" },
        { tag = "latest", when = "newest" },
    ]"#;
    let mut project = Project::new(kind, Images::Beside, tags, "");
    project.release(Images::Beside, "3.5.12-0");
    assert_eq!(project.tags(), ["3.5.12 3.5.12-0", "3.5.12-0 3.5.12-0", "latest 3.5.12-0"]);
    project.release(Images::Beside, "3.5.12-1");
    let expected = ["3.5.12 3.5.12-1", "3.5.12-0 3.5.12-0", "3.5.12-1 3.5.12-1", "latest 3.5.12-1"];
    assert_eq!(project.tags(), expected);
    let plan = project.mlist("plan -v", "3.5.12-0");
    assert_stays(&plan, "3.5.12", "3.5.12-1 is newer than 3.5.12-0");
    assert_stays(&plan, "latest", "3.5.12-1 is newer than 3.5.12-0");
    project.is_settled("3.5.12-0");
    // Revisions are compared as numbers and not as text: 10 is newer than 1.
    project.release(Images::Beside, "3.5.12-10");
    project.is_settled("3.5.12-1");
    assert!(project.tags().contains(&"latest 3.5.12-10".to_owned()), "{:?}", project.tags());
}

fn tags_of_architectures_are_no_versions_that_count(kind: Kind) {
    let mut project = Project::new(kind, Images::Within, SEMVER, "");
    // 1.22.0-386 could be taken for a newer revision of 1.22.0. The same applies to 1.23.0-386, whose version is not
    // released yet.
    project.build(Images::Within, "1.23.0");
    project.release(Images::Within, "1.22.0");
    assert_eq!(project.tags(), ["1 1.22.0", "1.22 1.22.0", "1.22.0 1.22.0", "latest 1.22.0"]);
    project.release(Images::Within, "1.23.0");
    let plan = project.release(Images::Within, "1.22.1");
    assert_stays(&plan, "latest", "1.23.0 is newer than 1.22.1");
    assert_eq!(
        project.tags(),
        ["1 1.23.0", "1.22 1.22.1", "1.22.0 1.22.0", "1.22.1 1.22.1", "1.23 1.23.0", "1.23.0 1.23.0", "latest 1.23.0"]
    );
}

fn dates_and_versions_do_not_count_for_each_other(kind: Kind) {
    let tags = r#"["{version}", { tag = "latest", when = "newest" }]"#;
    let mut project = Project::new(kind, Images::Beside, tags, "");
    project.release(Images::Beside, "20240729");
    assert_eq!(project.tags(), ["20240729 20240729", "latest 20240729"]);
    // This is not an older version than 20240729: versions and dates are not compared.
    project.release(Images::Beside, "1.4.0");
    let plan = project.release(Images::Beside, "1.3.9");
    assert_stays(&plan, "latest", "1.4.0 is newer than 1.3.9");
    assert_eq!(project.tags(), ["1.3.9 1.3.9", "1.4.0 1.4.0", "20240729 20240729", "latest 1.4.0"]);
    // Of two dates, the later one is newer.
    project.release(Images::Beside, "20240801");
    let plan = project.mlist("plan -v", "20240729");
    assert_stays(&plan, "latest", "20240801 is newer than 20240729");
    project.is_settled("20240729");
    assert_eq!(
        project.tags(),
        ["1.3.9 1.3.9", "1.4.0 1.4.0", "20240729 20240729", "20240801 20240801", "latest 20240801"]
    );
}

#[test]
fn a_list_that_is_created_names_the_tag_that_named_another_list() {
    let tags = r#"["{version}", { tag = "latest", when = "newest" }]"#;
    let mut project = Project::new(Kind::InProcess, Images::Beside, tags, "");
    project.release(Images::Beside, "1.0.0");
    project.build(Images::Beside, "1.1.0");
    let digest = || project.registry.wire().digest("acme/app", "latest").expect("it is published")[7..19].to_owned();
    let before = digest();
    let output = project.mlist("sync", "1.1.0");
    let moved = format!("  ~ tag latest       {before} → {}\n", digest());
    assert!(output.stdout.starts_with("created ") && output.stdout.contains(&moved), "{output}");
}
