//! Parsers of external input, each behind a function that accepts any bytes, for `fuzz/` and for ordinary tests.
//!
//! A target does not only check that nothing panics. It also checks properties of everything that was parsed.
//! `fuzz/fuzz_targets/` has a program for each target, `fuzz/corpus/` has its initial corpus. This module exists only
//! with `cfg(fuzzing)` and in tests.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;

use crate::config::facts::{Facts, Question};
use crate::config::trust::{Author, Trust};
use crate::config::{LoadOutcome, LoadPurpose, LoadRequest, Loaded, Loader, SourceFile, Sources};
use crate::naming::Template;
use crate::oci::{ImageConfig, ImageManifest, Index, ManifestContent, MediaType, Payload, Place, Reference, Tag};
use crate::registry::fuzz;

/// Parses bytes and checks the result.
pub type FuzzTarget = fn(&[u8]);

/// All targets, by the name of their program and their corpus.
pub const TARGETS: &[(&str, FuzzTarget)] = &[
    ("reference", reference),
    ("manifest", manifest),
    ("template", template),
    ("manifests_toml", manifests_toml),
    ("www_authenticate", www_authenticate),
    ("link", link),
    ("retry_after", retry_after),
    ("config_json", config_json),
];

/// Parses a reference, a repository or a layout. Its text form must parse to the same value.
///
/// # Panics
/// If a check fails.
pub fn reference(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match Reference::parse(text) {
        Ok(reference) => assert_eq!(Reference::parse(&reference.to_string()).as_ref(), Ok(&reference), "{text:?}"),
        Err(error) => assert!(text.get(error.span.clone()).is_some(), "{text:?}: {:?}", error.span),
    }
    match Place::parse(text) {
        Ok(place) => assert_eq!(Place::parse(&place.to_string()).as_ref(), Ok(&place), "{text:?}"),
        Err(error) => assert!(text.get(error.span.clone()).is_some(), "{text:?}: {:?}", error.span),
    }
}

/// Parses an index, a manifest and a config. An index that was parsed must have the same entries after it is encoded
/// and parsed again.
///
/// # Panics
/// If a check fails.
pub fn manifest(data: &[u8]) {
    let payload = |media_type| Payload::new(media_type, Bytes::copy_from_slice(data));
    for media_type in [MediaType::OciIndex, MediaType::DockerList] {
        let Ok(index) = Index::parse(&payload(media_type)) else { continue };
        let encoded = index.encode();
        assert_eq!(Index::parse(&encoded).ok().map(|again| again.entries), Some(index.entries));
    }
    for media_type in [MediaType::OciManifest, MediaType::DockerManifest] {
        let payload = payload(media_type);
        if let Ok(image) = ImageManifest::parse(&payload) {
            assert!(image.blobs().count() > 0, "an image has a config");
        }
        if let Ok(content) = ManifestContent::parse(&payload) {
            assert!(content.size >= content.config.size, "the size includes the config");
        }
    }
    if let Ok(config) = ImageConfig::parse(data) {
        let platform = config.platform;
        assert_eq!(platform.normalized().normalized(), platform.normalized());
    }
}

/// Parses a template. It must keep its text, and each part of its expansion must come from a part of that text.
///
/// # Panics
/// If a check fails.
pub fn template(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let template = match Template::parse(text) {
        Ok(template) => template,
        Err(error) => return assert!(text.get(error.span.clone()).is_some(), "{text:?}: {:?}", error.span),
    };
    assert_eq!(template.source(), text);
    let value = |name: &str| if name == "version" { "v1.2.3-rc.1+b".to_owned() } else { format!("<{name}>") };
    if let Ok(expansion) = template.expand_traced(|placeholder| Ok::<_, ()>(value(&placeholder.name))) {
        for (at, c) in expansion.text.char_indices() {
            let origin = expansion.origin(&(at..at + c.len_utf8()));
            assert!(text.get(origin.clone()).is_some_and(|piece| !piece.is_empty()), "{text:?} at {at}: {origin:?}");
        }
    }
}

/// Loads a whole file, on a machine that answers some questions and not others. Loading must end, and every problem
/// must point into a file. For an untrusted file, no question about environment variables or git may be asked.
///
/// # Panics
/// If a check fails.
pub fn manifests_toml(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let stranger = Trust { root: Some(PathBuf::from(".")), author: Author::Stranger { environment: BTreeSet::new() } };
    for trust in [Trust::default(), stranger] {
        let loaded = loaded(text, &trust);
        for problem in &loaded.problems {
            assert!(!problem.message.is_empty());
            for label in &problem.labels {
                let range = label.span.range.clone();
                let text = loaded.sources.get(label.span.file).map_or("", |file| &file.text);
                let points = range.start < text.len() && text.get(range.clone()).is_some();
                assert!(points, "{text:?}: {range:?}: {problem:?}");
            }
        }
    }
}

