//! [`HostCertificates`]: certificates and keys on disk: those that the options of a host name, and those in
//! the host's folder in `certs.d` (containers-certs.d(5); Docker's docs, "Verify repository client with certificates").

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use rustls::RootCertStore;
use rustls::crypto::ring;
use rustls::pki_types::pem::{Error as PemError, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use crate::registry::error::{ErrorKind, Failure, TlsFault};
use crate::registry::options::{ClientCertificate, HostOptions};
use crate::registry::sanitize::one_line;

/// The certificates and keys that were read for one host.
#[derive(Debug, Default)]
pub(super) struct HostCertificates {
    /// Authorities that are trusted in addition to the system's roots.
    pub(super) authorities: Authorities,
    /// Client certificates with their keys.
    pub(super) keys: Vec<CertifiedKey>,
}

/// Certificates that are trusted for one host.
#[derive(Debug, Default)]
pub(super) struct Authorities {
    /// The certificates.
    pub(super) certificates: Vec<CertificateDer<'static>>,
    /// The file in the options and the files in `certs.d`. An error about an untrusted certificate lists them.
    pub(super) places: Vec<String>,
}

/// Returns the folder of a host, which has one of `names`. The first of `folders` that has one is used.
pub(super) fn folder(folders: &[PathBuf], names: &[impl AsRef<str>]) -> Option<PathBuf> {
    let all = folders.iter().flat_map(|folder| names.iter().map(move |name| folder.join(name.as_ref())));
    all.into_iter().find(|folder| folder.is_dir())
}

impl HostCertificates {
    /// Reads the files that `options` name and those in `folder`. If `options` name a client certificate, those in the
    /// folder are not used.
    ///
    /// # Errors
    /// Returns the file that cannot be used, and what it should contain.
    pub(super) fn read(options: &HostOptions, folder: Option<&Path>) -> Result<Self, Failure> {
        Self::read_all(options, folder).map_err(|UnusableFile { path, why }| {
            let (why, key) = (format!("{} {why}", path.display()), key_of(options, &path));
            Failure::of(ErrorKind::tls(TlsFault::File { why, key }))
        })
    }

    fn read_all(options: &HostOptions, folder: Option<&Path>) -> Result<Self, UnusableFile> {
        let (mut authorities, mut pairs) = (Vec::new(), Vec::new());
        authorities.extend(options.ca.clone());
        pairs.extend(options.client.clone());
        if let Some(folder) = folder {
            let found = Folder::list(folder)?;
            authorities.extend(found.authorities);
            if pairs.is_empty() {
                pairs = found.pairs;
            }
        }
        let mut files = Self::default();
        for path in authorities {
            files.authorities.certificates.extend(trusted(&path)?);
        }
        let places = options.ca.clone().into_iter().chain(folder.map(|folder| folder.join("*.crt")));
        files.authorities.places = places.map(|path| one_line(&path.display().to_string())).collect();
        files.keys = pairs.iter().map(pair).collect::<Result<_, _>>()?;
        Ok(files)
    }
}

/// A file or folder that cannot be used.
struct UnusableFile {
    path: PathBuf,
    /// The reason, written to follow the path.
    why: String,
}

/// Returns the key in manifests.toml that names `path`, if `options` name it.
fn key_of(options: &HostOptions, path: &Path) -> Option<&'static str> {
    let of_client = |client: &ClientCertificate| match path {
        path if path == client.certificate => Some("client-cert"),
        path if path == client.key => Some("client-key"),
        _ => None,
    };
    if options.ca.as_deref() == Some(path) { Some("ca") } else { options.client.as_ref().and_then(of_client) }
}

/// The files in a host's folder.
struct Folder {
    authorities: Vec<PathBuf>,
    pairs: Vec<ClientCertificate>,
}

