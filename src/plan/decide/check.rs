//! Compares three descriptions of a member: the declaration, its config and its name.

use crate::config::problem::Problem;
use crate::naming::arch_style::{PlatformHint, platform_hints};
use crate::oci::Platform;

use super::batch::QueryOrigin;
use super::image::Image;
use super::input::Input;
use super::os_version::{self, OsVersionMisfit};
use super::platforms::filled;
use super::problems::excerpt;

/// A result of the check.
pub(super) enum Finding {
    /// The config or the name contradicts the declaration.
    Mismatch(Problem),
    /// The config has a variant that is not declared, so it is not published.
    SaysMore(Problem),
}

/// Checks a member against the platform in its `config`. Empty parts of the config are ignored.
pub(super) fn check(input: Input<'_>, image: &Image<'_>, config: &Platform) -> Option<Finding> {
    let member = image.member;
    let origin = QueryOrigin::member(input, member);
    let (source, declared) = (&member.source, &member.platform);
    let by_config = contradicts(declared, config).then(|| format!("its config says {}", said(config)));
    let by_name = platform_hints(member.arch.as_deref().unwrap_or_default())
        .into_iter()
        .filter(|(_, hint)| hint.contradicts(declared))
        .map(|(word, hint)| match hint {
            PlatformHint::Os(meant) | PlatformHint::Architecture(meant) if meant == word => {
                format!("its name contains {word}")
            }
            PlatformHint::Os(meant) | PlatformHint::Architecture(meant) => {
                format!("its name contains {word}, which means {meant}")
            }
        });
    // If the config contradicts the declared platform, its Windows version says nothing about this member.
    let by_version = os_version::misfit(member, &filled(&image.declared, config)).filter(|_| by_config.is_none());
    let of_platform: Vec<String> = by_config.into_iter().chain(by_name).collect();
    if !of_platform.is_empty() || by_version.is_some() {
        let causes = of_platform.iter().chain(by_version.as_ref().map(|misfit| &misfit.why));
        let message = match &by_version {
            Some(misfit) if of_platform.is_empty() => {
                format!("{source} does not match os-version {}", misfit.pattern.value.source())
            }
            _ => format!("{source} is not for {declared}"),
        };
        let problem = Problem::error("mlist::plan::mismatch", message)
            .help(if of_platform.is_empty() {
                "push an image with a matching version, or change os-version".to_owned()
            } else {
                format!("push an image for {declared} to this reference, or correct the declared platform")
            })
            .about(source);
        let mut problem = origin.label(causes.fold(problem, Problem::because));
        if !of_platform.is_empty() {
            problem = problem.at(&member.platform_span, format!("declared as {declared}"));
        }
        if let Some(OsVersionMisfit { pattern, .. }) = &by_version {
            problem = problem.at(&pattern.span, format!("declared as {}", pattern.value.source()));
        }
        return Some(Finding::Mismatch(problem));
    }
    let more = filled_variant(declared, config)?;
    let problem = Problem::warning(
        "mlist::plan::config_says_more",
        format!("the config of {source} says {declared}/{more}, but it is declared as {declared}"),
    )
    .help(format!("declare {declared}/{more} if the image requires that variant"))
    .about(source);
    Some(Finding::SaysMore(origin.label(problem)))
}

/// Whether a part that both specify differs after normalization.
fn contradicts(declared: &Platform, config: &Platform) -> bool {
    let (want, have) = (declared.normalized(), config.normalized());
    let has_variant = |platform: &Platform| platform.variant.as_deref().is_some_and(|variant| !variant.is_empty());
    (!have.os.is_empty() && have.os != want.os)
        || (!have.architecture.is_empty() && have.architecture != want.architecture)
        || (has_variant(declared) && has_variant(config) && have.variant != want.variant)
}

/// Returns the variant in the config, if none is declared and none is taken from the config.
fn filled_variant(declared: &Platform, config: &Platform) -> Option<String> {
    if declared.variant.is_some() || filled(declared, config).variant.is_some() {
        return None;
    }
    config.normalized().variant.map(|variant| excerpt(&variant))
}

/// Formats a config's platform like `linux/arm/v6`, or the parts of it that are set.
fn said(config: &Platform) -> String {
    excerpt(&match (config.os.as_str(), config.architecture.as_str()) {
        ("", architecture) => architecture.to_owned(),
        (os, "") => os.to_owned(),
        _ => Platform { os_version: None, ..config.clone() }.to_string(),
    })
}
