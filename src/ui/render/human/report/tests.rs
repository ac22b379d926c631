//! Tests of rendered reports against the transcripts of sync.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::exec::report::Signal;
use crate::ui::render::human::{digests, plan};
use crate::ui::tests::samples::{self, WIDE};
use crate::ui::text::Digests;

const NAMES: [(&str, &str); 6] = [
    ("hyperkube", "8c1e5d0b7a42"),
    ("kube-apiserver", "72c4e8f1a90d"),
    ("kube-controller-manager", "e05b92d4f118"),
    ("kube-proxy", "3f2a9c81d04e"),
    ("kube-scheduler", "9be3017c55fa"),
    ("kubectl", "0a4f6c1d92e7"),
];

fn six(to_plan: fn(std::sync::Arc<crate::config::Publication>, &str) -> ListPlan) -> Vec<ListPlan> {
    NAMES.into_iter().map(|(name, start)| to_plan(samples::publication(name), start)).collect()
}

fn ran(lists: Vec<ListPlan>, millis: u64) -> Report {
    let report = samples::report(samples::plan_of(lists));
    Report { duration: Duration::from_millis(millis), requests: BTreeMap::new(), ..report }
}

/// Renders all output of sync except problems in full, as on a terminal if lists had finished in the order of the file.
fn shown(report: &Report, style: Style, all: bool) -> String {
    let lines = lines(report, style, all);
    let done = report.lists.iter().filter(|list| list.outcome == Outcome::Published);
    let done: String = done.map(|list| lines.published(list)).collect();
    done + &lines.rest(report, ShownLists::Published) + &summary(report, report.exit_status(), style)
}

fn lines(report: &Report, style: Style, all: bool) -> ListLines {
    let plan = Plan { lists: report.lists.iter().map(|list| Arc::clone(&list.plan)).collect() };
    ListLines::of(&plan, View { style, digests: Digests::telling_apart(digests(&plan)), all, indent: 11 })
}

