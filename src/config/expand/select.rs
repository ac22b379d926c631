//! [`Selection`]: which lists the selectors of the command line select.

use super::report::Problems;
use crate::config::problem::Problem;
use crate::naming::{Globs, Part, Pattern, Template, nearest};

/// How many ids a problem names if none of them is similar.
const NAMED: usize = 6;

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
                Err(error) => problems.add(Problem::error("mlist::config::unknown_selector", error.message)),
            }
        }
        // Each one was parsed above.
        let globs = Globs::parse(&good).unwrap_or_else(|_| unreachable!("globs that were read one by one"));
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
        let word = |text: &str| is_short(text) && !text.contains(['*', '?', '[']);
        short_target || !self.globs.patterns().iter().all(|pattern| word(pattern.source()))
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

    /// `mlist::config::unknown_selector` for each selector that matched nothing. `names` are the names that lists have
    /// besides their ids.
    pub(super) fn report(&self, ids: &[&str], names: &[&str], problems: &mut Problems) {
        for (pattern, fitted) in self.globs.patterns().iter().zip(&self.fitted) {
            if *fitted {
                continue;
            }
            let selector = pattern.source();
            let problem = Problem::error("mlist::config::unknown_selector", format!("no list is called `{selector}`"));
            let bare = selector.strip_prefix('!').unwrap_or(selector);
            problems.add(match nearest(bare, ids.iter().chain(names).copied()) {
                Some(meant) => problem.help(format!("did you mean `{meant}`?")),
                None if ids.is_empty() => problem,
                None => {
                    let more = if ids.len() > NAMED { ", …" } else { "" };
                    let some: Vec<&str> = ids.iter().take(NAMED).copied().collect();
                    problem.help(format!("there are: {}{more}", some.join(", ")))
                }
            });
        }
    }
}
