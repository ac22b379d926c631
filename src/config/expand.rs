//! [`Instance::publication`]: one list of the file, one combination of its axes → what is published where, by which names.

use std::collections::HashMap;

use super::declared::{Phrase, Row, Slot};
use super::evaluate::{Evaluator, MemberNames, Need, Scope, Stop};
use super::keys;
use super::matrix::Combination;
use super::model::{Member, Publication, TargetTag};
use super::problem::{Problem, Span};
use super::scope::ListScope;
use crate::naming::{ArchStyle, Expansion, Filter, Template};
use crate::oci::{Place, Platform, Reference, ReferenceError, Tag};

/// A list with a value for each of its axes.
pub(super) struct Instance<'a> {
    pub(super) list: &'a ListScope<'a>,
    pub(super) id: String,
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
    /// The repository as the template gives it.
    written: String,
    place: Place,
    span: Span,
    tags: Vec<TargetTag>,
}

/// The form of sources and targets that is read later.
const ARCHIVE: &str = "oci-archive:";

impl Instance<'_> {
    fn scope(&self, need: Need) -> Scope<'_> {
        Scope {
            names: &self.list.names,
            entry: &self.list.entry.name,
            list: &self.id,
            axes: Some(&self.axes),
            member: None,
            need,
        }
    }

    /// What `{name}` stands for.
    pub(super) fn name(&self, need: Need, evaluator: &mut Evaluator<'_>) -> Result<String, Stop> {
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
            Some(Slot::Good(phrase)) => {
                place(phrase, scope, evaluator).map(|(written, place)| (written, place, phrase))
            }
            _ => Err(Stop),
        };
        let tags = self.tags(scope, evaluator);
        let (written, place, phrase) = target?;
        Ok(Names { written, place, span: phrase.text.span.clone(), tags: tags? })
    }

    fn tags(&self, scope: Scope<'_>, evaluator: &mut Evaluator<'_>) -> Result<Vec<TargetTag>, Stop> {
        let phrases = self.list.pick(|level| &level.tags).and_then(Slot::good).ok_or(Stop)?;
        let found: Vec<_> = phrases.iter().map(|phrase| (phrase, tag(phrase, scope, evaluator))).collect();
        let mut tags: Vec<TargetTag> = Vec::new();
        for (phrase, tag) in found {
            let tag = tag?;
            if tags.iter().all(|other| other.tag != tag) {
                tags.push(TargetTag { tag, span: phrase.text.span.clone() });
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
        let by_convention: Vec<&Member> = by_convention.filter_map(|(_, member)| member.as_ref().ok()).collect();
        self.sources_twice(&by_convention, evaluator);
        members.into_iter().collect()
    }

    fn member(
        &self,
        row: &Row,
        rules: &MemberRules<'_>,
        need: Need,
        evaluator: &mut Evaluator<'_>,
    ) -> Result<Member, Stop> {
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
        let expansion = evaluator.expand(phrase, scope)?;
        if expansion.text.starts_with(ARCHIVE) {
            evaluator.problems.add_for(&self.id, archive(phrase));
            return Err(Stop);
        }
        let label = format!("{} of {}", names.platform, self.id);
        let source = Reference::parse(&expansion.text).map_err(|error| {
            evaluator.problems.add_for(&self.id, bad_reference(phrase, &expansion, &error, &label));
            Stop
        })?;
        Ok(Member {
            platform: row.platform.clone(),
            platform_span: span,
            arch: names.arch,
            source: source.under(evaluator.base()),
            source_span: phrase.text.span.clone(),
        })
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
                evaluator.problems.add_for(&self.id, problem);
            }
        }
    }

    /// Rows that write their source themselves may share it; these do not. Each image is told of once.
    fn sources_twice(&self, by_convention: &[&Member], evaluator: &mut Evaluator<'_>) {
        let mut images: Vec<(&Member, Vec<&Member>)> = Vec::new();
        let mut seen: HashMap<&Reference, usize> = HashMap::new();
        for member in by_convention {
            let at = *seen.entry(&member.source).or_insert(images.len());
            match images.get_mut(at) {
                Some((_, others)) => others.push(member),
                None => images.push((member, Vec::new())),
            }
        }
        for (first, others) in images {
            let is_same = |member: &Member| member.platform.normalized() == first.platform.normalized();
            // Equal platforms have equal names; that they are equal was told, but of Windows.
            let mut others = others.iter().filter(|member| member.platform.is_windows() || !is_same(member));
            let Some(member) = others.next() else { continue };
            let message = format!("{} and {} come to one image: {}", first.platform, member.platform, member.source);
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
            evaluator.problems.add_for(&self.id, problem.help(help));
        }
    }

    /// All of it. What can be told is told of every part, whatever became of the others.
    pub(super) fn publication(&self, need: Need, evaluator: &mut Evaluator<'_>) -> Result<(Publication, Names), Stop> {
        let name = self.name(need, evaluator);
        let target = self.target(need, evaluator);
        let members = self.members(need, evaluator);
        let (names, members) = (target?, members?);
        let publication = Publication {
            id: self.id.clone(),
            entry: self.list.entry.name.clone(),
            name: name?,
            target: names.place.clone(),
            target_span: names.span.clone(),
            tags: names.tags.clone(),
            members,
        };
        Ok((publication, names))
    }
}

