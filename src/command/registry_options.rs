//! [`hosts`] and [`group`]: convert what manifests.toml declares into options of the registry layer.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};

use crate::config::model::{LoginNames, Member, Per, Placed, Rate, Security};
use crate::config::{Problem, Publication, RegistrySettings};
use crate::oci::{Host, Place};
use crate::registry::options::{self, ClientCertificate, NamedLogin};
use crate::registry::{HostOptions, RepositoryGroup};

/// Returns the value of an environment variable, if it is set, or the reason why it could not be read.
type ReadVariable = fn(&str) -> Result<Option<SecretString>, String>;

/// Returns the options of each host. Environment variables are read only for the hosts in `needed`.
///
/// # Errors
/// Returns the values that could not be read. An unset variable is not an error until its host requires login.
pub(super) fn hosts(
    registries: &[RegistrySettings],
    needed: &[&Place],
    variable: ReadVariable,
) -> Result<BTreeMap<Host, HostOptions>, Vec<Problem>> {
    let needed: BTreeSet<&Host> = needed.iter().filter_map(|place| place.host()).collect();
    let mut hosts = BTreeMap::new();
    let mut problems = Vec::new();
    for settings in registries {
        let login = settings.login.as_ref().filter(|_| needed.contains(&settings.host));
        match login.map(|names| named_login(names, &settings.host, variable)).transpose() {
            Ok(login) => {
                hosts.insert(settings.host.clone(), HostOptions { login, ..usual_options(settings) });
            }
            Err(problem) => problems.push(*problem),
        }
    }
    if problems.is_empty() { Ok(hosts) } else { Err(problems) }
}

/// Returns all options except the login.
fn usual_options(settings: &RegistrySettings) -> HostOptions {
    HostOptions {
        security: match settings.security {
            Security::Usual => options::ConnectionSecurity::Usual,
            Security::Tls => options::ConnectionSecurity::Tls,
            Security::Plain => options::ConnectionSecurity::Plain,
            Security::Unverified => options::ConnectionSecurity::Unverified,
        },
        ca: settings.ca.as_ref().map(|file| file.value.clone()),
        client: settings.client.as_ref().map(|files| ClientCertificate {
            certificate: files.certificate.value.clone(),
            key: files.key.value.clone(),
        }),
        login: None,
        concurrency: settings.concurrency,
        rate: settings.rate.map(rate),
    }
}

fn rate(Rate { requests, per }: Rate) -> options::RateLimit {
    let per = match per {
        Per::Second => Duration::from_secs(1),
        Per::Minute => Duration::from_mins(1),
        Per::Hour => Duration::from_hours(1),
    };
    options::RateLimit { requests, per }
}

fn named_login(names: &LoginNames, host: &Host, variable: ReadVariable) -> Result<NamedLogin, Box<Problem>> {
    let value = |name: &Placed<String>| {
        variable(&name.value).map_err(|why| {
            let problem = Problem::error("mlist::registry::credentials", why).at(&name.span, "");
            Box::new(problem.because(format!("required for {host}")))
        })
    };
    Ok(NamedLogin {
        user_env: names.user.value.clone(),
        user: value(&names.user)?.map(|user| user.expose_secret().to_owned()),
        password_env: names.password.value.clone(),
        password: value(&names.password)?,
    })
}

