//! [`read()`]: reads `[registry]` to [`RegistrySettings`], with valid tables and at most one per registry. No value
//! here is a template.

use super::read_problems::ReadProblems;
use std::num::NonZeroU32;
use std::path::PathBuf;

use super::raw::{Key, Node, Scalar, Table, Text, TomlValue};
use super::{known_keys, names, types};
use crate::config::keys::{self, KEYS, RegistryKey, TableKind};
use crate::config::model::{ClientFiles, LoginNames, Per, Placed, Rate, RegistrySettings, Security};
use crate::config::problem::{Problem, Span};
use crate::oci::{self, Host, ReferenceErrorKind, excerpt};

/// The regular expression of hosts, for the JSON Schema. A host without a dot or port must also be `localhost`.
pub(in crate::config) const HOST: &str = r"^([A-Za-z0-9_]+((\.|-+)[A-Za-z0-9_]+)*|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?$";

/// The regular expression of names of environment variables. It excludes names that cannot be set, and mistakes such as
/// `$TOKEN`.
pub(in crate::config) const ENV_NAME: &str = r"^[^\s=${}]+$";

/// The regular expression of rates.
pub(in crate::config) const RATE: &str = "^[1-9][0-9]*/(s|min|h)$";

/// Pairs of keys that require each other.
pub(in crate::config) const PAIRS: [(&str, &str); 2] =
    [("client-cert", "client-key"), ("username-env", "password-env")];

/// Keys that have no effect if another key is true.
pub(in crate::config) struct Excluded {
    /// The key that is true.
    pub(in crate::config) key: &'static str,
    /// The keys without effect. A boolean key counts only if it is true.
    pub(in crate::config) others: &'static [&'static str],
    why: &'static str,
}

pub(in crate::config) const EXCLUDED: [Excluded; 2] = [
    Excluded {
        key: "http",
        others: &["insecure", "ca", "client-cert", "client-key"],
        why: "plain HTTP does not use certificates",
    },
    Excluded { key: "insecure", others: &["ca"], why: "any certificate is accepted" },
];

const RATE_HELP: &str = "write the requests per second, minute or hour, such as \"5/s\", \"100/min\" or \"1000/h\"";

/// The units of `rate`.
const TIMES: [(&str, Per); 3] = [("s", Per::Second), ("min", Per::Minute), ("h", Per::Hour)];

/// Reads `[registry]`. Paths stay as written.
pub(super) fn read(node: &Node, problems: &mut ReadProblems<'_>) -> Vec<RegistrySettings> {
    let header = "[registry.\"HOST\"]";
    if let TomlValue::Text(text) = &node.value {
        let help = "to define a variable, move it to [vars]; to configure a registry, write [registry.\"HOST\"]";
        problems.push(types::wrong("`registry`", "a table", node).at(&text.span, "").help(help));
        return Vec::new();
    }
    let Some(table) = types::table("registry", header, node, problems) else { return Vec::new() };
    let mut registries: Vec<RegistrySettings> = Vec::new();
    for (name, node) in table {
        let is_key = keys::keys_of(TableKind::Registry).any(|info| info.name == name.name);
        if is_key && !matches!(node.value, TomlValue::Table(_)) {
            problems.push(
                Problem::error("mlist::config::misplaced_key", format!("`{}` is not allowed here", name.name))
                    .at(&name.span, "this is [registry], without a host")
                    .help(format!("move it to {header}")),
            );
            continue;
        }
        let Some(settings) = of_host(name, node, problems) else { continue };
        match registries.iter().find(|other| other.host == settings.host) {
            None => registries.push(settings),
            Some(first) => {
                let written = table.iter().find(|(key, _)| key.span == first.span).map(|(key, _)| key.name.as_str());
                let message = match written.filter(|written| *written != name.name) {
                    Some(written) => format!("duplicate registry: {} is the same as {written}", name.name),
                    None => format!("registry {} is defined twice", settings.host),
                };
                problems.push(
                    Problem::error("mlist::config::registry_twice", message)
                        .at(&settings.span, "defined again here")
                        .at(&first.span, "first defined here")
                        .help("put all settings of a registry in one table"),
                );
            }
        }
    }
    registries
}

/// Reads `[registry."HOST"]`. `None` if the name is not a valid host.
fn of_host(name: &Key, node: &Node, problems: &mut ReadProblems<'_>) -> Option<RegistrySettings> {
    let shown = shown(&name.name);
    let table = types::table(&shown, &format!("[registry.{}]", types::quoted(&shown)), node, problems)?;
    if let Some(host) = host(&name.name) {
        return settings(Some(host), &name.span, table, problems);
    }
    // No key of a registry has a table as its value. If the name is not a host, a table in it means that the host has a
    // dot but no quotes.
    let (dotted, own): (Table, Table) =
        table.iter().cloned().partition(|(_, node)| matches!(node.value, TomlValue::Table(_)));
    for (inner, node) in &dotted {
        let whole = names::undotted(name, inner, node, |_| false);
        problems.push(
            Problem::error(
                "mlist::config::type",
                format!("unexpected table `{}` in [registry.{}]", inner.name, types::quoted(&shown)),
            )
            .at(&inner.span, "")
            .help(format!(
                "if the dot is part of the host, quote it: [registry.{}]",
                types::quoted(&self::shown(&whole))
            )),
        );
    }
    if dotted.is_empty() || !own.is_empty() {
        problems.push(no_host(name));
    }
    // Report problems with the other keys too.
    settings(None, &name.span, &own, problems)
}

