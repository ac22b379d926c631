//! All texts that users see are plain English: help pages, snapshots of messages, messages in the code, and documents.
//!
//! [`WORDS`] has the words to avoid. A match is shown as `file:line`, with what to write instead.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use crate::architecture::paths::{literals, without_tests};
use crate::support::context::Context;

/// Words to avoid, each with what to write instead. A word between quotes or backticks, such as the `absent` of the JSON,
/// does not match a single word here. `…` at the end matches any of [`NOUNS`].
#[rustfmt::skip]
const WORDS: &[(&str, &str)] = &[
    ("absent", "not found; missing"),
    ("all the same", "even so; or leave it out"),
    ("anew", "again"),
    ("answers again", "responds again"),
    ("anybody", "anyone; or name who"),
    ("are here", "exist"),
    ("are there", "exist"),
    ("are to be", "must be"),
    ("as often as", "name the number of attempts"),
    ("asked again", "retries"),
    ("asked for again", "retries; waits for"),
    ("asks for", "requires"),
    ("asks who", "requires login"),
    ("at its beginning", "at the start"),
    ("at the beginning", "at the start"),
    ("at the most", "at most"),
    ("at what is", "name the thing"),
    ("behind", "after"),
    ("believed", "used"),
    ("belongs here", "expected X"),
    ("beside", "next to; besides; in addition to"),
    ("bring about", "cause"),
    ("bring it about", "cause it"),
    ("calls itself", "has the type"),
    ("can't", "cannot"),
    ("cannot be heard", "cannot be read"),
    ("come along", "are copied too"),
    ("come to", "result in; `X is not a valid Y`"),
    ("comes to", "results in; `X is not a valid Y`"),
    ("does not answer", "did not respond"),
    ("does not fit", "does not match"),
    ("does that", "use X"),
    ("doesn't", "does not"),
    ("don't", "do not"),
    ("everybody", "everyone; or name who"),
    ("first form", "Docker manifest schema 1"),
    ("fits", "matches"),
    ("found out", "determined"),
    ("gives out", "name the limit"),
    ("goes before", "takes precedence over"),
    ("goes on", "continues"),
    ("gone", "not found; missing"),
    ("has it renewed", "asks the operator to renew it"),
    ("has no meaning", "cannot be used with"),
    ("have it renewed", "ask the operator to renew it"),
    ("heed", "respect"),
    ("heeded", "respected"),
    ("heeds", "respects"),
    ("here again", "defined again here"),
    ("here first", "first defined here"),
    ("holds no", "contains no"),
    ("in a circle", "in a loop"),
    ("in Docker's first format", "Docker manifest schema 1"),
    ("in OCI's words", "with OCI platform names"),
    ("in other letters", "in upper case"),
    ("is another word for", "is not an OCI platform name; use X"),
    ("is called", "is named; is"),
    ("is here", "exists"),
    ("is let", "is allowed to"),
    ("is no …", "is not a valid X"),
    ("is not here", "not found"),
    ("is not there", "not found"),
    ("is over", "has expired"),
    ("is said", "is reported"),
    ("is silent", "does not set it"),
    ("is there", "exists"),
    ("is to be", "must be"),
    ("is to stay", "must be kept"),
    ("is told", "is reported"),
    ("isn't", "is not"),
    ("it is written", "write"),
    ("keep it back", "withhold; hide"),
    ("keeps back", "withholds; hides"),
    ("keeps it back", "withholds; hides"),
    ("kept as is", "kept"),
    ("kin", "name the kind"),
    ("knows of no", "does not have"),
    ("lead out", "are outside"),
    ("leads out", "is outside"),
    ("let in", "accept; grant access"),
    ("let it", "allow it to"),
    ("let the", "write it another way"),
    ("lets in", "accepts; requires"),
    ("look at", "check"),
    ("looked at", "read; checked"),
    ("looked into", "read"),
    ("looks at", "is matched against"),
    ("may not", "is not allowed to; might not"),
    ("mend", "fix"),
    ("mended", "fixed"),
    ("mends", "fixes"),
    ("needed by", "used by"),
    ("needed here", "required here"),
    ("needs itself", "refers to itself"),
    ("no more for now", "rate limited by HOST"),
    ("no place to come from", "requires X or Y"),
    ("no telling", "X cannot be determined"),
    ("no use", "cannot be combined with"),
    ("nobody", "no one; or name who"),
    ("none can have", "X is not a valid Y"),
    ("none of them is", "none of them is a valid X"),
    ("nothing is latest by itself", "latest is never assumed"),
    ("nowhere", "in no place; name it"),
    ("of today", "current"),
    ("otherwise than", "different from"),
    ("please", "leave it out"),
    ("reaches no", "has no effect on"),
    ("say it with", "use"),
    ("say what it is otherwise", "set a default"),
    ("say which", "specify X"),
    ("says otherwise", "sets another value"),
    ("seen from", "relative to"),
    ("sees no", "cannot use"),
    ("sends the same", "write it another way"),
    ("shows a certificate", "has a client certificate"),
    ("so many", "a number of"),
    ("someone acts", "the problem is solved"),
    ("someone must act", "action needed"),
    ("speaks", "uses; responds"),
    ("speaks of", "uses"),
    ("spell it", "use X as"),
    ("spoken", "used"),
    ("spoken of", "used"),
    ("stand", "be; be defined"),
    ("standing", "being; defined"),
    ("stands", "is; is defined"),
    ("stood", "was; was defined"),
    ("stranger", "an untrusted author"),
    ("stranger's", "from an untrusted author"),
    ("strangers", "untrusted authors"),
    ("successfully", "leave it out"),
    ("take away", "exclude; remove"),
    ("taken away", "excluded; removed"),
    ("takes away", "excludes; removes"),
    ("takes no", "does not accept; is read-only; rate limited"),
    ("takes nothing", "has no arguments"),
    ("takes them away", "excludes them"),
    ("thrice", "three times"),
    ("to be had", "available"),
    ("to go by", "name what is missing"),
    ("told", "reported; shown"),
    ("turns slowest", "changes slowest"),
    ("two places to come from", "X and Y cannot be combined"),
    ("wants", "requires"),
    ("was said", "was declared"),
    ("what becomes of", "what to do with"),
    ("what is said", "name the thing"),
    ("whatever", "any; regardless of"),
    ("whichever", "any; regardless of"),
    ("who has it", "name who"),
    ("who is there", "requires login"),
    ("who we are", "credentials"),
    ("whoever", "anyone who; regardless of the author"),
    ("without a word", "without a message"),
    ("without being told", "automatically"),
    ("won't", "will not"),
    ("would do", "use X"),
];