fn loaded(text: &str, trust: &Trust) -> Loaded {
    let mut sources = Sources::default();
    let file = sources.add(SourceFile { name: "manifests.toml".into(), text: Arc::from(text) });
    let request =
        LoadRequest { sources: &sources, file, overrides: &[], selectors: &[], trust, purpose: LoadPurpose::Publish };
    let (mut parsed, mut facts) = (Loader::new(request), Facts::default());
    loop {
        match parsed.load(&facts) {
            LoadOutcome::Done(loaded) => return loaded,
            LoadOutcome::NeedsTags(places, _) => {
                assert!(!places.is_empty());
                let tags = ["v1.2.3", "v1.2.4-rc.1", "latest"].map(|tag| Tag::parse(tag).expect("a tag"));
                let tags = Arc::new(BTreeSet::from(tags));
                for place in places {
                    facts.add_tags(place, Ok(Some(Arc::clone(&tags))));
                }
            }
            LoadOutcome::Needs(questions) => {
                assert!(!questions.is_empty() && questions.iter().all(|question| facts.get(question).is_none()));
                for question in questions {
                    let is_private = matches!(question, Question::Env(_) | Question::Git(..));
                    assert!(!is_private || trust.author == Author::Trusted, "{text:?}: {question:?}");
                    let answer = match &question {
                        Question::Env(name) if name.len() % 2 == 0 => Ok(None),
                        Question::Git(..) => Err("git is not installed".to_owned()),
                        Question::Paths(..) => Ok(Some("included.toml\nmanifests.toml".to_owned())),
                        Question::Include(_) => Ok(Some(text.to_owned())),
                        _ => Ok(Some("v1.2.3".to_owned())),
                    };
                    facts.add(question, answer);
                }
            }
        }
    }
}

/// Parses `WWW-Authenticate`, with one header per line. Parameter names must be in lower case, and the result must
/// contain only what was sent.
///
/// # Panics
/// If a check fails.
pub fn www_authenticate(data: &[u8]) {
    fuzz::www_authenticate(data);
}

/// Parses `Link`, with one header per line. The next page must be a part of the header.
///
/// # Panics
/// If a check fails.
pub fn link(data: &[u8]) {
    fuzz::next_page(data);
}

/// Parses `Retry-After`, with one header per line, and the same text as a message. The wait must not be zero.
///
/// # Panics
/// If a check fails.
pub fn retry_after(data: &[u8]) {
    fuzz::later(data);
}

/// Parses a credentials file. Neither the error for a malformed file nor the Debug output may contain a secret.
///
/// # Panics
/// If a check fails.
pub fn config_json(data: &[u8]) {
    fuzz::config_json(data);
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    /// How often each text is changed at random.
    const CHANGES: u64 = 60;

    fn project() -> &'static Path {
        Path::new(env!("CARGO_MANIFEST_DIR"))
    }

    fn files(folder: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
    }

    fn corpus(name: &str) -> Vec<Vec<u8>> {
        let mut found: Vec<PathBuf> = files(&project().join("fuzz/corpus").join(name));
        if name == "manifests_toml" {
            found.extend(
                ["valid", "invalid"].iter().flat_map(|kind| files(&project().join("tests/fixtures").join(kind))),
            );
        }
        found.iter().filter(|path| path.is_file()).map(|path| fs::read(path).unwrap()).collect()
    }

    /// Pseudo-random numbers that are the same in every run (xorshift, Marsaglia 2003).
    struct Numbers(u64);

    impl Numbers {
        fn below(&mut self, end: usize) -> usize {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            usize::try_from(self.0 % end.max(1) as u64).unwrap()
        }

        /// Returns `text` after random changes: parts are removed or repeated, and bytes are inserted or replaced.
        fn changed(&mut self, text: &[u8], other: &[u8]) -> Vec<u8> {
            const BYTES: &[u8] = b"\0\"\\{}[]=,:;|/@.-_ \r\n\t09azAZ\x7f\xc3\xa4\xff";
            let mut changed = text.to_vec();
            for _ in 0..=self.below(3) {
                let (at, end) = (self.below(changed.len()), self.below(changed.len() + 1));
                let part = at.min(end)..at.max(end);
                match self.below(5) {
                    0 => drop(changed.drain(part)),
                    1 => changed.insert(at.min(changed.len()), BYTES[self.below(BYTES.len())]),
                    2 if !changed.is_empty() => changed[at] = BYTES[self.below(BYTES.len())],
                    3 => {
                        let copy = changed[part.clone()].to_vec();
                        changed.splice(part.start..part.start, copy);
                    }
                    _ => {
                        let from = self.below(other.len());
                        changed.splice(part, other[from..].iter().take(40).copied());
                    }
                }
            }
            changed
        }
    }

    #[test]
    fn each_target_stands_its_corpus_and_what_it_is_changed_to() {
        for (name, target) in TARGETS {
            let corpus = corpus(name);
            assert!(corpus.len() >= 5, "{name} has a corpus");
            let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
            for text in &corpus {
                target(text);
                // Long files get fewer changes: they take more time and find no more errors.
                for _ in 0..CHANGES.min(200_000 / (text.len() as u64 + 1)) {
                    let other = &corpus[numbers.below(corpus.len())];
                    target(&numbers.changed(text, other));
                }
            }
        }
    }

    #[test]
    fn each_target_has_a_program_and_a_corpus_and_no_other_has() {
        let names: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
        let stems = |folder: &str| -> BTreeSet<String> {
            let files = files(&project().join(folder));
            files.iter().map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
        };
        assert_eq!(stems("fuzz/fuzz_targets"), names);
        assert_eq!(stems("fuzz/corpus"), names);
        let manifest = fs::read_to_string(project().join("fuzz/Cargo.toml")).unwrap();
        for name in names {
            let program = fs::read_to_string(project().join(format!("fuzz/fuzz_targets/{name}.rs"))).unwrap();
            assert!(program.contains(&format!("mlist::fuzz::{name}(data)")), "{name}");
            assert!(manifest.contains(&format!(r#"path = "fuzz_targets/{name}.rs""#)), "{name}");
        }
    }
}
