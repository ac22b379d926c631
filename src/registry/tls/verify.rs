//! [`Verifier`]: whether a server's certificate is believed; [`ClientKeys`]: which of our own it is shown.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, VerifierBuilderError, WebPkiServerVerifier, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme};

use crate::registry::error::TlsFault;

use super::files::Authorities;
use super::names::{issuer, raw_issuer};

/// Believes what roots vouch for, or anything.
#[derive(Debug)]
pub(super) struct Verifier {
    /// None: any certificate will do.
    roots: Option<Arc<WebPkiServerVerifier>>,
    /// Certificates that were named for this host; they may be its own.
    named: Authorities,
    schemes: Vec<SignatureScheme>,
}

/// A chain that ends at nobody who is known here.
#[derive(Debug)]
pub(crate) struct Untrusted {
    /// Who signed its last certificate; none where it has no name.
    pub(crate) issuer: Option<String>,
    /// Whether it is one certificate that vouches for itself.
    pub(crate) is_self_signed: bool,
    /// Where its authority was looked for in vain, but for the system's.
    pub(crate) trusted: Vec<String>,
}

impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unknown issuer")
    }
}

impl std::error::Error for Untrusted {}

impl Verifier {
    /// One that believes what `roots` and `authorities` vouch for.
    pub(super) fn trusting(
        mut roots: RootCertStore,
        authorities: Authorities,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, VerifierBuilderError> {
        roots.add_parsable_certificates(authorities.certificates.iter().cloned());
        let roots = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider)).build()?;
        Ok(Self { schemes: roots.supported_verify_schemes(), roots: Some(roots), named: authorities })
    }

    /// One that believes anything.
    pub(super) fn credulous(provider: &CryptoProvider) -> Self {
        let schemes = provider.signature_verification_algorithms.supported_schemes();
        Self { roots: None, named: Authorities::default(), schemes }
    }

    fn untrusted(&self, end_entity: &CertificateDer<'_>, intermediates: &[CertificateDer<'_>]) -> CertificateError {
        let last = issuer(intermediates.last().unwrap_or(end_entity));
        let is_self_signed = intermediates.is_empty() && last.as_ref().is_some_and(|issuer| issuer.is_itself);
        let (issuer, trusted) = (last.and_then(|issuer| issuer.name), self.named.places.clone());
        CertificateError::Other(OtherError(Arc::new(Untrusted { issuer, is_self_signed, trusted })))
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(roots) = &self.roots else { return Ok(ServerCertVerified::assertion()) };
        let verified = roots.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match verified {
            // A server that shows an authority's certificate as its own, as `openssl req -x509` makes them and Docker's
            // docs tell to put into certs.d: good where it is the very one that was named, for that name. Its dates
            // have been looked at before.
            Err(Error::InvalidCertificate(CertificateError::Other(_)))
                if self.named.certificates.contains(end_entity) =>
            {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            Err(Error::InvalidCertificate(CertificateError::UnknownIssuer)) => {
                Err(self.untrusted(end_entity, intermediates).into())
            }
            // The same for one that was not named.
            Err(Error::InvalidCertificate(CertificateError::Other(_)))
                if issuer(end_entity).is_some_and(|issuer| issuer.is_itself) =>
            {
                Err(self.untrusted(end_entity, intermediates).into())
            }
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let unseen = || Ok(HandshakeSignatureValid::assertion());
        self.roots.as_ref().map_or_else(unseen, |roots| roots.verify_tls12_signature(message, cert, dss))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let unseen = || Ok(HandshakeSignatureValid::assertion());
        self.roots.as_ref().map_or_else(unseen, |roots| roots.verify_tls13_signature(message, cert, dss))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes.clone()
    }
}

/// Our certificates for one host, and whether it asked for one.
#[derive(Debug)]
pub(super) struct ClientKeys {
    keys: Vec<Arc<CertifiedKey>>,
    was_asked: AtomicBool,
}

impl ClientKeys {
    pub(super) fn new(keys: Vec<CertifiedKey>) -> Self {
        Self { keys: keys.into_iter().map(Arc::new).collect(), was_asked: AtomicBool::new(false) }
    }

    /// Why a host that never answers may not want to, if it asked for a certificate.
    pub(super) fn suspicion(&self) -> Option<TlsFault> {
        let refused = || TlsFault::RefusesCertificate("closed without a word, after it asked who we are".into());
        let fault = if self.keys.is_empty() { TlsFault::WantsCertificate } else { refused() };
        self.was_asked.load(Ordering::Relaxed).then_some(fault)
    }
}

impl ResolvesClientCert for ClientKeys {
    /// The first of an authority that the server trusts; the first of all where it does not say, or trusts none.
    fn resolve(&self, authorities: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.was_asked.store(true, Ordering::Relaxed);
        let usable = || self.keys.iter().filter(|key| key.key.choose_scheme(schemes).is_some());
        let is_wanted = |key: &&Arc<CertifiedKey>| {
            key.cert.iter().filter_map(|cert| raw_issuer(cert)).any(|issuer| authorities.contains(&issuer))
        };
        usable().find(is_wanted).or_else(|| usable().next()).cloned()
    }

    fn has_certs(&self) -> bool {
        !self.keys.is_empty()
    }
}
