//! [`nearest()`]: the known name that is most similar to a misspelled one.

/// The maximum length of a name in characters. A longer name is similar to no other name.
const LONGEST: usize = 300;

/// Returns the name in `known` that is most similar to `word`, or the first of several equally similar ones. `None` if
/// no name is similar enough: a wrong suggestion is worse than no suggestion.
///
/// ```
/// # use mlist::naming::nearest;
/// assert_eq!(nearest("versoin", ["name", "version"]), Some("version"));
/// assert_eq!(nearest("colour", ["name", "version"]), None);
/// ```
#[must_use]
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let length = word.chars().count();
    known
        .into_iter()
        .filter_map(|name| {
            // One typo is allowed for each three characters: `tag` is similar to `tags`, `os` is not similar to `or`.
            let other = name.chars().count();
            let (longest, fewest) = (length.max(other), length.abs_diff(other));
            // A long text is not a misspelled name, and the cost of a comparison is the product of the two lengths.
            if longest > LONGEST || fewest * 3 > longest {
                return None;
            }
            let distance = strsim::osa_distance(&word, &name.to_lowercase());
            (distance * 3 <= longest).then_some((distance, name))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: [&str; 8] =
        ["platforms", "arch-style", "source", "target", "tags", "member-tags", "version", "artifact-type"];

    #[test]
    fn strangers_are_near_nothing() {
        for word in ["", "x", "colour", "os", "retries", "manifests", "a-very-long-word-that-nobody-knows"] {
            assert_eq!(nearest(word, KEYS), None, "{word}");
        }
        assert_eq!(nearest("version", []), None);
    }

    #[test]
    fn a_long_text_costs_nothing() {
        let (long, longer) = ("a".repeat(1_000_000), "a".repeat(1_000_001));
        assert_eq!(nearest(&long, ["a", &longer]), None);
        assert_eq!(nearest(&long[..300], [&long[..299]]), Some(&long[..299]));
    }

    #[test]
    fn slips_are_near_what_was_meant() {
        for (word, meant) in [
            ("platfroms", "platforms"),
            ("platform", "platforms"),
            ("versoin", "version"),
            ("Version", "version"),
            ("arch_style", "arch-style"),
            ("archstyle", "arch-style"),
            ("tag", "tags"),
            ("soruce", "source"),
        ] {
            assert_eq!(nearest(word, KEYS), Some(meant), "{word}");
        }
    }

    #[test]
    fn the_first_of_equally_near_names_is_taken() {
        assert_eq!(nearest("abcx", ["abcd", "abce"]), Some("abcd"));
    }
}
