//! Problems in full, drawn by miette: the code, the underlined place, the causes and the help.

use std::error::Error;
use std::fmt;
use std::ops::Range;

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, Severity, SourceCode, ThemeCharacters, ThemeStyles,
};
use textwrap::{WordSeparator, WordSplitter};

use crate::config::problem::{self, Problem, Sources};
use crate::ui::render::fold::ProblemGroup;
use crate::ui::style::{Charset, Color, Style};
use crate::ui::text;

use super::excerpt::Excerpt;

/// Renders all groups in full, separated by blank lines, with a newline at the end. Empty if there are none.
pub(super) fn render(groups: &[ProblemGroup<'_>], sources: &Sources, style: Style, all: bool) -> String {
    groups.iter().map(|group| render_one(group, sources, style, all)).collect::<Vec<_>>().join("\n")
}

fn render_one(group: &ProblemGroup<'_>, sources: &Sources, style: Style, all: bool) -> String {
    let mut shown = MietteProblem::new(group.problem, sources, style);
    let elsewhere = elsewhere(group.problem, sources, style);
    let help = if elsewhere.is_empty() { None } else { shown.help.take() };
    let mut text = drawn(&shown, style);
    // miette shows one file per problem. Each further file gets its own excerpt, and the help comes after all of them.
    for part in
        elsewhere.into_iter().chain(help.map(|help| MietteProblem { help: Some(help), ..MietteProblem::part() }))
    {
        text.push_str(without_message(&drawn(&part, style)));
    }
    // miette leaves trailing spaces where it wraps a line.
    let mut text: String = text.trim_end().lines().flat_map(|line| [line.trim_end(), "\n"]).collect();
    if !group.also.is_empty() {
        text.push_str(&text::fill("  also: ", &text::named(group.also.iter().copied(), all), 8, style.width));
        text.push('\n');
    }
    text
}

fn drawn(shown: &MietteProblem, style: Style) -> String {
    let mut text = String::new();
    if handler(style).render_report(&mut text, shown).is_err() {
        // Writing to a String cannot fail. If miette fails for another reason, the code and message are still shown.
        text = format!("{}: {}\n", shown.code.unwrap_or_default(), shown.message);
    }
    text
}

/// Returns the text after the line of the message, which is the first line that is not blank.
fn without_message(text: &str) -> &str {
    let text = text.trim_start_matches('\n');
    text.split_once('\n').map_or("", |(_, rest)| rest)
}

fn handler(style: Style) -> GraphicalReportHandler {
    let theme = GraphicalTheme {
        characters: match style.charset {
            // Warnings use `!` like everywhere else. Some terminals draw miette's own symbol as an emoji.
            Charset::Unicode => ThemeCharacters { warning: "!".into(), ..ThemeCharacters::unicode() },
            Charset::Ascii => ThemeCharacters::ascii(),
        },
        styles: match style.color {
            Color::On => ThemeStyles::ansi(),
            Color::Off => ThemeStyles::none(),
        },
    };
    GraphicalReportHandler::new_themed(theme)
        .with_links(false)
        .with_urls(false)
        .with_context_lines(1)
        .with_width(style.width.unwrap_or(200))
        // References contain `-` and `/`. Do not break them, so that they can be copied whole.
        .with_word_splitter(WordSplitter::NoHyphenation)
        .with_word_separator(WordSeparator::AsciiSpace)
        .with_break_words(false)
        .with_wrap_lines(style.width.is_some())
}

/// A [`Problem`] in the form that miette needs, or a part of one.
#[derive(Debug, Default)]
struct MietteProblem {
    code: Option<&'static str>,
    severity: Severity,
    message: String,
    cause: Option<Box<CauseChain>>,
    help: Option<String>,
    labels: Vec<LabeledSpan>,
    source: Option<Excerpt>,
}

/// A cause and the causes below it.
#[derive(Debug)]
struct CauseChain {
    text: String,
    next: Option<Box<CauseChain>>,
}

impl MietteProblem {
    /// Creates a part that has a message only because miette requires one. [`without_message`] removes it.
    fn part() -> Self {
        Self { message: "-".to_owned(), ..Self::default() }
    }

    fn new(problem: &Problem, sources: &Sources, style: Style) -> Self {
        let causes: Vec<String> = problem.causes.iter().map(|cause| text::line(cause)).collect();
        let file = problem.labels.first().map(|label| label.span.file);
        let (source, labels) = file.map(|file| excerpt(problem, file, sources, style)).unwrap_or_default();
        let cause = causes.into_iter().rfold(None, |next, text| Some(Box::new(CauseChain { text, next })));
        Self {
            code: Some(problem.code),
            severity: match problem.severity {
                problem::Severity::Error => Severity::Error,
                problem::Severity::Warning => Severity::Warning,
            },
            message: text::line(&problem.message),
            cause,
            help: problem.help.as_deref().map(text::line),
            source,
            labels,
        }
    }
}

/// Returns the excerpt and labels of one file of a problem.
fn excerpt(problem: &Problem, file: usize, sources: &Sources, style: Style) -> (Option<Excerpt>, Vec<LabeledSpan>) {
    let labels = problem.labels.iter().filter(|label| label.span.file == file);
    let labels = labels.map(|label| (label.span.range.clone(), text::line(&label.text))).collect();
    let file = sources.get(file).zip(sources.lines(file));
    let source = file.and_then(|(file, lines)| Excerpt::new(file, lines, labels, style));
    let underline = |(place, text): (Range<usize>, &str)| {
        LabeledSpan::new((!text.is_empty()).then(|| text.to_owned()), place.start, place.len())
    };
    let labels = source.iter().flat_map(Excerpt::labels).map(underline).collect();
    (source, labels)
}

/// Returns the parts of a problem for the files other than that of its first label.
fn elsewhere(problem: &Problem, sources: &Sources, style: Style) -> Vec<MietteProblem> {
    let mut files: Vec<usize> = Vec::new();
    for label in &problem.labels {
        if !files.contains(&label.span.file) {
            files.push(label.span.file);
        }
    }
    let shown = |file: usize| {
        let (source, labels) = excerpt(problem, file, sources, style);
        MietteProblem { labels, source, ..MietteProblem::part() }
    };
    files.into_iter().skip(1).map(shown).collect()
}

impl fmt::Display for MietteProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for MietteProblem {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_deref().map(|reason| reason as &dyn Error)
    }
}

impl fmt::Display for CauseChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for CauseChain {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.next.as_deref().map(|reason| reason as &dyn Error)
    }
}

impl Diagnostic for MietteProblem {
    fn code(&self) -> Option<Box<dyn fmt::Display + '_>> {
        self.code.map(|code| Box::new(code) as Box<dyn fmt::Display>)
    }

    fn severity(&self) -> Option<Severity> {
        Some(self.severity)
    }

    fn help(&self) -> Option<Box<dyn fmt::Display + '_>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        (!self.labels.is_empty()).then(|| Box::new(self.labels.iter().cloned()) as Box<dyn Iterator<Item = _>>)
    }
}

#[cfg(test)]
mod tests;
