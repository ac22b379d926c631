//! [`Instance::publication`]: one list of the file, one combination of its axes → what is published where, by which names.

use std::collections::HashMap;

use super::declared::{Phrase, Row, Slot};
use super::evaluate::{Evaluator, MemberNames, Need, Scope, Stop};
use super::keys;
use super::matrix::Combination;
use super::model::{Member, Publication, TargetTag};
use super::problem::{Problem, Span};
use super::scope::ListScope;
use super::value::{Expanded, Value};
use crate::naming::{ArchStyle, Filter, Template};
use crate::oci::{Place, Platform, Reference, ReferenceError, Tag};

/// A list with a value for each of its axes.
pub(super) struct Instance<'a> {
    pub(super) list: &'a ListScope<'a>,
    pub(super) id: Value,
    pub(super) axes: Combination<'a>,
}

/// What holds for rows that do not say it.
struct MemberRules<'a> {
    style: ArchStyle,
    source: Option<&'a Slot<Phrase>>,
}

impl MemberRules<'_> {
    fn style_word(&self) -> &'static str {
        ArchStyle::names().iter().find(|word| ArchStyle::parse(word) == Some(self.style)).copied().unwrap_or_default()
    }
}

/// Where a list is published and by which tags.
pub(super) struct Names {
    target: Target,
    tags: Vec<NamedTag>,
}

/// A repository.
struct Target {
    /// As the template gives it.
    written: Value,
    place: Place,
    span: Span,
}

struct NamedTag {
    tag: TargetTag,
    /// What a problem says instead of the tag.
    instead: Option<String>,
}

/// A list, and what only problems and selectors need to know of it.
pub(super) struct Made {
    pub(super) publication: Publication,
    pub(super) names: Names,
    /// What `{name}` stands for.
    pub(super) name: Value,
}

/// The form of sources and targets that is read later.
const ARCHIVE: &str = "oci-archive:";

