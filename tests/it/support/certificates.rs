//! [`Authority`]: issues certificates for servers and clients, for one test.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, date_time_ymd,
};

/// A certificate authority.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key as PEM.
#[derive(Debug, Clone)]
pub(crate) struct Pair {
    /// The certificate.
    pub(crate) certificate: String,
    /// The key.
    pub(crate) key: String,
}

/// When a certificate is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Valid {
    /// It is valid now.
    Now,
    /// It has expired.
    Once,
    /// It is not valid yet.
    Later,
}

impl Authority {
    /// Creates an authority with this name.
    pub(crate) fn new(name: &str) -> Self {
        let mut params = named(name, &[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, key()).expect("a certificate"))
    }

    /// The certificate of the authority as PEM, for those who trust it.
    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// Issues a server certificate for these names and addresses.
    pub(crate) fn server(&self, names: &[&str], valid: Valid) -> Pair {
        let mut params = named("server", names);
        match valid {
            Valid::Now => {}
            Valid::Once => {
                (params.not_before, params.not_after) = (date_time_ymd(2001, 1, 1), date_time_ymd(2002, 1, 1));
            }
            Valid::Later => {
                (params.not_before, params.not_after) = (date_time_ymd(2998, 1, 1), date_time_ymd(2999, 1, 1));
            }
        }
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.sign(&params)
    }

    /// Issues a client certificate with this name.
    pub(crate) fn client(&self, name: &str) -> Pair {
        let mut params = named(name, &[]);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(&params)
    }

    fn sign(&self, params: &CertificateParams) -> Pair {
        let key = key();
        let certificate = params.signed_by(&key, &self.0).expect("a certificate");
        Pair { certificate: certificate.pem(), key: key.serialize_pem() }
    }
}

/// Creates a self-signed server certificate. Like those of `openssl req -x509`, it is marked as an authority.
pub(crate) fn self_signed(name: &str) -> Pair {
    let (mut params, key) = (named(name, &[name]), key());
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    Pair { certificate: params.self_signed(&key).expect("a certificate").pem(), key: key.serialize_pem() }
}

fn named(name: &str, others: &[&str]) -> CertificateParams {
    let others = others.iter().map(|&other| other.to_owned()).collect::<Vec<_>>();
    let mut params = CertificateParams::new(others).expect("names and addresses");
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn key() -> KeyPair {
    KeyPair::generate().expect("a key")
}