impl Names {
    /// The repository and repository:tag, as written and in canonical form: what selectors look at.
    pub(super) fn all(&self) -> Vec<String> {
        let canonical = self.place.to_string();
        [&self.written, &canonical]
            .into_iter()
            .flat_map(|place| {
                let tagged = self.tags.iter().map(move |tag| format!("{place}:{}", tag.tag));
                [place.clone()].into_iter().chain(tagged)
            })
            .collect()
    }
}

fn place(phrase: &Phrase, scope: Scope<'_>, evaluator: &mut Evaluator<'_>) -> Result<(String, Place), Stop> {
    let expansion = evaluator.expand(phrase, scope)?;
    if expansion.text.starts_with(ARCHIVE) {
        let problem = Problem::error("mlist::config::bad_reference", "an archive is no target")
            .at(&phrase.text.span, scope.list)
            .help("a folder is one: oci:DIR");
        evaluator.problems.add_for(scope.list, problem);
        return Err(Stop);
    }
    match Place::parse(&expansion.text) {
        Ok(place) => Ok((expansion.text, place.under(evaluator.base()))),
        Err(error) => {
            let problem = bad_reference(phrase, &expansion, &error, scope.list);
            evaluator.problems.add_for(scope.list, problem);
            Err(Stop)
        }
    }
}

fn tag(phrase: &Phrase, scope: Scope<'_>, evaluator: &mut Evaluator<'_>) -> Result<Tag, Stop> {
    let expansion = evaluator.expand(phrase, scope)?;
    Tag::parse(&expansion.text).map_err(|error| {
        let problem = Problem::error("mlist::config::bad_tag", error.message.clone())
            .at(&origin(phrase, &expansion, &error), scope.list);
        let filtered = Filter::Tag.apply(&expansion.text);
        let is_made = phrase.template.placeholders().next().is_some();
        let problem = if is_made && expansion.text.is_empty() {
            problem.help("what stands in the braces is empty here: look at where its value comes from")
        } else if is_made && Tag::parse(&filtered).is_ok() {
            problem.help(format!("{{NAME|tag}} makes one of any value, here {filtered}"))
        } else {
            problem
        };
        evaluator.problems.add_for(scope.list, problem);
        Stop
    })
}

/// Where the fault of an expanded text stands in its template.
fn origin(phrase: &Phrase, expansion: &Expansion, error: &ReferenceError) -> Span {
    let origin = expansion.origin(&error.span);
    if origin.is_empty() || error.span.is_empty() { phrase.text.span.clone() } else { phrase.text.part(&origin) }
}

fn bad_reference(phrase: &Phrase, expansion: &Expansion, error: &ReferenceError, label: &str) -> Problem {
    let problem = Problem::error("mlist::config::bad_reference", error.message.clone())
        .at(&origin(phrase, expansion, error), label);
    match error.message.as_str() {
        why if why.ends_with("has no tag or digest") => {
            problem.help("write :TAG or @DIGEST behind it: nothing is `latest` by itself")
        }
        why if why.contains("does not belong to a repository") => problem.help("its tag belongs in `tags`"),
        why if why.contains("begins with a scheme") => problem.help("leave the scheme out: ghcr.io/org/app:v1"),
        why if why.contains("names a user") => problem.help("credentials come from docker login, never from here"),
        why if why.contains("upper-case") => problem.help("repositories are lower case: {NAME|lower} makes a value so"),
        _ => problem,
    }
}

fn archive(phrase: &Phrase) -> Problem {
    let whole = 0..ARCHIVE.len().min(phrase.text.value.len());
    let span = if phrase.text.value.starts_with(ARCHIVE) { phrase.text.part(&whole) } else { phrase.text.span.clone() };
    keys::part_not_built("`oci-archive:`").at(&span, "").help("unpack it, and name the folder: oci:DIR:TAG")
}
