//! [`check`]: whether a registry may direct requests to another address.
//!
//! The registry chooses its redirects, the addresses of uploads and its token servers. A client that follows each of
//! them can be made to send requests to hosts that only its machine can reach: others in its network, or the metadata
//! server of its cloud. Host names are allowed over https, because a certificate binds them (registries store blobs
//! behind names that resolve to private networks). IP addresses in private networks are not allowed, unless the
//! registry itself is in a private network. Link-local addresses are refused even then.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use reqwest::Url;

use crate::registry::error::{ErrorKind, Failure};
use crate::registry::tls::is_loopback;

use super::wire::origin;

/// The kind of address that a registry directs requests to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DestinationKind {
    /// A redirect.
    Redirect,
    /// The `Location` of an upload.
    Upload,
    /// The `realm` of a challenge.
    Realm,
}

/// The kind of network that an address is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Zone {
    /// The public internet.
    World,
    /// This machine or its network. Servers there may trust every client that can reach them.
    Private,
    /// Link-local. Clouds serve the metadata of a machine there, including keys.
    Link,
}

impl fmt::Display for DestinationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Redirect => "redirected to",
            Self::Upload => "started an upload at",
            Self::Realm => "requires tokens from",
        })
    }
}

/// Checks whether the answer to a request to `from` may direct requests to `to`. `peer` is the IP address that the
/// registry answers from. `None` if there is a proxy in between.
///
/// # Errors
/// Returns how the registry directed requests there, to which address, and why that is refused.
pub(crate) fn check(lead: DestinationKind, from: &Url, peer: Option<IpAddr>, to: &Url) -> Result<(), Failure> {
    refusal(from, peer, to).map_or(Ok(()), |why| {
        Err(Failure::of(ErrorKind::NotARegistry(format!(
            "{lead} {}, which {why}; mlist does not send requests there",
            origin(to)
        ))))
    })
}

fn refusal(from: &Url, peer: Option<IpAddr>, to: &Url) -> Option<&'static str> {
    if is_downgrade(from, to) {
        return Some("is not https");
    }
    let (Some(home), Some(host)) = (from.host_str(), to.host_str()) else { return Some("has no host name") };
    if home == host {
        return None;
    }
    // All ports of this machine count as one host, whatever its name is.
    if to.scheme() != "https" && !(is_loopback(from) && is_loopback(to)) {
        return Some("is not https");
    }
    match zone_of_host(host) {
        None | Some(Zone::World) => None,
        Some(Zone::Link) => Some("is a link-local address"),
        Some(Zone::Private) if peer.is_some_and(|peer| zone_of(peer) != Zone::World) => None,
        Some(Zone::Private) => Some("is an address of a private network"),
    }
}

/// Whether requests to `to` would be less secure than those to `from`.
fn is_downgrade(from: &Url, to: &Url) -> bool {
    to.scheme() != "https" && (from.scheme() == "https" || to.scheme() != "http")
}

/// Returns the network of a URL's host, as far as its name says. `None` for an ordinary host name.
fn zone_of_host(host: &str) -> Option<Zone> {
    // The URL parser has already converted decimal, octal, hexadecimal and shortened addresses to the usual form.
    let address = host.trim_start_matches('[').trim_end_matches(']').parse().ok().map(zone_of);
    address.or_else(|| is_local_name(host).then_some(Zone::Private))
}

/// Whether a name means this machine: by RFC 6761, or in the hosts files of current systems.
fn is_local_name(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let last = name.rsplit('.').next().unwrap_or_default();
    matches!(last, "localhost" | "localdomain" | "ip6-localhost" | "ip6-loopback")
}

fn zone_of(address: IpAddr) -> Zone {
    match address {
        IpAddr::V4(address) => zone_of_v4(address),
        IpAddr::V6(address) => zone_of_v6(address),
    }
}

/// Follows the registry of special-purpose addresses (RFC 6890).
fn zone_of_v4(address: Ipv4Addr) -> Zone {
    let is_private = match address.octets() {
        [169, 254, ..] => return Zone::Link,
        // This network, private use, loopback; multicast, and reserved.
        [0 | 10 | 127 | 224.., ..] => true,
        // 172.16/12 and 192.168/16: private use. 192.0.0/24: protocol assignments. 100.64/10: shared by the customers
        // of a carrier. 198.18/15: benchmarks.
        [172, second, ..] => (16..32).contains(&second),
        [192, second, third, _] => second == 168 || (second, third) == (0, 0),
        [100, second, ..] => (64..128).contains(&second),
        [198, second, ..] => (18..20).contains(&second),
        _ => false,
    };
    if is_private { Zone::Private } else { Zone::World }
}