/// Returns the host that `text` means in a reference. `None` if it is not a host there.
fn host(text: &str) -> Option<Host> {
    let host = Host::parse(text).ok()?;
    // In a reference, a single word before a `/` is part of a path on Docker Hub.
    let place = oci::Place::parse(&format!("{text}/x")).ok()?;
    (place.host() == Some(&host)).then_some(host)
}

/// Returns a text for display, without the part before an `@`, which may contain a password.
fn shown(text: &str) -> String {
    text.rsplit_once('@').map_or(text.to_owned(), |(_, behind)| format!("…@{behind}"))
}

fn no_host(name: &Key) -> Problem {
    let text = name.name.as_str();
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let meant = authority.rsplit_once('@').map_or(authority, |(_, host)| host).trim();
    let error = Host::parse(meant).err();
    let meant = match error.as_ref().map(|error| &error.kind) {
        Some(ReferenceErrorKind::BareIpv6(right)) => right,
        _ => meant,
    };
    let problem =
        Problem::error("mlist::config::bad_name", format!("`{}` is not a valid registry host", excerpt(&shown(text))));
    let help = if authority.contains('@') {
        "a host cannot contain credentials: remove them, and use `username-env` and `password-env`"
    } else {
        "a host contains a dot or a port, or is localhost: \"ghcr.io\", \"registry:5000\", \"[::1]:5000\""
    };
    let problem = match (host(meant), &error) {
        (Some(_), _) => problem.at(&name.span, format!("write `{}`", types::quoted(meant))),
        (None, Some(error)) if !meant.is_empty() => problem.at(&name.span, "").because(error.message.clone()),
        (None, _) => problem.at(&name.span, ""),
    };
    problem.help(help)
}

/// Reads the settings in `table`. Without a host, this only reports problems.
fn settings(
    host: Option<Host>,
    span: &Span,
    table: &Table,
    problems: &mut ReadProblems<'_>,
) -> Option<RegistrySettings> {
    let (mut http, mut insecure, mut ca, mut concurrency, mut most) = (None, None, None, None, None);
    let (mut certificate, mut client_key, mut user, mut password) = (None, None, None, None);
    for (key, _, node) in known_keys::known(table, TableKind::Registry, problems) {
        match key {
            RegistryKey::Http => http = types::boolean("http", node, problems),
            RegistryKey::Insecure => insecure = types::boolean("insecure", node, problems),
            RegistryKey::Ca => ca = path("ca", node, problems),
            RegistryKey::ClientCert => certificate = path("client-cert", node, problems),
            RegistryKey::ClientKey => client_key = path("client-key", node, problems),
            RegistryKey::UsernameEnv => user = env_name("username-env", node, problems),
            RegistryKey::PasswordEnv => password = env_name("password-env", node, problems),
            RegistryKey::Concurrency => concurrency = types::count("concurrency", node, problems),
            RegistryKey::Rate => most = rate(node, problems),
        }
    }
    halves(table, problems);
    problems.extend(EXCLUDED.iter().find_map(|rule| excluded(rule, table)));
    let security = match (http, insecure) {
        (Some(true), _) => Security::Plain,
        (_, Some(true)) => Security::Unverified,
        (Some(false), _) => Security::Tls,
        (None, _) => Security::Usual,
    };
    let client = certificate.zip(client_key).map(|(certificate, key)| ClientFiles { certificate, key });
    let login = user.zip(password).map(|(user, password)| LoginNames { user, password });
    let of_host =
        |host| RegistrySettings { host, span: span.clone(), security, ca, client, login, concurrency, rate: most };
    host.map(of_host)
}

/// Reports `mlist::config::missing_key` for each key whose pair is incomplete.
fn halves(table: &Table, problems: &mut ReadProblems<'_>) {
    for (one, other) in PAIRS.into_iter().flat_map(|(one, other)| [(one, other), (other, one)]) {
        let Some((key, _)) = entry(table, one) else { continue };
        // A misspelled key was already reported.
        let is_there = |(key, _): &(Key, Node)| {
            key.name == other
                || known_keys::slip_of(&key.name, TableKind::Registry).is_some_and(|meant| meant.name == other)
        };
        if table.iter().any(is_there) {
            continue;
        }
        let help = match other {
            "username-env" => {
                "add username-env = \"NAME\", with the environment variable that contains the user name".into()
            }
            "password-env" => {
                "add password-env = \"NAME\", with the environment variable that contains the password".into()
            }
            _ => {
                let example = KEYS.iter().find(|info| info.name == other).map_or("", |info| info.example);
                format!("add `{other}`, such as {other} = {example}")
            }
        };
        problems.push(
            Problem::error("mlist::config::missing_key", format!("`{one}` requires `{other}`"))
                .at(&key.span, "")
                .help(help),
        );
    }
}

