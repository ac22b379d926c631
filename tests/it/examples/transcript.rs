//! Transcripts: what the builds of a project push, the arguments of mlist, and what the registries contain afterwards.
//! Everything is written out, so that the test does not repeat the logic of mlist.
//!
//! ```text
//! # What this shows.
//! example pause                                       a folder of examples/
//! built                                               pushed before the command
//!     {registry}/pause:3.10-linux-amd64    linux/amd64
//!     {registry}/pause:3.10-windows-1809   windows/amd64 10.0.17763.1    foreign
//!     {microsoft}/base:v1                  = v1-amd64 v1-arm64            a list of images built in its repository
//! $ TAG=3.10 mlist sync --set registry=…              each `{NAME}` is also set to a registry
//! Done: 1 list created
//! published                                           tags of a repository, and the list they all refer to
//!     {registry}/pause: 3.10 latest
//!         linux/amd64                      {registry}/pause:3.10-linux-amd64
//! ```
//!
//! A further command, with or without `built` before it, continues from that state.

use std::collections::BTreeSet;

/// A transcript.
#[derive(Debug, Default)]
pub(super) struct Transcript {
    /// The folder in `examples`.
    pub(super) example: String,
    /// The commands in order.
    pub(super) steps: Vec<Step>,
}

/// A command, what is pushed before it, and what is published after it.
#[derive(Debug, Default)]
pub(super) struct Step {
    /// The images and lists that are pushed before the command.
    pub(super) built: Vec<(String, Built)>,
    /// The environment variables.
    pub(super) environment: Vec<(String, String)>,
    /// The arguments after `mlist sync`.
    pub(super) arguments: String,
    /// The last line of the output, without the time.
    pub(super) verdict: String,
    /// The lists that are published after the command.
    pub(super) published: Vec<Published>,
}

/// What a build produces.
#[derive(Debug)]
pub(super) enum Built {
    /// An image.
    Image {
        /// The platform in its config: `os/arch[/variant][ os.version]`.
        platform: String,
        /// Whether its base layer may be distributed only by its vendor.
        foreign: bool,
    },
    /// A list of images that were built before it in its repository, by their tags.
    List(Vec<String>),
}

/// A list with its tags.
#[derive(Debug)]
pub(super) struct Published {
    /// The repository, as `{NAME}/PATH`.
    pub(super) repository: String,
    /// The tags.
    pub(super) tags: Vec<String>,
    /// The platform and the image of each entry.
    pub(super) members: Vec<(String, String)>,
}

/// The section that a line belongs to.
#[derive(Clone, Copy)]
enum Section {
    Built,
    Command,
    Published,
}

impl Transcript {
    /// Parses a transcript.
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

    /// Handles a line that is not indented. Returns the section that follows it.
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

    /// Returns the variables that name registries.
    pub(super) fn registries(&self) -> BTreeSet<String> {
        let built = self.steps.iter().flat_map(|step| &step.built).map(|(reference, _)| reference);
        let published = self.steps.iter().flat_map(|step| &step.published).map(|list| &list.repository);
        built.chain(published).map(|place| variable(place).0.to_owned()).collect()
    }
}

impl Step {
    /// Returns the expected exit status.
    pub(super) fn status(&self) -> i32 {
        if self.verdict.starts_with("Incomplete") { 4 } else { 0 }
    }

    /// Parses `NAME=VALUE… mlist sync ARGUMENTS…`.
    fn command(&mut self, words: &[&str]) {
        let at = words.iter().position(|word| *word == "mlist").expect("a command of mlist");
        let pair = |word: &&str| word.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
        self.environment = words[..at].iter().map(|word| pair(word).expect("NAME=VALUE")).collect();
        let arguments = words[at + 1..].split_first().filter(|(verb, _)| **verb == "sync");
        self.arguments = arguments.expect("mlist sync").1.join(" ");
    }
}

/// Splits `{NAME}/PATH`.
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
