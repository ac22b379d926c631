//! The scenarios of the search: what the registries have before, and manifests.toml.

use crate::support::context::Context;
use crate::support::images::{Attestation, Dialect, Image, OCI_INDEX, index, write_layout};
use crate::support::registry::{Knobs, Registry, Store};
use crate::support::seed;

/// A run of `mlist sync` that is repeated with each lie.
pub(super) struct Scenario {
    pub(super) name: &'static str,
    /// manifests.toml. `R0` and `R1` are the registries.
    manifest: &'static str,
    /// Fills the registries and the folder.
    fill: fn(&mut Content),
}

/// The content of the registries and of the layout `in`, before the run.
#[derive(Default)]
pub(super) struct Content {
    stores: [Store; 2],
    /// The states of each registry before the current one.
    past: [Vec<Store>; 2],
    /// The images of the layout, by tag.
    layout: Vec<(&'static str, Image)>,
}

/// The registries and the project of one run.
pub(super) struct World {
    pub(super) registries: [Registry; 2],
    pub(super) context: Context,
}

impl Scenario {
    /// Creates the world before the run.
    pub(super) fn world(&self) -> World {
        let mut filled = Content::default();
        (self.fill)(&mut filled);
        let registries = [0, 1].map(|at| {
            let registry = Registry::start(Knobs { keeps_past: true, ..Knobs::default() });
            *registry.store() = std::mem::take(&mut filled.stores[at]);
            *registry.past() = std::mem::take(&mut filled.past[at]);
            registry
        });
        let hosts = [0, 1].map(|at: usize| registries[at].host());
        let context = Context::with(&self.manifest.replace("R0", &hosts[0]).replace("R1", &hosts[1]));
        if !filled.layout.is_empty() {
            let images: Vec<(&str, &Image)> = filled.layout.iter().map(|(tag, image)| (*tag, image)).collect();
            write_layout(&context.path("in"), &images);
        }
        World { registries, context }
    }
}

impl Content {
    /// The first registry, which changes. Its state until now becomes its past.
    fn change(&mut self) -> &mut Store {
        self.change_at(0)
    }

    fn change_at(&mut self, at: usize) -> &mut Store {
        self.past[at].push(self.stores[at].clone());
        &mut self.stores[at]
    }

    /// Pushes the image of `src/app-ARCH:1`.
    fn member(&mut self, arch: &str, content: &str) {
        seed::image(self.change(), &format!("src/app-{arch}"), "1", &image(arch, content));
    }

    /// Pushes both images.
    fn members(&mut self, content: &str) {
        for arch in ["amd64", "arm64"] {
            self.member(arch, content);
        }
    }

