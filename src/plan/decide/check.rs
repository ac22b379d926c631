//! The three-way check of a member: what is declared, what its config says, what its name says.

use crate::config::problem::Problem;
use crate::naming::arch_style::{Claim, claims};
use crate::oci::Platform;

use super::batch::Origin;
use super::image::Image;
use super::input::Input;
use super::os_version;
use super::platforms::filled;

/// What the check finds.
pub(super) enum Finding {
    /// Config or name contradict the declaration.
    Mismatch(Problem),
    /// The config says a variant that is not declared, and so is not published.
    SaysMore(Problem),
}

/// Checks a member against what its `config` says; parts that are empty there say nothing.
pub(super) fn check(input: Input<'_>, image: &Image<'_>, config: &Platform) -> Option<Finding> {
    let member = image.member;
    let origin = Origin::member(input, member);
    let (source, declared) = (&member.source, &member.platform);
    let by_config = contradicts(declared, config).then(|| format!("its config says {}", said(config)));
    let by_name = claims(member.arch.as_deref().unwrap_or_default())
        .into_iter()
        .filter(|(_, claim)| claim.contradicts(declared))
        .map(|(word, claim)| match claim {
            Claim::Os(meant) | Claim::Architecture(meant) if meant == word => format!("its name says {word}"),
            Claim::Os(meant) | Claim::Architecture(meant) => format!("its name says {word}, which is {meant}"),
        });
    // Of another machine's version nothing follows.
    let by_version = os_version::misfit(member, &filled(&image.declared, config)).filter(|_| by_config.is_none());
    let causes: Vec<String> = by_config.into_iter().chain(by_name).chain(by_version).collect();
    if !causes.is_empty() {
        let problem = Problem::error("mlist::plan::mismatch", format!("{source} is not for {declared}"))
            .help("push the right image there, or declare what it is")
            .about(source);
        let problem = origin.label(causes.into_iter().fold(problem, Problem::because));
        return Some(Finding::Mismatch(problem.at(&member.platform_span, format!("declared as {declared}"))));
    }
    let more = filled_variant(declared, config)?;
    let problem = Problem::warning(
        "mlist::plan::config_says_more",
        format!("{source} is for {declared}/{more} by its config, and declared as {declared}"),
    )
    .help(format!("declare {declared}/{more}, if it runs on nothing less"))
    .about(source);
    Some(Finding::SaysMore(origin.label(problem)))
}

/// Whether a part that both have differs, other spellings of it aside.
fn contradicts(declared: &Platform, config: &Platform) -> bool {
    let (want, have) = (declared.normalized(), config.normalized());
    let has_variant = |platform: &Platform| platform.variant.as_deref().is_some_and(|variant| !variant.is_empty());
    (!have.os.is_empty() && have.os != want.os)
        || (!have.architecture.is_empty() && have.architecture != want.architecture)
        || (has_variant(declared) && has_variant(config) && have.variant != want.variant)
}

/// The variant that the config has, where none is declared and none is taken from there.
fn filled_variant(declared: &Platform, config: &Platform) -> Option<String> {
    if declared.variant.is_some() || filled(declared, config).variant.is_some() {
        return None;
    }
    config.normalized().variant
}

/// `linux/arm/v6`, or what there is of it.
fn said(config: &Platform) -> String {
    match (config.os.as_str(), config.architecture.as_str()) {
        ("", architecture) => architecture.to_owned(),
        (os, "") => os.to_owned(),
        _ => Platform { os_version: None, ..config.clone() }.to_string(),
    }
}
