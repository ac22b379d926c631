//! Tests of the text that is printed for each event.

use super::state::Frame;
use super::*;
use crate::exec::event::{ListStep, Notice};
use crate::exec::report::ListReport;
use crate::oci::{Host, Place, Platform};
use crate::plan::{CheckDepth, Child, Plan};
use crate::ui::style::Style;
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
    let mut state = LiveState::new();
    state.note(Event::Planned(Arc::new(plan)), options);
    state
}

fn message(text: Option<LiveText>) -> String {
    match text {
        Some(LiveText::Message(text)) => text,
        other => panic!("{other:?}"),
    }
}

fn result(text: Option<LiveText>) -> String {
    match text {
        Some(LiveText::Result(text)) => text,
        other => panic!("{other:?}"),
    }
}

/// Returns what is drawn, with `=` for all columns of the bar.
fn drawn(state: &LiveState, columns: usize) -> String {
    let Frame { above, bar, beside, .. } = state.frame(4, Style { width: Some(columns), ..WIDE }).unwrap();
    let bar = if bar == 0 { String::new() } else { format!(" [{}]", "=".repeat(bar)) };
    let text = format!("{above}{bar} {beside}");
    assert!(text.lines().all(|line| line.chars().count() < columns), "{text}");
    text
}

fn linux(arch: &str) -> Platform {
    samples::platform(arch)
}

fn bars() -> ProgressMode {
    ProgressMode::Bars(Size { columns: 80, rows: 24 })
}

#[test]
fn a_pause_has_a_line_or_is_beside_the_bar() {
    let plan = samples::plan();
    let paused = |status, as_asked| {
        Event::Notice(Notice::Paused { host: "docker.io".into(), status, wait: Duration::from_mins(1), as_asked })
    };
    let lines = options(ProgressMode::Lines);
    let mut state = self::state(&lines, plan.clone());
    assert_eq!(
        message(state.note(paused(429, true), &lines)),
        "rate limited by docker.io: retrying in 60s as requested by the registry, 3 lists\n  remaining\n"
    );
    assert_eq!(
        message(state.note(paused(503, false), &lines)),
        "docker.io responded 503: retrying in 60s, 3 lists remaining\n"
    );
    let resumed = Event::Notice(Notice::Resumed { host: "docker.io".into(), after: Duration::from_mins(1) });
    assert_eq!(message(state.note(resumed, &lines)), "sending requests to docker.io again after 60s\n");
    let bars = options(bars());
    let mut state = self::state(&bars, plan);
    assert_eq!(state.note(paused(429, true), &bars), None);
    assert_eq!(
        state.pauses().collect::<Vec<_>>(),
        [("docker.io".to_owned(), ": rate limited, retrying in 60s".to_owned())]
    );
}