impl Instance<'_> {
    fn scope(&self, need: Need) -> Scope<'_> {
        Scope {
            names: &self.list.names,
            entry: &self.list.entry.name,
            list: self.id.shown(),
            axes: Some(&self.axes),
            member: None,
            need,
        }
    }

    /// What `{name}` stands for.
    pub(super) fn name(&self, need: Need, evaluator: &mut Evaluator<'_>) -> Result<Value, Stop> {
        evaluator.name(self.scope(need))
    }

    /// The template of the repository.
    pub(super) fn target_template(&self) -> Option<&Template> {
        self.list.pick(|level| &level.target).and_then(Slot::good).map(|phrase| &phrase.template)
    }

    /// The repository and the tags.
    pub(super) fn target(&self, need: Need, evaluator: &mut Evaluator<'_>) -> Result<Names, Stop> {
        let scope = self.scope(need);
        let target = match self.list.pick(|level| &level.target) {
            Some(Slot::Good(phrase)) => target(phrase, scope, evaluator),
            _ => Err(Stop),
        };
        let tags = self.tags(scope, evaluator);
        Ok(Names { target: target?, tags: tags? })
    }

    fn tags(&self, scope: Scope<'_>, evaluator: &mut Evaluator<'_>) -> Result<Vec<NamedTag>, Stop> {
        let phrases = self.list.pick(|level| &level.tags).and_then(Slot::good).ok_or(Stop)?;
        let found: Vec<_> = phrases.iter().map(|phrase| tag(phrase, scope, evaluator)).collect();
        let mut tags: Vec<NamedTag> = Vec::new();
        for named in found {
            let named = named?;
            if tags.iter().all(|other| other.tag.tag != named.tag.tag) {
                tags.push(named);
            }
        }
        Ok(tags)
    }

    fn members(&self, need: Need, evaluator: &mut Evaluator<'_>) -> Result<Vec<Member>, Stop> {
        let rows = self.list.pick(|level| &level.platforms).and_then(Slot::good).ok_or(Stop)?;
        let style = match self.list.pick(|level| &level.arch_style) {
            Some(style) => *style.good().ok_or(Stop)?,
            None => ArchStyle::default(),
        };
        let rules = MemberRules { style, source: self.list.pick(|level| &level.source) };
        let members: Vec<_> = rows.iter().map(|row| self.member(row, &rules, need, evaluator)).collect();
        self.platforms_twice(rows, evaluator);
        let by_convention = rows.iter().zip(&members).filter(|(row, _)| row.source.is_none());
        let by_convention: Vec<_> = by_convention.filter_map(|(_, member)| member.as_ref().ok()).collect();
        self.sources_twice(&by_convention, evaluator);
        members.into_iter().map(|member| Ok(member?.0)).collect()
    }

    /// A member; also what a problem says instead of its source.
    fn member(
        &self,
        row: &Row,
        rules: &MemberRules<'_>,
        need: Need,
        evaluator: &mut Evaluator<'_>,
    ) -> Result<(Member, Option<String>), Stop> {
        let phrase = row.source.as_ref().or(rules.source).and_then(Slot::good).ok_or(Stop)?;
        let span = row.platform_text.span.clone();
        let names = MemberNames {
            os: row.platform.os.clone(),
            style: rules.style_word(),
            arch: row.arch.clone().or_else(|| rules.style.spell(&row.platform)),
            platform: row.platform_text.value.clone(),
            span: span.clone(),
        };
        let scope = Scope { member: Some(&names), ..self.scope(need) };
        let expanded = evaluator.expand(phrase, scope)?;
        if expanded.text().starts_with(ARCHIVE) {
            evaluator.problems.add_for(scope.list, archive(phrase));
            return Err(Stop);
        }
        let label = format!("{} of {}", names.platform, scope.list);
        let source = Reference::parse(expanded.text()).map_err(|error| {
            evaluator.problems.add_for(scope.list, bad_reference(phrase, &expanded, &error, &label));
            Stop
        })?;
        let source = source.under(evaluator.base());
        follow(&source.place, &expanded, phrase, scope, evaluator)?;
        let member = Member {
            platform: row.platform.clone(),
            platform_span: span,
            arch: names.arch,
            source,
            source_span: phrase.text.span.clone(),
        };
        Ok((member, expanded.into_value().instead().map(str::to_owned)))
    }

    /// Windows images of one platform are told apart by their version, which only their configs say.
    fn platforms_twice(&self, rows: &[Row], evaluator: &mut Evaluator<'_>) {
        let mut seen: HashMap<Platform, &Row> = HashMap::new();
        for row in rows.iter().filter(|row| !row.platform.is_windows()) {
            let first = *seen.entry(row.platform.normalized()).or_insert(row);
            if !std::ptr::eq(first, row) {
                let text = &row.platform_text.value;
                let message = if *text == first.platform_text.value {
                    format!("{text} stands twice")
                } else {
                    format!("{text} is the same as {}", first.platform_text.value)
                };
                let problem = Problem::error("mlist::config::platform_twice", message)
                    .at(&row.platform_text.span, "here again")
                    .at(&first.platform_text.span, "here first")
                    .help("a list has one member for each platform: keep one of the two");
                evaluator.problems.add_for(self.id.shown(), problem);
            }
        }
    }

    /// Rows that write their source themselves may share it; these do not. Each image is told of once.
    fn sources_twice(&self, by_convention: &[&(Member, Option<String>)], evaluator: &mut Evaluator<'_>) {
        let mut images: Vec<(&Member, &Option<String>, Vec<&Member>)> = Vec::new();
        let mut seen: HashMap<&Reference, usize> = HashMap::new();
        for (member, instead) in by_convention {
            let at = *seen.entry(&member.source).or_insert(images.len());
            match images.get_mut(at) {
                Some((.., others)) => others.push(member),
                None => images.push((member, instead, Vec::new())),
            }
        }
        for (first, instead, others) in images {
            let is_same = |member: &Member| member.platform.normalized() == first.platform.normalized();
            // Equal platforms have equal names; that they are equal was told, but of Windows.
            let mut others = others.iter().filter(|member| member.platform.is_windows() || !is_same(member));
            let Some(member) = others.next() else { continue };
            let image = instead.clone().unwrap_or_else(|| member.source.to_string());
            let message = format!("{} and {} come to one image: {image}", first.platform, member.platform);
            let problem = Problem::error("mlist::config::source_twice", message)
                .at(&member.platform_span, "this one")
                .at(&first.platform_span, "and this one")
                .at(&member.source_span, "");
            let more: Vec<String> = others.map(|member| member.platform.to_string()).collect();
            let problem = if more.is_empty() { problem } else { problem.because(format!("so do {}", more.join(", "))) };
            let variants = member.platform.architecture == first.platform.architecture;
            let help = if is_same(member) {
                "tell them apart: give each row its `arch`, or its own `source`"
            } else if variants && member.arch == first.arch {
                "to tell variants apart in names: arch-style = \"go-variant\", or give a row its `arch`"
            } else {
                "use {arch} or {platform} in `source`, or give a row its own"
            };
            evaluator.problems.add_for(self.id.shown(), problem.help(help));
        }
    }

    /// All of it. What can be told is told of every part, whatever became of the others.
    pub(super) fn publication(&self, need: Need, evaluator: &mut Evaluator<'_>) -> Result<Made, Stop> {
        let name = self.name(need, evaluator);
        let names = self.target(need, evaluator);
        let members = self.members(need, evaluator);
        let (names, members, name) = (names?, members?, name?);
        let publication = Publication {
            id: self.id.text().to_owned(),
            entry: self.list.entry.name.clone(),
            name: name.text().to_owned(),
            target: names.target.place.clone(),
            target_span: names.target.span.clone(),
            tags: names.tags.iter().map(|named| named.tag.clone()).collect(),
            members,
        };
        Ok(Made { publication, names, name })
    }
}

