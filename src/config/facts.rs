//! [`Question`]s to this machine, and [`Facts`]: their answers, and the tags that repositories have. `config` asks the
//! questions, `host` answers them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use super::problem::Problem;
use crate::oci::{Place, Tag};

/// A question about this machine. Paths are relative to the working directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Question {
    /// The value of an environment variable. `None` if it is unset or empty.
    Env(String),
    /// Whether a path leads to a location within [`Trust::root`](super::Trust::root) after symbolic links are followed.
    /// The location need not exist. The answer is the real path, for display. `None` if the path leads outside.
    Inside(PathBuf),
    /// The whole text of a file. `None` if the file does not exist.
    File(PathBuf),
    /// What git reports about a folder.
    Git(PathBuf, GitFact),
    /// The files below a folder that match the [`PathGlob`](super::PathGlob) with this text. The answer has one path
    /// per line.
    Paths(PathBuf, String),
    /// The whole text of an included file, unchanged. `None` if the file does not exist.
    Include(PathBuf),
}

/// A question to git.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum GitFact {
    /// `git describe --tags --always --dirty`
    Describe,
    /// The tags on HEAD, one per line.
    Tags,
    /// The full commit id of HEAD.
    Commit,
    /// The branch. `None` if HEAD is detached.
    Branch,
}

/// Why git has no answer. The code that asked decides how it is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GitFault {
    /// The folder is not in a repository.
    NotARepository,
    /// There is no program `git`.
    NotInstalled,
    /// git does not read this repository, because it belongs to another user (`safe.directory`).
    OtherOwner(PathBuf),
    /// The repository has no commit.
    NoCommit,
    /// HEAD is on no branch.
    Detached,
    /// No tag is on HEAD.
    NoTag {
        /// Whether the repository is a shallow clone.
        is_shallow: bool,
        /// Some tags on other commits, the greatest version first.
        others: Vec<String>,
    },
    /// Another reason, as text.
    Failed(String),
}

impl GitFault {
    /// Whether git works and there is no value, so that a `default` can be used instead.
    #[must_use]
    pub fn is_absence(&self) -> bool {
        match self {
            Self::NotARepository | Self::NoCommit | Self::Detached | Self::NoTag { .. } => true,
            Self::NotInstalled | Self::OtherOwner(_) | Self::Failed(_) => false,
        }
    }
}

/// The answer to a question: a value, `None` if there is no value, or the reason why it is not known. The reason does
/// not contain the path of the question, because only the code that asked knows how the path may be shown.
pub type Fact = Result<Option<String>, String>;

/// The tags of a repository, `None` if the repository does not exist, or the problem why they are not known.
pub type TagFact = Result<Option<Arc<BTreeSet<Tag>>>, Box<Problem>>;

/// The maximum size of all included files together, in bytes.
pub const INCLUDED_LIMIT: u64 = 16 << 20;

/// All answers so far.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    answers: BTreeMap<Question, Fact>,
    git_faults: BTreeMap<Question, GitFault>,
    included_bytes: u64,
    tags: BTreeMap<Place, TagFact>,
}

impl Facts {
    /// Returns the answer to a question. `None` if there is no answer yet.
    #[must_use]
    pub fn get(&self, question: &Question) -> Option<&Fact> {
        self.answers.get(question)
    }

    /// Adds the answer to a question.
    pub fn add(&mut self, question: Question, fact: Fact) {
        if let (Question::Include(_), Ok(Some(text))) = (&question, &fact) {
            self.included_bytes += text.len() as u64;
        }
        self.answers.insert(question, fact);
    }

    /// Adds the answer of git to a question.
    pub fn add_git(&mut self, question: Question, answer: Result<String, GitFault>) {
        let fact = match answer {
            Ok(text) => Ok(Some(text)),
            Err(fault) => {
                let fact = if fault.is_absence() { Ok(None) } else { Err("git failed".to_owned()) };
                self.git_faults.insert(question.clone(), fault);
                fact
            }
        };
        self.add(question, fact);
    }

    /// Returns why git has no answer to a question. `None` if it has one, or was not asked.
    #[must_use]
    pub fn git_fault(&self, question: &Question) -> Option<&GitFault> {
        self.git_faults.get(question)
    }

    /// Returns the size of all included files that are known. If it is more than [`INCLUDED_LIMIT`], no more of them
    /// need to be read.
    #[must_use]
    pub fn included_bytes(&self) -> u64 {
        self.included_bytes
    }

    /// Returns the tags of a repository. `None` if they were not added yet.
    #[must_use]
    pub fn tags(&self, place: &Place) -> Option<&TagFact> {
        self.tags.get(place)
    }

    /// Adds the tags of a repository.
    pub fn add_tags(&mut self, place: Place, tags: TagFact) {
        self.tags.insert(place, tags);
    }
}
