//! Templates in which names are left open: [`Partial`]s and [`MemberTemplate`]s.
//!
//! A variable is open too if its own template contains an open name. Only templates count: what a file, the
//! environment or git returns is a plain value, even if its path or `default` contains an open name.

use super::{Evaluator, NoValue, Scope, place_of};
use crate::config::expand::resolution_stack::ResolutionStack;
use crate::config::expand::scope::{Binding, ListNames};
use crate::config::expand::value::Value;
use crate::config::read::declared::{Parsed, SpannedTemplate, VariableValue};
use crate::naming::{MemberName, MemberTemplate, Partial, Placeholder, PlaceholderValue};

impl Evaluator<'_> {
    /// Expands `template`, but leaves the name `open` open.
    pub(in crate::config::expand) fn partial(
        &mut self,
        template: &SpannedTemplate,
        open: &str,
        scope: Scope<'_>,
    ) -> Result<Partial, NoValue> {
        let is_open = |name: &str| (name == open).then_some(());
        self.left_open(template, &is_open, scope, &mut ResolutionStack::default())
    }

    /// Expands `template`, but leaves the names of a member open.
    pub(in crate::config::expand) fn member_template(
        &mut self,
        template: &SpannedTemplate,
        scope: Scope<'_>,
    ) -> Result<MemberTemplate, NoValue> {
        let partial = self.left_open(template, &MemberName::parse, scope, &mut ResolutionStack::default());
        partial.map(MemberTemplate::new)
    }

    fn left_open<'r, N>(
        &mut self,
        template: &'r SpannedTemplate,
        open: &dyn Fn(&str) -> Option<N>,
        scope: Scope<'r>,
        stack: &mut ResolutionStack<'r>,
    ) -> Result<Partial<N>, NoValue> {
        let words = template.template.placeholders();
        // The value of each placeholder, and how problems may show it.
        let placeholders: Vec<Result<(PlaceholderValue<N>, Value), NoValue>> = words
            .map(|word| {
                let name = word.name.as_str();
                if let Some(name) = open(name) {
                    return Ok((PlaceholderValue::Open(name), Value::default()));
                }
                let place = place_of(template, word);
                let leads_to_open = |template: &&SpannedTemplate| {
                    reaches(template, scope.names, |_| true, |word| open(&word.name).is_some())
                };
                let inner = template_of(name, scope.names).filter(leads_to_open);
                let Some(inner) = inner else {
                    let value = self.lookup(name, &place, scope, stack)?;
                    return Ok((PlaceholderValue::Known(value.text().to_owned()), value));
                };
                self.step(name, &place, scope, stack)?;
                stack.enter(name, &place);
                let inner = self.left_open(inner, open, scope, stack);
                stack.leave();
                Ok((PlaceholderValue::Partial(inner?), Value::default()))
            })
            .collect();
        let (placeholders, values): (Vec<_>, Vec<_>) =
            placeholders.into_iter().collect::<Result<Vec<_>, NoValue>>()?.into_iter().unzip();
        let mut placeholders = placeholders.into_iter();
        Partial::of(&template.template, |_| placeholders.next().ok_or(NoValue))
            .map_err(|error| self.not_expanded(error, template, &values, scope))
    }
}

/// Whether `open` occurs as a whole in `template`, either directly or in a variable that is used without a version part
/// and filters. The same as [`Partial::holds_whole`], but no value need be known.
pub(in crate::config::expand) fn holds_whole(template: &SpannedTemplate, open: &str, names: &ListNames<'_>) -> bool {
    let plain = |word: &Placeholder| word.part.is_none() && word.filters.is_empty();
    reaches(template, names, plain, |word| word.name == open && word.part.is_none())
}

/// Whether a value that `template` needs is read from a file, or is a default, that depends on the member. Such a value
/// is known for declared members only.
pub(in crate::config::expand) fn reads_for_each_member(template: &SpannedTemplate, names: &ListNames<'_>) -> bool {
    let mut seen: Vec<(&str, bool)> = Vec::new();
    let mut templates = vec![(template, true)];
    while let Some((template, is_template)) = templates.pop() {
        for word in template.template.placeholders() {
            let name = word.name.as_str();
            if MemberName::parse(name).is_some() && !is_template {
                return true;
            }
            if seen.contains(&(name, is_template)) {
                continue;
            }
            seen.push((name, is_template));
            if let Some(Binding::Variable(Parsed::Good(variable))) = names.get(name) {
                let is_template = is_template && matches!(variable.value, VariableValue::Template(_));
                templates.extend(variable.templates().map(|template| (template, is_template)));
            }
        }
    }
    false
}

/// Whether a placeholder for which `found` is true occurs in `template`, or in the template of a variable for which
/// `into` is true.
fn reaches(
    template: &SpannedTemplate,
    names: &ListNames<'_>,
    into: impl Fn(&Placeholder) -> bool,
    found: impl Fn(&Placeholder) -> bool,
) -> bool {
    let mut seen: Vec<&str> = Vec::new();
    let mut templates = vec![template];
    while let Some(template) = templates.pop() {
        for word in template.template.placeholders() {
            if found(word) {
                return true;
            }
            if into(word) && !seen.contains(&word.name.as_str()) {
                seen.push(&word.name);
                templates.extend(template_of(&word.name, names));
            }
        }
    }
    false
}

/// The template of the variable `name`, if its value is a template.
fn template_of<'r>(name: &str, names: &ListNames<'r>) -> Option<&'r SpannedTemplate> {
    match names.get(name)? {
        Binding::Variable(Parsed::Good(variable)) => variable.template(),
        Binding::Variable(Parsed::Faulty) | Binding::Axis(_) | Binding::Set(_) => None,
    }
}
