//! [`CertificateVerifier`]: whether a server's certificate is trusted; [`ClientKeys`]: which client certificate a
//! server receives.

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

/// Verifies server certificates, or accepts any.
#[derive(Debug)]
pub(super) struct CertificateVerifier {
    /// The trusted roots. `None` if any certificate is accepted.
    roots: Option<Arc<WebPkiServerVerifier>>,
    /// Certificates that are trusted for this host. The server's own certificate may be one of them.
    named: Authorities,
    schemes: Vec<SignatureScheme>,
}

/// The error for a chain that ends at an unknown issuer.
#[derive(Debug)]
pub(crate) struct Untrusted {
    /// The issuer of the last certificate in the chain. `None` if it has no name.
    pub(crate) issuer: Option<String>,
    /// Whether the chain is a single self-signed certificate.
    pub(crate) is_self_signed: bool,
    /// The places that were searched for the issuer, apart from the system's roots.
    pub(crate) trusted: Vec<String>,
}

impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unknown issuer")
    }
}

impl std::error::Error for Untrusted {}

impl CertificateVerifier {
    /// Creates a verifier that trusts `roots` and `authorities`.
    pub(super) fn trusting(
        mut roots: RootCertStore,
        authorities: Authorities,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, VerifierBuilderError> {
        roots.add_parsable_certificates(authorities.certificates.iter().cloned());
        let roots = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider)).build()?;
        Ok(Self { schemes: roots.supported_verify_schemes(), roots: Some(roots), named: authorities })
    }

    /// Creates a verifier that accepts any certificate.
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

impl ServerCertVerifier for CertificateVerifier {
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
            // The server uses the certificate of an authority as its own. `openssl req -x509` creates such
            // certificates, and Docker's docs say to put them into certs.d. The certificate is accepted if it is one of
            // those trusted for this host, and it is valid for the host name. Its dates were checked before this error
            // occurred.
            Err(Error::InvalidCertificate(CertificateError::Other(_)))
                if self.named.certificates.contains(end_entity) =>
            {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            Err(Error::InvalidCertificate(CertificateError::UnknownIssuer)) => {
                Err(self.untrusted(end_entity, intermediates).into())
            }
            // As above, but the certificate is not trusted for this host.
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

/// The client certificates for one host, and whether the host requested one.
#[derive(Debug)]
pub(super) struct ClientKeys {
    keys: Vec<Arc<CertifiedKey>>,
    was_asked: AtomicBool,
}

impl ClientKeys {
    pub(super) fn new(keys: Vec<CertifiedKey>) -> Self {
        Self { keys: keys.into_iter().map(Arc::new).collect(), was_asked: AtomicBool::new(false) }
    }

    /// Returns the likely reason why a host does not respond, if it requested a client certificate.
    pub(super) fn suspicion(&self) -> Option<TlsFault> {
        let refused =
            || TlsFault::RefusesCertificate("no reason given, after it requested a client certificate".into());
        let fault = if self.keys.is_empty() { TlsFault::WantsCertificate } else { refused() };
        self.was_asked.load(Ordering::Relaxed).then_some(fault)
    }
}

impl ResolvesClientCert for ClientKeys {
    /// Selects the first certificate issued by an authority that the server lists. If the server lists none, or none of
    /// the certificates matches, the first one is used.
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