impl Folder {
    /// Sorts the files by name: `*.crt` is trusted, `X.cert` and `X.key` are a client certificate and its key.
    fn list(folder: &Path) -> Result<Self, UnusableFile> {
        let entries = fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let entries = entries.map_err(|error| unusable(folder, format!("cannot be read: {error}")))?;
        let mut paths: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
        paths.sort();
        let has = |path: &Path, extension: &str| path.extension().is_some_and(|found| found == extension);
        let mut pairs = Vec::new();
        for path in &paths {
            if has(path, "cert") {
                let key = path.with_extension("key");
                if !paths.contains(&key) {
                    let why = format!(
                        "has no key: add {}; for the certificate of an authority, use the extension .crt",
                        key.display()
                    );
                    return Err(unusable(path, why));
                }
                pairs.push(ClientCertificate { certificate: path.clone(), key });
            } else if has(path, "key") && !paths.contains(&path.with_extension("cert")) {
                let certificate = path.with_extension("cert");
                return Err(unusable(path, format!("has no certificate: add {}", certificate.display())));
            }
        }
        let authorities = paths.into_iter().filter(|path| has(path, "crt")).collect();
        Ok(Self { authorities, pairs })
    }
}

/// Reads the authorities in a file.
fn trusted(path: &Path) -> Result<Vec<CertificateDer<'static>>, UnusableFile> {
    let certificates = certificates(path)?;
    for (index, certificate) in certificates.iter().enumerate() {
        let added = RootCertStore::empty().add(certificate.clone());
        added.map_err(|error| {
            unusable(path, format!("is not valid: certificate {} cannot be used: {error}", index + 1))
        })?;
    }
    Ok(certificates)
}

/// Reads a client certificate and its key.
fn pair(pair: &ClientCertificate) -> Result<CertifiedKey, UnusableFile> {
    let (chain, path) = (certificates(&pair.certificate)?, &pair.key);
    let bytes = read(path)?;
    let key = PrivateKeyDer::from_pem_slice(&bytes).map_err(|error| match error {
        PemError::NoItemsFound if bytes.windows(9).any(|bytes| bytes == b"ENCRYPTED") => {
            unusable(path, "is encrypted: use a key without a passphrase, in a file that only you can read")
        }
        PemError::NoItemsFound => {
            unusable(path, "contains no key: expected PEM that starts with -----BEGIN PRIVATE KEY-----")
        }
        error => unusable(path, format!("is not valid PEM: {error}")),
    })?;
    let key = ring::default_provider().key_provider.load_private_key(key);
    let key = key.map_err(|error| unusable(path, format!("cannot be used: {error}")))?;
    let pair_of_both = CertifiedKey::new(chain, key);
    match pair_of_both.keys_match() {
        Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::KeyMismatch)) => {
            Err(unusable(path, format!("is not the key of {}", pair.certificate.display())))
        }
        // Some certificates cannot be compared with their key. The server may still accept them.
        _ => Ok(pair_of_both),
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, UnusableFile> {
    let bytes = read(path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    let found = found.map_err(|error| unusable(path, format!("is not valid PEM: {error}")))?;
    if found.is_empty() {
        return Err(unusable(
            path,
            "contains no certificate: expected PEM that starts with -----BEGIN CERTIFICATE-----",
        ));
    }
    Ok(found)
}

/// The maximum size of a file, in bytes. This is many times the size of a system's roots.
const LIMIT: u64 = 16 << 20;

fn read(path: &Path) -> Result<Vec<u8>, UnusableFile> {
    let unreadable = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => unusable(path, "not found"),
        kind => unusable(path, format!("cannot be read: {kind}")),
    };
    let mut bytes = Vec::new();
    fs::File::open(path).and_then(|file| file.take(LIMIT + 1).read_to_end(&mut bytes)).map_err(unreadable)?;
    if bytes.len() as u64 > LIMIT {
        return Err(unusable(path, format!("is larger than {} MiB", LIMIT >> 20)));
    }
    Ok(bytes)
}

fn unusable(path: &Path, why: impl Into<String>) -> UnusableFile {
    UnusableFile { path: path.to_owned(), why: why.into() }
}

#[cfg(test)]
mod tests;