/// What something "is no" of.
#[rustfmt::skip]
const NOUNS: [&str; 56] = [
    "address", "archive", "array", "axis", "beginning", "blob", "boolean", "command", "condition", "convention",
    "digest", "directory", "duration", "file", "filter", "folder", "format", "glob", "helper", "host", "image",
    "index", "ipv6", "json", "key", "kind", "layout", "list", "manifest", "match", "member", "name", "number",
    "object", "part", "path", "pem", "platform", "rate", "reference", "registry", "regular", "repository",
    "selector", "string", "table", "tag", "target", "template", "toml", "unit", "value", "variable", "variant",
    "version", "word",
];

/// A text that users see.
struct Text {
    /// The file, and where in the file the text begins: the number of lines before it.
    place: String,
    before: usize,
    content: String,
}

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns the files in a folder and its subfolders whose names end with one of `ends`.
fn files(folder: &str, ends: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![project().join(folder)];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.is_dir() {
                folders.push(path);
            } else if !name.starts_with('.') && ends.iter().any(|end| name.ends_with(end)) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn read(path: &Path) -> Text {
    let content = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    Text { place: path.strip_prefix(project()).unwrap().display().to_string(), before: 0, content }
}

/// Returns the documents.
fn documents() -> Vec<Text> {
    let names = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "manifests.toml.example", "tests/run", ".ci/run"];
    let mut paths: Vec<PathBuf> = names.iter().map(|name| project().join(name)).collect();
    paths.extend(files("docs", &[".md"]));
    paths.extend(files("schema", &[".json"]));
    paths.extend(files("examples", &[".toml", ".py", ".md", "-images"]));
    paths.iter().map(|path| read(path)).collect()
}

/// Returns the help pages.
fn help_pages() -> Vec<Text> {
    let page = |command: &str| {
        let arguments = format!("{command} --help");
        let content = Context::new().mlist(&arguments).exits(0).stdout;
        Text { place: format!("mlist {}", arguments.trim()), before: 0, content }
    };
    ["", "check", "plan", "sync", "verify", "ls", "inspect", "schema"].map(page).into()
}

/// Returns the snapshots in files of their own, without their metadata.
fn snapshots() -> Vec<Text> {
    let mut snapshots: Vec<Text> =
        ["src", "tests"].iter().flat_map(|folder| files(folder, &[".snap"])).map(|path| read(&path)).collect();
    for snapshot in &mut snapshots {
        let start = snapshot.content.match_indices("---\n").nth(1).map_or(0, |(at, line)| at + line.len());
        snapshot.before = snapshot.content[..start].lines().count();
        snapshot.content.drain(..start);
    }
    snapshots.extend(files("tests/it/examples", &[".txt"]).iter().map(|path| read(path)));
    snapshots
}

/// Returns the messages in the code, and the snapshots in the code of tests.
fn messages() -> Vec<Text> {
    let mut messages = Vec::new();
    for path in ["src", "tests"].iter().flat_map(|folder| files(folder, &[".rs"])) {
        let Text { place, content, .. } = read(&path);
        let code = if place.starts_with("src/") { without_tests(&place, &content).len() } else { 0 };
        for literal in literals(&content) {
            let start = literal.text.as_ptr() as usize - content.as_ptr() as usize;
            if start < code || literal.is_snapshot {
                let content = literal.text.replace("\\n", " ");
                messages.push(Text { place: place.clone(), before: literal.line - 1, content });
            }
        }
    }
    messages
}