#[test]
fn a_pause_that_does_not_fit_beside_the_bar_has_its_own_line() {
    let bars = options(bars());
    let mut state = state(&bars, samples::plan());
    let host = "0123456789.dkr.ecr.eu-west-1.amazonaws.com".to_owned();
    state
        .note(Event::Notice(Notice::Paused { host, status: 503, wait: Duration::from_mins(1), as_asked: true }), &bars);
    insta::assert_snapshot!(drawn(&state, 100), @"Publishing 0/3 lists  0123456789.dkr.ecr.eu-west-1.amazonaws.com responded 503, retrying in 60s");
    insta::assert_snapshot!(drawn(&state, 44), @r"
      …onaws.com responded 503, retrying in 60s
    Publishing [====================] 0/3 lists
    ");
}

#[test]
fn members_that_are_waited_for_are_reported_once_and_as_the_sign_of_life() {
    let waiting = |members, left| Event::Waiting { members, left: Duration::from_secs(left) };
    let lines = options(ProgressMode::Lines);
    let mut state = self::state(&lines, samples::plan());
    state.note(Event::Reading { done: 1, total: 3 }, &lines);
    assert_eq!(message(state.note(waiting(1, 42), &lines)), "Waiting for 1 member not found yet, 42s left\n");
    assert_eq!(state.note(waiting(2, 40), &lines), None);
    assert_eq!(state.sign_of_life(WIDE), "Waiting for 2 members not found yet, 40s left\n");
    assert_eq!(state.note(waiting(0, 0), &lines), None);
    assert_eq!(state.sign_of_life(WIDE), "Reading: 1 of 3 lists\n");
    let bars = options(bars());
    assert_eq!(state.note(waiting(1, 42), &bars), None);
    assert_eq!(state.pauses().collect::<Vec<_>>(), [("1 member not found yet".to_owned(), ": 42s left".to_owned())]);
}

#[test]
fn the_sign_of_life_says_how_far_the_run_is() {
    assert_eq!(LiveState::new().sign_of_life(WIDE), "Waiting for the response of a registry\n");
    let lines = options(ProgressMode::Lines);
    let mut state = state(&lines, samples::plan());
    assert_eq!(state.sign_of_life(WIDE), "Publishing: 0 of 3 lists\n");
    state.note(Event::Began { list: 0 }, &lines);
    state.note(Event::Step { list: 0, step: copying("ppc64le", 48_210_000) }, &lines);
    assert_eq!(state.sign_of_life(WIDE), "Publishing: 0 of 3 lists, 48.2 of 112 MB\n");
    state.note(Event::Reading { done: 2310, total: 9849 }, &lines);
    assert_eq!(state.sign_of_life(WIDE), "Reading: 2,310 of 9,849 lists\n");
    state.note(Event::ListingTags { done: 1, total: 2 }, &lines);
    assert_eq!(state.sign_of_life(WIDE), "Listing tags: 1 of 2 repositories\n");
}

fn host(host: &str) -> Host {
    Place::parse(&format!("{host}/x")).unwrap().host().unwrap().clone()
}

fn mounting(arch: &str) -> ListStep {
    ListStep::Mounting { platform: linux(arch) }
}

fn copying(arch: &str, sent: u64) -> ListStep {
    ListStep::Copying { platform: linux(arch), from: None, sent, of: 112_000_000 }
}

fn copied(arch: &str, done: usize, of: usize) -> ListStep {
    ListStep::Copied { platform: linux(arch), done, of }
}

/// The child of a step that copies from another registry.
fn child(step: &ListStep) -> Option<Child> {
    let ListStep::Copying { platform, from: Some(from), .. } = step else { return None };
    let from = Place::parse(&format!("{}/x", from.as_str())).unwrap();
    Some(Child {
        descriptor: samples::descriptor("8c1e"),
        platform: platform.clone(),
        from,
        payload: None,
        fault: None,
        confirm: CheckDepth::List,
    })
}

/// Returns a state in which lists with these targets are at these steps.
fn at_work(steps: &[(&str, &[ListStep])]) -> LiveState {
    let bars = options(bars());
    let list = |(target, steps): &(&str, &[ListStep])| {
        let mut list = samples::created(samples::publication_at(target, &["v1.3.0"]), "8c1e");
        list.children = steps.iter().filter_map(child).collect();
        list
    };
    let lists: Vec<_> = steps.iter().map(list).collect();
    let mut state = state(&bars, samples::plan_of(lists));
    for (list, (_, steps)) in steps.iter().enumerate() {
        state.note(Event::Began { list }, &bars);
        for step in *steps {
            state.note(Event::Step { list, step: step.clone() }, &bars);
        }
    }
    state
}

#[test]
fn rows_say_what_is_being_done() {
    let state = at_work(&[
        ("gcr.io/x/kube-apiserver", &[mounting("amd64"), mounting("arm64"), copied("amd64", 3, 5)]),
        ("gcr.io/x/kube-controller-manager", &[copying("ppc64le", 48_210_000)]),
        ("gcr.io/x/kube-proxy", &[ListStep::Writing]),
        ("gcr.io/x/kube-scheduler", &[]),
    ]);
    insta::assert_snapshot!(state.rows(4, WIDE), @r"
    kube-apiserver           mounting linux/arm64, 3 of 5 members
    kube-controller-manager  copying linux/ppc64le, 48.2 of 112 MB
    kube-proxy               writing the list
    ");
    insta::assert_snapshot!(state.rows(4, Style { width: Some(40), ..WIDE }), @r"
    …-apiserver  mounting, 3 of 5 members
    …er-manager  copying, 48.2 of 112 MB
    kube-proxy   writing the list
    ");
    assert!(state.rows(4, Style { width: Some(40), ..WIDE }).lines().all(|line| line.chars().count() < 40));
    assert_eq!(state.rows(0, WIDE), "");
}

#[test]
fn lists_that_have_no_row_are_counted() {
    let names: Vec<String> = (1..=6).map(|at| format!("gcr.io/x/app-{at}")).collect();
    let steps = [mounting("amd64")];
    let lists: Vec<(&str, &[ListStep])> = names.iter().map(|name| (name.as_str(), steps.as_slice())).collect();
    let state = at_work(&lists);
    insta::assert_snapshot!(state.rows(2, WIDE), @r"
    app-1  mounting linux/amd64
    app-2  mounting linux/amd64
    and 4 more
    ");
    assert_eq!(state.rows(6, WIDE).lines().count(), 6);
}

#[test]
fn rows_name_the_registries_if_there_are_several() {
    let from_gcr =
        |sent| ListStep::Copying { platform: linux("arm64"), from: Some(host("gcr.io")), sent, of: 112_000_000 };
    let steps = [[from_gcr(48_210_000)], [from_gcr(0)]];
    let state = at_work(&[("quay.io/acme/api", &steps[0]), ("ghcr.io/acme/api", &steps[1])]);
    insta::assert_snapshot!(drawn(&state, 80), @r"
      api  copying linux/arm64 from gcr.io to quay.io, 48.2 of 112 MB
      api  copying linux/arm64 from gcr.io to ghcr.io, 0 of 112 MB
    Publishing [============================] 0/2 lists  48.2 of 224 MB
    ");
    insta::assert_snapshot!(drawn(&state, 50), @r"
      api  copying to quay.io, 48.2 of 112 MB
      api  copying to ghcr.io, 0 of 112 MB
    Publishing [==========] 0/2 lists  48.2 of 224 MB
    ");
    insta::assert_snapshot!(drawn(&state, 40), @r"
      api  to quay.io, 48.2 of 112 MB
      api  to ghcr.io, 0 of 112 MB
    Publishing 0/2 lists  48.2 of 224 MB
    ");
    let two_sources = at_work(&[("quay.io/acme/api", &steps[0])]);
    insta::assert_snapshot!(drawn(&two_sources, 60), @r"
      api  copying linux/arm64 from gcr.io, 48.2 of 112 MB
    Publishing [=====================] 0/1 list  48.2 of 112 MB
    ");
    let one_registry =
        at_work(&[("quay.io/acme/api", &[mounting("arm64")]), ("quay.io/old/api", &[mounting("arm64")])]);
    let long = Style { width: Some(50), ..WIDE };
    let steps = [[from_gcr(19_400_000)], [ListStep::Writing]];
    let long_names = at_work(&[
        ("localhost:55001/acme/kube-controller-manager", &steps[0]),
        ("localhost:55002/acme/kube-controller-manager", &steps[1]),
    ]);
    insta::assert_snapshot!(long_names.rows(4, long), @r"
    …er-manager  to localhost:55001, 19.4 of 112 MB
    …er-manager  writing to localhost:55002
    ");
    insta::assert_snapshot!(one_registry.rows(4, WIDE), @r"
    quay.io/acme/api  mounting linux/arm64
    quay.io/old/api   mounting linux/arm64
    ");
}

#[test]
fn the_bytes_of_all_lists_have_a_rate_and_end_at_the_whole() {
    let mut state = at_work(&[
        ("gcr.io/x/api", &[copying("amd64", 10_000_000), copying("arm64", 0)]),
        ("gcr.io/x/web", &[copying("amd64", 0)]),
    ]);
    let begin = Instant::now();
    let bars = options(bars());
    assert_eq!((state.active.size().unwrap().as_str(), state.active.rate()), ("10 of 336 MB", None));
    state.active.sample(begin);
    state.note(Event::Step { list: 1, step: copying("amd64", 22_000_000) }, &bars);
    state.active.sample(begin + Duration::from_secs(2));
    insta::assert_snapshot!(drawn(&state, 80).lines().last().unwrap(), @"Publishing [============================] 0/2 lists  32 of 336 MB, 11 MB/s");
    insta::assert_snapshot!(drawn(&state, 44).lines().last().unwrap(), @"Publishing 0/2 lists  32 of 336 MB, 11 MB/s");
    // The rest of a member was sent for another list.
    state.note(Event::Step { list: 1, step: copied("amd64", 1, 1) }, &bars);
    assert_eq!(state.active.size().unwrap(), "32 of 246 MB");
    state.active.end(1);
    assert_eq!(state.active.size().unwrap(), "32 of 246 MB");
    // What was sent long ago does not count for the rate.
    for seconds in 3..30 {
        state.active.sample(begin + Duration::from_secs(seconds));
    }
    assert_eq!(state.active.rate().unwrap(), "0 B/s");
}

#[test]
fn a_list_that_ends_leaves_the_bars_and_is_counted() {
    let bars = options(bars());
    let mut state = state(&bars, samples::plan());
    let report = samples::report(samples::plan());
    let ended = |list: usize| Event::Ended { list, report: Arc::new(ListReport::clone(&report.lists[list])) };
    state.note(Event::Began { list: 1 }, &bars);
    let line = result(state.note(ended(1), &bars));
    assert!(line.starts_with("created    gcr.io/google_containers/hyperkube:v1.3.0"), "{line}");
    assert_eq!(state.rows(4, WIDE), "");
    assert_eq!(result(state.note(ended(3), &bars)), "", "blocked lists are shown at the end");
    assert_eq!(state.sign_of_life(WIDE), "Publishing: 1 of 3 lists\n");
    assert_eq!(state.shown(), ShownLists::Published);
}

#[test]
fn in_a_pipe_the_line_of_a_list_waits_for_those_before_it() {
    let piped = UiOptions { out: Style::PLAIN, ..options(bars()) };
    let plan = samples::plan();
    let report = samples::report(plan.clone());
    let mut state = state(&piped, plan);
    let mut first_words = |list: usize| -> Vec<String> {
        let event = Event::Ended { list, report: Arc::clone(&report.lists[list]) };
        let lines = result(state.note(event, &piped));
        let lines = lines.lines().filter(|line| !line.starts_with(' '));
        lines.map(|line| line.split(' ').next().unwrap().to_owned()).collect()
    };
    for unpublished in [3, 4, 5] {
        assert_eq!(first_words(unpublished), [] as [&str; 0]);
    }
    assert_eq!(first_words(1), [] as [&str; 0]);
    assert_eq!(first_words(0), ["updated", "created"]);
    assert_eq!(state.shown(), ShownLists::First(2));
    assert!(state.release().starts_with("blocked "), "the run is cut off before the list at 2 has ended");
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
    assert_eq!(message(state.note(request(), &asked)), "HEAD https://gcr.io/v2/a/manifests/v1 200 31ms\n");
}

#[test]
fn stopping_says_what_is_waited_for() {
    let lines = options(ProgressMode::Lines);
    let mut state = state(&lines, samples::plan());
    let mut said = |lists| message(state.note(Event::Stopping { lists }, &lines));
    assert_eq!(said(2), "Stopping: 2 lists finish the step they are in. Ctrl-C again stops at once.\n");
    assert_eq!(said(1), "Stopping: 1 list finishes the step it is in. Ctrl-C again stops at once.\n");
    assert_eq!(said(0), "Stopping: Ctrl-C again stops at once.\n");
}