#[test]
fn a_first_publish() {
    insta::assert_snapshot!(shown(&ran(six(samples::created), 3_200), WIDE, false), @r"
    created    gcr.io/google_containers/hyperkube:v1.3.0                8c1e5d0b7a42
    created    gcr.io/google_containers/kube-apiserver:v1.3.0           72c4e8f1a90d
    created    gcr.io/google_containers/kube-controller-manager:v1.3.0  e05b92d4f118
    created    gcr.io/google_containers/kube-proxy:v1.3.0               3f2a9c81d04e
    created    gcr.io/google_containers/kube-scheduler:v1.3.0           9be3017c55fa
    created    gcr.io/google_containers/kubectl:v1.3.0                  0a4f6c1d92e7
    Done in 3.2s: 6 lists created
    ");
}

#[test]
fn nothing_changed() {
    insta::assert_snapshot!(shown(&ran(six(samples::unchanged), 160), WIDE, false), @"Nothing to publish: 6 lists unchanged (0.2s)");
}

#[test]
fn verbose_names_what_is_unchanged_in_the_same_columns_and_every_tag() {
    let publication = samples::publication_at("gcr.io/google_containers/pause", &["3.10", "latest"]);
    let lists = vec![samples::updated(), samples::unchanged(publication, "77b1c5f2a0e9")];
    insta::assert_snapshot!(shown(&ran(lists, 600), WIDE, true), @r"
    updated    gcr.io/google_containers/kubectl:v1.3.0     5d90b3e7c812
      ~ tag v1.3.0       72c4e8f1a90d → 5d90b3e7c812
      ~ linux/arm64      0a4f6c1d92e7 → 9be3017c55fa
      + linux/ppc64le    1c77de02b4a9
      - linux/riscv64    60303ae22b99   removed: not declared
      = linux/amd64      481795d848b6
      = linux/arm/v7     e09424d9a41f
      = linux/s390x      7e9b480871c5
    unchanged  gcr.io/google_containers/pause:3.10 +1 tag  77b1c5f2a0e9
      = tag 3.10         77b1c5f2a0e9
      = tag latest       77b1c5f2a0e9
      = linux/amd64      0efa6faf0a2b
      = linux/arm/v7     92068f05ef62
      = linux/arm64      7224d39118ae
      = linux/ppc64le    75e8e97fb79b
      = linux/s390x      6b7f8b4e8afa
    Done in 0.6s: 1 list updated, 1 unchanged
    ");
}

#[test]
fn one_member_changed() {
    let lists = vec![samples::updated(), samples::unchanged(samples::publication("pause"), "77b1c5f2a0e9")];
    insta::assert_snapshot!(shown(&ran(lists, 600), WIDE, false), @r"
    updated    gcr.io/google_containers/kubectl:v1.3.0  5d90b3e7c812
      ~ tag v1.3.0       72c4e8f1a90d → 5d90b3e7c812
      ~ linux/arm64      0a4f6c1d92e7 → 9be3017c55fa
      + linux/ppc64le    1c77de02b4a9
      - linux/riscv64    60303ae22b99   removed: not declared
    Done in 0.6s: 1 list updated, 1 unchanged
    ");
}

#[test]
fn one_list_is_blocked_and_the_others_go_out() {
    let mut lists = six(samples::created);
    lists[4] = samples::blocked("kube-scheduler");
    insta::assert_snapshot!(shown(&ran(lists, 3_100), WIDE, false), @r"
    created    gcr.io/google_containers/hyperkube:v1.3.0                8c1e5d0b7a42
    created    gcr.io/google_containers/kube-apiserver:v1.3.0           72c4e8f1a90d
    created    gcr.io/google_containers/kube-controller-manager:v1.3.0  e05b92d4f118
    created    gcr.io/google_containers/kube-proxy:v1.3.0               3f2a9c81d04e
    created    gcr.io/google_containers/kubectl:v1.3.0                  0a4f6c1d92e7
    blocked    gcr.io/google_containers/kube-scheduler:v1.3.0
    Incomplete after 3.1s: 5 lists created, 1 blocked
    ");
}

#[test]
fn lists_of_a_dead_registry_are_one_line() {
    let lists =
        NAMES.into_iter().map(|(name, _)| samples::failed(&format!("quay.io/google_containers/{name}"))).collect();
    insta::assert_snapshot!(shown(&ran(lists, 91_000), WIDE, false), @r"
    failed     6 lists: cannot connect to quay.io
               hyperkube, kube-apiserver, kube-controller-manager, kube-proxy,
               kube-scheduler, kubectl
    Incomplete after 1m 31s: 6 lists failed
    ");
}

#[test]
fn an_interrupted_run_says_what_was_moved_and_that_sync_goes_on() {
    let mut report = ran(six(samples::created), 36_000);
    report.stopped_by = Some(Signal::Interrupt);
    for (at, list) in report.lists.iter_mut().enumerate().skip(1) {
        let list = Arc::make_mut(list);
        list.outcome = Outcome::Cancelled { begun: at < 3 };
        list.tags = vec![if at == 2 { TagDone::Unknown } else { TagDone::No }];
    }
    insta::assert_snapshot!(shown(&report, WIDE, false), @r"
    created    gcr.io/google_containers/hyperkube:v1.3.0                8c1e5d0b7a42
    cancelled  gcr.io/google_containers/kube-apiserver:v1.3.0
               no tag was moved
    cancelled  gcr.io/google_containers/kube-controller-manager:v1.3.0
               these tags may have been moved: v1.3.0
    cancelled  3 lists not started
    Interrupted after 36s: 1 list created, 5 cancelled. Run mlist sync to continue.
    ");
}

#[test]
fn a_failure_after_a_tag_was_moved_names_the_tag() {
    let mut report =
        ran(vec![samples::created(samples::publication_at("docker.io/acme/api", &["v2", "latest"]), "8c1e")], 900);
    Arc::make_mut(&mut report.lists[0]).outcome = Outcome::Failed;
    Arc::make_mut(&mut report.lists[0]).tags = vec![TagDone::Yes, TagDone::No];
    Arc::make_mut(&mut report.lists[0]).problems = vec![samples::unreachable()];
    insta::assert_snapshot!(shown(&report, WIDE, false), @r"
    failed     docker.io/acme/api:v2 +1 tag  tags already moved: v2
    Incomplete after 0.9s: 1 list failed
    ");
}

#[test]
fn a_narrow_terminal_is_stacked() {
    let mut lists = six(samples::created);
    lists.truncate(2);
    insta::assert_snapshot!(shown(&ran(lists, 3_200), Style { width: Some(40), ..WIDE }, false), @r"
    created
      gcr.io/google_containers/hyperkube:v1.3.0
               8c1e5d0b7a42
    created
      gcr.io/google_containers/kube-apiserver:v1.3.0
               72c4e8f1a90d
    Done in 3.2s: 2 lists created
    ");
}

#[test]
fn a_name_that_does_not_fit_beside_its_word_is_below_it() {
    let target = "localhost:5001/acme/kube-controller-manager";
    let lists = vec![
        samples::created(samples::publication_at(target, &["v1.3.0", "latest"]), "8c1e5d0b7a42"),
        samples::failed(target),
    ];
    let narrow = Style { width: Some(50), ..WIDE };
    insta::assert_snapshot!(shown(&ran(lists.clone(), 3_200), narrow, false), @r"
    created
      localhost:5001/acme/kube-controller-manager:v1.3.0
      +1 tag
               8c1e5d0b7a42
    failed
      localhost:5001/acme/kube-controller-manager:v1.3.0
    Incomplete after 3.2s: 1 list created, 1 failed
    ");
    let view = View { style: narrow, digests: Digests::Short(12), all: false, indent: 11 };
    insta::assert_snapshot!(plan::lines(&samples::plan_of(lists), &view), @r"
    create
      localhost:5001/acme/kube-controller-manager
      + tag v1.3.0       8c1e5d0b7a42
      + tag latest       8c1e5d0b7a42
      + 5 members        linux/amd64, linux/arm/v7,
                         linux/arm64, linux/ppc64le,
                         linux/s390x
    failed
      localhost:5001/acme/kube-controller-manager
      ! cannot connect to quay.io
    ");
}

#[test]
fn verbose_names_members_and_what_is_unchanged() {
    let lists = vec![
        samples::created(samples::publication("hyperkube"), "8c1e5d0b7a42"),
        samples::unchanged(samples::publication("pause"), "77b1c5f2a0e9"),
    ];
    insta::assert_snapshot!(shown(&ran(lists, 600), WIDE, true), @r"
    created    gcr.io/google_containers/hyperkube:v1.3.0  8c1e5d0b7a42
      + linux/amd64      c9ed735c99eb
      + linux/arm/v7     90a64003c6de
      + linux/arm64      ab1cf53dbda6
      + linux/ppc64le    9949f1ffc8ee
      + linux/s390x      055140baad7c
    unchanged  gcr.io/google_containers/pause:v1.3.0      77b1c5f2a0e9
      = linux/amd64      0efa6faf0a2b
      = linux/arm/v7     92068f05ef62
      = linux/arm64      7224d39118ae
      = linux/ppc64le    75e8e97fb79b
      = linux/s390x      6b7f8b4e8afa
    Done in 0.6s: 1 list created, 1 unchanged
    ");
}

#[test]
fn requests_and_quotas_are_told_by_host() {
    let mut report = samples::report(samples::plan_of(six(samples::unchanged)));
    let hub = HostStats { head: 1200, pulls_left: Some(10), ..HostStats::default() };
    report.requests.insert("docker.io".to_owned(), hub);
    insta::assert_snapshot!(requests(&report.requests, WIDE), @r"
    docker.io: 1,200 HEAD; no credentials
    gcr.io: 13 HEAD, 2 GET, 2 PUT, 1 token request; no credentials
    quay.io: 8 HEAD, 7 retried, waited 1m 28s; credentials from
      ~/.docker/config.json (user ci-bot)
    ");
    insta::assert_snapshot!(summary(&report, report.exit_status(), WIDE), @"Nothing to publish: 6 lists unchanged (1m 31s). Docker Hub: 10 pulls left");
}

#[test]
fn what_is_not_as_everyone_thinks_has_a_line_below_its_list() {
    let published = vec![samples::pause(), samples::lacking(), samples::with_member_tags(samples::updated())];
    insta::assert_snapshot!(shown(&ran(published, 600), WIDE, false), @r"
    created    registry.k8s.io/pause:3.9.1              c4d81fa03b270
      = tag latest              stays at 77b1c5f2a0e90: 3.10 is newer than 3.9.1
    updated    gcr.io/google_containers/kubectl:v1.3.0  5d90b3e7c8120
      ~ tag v1.3.0              72c4e8f1a90d0 → 5d90b3e7c8120
      ~ linux/arm64             0a4f6c1d92e70 → 9be3017c55fa0
      + linux/ppc64le           1c77de02b4a90
      - linux/riscv64           60303ae22b990   removed: not declared
      - linux/amd64             481795d848b60   removed: source not found (404)
      ! linux/arm/v7            left out: source not found (404)
      = linux/s390x             7e9b480871c5a   kept: source not found (404)
    updated    gcr.io/google_containers/kubectl:v1.3.0  5d90b3e7c8120
      ~ tag v1.3.0              72c4e8f1a90d0 → 5d90b3e7c8120
      ~ tag v1.3.0-linux-arm64  0a4f6c1d92e70 → 9be3017c55fa0
      ~ linux/arm64             0a4f6c1d92e70 → 9be3017c55fa0
      + linux/ppc64le           1c77de02b4a90
      - linux/riscv64           60303ae22b990   removed: not declared
    Done in 0.6s: 1 list created, 2 updated
    ");
}

#[test]
fn in_a_pipe_every_list_has_a_line_in_the_order_of_the_file() {
    let mut lists = six(samples::created);
    lists[1] = samples::blocked("kube-apiserver");
    (lists[2], lists[4]) = (samples::failed("quay.io/x/a"), samples::failed("quay.io/x/b"));
    let mut report = ran(lists, 3_100);
    let list = Arc::make_mut(&mut report.lists[3]);
    (list.outcome, list.problems) = (Outcome::Failed, vec![samples::unreachable()]);
    let lines = lines(&report, Style::PLAIN, false);
    insta::assert_snapshot!(lines.rest(&report, ShownLists::First(0)), @r"
    created    gcr.io/google_containers/hyperkube:v1.3.0   8c1e5d0b7a42
    blocked    gcr.io/google_containers/kube-apiserver:v1.3.0
    failed     2 lists: cannot connect to quay.io
               a, b
    failed     gcr.io/google_containers/kube-proxy:v1.3.0  tags already moved: v1.3.0
    created    gcr.io/google_containers/kubectl:v1.3.0     0a4f6c1d92e7
    ");
    assert!(
        lines.rest(&report, ShownLists::First(5)).starts_with("created    gcr.io/google_containers/kubectl:v1.3.0")
    );
}
