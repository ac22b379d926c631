//! Tests of the text that is printed for each event.

use super::*;
use crate::exec::report::ListReport;
use crate::oci::Platform;
use crate::ui::tests::samples::{self, WIDE};
use crate::ui::{DigestLength, Size};

fn options(progress: ProgressMode) -> UiOptions {
    UiOptions {
        out: WIDE,
        err: WIDE,
        verbosity: Verbosity::Normal,
        progress,
        digests: DigestLength::Short,
        outputs: Vec::new(),
    }
}

fn state(options: &UiOptions, plan: Plan) -> LiveState {
    let printer = Printer::to(Box::new(std::io::sink()), Box::new(std::io::sink()));
    let live = Live::new(options.clone(), Arc::new(printer));
    let shared = Arc::into_inner(live.shared).unwrap();
    let mut state = shared.state.into_inner().unwrap();
    state.note(Event::Planned(Arc::new(plan)), options);
    state
}

fn linux(arch: &str) -> Platform {
    samples::platform(arch)
}

fn bars() -> ProgressMode {
    ProgressMode::Bars(Size { columns: 80, rows: 24 })
}

#[test]
fn a_host_that_asks_to_wait_is_told_in_lines_and_seen_in_bars() {
    let plan = samples::plan();
    let paused = |as_asked| {
        Event::Notice(Notice::Paused { host: "docker.io".into(), status: 429, wait: Duration::from_mins(1), as_asked })
    };
    let lines = options(ProgressMode::Lines);
    let mut state = self::state(&lines, plan.clone());
    assert_eq!(
        state.note(paused(true), &lines).unwrap(),
        "docker.io answers 429: waiting 60s as it asks, 3 lists to go\n"
    );
    assert_eq!(state.note(paused(false), &lines).unwrap(), "docker.io answers 429: waiting 60s, 3 lists to go\n");
    let resumed = Event::Notice(Notice::Resumed { host: "docker.io".into(), after: Duration::from_mins(1) });
    assert_eq!(state.note(resumed, &lines).unwrap(), "docker.io answers again after 60s\n");
    let drawn = options(bars());
    let mut state = self::state(&drawn, plan);
    assert_eq!(state.note(paused(true), &drawn), None);
    assert_eq!(state.pauses().collect::<Vec<_>>(), [("docker.io".to_owned(), ": 429, 0s of 60s".to_owned())]);
}

