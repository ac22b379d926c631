//! [`issuer`]: the issuer named in a certificate. Only the names in a certificate are parsed (RFC 5280, 4.1).

use crate::registry::sanitize::one_line;

/// The issuer of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Issuer {
    /// Its common name, or else its organisation. `None` if it has neither.
    pub(super) name: Option<String>,
    /// Whether the issuer has the same name as the subject of the certificate.
    pub(super) is_itself: bool,
}

const COMMON_NAME: [u8; 3] = [0x55, 4, 3];
const ORGANISATION: [u8; 3] = [0x55, 4, 10];
const SEQUENCE: u8 = 0x30;

/// Returns the issuer of `certificate` (DER), safe to display. `None` if the certificate cannot be parsed.
pub(super) fn issuer(certificate: &[u8]) -> Option<Issuer> {
    let (issuer, subject) = raw_names(certificate)?;
    let name = attribute(issuer, COMMON_NAME).or_else(|| attribute(issuer, ORGANISATION));
    let name = name.map(|name| one_line(&name)).filter(|name| !name.is_empty());
    Some(Issuer { name, is_itself: issuer == subject })
}

/// Returns the issuer of `certificate` in DER with its tag and length. Servers list the authorities that they trust in
/// this form.
pub(super) fn raw_issuer(certificate: &[u8]) -> Option<&[u8]> {
    let mut fields = to_issuer(certificate)?;
    let before = fields;
    element(&mut fields)?;
    before.get(..before.len() - fields.len())
}

fn raw_names(certificate: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut fields = to_issuer(certificate)?;
    let issuer = expect(&mut fields, SEQUENCE)?;
    let _validity = element(&mut fields)?;
    Some((issuer, expect(&mut fields, SEQUENCE)?))
}

/// Returns the fields of a certificate, starting with its issuer.
fn to_issuer(mut certificate: &[u8]) -> Option<&[u8]> {
    let mut certificate = expect(&mut certificate, SEQUENCE)?;
    let mut fields = expect(&mut certificate, SEQUENCE)?;
    // The version field is optional.
    let (tag, _) = element(&mut fields)?;
    if tag == 0xa0 {
        element(&mut fields)?;
    }
    let _algorithm = element(&mut fields)?;
    Some(fields)
}

/// Returns the value of an attribute in a name, which is a sequence of sets of pairs.
fn attribute(mut name: &[u8], wanted: [u8; 3]) -> Option<String> {
    while !name.is_empty() {
        let (_, mut set) = element(&mut name)?;
        while !set.is_empty() {
            let mut pair = expect(&mut set, SEQUENCE)?;
            let (_, kind) = element(&mut pair)?;
            let (tag, value) = element(&mut pair)?;
            if kind == wanted {
                return Some(text(tag, value));
            }
        }
    }
    None
}

/// Decodes a string. A BMPString has two bytes per character. All other types are close enough to UTF-8.
fn text(tag: u8, value: &[u8]) -> String {
    if tag == 0x1e {
        let units: Vec<u16> = value.as_chunks().0.iter().map(|pair| u16::from_be_bytes(*pair)).collect();
        return String::from_utf16_lossy(&units);
    }
    String::from_utf8_lossy(value).into_owned()
}

fn expect<'a>(input: &mut &'a [u8], tag: u8) -> Option<&'a [u8]> {
    element(input).filter(|(found, _)| *found == tag).map(|(_, value)| value)
}

/// Takes one DER element from the input: its tag and its content.
fn element<'a>(input: &mut &'a [u8]) -> Option<(u8, &'a [u8])> {
    let (tag, rest) = input.split_first()?;
    let (first, mut rest) = rest.split_first()?;
    let length = if *first < 0x80 {
        usize::from(*first)
    } else {
        let (bytes, behind) = rest.split_at_checked(usize::from(first & 0x7f))?;
        rest = behind;
        bytes.iter().try_fold(0_usize, |length, byte| length.checked_mul(256)?.checked_add(usize::from(*byte)))?
    };
    let (value, rest) = rest.split_at_checked(length)?;
    *input = rest;
    Some((*tag, value))
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer as Authority, KeyPair};

    use super::*;

    #[test]
    fn who_signed_is_named_by_its_common_name_else_by_its_organisation() {
        for (kind, value, name) in [
            (DnType::CommonName, "Corp Root CA", Some("Corp Root CA")),
            (DnType::OrganizationName, "Acme\u{202e} \x1b[31mGmbH", Some("Acme [31mGmbH")),
            (DnType::CountryName, "DE", None),
        ] {
            let (mut params, key) = (CertificateParams::default(), KeyPair::generate().unwrap());
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.distinguished_name = rcgen::DistinguishedName::new();
            params.distinguished_name.push(kind, value);
            let root = params.self_signed(&key).unwrap();
            let found = issuer(root.der()).unwrap();
            assert_eq!((found.name.as_deref(), found.is_itself), (name, true));
            let authority = Authority::new(params, key);
            let (mut leaf, key) =
                (CertificateParams::new(["a.example".to_owned()]).unwrap(), KeyPair::generate().unwrap());
            leaf.distinguished_name.push(DnType::CommonName, "a.example");
            let leaf = leaf.signed_by(&key, &authority).unwrap();
            let found = issuer(leaf.der()).unwrap();
            assert_eq!((found.name.as_deref(), found.is_itself), (name, false));
            assert_eq!(raw_issuer(leaf.der()), raw_issuer(root.der()));
        }
    }

    #[test]
    fn what_is_no_certificate_has_no_issuer() {
        let (params, key) = (CertificateParams::default(), KeyPair::generate().unwrap());
        let whole = params.self_signed(&key).unwrap();
        for end in 0..whole.der().len() {
            assert_eq!(issuer(&whole.der()[..end]), None, "cut after {end} bytes");
        }
        for bytes in [&b"\x30\x84\xff\xff\xff\xff"[..], b"\x30\x89\xff\xff\xff\xff\xff\xff\xff\xff\xff", b"\x30\x80"] {
            assert_eq!(issuer(bytes), None);
        }
    }

    #[test]
    fn a_name_in_two_byte_characters_is_read() {
        assert_eq!(text(0x1e, b"\0C\0A\x20\xac"), "CA€");
    }
}
