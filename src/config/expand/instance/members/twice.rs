//! Members that cannot be distinguished: two with one platform, or two that expand to one image.

use std::collections::HashMap;

use super::NamedMember;
use crate::config::expand::evaluate::Evaluator;
use crate::config::expand::instance::TargetInstance;
use crate::config::problem::Problem;
use crate::config::read::declared::{DeclaredOsVersion, Parsed, Row};
use crate::oci::{Platform, Reference};

impl TargetInstance<'_> {
    /// `mlist::config::platform_twice`. Windows images of one platform are distinguished by their OS version. If a row
    /// does not give it in full, the image's config does.
    pub(super) fn platforms_twice(&self, rows: &[&Row], evaluator: &mut Evaluator<'_>) {
        let mut seen: HashMap<Platform, &Row> = HashMap::new();
        for row in rows {
            let Some(machine) = machine(row) else { continue };
            let first = *seen.entry(machine).or_insert(row);
            if std::ptr::eq(first, *row) {
                continue;
            }
            let text = &row.platform_text.value;
            let message = match literal(row) {
                Some(version) => format!("{text} {version} stands twice"),
                None if *text == first.platform_text.value => format!("{text} stands twice"),
                None => format!("{text} is the same as {}", first.platform_text.value),
            };
            let problem = Problem::error("mlist::config::platform_twice", message)
                .at(&row.platform_text.span, "here again")
                .at(&first.platform_text.span, "here first")
                .help("a list has one member for each platform: keep one of the two");
            evaluator.problems.add_for(self.instance.id.shown(), problem);
        }
    }

    /// `mlist::config::source_twice`, once for each image. `by_convention` are the members without a source of their
    /// own. Rows with their own source may share an image.
    pub(super) fn sources_twice(&self, by_convention: &[&NamedMember], evaluator: &mut Evaluator<'_>) {
        let mut images: Vec<(&NamedMember, Vec<&NamedMember>)> = Vec::new();
        let mut seen: HashMap<&Reference, usize> = HashMap::new();
        for found in by_convention {
            let at = *seen.entry(&found.member.source).or_insert(images.len());
            match images.get_mut(at) {
                Some((_, others)) => others.push(found),
                None => images.push((found, Vec::new())),
            }
        }
        for (NamedMember { member: first, instead, .. }, others) in images {
            let is_same = |platform: &Platform| is_one_word(platform, &first.platform);
            // Members with equal platforms have equal names, and the duplicate platform is already reported, except for
            // Windows.
            let others = others.iter().map(|found| &found.member);
            let mut others = others.filter(|other| other.platform.is_windows() || !is_same(&other.platform));
            let Some(member) = others.next() else { continue };
            let image = instead.clone().unwrap_or_else(|| member.source.to_string());
            let message = format!("{} and {} come to one image: {image}", first.platform, member.platform);
            let problem = Problem::error("mlist::config::source_twice", message)
                .at(&member.platform_span, "this one")
                .at(&first.platform_span, "and this one")
                .at(&member.source_span, "");
            let more: Vec<String> = others.map(|member| member.platform.to_string()).collect();
            let problem = match more.as_slice() {
                [] => problem,
                [one] => problem.because(format!("so does {one}")),
                _ => problem.because(format!("so do {}", more.join(", "))),
            };
            let variants = member.platform.architecture == first.platform.architecture;
            let help = if is_same(&member.platform) {
                "tell them apart: give each row its `arch`, or its own `source`"
            } else if variants && member.arch == first.arch {
                "to tell variants apart in names: arch-style = \"go-variant\", or give a row its `arch`"
            } else {
                "use {arch} or {platform} in `source`, or give a row its own"
            };
            evaluator.problems.add_for(self.instance.id.shown(), problem.help(help));
        }
    }
}

/// The platform that no other row of the list may have. `None` if only the image's config determines it.
fn machine(row: &Row) -> Option<Platform> {
    let version = literal(row);
    if row.platform.is_windows() && version.is_none() {
        return None;
    }
    Some(Platform { os_version: version.map(str::to_owned), ..row.platform.normalized() })
}

fn literal(row: &Row) -> Option<&str> {
    match row.os_version.as_ref().and_then(Parsed::good) {
        Some(DeclaredOsVersion::Literal(version)) => Some(version),
        _ => None,
    }
}

/// Whether two platforms are equal apart from OS version and OS features.
fn is_one_word(one: &Platform, other: &Platform) -> bool {
    let bare = |platform: &Platform| Platform { os_version: None, os_features: Vec::new(), ..platform.normalized() };
    bare(one) == bare(other)
}
