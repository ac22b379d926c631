//! [`Selection`]: which lists the selectors of the command line select.

use std::path::Path;

use super::instance::PublicationNames;
use super::report::Problems;
use super::value::Value;
use crate::config::problem::Problem;
use crate::naming::{Globs, Part, Pattern, Template, nearest};

/// How many ids a problem names if none of them is similar.
const NAMED: usize = 6;

/// The maximum number of names that a misspelled selector is compared with.
const MOST_COMPARED: usize = 50_000;

/// The selectors, and which of them have matched something so far.
pub(super) struct Selection {
    globs: Globs,
    fitted: Vec<bool>,
}

impl Selection {
    /// Parses the selectors. Without selectors, everything is selected.
    pub(super) fn new(selectors: &[String], problems: &mut Problems) -> Self {
        let mut good: Vec<&str> = Vec::new();
        for selector in selectors {
            match Globs::parse(&[selector]) {
                Ok(_) => good.push(selector),
                Err(error) => problems.add(
                    Problem::error("mlist::config::unknown_selector", format!("invalid selector: {}", error.message))
                        .help("a selector is a list, a repository or a glob: api, ghcr.io/acme/api, 'kube-*'"),
                ),
            }
        }
        // Each one was parsed above.
        let globs = Globs::parse(&good).unwrap_or_else(|_| unreachable!("globs that were parsed one by one"));
        Self { fitted: vec![false; globs.patterns().len()], globs }
    }

    /// Whether everything is selected.
    pub(super) fn is_everything(&self) -> bool {
        self.globs.patterns().is_empty()
    }

    /// Whether a list with these names is certainly selected, whatever other names it has.
    pub(super) fn certainly_selects(&mut self, names: &[&str]) -> bool {
        let negated = self.globs.patterns().iter().any(Pattern::is_negated);
        self.selects(names) && !negated
    }

    /// Whether any selector can match a repository that `target` expands to. A selector without wildcards, `/` and `:`
    /// can only match ids and short names of Docker Hub. So it matches no repository whose template has `/` or `:` in
    /// its text.
    pub(super) fn may_select_target(&self, target: &Template) -> bool {
        let is_short = |text: &str| !text.contains(['/', ':']);
        let short_target = target.parts().iter().all(|part| !matches!(part, Part::Text(text) if !is_short(text)));
        let word = |text: &str| is_short(text) && !is_glob(text);
        short_target || !self.globs.patterns().iter().all(|pattern| word(pattern.source()))
    }

    /// Whether any selector can match a list in the repository with these `names`, whatever its tags are.
    pub(super) fn may_select_repository(&self, names: &[String]) -> bool {
        let may = |pattern: &Pattern| {
            let selector = pattern.source();
            let with_tag =
                |name: &String| selector.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with(':'));
            is_glob(selector) || names.iter().any(|name| name == selector || with_tag(name))
        };
        self.globs.patterns().iter().any(may)
    }

    /// Whether a list with exactly these names is selected. Records which selectors match.
    pub(super) fn selects(&mut self, names: &[&str]) -> bool {
        for (pattern, fitted) in self.globs.patterns().iter().zip(&mut self.fitted) {
            *fitted |= names.iter().any(|name| pattern.matches(name));
        }
        self.globs.selects(|pattern| names.iter().any(|name| pattern.matches(name)))
    }

    /// Whether each selector has matched something.
    pub(super) fn fits(&self) -> bool {
        self.fitted.iter().all(|fitted| *fitted)
    }

    /// `mlist::config::unknown_selector` for each selector that matched nothing.
    pub(super) fn report(&self, known: &SelectableNames, problems: &mut Problems) {
        for (pattern, _) in self.globs.patterns().iter().zip(&self.fitted).filter(|(_, fitted)| !**fitted) {
            let selector = pattern.source();
            let message = format!("selector `{selector}` matches no list");
            let problem = Problem::error("mlist::config::unknown_selector", message);
            let (mark, bare) = selector.strip_prefix('!').map_or(("", selector), |bare| ("!", bare));
            problems.add(match known.advice(bare) {
                Some(Advice::Meant(meant)) => problem.help(format!("did you mean `{mark}{meant}`?")),
                Some(Advice::Write(help)) => problem.help(help),
                None if known.ids.is_empty() => problem,
                None => {
                    let more = if known.ids.len() > NAMED { ", …" } else { "" };
                    let some: Vec<&str> = known.ids.iter().take(NAMED).map(String::as_str).collect();
                    problem.help(format!("lists of this file: {}{more}", some.join(", ")))
                }
            });
        }
    }
}

