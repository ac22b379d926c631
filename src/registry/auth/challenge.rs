//! [`Challenge`]: a challenge in `WWW-Authenticate` (RFC 9110 11.6.1).

use std::collections::BTreeMap;

use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};

/// One scheme and its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Challenge {
    /// In lower case, for example `bearer`.
    pub(crate) scheme: String,
    /// The names are in lower case.
    pub(crate) parameters: BTreeMap<String, String>,
}

impl Challenge {
    /// Returns all challenges of an answer. It may have several headers, and a header may have several challenges.
    pub(crate) fn all(headers: &HeaderMap) -> Vec<Self> {
        // A realm may contain non-ASCII characters. They must not prevent the rest of the header from being read.
        let lines = headers.get_all(WWW_AUTHENTICATE).iter().map(|line| String::from_utf8_lossy(line.as_bytes()));
        lines.flat_map(|line| read_line(&line)).collect()
    }
}

/// Whether the registry gives `why` as the reason for refusing the token (RFC 6750 3.1): `insufficient_scope` if the
/// token is valid but lacks the right, `invalid_token` if it has expired or was never valid.
pub(super) fn bearer_error_is(headers: &HeaderMap, why: &str) -> bool {
    let says_so = |challenge: &Challenge| {
        challenge.scheme == "bearer" && challenge.parameters.get("error").is_some_and(|error| error == why)
    };
    Challenge::all(headers).iter().any(says_so)
}

fn read_line(line: &str) -> Vec<Challenge> {
    let mut found: Vec<Challenge> = Vec::new();
    let mut rest = Scanner(line);
    while let Some(word) = rest.word() {
        // `name = value` is a parameter of the challenge before it. A word without `=` begins the next challenge.
        // Base64 in the old form (`Negotiate abc==`) has nothing after its `=` and is skipped.
        if rest.skip_equals() {
            let value = rest.value();
            if let (Some(challenge), Some(value)) = (found.last_mut(), value) {
                challenge.parameters.entry(word.to_ascii_lowercase()).or_insert(value);
            }
        } else {
            found.push(Challenge { scheme: word.to_ascii_lowercase(), parameters: BTreeMap::new() });
        }
    }
    found
}

/// The part of a header that is not parsed yet.
struct Scanner<'a>(&'a str);

impl Scanner<'_> {
    /// Skips separators and returns the next word.
    fn word(&mut self) -> Option<String> {
        self.0 = self.0.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, ',' | '=' | '"' | ';'));
        let end = self.0.find(|c: char| c.is_whitespace() || matches!(c, ',' | '=' | '"')).unwrap_or(self.0.len());
        let (word, rest) = self.0.split_at(end);
        self.0 = rest;
        Some(word.to_owned()).filter(|word| !word.is_empty())
    }

    /// Skips `=` and the space around it. Returns whether there was a `=`.
    fn skip_equals(&mut self) -> bool {
        let Some(rest) = self.0.trim_start().strip_prefix('=') else { return false };
        self.0 = rest.trim_start();
        true
    }

    /// Returns a quoted string with its escapes resolved, or an unquoted value.
    fn value(&mut self) -> Option<String> {
        let Some(quoted) = self.0.strip_prefix('"') else {
            let end = self.0.find([',', ' ', '\t']).unwrap_or(self.0.len());
            let (value, rest) = self.0.split_at(end);
            self.0 = rest;
            return Some(value.to_owned()).filter(|value| !value.is_empty());
        };
        let mut value = String::new();
        let mut chars = quoted.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.0 = &quoted[at + 1..];
                    return Some(value);
                }
                '\\' => value.extend(chars.next().map(|(_, escaped)| escaped)),
                c => value.push(c),
            }
        }
        // The quote is never closed, so the rest cannot be trusted.
        self.0 = "";
        None
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    /// `scheme key=value key=value | scheme …`
    fn shown(lines: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(WWW_AUTHENTICATE, HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        let one = |challenge: Challenge| {
            let parameters = challenge.parameters.iter().map(|(name, value)| format!(" {name}={value}"));
            challenge.scheme + &parameters.collect::<String>()
        };
        Challenge::all(&headers).into_iter().map(one).collect::<Vec<_>>().join(" | ")
    }

    #[test]
    fn every_form_of_a_challenge_is_read() {
        let table: &[(&[&str], &str)] = &[
            (&[], ""),
            (&[r#"Basic realm="Registry Realm""#], "basic realm=Registry Realm"),
            (&["Basic"], "basic"),
            (
                &[
                    r#"Bearer realm="https://a.example/token",service="a b",scope="repository:x:pull,push repository:y:pull""#,
                ],
                "bearer realm=https://a.example/token scope=repository:x:pull,push repository:y:pull service=a b",
            ),
            (
                &[r#"Negotiate, Basic realm="x\"y\\z", bearer REALM = "r" , service=s"#],
                r#"negotiate | basic realm=x"y\z | bearer realm=r service=s"#,
            ),
            (&[r#"Basic realm="a""#, r#"Bearer realm="b""#], "basic realm=a | bearer realm=b"),
            (&["Bearer realm=https://a.example/token,service=s"], "bearer realm=https://a.example/token service=s"),
            (&[r#"Bearer realm="a"service="b""#], "bearer realm=a service=b"),
            (
                &[r#"Negotiate YII=, Digest realm="d", nonce="n", Basic realm="b""#],
                "negotiate | digest nonce=n realm=d | basic realm=b",
            ),
            (&[r#"Basic realm="Größe", Bearer realm="b""#], "basic realm=Größe | bearer realm=b"),
            (
                &[r#"Bearer error="invalid_token""#, r#"Bearer realm="b""#],
                "bearer error=invalid_token | bearer realm=b",
            ),
            (&[r#"Bearer realm="never closed, service="#], "bearer"),
            (&[r#"realm="of nobody""#, ",, ,"], ""),
        ];
        for (lines, challenges) in table {
            assert_eq!(shown(lines), *challenges, "{lines:?}");
        }
    }
}
