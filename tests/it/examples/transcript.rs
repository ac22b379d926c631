//! Transcripts: what a project's builds push, what mlist is told, and what stands in the registries then, all of it
//! written out, so that nothing here is worked out as mlist works it out.
//!
//! ```text
//! # What this shows.
//! example pause                                       a folder of examples/
//! built                                               pushed before the command
//!     {registry}/pause:3.10-linux-amd64    linux/amd64
//!     {registry}/pause:3.10-windows-1809   windows/amd64 10.0.17763.1    foreign
//!     {microsoft}/base:v1                  = v1-amd64 v1-arm64            a list of what is built there
//! $ TAG=3.10 mlist sync --set registry=…              each `{NAME}` is set to a registry besides
//! Done: 1 list created
//! published                                           tags of a repository, and the list they all name
//!     {registry}/pause: 3.10 latest
//!         linux/amd64                      {registry}/pause:3.10-linux-amd64
//! ```
//!
//! A further command, with or without `built` before it, goes on from there.

use std::collections::BTreeSet;

/// The whole of it.
#[derive(Debug, Default)]
pub(super) struct Transcript {
    /// A folder of `examples`.
    pub(super) example: String,
    /// One command after the other.
    pub(super) steps: Vec<Step>,
}

/// A command, what is pushed before it and what stands after it.
#[derive(Debug, Default)]
pub(super) struct Step {
    /// What is pushed before.
    pub(super) built: Vec<(String, Built)>,
    /// Variables of the environment.
    pub(super) environment: Vec<(String, String)>,
    /// What stands behind `mlist sync`.
    pub(super) arguments: String,
    /// The last line, without the time it took.
    pub(super) verdict: String,
    /// What stands then.
    pub(super) published: Vec<Published>,
}

/// What a build makes.
#[derive(Debug)]
pub(super) enum Built {
    /// An image.
    Image {
        /// `os/arch[/variant][ os.version]`, as its config has it.
        platform: String,
        /// Whether its base is for its vendor alone to hand out.
        foreign: bool,
    },
    /// A list of images that were built before it in its repository, by their tags.
    List(Vec<String>),
}

/// A list by its tags.
#[derive(Debug)]
pub(super) struct Published {
    /// Where: `{NAME}/PATH`.
    pub(super) repository: String,
    /// By which tags.
    pub(super) tags: Vec<String>,
    /// The platform of each entry, and of which image it is.
    pub(super) members: Vec<(String, String)>,
}

/// What the lines are about.
#[derive(Clone, Copy)]
enum Section {
    Built,
    Command,
    Published,
}

impl Transcript {
    /// Reads one.
    pub(super) fn parse(text: &str) -> Self {
        let mut transcript = Self::default();
        let mut section = Section::Published;
        for line in text.lines().map(str::trim_end).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let words: Vec<&str> = line.split_whitespace().collect();
            match (line.starts_with(' '), section) {
                (false, _) => section = transcript.begin(section, line, &words),
                (true, Section::Built) => transcript.step().built.push(built(&words)),
                (true, Section::Published) if words[0].starts_with('{') => {
                    transcript.step().published.push(published(&words));
                }
                (true, Section::Published) => {
                    let (source, platform) = words.split_last().expect("a line that is not empty");
                    let list = transcript.step().published.last_mut().expect("members of a list");
                    list.members.push((platform.join(" "), (*source).to_owned()));
                }
                (true, Section::Command) => panic!("`{line}` belongs to nothing"),
            }
        }
        transcript
    }

    /// A line that is not indented.
    fn begin(&mut self, section: Section, line: &str, words: &[&str]) -> Section {
        match words {
            ["example", name] => (*name).clone_into(&mut self.example),
            ["built"] => {
                self.steps.push(Step::default());
                return Section::Built;
            }
            ["published"] => return Section::Published,
            ["$", command @ ..] => {
                if !matches!(section, Section::Built) {
                    self.steps.push(Step::default());
                }
                self.step().command(command);
                return Section::Command;
            }
            _ => line.clone_into(&mut self.step().verdict),
        }
        section
    }

    fn step(&mut self) -> &mut Step {
        self.steps.last_mut().expect("a command, or what is built before it")
    }

    /// The variables that name registries.
    pub(super) fn registries(&self) -> BTreeSet<String> {
        let built = self.steps.iter().flat_map(|step| &step.built).map(|(reference, _)| reference);
        let published = self.steps.iter().flat_map(|step| &step.published).map(|list| &list.repository);
        built.chain(published).map(|place| variable(place).0.to_owned()).collect()
    }
}

impl Step {
    /// How mlist ends.
    pub(super) fn status(&self) -> i32 {
        if self.verdict.starts_with("Incomplete") { 4 } else { 0 }
    }

    /// `NAME=VALUE… mlist sync ARGUMENTS…`
    fn command(&mut self, words: &[&str]) {
        let at = words.iter().position(|word| *word == "mlist").expect("a command of mlist");
        let pair = |word: &&str| word.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
        self.environment = words[..at].iter().map(|word| pair(word).expect("NAME=VALUE")).collect();
        let arguments = words[at + 1..].split_first().filter(|(verb, _)| **verb == "sync");
        self.arguments = arguments.expect("mlist sync").1.join(" ");
    }
}

/// `{NAME}/PATH` in two.
pub(super) fn variable(place: &str) -> (&str, &str) {
    let rest = place.strip_prefix('{').unwrap_or_else(|| panic!("{place} is at no registry"));
    rest.split_once("}/").unwrap_or_else(|| panic!("{place} is at no registry"))
}

fn built(words: &[&str]) -> (String, Built) {
    let (reference, words) = words.split_first().expect("a line that is not empty");
    let built = match words {
        ["=", images @ ..] => Built::List(images.iter().map(|image| (*image).to_owned()).collect()),
        [platform @ .., "foreign"] => Built::Image { platform: platform.join(" "), foreign: true },
        platform => Built::Image { platform: platform.join(" "), foreign: false },
    };
    ((*reference).to_owned(), built)
}

fn published(words: &[&str]) -> Published {
    let (repository, tags) = words.split_first().expect("a line that is not empty");
    let repository = repository.strip_suffix(':').expect("a repository ends with a colon");
    let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
    Published { repository: repository.to_owned(), tags, members: Vec::new() }
}