/// Like [`zone_of_v4`]. An address that contains an IPv4 address is in the same network as that one (RFC 4291, 6052,
/// 3056).
fn zone_of_v6(address: Ipv6Addr) -> Zone {
    let v4 = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        zone_of_v4(Ipv4Addr::new(a, b, c, d))
    };
    match address.segments() {
        [0xfe80..=0xfebf, ..] => Zone::Link,
        // IPv4-mapped; IPv4-compatible (this includes :: and ::1); translated (NAT64); 6to4.
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
            v4(high, low)
        }
        // Translated within a network, Teredo, unique local, site-local (deprecated), multicast.
        [0x64, 0xff9b, 1, ..] | [0x2001, 0, ..] | [0xfc00..=0xfdff | 0xfec0..=0xffff, ..] => Zone::Private,
        _ => Zone::World,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(from: &str, peer: Option<&str>, to: &str) -> Option<&'static str> {
        let url = |text: &str| Url::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        refusal(&url(from), peer.map(|peer| peer.parse().unwrap()), &url(to))
    }

    const PUBLIC: Option<&str> = Some("93.184.215.14");

    #[test]
    fn a_public_registry_leads_to_no_private_address_however_it_is_written() {
        for host in [
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.0.1",
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0177.0.0.1",
            "0.0.0.0",
            "0",
            "0.1.2.3",
            "100.64.0.1",
            "100.127.255.255",
            "192.0.0.192",
            "198.18.0.1",
            "198.19.255.255",
            "224.0.0.1",
            "255.255.255.255",
            "%31%30.0.0.1",
            "１０.0.0.1",
            "[::1]",
            "[::]",
            "[::ffff:10.0.0.1]",
            "[::ffff:7f00:1]",
            "[::10.0.0.1]",
            "[64:ff9b::10.0.0.1]",
            "[64:ff9b:1::a00:1]",
            "[2002:a00:1::]",
            "[2001:0:1::1]",
            "[fc00::1]",
            "[fd00:ec2::254]",
            "[fec0::1]",
            "[ff02::1]",
            "localhost",
            "LOCALHOST",
            "localhost.",
            "registry.localhost",
            "localhost.localdomain",
            "ip6-loopback",
        ] {
            let to = format!("https://{host}/x");
            let why = Some("is an address of a private network");
            assert_eq!(refused("https://registry.example/", PUBLIC, &to), why, "{host}");
            assert_eq!(refused("https://registry.example/", None, &to), why, "{host}, peer unknown");
            assert_eq!(refused("https://registry.example/", Some("10.0.0.9"), &to), None, "{host}, peer private");
        }
    }

    #[test]
    fn nobody_leads_to_the_link() {
        for host in [
            "169.254.169.254",
            "2852039166",
            "[fe80::1]",
            "[febf::1]",
            "[::ffff:169.254.169.254]",
            "[64:ff9b::a9fe:a9fe]",
        ] {
            let to = format!("https://{host}/latest/meta-data");
            for peer in [PUBLIC, Some("10.0.0.9"), Some("127.0.0.1"), None] {
                let why = refused("https://registry.example/", peer, &to);
                assert_eq!(why, Some("is a link-local address"), "{host}");
            }
        }
    }

    #[test]
    fn names_and_public_addresses_are_followed_over_https() {
        for host in [
            "blobs.example",
            "localhost.example",
            "notlocalhost",
            "metadata.google.internal",
            "10.0.0.1.nip.io",
            "8.8.8.8",
            "172.32.0.1",
            "100.128.0.1",
            "[2606:4700::1]",
            "[64:ff9b::808:808]",
            "[::ffff:8.8.8.8]",
        ] {
            for peer in [PUBLIC, None] {
                assert_eq!(refused("https://registry.example/", peer, &format!("https://{host}/x")), None, "{host}");
            }
        }
    }

    #[test]
    fn what_was_safe_stays_safe() {
        for (from, peer, to, why) in [
            ("https://a.example/", PUBLIC, "http://a.example/", Some("is not https")),
            ("https://a.example/", PUBLIC, "http://127.0.0.1/", Some("is not https")),
            ("https://a.example/", PUBLIC, "ftp://a.example/", Some("is not https")),
            ("http://a.example/", PUBLIC, "file:///etc/passwd", Some("is not https")),
            // Plain HTTP was requested for this host, and for no other.
            ("http://a.example/", PUBLIC, "http://a.example:9000/", None),
            ("http://a.example/", PUBLIC, "https://b.example/", None),
            ("http://a.example/", PUBLIC, "http://b.example/", Some("is not https")),
            ("http://a.example/", Some("10.0.0.1"), "http://10.0.0.1/", Some("is not https")),
            ("http://a.example/", Some("10.0.0.1"), "https://10.0.0.1/", None),
            // All names and ports of this machine count as one host.
            ("http://127.0.0.1:5000/", Some("127.0.0.1"), "http://127.0.0.1:5001/", None),
            ("http://127.0.0.1:5000/", Some("127.0.0.1"), "http://localhost:5001/", None),
            ("http://localhost:5000/", Some("::1"), "http://[::1]:5001/", None),
            ("http://localhost:5000/", Some("::1"), "http://10.0.0.1/", Some("is not https")),
            ("http://localhost:5000/", Some("::1"), "http://169.254.169.254/", Some("is not https")),
            // If the request itself uses such an address, the answer may use it again.
            ("https://10.0.0.1/", None, "https://10.0.0.1:8443/", None),
            ("https://169.254.1.1/", None, "https://169.254.1.1/v2/", None),
        ] {
            assert_eq!(refused(from, peer, to), why, "{from} {to}");
        }
    }

    #[test]
    fn a_refusal_says_where_to_and_keeps_secrets() {
        let (from, to) = ("https://a.example/", "https://user:geheim@10.0.0.1/up?sig=geheim");
        let (from, to) = (Url::parse(from).unwrap(), Url::parse(to).unwrap());
        let failure = check(DestinationKind::Upload, &from, None, &to).unwrap_err();
        let words = "started an upload at https://10.0.0.1, which is an address of a private network; mlist does not send \
                     requests there";
        assert_eq!(failure.kind.to_string(), words);
    }
}