#[test]
fn a_host_whose_pause_has_no_room_beside_the_bar_has_a_line_of_its_own() {
    let drawn = options(bars());
    let mut state = state(&drawn, samples::plan());
    let host = "0123456789.dkr.ecr.eu-west-1.amazonaws.com".to_owned();
    state.note(
        Event::Notice(Notice::Paused { host, status: 429, wait: Duration::from_mins(1), as_asked: true }),
        &drawn,
    );
    let shown = |columns| {
        let frame = state.frame(4, Style { width: Some(columns), ..WIDE }).unwrap();
        format!("{} [{}] {}", frame.above, "=".repeat(frame.bar), frame.beside)
    };
    insta::assert_snapshot!(shown(90), @"Publishing [======] 0/3 lists  0123456789.dkr.ecr.eu-west-1.amazonaws.com: 429, 0s of 60s");
    insta::assert_snapshot!(shown(44), @r"
      ….eu-west-1.amazonaws.com: 429, 0s of 60s
    Publishing [====================] 0/3 lists
    ");
}

#[test]
fn absent_members_are_told_once_and_again_where_nothing_else_is() {
    let waiting = |members, left| Event::Waiting { members, left: Duration::from_secs(left) };
    let lines = options(ProgressMode::Lines);
    let mut state = self::state(&lines, samples::plan());
    state.note(Event::Reading { done: 1, total: 3 }, &lines);
    assert_eq!(state.note(waiting(1, 42), &lines).unwrap(), "Waiting for 1 absent member, 42s left\n");
    assert_eq!(state.note(waiting(2, 40), &lines), None);
    assert_eq!(state.sign_of_life(), "Waiting for 2 absent members, 40s left\n");
    assert_eq!(state.note(waiting(0, 0), &lines), None);
    assert_eq!(state.sign_of_life(), "Reading: 1 of 3 lists\n");
    let drawn = options(bars());
    assert_eq!(state.note(waiting(1, 42), &drawn), None);
    assert_eq!(state.pauses().collect::<Vec<_>>(), [("1 absent member".to_owned(), ": 42s left".to_owned())]);
}

#[test]
fn silence_is_broken_by_how_far_it_is() {
    let lines = options(ProgressMode::Lines);
    let mut state = state(&lines, samples::plan());
    assert_eq!(state.sign_of_life(), "Publishing: 0 of 3 lists\n");
    state.note(Event::Reading { done: 2310, total: 9849 }, &lines);
    assert_eq!(state.sign_of_life(), "Reading: 2,310 of 9,849 lists\n");
}

#[test]
fn lists_at_work_say_what_they_do_and_never_wrap() {
    let drawn = options(bars());
    let lists = vec![
        samples::created(samples::publication("kube-apiserver"), "8c1e"),
        samples::created(samples::publication("kube-controller-manager"), "72c4"),
        samples::created(samples::publication("kube-proxy"), "3f2a"),
    ];
    let mut state = state(&drawn, samples::plan_of(lists));
    for (list, step) in [
        (0, ListStep::Mounting { platform: linux("arm64"), done: 3, of: 5 }),
        (1, ListStep::Copying { platform: linux("ppc64le"), sent: 48_210_000, of: 112_000_000 }),
        (2, ListStep::Writing),
    ] {
        state.note(Event::Began { list }, &drawn);
        state.note(Event::Step { list, step }, &drawn);
    }
    insta::assert_snapshot!(state.rows(4, 80, WIDE), @r"
    kube-apiserver           mounting linux/arm64, 3 of 5 members
    kube-controller-manager  copying linux/ppc64le, 48.2 of 112 MB
    kube-proxy               writing the list
    ");
    insta::assert_snapshot!(state.rows(4, 40, WIDE), @r"
    kube-apiserver    mounting linux/arm6
    …troller-manager  copying linux/ppc64
    kube-proxy        writing the list
    ");
    assert!(state.rows(4, 40, WIDE).lines().all(|line| line.chars().count() < 40));
    assert_eq!(state.rows(1, 80, WIDE).lines().count(), 1);
    assert_eq!(state.rows(0, 80, WIDE), "");
}

#[test]
fn a_list_that_ends_leaves_the_bars_and_counts() {
    let drawn = options(bars());
    let mut state = state(&drawn, samples::plan());
    let report = samples::report(samples::plan());
    let ended = |list: usize| Event::Ended { list, report: Arc::new(ListReport::clone(&report.lists[list])) };
    state.note(Event::Began { list: 1 }, &drawn);
    assert!(state.note(ended(1), &drawn).unwrap().starts_with("created    gcr.io/google_containers/hyperkube:v1.3.0"));
    assert!(state.at_work.is_empty());
    assert_eq!(state.note(ended(3), &drawn), None, "blocked lists are told at the end");
    assert_eq!(state.sign_of_life(), "Publishing: 1 of 3 lists\n");
}

#[test]
fn requests_are_told_only_when_asked_for() {
    let request = || {
        Event::Notice(Notice::Request {
            method: "HEAD",
            url: "https://gcr.io/v2/a/manifests/v1".into(),
            status: Some(200),
            took: Duration::from_millis(31),
        })
    };
    let normal = options(ProgressMode::Lines);
    let asked = UiOptions { verbosity: Verbosity::Requests, ..normal.clone() };
    let mut state = state(&normal, Plan::default());
    assert_eq!(state.note(request(), &normal), None);
    assert_eq!(state.note(request(), &asked).unwrap(), "HEAD https://gcr.io/v2/a/manifests/v1 200 31ms\n");
}

#[test]
fn stopping_says_what_is_waited_for() {
    let lines = options(ProgressMode::Lines);
    let mut state = state(&lines, samples::plan());
    let mut said = |lists| state.note(Event::Stopping { lists }, &lines).unwrap();
    assert_eq!(said(2), "Stopping: 2 lists finish the step they are in. Ctrl-C again stops at once.\n");
    assert_eq!(said(1), "Stopping: 1 list finishes the step it is in. Ctrl-C again stops at once.\n");
    assert_eq!(said(0), "Stopping: Ctrl-C again stops at once.\n");
}
