//! Annotations. Those of a list are merged from its levels, key by key. A row has only its own.

use std::collections::BTreeMap;

use super::TargetInstance;
use crate::config::expand::evaluate::{Evaluator, Need, NoValue, Scope};
use crate::config::read::declared::{Annotations, Parsed};

impl TargetInstance<'_> {
    /// The annotations of the list.
    pub(super) fn annotations(
        &self,
        need: Need,
        evaluator: &mut Evaluator<'_>,
    ) -> Result<BTreeMap<String, String>, NoValue> {
        joined(self.levels().map(|level| &level.annotations), self.instance.scope(need), evaluator)
    }
}

/// Merges and expands the annotations of several levels, the nearest level first.
pub(super) fn joined<'a>(
    levels: impl IntoIterator<Item = &'a Annotations>,
    scope: Scope<'_>,
    evaluator: &mut Evaluator<'_>,
) -> Result<BTreeMap<String, String>, NoValue> {
    let mut found: BTreeMap<&str, Result<String, NoValue>> = BTreeMap::new();
    for (key, annotation) in levels.into_iter().flatten() {
        found.entry(&key.name).or_insert_with(|| match annotation {
            Parsed::Good(template) => Ok(evaluator.expand(template, scope)?.text().to_owned()),
            Parsed::Faulty => Err(NoValue),
        });
    }
    found.into_iter().map(|(name, text)| Ok((name.to_owned(), text?))).collect()
}
