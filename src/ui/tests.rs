//! Tests of which stream gets which output, and when nothing is printed.

mod harmless;
pub(crate) mod samples;

use std::io::{self, Write};
use std::sync::Mutex;
use std::time::Duration;

use super::*;
use crate::config::model::UnmetTag;
use crate::config::{Loaded, Problem, Publication};
use crate::exec::event::{Event, ListStep};
use crate::exec::report::{Signal, Stats};
use crate::plan::Plan;

/// A stream that records what is written to it.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Paper {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Desk {
    ui: Ui,
    out: Paper,
    err: Paper,
}

fn desk(verbosity: Verbosity, formats: &[(OutputFormat, Option<&std::path::Path>)]) -> Desk {
    let outputs = formats.iter().map(|(format, file)| Output { format: *format, file: file.map(PathBuf::from) });
    let options = UiOptions {
        out: Style::PLAIN,
        err: Style::PLAIN,
        verbosity,
        progress: ProgressMode::Lines,
        digests: DigestLength::Short,
        outputs: outputs.collect(),
    };
    let (out, err) = (Paper::default(), Paper::default());
    let printer = Printer::to(Box::new(out.clone()), Box::new(err.clone()));
    Desk { ui: Ui::with(options, printer), out, err }
}

fn sync(desk: &Desk, plan: Plan) -> ExitStatus {
    let report = samples::report(plan.clone());
    let listener = desk.ui.listener();
    listener(Event::Reading { done: 0, total: plan.lists.len() });
    listener(Event::Planned(Arc::new(plan)));
    for (list, ended) in report.lists.iter().enumerate() {
        listener(Event::Began { list });
        listener(Event::Ended { list, report: Arc::clone(ended) });
    }
    desk.ui.show(Document::report(Context::of(samples::sources()), report))
}

fn plan(desk: &Desk, plan: &Plan, status: ExitStatus) -> ExitStatus {
    desk.ui.show(Document::plan(Context::of(samples::sources()), plan.clone(), Stats::new(), status))
}

/// Returns the result of loading the valid sample file.
fn loaded() -> Loaded {
    let publications = ["hyperkube", "kubectl"].map(samples::publication).into();
    Loaded { publications, sources: samples::sources(), ..Loaded::default() }
}

