//! [`Authority`]: certificates for servers and clients, made for one test.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, date_time_ymd,
};

/// Vouches for others.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key: PEM.
#[derive(Debug, Clone)]
pub(crate) struct Pair {
    /// The certificate.
    pub(crate) certificate: String,
    /// The key.
    pub(crate) key: String,
}

/// When a certificate is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Valid {
    /// Now.
    Now,
    /// Not any more.
    Once,
    /// Not yet.
    Later,
}

impl Authority {
    /// One of this name.
    pub(crate) fn new(name: &str) -> Self {
        let mut params = named(name, &[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, key()).expect("a certificate"))
    }

    /// What those trust who trust it: PEM.
    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A server's, for these names and addresses.
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

    /// A client's, of this name.
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

/// A server's certificate that vouches for itself, made as `openssl req -x509` makes them: an authority's.
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
