//! [`registries`]: the registry settings of the file, as far as its author is trusted.

use std::path::Path;

use super::evaluate::{Evaluator, Need};
use crate::config::model::{RegistrySettings, Security};
use crate::config::problem::Problem;
use crate::config::read::declared::ParsedFile;
use crate::config::trust::Trust;

/// The maximum number of further hosts that a warning names.
const NAMED: usize = 3;

/// The settings in `[registry]`, as far as the author of the file is trusted.
pub(super) fn registries(
    document: &ParsedFile,
    base: &Path,
    trust: &Trust,
    evaluator: &mut Evaluator<'_>,
) -> Vec<RegistrySettings> {
    let registries: Vec<RegistrySettings> =
        document.registries.iter().map(|settings| settings.clone().under(base)).collect();
    if trust.author.is_stranger() {
        let (limits, warning) = limits_alone(registries);
        evaluator.problems.extend(warning);
        return limits;
    }
    for settings in &registries {
        let client = settings.client.iter().flat_map(|files| [&files.certificate, &files.key]);
        for file in settings.ca.iter().chain(client) {
            let shown = file.value.display().to_string();
            if let Err(Some(problem)) = evaluator.may_follow(&file.value, &shown, Need::Must) {
                evaluator.problems.add(problem.at(&file.span, format!("used for {}", settings.host)));
            }
        }
    }
    registries
}

/// The settings in `[registry]` of an untrusted file. Only limits for requests are used, because they are harmless. All
/// other settings decide whom to trust and which credentials to send. Also returns a warning that names the settings
/// that are left out, if there are any.
fn limits_alone(registries: Vec<RegistrySettings>) -> (Vec<RegistrySettings>, Option<Problem>) {
    let left_out: Vec<_> =
        registries.iter().map(|settings| (settings, others(settings))).filter(|(_, keys)| !keys.is_empty()).collect();
    let warning = left_out.split_first().map(|((settings, keys), more)| {
        let named = |settings: &RegistrySettings, keys: &[&str]| {
            let keys: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
            format!("{} of registry {}", keys.join(", "), settings.host)
        };
        let verb = if keys.len() == 1 { "is" } else { "are" };
        let message = format!("{} {verb} ignored with --untrusted", named(settings, keys));
        let problem = Problem::warning("mlist::config::left_out", message).at(&settings.span, "");
        let problem = more
            .iter()
            .take(NAMED)
            .fold(problem, |problem, (settings, keys)| problem.because(format!("also {}", named(settings, keys))));
        let problem = match more.len().saturating_sub(NAMED) {
            0 => problem,
            rest => problem.because(format!("also settings of {rest} more registries")),
        };
        problem.help("with --untrusted, only concurrency and rate of [registry] are used")
    });
    let alone = |settings: RegistrySettings| RegistrySettings {
        security: Security::Usual,
        ca: None,
        client: None,
        login: None,
        ..settings
    };
    (registries.into_iter().map(alone).collect(), warning)
}

/// The keys that are not limits, as written in the file.
fn others(settings: &RegistrySettings) -> Vec<&'static str> {
    let RegistrySettings { host: _, span: _, security, ca, client, login, concurrency: _, rate: _ } = settings;
    let safety: &[&str] = match security {
        Security::Usual => &[],
        Security::Tls | Security::Plain => &["http"],
        Security::Unverified => &["insecure"],
    };
    let ca: &[&str] = if ca.is_some() { &["ca"] } else { &[] };
    let client: &[&str] = if client.is_some() { &["client-cert", "client-key"] } else { &[] };
    let login: &[&str] = if login.is_some() { &["username-env", "password-env"] } else { &[] };
    [safety, ca, client, login].concat()
}
