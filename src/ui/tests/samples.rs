//! Sample files, plans and reports for the tests of this layer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use crate::config::model::{LeftOut, Member, Missing, OsVersion, Publication, Rules, TargetTag};
use crate::config::problem::{HttpFacts, Problem, SourceFile, Sources, Span};
use crate::exec::report::{HostStats, ListReport, Outcome, Report, TagDone};
use crate::oci::{Descriptor, Digest, MediaType, Place, Platform, Reference, Tag};
use crate::plan::{
    Action, ListPlan, MemberChange, MemberFate, MemberTagChange, OsVersionOrigin, Plan, Reason, TagChange, TagFate,
};

use crate::ui::style::{Charset, Color, Style};

/// A terminal with 80 columns and no color.
pub(in crate::ui) const WIDE: Style = Style { color: Color::Off, charset: Charset::Unicode, width: Some(80) };

/// The file of the transcripts.
pub(in crate::ui) const FILE: &str = r#"[vars]
registry = "gcr.io/google_containers"
version = "v1.3.0"

[defaults]
source = "{registry}/{name}-{arch}:{version}"
target = "{registry}/{name}"
tags = ["{version}"]
"#;

const ARCHES: [&str; 5] = ["amd64", "arm/v7", "arm64", "ppc64le", "s390x"];

pub(in crate::ui) fn sources() -> Sources {
    let mut sources = Sources::default();
    sources.add(SourceFile { name: "manifests.toml".into(), text: FILE.into() });
    sources
}

/// The span of `text` in [`FILE`].
pub(in crate::ui) fn span(text: &str) -> Span {
    let start = FILE.find(text).unwrap();
    Span { file: 0, range: start..start + text.len() }
}

/// A digest that begins with `start`.
pub(in crate::ui) fn digest(start: &str) -> Digest {
    Digest::parse(&format!("sha256:{start:0<64}")).unwrap()
}

pub(in crate::ui) fn descriptor(start: &str) -> Descriptor {
    Descriptor { media_type: MediaType::OciIndex, digest: digest(start), size: 2841 }
}

pub(in crate::ui) fn platform(arch: &str) -> Platform {
    Platform::parse(&format!("linux/{arch}")).unwrap()
}

/// A list of five members in `gcr.io/google_containers`.
pub(in crate::ui) fn publication(name: &str) -> Arc<Publication> {
    publication_at(&format!("gcr.io/google_containers/{name}"), &["v1.3.0"])
}

