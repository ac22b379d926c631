//! [`next`], [`beside`]: the URL of the next page (`Link`, RFC 8288; distribution-spec "Listing Tags").

use reqwest::Url;
use reqwest::header::{HeaderMap, LINK};

/// A `Link` header that does not follow RFC 8288. Whether there is a next page is not known then.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::registry) struct MalformedLink;

/// Returns the target of the first link with the relation `next`. It may be relative.
///
/// There may be several links in one header and several headers. Other parameters may come before and after `rel`.
pub(in crate::registry) fn next(headers: &HeaderMap) -> Result<Option<&str>, MalformedLink> {
    for value in headers.get_all(LINK) {
        for link in links(value.to_str().map_err(|_| MalformedLink)?) {
            let (target, parameters) = link?;
            if is_next(parameters) {
                return Ok(Some(target));
            }
        }
    }
    Ok(None)
}

/// Returns the URL of the next page, with the scheme and port that are in use, because registries behind a proxy often
/// do not know their own. `None` if the next page is on another host.
pub(super) fn beside(current: &Url, next: &str) -> Option<Url> {
    let next = current.join(next).ok()?;
    let is_here = next.host_str() == current.host_str() && matches!(next.scheme(), "http" | "https");
    is_here.then(|| {
        let mut url = current.clone();
        url.set_path(next.path());
        url.set_query(next.query());
        url
    })
}

/// Returns targets and parameters. Malformed text is an error, and ends the header.
fn links(header: &str) -> impl Iterator<Item = Result<(&str, &str), MalformedLink>> {
    let mut rest = header;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if rest.is_empty() {
            return None;
        }
        let link = rest.strip_prefix('<').and_then(|rest| rest.split_once('>'));
        let Some((target, behind)) = link else {
            rest = "";
            return Some(Err(MalformedLink));
        };
        let end = outside_quotes(behind, ',').next().unwrap_or(behind.len());
        rest = &behind[end..];
        Some(Ok((target, &behind[..end])))
    })
}

fn is_next(parameters: &str) -> bool {
    let mut start = 0;
    let ends = outside_quotes(parameters, ';').chain([parameters.len()]);
    let mut parts = ends.map(|end| parameters[std::mem::replace(&mut start, end + 1).min(end)..end].split_once('='));
    let rel = parts.find_map(|part| part.filter(|(name, _)| name.trim().eq_ignore_ascii_case("rel")));
    rel.is_some_and(|(_, value)| {
        value.trim().trim_matches('"').split_ascii_whitespace().any(|relation| relation.eq_ignore_ascii_case("next"))
    })
}

/// Returns the positions of `sign` outside quoted strings.
fn outside_quotes(text: &str, sign: char) -> impl Iterator<Item = usize> {
    let (mut quoted, mut escaped) = (false, false);
    text.char_indices().filter_map(move |(at, c)| {
        let was_escaped = escaped;
        escaped = quoted && c == '\\' && !was_escaped;
        quoted ^= c == '"' && !was_escaped;
        (!quoted && c == sign).then_some(at)
    })
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    #[test]
    fn the_next_page_is_found_among_other_links() {
        let table: [(&[&str], Option<&str>); 12] = [
            (&[r#"</v2/a/tags/list?n=2&last=b>; rel="next""#], Some("/v2/a/tags/list?n=2&last=b")),
            (&["<https://r.example/x>; rel=next"], Some("https://r.example/x")),
            (&[r#"<x>;title="a, b; rel=prev \" c";REL="prev Next""#], Some("x")),
            (&[r#"<a>; rel="prev", <b>; rel="next""#], Some("b")),
            (&[r#"<a>; rel="prev""#, "<b>;rel=next;n=1"], Some("b")),
            (&[r#"<a,b>; rel="next""#], Some("a,b")),
            (&[r#"<a>; rel="prev""#], None),
            (&["<a>"], None),
            (&["<a>; rel"], None),
            (&[r#"<a>; title="; rel=next"#], None),
            (&["", ",,,"], None),
            (&[], None),
        ];
        for (values, expected) in table {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(LINK, value.parse().unwrap());
            }
            assert_eq!(next(&headers), Ok(expected), "{values:?}");
        }
    }

    #[test]
    fn a_malformed_link_is_not_the_end_of_the_pages() {
        for value in
            [&b"a; rel=next"[..], b"<a; rel=next", br#"<a>; rel="prev", /v2/b; rel="next""#, b"</v2/\xe9>; rel=next"]
        {
            let mut headers = HeaderMap::new();
            headers.append(LINK, HeaderValue::from_bytes(value).unwrap());
            assert_eq!(next(&headers), Err(MalformedLink), "{}", value.escape_ascii());
        }
    }

    #[test]
    fn no_header_makes_it_fail() {
        let signs = ["<", ">", ";", ",", "\"", "\\", "rel=", "next", " ", "é"];
        let mut seed = 7_usize;
        for _ in 0..20_000 {
            let mut text = String::new();
            for _ in 0..seed % 12 {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                text.push_str(signs[(seed >> 33) % signs.len()]);
            }
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407) >> 1;
            for (target, parameters) in links(&text).flatten() {
                is_next(parameters);
                assert!(text.contains(target));
            }
        }
    }
}
