//! mlist publishes multi-architecture container images from one `manifests.toml`.
//!
//! This page is the map of the code. `README.md` describes how to use mlist, and `manifests.toml.example` describes
//! every key of the file.
//!
//! # How a run works
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
//!       environment, files, git        each query once        HTTP, layouts      lines, bars, JSON, exit status
//! ```
//!
//! Loading and deciding are loops of the same form. A pure function gets the known facts. It returns either its result
//! or all questions that it still needs answers to. Other code answers the questions, and the function is called again.
//! So a decision can be tested without a network, does not depend on the order of the answers, and is made by the same
//! code for `plan`, `sync`, `sync -n` and `verify`:
//!
//! - [`config`] loads the file from [`config::facts`], which [`host`] provides from this machine.
//! - [`plan`] decides from [`plan::snapshot`], which [`exec`] fills from the registries, for all lists together and
//!   each query only once. All other decisions from a snapshot use the same loop.
//!
//! Then [`exec`] executes the plan. Each list has two phases: prepare (copy blobs, copy children by digest, check the
//! tags again) and commit (write the list by its first tag, then its other tags). A tag never refers to a list with a
//! missing child, each step can be repeated, and a list that fails does not stop other lists. Progress is reported as
//! events, the outcome is the report. The result of a command is one document, which [`ui`] renders in several formats.
//! Nothing else in this crate prints.
//!
//! A good reading order: `src/command/sync.rs`, which has the whole run on one screen; `src/config/expand/load.rs`;
//! `src/plan/decide.rs`; `src/exec/survey.rs`; `src/exec/executor.rs`, `src/exec/publish.rs`; `src/ui/show.rs`.
//!
//! # The way of one `source`
//!
//! How `source = "ghcr.io/org/app-{arch}:{version}"` becomes bytes that are sent to a registry. Each step has its own
//! type, and no step converts a value back to the type of an earlier one.
//!
//! | step | where | result |
//! |---|---|---|
//! | parse the file | `ParseResult::root` in `src/config/read/parse_result.rs`; `level.rs` or `members.rs`, `template.rs` | `SpannedTemplate` |
//! | find the level that applies, expand for a member | `TargetInstance::members` in `src/config/expand/instance/members.rs`; `Evaluator::expand` | `Expanded` |
//! | parse the expanded text | `Reference::parse` in `src/oci/reference.rs` | [`oci::Reference`] in [`config::model::Member`] |
//! | query what it names | `current_state::read`, `QueryBatch::head` in `src/plan/decide` | [`plan::Query`] |
//! | send the HEAD | `Surveyor::survey` in `src/exec/survey.rs`; `Registries`; `Http::head` in `src/registry/http/manifests.rs` | [`oci::Descriptor`] in the snapshot |
//! | choose the image for the platform | `images::choose`, `image::find` in `src/plan/decide` | `Image` |
//! | check it, fill in open parts of its platform | `members::resolve` in `src/plan/decide/members.rs` | `ResolvedMember` |
//! | order the entries, and take their sizes and types from bytes | `entries::compose`, `proof::correct`, `list::of` in `src/plan/decide` | [`oci::Index`] |
//! | encode it, or use the bytes of an equal published list | `verdict::conclude` in `src/plan/decide/verdict.rs` | [`oci::Payload`] in [`plan::ListPlan`] |
//! | list the children to copy | `missing_children::missing` in `src/plan/decide/missing_children.rs` | [`plan::Child`] |
//! | copy its blobs and manifest | `Publisher::prepare` in `src/exec/prepare.rs`; `ChildCopier::child` in `src/exec/copy.rs` | `Prepared` |
//! | write the list by its tags | `Publisher::commit` in `src/exec/commit.rs`; `TagWriter::write_all` in `src/exec/tags.rs` | `Ending` |
//! | PUT the bytes of the payload | `Http::put_manifest` in `src/registry/http/manifests.rs`, judged by `write_result.rs` | `201 Created` |
//!
//! # Layers
//!
//! Each layer may use only the layers in its row, which a test enforces. The first four are pure: no runtime, no
//! network, no clock, no environment, no files. The docs of each layer begin with a table of its files.
//!
//! | layer | what it is | uses |
//! |---|---|---|
//! | [`oci`] | names and bytes: digests, references, platforms, manifests, indexes | |
//! | [`naming`] | conventions: templates, arch styles, versions, globs | `oci` |
//! | [`config`] | manifests.toml: parsed, checked, expanded to publications; each problem has a span | `oci` `naming` |
//! | [`plan`] | what must change, decided from facts only | `oci` `naming` `config` |
//! | [`host`] | facts about this machine: environment, files, git | `config` |
//! | [`registry`] | registries and layouts behind one trait | `oci` |
//! | [`exec`] | queries registries and executes plans; events and report | `registry`, `plan` and what that uses |
//! | [`ui`] | output: lines, bars, problems, JSON | `exec`'s events and report, `plan` and what that uses |
//! | [`command`] | the commands, one file each, which only connect the other layers | all of these |
//! | [`cli`] | parses arguments to options | all of these |
//!
//! # Where is it decided
//!
//! | what | where |
//! |---|---|
//! | which keys exist, and their schema; the suggestion for a misspelt key | `src/config/keys.rs`; `src/config/read/known_keys.rs` |
//! | which level a key or variable comes from | `src/config/expand/scope.rs` |
//! | the syntax of templates; the values of variables | `src/naming/template.rs`, `src/config/expand/evaluate.rs` |
//! | how an architecture is spelled | `src/naming/arch_style.rs` |
//! | which platform the tag of a member means | `src/naming/member_template.rs`; refused by `src/config/expand/instance/member_tags/unfindable.rs` |
//! | how several writers share a list | `src/plan/decide/other_writers.rs`, `src/exec/multi_writer.rs`; `Layouts::put_tag` in `src/registry/layout.rs` |
//! | what an untrusted file may access; where a path leads | `src/config/trust.rs`; `src/host/boundary.rs` |
//! | how an expanded text may be shown | `src/config/expand/value.rs`, `src/config/expand/evaluate/variable.rs` |
//! | which lists a selector selects | `src/config/expand/publications.rs`, `src/config/expand/select.rs` |
//! | the bytes of a list, and so its digest | `src/plan/decide/list.rs`, `src/oci/index.rs` |
//! | whether a published list is equal to the declared one | `src/plan/equality.rs` |
//! | what counts as not found; size and type of what is written | `src/plan/decide/contradiction.rs`; `src/plan/decide/proof.rs` |
//! | whether an image is as declared | `src/plan/decide/check.rs` |
//! | parts of a platform that the file leaves open, such as the variant of arm | `src/plan/decide/platforms.rs` |
//! | which tags `ls --tags` shows; which of them belong to single members | `src/plan/tag_listing.rs`; `src/plan/tag_listing/member_forms.rs` |
//! | which version a floating tag belongs to; moving it | `src/plan/newest.rs`, `src/plan/decide/guard.rs`; `src/exec/floating.rs` |
//! | whether an absent image blocks, is skipped or is kept | `src/plan/decide/current_state.rs`; `src/plan/decide/retained.rs` |
//! | what `mlist inspect` reads below a reference, and how much; why the reference is not found | `src/plan/tree/growing.rs`, `src/plan/tree.rs`; `src/plan/tree/absent.rs` |
//! | create, update or unchanged; blocked or failed | `src/plan/decide/verdict.rs`; `src/plan/decide/batch.rs` |
//! | what a published list has lost, and whether it has it again | `src/plan/decide/child.rs`; `src/exec/copy.rs` |
//! | how a published list compares with the declared one; whether its images are damaged, and what repairs it | `src/plan/decide/compare.rs`; `src/plan/decide/child.rs`, `src/plan/decide/damage.rs` |
//! | the steps for a list; the steps for a tag | `src/exec/prepare.rs`, `src/exec/commit.rs`; `src/exec/tags.rs` |
//! | what a failure or Ctrl-C does to other lists; signals | `src/exec/executor.rs`; `src/command/session.rs` |
//! | when a request may be sent; retries; when a host is given up | `src/registry/gate/scheduler.rs`; `src/registry/transport/attempts.rs`; `src/registry/gate/health.rs` |
//! | the settings of a registry | `src/config/read/registry.rs`, passed on by `src/command/registry_options.rs` |
//! | HTTP or HTTPS; trusted certificates; client certificates and their hosts | `src/registry/tls.rs` |
//! | where a registry may redirect to; what is sent there | `src/registry/transport/destination.rs`; `src/registry/transport/wire.rs` |
//! | which credentials are used, and which are tried next | `src/registry/credentials.rs`; `src/registry/auth/request_auth.rs`, `src/registry/auth/ladder.rs` |
//! | which scopes are requested | `src/registry/http.rs`, `src/registry/auth/cached_token.rs` |
//! | whether a blob is mounted or uploaded; pushing it again | `src/registry/copy.rs`; `src/exec/copy.rs` |
//! | whether a layout has a blob; which temporary files are deleted | `src/registry/layout/proofs.rs`; `src/registry/layout/temporary.rs` |
//! | how many files and connections are open at once | `src/registry/file_limit.rs`, `src/registry/layout/open_files.rs` |
//! | what is sent again after a blob transfer was interrupted | `src/registry/copy/transfer.rs`; `src/registry/copy/reader.rs` |
//! | the meaning of a refused manifest | `src/registry/http/write_result.rs` |
//! | the message for a registry's error, and whether to retry | `src/exec/registry_problem.rs` |
//! | what git may run for a variable; whether a checkout is `-dirty` | `src/host/git.rs`; `src/host/git/dirty.rs` |
//! | limits of the process that are too low | `src/cli/limits.rs` |
//! | characters that no output for people has | `src/oci/invisible.rs`, `src/ui/text.rs` |
//! | the exit status | `src/exec/report.rs`; `src/command/load.rs` for an invalid file; `src/command/session.rs` for a second signal |
//! | which problems are shown as one | `src/ui/render/fold.rs` |
//! | what is written to stdout, to stderr and to files | `src/ui/show.rs` |
//! | how a table fits a terminal or a pipe | `src/ui/render/human/table.rs` |
//! | the JSON; its schemas | `src/ui/render/json.rs`; `src/ui/render/json/schemas.rs` |
//! | help pages, and hints for the commands and flags of other tools | `src/cli/args.rs`, `src/cli/words.rs` |
//!
//! Besides the layers, `src/fuzz.rs` has a function for each parser of external input, for `fuzz/` and for tests.
//!
//! # Problems
//!
//! Errors change their type between layers: a registry's error becomes a [`plan::Cause`] in the snapshot, a cause
//! becomes a [`config::problem`] of each list that it affects, and [`ui`] only shows problems. A problem has a code,
//! `mlist::LAYER::WHAT`, which is written in the code that reports it, so that a search for the code finds that place.
//! The codes about the file are listed in [`config::codes`], the others in [`ui::codes`], and all of them in
//! `docs/codes.md`.
//!
//! # Words
//!
//! | word | means |
//! |---|---|
//! | list | a manifest list or image index: a manifest that refers to one image per platform |
//! | member | a declared image of a list: a platform and the reference of its image |
//! | child | a manifest that a list names by digest: a member's image after it was copied to the target |
//! | entry | a `[list.ENTRY]` in the file, which a matrix expands to several lists; also a descriptor in an index |
//! | floating tag | a tag such as `latest` that only the newest version has |
//! | own tag | the first tag of a list that is not a floating tag; the list is named by it |
//! | open part | a part of a platform that the file does not declare; the image's config fills it in |
//! | publication | a list in one repository with all its tags: the unit that is planned, counted and reported |
//! | source, target | the reference of a member; the repository of a list |
//! | place | a repository of a registry, or a layout on disk |
//! | payload | the exact bytes of a manifest or config with their digest, never serialized again |
//! | fact | an answer about this machine or from a registry; facts are added but never changed |
//! | snapshot | all facts from the registries |
//! | head | the descriptor that a reference resolves to: media type, digest and size, without the bytes |
//! | span | a range of bytes in a file |
//! | absent | the registry responded with 404; with any other error it is unknown whether something exists |
//! | blocked | the answers do not allow to publish the list: the user must act first |
//! | failed | there was no usable answer: the same command may succeed later |
//! | layout | an OCI image layout: a folder with manifests and blobs, used like a repository |

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

/// Runs the program with these arguments, the first of which is its name. Returns its exit status.
pub fn run(args: impl IntoIterator<Item = std::ffi::OsString>) -> u8 {
    cli::run(args)
}

/// Makes a panic print that it is a bug and where to report it, and end the process with exit status 101.
pub fn report_panics() {
    ui::report_panics();
}