/// Whether a selector has wildcards, so that it can match several names.
fn is_glob(selector: &str) -> bool {
    selector.contains(['*', '?', '['])
}

/// What selectors can match, as problems may show it.
#[derive(Debug, Default)]
pub(super) struct SelectableNames {
    /// The keys of lists with axes, and the ids of all lists, in the order of the file.
    ids: Vec<String>,
    /// The values of `{name}` and the repositories.
    others: Vec<String>,
    /// The repositories with each tag.
    tagged: Vec<String>,
}

/// What to write instead of a selector that matches nothing.
enum Advice {
    /// The selector that was probably meant.
    Meant(String),
    /// The whole help text.
    Write(String),
}

impl SelectableNames {
    /// `expanded` are the lists, as far as they could be expanded, each with the value of `{name}`.
    pub(super) fn new<'n>(ids: &[String], expanded: impl Iterator<Item = (&'n PublicationNames, &'n Value)>) -> Self {
        let mut known = Self { ids: ids.to_vec(), ..Self::default() };
        for (names, name) in expanded {
            known.others.extend([name.shown().to_owned(), names.repository()]);
            known.tagged.extend((0..names.count()).map(|at| names.shown(at)));
        }
        known
    }

    fn all(&self) -> impl Iterator<Item = &str> {
        [&self.ids, &self.others, &self.tagged].into_iter().flatten().map(String::as_str)
    }

    fn has(&self, selector: &str) -> bool {
        Pattern::parse(selector).is_ok_and(|pattern| self.all().any(|name| pattern.matches(name)))
    }

    /// What to write instead of `selector`. `None` if nothing is similar.
    fn advice(&self, selector: &str) -> Option<Advice> {
        if selector.is_empty() {
            return Some(Advice::Write(
                "remove the empty argument; without selectors all lists are selected".to_owned(),
            ));
        }
        let parts: Vec<&str> = selector.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
        if selector.contains(',') && parts.iter().any(|part| self.has(part)) {
            return Some(Advice::Write(format!("separate selectors with spaces: {}", parts.join(" "))));
        }
        if Path::new(selector).extension().is_some_and(|it| it.eq_ignore_ascii_case("toml")) {
            return Some(Advice::Write(format!("a selector names lists; to read another file: -f {selector}")));
        }
        let bare = ["list.", "https://", "http://"].into_iter().find_map(|start| selector.strip_prefix(start));
        if let Some(bare) = bare.filter(|bare| self.has(bare)) {
            return Some(Advice::Meant(bare.to_owned()));
        }
        self.with_tag(selector)
            .or_else(|| self.glob(selector))
            .or_else(|| nearest(selector, self.all().take(MOST_COMPARED)).map(|meant| Advice::Meant(meant.to_owned())))
    }

    /// For `LIST:TAG`. A tag belongs to a repository, and a list can have several of both.
    fn with_tag(&self, selector: &str) -> Option<Advice> {
        let (list, tag) = selector.rsplit_once(':')?;
        let list = if self.has(list) { list } else { nearest(list, self.ids.iter().map(String::as_str))? };
        let end = format!("/{}:{tag}", list.rsplit('/').next().unwrap_or(list));
        Some(Advice::Write(match self.tagged.iter().find(|tagged| tagged.ends_with(&end)) {
            Some(tagged) if tagged != selector => {
                format!("a tag follows the repository, not the name of the list: write `{tagged}`, or only `{list}`")
            }
            _ => format!("`{list}` has no tag `{tag}` in this file; to select the list, write `{list}`"),
        }))
    }

    /// For a glob whose first characters are misspelled: `imges/*`.
    fn glob(&self, selector: &str) -> Option<Advice> {
        let (start, rest) = selector.split_at(selector.find(['*', '?', '['])?);
        let folders = self.all().take(MOST_COMPARED).flat_map(|name| {
            let ends = name.char_indices().filter(|(_, c)| matches!(c, '/' | ':' | '-' | '.')).map(|(at, _)| at + 1);
            ends.map(|end| &name[..end]).chain([name])
        });
        let meant = format!("{}{rest}", nearest(start, folders)?);
        self.has(&meant).then_some(Advice::Meant(meant))
    }
}
