//! Whatever a text of a plan, a report or an event contains, no control or invisible character is shown to people.

use super::*;
use crate::config::model::LeftOut;
use crate::config::problem::{HttpFacts, SourceFile, Sources, Span};
use crate::exec::event::{ListStep, Notice};
use crate::exec::report::{HostStats, ListReport, Report};
use crate::oci::{Descriptor, LayoutDir, MediaType, Place, Platform, Tag};
use crate::plan::{ContentKind, ListPlan, ListState, ListedTag, RepositoryState, TagListing, Verification};
use crate::ui::render::html;

/// Characters and sequences that no output for people has.
const HARMFUL: [&str; 22] = [
    "\u{202a}",
    "\u{202e}",
    "\u{2066}",
    "\u{2069}",
    "\u{200b}",
    "\u{200d}",
    "\u{200e}",
    "\u{200f}",
    "\u{61c}",
    "\u{feff}",
    "\u{ad}",
    "\u{2060}",
    "\u{e0041}",
    "\u{e0100}",
    "\u{3164}",
    "\r",
    "\u{8}",
    "\u{7f}",
    "\u{9b}2J",
    "\u{1b}]0;title\u{7}",
    "\u{1b}[2J",
    "\u{1b}[31m",
];

/// Returns `text` with `harm` at its start, in its middle and at its end.
fn poisoned(text: &str, harm: &str) -> String {
    let middle = text.floor_char_boundary(text.len() / 2);
    format!("{harm}{}{harm}{}{harm}", &text[..middle], &text[middle..])
}

fn poison(text: &mut String, harm: &str) {
    *text = poisoned(text, harm);
}

fn problem(harm: &str) -> Problem {
    let mut problem = Problem::error("mlist::registry::refused", poisoned("message", harm))
        .because(poisoned("cause", harm))
        .because(poisoned("another cause", harm))
        .help(poisoned("help", harm))
        .about(&poisoned("ghcr.io/a/b:1", harm))
        .at(&Span { file: 0, range: 0..9 }, poisoned("label", harm))
        .at(&Span { file: 1, range: 1..2 }, poisoned("other label", harm));
    problem.http = Some(HttpFacts {
        host: poisoned("ghcr.io", harm),
        status: Some(400),
        code: Some(poisoned("CODE", harm)),
        attempts: 1,
    });
    problem
}

fn sources(harm: &str) -> Sources {
    let mut sources = Sources::default();
    for name in ["manifests.toml", "other.toml"] {
        sources.add(SourceFile { name: poisoned(name, harm), text: poisoned(samples::FILE, harm).into() });
    }
    sources
}

fn list(list: &ListPlan, harm: &str) -> ListPlan {
    let mut list = list.clone();
    let platform = |platform: &mut Platform| {
        poison(&mut platform.os, harm);
        poison(&mut platform.architecture, harm);
        platform.os_version = Some(poisoned("10.0.1.1", harm));
        platform.variant = Some(poisoned("v7", harm));
        platform.os_features.push(poisoned("win32k", harm));
    };
    let mut publication = (*list.publication).clone();
    for text in [&mut publication.id, &mut publication.entry, &mut publication.name] {
        poison(text, harm);
    }
    let folder = LayoutDir::new(std::path::Path::new(&poisoned("out/hello", harm)));
    publication.target = Place::Layout(folder);
    publication.members.iter_mut().for_each(|member| platform(&mut member.platform));
    list.publication = Arc::new(publication);
    list.members.iter_mut().for_each(|member| platform(&mut member.platform));
    for tag in &mut list.tags {
        tag.stays = tag.stays.as_ref().map(|_| poisoned("why", harm));
    }
    for own in &mut list.problems {
        *own = Problem { severity: own.severity, code: own.code, ..problem(harm) };
    }
    list
}

fn context(harm: &str) -> Context {
    let left_out = samples::left_out("gcr.io/x/app");
    let left_out = LeftOut { why: poisoned(&left_out.why, harm), id: poisoned("app", harm), ..left_out };
    let warnings = vec![problem(harm)];
    Context { sources: sources(harm), warnings, left_out: vec![left_out] }
}

fn report(plan: &Plan, harm: &str) -> Report {
    let mut report = samples::report(plan.clone());
    for own in &mut report.lists {
        let problems = own.problems.iter().map(|_| problem(harm)).collect();
        *own = Arc::new(ListReport { problems, ..(**own).clone() });
    }
    let stats = HostStats { credentials: Some(poisoned("~/.docker", harm)), head: 1, ..HostStats::default() };
    report.requests = [(poisoned("ghcr.io", harm), stats)].into();
    report
}

/// The lists of `plan` as a file declares them.
fn declared(plan: &Plan, harm: &str) -> Loaded {
    let publications = plan.lists.iter().map(|list| Arc::clone(&list.publication)).collect();
    Loaded { publications, unexpanded: vec![poisoned("entry", harm)], ..loaded() }
}

/// The lists of `plan`, none of which is known.
fn published(plan: &Plan) -> VerifiedLists {
    let verification = |plan: &Arc<ListPlan>| {
        let (plan, damage) = (Arc::clone(plan), Vec::new());
        Arc::new(Verification { plan, state: ListState::Failed, damage, repair: None })
    };
    let lists = plan.lists.iter().map(verification).collect();
    VerifiedLists { lists, started_at: std::time::UNIX_EPOCH, duration: Duration::ZERO, requests: Stats::new() }
}

