//! [`Question`]s to the machine, and [`Facts`]: their answers. `config` asks; `host` answers.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// What only the machine can say.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Question {
    /// The value of an environment variable; none where it is unset or empty.
    Env(String),
    /// Whether a path leads to a place within [`Trust::root`](super::Trust::root), links followed, or would if it were
    /// there: the real place, for people; none where it leads outside. As seen from where the program runs.
    Inside(PathBuf),
    /// The whole text of a file, as seen from where the program runs; none where there is no such file.
    File(PathBuf),
    /// What git says in a folder.
    Git(PathBuf, GitFact),
}

/// What git is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum GitFact {
    /// `git describe --tags --always --dirty`
    Describe,
    /// The tags on HEAD, one a line.
    Tags,
    /// The full id of HEAD.
    Commit,
    /// The branch; none on a detached HEAD.
    Branch,
}

/// What came of a question: the value, none, or why it could not be found out. The reason does not name the path that
/// was asked for: who asked knows how it may be shown.
pub type Fact = Result<Option<String>, String>;

/// All answers so far.
#[derive(Debug, Clone, Default)]
pub struct Facts(BTreeMap<Question, Fact>);

impl Facts {
    /// What is known; none where it was not asked.
    #[must_use]
    pub fn get(&self, question: &Question) -> Option<&Fact> {
        self.0.get(question)
    }

    /// Adds an answer.
    pub fn add(&mut self, question: Question, fact: Fact) {
        self.0.insert(question, fact);
    }
}