pub(in crate::ui) fn publication_at(target: &str, tags: &[&str]) -> Arc<Publication> {
    let name = target.rsplit('/').next().unwrap();
    let member = |arch: &str| Member {
        platform: platform(arch),
        platform_span: span("[defaults]"),
        arch: Some(arch.to_owned()),
        source: Reference::parse(&format!("{target}-{}:v1.3.0", arch.split('/').next().unwrap())).unwrap(),
        source_span: span("{registry}/{name}-{arch}:{version}"),
        missing: Missing::Error,
        os_version: OsVersion::AsDeclared,
        annotations: BTreeMap::new(),
        tags: Vec::new(),
    };
    Arc::new(Publication {
        id: name.to_owned(),
        entry: name.to_owned(),
        name: name.to_owned(),
        target: Place::parse(target).unwrap(),
        target_span: span("{registry}/{name}"),
        tags: tags.iter().map(|tag| TargetTag::always(Tag::parse(tag).unwrap(), span(r#"["{version}"]"#))).collect(),
        held_back: Vec::new(),
        unmet: Vec::new(),
        members: ARCHES.into_iter().map(member).collect(),
        rules: Rules::default(),
        annotations: BTreeMap::new(),
        artifact_type: None,
        member_tags: Vec::new(),
    })
}

/// The plan of a list that is not published yet. Its digest begins with `start`.
#[expect(clippy::needless_pass_by_value, reason = "samples are made where they are needed")]
pub(in crate::ui) fn created(publication: Arc<Publication>, start: &str) -> ListPlan {
    let tag = |tag: &TargetTag| TagChange {
        tag: tag.tag.clone(),
        from: None,
        to: Some(digest(start)),
        fate: TagFate::Created,
        stays: None,
    };
    let member = |(at, member): (usize, &Member)| MemberChange {
        platform: member.platform.clone(),
        source: Some(member.source.clone()),
        descriptor: Some(Descriptor {
            media_type: MediaType::OciManifest,
            digest: Digest::of(format!("{}{at}", publication.id).as_bytes()),
            size: 1162,
        }),
        from: None,
        fate: MemberFate::Added,
        os_version_from: None,
    };
    ListPlan {
        action: Action::Create,
        reason: Some(Reason::New),
        index: Some(descriptor(start)),
        payload: None,
        tags: publication.tags.iter().map(tag).collect(),
        members: publication.members.iter().enumerate().map(member).collect(),
        member_tags: Vec::new(),
        children: Vec::new(),
        present: Vec::new(),
        content: Vec::new(),
        problems: Vec::new(),
        publication: Arc::clone(&publication),
    }
}

/// The plan of an unchanged list.
pub(in crate::ui) fn unchanged(publication: Arc<Publication>, start: &str) -> ListPlan {
    let mut list = created(publication, start);
    (list.action, list.reason) = (Action::Unchanged, None);
    for tag in &mut list.tags {
        (tag.from, tag.fate) = (tag.to.clone(), TagFate::Same);
    }
    for member in &mut list.members {
        member.from = member.descriptor.as_ref().map(|descriptor| descriptor.digest.clone());
        member.fate = MemberFate::Same;
    }
    list
}

/// The plan of kubectl with one member changed, one added and one removed.
pub(in crate::ui) fn updated() -> ListPlan {
    let mut list = unchanged(publication("kubectl"), "5d90b3e7c812");
    (list.action, list.reason) = (Action::Update, Some(Reason::Members));
    list.tags[0] = TagChange { from: Some(digest("72c4e8f1a90d")), fate: TagFate::Moved, ..list.tags[0].clone() };
    list.members[2].from = Some(digest("0a4f6c1d92e7"));
    list.members[2].descriptor = Some(descriptor("9be3017c55fa"));
    list.members[2].fate = MemberFate::Changed;
    list.members[3].from = None;
    list.members[3].descriptor = Some(descriptor("1c77de02b4a9"));
    list.members[3].fate = MemberFate::Added;
    list.members.push(MemberChange {
        platform: platform("riscv64"),
        source: None,
        descriptor: None,
        from: Some(digest("60303ae22b99")),
        fate: MemberFate::Removed,
        os_version_from: None,
    });
    list
}

/// A list to which no tag applies.
pub(in crate::ui) fn left_out(target: &str) -> LeftOut {
    LeftOut {
        id: target.rsplit('/').next().unwrap().to_owned(),
        target: Place::parse(target).unwrap(),
        why: "condition not met: stable (1.4.0-rc.1 is a pre-release)".to_owned(),
        span: span(r#"["{version}"]"#),
    }
}

/// The plan of pause, at a release of an older version line. It also has two versions of Windows, and its tag `latest`
/// stays.
pub(in crate::ui) fn pause() -> ListPlan {
    let mut list = created(publication_at("registry.k8s.io/pause", &["3.9.1", "latest"]), "c4d81fa03b27");
    let there = Some(digest("77b1c5f2a0e9"));
    let why = Some("3.10 is newer than 3.9.1".to_owned());
    list.tags[1] =
        TagChange { from: there.clone(), to: there, fate: TagFate::Stays, stays: why, ..list.tags[1].clone() };
    for version in ["10.0.17763.6189", "10.0.20348.2700"] {
        let os_version = Some(version.to_owned());
        let platform = Platform { os_version, ..Platform::parse("windows/amd64").unwrap() };
        let source = Reference::parse(&format!("registry.k8s.io/pause:3.9.1-windows-{version}")).unwrap();
        let found = Some(descriptor(&Digest::of(version.as_bytes()).hex()[..12]));
        let fate = MemberFate::Added;
        let os_version_from = Some(OsVersionOrigin::Config);
        list.members.push(MemberChange {
            platform,
            source: Some(source),
            descriptor: found,
            from: None,
            fate,
            os_version_from,
        });
    }
    list
}

/// The plan of a list with an immutable tag.
pub(in crate::ui) fn immutable() -> ListPlan {
    let mut list = unchanged(publication_at("registry.k8s.io/conformance", &["v1.30.0"]), "e05b92d4f118");
    (list.action, list.index) = (Action::Blocked, None);
    list.tags[0] = TagChange { from: Some(digest("b96e27a3c5d0")), fate: TagFate::Blocked, ..list.tags[0].clone() };
    list.members[3].from = Some(digest("41d7f0c9e6b3"));
    list.members[3].descriptor = Some(descriptor("8c1e5d0b7a42"));
    list.members[3].fate = MemberFate::Changed;
    let problem = Problem::error("mlist::plan::immutable", "registry.k8s.io/conformance:v1.30.0 is immutable");
    list.problems = vec![problem.at(&span(r#"["{version}"]"#), "").about(&"registry.k8s.io/conformance:v1.30.0")];
    list
}

/// The plan of a list that is published although members were not found: one is kept, one is removed, one was never
/// published. Two further members were added by others.
pub(in crate::ui) fn lacking() -> ListPlan {
    let mut list = updated();
    for (at, from) in [(0, Some("481795d848b6")), (1, None)] {
        let member = &mut list.members[at];
        (member.descriptor, member.from, member.fate) = (None, from.map(digest), MemberFate::Absent);
    }
    list.members[4].fate = MemberFate::Kept;
    for (arch, source) in [("riscv64", None), ("loong64", Some("gcr.io/google_containers/kubectl:v1.3.0-loong64"))] {
        list.members.push(MemberChange {
            platform: platform(arch),
            source: source.map(|source| Reference::parse(source).unwrap()),
            descriptor: Some(descriptor(&Digest::of(arch.as_bytes()).hex()[..12])),
            from: Some(digest(&Digest::of(arch.as_bytes()).hex()[..12])),
            fate: MemberFate::Kept,
            os_version_from: None,
        });
    }
    list
}

/// Adds a tag to `list` for each member that is in it.
pub(in crate::ui) fn with_member_tags(list: ListPlan) -> ListPlan {
    let change = |member: &MemberChange| {
        let descriptor = member.descriptor.clone()?;
        let fate = match member.fate {
            MemberFate::Added => TagFate::Created,
            MemberFate::Changed => TagFate::Moved,
            _ => TagFate::Same,
        };
        let tag = Tag::parse(&format!("v1.3.0-{}", member.platform.to_string().replace('/', "-"))).unwrap();
        let to = Some(descriptor.digest.clone());
        let tag = TagChange { tag, from: member.from.clone(), to, fate, stays: None };
        Some(MemberTagChange { tag, descriptor, platform: member.platform.clone() })
    };
    ListPlan { member_tags: list.members.iter().filter_map(change).collect(), ..list }
}

/// The plan of a list with a member that was not found.
pub(in crate::ui) fn blocked(name: &str) -> ListPlan {
    let mut list = created(publication(name), "000000000000");
    (list.action, list.reason, list.index) = (Action::Blocked, None, None);
    list.tags[0] = TagChange { to: None, fate: TagFate::Blocked, ..list.tags[0].clone() };
    list.members[4].descriptor = None;
    list.members[4].fate = MemberFate::Absent;
    let problem = absent();
    let reference = list.members[4].source.clone().unwrap();
    list.problems = vec![
        Problem { message: format!("tag v1.3.0 not found in {}", reference.place), ..problem.clone() }
            .about(&reference),
    ];
    list
}

/// The plan of a list whose registry does not respond.
pub(in crate::ui) fn failed(target: &str) -> ListPlan {
    let mut list = created(publication_at(target, &["v1.3.0"]), "000000000000");
    (list.action, list.reason, list.index) = (Action::Failed, None, None);
    list.tags[0] = TagChange { to: None, fate: TagFate::Unknown, ..list.tags[0].clone() };
    for member in &mut list.members {
        (member.descriptor, member.fate) = (None, MemberFate::Unknown);
    }
    list.problems = vec![unreachable()];
    list
}

/// The problem of the transcript: kube-scheduler has no image for s390x.
pub(in crate::ui) fn absent() -> Problem {
    let reference = "gcr.io/google_containers/kube-scheduler-s390x:v1.3.0";
    let http =
        HttpFacts { host: "gcr.io".into(), status: Some(404), code: Some("MANIFEST_UNKNOWN".into()), attempts: 1 };
    let repository = "gcr.io/google_containers/kube-scheduler-s390x";
    let problem = Problem::error("mlist::plan::member_absent", format!("tag v1.3.0 not found in {repository}"))
        .at(&span("{registry}/{name}-{arch}:{version}"), "linux/s390x of list `kube-scheduler`")
        .help(r#"push it first, or set missing = "skip" to publish without it"#)
        .about(&reference);
    Problem { http: Some(http), ..problem }
}

/// The problem of the transcript: a registry that does not respond.
pub(in crate::ui) fn unreachable() -> Problem {
    let http = HttpFacts { host: "quay.io".into(), status: None, code: None, attempts: 8 };
    let problem = Problem::error("mlist::registry::unreachable", "cannot connect to quay.io")
        .because("timed out after 10s (8 attempts in 90s)")
        .help("check the host name and port, and whether the registry is running");
    Problem { http: Some(http), retry: true, ..problem }
}

/// Six lists: one changed, two new, one blocked, one unchanged, one failed.
pub(in crate::ui) fn plan() -> Plan {
    plan_of([
        updated(),
        created(publication("hyperkube"), "8c1e5d0b7a42"),
        created(publication_at("docker.io/acme/api", &["v2.4.0", "v2.4", "latest"]), "c4d81fa03b27"),
        blocked("kube-scheduler"),
        unchanged(publication("kube-proxy"), "3f2a9c81d04e"),
        failed("quay.io/acme/api"),
    ])
}

/// The report of `plan` if everything that can be published is published.
pub(in crate::ui) fn report(plan: Plan) -> Report {
    let outcome = |action: Action| match action {
        Action::Create | Action::Update => Outcome::Published,
        Action::Unchanged => Outcome::Unchanged,
        Action::Blocked => Outcome::Blocked,
        Action::Failed => Outcome::Failed,
    };
    let list = |list: Arc<ListPlan>| {
        let outcome = outcome(list.action);
        let done = matches!(outcome, Outcome::Published | Outcome::Unchanged);
        Arc::new(ListReport {
            outcome,
            duration: Duration::from_millis(if outcome == Outcome::Published { 640 } else { 0 }),
            tags: vec![if done { TagDone::Yes } else { TagDone::No }; list.tags.len()],
            member_tags: vec![if done { TagDone::Yes } else { TagDone::No }; list.member_tags.len()],
            problems: list.problems.clone(),
            plan: list,
        })
    };
    let quay = HostStats {
        head: 8,
        retries: 7,
        waited: Duration::from_millis(88_210),
        credentials: Some("~/.docker/config.json (user ci-bot)".into()),
        ..HostStats::default()
    };
    let gcr = HostStats { head: 13, get: 2, put: 2, token: 1, ..HostStats::default() };
    Report {
        lists: plan.lists.into_iter().map(list).collect(),
        started_at: UNIX_EPOCH + Duration::from_hours(498_730),
        duration: Duration::from_millis(91_412),
        requests: [("gcr.io".to_owned(), gcr), ("quay.io".to_owned(), quay)].into(),
        stopped_by: None,
    }
}

/// Creates a plan of these lists.
pub(in crate::ui) fn plan_of(lists: impl IntoIterator<Item = ListPlan>) -> Plan {
    Plan { lists: lists.into_iter().map(Arc::new).collect() }
}