/// The tags of a repository, one of which names something of an unknown type.
fn listing(harm: &str) -> TagListing {
    let other = Platform { os: poisoned("linux", harm), ..Platform::default() };
    let media_type = MediaType::parse(&poisoned("application/vnd.example", harm));
    let tag = |kind, platforms| ListedTag {
        tag: Tag::parse("v1").unwrap(),
        kind,
        descriptor: Some(Descriptor { media_type: media_type.clone(), ..samples::descriptor("0a") }),
        platforms,
    };
    TagListing {
        target: Place::Layout(LayoutDir::new(std::path::Path::new(&poisoned("out/hello", harm)))),
        state: RepositoryState::Found,
        tags: vec![tag(ContentKind::Other, None), tag(ContentKind::List, Some(vec![other.clone(), other]))],
        omitted: 1,
        member_tags: 1,
        sha256_tags: 1,
        problems: vec![problem(harm)],
    }
}

/// The page of lists whose texts contain `harm`.
fn page(harm: &str) -> String {
    let states = [ListState::Differs, ListState::Absent, ListState::Blocked, ListState::AsDeclared, ListState::Failed];
    let plans = samples::plan().lists;
    let lists: Vec<Arc<Verification>> = plans
        .iter()
        .zip(states.into_iter().cycle())
        .map(|(own, state)| {
            Arc::new(Verification { plan: Arc::new(list(own, harm)), state, damage: Vec::new(), repair: None })
        })
        .collect();
    let lists =
        VerifiedLists { lists, started_at: std::time::UNIX_EPOCH, duration: Duration::ZERO, requests: Stats::new() };
    html::render(&Document::lists(context(harm), lists))
}

/// Shows everything that a run and the other commands can show. Returns the outputs for people.
fn outputs(harm: &str) -> Vec<String> {
    let plan = Plan { lists: samples::plan().lists.iter().map(|own| Arc::new(list(own, harm))).collect() };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("human.txt");
    let mut shown = Vec::new();
    for verbosity in [Verbosity::Normal, Verbosity::Requests] {
        let desk = desk(verbosity, &[(OutputFormat::Human, None), (OutputFormat::Human, Some(&file))]);
        let listener = desk.ui.listener();
        listener(Event::Planned(Arc::new(plan.clone())));
        let report = report(&plan, harm);
        for (at, ended) in report.lists.iter().enumerate() {
            listener(Event::Began { list: at });
            listener(Event::Step { list: at, step: ListStep::Writing });
            listener(Event::Ended { list: at, report: Arc::clone(ended) });
        }
        let host = poisoned("ghcr.io", harm);
        let url = poisoned("https://ghcr.io/v2/", harm);
        let took = Duration::from_millis(1);
        listener(Event::Notice(Notice::Request { method: "GET", url, status: None, took }));
        listener(Event::Notice(Notice::Resumed { host, after: took }));
        listener(Event::Began { list: 0 });
        listener(Event::Step { list: 0, step: ListStep::Writing });
        desk.ui.talk(&poisoned("using manifests.toml", harm));
        if !harm.ends_with('m') {
            // This is a whole page in color, about the arguments that the user has given.
            desk.ui.refuse(&poisoned("error: unknown argument", harm));
        }
        desk.ui.cut_off();
        let mut files = vec![];
        let documents = [
            Document::report(context(harm), report),
            Document::plan(context(harm), plan.clone(), Stats::new(), ExitStatus::Failed),
            Document::problems(context(harm), vec![problem(harm)], ExitStatus::Usage),
            Document::check(&Loaded { unexpanded: vec![poisoned("entry", harm)], ..loaded() }),
            Document::declared(&declared(&plan, harm), took),
            Document::lists(context(harm), published(&plan)),
            Document::tags(context(harm), vec![listing(harm)], Stats::new(), took),
        ];
        for document in documents {
            desk.ui.open_files().unwrap();
            let _ = desk.ui.show(document);
            files.push(std::fs::read_to_string(&file).unwrap());
        }
        shown.extend(files.into_iter().chain([desk.out.text(), desk.err.text()]));
    }
    shown
}

#[test]
fn no_text_shows_a_control_or_invisible_character_to_people() {
    for harm in HARMFUL {
        for output in outputs(harm).into_iter().chain([page(harm)]) {
            let found = output.chars().find(|c| *c != '\n' && text::is_harmful(*c));
            assert_eq!(found, None, "{harm:?} in {output:?}");
        }
    }
}

#[test]
fn no_text_adds_markup_to_the_page() {
    // Names may be broken there.
    let tags = |page: &str| page.replace("<wbr>", "").matches('<').count();
    let expected = tags(&page("x"));
    for harm in ["<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "</style>", "<!--"] {
        assert_eq!(tags(&page(harm)), expected, "{harm}");
    }
}

#[test]
fn long_text_is_shortened_on_the_page() {
    let (short, long) = (page("x"), page(&"x".repeat(1 << 17)));
    assert!(long.len() - short.len() < 1_000_000, "{}", long.len());
    assert!(long.contains("x…"));
}

#[test]
fn json_has_the_exact_text() {
    let desk = desk(Verbosity::Normal, &[(OutputFormat::Json, None)]);
    let _ = desk.ui.show(Document::problems(Context::default(), vec![problem("\u{202e}")], ExitStatus::Usage));
    let json: serde_json::Value = serde_json::from_str(&desk.out.text()).unwrap();
    assert!(json["problems"][0]["message"].as_str().unwrap().contains('\u{202e}'));
}
