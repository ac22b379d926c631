//! Unchanged lists with a tag that is not as declared, because a newer version has it.

use std::collections::HashMap;

use crate::plan::{Action, ListPlan, TagFate};

/// Returns such lists as indexes into the plan. Lists whose tags stay for the same reason are in one group, such as all
/// lists of a release.
pub(super) fn groups(plans: &[&ListPlan]) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut known = HashMap::new();
    for (at, list) in plans.iter().enumerate().filter(|(_, list)| list.action == Action::Unchanged) {
        let staying = list.tags.iter().filter(|tag| tag.fate == TagFate::Stays);
        let reasons: Vec<_> = staying.map(|tag| (&tag.tag, &tag.stays)).collect();
        if reasons.is_empty() {
            continue;
        }
        let group = *known.entry(reasons).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[group].push(at);
    }
    groups
}