#[test]
fn sync_writes_results_to_stdout_and_messages_to_stderr() {
    let desk = desk(Verbosity::Normal, &[]);
    assert_eq!(sync(&desk, samples::plan()), ExitStatus::Failed);
    insta::assert_snapshot!(desk.out.text(), @r"
    updated    gcr.io/google_containers/kubectl:v1.3.0    5d90b3e7c812
      ~ tag v1.3.0       72c4e8f1a90d → 5d90b3e7c812
      ~ linux/arm64      0a4f6c1d92e7 → 9be3017c55fa
      + linux/ppc64le    1c77de02b4a9
      - linux/riscv64    60303ae22b99   removed: not declared
    created    gcr.io/google_containers/hyperkube:v1.3.0  8c1e5d0b7a42
    created    docker.io/acme/api:v2.4.0 +2 tags          c4d81fa03b27
    blocked    gcr.io/google_containers/kube-scheduler:v1.3.0
    failed     quay.io/acme/api:v1.3.0
    Incomplete after 1m 31s: 2 lists created, 1 updated, 1 unchanged, 1 blocked, 1 failed
    ");
    insta::assert_snapshot!(desk.err.text(), @r#"
    Plan: 2 to create, 1 to update, 1 unchanged, 1 blocked, 1 failed

    mlist::plan::member_absent

      × tag v1.3.0 not found in gcr.io/google_containers/kube-scheduler-s390x
       ╭─[manifests.toml:6:11]
     5 │ [defaults]
     6 │ source = "{registry}/{name}-{arch}:{version}"
       ·           ─────────────────┬────────────────
       ·                            ╰── linux/s390x of list `kube-scheduler`
     7 │ target = "{registry}/{name}"
       ╰────
      help: push it first, or set missing = "skip" to publish without it

    mlist::registry::unreachable

      × cannot connect to quay.io
      ╰─▶ timed out after 10s (8 attempts in 90s)
      help: check the host name and port, and whether the registry is running
    "#);
}

#[test]
fn sync_with_nothing_to_do_is_one_line() {
    let desk = desk(Verbosity::Normal, &[]);
    let lists = vec![samples::unchanged(samples::publication("kubectl"), "72c4")];
    assert_eq!(sync(&desk, samples::plan_of(lists)), ExitStatus::Done);
    assert_eq!(desk.out.text(), "Nothing to publish: 1 list unchanged (1m 31s)\n");
    assert_eq!(desk.err.text(), "");
}

#[test]
fn plan_answers_on_stdout_and_its_problems_talk() {
    let desk = desk(Verbosity::Normal, &[]);
    plan(&desk, &samples::plan(), ExitStatus::Failed);
    assert!(desk.out.text().starts_with("update     gcr.io/google_containers/kubectl\n"));
    assert!(desk.out.text().ends_with("Plan: 2 to create, 1 to update, 1 unchanged, 1 blocked, 1 failed\n"));
    assert!(desk.err.text().starts_with("\nmlist::plan::member_absent\n"));
    assert!(desk.err.text().ends_with("registry is running\n\n"));
}

#[test]
fn quiet_says_nothing_unless_something_is_wrong() {
    let good = desk(Verbosity::Quiet, &[]);
    sync(&good, samples::plan_of(vec![samples::updated()]));
    plan(&good, &samples::plan_of(vec![samples::updated()]), ExitStatus::Done);
    good.ui.talk("using ../manifests.toml");
    assert_eq!((good.out.text(), good.err.text()), (String::new(), String::new()));
    let bad = desk(Verbosity::Quiet, &[]);
    sync(&bad, samples::plan());
    let lines = bad.out.text();
    assert!(lines.starts_with("blocked    gcr.io/google_containers/kube-scheduler:v1.3.0\n"), "{lines}");
    assert!(lines.contains("Incomplete after 1m 31s"), "{lines}");
}

#[test]
fn if_json_takes_stdout_the_human_text_goes_to_stderr() {
    let human = desk(Verbosity::Normal, &[]);
    plan(&human, &samples::plan(), ExitStatus::Failed);
    let (lines, verdict) =
        human.out.text().trim_end().rsplit_once('\n').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    for formats in [[(OutputFormat::Json, None)].as_slice(), &[(OutputFormat::Human, None), (OutputFormat::Json, None)]]
    {
        let desk = desk(Verbosity::Normal, formats);
        plan(&desk, &samples::plan(), ExitStatus::Failed);
        assert!(serde_json::from_str::<serde_json::Value>(&desk.out.text()).is_ok());
        assert_eq!(desk.err.text(), format!("{lines}\n{}{verdict}\n", human.err.text()));
    }
    let desk = desk(Verbosity::Normal, &[(OutputFormat::Json, None)]);
    sync(&desk, samples::plan());
    assert!(serde_json::from_str::<serde_json::Value>(&desk.out.text()).is_ok());
    assert!(desk.err.text().contains("\ncreated    gcr.io/google_containers/hyperkube:v1.3.0"), "{}", desk.err.text());
}

#[test]
fn files_get_the_whole_answer_whatever_the_streams_get() {
    let folder = tempfile::tempdir().unwrap();
    let (json, human) = (folder.path().join("report.json"), folder.path().join("report.txt"));
    let desk = desk(Verbosity::Normal, &[(OutputFormat::Json, Some(&json)), (OutputFormat::Human, Some(&human))]);
    desk.ui.open_files().unwrap();
    sync(&desk, samples::plan());
    let document: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(json).unwrap()).unwrap();
    assert_eq!(document["kind"], "report");
    let text = std::fs::read_to_string(human).unwrap();
    assert!(text.starts_with("updated    gcr.io/google_containers/kubectl:v1.3.0"), "{text}");
    assert!(text.contains("Incomplete after 1m 31s"));
    assert!(text.starts_with(desk.out.text().rsplit_once("Incomplete").unwrap().0), "{text}");
}

#[test]
fn a_file_that_cannot_be_created_is_a_problem_before_anything_else() {
    let nowhere = std::path::Path::new("no/such/folder/report.json");
    let desk = desk(Verbosity::Normal, &[(OutputFormat::Json, Some(nowhere))]);
    assert_eq!(desk.ui.open_files(), Err(ExitStatus::Usage));
    insta::assert_snapshot!(desk.err.text(), @r"
    mlist::ui::unwritable

      × cannot write to no/such/folder/report.json
      ╰─▶ No such file or directory
      help: create the directory no/such/folder, or choose another file: --format json=FILE
    ");
    assert_eq!(desk.out.text(), "1 problem\n");
}

#[test]
fn a_directory_in_place_of_a_file_is_not_a_matter_of_permissions() {
    let folder = tempfile::tempdir().unwrap();
    let desk = desk(Verbosity::Normal, &[(OutputFormat::Json, Some(folder.path()))]);
    assert_eq!(desk.ui.open_files(), Err(ExitStatus::Usage));
    let text = desk.err.text();
    assert!(text.contains("\n  help: choose another file: --format json=FILE\n"), "{text}");
}

#[test]
fn a_file_that_cannot_be_completed_is_a_failure() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.json");
    let desk = desk(Verbosity::Normal, &[(OutputFormat::Json, Some(&report))]);
    desk.ui.open_files().unwrap();
    folder.close().unwrap();
    assert_eq!(sync(&desk, samples::plan_of(vec![samples::updated()])), ExitStatus::Failed);
    let text = desk.err.text();
    assert!(text.contains("report.json\n  ╰─▶ No such file or directory\n"), "{text}");
    assert!(desk.out.text().lines().last().unwrap().starts_with("Incomplete after "), "{}", desk.out.text());
}

#[test]
fn a_run_that_is_cut_off_prints_what_is_done_and_leaves_no_temporary_file() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.json");
    let desk = desk(Verbosity::Normal, &[(OutputFormat::Json, Some(&report))]);
    desk.ui.open_files().unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    let plan = samples::plan_of(vec![samples::updated(), samples::created(samples::publication("pause"), "77b1")]);
    let listener = desk.ui.listener();
    listener(Event::Planned(Arc::new(plan.clone())));
    listener(Event::Began { list: 0 });
    listener(Event::Step { list: 0, step: ListStep::Writing });
    listener(Event::Ended { list: 1, report: Arc::clone(&samples::report(plan).lists[1]) });
    desk.ui.cut_off();
    insta::assert_snapshot!(desk.out.text(), @r"
    created    gcr.io/google_containers/pause:v1.3.0    77b100000000
    Interrupted: these tags may have been moved: gcr.io/google_containers/kubectl:v1.3.0
    Run mlist sync to continue.
    ");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn check_counts_what_is_good_and_shows_what_is_not() {
    let good = desk(Verbosity::Normal, &[]);
    assert_eq!(good.ui.show(Document::check(&loaded())), ExitStatus::Done);
    assert_eq!(good.out.text(), "manifests.toml: 2 lists, 10 members, 2 tags, no problems\n");
    let one_less = desk(Verbosity::Normal, &[]);
    let left_out = vec![samples::left_out("gcr.io/x/app")];
    assert_eq!(one_less.ui.show(Document::check(&Loaded { left_out, ..loaded() })), ExitStatus::Done);
    insta::assert_snapshot!(one_less.out.text(), @r"
    left out   gcr.io/x/app  condition not met: stable (1.4.0-rc.1 is a pre-release)
    manifests.toml: 2 lists, 10 members, 2 tags, no problems
    ");
    let open = desk(Verbosity::Normal, &[]);
    let unexpanded = ["kube", "etcd"].map(str::to_owned).into();
    assert_eq!(open.ui.show(Document::check(&Loaded { unexpanded, ..loaded() })), ExitStatus::Done);
    let verdict = "manifests.toml: 2 lists, 10 members, 2 tags, no problems; not expanded, because their \
                   lists depend on the tags of a registry: kube, etcd";
    assert_eq!(open.out.text(), format!("{verdict}\n"));
    let bad = desk(Verbosity::Normal, &[]);
    let key = Problem::error("mlist::config::unknown_key", "unknown key `registri`")
        .at(&samples::span("registry"), "did you mean `registry`?");
    let variable = Problem::error("mlist::config::unknown_variable", "unknown variable `versoin`")
        .at(&samples::span("{version}"), "did you mean `version`?")
        .help("known here: name, registry, version");
    let problems = Document::problems(Context::of(samples::sources()), vec![key, variable], ExitStatus::Usage);
    assert_eq!(bad.ui.show(problems), ExitStatus::Usage);
    assert_eq!(bad.out.text(), "manifests.toml: 2 problems\n");
    insta::assert_snapshot!(bad.err.text(), @r#"
    mlist::config::unknown_key

      × unknown key `registri`
       ╭─[manifests.toml:2:1]
     1 │ [vars]
     2 │ registry = "gcr.io/google_containers"
       · ────┬───
       ·     ╰── did you mean `registry`?
     3 │ version = "v1.3.0"
       ╰────

    mlist::config::unknown_variable

      × unknown variable `versoin`
       ╭─[manifests.toml:6:36]
     5 │ [defaults]
     6 │ source = "{registry}/{name}-{arch}:{version}"
       ·                                    ────┬────
       ·                                        ╰── did you mean `version`?
     7 │ target = "{registry}/{name}"
       ╰────
      help: known here: name, registry, version
    "#);
}

#[test]
fn a_list_to_which_no_tag_applies_is_told_before_the_verdict_and_counts_for_nothing() {
    let left_out = vec![samples::left_out("gcr.io/x/app")];
    let context = Context { left_out, ..Context::of(samples::sources()) };
    let shown = samples::plan_of(vec![samples::unchanged(samples::publication("kubectl"), "5d90")]);
    let planned = desk(Verbosity::Normal, &[]);
    let document = Document::plan(context.clone(), shown.clone(), Stats::new(), ExitStatus::Done);
    assert_eq!(planned.ui.show(document), ExitStatus::Done);
    insta::assert_snapshot!(planned.out.text(), @r"
    left out   gcr.io/x/app  condition not met: stable (1.4.0-rc.1 is a pre-release)
    Plan: 1 unchanged
    ");
    let synced = desk(Verbosity::Normal, &[]);
    assert_eq!(synced.ui.show(Document::report(context, samples::report(shown))), ExitStatus::Done);
    insta::assert_snapshot!(synced.out.text(), @r"
    left out   gcr.io/x/app  condition not met: stable (1.4.0-rc.1 is a pre-release)
    Nothing to publish: 1 list unchanged (1m 31s)
    ");
}

#[test]
fn an_early_signal_leaves_nothing_published() {
    let desk = desk(Verbosity::Quiet, &[(OutputFormat::Json, None)]);
    let context = Context::of(samples::sources());
    let document = Document::interrupted(context, Signal::Terminate, Duration::from_millis(1_240));
    assert_eq!(desk.ui.show(document), ExitStatus::Terminated);
    assert_eq!(desk.err.text(), "Interrupted after 1.2s: nothing was published\n", "JSON uses stdout");
    assert!(desk.out.text().contains(r#""exit_status": 143"#));
}

#[test]
fn verbose_tells_requests_by_host_before_the_verdict() {
    let desk = desk(Verbosity::Verbose, &[]);
    sync(&desk, samples::plan_of(vec![samples::updated()]));
    let text = desk.err.text();
    let lines: Vec<&str> = text.lines().rev().take(2).collect();
    assert_eq!(lines[1], "gcr.io: 13 HEAD, 2 GET, 2 PUT, 1 token request; no credentials");
    assert!(lines[0].starts_with("quay.io: 8 HEAD, 7 retried, waited 1m 28s; credentials from"));
    assert!(desk.out.text().lines().last().unwrap().starts_with("Done in 1m 31s"));
}

#[test]
fn a_closed_pipe_is_no_failure_and_hides_none() {
    struct Gone;
    impl Write for Gone {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let options = desk(Verbosity::Normal, &[]).ui.options.clone();
    let ui = Ui::with(options, Printer::to(Box::new(Gone), Box::new(io::sink())));
    ui.answer("{}");
    assert_eq!([ExitStatus::Done, ExitStatus::Blocked].map(|status| ui.end(status)), [0, 4]);
}

#[test]
fn check_with_v_shows_what_the_file_expands_to() {
    let desk = desk(Verbosity::Verbose, &[]);
    let mut pause = Publication::clone(&samples::publication_at("registry.k8s.io/pause", &["3.9.1", "latest"]));
    pause.id = "images/pause".to_owned();
    pause.members.truncate(2);
    let why = "condition not met: stable (3.9.1-rc.1 is a pre-release)".to_owned();
    pause.unmet = vec![UnmetTag { template: "{version.major}".to_owned(), why }];
    let publications = vec![samples::publication("kubectl"), Arc::new(pause)];
    let left_out = vec![samples::left_out("gcr.io/x/app")];
    assert_eq!(desk.ui.show(Document::check(&Loaded { publications, left_out, ..loaded() })), ExitStatus::Done);
    insta::assert_snapshot!(desk.out.text(), @r"
    list       kubectl       gcr.io/google_containers/kubectl
        tag v1.3.0
        linux/amd64          gcr.io/google_containers/kubectl-amd64:v1.3.0
        linux/arm/v7         gcr.io/google_containers/kubectl-arm:v1.3.0
        linux/arm64          gcr.io/google_containers/kubectl-arm64:v1.3.0
        linux/ppc64le        gcr.io/google_containers/kubectl-ppc64le:v1.3.0
        linux/s390x          gcr.io/google_containers/kubectl-s390x:v1.3.0
    list       images/pause  registry.k8s.io/pause
        tag 3.9.1
        tag latest
        tag {version.major}  left out, condition not met: stable (3.9.1-rc.1 is a pre-release)
        linux/amd64          registry.k8s.io/pause-amd64:v1.3.0
        linux/arm/v7         registry.k8s.io/pause-arm:v1.3.0
    left out   gcr.io/x/app  condition not met: stable (1.4.0-rc.1 is a pre-release)
    manifests.toml: 2 lists, 7 members, 3 tags, no problems
    ");
}
