//! [`HostLabels`]: adds to problems of registries where manifests.toml names the registry.

use std::collections::{BTreeMap, HashMap};

use crate::config::Loaded;
use crate::config::model::{HostNaming, HostOrigin};
use crate::config::problem::{Problem, Span};
use crate::oci::Host;

/// The labels for problems about a registry as a whole. Such a problem is the same for all lists that need the
/// registry, and is shown once.
pub(super) struct HostLabels(HashMap<String, HostLabel>);

/// The label for one registry.
struct HostLabel {
    span: Span,
    text: String,
    naming: HostNaming,
}

impl HostLabels {
    /// Creates the labels for these lists, given as their ids and problems.
    pub(super) fn new<'a>(lists: impl Iterator<Item = (&'a str, &'a [Problem])>, loaded: &Loaded) -> Self {
        let mut needed: BTreeMap<&Host, (Vec<&str>, &HostOrigin)> = BTreeMap::new();
        for (id, problems) in lists {
            let mut hosts: Vec<Host> = problems.iter().filter_map(unlabeled_host).collect();
            hosts.dedup();
            for host in hosts {
                if let Some((host, origin)) = loaded.hosts.get_key_value(&host) {
                    needed.entry(host).or_insert_with(|| (Vec::new(), origin)).0.push(id);
                }
            }
        }
        let label = |(host, (ids, origin)): (&Host, (Vec<&str>, &HostOrigin))| {
            let text = match (origin.naming, ids.as_slice()) {
                (HostNaming::Implied, _) => {
                    format!("a reference without a host name is on Docker Hub ({host})")
                }
                (HostNaming::Written, [id]) => format!("required by list `{id}`"),
                (HostNaming::Written, ids) => format!("required by {} lists", ids.len()),
            };
            (host.to_string(), HostLabel { span: origin.span.clone(), text, naming: origin.naming })
        };
        Self(needed.into_iter().map(label).collect())
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds the labels to the problems of a list.
    pub(super) fn add_to(&self, problems: &mut [Problem]) {
        for problem in problems {
            let label = unlabeled_host(problem).and_then(|host| self.0.get(host.as_str()));
            if let Some(HostLabel { span, text, naming }) = label {
                *problem = problem.clone().at(span, text);
                if *naming == HostNaming::Implied {
                    let help = problem.help.as_ref().map(|help| format!("; otherwise, {help}")).unwrap_or_default();
                    problem.help = Some(format!("if the image is on another registry, write its host name{help}"));
                }
            }
        }
    }
}

/// Returns the host, if the problem is about a registry as a whole and has no label yet.
fn unlabeled_host(problem: &Problem) -> Option<Host> {
    let is_of_host = problem.is_of_registry() && problem.reference.is_none() && problem.labels.is_empty();
    Host::parse(problem.host().filter(|_| is_of_host)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::facts::Facts;
    use crate::config::problem::{HttpFacts, SourceFile, Sources};
    use crate::config::{LoadOutcome, LoadPurpose, LoadRequest, Loader, Trust};

    const TEXT: &str = r#"
        [vars]
        registry = "quay.io/acme"
        [defaults]
        platforms = ["linux/amd64"]
        tags = ["v1"]
        [list.api]
        source = "{registry}/api:v1"
        target = "ghcr.io/acme/api"
        [list.web]
        source = "acme/web:v1"
        target = "{registry}/web"
    "#;

    fn unreachable(host: &str) -> Problem {
        let http = HttpFacts { host: host.into(), attempts: 8, ..HttpFacts::default() };
        let problem = Problem::error("mlist::registry::unreachable", format!("cannot connect to {host}"));
        Problem { http: Some(http), ..problem }
    }

    /// Returns the labels of a problem with `host` that these lists have: the text that is underlined, and the words.
    fn labels(host: &str, lists: &[&str]) -> Vec<(String, String)> {
        let mut sources = Sources::default();
        let file = sources.add(SourceFile { name: "manifests.toml".into(), text: TEXT.into() });
        let (purpose, trust) = (LoadPurpose::Publish, &Trust::default());
        let request = LoadRequest { sources: &sources, file, overrides: &[], selectors: &[], purpose, trust };
        let LoadOutcome::Done(loaded) = Loader::new(request).load(&Facts::default()) else {
            panic!("the file needs no facts")
        };
        assert_eq!(loaded.problems, []);
        let mut problems = [unreachable(host)];
        HostLabels::new(lists.iter().map(|id| (*id, &problems[..])), &loaded).add_to(&mut problems);
        let shown =
            |label: &crate::config::problem::Label| (TEXT[label.span.range.clone()].to_owned(), label.text.clone());
        problems[0].labels.iter().map(shown).collect()
    }

    #[test]
    fn the_place_that_names_the_host_is_underlined() {
        let label = |place: &str, text: &str| vec![(place.to_owned(), text.to_owned())];
        assert_eq!(labels("quay.io", &["api", "web"]), label("quay.io/acme", "required by 2 lists"));
        assert_eq!(labels("ghcr.io", &["api"]), label("ghcr.io", "required by list `api`"));
        let implied = "a reference without a host name is on Docker Hub (docker.io)";
        assert_eq!(labels("docker.io", &["web"]), label("acme/web:v1", implied));
        assert_eq!(labels("auth.docker.io", &["web"]), []);
    }

    #[test]
    fn a_problem_of_one_image_has_a_place_of_its_own() {
        let problem = unreachable("quay.io").about(&"quay.io/acme/api:v1");
        assert_eq!(unlabeled_host(&problem), None);
        let labeled = unreachable("quay.io").at(&Span { file: 0, range: 0..1 }, "");
        assert_eq!(unlabeled_host(&labeled), None);
    }
}
