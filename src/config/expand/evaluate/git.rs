//! Why a variable has no value from git, and what to do about it.

use crate::config::facts::{Facts, GitFact, GitFault, Question};

/// The maximum number of tags in a message.
const NAMED: usize = 3;

/// Returns why `question` has no usable answer from git, and the help. `None` if git was not asked.
pub(super) fn no_value(facts: &Facts, question: &Question, name: &str) -> Option<(String, String)> {
    let Question::Git(folder, fact) = question else { return None };
    let folder = folder.display();
    let Some(fault) = facts.git_fault(question) else {
        // Without a fault there are tags on HEAD, and none is a version.
        let tags: Vec<&str> = facts.get(question)?.as_ref().ok()?.as_deref()?.lines().collect();
        let why = format!("no tag on HEAD is a version: found {}", some(&tags));
        return (*fact == GitFact::Tags).then(|| (why, "create a version tag, such as git tag v1.0.0".to_owned()));
    };
    Some(match fault {
        GitFault::NotARepository => (
            if folder.to_string() == "." {
                "this directory is not in a git repository".to_owned()
            } else {
                format!("directory {folder} is not in a git repository")
            },
            "run mlist in a git checkout".to_owned(),
        ),
        GitFault::NotInstalled => {
            ("program `git` not found in PATH".to_owned(), format!("install git, or pass the value: --set {name}=…"))
        }
        GitFault::OtherOwner(top) => (
            format!("git refuses to read {}: it belongs to another user (dubious ownership)", top.display()),
            format!("git config --global --add safe.directory {}", top.display()),
        ),
        GitFault::NoCommit => ("the git repository has no commit yet".to_owned(), "create a commit".to_owned()),
        GitFault::Detached => ("HEAD is detached, so there is no branch".to_owned(), "check out a branch".to_owned()),
        GitFault::NoTag { is_shallow: true, others } if others.is_empty() => (
            "this shallow clone has no tags".to_owned(),
            "fetch the tags (git fetch --tags --unshallow; with actions/checkout: fetch-depth: 0)".to_owned(),
        ),
        GitFault::NoTag { others, .. } if others.is_empty() => {
            ("the git repository has no tags".to_owned(), "create one, such as git tag v1.0.0".to_owned())
        }
        GitFault::NoTag { others, .. } => (
            format!("no tag points to HEAD; tags on other commits: {}", some(others)),
            "check out a tag or use git = \"describe\"".to_owned(),
        ),
        GitFault::Failed(why) => (why.clone(), format!("run `git -C {folder} status` to see the cause")),
    })
}

/// Joins the first names: `v1.2.0, v1.1.0, …`.
fn some(names: &[impl AsRef<str>]) -> String {
    let first: Vec<&str> = names.iter().take(NAMED).map(AsRef::as_ref).collect();
    first.join(", ") + if names.len() > NAMED { ", …" } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_its_own_words_and_help() {
        let no_tag = |is_shallow: bool, others: &[&str]| GitFault::NoTag {
            is_shallow,
            others: others.iter().map(|&tag| tag.to_owned()).collect(),
        };
        for (fault, why, help) in [
            (GitFault::NotARepository, "directory ci is not in a git repository", "run mlist in a git checkout"),
            (
                GitFault::NotInstalled,
                "program `git` not found in PATH",
                "install git, or pass the value: --set version=…",
            ),
            (
                GitFault::OtherOwner("/build".into()),
                "git refuses to read /build: it belongs to another user (dubious ownership)",
                "git config --global --add safe.directory /build",
            ),
            (GitFault::NoCommit, "the git repository has no commit yet", "create a commit"),
            (GitFault::Detached, "HEAD is detached, so there is no branch", "check out a branch"),
            (
                no_tag(true, &[]),
                "this shallow clone has no tags",
                "fetch the tags (git fetch --tags --unshallow; with actions/checkout: fetch-depth: 0)",
            ),
            (no_tag(false, &[]), "the git repository has no tags", "create one, such as git tag v1.0.0"),
            (
                no_tag(true, &["v1.3.0", "v1.2.0", "v1.1.0", "v1.0.0"]),
                "no tag points to HEAD; tags on other commits: v1.3.0, v1.2.0, v1.1.0, …",
                r#"check out a tag or use git = "describe""#,
            ),
            (GitFault::Failed("git failed: x".into()), "git failed: x", "run `git -C ci status` to see the cause"),
        ] {
            let (question, mut facts) = (Question::Git("ci".into(), GitFact::Tags), Facts::default());
            facts.add_git(question.clone(), Err(fault.clone()));
            assert_eq!(facts.get(&question).is_some_and(Result::is_ok), fault.is_absence());
            let expected = Some((why.to_owned(), help.to_owned()));
            assert_eq!(no_value(&facts, &question, "version"), expected, "{fault:?}");
        }
    }

    #[test]
    fn tags_that_are_no_versions_are_named() {
        let (question, mut facts) = (Question::Git(".".into(), GitFact::Tags), Facts::default());
        facts.add_git(question.clone(), Ok("latest\nnightly".to_owned()));
        let (why, _) = no_value(&facts, &question, "version").unwrap();
        assert_eq!(why, "no tag on HEAD is a version: found latest, nightly");
        assert_eq!(no_value(&facts, &Question::Env("A".into()), "version"), None);
    }
}