    /// Publishes a list of `dst/app`, as another tool writes it.
    fn list(&mut self, tags: &[&str], images: &[Image]) {
        let entries: Vec<_> = images.iter().map(Image::entry).collect();
        for image in images {
            seed::image(self.change(), "dst/app", &image.digest(), image);
        }
        for tag in tags {
            seed::manifest(self.change(), "dst/app", tag, OCI_INDEX, &index(&entries));
        }
    }
}

fn image(arch: &str, content: &str) -> Image {
    Image::new(Dialect::Oci, &format!("linux/{arch}"), content)
}

/// Both images are new, and so is the list.
const CREATE: &str = r#"
    [list.app]
    source = "R0/src/app-{arch}:1"
    target = "R0/dst/app"
    tags = ["1"]
    platforms = ["linux/amd64", "linux/arm64"]
"#;

pub(super) const SCENARIOS: [Scenario; 15] = [
    Scenario { name: "create", manifest: CREATE, fill: |content| content.members("new") },
    Scenario {
        name: "update",
        manifest: CREATE,
        fill: |content| {
            content.members("old");
            content.list(&["1"], &[image("amd64", "old"), image("arm64", "old")]);
            content.member("arm64", "new");
        },
    },
    Scenario {
        name: "keep",
        manifest: KEEP,
        fill: |content| {
            content.member("amd64", "old");
            content.list(&["1"], &[image("amd64", "old")]);
            content.list(&["1"], &[image("amd64", "old"), image("s390x", "another writer")]);
            content.member("amd64", "new");
        },
    },
    Scenario {
        name: "keep, several writers",
        manifest: KEEP,
        fill: |content| {
            content.list(&["1"], &[image("amd64", "old")]);
            let s390x = image("s390x", "another writer");
            seed::image(content.change(), "dst/app", "1-linux-s390x", &s390x);
            content.member("amd64", "new");
        },
    },
    Scenario {
        name: "missing is skipped",
        manifest: r#"
            [list.app]
            source = "R0/src/app-{arch}:1"
            target = "R0/dst/app"
            tags = ["1"]
            platforms = ["linux/amd64", "linux/arm64"]
            missing = "skip"
        "#,
        fill: |content| {
            content.list(&["1"], &[image("amd64", "old"), image("arm64", "old")]);
            content.members("new");
        },
    },
    Scenario {
        name: "newest stays",
        manifest: NEWEST,
        fill: |content| {
            content.list(&["v1.9.0", "latest"], &[image("amd64", "1.9.0")]);
            content.list(&["v1.10.0", "latest"], &[image("amd64", "1.10.0")]);
            content.member("amd64", "1.9.1");
        },
    },
    Scenario {
        name: "newest moves",
        manifest: NEWEST,
        fill: |content| {
            content.list(&["v1.8.0", "latest"], &[image("amd64", "1.8.0")]);
            content.list(&["v1.9.0", "latest"], &[image("amd64", "1.9.0")]);
            content.member("amd64", "1.9.1");
        },
    },
    Scenario {
        name: "immutable, exists",
        manifest: IMMUTABLE,
        fill: |content| {
            content.member("amd64", "old");
            content.list(&["v1"], &[image("amd64", "old")]);
            content.member("amd64", "new");
        },
    },
    Scenario { name: "immutable, new", manifest: IMMUTABLE, fill: |content| content.members("new") },
    Scenario {
        name: "attested",
        manifest: CREATE,
        fill: |content| {
            let [amd64, arm64] = ["amd64", "arm64"].map(|arch| image(arch, "new"));
            let in_index = Attestation::of(&amd64);
            let by_subject = Attestation::by_subject(&arm64);
            for (arch, image, attestation) in [("amd64", &amd64, &in_index), ("arm64", &arm64, &by_subject)] {
                let repository = format!("src/app-{arch}");
                seed::image(content.change(), &repository, &image.digest(), image);
                seed::attestation(content.change(), &repository, attestation);
            }
            let list = index(&[amd64.entry(), in_index.entry()]);
            seed::manifest(content.change(), "src/app-amd64", "1", OCI_INDEX, &list);
            seed::manifest(content.change(), "src/app-arm64", "1", OCI_INDEX, &index(&[arm64.entry()]));
        },
    },
    Scenario {
        name: "cross-registry",
        manifest: r#"
            [list.app]
            source = "R0/src/app-{arch}:1"
            target = "R1/dst/app"
            tags = ["1"]
            platforms = ["linux/amd64", "linux/arm64"]
        "#,
        fill: |content| content.members("new"),
    },
    Scenario {
        name: "layout target",
        manifest: r#"
            [list.app]
            source = "R0/src/app-{arch}:1"
            target = "oci:out"
            tags = ["1"]
            platforms = ["linux/amd64", "linux/arm64"]
        "#,
        fill: |content| content.members("new"),
    },
    Scenario {
        name: "layout source",
        manifest: r#"
            [list.app]
            source = "oci:in:{arch}"
            target = "R0/dst/app"
            tags = ["1"]
            platforms = ["linux/amd64", "linux/arm64"]
        "#,
        fill: |content| {
            content.list(&["1"], &[image("amd64", "old"), image("arm64", "old")]);
            content.layout = ["amd64", "arm64"].map(|arch| (arch, image(arch, "new"))).into();
        },
    },
    Scenario {
        name: "several targets",
        manifest: r#"
            [list.app]
            source = "R0/src/app-{arch}:1"
            target = ["R0/dst/app", "R1/dst/app"]
            tags = ["1", "1.0"]
            platforms = ["linux/amd64", "linux/arm64"]
        "#,
        fill: |content| {
            content.members("old");
            content.list(&["1"], &[image("amd64", "old"), image("arm64", "old")]);
            content.member("arm64", "new");
        },
    },
    Scenario {
        name: "member tags",
        manifest: r#"
            [list.app]
            source = "R0/src/app-{arch}:1"
            target = "R0/dst/app"
            tags = ["1"]
            member-tags = ["{tag}-{arch}"]
            platforms = ["linux/amd64", "linux/arm64"]
        "#,
        fill: |content| {
            content.members("old");
            content.list(&["1"], &[image("amd64", "old"), image("arm64", "old")]);
            for arch in ["amd64", "arm64"] {
                seed::image(content.change(), "dst/app", &format!("1-{arch}"), &image(arch, "old"));
            }
            content.member("arm64", "new");
        },
    },
];

const KEEP: &str = r#"
    [list.app]
    source = "R0/src/app-{arch}:1"
    target = "R0/dst/app"
    tags = ["1"]
    platforms = ["linux/amd64"]
    undeclared = "keep"
"#;

const NEWEST: &str = r#"
    [list.app]
    vars.version = "1.9.1"
    source = "R0/src/app-{arch}:1"
    target = "R0/dst/app"
    tags = ["v{version}", { tag = "latest", when = "newest" }]
    platforms = ["linux/amd64"]
"#;

const IMMUTABLE: &str = r#"
    [list.app]
    source = "R0/src/app-{arch}:1"
    target = "R0/dst/app"
    tags = ["v1"]
    immutable = ["v*"]
    platforms = ["linux/amd64"]
"#;
