//! [`Question`]s to the machine, and [`Facts`]: their answers, and what registries have. `config` asks; `host` answers
//! for the machine.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use super::problem::Problem;
use crate::oci::{Place, Tag};

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
    /// The files below a folder, as seen from where the program runs, that a [`PathGlob`](super::PathGlob) means, by
    /// its text: their paths, one a line.
    Paths(PathBuf, String),
    /// The whole text of a file that is included, byte for byte; none where there is no such file.
    Include(PathBuf),
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

/// The tags of a repository, none where there is no such repository; or why they are not known.
pub type TagFact = Result<Option<Arc<BTreeSet<Tag>>>, Box<Problem>>;

/// All answers so far.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    answers: BTreeMap<Question, Fact>,
    tags: BTreeMap<Place, TagFact>,
}

impl Facts {
    /// What is known; none where it was not asked.
    #[must_use]
    pub fn get(&self, question: &Question) -> Option<&Fact> {
        self.answers.get(question)
    }

    /// Adds an answer.
    pub fn add(&mut self, question: Question, fact: Fact) {
        self.answers.insert(question, fact);
    }

    /// The tags of a repository; none where nobody asked.
    #[must_use]
    pub fn tags(&self, place: &Place) -> Option<&TagFact> {
        self.tags.get(place)
    }

    /// Adds the tags of a repository.
    pub fn add_tags(&mut self, place: Place, tags: TagFact) {
        self.tags.insert(place, tags);
    }
}
