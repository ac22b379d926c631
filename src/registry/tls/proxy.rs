//! [`between`]: the proxy between mlist and a host.
//!
//! reqwest reads the proxies from the environment and uses them. This module applies the same rules, because an error
//! must name the proxy: otherwise its reader looks for the cause in the wrong place. Also, the address of a proxy must
//! not be mistaken for the address of the host.

use std::sync::LazyLock;

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::Url;

use crate::registry::error::Proxy;
use crate::registry::sanitize::one_line;

use super::is_loopback;

static SYSTEM: LazyLock<Matcher> = LazyLock::new(Matcher::from_system);

/// Returns the proxy that requests to `url` use, if there is one. Its user name and password are left out.
pub(crate) fn between(url: &Url) -> Option<Proxy> {
    if is_loopback(url) {
        return None;
    }
    let address = address(&SYSTEM, url)?;
    let set = |name: &&'static str| std::env::var(name).is_ok_and(|value| !value.is_empty());
    Some(Proxy { variable: variables(url).into_iter().find(set), address })
}

/// Returns the variables that may define the proxy, in order of precedence.
fn variables(url: &Url) -> [&'static str; 4] {
    if url.scheme() == "https" {
        ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]
    } else {
        ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"]
    }
}

fn address(rules: &Matcher, url: &Url) -> Option<String> {
    let proxy = rules.intercept(&url.as_str().parse().ok()?)?;
    let host = one_line(proxy.uri().host()?);
    Some(proxy.uri().port_u16().map_or_else(|| host.clone(), |port| format!("{host}:{port}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_told_without_its_password() {
        let rules = Matcher::builder()
            .https("http://ci:geheim@proxy.corp:3128")
            .http("proxy.corp")
            .no("corp, .internal, 10.0.0.0/8")
            .build();
        for (url, proxy) in [
            ("https://quay.io/v2/", Some("proxy.corp:3128")),
            ("http://registry.example:5000/v2/", Some("proxy.corp")),
            ("https://registry.corp:5000/v2/", None),
            ("https://a.internal/", None),
            ("https://10.1.2.3/", None),
        ] {
            assert_eq!(address(&rules, &Url::parse(url).unwrap()).as_deref(), proxy, "{url}");
        }
    }
}