impl Names {
    /// The repository and repository:tag, as written and in canonical form: what selectors look at.
    pub(super) fn all(&self) -> Vec<String> {
        let canonical = self.target.place.to_string();
        [self.target.written.text(), &canonical]
            .into_iter()
            .flat_map(|place| {
                let tagged = self.tags.iter().map(move |named| format!("{place}:{}", named.tag.tag));
                [place.to_owned()].into_iter().chain(tagged)
            })
            .collect()
    }

    /// The repository by its tag at `at`, as a problem says it.
    pub(super) fn shown(&self, at: usize) -> String {
        let Target { written, place, .. } = &self.target;
        let place = written.instead().map_or_else(|| place.to_string(), str::to_owned);
        let tag = self.tags.get(at).map(|named| named.instead.as_deref().unwrap_or(named.tag.tag.as_str()));
        format!("{place}:{}", tag.unwrap_or_default())
    }
}

fn target(phrase: &Phrase, scope: Scope<'_>, evaluator: &mut Evaluator<'_>) -> Result<Target, Stop> {
    let expanded = evaluator.expand(phrase, scope)?;
    if expanded.text().starts_with(ARCHIVE) {
        let problem = Problem::error("mlist::config::bad_reference", "an archive is no target")
            .at(&phrase.text.span, scope.list)
            .help("a folder is one: oci:DIR");
        evaluator.problems.add_for(scope.list, problem);
        return Err(Stop);
    }
    let place = Place::parse(expanded.text()).map_err(|error| {
        evaluator.problems.add_for(scope.list, bad_reference(phrase, &expanded, &error, scope.list));
        Stop
    })?;
    let place = place.under(evaluator.base());
    follow(&place, &expanded, phrase, scope, evaluator)?;
    Ok(Target { written: expanded.into_value(), place, span: phrase.text.span.clone() })
}

