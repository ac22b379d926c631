//! [`credentials`]: the parts of a line that may be a user name or password. An excerpt does not show them.

use std::ops::Range;

/// Returns the byte ranges before the `@` of each host or reference in a line of TOML: `USER` and `USER:PASSWORD`. What
/// is before the `@` of a digest is not one of them.
pub(super) fn credentials(line: &str) -> Vec<Range<usize>> {
    if !line.contains('@') {
        return Vec::new();
    }
    let of_token = |token: Range<usize>| {
        let user = user(&line[token.clone()])?;
        Some(token.start + user.start..token.start + user.end)
    };
    tokens(line).into_iter().filter_map(of_token).collect()
}

/// Returns the strings of a line without their quotes, and the words that are not in a string.
fn tokens(line: &str) -> Vec<Range<usize>> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(first) = line[at..].chars().next() {
        let start = at + first.len_utf8();
        if first.is_whitespace() {
            at = start;
            continue;
        }
        let is_string = matches!(first, '"' | '\'');
        let mut escaped = false;
        let ends = |c: char| {
            let is_end = if is_string { c == first && !escaped } else { c.is_whitespace() || matches!(c, '"' | '\'') };
            escaped = first == '"' && c == '\\' && !escaped;
            is_end
        };
        let end = line[start..].find(ends).map_or(line.len(), |length| start + length);
        tokens.push(if is_string { start..end } else { at..end });
        at = if is_string { (end + 1).min(line.len()) } else { end };
    }
    tokens
}

/// Returns the range of the user name, and perhaps password, in a text that may be a reference, host or URL.
fn user(text: &str) -> Option<Range<usize>> {
    if text.starts_with("oci:") {
        return None;
    }
    let scheme = text.find("://").map_or(0, |at| at + 3);
    let is_user = |at: usize| {
        let (before, after) = (&text[scheme..at], &text[at + 1..]);
        let is_digest = !after.contains('/')
            && (before.contains('/')
                || after.starts_with('{')
                || ["sha256:", "sha512:"].iter().any(|it| after.starts_with(it)));
        !is_digest
    };
    let end = text[scheme..].rmatch_indices('@').map(|(at, _)| scheme + at).find(|at| is_user(*at))?;
    let before = &text[scheme..end];
    // In a sentence, only the word before the `@` can be a user name.
    let word = before.rfind(char::is_whitespace).filter(|_| !before.contains(':')).map_or(0, |at| at + 1);
    (scheme + word < end).then_some(scheme + word..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_found_and_digests_are_not() {
        for (line, found) in [
            (r#"[registry."https://bot:hunter2@ghcr.io"]"#, vec!["bot:hunter2"]),
            ("[registry.'bot:hunter2@ghcr.io']", vec!["bot:hunter2"]),
            (r#"source = "bot:hu/nt er2@ghcr.io/acme/app:v1""#, vec!["bot:hu/nt er2"]),
            (r#"source = "b:p@w@ghcr.io/app@sha256:00""#, vec!["b:p@w"]),
            (r#"source = "bot:hunt\"er2@{host}/app""#, vec![r#"bot:hunt\"er2"#]),
            (r#"tags = ["a:b@c.d", "e:f@g.h"]"#, vec!["a:b", "e:f"]),
            (r#"source = "bot:hunter2@ghcr.io/app"#, vec!["bot:hunter2"]),
            ("source = bot:hunter2@ghcr.io/app", vec!["bot:hunter2"]),
            (r#"authors = "Team at team@example.org""#, vec!["team"]),
            (r#"source = "ghcr.io/app@sha256:00""#, vec![]),
            (r#"source = "alpine@sha256:00""#, vec![]),
            (r#"source = "{base}@{digest}""#, vec![]),
            (r#"source = "ghcr.io/app@oops""#, vec![]),
            (r#"source = "oci:a@b/c:v1""#, vec![]),
            ("@", vec![]),
            ("ä\"@ä'", vec![]),
        ] {
            let shown: Vec<&str> = credentials(line).into_iter().map(|range| &line[range]).collect();
            assert_eq!(shown, found, "{line}");
        }
    }
}
