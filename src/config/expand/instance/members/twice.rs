//! Members that cannot be distinguished: two with one platform, or two that expand to one image.

use std::collections::HashMap;

use super::NamedMember;
use crate::config::expand::evaluate::Evaluator;
use crate::config::expand::instance::TargetInstance;
use crate::config::expand::value::{OutsideValue, Value};
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
                Some(version) => format!("duplicate platform {text} with os-version {version}"),
                None if *text == first.platform_text.value => format!("duplicate platform {text}"),
                None => format!("duplicate platform: {text} is the same as {}", first.platform_text.value),
            };
            let problem = Problem::error("mlist::config::platform_twice", message)
                .at(&row.platform_text.span, "defined again here")
                .at(&first.platform_text.span, "first defined here")
                .help(match literal(row) {
                    Some(_) => "remove one of the two: a list has one member for each platform and os-version",
                    None => "remove one of the two: a list has one member for each platform",
                });
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
        for (found, others) in images {
            let NamedMember { member: first, written, .. } = found;
            let is_same = |platform: &Platform| is_one_word(platform, &first.platform);
            // Members with equal platforms have equal names, and the duplicate platform is already reported, except for
            // Windows.
            let is_other = |platform: &Platform| platform.is_windows() || !is_same(platform);
            let mut others = others.iter().filter(|found| is_other(&found.member.platform));
            let Some(NamedMember { member, written: other, .. }) = others.next() else { continue };
            let image = written.instead().map_or_else(|| first.source.to_string(), str::to_owned);
            let message = format!("{} and {} have the same source: {image}", first.platform, member.platform);
            let problem = Problem::error("mlist::config::source_twice", message)
                .at(&member.platform_span, "this member")
                .at(&first.platform_span, "and this member")
                .at(&member.source_span, "");
            let more: Vec<String> = others.map(|found| found.member.platform.to_string()).collect();
            let problem = match more.as_slice() {
                [] => problem,
                [one] => problem.because(format!("{one} has the same source too")),
                [more @ .., last] => {
                    problem.because(format!("{} and {last} have the same source too", more.join(", ")))
                }
            };
            let variants = member.platform.architecture == first.platform.architecture;
            let help = if let Some((one, two)) = equal_values(written, other) {
                let cause = format!("`{}` has the same value in {} and {}", one.name, one.place, two.place);
                evaluator.problems.add_for(self.instance.id.shown(), problem.because(cause).help(EQUAL_VALUES));
                continue;
            } else if is_same(&member.platform) {
                "give each of the two rows its own `arch` or `source`"
            } else if variants && member.arch == first.arch {
                "to get a different {arch} for each variant: arch-style = \"go-variant\", or give one row its own `arch`"
            } else {
                "use {arch} or {platform} in `source`, or give one row its own `source`"
            };
            evaluator.problems.add_for(self.instance.id.shown(), problem.help(help));
        }
    }
}

const EQUAL_VALUES: &str =
    "check the builds that write these values: each must write the digest or tag of its own image";

/// Values of one variable that are equal although they come from different places, such as one file for each member.
fn equal_values<'v>(one: &'v Value, other: &'v Value) -> Option<(&'v OutsideValue, &'v OutsideValue)> {
    let mut pairs = one.origins().iter().zip(other.origins());
    pairs.find(|(one, other)| one.name == other.name && one.place != other.place).map(|(one, other)| (&**one, &**other))
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