/// A layout that is going to be opened must be one that the file may use.
fn follow(
    place: &Place,
    expanded: &Expanded,
    phrase: &Phrase,
    scope: Scope<'_>,
    evaluator: &mut Evaluator<'_>,
) -> Result<(), Stop> {
    match place {
        Place::Layout(dir) if scope.need == Need::Must => {
            let shown = if expanded.is_hidden() { expanded.shown().to_owned() } else { place.to_string() };
            evaluator.follow(dir.path(), &shown, &phrase.text.span, scope)
        }
        _ => Ok(()),
    }
}

fn tag(phrase: &Phrase, scope: Scope<'_>, evaluator: &mut Evaluator<'_>) -> Result<NamedTag, Stop> {
    let expanded = evaluator.expand(phrase, scope)?;
    match Tag::parse(expanded.text()) {
        Ok(tag) => {
            let tag = TargetTag { tag, span: phrase.text.span.clone() };
            Ok(NamedTag { tag, instead: expanded.into_value().instead().map(str::to_owned) })
        }
        Err(error) => {
            evaluator.problems.add_for(scope.list, bad_tag(phrase, &expanded, &error, scope.list));
            Err(Stop)
        }
    }
}

fn bad_tag(phrase: &Phrase, expanded: &Expanded, error: &ReferenceError, label: &str) -> Problem {
    let problem =
        Problem::error("mlist::config::bad_tag", message(expanded, error)).at(&origin(phrase, expanded, error), label);
    let filtered = Filter::Tag.apply(expanded.text());
    let is_made = phrase.template.placeholders().next().is_some();
    if is_made && expanded.text().is_empty() {
        problem.help("what stands in the braces is empty here: look at where its value comes from")
    } else if is_made && Tag::parse(&filtered).is_ok() {
        let here = if expanded.is_hidden() { String::new() } else { format!(", here {filtered}") };
        problem.help(format!("{{NAME|tag}} makes one of any value{here}"))
    } else {
        problem
    }
}

/// What is wrong with an expanded text, as it may be shown.
fn message(expanded: &Expanded, error: &ReferenceError) -> String {
    if expanded.is_hidden() { error.message_of(expanded.shown()) } else { error.message.clone() }
}

/// Where the fault of an expanded text stands in its template.
fn origin(phrase: &Phrase, expanded: &Expanded, error: &ReferenceError) -> Span {
    let origin = expanded.origin(&error.span);
    if origin.is_empty() || error.span.is_empty() { phrase.text.span.clone() } else { phrase.text.part(&origin) }
}

fn bad_reference(phrase: &Phrase, expanded: &Expanded, error: &ReferenceError, label: &str) -> Problem {
    let problem = Problem::error("mlist::config::bad_reference", message(expanded, error))
        .at(&origin(phrase, expanded, error), label);
    match error.why.as_str() {
        why if why.ends_with("has no tag or digest") => {
            problem.help("write :TAG or @DIGEST behind it: nothing is `latest` by itself")
        }
        why if why.contains("does not belong to a repository") => problem.help("its tag belongs in `tags`"),
        why if why.contains("begins with a scheme") => problem.help("leave the scheme out: ghcr.io/org/app:v1"),
        why if why.contains("names a user") => problem.help("credentials come from docker login, never from here"),
        why if why.contains("empty part") => problem.help("one `/` between parts, and none at the end of a variable"),
        why if why.contains("upper-case") => problem.help("repositories are lower case: {NAME|lower} makes a value so"),
        _ => problem,
    }
}

fn archive(phrase: &Phrase) -> Problem {
    let whole = 0..ARCHIVE.len().min(phrase.text.value.len());
    let span = if phrase.text.value.starts_with(ARCHIVE) { phrase.text.part(&whole) } else { phrase.text.span.clone() };
    keys::part_not_built("`oci-archive:`").at(&span, "").help("unpack it, and name the folder: oci:DIR:TAG")
}