/// A word of a text.
struct Word<'a> {
    /// The word without punctuation.
    bare: &'a str,
    /// The punctuation before and after it.
    before: &'a str,
    after: &'a str,
    line: usize,
    /// Whether a label of an excerpt begins with it.
    is_label: bool,
}

impl Word<'_> {
    /// Whether it is a code word, a quoted value or the name of a variable in a format string.
    fn is_quoted(&self) -> bool {
        self.before.ends_with(['"', '`', '{']) && self.after.starts_with(['"', '`', '}'])
    }
}

/// Returns the words of a text. What has no letter or digit, such as the frame of an excerpt, is skipped.
fn words(text: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    for (line, text) in text.lines().enumerate() {
        let mut is_label = false;
        for token in text.split_whitespace() {
            let bare = token.trim_matches(|c: char| !c.is_alphanumeric());
            let start = token.len() - token.trim_start_matches(|c: char| !c.is_alphanumeric()).len();
            if bare.is_empty() {
                is_label = token.starts_with('╰');
            } else {
                let (before, after) = (&token[..start], &token[start + bare.len()..]);
                words.push(Word { bare, before, after, line, is_label: std::mem::take(&mut is_label) });
            }
        }
    }
    words
}

/// Whether `words` begin with a phrase of [`WORDS`]. A phrase does not go across punctuation.
fn begins_with(words: &[Word<'_>], phrase: &str) -> bool {
    let count = phrase.split(' ').count();
    words.len() >= count
        && phrase.split(' ').zip(words).enumerate().all(|(at, (expected, word))| {
            let is_joined = (at == 0 || !word.is_label && !word.before.contains(PUNCTUATION))
                && (at + 1 == count || !word.after.contains(PUNCTUATION));
            let is = |expected: &str| word.bare.eq_ignore_ascii_case(expected);
            is_joined && if expected == "…" { NOUNS.iter().any(|noun| is(noun)) } else { is(expected) }
        })
        && !(count == 1 && words[0].is_quoted())
}

const PUNCTUATION: [char; 6] = ['.', ',', ';', ':', '(', ')'];

/// [`WORDS`] by the first word of each phrase.
static BY_FIRST_WORD: LazyLock<BTreeMap<String, Vec<(&str, &str)>>> = LazyLock::new(|| {
    let mut phrases: BTreeMap<String, Vec<(&str, &str)>> = BTreeMap::new();
    for (phrase, instead) in WORDS {
        let first = phrase.split(' ').next().unwrap_or_default().to_lowercase();
        phrases.entry(first).or_default().push((phrase, instead));
    }
    phrases
});

/// Returns the matches of [`WORDS`] in a text.
fn found(text: &Text) -> Vec<String> {
    let words = words(&text.content);
    let mut found = Vec::new();
    for at in 0..words.len() {
        let after_there = at > 0 && words[at - 1].bare.eq_ignore_ascii_case("there");
        for (phrase, instead) in BY_FIRST_WORD.get(&words[at].bare.to_lowercase()).into_iter().flatten() {
            // "There is no tag" is plain English, "it is no tag" is not.
            if begins_with(&words[at..], phrase) && !(after_there && phrase.starts_with("is no")) {
                let line = text.before + words[at].line + 1;
                found.push(format!("{}:{line}: `{phrase}`: {instead}", text.place));
            }
        }
    }
    found
}

#[test]
fn texts_for_users_are_plain_english() {
    let texts = [documents(), help_pages(), snapshots(), messages()];
    let found: Vec<String> = texts.iter().flatten().flat_map(found).collect();
    assert!(found.is_empty(), "{} matches\n{}", found.len(), found.join("\n"));
}

#[test]
fn all_kinds_of_texts_are_read() {
    let texts = [documents(), help_pages(), snapshots(), messages()];
    let counts = texts.each_ref().map(Vec::len);
    assert!(counts.iter().zip([20, 5, 100, 1000]).all(|(count, least)| *count >= least), "{counts:?}");
    for (kind, place) in [(0, "schema/manifests.schema.json"), (1, "mlist sync --help"), (3, "src/cli/other_tools.rs")]
    {
        assert!(texts[kind].iter().any(|text| text.place == place), "{place}");
    }
}

#[test]
fn phrases_are_found_across_lines_but_not_across_punctuation_or_in_code_words() {
    let found = |text: &str| found(&Text { place: "x".to_owned(), before: 2, content: text.to_owned() });
    for text in
        ["`x` is no unit", "It is\n  │ no `tag`.", "\"the key stands twice\"", "Absent: x", "(absent)", "\"is absent\""]
    {
        assert_eq!(found(text).len(), 1, "{text}");
    }
    for text in [
        "there is no tag",
        "is it? no, unit",
        "`absent`",
        "\"absent\",",
        "@{behind}",
        "here\n╰── first",
        "it is. No tag",
        "understands",
    ] {
        assert_eq!(found(text), [] as [String; 0], "{text}");
    }
    assert_eq!(found("a\n\nb can't"), ["x:5: `can't`: cannot"]);
}

#[test]
fn the_words_are_sorted() {
    assert!(WORDS.is_sorted_by_key(|(phrase, _)| phrase.to_lowercase().replace('…', "")));
    assert!(NOUNS.is_sorted());
}