/// Returns the repositories of a list.
pub(super) fn group(list: &Publication) -> RepositoryGroup {
    let repository = |place: &Place| match place {
        Place::Repository(repository) => Some(repository.clone()),
        Place::Layout(_) => None,
    };
    let target = repository(&list.target);
    let mut sources: Vec<_> =
        list.members.iter().flat_map(Member::reads).filter_map(|source| repository(&source.place)).collect();
    let mut seen = BTreeSet::new();
    sources.retain(|source| Some(source) != target.as_ref() && seen.insert(source.clone()));
    RepositoryGroup { target, sources }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::facts::Facts;
    use crate::config::{LoadOutcome, LoadPurpose, LoadRequest, Loaded, Loader, Severity, SourceFile, Sources, Trust};

    const LIST: &str = r#"
        [list.app]
        platforms = ["linux/amd64", "linux/arm64"]
        source = "quay.io/acme/app-{arch}:v1"
        target = "ghcr.io/acme/app"
        tags = ["v1"]
    "#;

    fn loaded(registries: &str) -> Loaded {
        loaded_text(&format!("{registries}{LIST}"))
    }

    fn loaded_text(text: &str) -> Loaded {
        let mut sources = Sources::default();
        let file = sources.add(SourceFile { name: "deploy/manifests.toml".into(), text: text.into() });
        let request = LoadRequest {
            sources: &sources,
            file,
            overrides: &[],
            selectors: &[],
            trust: &Trust::default(),
            purpose: LoadPurpose::Check,
        };
        let LoadOutcome::Done(loaded) = Loader::new(request).load(&Facts::default()) else {
            panic!("nothing is to be asked")
        };
        let is_error = |problem: &Problem| problem.severity == Severity::Error;
        assert!(!loaded.problems.iter().any(is_error), "{:?}", loaded.problems);
        loaded
    }

    fn hosts_needed(registries: &str, variable: ReadVariable) -> Result<BTreeMap<Host, HostOptions>, Vec<Problem>> {
        let places = ["quay.io/acme/app", "ghcr.io/acme/app"].map(|place| Place::parse(place).unwrap());
        hosts(&loaded(registries).registries, &places.iter().collect::<Vec<_>>(), variable)
    }

    fn hosts_of(registries: &str, variable: ReadVariable) -> BTreeMap<String, HostOptions> {
        let hosts = hosts_needed(registries, variable).unwrap();
        hosts.into_iter().map(|(host, options)| (host.to_string(), options)).collect()
    }

    #[test]
    fn what_is_said_of_a_host_reaches_the_registry_layer() {
        let hosts = hosts_of(
            r#"
            [registry."index.docker.io"]
            concurrency = 8
            rate = "100/min"
            [registry."registry.corp:5000"]
            ca = "corp.pem"
            client-cert = "/etc/client.pem"
            client-key = "client.key"
            [registry."plain.corp"]
            http = true
            rate = "5/s"
            [registry."lab.corp"]
            insecure = true
            rate = "1000/h"
            [registry."localhost:5000"]
            http = false
            "#,
            |name| panic!("{name} is asked for"),
        );
        let names: Vec<&str> = hosts.keys().map(String::as_str).collect();
        assert_eq!(names, ["docker.io", "lab.corp", "localhost:5000", "plain.corp", "registry.corp:5000"]);
        let hub = &hosts["docker.io"];
        assert_eq!((hub.security, hub.concurrency.map(usize::from)), (options::ConnectionSecurity::Usual, Some(8)));
        let rate = |host: &str| hosts[host].rate.map(|rate| (u32::from(rate.requests), rate.per.as_secs()));
        assert_eq!(
            ["docker.io", "plain.corp", "lab.corp", "localhost:5000"].map(rate),
            [Some((100, 60)), Some((5, 1)), Some((1000, 3600)), None]
        );
        let security = |host: &str| hosts[host].security;
        assert_eq!(
            ["plain.corp", "lab.corp", "localhost:5000"].map(security),
            [
                options::ConnectionSecurity::Plain,
                options::ConnectionSecurity::Unverified,
                options::ConnectionSecurity::Tls
            ]
        );
        let corp = &hosts["registry.corp:5000"];
        assert_eq!(corp.ca, Some("deploy/corp.pem".into()), "beside the file");
        let client = ClientCertificate { certificate: "/etc/client.pem".into(), key: "deploy/client.key".into() };
        assert_eq!(corp.client, Some(client));
    }

    const LOGINS: &str = r#"
        [registry."quay.io"]
        username-env = "Q_USER"
        password-env = "Q_TOKEN"
        [registry."elsewhere.io"]
        username-env = "E_USER"
        password-env = "E_TOKEN"
    "#;

    #[test]
    fn a_login_has_what_stands_in_the_environment_where_a_list_needs_it() {
        let hosts = hosts_of(LOGINS, |name| match name {
            "Q_USER" => Ok(Some("bot".into())),
            "Q_TOKEN" => Ok(Some("s3cret".into())),
            name => panic!("{name} is asked for"),
        });
        let login = hosts["quay.io"].login.as_ref().unwrap();
        assert_eq!((login.user_env.as_str(), login.password_env.as_str()), ("Q_USER", "Q_TOKEN"));
        assert_eq!(login.user.as_deref(), Some("bot"));
        assert_eq!(login.password.as_ref().unwrap().expose_secret(), "s3cret");
        assert!(!format!("{hosts:?}").contains("s3cret"));
        assert!(hosts["elsewhere.io"].login.is_none(), "no list is there");
    }

    #[test]
    fn what_os_versions_are_taken_from_is_reached_as_sources_are() {
        let text = r#"
            [list.app]
            platforms = [{ platform = "windows/amd64", os-version = { from = "mcr.example/base/nano:v1" } }]
            source = "quay.io/acme/app-{arch}:v1"
            target = "ghcr.io/acme/app"
            tags = ["v1"]
        "#;
        let loaded = loaded_text(text);
        let group = group(&loaded.publications[0]);
        let shown: Vec<String> = group.sources.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["quay.io/acme/app-amd64", "mcr.example/base/nano"]);
    }

    #[test]
    fn a_variable_that_is_not_set_is_known_by_its_name() {
        let hosts = hosts_of(LOGINS, |_| Ok(None));
        let login = hosts["quay.io"].login.as_ref().unwrap();
        assert_eq!(
            (login.password_env.as_str(), login.user.is_none(), login.password.is_none()),
            ("Q_TOKEN", true, true)
        );
    }

    #[test]
    fn a_value_that_cannot_be_had_is_told_at_its_name() {
        let problems = hosts_needed(LOGINS, |name| Err(format!("the environment variable {name} is not UTF-8")));
        let problems = problems.unwrap_err();
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].message, "the environment variable Q_USER is not UTF-8");
        assert_eq!(problems[0].labels.len(), 1);
    }
}
