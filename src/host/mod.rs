//! Answers questions about this machine: environment, files and git.
//!
//! | file | answers |
//! |---|---|
//! | `env` | [`Question::Env`]; [`secret`]: secret values, which no question may ask for |
//! | `files` | [`Question::File`], [`Question::Include`] |
//! | `git` | [`Question::Git`] |
//! | `paths` | [`Question::Paths`]: the files that match a glob |
//! | `boundary` | [`Question::Inside`]: the location that a path leads to, with symbolic links followed |
//! | `root` | [`manifest_file`], [`nearest_manifest_file`]: which manifests.toml is read |
//!
//! `config` asks the questions and makes the decisions. This layer does not know what an answer is used for. `None` is
//! an answer: the value does not exist, and a `default` can be used instead. If an answer could not be determined, it
//! is an error that states the reason in one line.

mod boundary;
mod env;
mod files;
mod git;
mod paths;
mod root;

use std::collections::BTreeSet;

use crate::config::facts::{Facts, INCLUDED_LIMIT, Question};

pub use boundary::Boundary;
pub use env::secret;
pub use root::{AllowedPaths, ManifestFile, manifest_file, nearest_manifest_file};

/// Answers all `questions` and adds the answers to `facts`. No file outside `boundary` is opened, whichever question
/// names it. If there is no boundary, all files are inside.
pub fn answer(questions: &BTreeSet<Question>, boundary: Option<&Boundary>, facts: &mut Facts) {
    for question in questions {
        let fact = match question {
            Question::Env(name) => env::value(name),
            Question::Inside(path) => match boundary {
                Some(boundary) => boundary.fact(path),
                None => Ok(Some(path.display().to_string())),
            },
            Question::File(path) => files::fact(path, boundary),
            // The files are refused together, so the others are not read.
            Question::Include(_) if facts.included_bytes() > INCLUDED_LIMIT => {
                Err("not read, because the included files are too large".to_owned())
            }
            Question::Include(path) => files::whole(path, boundary),
            Question::Paths(folder, glob) => paths::fact(folder, glob, boundary),
            Question::Git(folder, fact) => {
                facts.add_git(question.clone(), git::fact(folder, *fact));
                continue;
            }
        };
        facts.add(question.clone(), fact);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::facts::GitFact;

    #[test]
    fn every_question_has_an_answer_afterwards() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("VERSION"), "v1.2.3\n").unwrap();
        let file = Question::File(dir.path().join("VERSION"));
        let questions = BTreeSet::from([
            Question::Env("MLIST_TEST_OF_A_VARIABLE_THAT_NOBODY_SETS".into()),
            Question::File(dir.path().to_owned()),
            Question::Inside("/etc/passwd".into()),
            file.clone(),
            Question::Git(dir.path().to_owned(), GitFact::Commit),
        ]);
        let mut facts = Facts::default();
        answer(&questions, None, &mut facts);
        assert!(questions.iter().all(|question| facts.get(question).is_some()));
        assert_eq!(facts.get(&file), Some(&Ok(Some("v1.2.3\n".to_owned()))));
    }
}
