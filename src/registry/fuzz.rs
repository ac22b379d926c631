//! Fuzz targets for the parsers of registry answers and of the files of `docker login`. Compiled only under
//! `cfg(fuzzing)` and in tests.

use std::time::{Duration, SystemTime};

use reqwest::header::{HeaderMap, HeaderName, HeaderValue, LINK, RETRY_AFTER, WWW_AUTHENTICATE};

use crate::oci::Host;

use super::auth::challenge::Challenge;
use super::credentials::file::ConfigFile;
use super::http::link;
use super::transport::retry_after::retry_after;

/// Creates a header for each line of `data` that is a valid value.
fn headers(name: &HeaderName, data: &[u8]) -> HeaderMap {
    let lines = data.split(|byte| *byte == b'\n').filter_map(|line| HeaderValue::from_bytes(line).ok());
    lines.map(|line| (name.clone(), line)).collect()
}

/// Parses `WWW-Authenticate`: schemes and parameter names are lower case, and the result contains nothing that was not
/// sent.
pub(crate) fn www_authenticate(data: &[u8]) {
    let sent = String::from_utf8_lossy(data).to_lowercase();
    for challenge in Challenge::all(&headers(&WWW_AUTHENTICATE, data)) {
        assert!(sent.contains(&challenge.scheme.to_lowercase()), "{challenge:?}");
        for (name, value) in &challenge.parameters {
            assert!(sent.contains(&name.to_lowercase()) && name.to_ascii_lowercase() == *name, "{challenge:?}");
            assert!(value.len() <= sent.len(), "{challenge:?}");
        }
    }
}

/// Parses `Link`: the next page is a part of the header.
pub(crate) fn next_page(data: &[u8]) {
    let headers = headers(&LINK, data);
    if let Ok(Some(next)) = link::next(&headers) {
        let sent = headers.get_all(LINK).iter().filter_map(|line| line.to_str().ok());
        assert!(sent.into_iter().any(|line| line.contains(&format!("<{next}>"))), "{next}");
    }
}

/// Parses `Retry-After`, in the header and in a body: the wait is never zero.
pub(crate) fn later(data: &[u8]) {
    let now = SystemTime::UNIX_EPOCH + Duration::from_hours(24 * 365 * 30);
    let words = String::from_utf8_lossy(data);
    for (headers, words) in [(headers(&RETRY_AFTER, data), ""), (HeaderMap::new(), &*words)] {
        assert!(retry_after(&headers, words, now).is_none_or(|wait| !wait.is_zero()), "{words}");
    }
}

/// Parses a file of credentials: errors quote nothing of it, and `Debug` prints no secret.
pub(crate) fn config_json(data: &[u8]) {
    const SECRETS: [&str; 2] = ["s3cret", "Y2k6czNjcmV0"];
    let hides = |text: &str| assert!(!SECRETS.iter().any(|secret| text.contains(secret)), "{text}");
    for read in [ConfigFile::parse(data), ConfigFile::parse_old(data)] {
        let file = match read {
            Ok(file) => file,
            Err(why) => {
                hides(&why);
                continue;
            }
        };
        for name in ["docker.io", "ghcr.io", "a.io", "a.io:5000", "[::1]:5000"] {
            let Ok(host) = Host::parse(name) else { unreachable!("{name} is a host") };
            for path in ["", "a", "b/c", "b/c/d"] {
                let found = file.login(&host, path);
                assert!(!matches!(found, Ok(Some(_))) || file.may_know(&host), "{name}/{path}");
                hides(&format!("{found:?}"));
            }
        }
    }
}