/// Returns one problem `mlist::config::misplaced_key` for all keys that have no effect because of `rule`.
fn excluded(rule: &Excluded, table: &Table) -> Option<Problem> {
    let is = |node: &Node, truth: bool| match node.value {
        TomlValue::Other { scalar: Scalar::Boolean(value), .. } => value == truth,
        _ => false,
    };
    let (ruling, _) = entry(table, rule.key).filter(|(_, node)| is(node, true))?;
    let is_odd = |(key, node): &&(Key, Node)| rule.others.contains(&key.name.as_str()) && !is(node, false);
    let odd: Vec<&Key> = table.iter().filter(is_odd).map(|(key, _)| key).collect();
    let names: Vec<String> = odd.iter().map(|key| format!("`{}`", key.name)).collect();
    let names = match names.split_last() {
        Some((last, more @ [_, ..])) => format!("{} and {last}", more.join(", ")),
        _ => names.concat(),
    };
    let message = format!("{names} cannot be used with `{} = true`", rule.key);
    let problem = Problem::error("mlist::config::misplaced_key", message);
    let problem = odd.iter().fold(problem, |problem, key| problem.at(&key.span, ""));
    (!odd.is_empty())
        .then(|| problem.at(&ruling.span, rule.why).help(format!("remove `{} = true`, or the other keys", rule.key)))
}

fn entry<'a>(table: &'a Table, name: &str) -> Option<&'a (Key, Node)> {
    table.iter().find(|(key, _)| key.name == name)
}

fn path(key: &str, node: &Node, problems: &mut ReadProblems<'_>) -> Option<Placed<PathBuf>> {
    let text = types::text(key, node, problems)?;
    if text.value.is_empty() {
        problems
            .push(Problem::error("mlist::config::type", format!("`{key}` is empty")).at(&text.span, "expected a path"));
        return None;
    }
    Some(Placed { value: PathBuf::from(&text.value), span: text.span.clone() })
}

/// Returns the name of an environment variable. The message does not show an invalid name, because it may be the secret
/// itself.
fn env_name(key: &str, node: &Node, problems: &mut ReadProblems<'_>) -> Option<Placed<String>> {
    let text = types::text(key, node, problems)?;
    let fits = |c: char| !(c.is_whitespace() || c.is_control() || matches!(c, '=' | '$' | '{' | '}'));
    let is_name = |name: &str| !name.is_empty() && name.chars().all(fits);
    if is_name(&text.value) {
        return Some(Placed { value: text.value.clone(), span: text.span.clone() });
    }
    let problem = Problem::error("mlist::config::type", format!("`{key}` must be the name of an environment variable"));
    let bare = text.value.trim().strip_prefix('$').map(|name| name.trim_matches(['{', '}']));
    problems.push(match bare.filter(|name| is_name(name)) {
        Some(right) => problem.at(&node.span, format!("write `{}`", types::quoted(right))),
        None => problem.at(&node.span, "").help(format!("write the name, not the value: {key} = \"NAME\"")),
    });
    None
}

/// Reads `N/s`, `N/min` or `N/h`.
fn rate(node: &Node, problems: &mut ReadProblems<'_>) -> Option<Rate> {
    let TomlValue::Text(Text { value: written, .. }) = &node.value else {
        problems.push(types::wrong("`rate`", "a string", node).at(&node.span, "").help(RATE_HELP));
        return None;
    };
    let is_number =
        |number: &str| !number.starts_with('0') && !number.is_empty() && number.bytes().all(|c| c.is_ascii_digit());
    let (number, time) = written.split_once('/').unwrap_or((written, ""));
    let per = TIMES.into_iter().find(|(word, _)| *word == time).map(|(_, per)| per);
    if let (true, Some(per), Ok(requests)) = (is_number(number), per, number.parse()) {
        return Some(Rate { requests, per });
    }
    let problem = Problem::error("mlist::config::type", format!("`{}` is not a valid rate", excerpt(written)));
    let number = number.trim().trim_start_matches('0');
    let meant = meant_time(time).filter(|_| is_number(number) && number.parse::<NonZeroU32>().is_ok());
    let label =
        meant.map_or_else(String::new, |word| format!("write `{}`", types::quoted(&format!("{number}/{word}"))));
    problems.push(problem.at(&node.span, label).help(RATE_HELP));
    None
}

/// Returns the unit of `rate` for common words for a period.
fn meant_time(time: &str) -> Option<&'static str> {
    Some(match time.trim().to_ascii_lowercase().as_str() {
        "s" | "sec" | "secs" | "second" | "seconds" => "s",
        "m" | "min" | "mins" | "minute" | "minutes" => "min",
        "h" | "hr" | "hour" | "hours" => "h",
        _ => return None,
    })
}
