//! [`next`], [`beside`]: the URL of the next page (`Link`, RFC 8288; distribution-spec "Listing Tags").

use reqwest::Url;
use reqwest::header::{HeaderMap, LINK};

/// Returns the target of the first link with the relation `next`. It may be relative.
///
/// There may be several links in one header and several headers. Other parameters may come before and after `rel`.
pub(in crate::registry) fn next(headers: &HeaderMap) -> Option<&str> {
    let values = headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(links).find(|(_, parameters)| is_next(parameters)).map(|(target, _)| target)
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

/// Returns targets and parameters. Malformed text ends the header.
fn links(header: &str) -> Vec<(&str, &str)> {
    let mut links = Vec::new();
    let mut rest = header;
    while let Some((target, behind)) = rest.trim_start_matches([' ', '\t', ',']).strip_prefix('<').and_then(target) {
        let end = outside_quotes(behind, ',').next().unwrap_or(behind.len());
        links.push((target, &behind[..end]));
        rest = &behind[end..];
    }
    links
}

fn target(text: &str) -> Option<(&str, &str)> {
    text.split_once('>')
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
    use super::*;

    #[test]
    fn the_next_page_is_found_among_other_links() {
        let table: [(&[&str], Option<&str>); 14] = [
            (&[r#"</v2/a/tags/list?n=2&last=b>; rel="next""#], Some("/v2/a/tags/list?n=2&last=b")),
            (&["<https://r.example/x>; rel=next"], Some("https://r.example/x")),
            (&[r#"<x>;title="a, b; rel=prev \" c";REL="prev Next""#], Some("x")),
            (&[r#"<a>; rel="prev", <b>; rel="next""#], Some("b")),
            (&[r#"<a>; rel="prev""#, "<b>;rel=next;n=1"], Some("b")),
            (&[r#"<a,b>; rel="next""#], Some("a,b")),
            (&[r#"<a>; rel="prev""#], None),
            (&["<a>"], None),
            (&["<a>; rel"], None),
            (&["a; rel=next"], None),
            (&["<a; rel=next"], None),
            (&[r#"<a>; title="; rel=next"#], None),
            (&["", ",,,"], None),
            (&[], None),
        ];
        for (values, expected) in table {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(LINK, value.parse().unwrap());
            }
            assert_eq!(next(&headers), expected, "{values:?}");
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
            for (target, parameters) in links(&text) {
                is_next(parameters);
                assert!(text.contains(target));
            }
        }
    }
}
