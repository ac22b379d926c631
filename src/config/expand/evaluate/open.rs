//! Templates in which one name is left open: [`Partial`]s.
//!
//! A variable in whose own template the name stands is open too. Only its template counts: what a file, the environment
//! or git says is a value, whatever its path or `default` is made of.

use super::{Evaluator, Scope, Stop, place_of};
use crate::config::expand::resolution_stack::Way;
use crate::config::expand::scope::{Binding, Names};
use crate::config::expand::value::Value;
use crate::config::read::declared::{Phrase, Slot, VariableValue};
use crate::naming::{Partial, Placeholder, Stands};

impl Evaluator<'_> {
    /// `phrase` with the name `open` left open; all else is worked out.
    pub(in crate::config) fn partial(
        &mut self,
        phrase: &Phrase,
        open: &str,
        scope: Scope<'_>,
    ) -> Result<Partial, Stop> {
        self.left_open(phrase, open, scope, &mut Way::default())
    }

    fn left_open<'r>(
        &mut self,
        phrase: &'r Phrase,
        open: &str,
        scope: Scope<'r>,
        way: &mut Way<'r>,
    ) -> Result<Partial, Stop> {
        let words = phrase.template.placeholders();
        // What each stands for, and its value if it has one.
        let standing: Vec<Result<(Stands, Value), Stop>> = words
            .map(|word| {
                let name = word.name.as_str();
                if name == open {
                    return Ok((Stands::Open, Value::default()));
                }
                let place = place_of(phrase, word);
                let around = template_of(name, scope.names).filter(|inner| leads_to(inner, open, scope.names));
                let Some(around) = around else {
                    let value = self.lookup(name, &place, scope, way)?;
                    return Ok((Stands::For(value.text().to_owned()), value));
                };
                self.step(name, &place, scope, way)?;
                way.enter(name, &place);
                let around = self.left_open(around, open, scope, way);
                way.leave();
                Ok((Stands::Around(around?), Value::default()))
            })
            .collect();
        let (standing, values): (Vec<_>, Vec<_>) =
            standing.into_iter().collect::<Result<Vec<_>, Stop>>()?.into_iter().unzip();
        let mut standing = standing.into_iter();
        Partial::of(&phrase.template, |_| standing.next().ok_or(Stop))
            .map_err(|error| self.not_expanded(error, phrase, &values, scope))
    }
}

/// Whether `open` stands whole in `phrase`, itself or in a variable that stands there plain. As
/// [`Partial::holds_whole`], and no value need be known.
pub(in crate::config) fn holds_whole(phrase: &Phrase, open: &str, names: &Names<'_>) -> bool {
    let plain = |word: &Placeholder| word.part.is_none() && word.filters.is_empty();
    reaches(phrase, names, plain, |word| word.name == open && word.part.is_none())
}

/// Whether `open` stands in `phrase` or in a variable that stands there.
fn leads_to(phrase: &Phrase, open: &str, names: &Names<'_>) -> bool {
    reaches(phrase, names, |_| true, |word| word.name == open)
}

/// Whether all that `phrase` needs of a member is `{platform}`, and that in templates: only then it can be left open.
pub(in crate::config) fn needs_platform_alone(phrase: &Phrase, names: &Names<'_>) -> bool {
    let mut seen: Vec<(&str, bool)> = Vec::new();
    let mut phrases = vec![(phrase, true)];
    while let Some((phrase, is_template)) = phrases.pop() {
        for word in phrase.template.placeholders() {
            let name = word.name.as_str();
            if matches!(name, "os" | "arch") || name == "platform" && !is_template {
                return false;
            }
            if seen.contains(&(name, is_template)) {
                continue;
            }
            seen.push((name, is_template));
            if let Some(Binding::Variable(Slot::Good(variable))) = names.get(name) {
                let is_template = is_template && matches!(variable.value, VariableValue::Template(_));
                phrases.extend(variable.phrases().map(|phrase| (phrase, is_template)));
            }
        }
    }
    true
}

/// Whether a placeholder is `found` in `phrase`, or in the template of a variable that is to be looked `into`.
fn reaches(
    phrase: &Phrase,
    names: &Names<'_>,
    into: impl Fn(&Placeholder) -> bool,
    found: impl Fn(&Placeholder) -> bool,
) -> bool {
    let mut seen: Vec<&str> = Vec::new();
    let mut phrases = vec![phrase];
    while let Some(phrase) = phrases.pop() {
        for word in phrase.template.placeholders() {
            if found(word) {
                return true;
            }
            if into(word) && !seen.contains(&word.name.as_str()) {
                seen.push(&word.name);
                phrases.extend(template_of(&word.name, names));
            }
        }
    }
    false
}

/// The template of the variable `name`, if it is one.
fn template_of<'r>(name: &str, names: &Names<'r>) -> Option<&'r Phrase> {
    match names.get(name)? {
        Binding::Variable(Slot::Good(variable)) => match &variable.value {
            VariableValue::Template(phrase) => Some(phrase),
            VariableValue::Env(_) | VariableValue::File(_) | VariableValue::Git(_) => None,
        },
        Binding::Variable(Slot::Faulty) | Binding::Axis(_) | Binding::Set(_) => None,
    }
}
