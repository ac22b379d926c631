//! mlist publishes multi-architecture container images from one `manifests.toml`.
//!
//! This page is the map of the code. How mlist is used stands in `README.md`, and every key of the file in
//! `manifests.toml.example`.
//!
//! # How a run goes
//!
//! ```text
//! text of manifests.toml
//!        │
//!        ▼
//!      load() ────▶ Publications ────▶ decide() ────▶ Plan ────▶ execute() ────▶ Report
//!       │  ▲                            │  ▲                      │   │           │
//!       │  │ Facts              Queries │  │ Snapshot             │   └─ Events ─┐│
//!       ▼  │                            ▼  │                      ▼              ▼▼
//!       host                           survey ──────────────▶ registry           ui
//!       environment, files, git        asks each once         HTTP, layouts      lines, bars, JSON, exit status
//! ```
//!
//! Two loops have the same form. Pure code is given what is known; it answers with its result, or with all that it
//! still has to know; something else finds that out, and it is asked again. So a decision can be tested without a
//! network, is the same however the answers arrive, and is made in one place for `plan`, `sync` and `sync -n`:
//!
//! - [`config`] reads the file over [`config::facts`], which [`host`] answers from this machine;
//! - [`plan`] decides over [`plan::snapshot`], which [`exec`] fills from the registries, for all lists at once and
//!   nothing twice; whatever else is decided from a snapshot is surveyed in the same way.
//!
//! Then [`exec`] carries the plan out, each list in two phases: prepare (blobs, children by digest, a last look at the
//! tags) and commit (the list by its first tag, its other tags). A tag never names a list with an absent child, each
//! step can be repeated, and a list that fails stops no other. What happens is told as events; what came of it is the
//! report. All that a command has to say at its end is one document; [`ui`] has it in several forms, and nothing else in
//! this crate prints.
//!
//! Read along in this order: `src/command/sync.rs`, the whole run on one screen; `src/config/load.rs`;
//! `src/plan/decide.rs`; `src/exec/survey.rs`; `src/exec/executor.rs`, `src/exec/publish.rs`; `src/ui/show.rs`.
//!
//! # Layers
//!
//! Each uses only those named beside it, and a test enforces it. The first four are pure: no runtime, no network, no
//! clock, no environment, no files. The docs of each begin with a table of its files.
//!
//! | layer | what it is | uses |
//! |---|---|---|
//! | [`oci`] | names and bytes: digests, references, platforms, manifests, indexes | |
//! | [`naming`] | conventions: templates, arch styles, versions, globs | `oci` |
//! | [`config`] | manifests.toml: read, checked, expanded to publications, with every problem at its span | `oci` `naming` |
//! | [`plan`] | what must change, from facts alone | `oci` `naming` `config` |
//! | [`host`] | what this machine says: environment, files, git | `config` |
//! | [`registry`] | the world: registries and layouts behind one trait | `oci` |
//! | [`exec`] | drives the world by a plan; events and report | `registry`, `plan` and what that uses |
//! | [`ui`] | what people and programs see: lines, bars, problems, JSON | `exec`'s events and report, `plan` and what that uses |
//! | [`command`] | one file a command, glue only | all of these |
//! | [`cli`] | arguments to options | all of these |
//!
//! # Where is it decided
//!
//! | what | where |
//! |---|---|
//! | which keys there are, and their schema | `src/config/keys.rs` |
//! | which level a key or variable comes from | `src/config/scope.rs` |
//! | what a template may say; what a variable comes to | `src/naming/template.rs`, `src/config/evaluate.rs` |
//! | how an architecture is spelled | `src/naming/arch_style.rs` |
//! | what a stranger's file may reach; where a path leads | `src/config/trust.rs`; `src/host/boundary.rs` |
//! | how an expanded text may be shown | `src/config/value.rs`, `src/config/evaluate.rs` |
//! | which lists a selector means | `src/config/select.rs` |
//! | the bytes of a list, and so its digest | `src/plan/decide/list.rs`, `src/oci/index.rs` |
//! | whether what is published is what is declared | `src/plan/equality.rs` |
//! | whether an image is what it was declared as | `src/plan/decide/check.rs` |
//! | create, update or unchanged; blocked or failed | `src/plan/decide/verdict.rs`; `src/plan/decide/batch.rs` |
//! | what is done for a list, and in which order | `src/exec/prepare.rs`, `src/exec/commit.rs`; one tag in `src/exec/tags.rs` |
//! | what a failure or Ctrl-C does to the other lists | `src/exec/executor.rs`; signals arrive in `src/command/session.rs` |
//! | who may send now; how often a request is repeated | `src/registry/gate.rs`, `src/registry/transport/attempts.rs` |
//! | what the file says of a registry | `src/config/registry.rs`, told on by `src/command/registry_options.rs` |
//! | HTTP or HTTPS; which certificates are trusted, and shown to whom | `src/registry/tls.rs` |
//! | where a registry may send us | `src/registry/transport/destination.rs` |
//! | whose credentials; which rights are asked for | `src/registry/credentials.rs`, `src/registry/auth.rs` |
//! | whether a blob is mounted or sent | `src/registry/copy.rs`; again, where the registry does not see it, `src/exec/copy.rs` |
//! | what a registry means by refusing a manifest | `src/registry/http/written.rs` |
//! | the words for a registry's error, and whether to try again | `src/exec/registry_problem.rs` |
//! | the exit status | `src/exec/report.rs` |
//! | what goes to stdout, to stderr and to files | `src/ui/show.rs` |
//! | the JSON | `src/ui/render/json.rs` |
//! | help pages, and answers to other tools' words | `src/cli/args.rs`, `src/cli/words.rs` |
//!
//! Beside the layers, `src/fuzz.rs` has a function for each thing that is read from outside: for `fuzz/` and for tests.
//!
//! # Problems
//!
//! Errors change their form at the borders: a registry's error becomes a [`plan::Cause`] in the snapshot, a cause
//! becomes a [`config::problem`] of the list it strikes, and problems are all that [`ui`] shows. A problem has a code,
//! `mlist::LAYER::WHAT`, which stands where it arises, so that a search for it finds that place; those of the file are
//! listed in [`config::codes`], the others in [`ui::codes`], and all are shown in `docs/codes.md`.
//!
//! # Words
//!
//! | word | means |
//! |---|---|
//! | list | a manifest list or image index: one name that stands for an image per platform |
//! | member | a declared image of a list: a platform and where its image is |
//! | child | the manifest that a list names by digest; a member's image once it is in the target |
//! | entry | a `[list.ENTRY]` of the file, which a matrix makes several lists of; also a child's line in a list |
//! | publication | a list in one repository with all its tags: the unit that is planned, counted and reported |
//! | source, target | where a member is, where the list goes |
//! | place | a repository of a registry, or a layout on disk |
//! | payload | the very bytes of a manifest or config, with their digest; never written anew |
//! | fact | what is known: of this machine by a question, of the registries by a query; added, never changed |
//! | snapshot | all facts of the registries |
//! | head | what a reference names, without its bytes: type, digest and size |
//! | span | where in the file something stands |
//! | absent | 404, and nothing else: what could not be found out is unknown |
//! | blocked, failed | the answer forbids it: someone must act; there was no usable answer: try again |
//! | layout | an OCI image layout: a folder that holds manifests and blobs as a repository does |

pub mod cli;
pub mod command;
pub mod config;
pub mod exec;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
pub mod host;
pub mod naming;
pub mod oci;
pub mod plan;
pub mod registry;
pub mod ui;

/// Runs the program with these arguments (the first is its name) and returns its exit status.
pub fn run(args: impl IntoIterator<Item = std::ffi::OsString>) -> u8 {
    cli::run(args)
}

/// Makes a panic say that it is a bug and where to report it, and end the process with 101.
pub fn report_panics() {
    ui::report_panics();
}
