//! [`retry_after`]: how long a refusal asks to wait.

use std::time::{Duration, SystemTime};

use reqwest::header::{HeaderMap, RETRY_AFTER};

/// Returns how long the answer asks to wait: seconds or a date in the header, or else a hint in the body (`retry-after:
/// 12.5ms`, as GHCR sends it). `None` if it asks for no wait, or for a wait of zero.
pub(crate) fn retry_after(headers: &HeaderMap, body: &str, now: SystemTime) -> Option<Duration> {
    let header = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    header.and_then(|value| in_header(value.trim(), now)).or_else(|| in_body(body)).filter(|wait| !wait.is_zero())
}

fn in_header(value: &str, now: SystemTime) -> Option<Duration> {
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // A number that does not fit in a `u64` means a long wait, not none.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    httpdate::parse_http_date(value).ok().map(|date| date.duration_since(now).unwrap_or_default())
}

fn in_body(body: &str) -> Option<Duration> {
    let body = body.to_ascii_lowercase();
    let rest = body.split_once("retry-after:")?.1.trim_start();
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    let (number, unit) = rest.split_at(end);
    let seconds = if unit.starts_with("ms") { 0.001 } else { 1.0 };
    Duration::try_from_secs_f64(number.parse::<f64>().ok()? * seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_dates_and_hints_are_understood() {
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        for (header, body, wait) in [
            (Some("30"), "", Some(30_000)),
            (Some("Sun, 06 Nov 1994 08:49:47 GMT"), "", Some(10_000)),
            (Some("Sun, 06 Nov 1994 08:49:07 GMT"), "", None),
            (Some("0"), "", None),
            (Some("soon"), "", None),
            (Some("-1"), "", None),
            (Some(""), "", None),
            (Some(" 7 "), "", Some(7000)),
            (Some("18446744073709551616"), "", Some(u128::from(u64::MAX) * 1000)),
            (Some("Fri, 31 Dec 9999 23:59:59 GMT"), "", Some(252_618_189_022_000)),
            (None, "toomanyrequests: retry-after: 12.5ms, allowed: 2000/minute", Some(12)),
            (None, "Retry-After: 3s", Some(3000)),
            (None, "Too Many Requests (HAP429).", None),
            (None, "retry-after: 99999999999999999999999999", None),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(header) = header {
                headers.insert(RETRY_AFTER, header.parse().unwrap());
            }
            let got = retry_after(&headers, body, now).map(|wait| wait.as_millis());
            assert_eq!(got, wait, "{header:?} {body}");
        }
    }
}
