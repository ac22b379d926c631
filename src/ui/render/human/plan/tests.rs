//! Tests of rendered plans against the transcripts of `plan`.

use super::*;
use crate::oci::MediaType;
use crate::plan::{
    AnnotationChanges, CheckDepth, Child, ChildFault, ContentChange, MemberFate, Reason, TagChange, TagFate,
};
use crate::ui::render::human::digests;
use crate::ui::style::{Charset, Color};
use crate::ui::tests::samples::{self, WIDE};
use crate::ui::text::Digests;

fn shown(plan: &Plan, style: Style, all: bool) -> String {
    let view = View { style, digests: Digests::telling_apart(digests(plan)), all, indent: 11 };
    lines(plan, &view) + &summary(&plan.summary(), style)
}

#[test]
fn every_action_as_in_the_transcript() {
    insta::assert_snapshot!(shown(&samples::plan(), WIDE, false), @r"
    update     gcr.io/google_containers/kubectl
      ~ tag v1.3.0       72c4e8f1a90d → 5d90b3e7c812
      ~ linux/arm64      0a4f6c1d92e7 → 9be3017c55fa
      + linux/ppc64le    1c77de02b4a9
      - linux/riscv64    60303ae22b99   removed: not declared
      = 3 members
    create     gcr.io/google_containers/hyperkube
      + tag v1.3.0       8c1e5d0b7a42
      + 5 members        linux/amd64, linux/arm/v7, linux/arm64, linux/ppc64le,
                         linux/s390x
    create     docker.io/acme/api
      + tag v2.4.0       c4d81fa03b27
      + tag v2.4         c4d81fa03b27
      + tag latest       c4d81fa03b27
      + 5 members        linux/amd64, linux/arm/v7, linux/arm64, linux/ppc64le,
                         linux/s390x
    blocked    gcr.io/google_containers/kube-scheduler
      ! linux/s390x      not found (404)
    failed     quay.io/acme/api
      ! cannot connect to quay.io
    Plan: 2 to create, 1 to update, 1 unchanged, 1 blocked, 1 failed
    ");
}

#[test]
fn verbose_names_members_and_what_is_unchanged() {
    let plan =
        samples::plan_of(vec![samples::unchanged(samples::publication("kube-proxy"), "3f2a"), samples::updated()]);
    insta::assert_snapshot!(shown(&plan, WIDE, true), @r"
    unchanged  gcr.io/google_containers/kube-proxy
      = tag v1.3.0       3f2a00000000
      = linux/amd64      286021fa92db
                         gcr.io/google_containers/kube-proxy-amd64:v1.3.0
      = linux/arm/v7     3df1b83ebe27
                         gcr.io/google_containers/kube-proxy-arm:v1.3.0
      = linux/arm64      243917d1edb1
                         gcr.io/google_containers/kube-proxy-arm64:v1.3.0
      = linux/ppc64le    63ce970e9c87
                         gcr.io/google_containers/kube-proxy-ppc64le:v1.3.0
      = linux/s390x      9b58c5ed69eb
                         gcr.io/google_containers/kube-proxy-s390x:v1.3.0
    update     gcr.io/google_containers/kubectl
      ~ tag v1.3.0       72c4e8f1a90d → 5d90b3e7c812
      ~ linux/arm64      0a4f6c1d92e7 → 9be3017c55fa
                         gcr.io/google_containers/kubectl-arm64:v1.3.0
      + linux/ppc64le    1c77de02b4a9
                         gcr.io/google_containers/kubectl-ppc64le:v1.3.0
      - linux/riscv64    60303ae22b99   removed: not declared
      = linux/amd64      481795d848b6  gcr.io/google_containers/kubectl-amd64:v1.3.0
      = linux/arm/v7     e09424d9a41f  gcr.io/google_containers/kubectl-arm:v1.3.0
      = linux/s390x      7e9b480871c5  gcr.io/google_containers/kubectl-s390x:v1.3.0
    Plan: 1 to update, 1 unchanged
    ");
}

#[test]
fn a_narrow_terminal_is_stacked_and_ascii_has_its_own_arrow() {
    let style = Style { charset: Charset::Ascii, width: Some(40), ..WIDE };
    let text = shown(&samples::plan(), style, false);
    assert!(text.is_ascii());
    insta::assert_snapshot!(text, @r"
    update
      gcr.io/google_containers/kubectl
      ~ tag v1.3.0
          72c4e8f1a90d -> 5d90b3e7c812
      ~ linux/arm64
          0a4f6c1d92e7 -> 9be3017c55fa
      + linux/ppc64le
          1c77de02b4a9
      - linux/riscv64
          60303ae22b99   removed: not
          declared
      = 3 members
    create
      gcr.io/google_containers/hyperkube
      + tag v1.3.0
          8c1e5d0b7a42
      + 5 members
          linux/amd64, linux/arm/v7,
          linux/arm64, linux/ppc64le,
          linux/s390x
    create     docker.io/acme/api
      + tag v2.4.0
          c4d81fa03b27
      + tag v2.4
          c4d81fa03b27
      + tag latest
          c4d81fa03b27
      + 5 members
          linux/amd64, linux/arm/v7,
          linux/arm64, linux/ppc64le,
          linux/s390x
    blocked
      gcr.io/google_containers/kube-scheduler
      ! linux/s390x
          not found (404)
    failed     quay.io/acme/api
      ! cannot connect to quay.io
    Plan: 2 to create, 1 to update, 1
      unchanged, 1 blocked, 1 failed
    ");
}

#[test]
fn a_dead_registry_is_told_once_and_ten_of_its_lists_are_named() {
    let lists = (0..200).map(|n| samples::failed(&format!("quay.io/acme/api-{n}")));
    insta::assert_snapshot!(shown(&samples::plan_of(lists), WIDE, false), @r"
    failed     200 lists: cannot connect to quay.io
               api-0, api-1, api-2, api-3, api-4, api-5, api-6, api-7, api-8, api-9,
               and 190 more (-v)
    Plan: 200 failed
    ");
}

#[test]
fn an_update_of_tags_or_content_alone_says_so() {
    let mut tags = samples::unchanged(samples::publication_at("gcr.io/a/b", &["v1", "latest"]), "8c1e");
    (tags.action, tags.reason) = (Action::Update, Some(Reason::Tags));
    (tags.tags[1].from, tags.tags[1].fate) = (None, TagFate::Created);
    let mut content = samples::unchanged(samples::publication("c"), "9be3");
    (content.action, content.reason) = (Action::Update, Some(Reason::Content));
    (content.tags[0].from, content.tags[0].fate) = (Some(samples::digest("0a4f")), TagFate::Moved);
    let texts = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let changes = AnnotationChanges {
        added: (0..12).map(|n| format!("a{n}")).collect(),
        changed: texts(&["org.example.url\u{1b}[31m"]),
        removed: texts(&["b", "c"]),
    };
    let of_member = AnnotationChanges { removed: texts(&["d"]), ..AnnotationChanges::default() };
    content.content = vec![
        ContentChange::MediaType { from: MediaType::DockerList, to: MediaType::OciIndex },
        ContentChange::ArtifactType,
        ContentChange::Subject,
        ContentChange::Annotations(None, changes),
        ContentChange::Annotations(Some(samples::platform("arm64")), of_member),
        ContentChange::Fields(samples::platform("amd64"), vec!["size", "urls"]),
        ContentChange::Attestations,
        ContentChange::Order,
    ];
    let mut damaged = samples::unchanged(samples::publication_at("oci:out", &["v1"]), "9be3");
    (damaged.action, damaged.reason) = (Action::Update, Some(Reason::Damaged));
    let member = damaged.members[0].clone();
    let (descriptor, from) = (member.descriptor.unwrap(), member.source.unwrap().place);
    damaged.children = vec![Child {
        descriptor,
        platform: member.platform,
        from,
        payload: None,
        fault: Some(ChildFault::Missing),
        confirm: CheckDepth::List,
    }];
    insta::assert_snapshot!(shown(&samples::plan_of(vec![tags, content, damaged]), WIDE, false), @r"
    update     gcr.io/a/b
      + tag latest       8c1e00000000
      = 1 tag
      = 5 members
    update     gcr.io/google_containers/c
      ~ tag v1.3.0       0a4f00000000 → 9be300000000
      ~ media type       Docker manifest list → OCI image index
      ~ artifact type    changed
      ~ subject          removed
      ~ annotations      added: a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, and 2 more
                         (-v); changed: org.example.url [31m; removed: b, c
      ~ linux/arm64      annotations removed: d
      ~ linux/amd64      changed: size, urls
      ~ attestations     changed
      ~ order            changed for members with the same os and architecture
      = 5 members
    update     oci:out
      = 1 tag            not moved
      ! linux/amd64      missing or corrupt in the layout, copied again from
                         oci:out-amd64:v1.3.0
      = 5 members
    Plan: 3 to update
    ");
}

#[test]
fn colour_repeats_what_the_words_say() {
    let plan = samples::plan_of(vec![samples::updated(), samples::blocked("kube-scheduler")]);
    let text = shown(&plan, Style { color: Color::On, ..WIDE }, false);
    insta::assert_snapshot!(text.replace('\u{1b}', "␛"), @r"
    ␛[33mupdate␛[0m     gcr.io/google_containers/kubectl
      ␛[33m~␛[0m tag v1.3.0       ␛[2m72c4e8f1a90d␛[0m → 5d90b3e7c812
      ␛[33m~␛[0m linux/arm64      ␛[2m0a4f6c1d92e7␛[0m → 9be3017c55fa
      ␛[32m+␛[0m linux/ppc64le    1c77de02b4a9
      ␛[31m-␛[0m linux/riscv64    60303ae22b99   removed: not declared
      ␛[2m=␛[0m 3 members
    ␛[35mblocked␛[0m    gcr.io/google_containers/kube-scheduler
      ␛[35m!␛[0m linux/s390x      not found (404)
    ␛[1mPlan␛[0m: 1 to update, 1 blocked
    ");
    let mut bare = text;
    while let Some(start) = bare.find('\u{1b}') {
        let end = start + bare[start..].find('m').unwrap();
        bare.replace_range(start..=end, "");
    }
    assert_eq!(bare, shown(&plan, WIDE, false));
}

#[test]
fn a_layout_answers_no_404() {
    let mut list = samples::blocked("kube-scheduler");
    for member in &mut list.members {
        member.source = Some(crate::oci::Reference::parse("oci:images/kube-scheduler:v1.3.0").unwrap());
    }
    list.problems[0].reference = Some("oci:images/kube-scheduler:v1.3.0".into());
    let text = shown(&samples::plan_of(vec![list]), WIDE, false);
    assert!(text.contains("  ! linux/s390x      not found\n"), "{text}");
}

#[test]
fn a_plan_of_nothing_says_so() {
    assert_eq!(shown(&Plan::default(), WIDE, false), "Plan: no lists\n");
}

#[test]
fn why_a_tag_stays_and_which_windows_it_is() {
    insta::assert_snapshot!(shown(&samples::plan_of(vec![samples::pause()]), WIDE, false), @r"
    create     registry.k8s.io/pause
      + tag 3.9.1        c4d81fa03b27
      = tag latest       stays at 77b1c5f2a0e9: 3.10 is newer than 3.9.1
      + 7 members        linux/amd64, linux/arm/v7, linux/arm64, linux/ppc64le,
                         linux/s390x, windows/amd64 10.0.17763, … 10.0.20348
    Plan: 1 to create
    ");
    insta::assert_snapshot!(shown(&samples::plan_of(vec![samples::pause()]), WIDE, true), @r"
    create     registry.k8s.io/pause
      + tag 3.9.1
          c4d81fa03b27
      = tag latest
          stays at 77b1c5f2a0e9: 3.10 is newer than 3.9.1
      + linux/amd64
          0efa6faf0a2b  registry.k8s.io/pause-amd64:v1.3.0
      + linux/arm/v7
          92068f05ef62  registry.k8s.io/pause-arm:v1.3.0
      + linux/arm64
          7224d39118ae  registry.k8s.io/pause-arm64:v1.3.0
      + linux/ppc64le
          75e8e97fb79b  registry.k8s.io/pause-ppc64le:v1.3.0
      + linux/s390x
          6b7f8b4e8afa  registry.k8s.io/pause-s390x:v1.3.0
      + windows/amd64 10.0.17763
          e2471f6e2425  registry.k8s.io/pause:3.9.1-windows-10.0.17763.6189
          (os.version 10.0.17763.6189 from the config of the image)
      + windows/amd64 10.0.20348
          58bd68cff85b  registry.k8s.io/pause:3.9.1-windows-10.0.20348.2700
          (os.version 10.0.20348.2700 from the config of the image)
    Plan: 1 to create
    ");
}

#[test]
fn an_immutable_tag_says_what_it_is_refused() {
    insta::assert_snapshot!(shown(&samples::plan_of(vec![samples::immutable()]), WIDE, false), @r"
    blocked    registry.k8s.io/conformance
      ! tag v1.30.0      is immutable: b96e27a3c5d0 → e05b92d4f118 is refused
      ~ linux/ppc64le    41d7f0c9e6b3 → 8c1e5d0b7a42
    Plan: 1 blocked
    ");
}

#[test]
fn windows_of_one_build_are_told_apart_by_all_of_their_version() {
    let mut pause = samples::pause();
    pause.members[6].platform.os_version = Some("10.0.17763.7000".into());
    let text = shown(&samples::plan_of(vec![pause]), Style { charset: Charset::Ascii, ..WIDE }, false);
    assert!(text.contains("windows/amd64 10.0.17763.6189,\n                     ... 10.0.17763.7000\n"), "{text}");
}

#[test]
fn a_tag_that_does_not_exist_is_not_created() {
    let mut pause = samples::pause();
    (pause.tags[1].from, pause.tags[1].to) = (None, None);
    let text = shown(&samples::plan_of(vec![pause]), WIDE, false);
    assert!(text.contains("  = tag latest       is not created: 3.10 is newer than 3.9.1\n"), "{text}");
}

#[test]
fn members_that_are_kept_or_left_out_say_why() {
    let lists = vec![samples::lacking()];
    insta::assert_snapshot!(shown(&samples::plan_of(lists.clone()), WIDE, false), @r"
    update     gcr.io/google_containers/kubectl
      ~ tag v1.3.0       72c4e8f1a90d → 5d90b3e7c812
      ~ linux/arm64      0a4f6c1d92e7 → 9be3017c55fa
      + linux/ppc64le    1c77de02b4a9
      - linux/riscv64    60303ae22b99   removed: not declared
      - linux/amd64      481795d848b6   removed: source not found (404)
      ! linux/arm/v7     left out: source not found (404)
      = linux/s390x      7e9b480871c5   kept: source not found (404)
      = 2 members        kept: not declared
    Plan: 1 to update
    ");
    insta::assert_snapshot!(shown(&samples::plan_of(lists), WIDE, true), @r"
    update     gcr.io/google_containers/kubectl
      ~ tag v1.3.0       72c4e8f1a90d → 5d90b3e7c812
      ~ linux/arm64      0a4f6c1d92e7 → 9be3017c55fa
                         gcr.io/google_containers/kubectl-arm64:v1.3.0
      + linux/ppc64le    1c77de02b4a9
                         gcr.io/google_containers/kubectl-ppc64le:v1.3.0
      - linux/riscv64    60303ae22b99   removed: not declared
      - linux/amd64      481795d848b6   removed: source not found (404)
      ! linux/arm/v7     left out: source not found (404)
      = linux/s390x      7e9b480871c5   kept: source not found (404)
      = linux/riscv64    c71552fa625c   kept: not declared
      = linux/loong64    9860f3de58db   kept: not declared
    Plan: 1 to update
    ");
}

#[test]
fn an_absent_member_that_blocks_nothing_is_no_reason_of_a_blocked_list() {
    let mut list = samples::blocked("kube-scheduler");
    list.members[0].fate = MemberFate::Absent;
    assert_eq!(shown(&samples::plan_of(vec![list]), WIDE, false).matches("  not found (404)").count(), 1);
}

#[test]
fn tags_of_members_are_one_line_for_all_that_fare_alike() {
    let mut updated = samples::with_member_tags(samples::updated());
    updated.reason = Some(Reason::Tags);
    let lists = vec![samples::with_member_tags(samples::created(samples::publication("pause"), "8c1e")), updated];
    insta::assert_snapshot!(shown(&samples::plan_of(lists.clone()), WIDE, false), @r"
    create     gcr.io/google_containers/pause
      + tag v1.3.0                8c1e00000000
      + 5 member tags             v1.3.0-linux-amd64, v1.3.0-linux-arm-v7,
                                  v1.3.0-linux-arm64, v1.3.0-linux-ppc64le,
                                  v1.3.0-linux-s390x
      + 5 members                 linux/amd64, linux/arm/v7, linux/arm64,
                                  linux/ppc64le, linux/s390x
    update     gcr.io/google_containers/kubectl
      ~ tag v1.3.0                72c4e8f1a90d → 5d90b3e7c812
      + tag v1.3.0-linux-ppc64le  1c77de02b4a9
      ~ tag v1.3.0-linux-arm64    0a4f6c1d92e7 → 9be3017c55fa
      = 3 member tags
      ~ linux/arm64               0a4f6c1d92e7 → 9be3017c55fa
      + linux/ppc64le             1c77de02b4a9
      - linux/riscv64             60303ae22b99   removed: not declared
      = 3 members
    Plan: 1 to create, 1 to update
    ");
    insta::assert_snapshot!(shown(&samples::plan_of(lists), WIDE, true), @r"
    create     gcr.io/google_containers/pause
      + tag v1.3.0                8c1e00000000
      + tag v1.3.0-linux-amd64    0efa6faf0a2b
      + tag v1.3.0-linux-arm-v7   92068f05ef62
      + tag v1.3.0-linux-arm64    7224d39118ae
      + tag v1.3.0-linux-ppc64le  75e8e97fb79b
      + tag v1.3.0-linux-s390x    6b7f8b4e8afa
      + linux/amd64               0efa6faf0a2b
                                  gcr.io/google_containers/pause-amd64:v1.3.0
      + linux/arm/v7              92068f05ef62
                                  gcr.io/google_containers/pause-arm:v1.3.0
      + linux/arm64               7224d39118ae
                                  gcr.io/google_containers/pause-arm64:v1.3.0
      + linux/ppc64le             75e8e97fb79b
                                  gcr.io/google_containers/pause-ppc64le:v1.3.0
      + linux/s390x               6b7f8b4e8afa
                                  gcr.io/google_containers/pause-s390x:v1.3.0
    update     gcr.io/google_containers/kubectl
      ~ tag v1.3.0                72c4e8f1a90d → 5d90b3e7c812
      + tag v1.3.0-linux-ppc64le  1c77de02b4a9
      ~ tag v1.3.0-linux-arm64    0a4f6c1d92e7 → 9be3017c55fa
      = tag v1.3.0-linux-amd64    481795d848b6
      = tag v1.3.0-linux-arm-v7   e09424d9a41f
      = tag v1.3.0-linux-s390x    7e9b480871c5
      ~ linux/arm64               0a4f6c1d92e7 → 9be3017c55fa
                                  gcr.io/google_containers/kubectl-arm64:v1.3.0
      + linux/ppc64le             1c77de02b4a9
                                  gcr.io/google_containers/kubectl-ppc64le:v1.3.0
      - linux/riscv64             60303ae22b99   removed: not declared
      = linux/amd64               481795d848b6
                                  gcr.io/google_containers/kubectl-amd64:v1.3.0
      = linux/arm/v7              e09424d9a41f
                                  gcr.io/google_containers/kubectl-arm:v1.3.0
      = linux/s390x               7e9b480871c5
                                  gcr.io/google_containers/kubectl-s390x:v1.3.0
    Plan: 1 to create, 1 to update
    ");
}

#[test]
fn a_narrow_terminal_breaks_sentences_between_words() {
    let style = Style { charset: Charset::Ascii, width: Some(40), ..WIDE };
    let lists = vec![samples::pause(), samples::immutable(), samples::with_member_tags(samples::lacking())];
    let text = shown(&samples::plan_of(lists), style, false);
    assert!(text.is_ascii() && text.lines().all(|line| !line.starts_with(' ') || line.len() <= 40), "{text}");
    insta::assert_snapshot!(text, @r"
    create     registry.k8s.io/pause
      + tag 3.9.1
          c4d81fa03b27
      = tag latest
          stays at 77b1c5f2a0e9: 3.10 is
          newer than 3.9.1
      + 7 members
          linux/amd64, linux/arm/v7,
          linux/arm64, linux/ppc64le,
          linux/s390x,
          windows/amd64 10.0.17763,
          ... 10.0.20348
    blocked    registry.k8s.io/conformance
      ! tag v1.30.0
          is immutable: b96e27a3c5d0 ->
          e05b92d4f118 is refused
      ~ linux/ppc64le
          41d7f0c9e6b3 -> 8c1e5d0b7a42
    update
      gcr.io/google_containers/kubectl
      ~ tag v1.3.0
          72c4e8f1a90d -> 5d90b3e7c812
      + tag v1.3.0-linux-ppc64le
          1c77de02b4a9
      ~ tag v1.3.0-linux-arm64
          0a4f6c1d92e7 -> 9be3017c55fa
      = 3 member tags
      ~ linux/arm64
          0a4f6c1d92e7 -> 9be3017c55fa
      + linux/ppc64le
          1c77de02b4a9
      - linux/riscv64
          60303ae22b99   removed: not
          declared
      - linux/amd64
          481795d848b6   removed: source not
          found (404)
      ! linux/arm/v7
          left out: source not found (404)
      = linux/s390x
          7e9b480871c5   kept: source not
          found (404)
      = 2 members
          kept: not declared
    Plan: 1 to create, 1 to update, 1
      blocked
    ");
}

#[test]
fn lists_with_several_targets_are_called_by_them_where_their_ids_say_nothing() {
    let lists = ["quay.io/acme/api", "quay.io/mirror/api", "quay.io/acme/worker"].map(samples::failed);
    insta::assert_snapshot!(shown(&samples::plan_of(lists), WIDE, false), @r"
    failed     3 lists: cannot connect to quay.io
               api (2 targets), worker
    Plan: 3 failed
    ");
}

#[test]
fn a_tag_of_an_unchanged_list_that_stays_is_told_of_once_for_all_lists_of_a_release() {
    let behind = |target: &str, there: &str| {
        let mut list = samples::unchanged(samples::publication_at(target, &["3.9.1", "latest"]), "c4d81fa03b27");
        let why = Some("3.10 is newer than 3.9.1".to_owned());
        list.tags[1] = TagChange { fate: TagFate::Stays, stays: why, ..list.tags[1].clone() };
        list.tags[1].from = Some(samples::digest(there));
        list
    };
    let pause = behind("registry.k8s.io/pause", "77b1c5f2a0e9");
    insta::assert_snapshot!(shown(&samples::plan_of(vec![pause.clone(), samples::updated()]), WIDE, false), @r"
    unchanged  registry.k8s.io/pause
      = tag latest       stays at 77b1c5f2a0e9: 3.10 is newer than 3.9.1
    update     gcr.io/google_containers/kubectl
      ~ tag v1.3.0       72c4e8f1a90d → 5d90b3e7c812
      ~ linux/arm64      0a4f6c1d92e7 → 9be3017c55fa
      + linux/ppc64le    1c77de02b4a9
      - linux/riscv64    60303ae22b99   removed: not declared
      = 3 members
    Plan: 1 to update, 1 unchanged
    ");
    let others = ["a", "b"].map(|name| behind(&format!("registry.k8s.io/{name}"), name));
    let lists = [vec![pause], others.into()].concat();
    insta::assert_snapshot!(shown(&samples::plan_of(lists.clone()), WIDE, false), @r"
    unchanged  3 lists: pause, a, b
      = tag latest       stays: 3.10 is newer than 3.9.1
    Plan: 3 unchanged
    ");
    assert_eq!(shown(&samples::plan_of(lists), WIDE, true).matches("stays at ").count(), 3);
}
