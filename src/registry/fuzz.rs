//! What registries and the files of `docker login` say, for the fuzz targets. Under `cfg(fuzzing)` and in tests only.

use std::time::{Duration, SystemTime};

use reqwest::header::{HeaderMap, HeaderName, HeaderValue, LINK, RETRY_AFTER, WWW_AUTHENTICATE};

use crate::oci::Host;

use super::auth::challenge::Challenge;
use super::credentials::file::ConfigFile;
use super::http::link;
use super::transport::retry_after::retry_after;

/// A header of each line that can be one.
fn headers(name: &HeaderName, data: &[u8]) -> HeaderMap {
    let lines = data.split(|byte| *byte == b'\n').filter_map(|line| HeaderValue::from_bytes(line).ok());
    lines.map(|line| (name.clone(), line)).collect()
}

/// `WWW-Authenticate`: schemes and names are in lower case, and nothing is read that was not sent.
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

/// `Link`: the next page is a part of the header.
pub(crate) fn next_page(data: &[u8]) {
    let headers = headers(&LINK, data);
    if let Some(next) = link::next(&headers) {
        let sent = headers.get_all(LINK).iter().filter_map(|line| line.to_str().ok());
        assert!(sent.into_iter().any(|line| line.contains(&format!("<{next}>"))), "{next}");
    }
}

/// `Retry-After`, in the header and in words: never no time, and a date is no longer than it is away.
pub(crate) fn later(data: &[u8]) {
    let now = SystemTime::UNIX_EPOCH + Duration::from_hours(24 * 365 * 30);
    let words = String::from_utf8_lossy(data);
    for (headers, words) in [(headers(&RETRY_AFTER, data), ""), (HeaderMap::new(), &*words)] {
        assert!(retry_after(&headers, words, now).is_none_or(|wait| !wait.is_zero()), "{words}");
    }
}

/// A file of credentials: what is said of a malformed one quotes nothing of it, and Debug shows no secret.
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
