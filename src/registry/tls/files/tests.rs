use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use tempfile::TempDir;

use super::*;

/// Creates a self-signed certificate and its key, both PEM.
fn certificate() -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(["a.example".to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

fn folder_with(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, content) in files {
        fs::write(folder.path().join(name), content).unwrap();
    }
    folder
}

/// Returns the error for these files in a folder, with file names instead of full paths.
fn refused(files: &[(&str, &str)]) -> String {
    let folder = folder_with(files);
    let failure = HostCertificates::read(&HostOptions::default(), Some(folder.path())).unwrap_err();
    failure.kind.to_string().replace(&format!("{}/", folder.path().display()), "")
}

#[test]
fn a_file_that_cannot_be_used_is_named_with_what_it_should_be() {
    let ((pem, key), (_, other_key)) = (certificate(), certificate());
    let begin = "-----BEGIN CERTIFICATE-----";
    let no_certificate = format!("{begin}\nAAAA\n-----END CERTIFICATE-----\n");
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    for (files, why) in [
        (
            &[("ca.crt", "")][..],
            "ca.crt contains no certificate: expected PEM that starts with -----BEGIN CERTIFICATE-----",
        ),
        (
            &[("ca.crt", key.as_str())],
            "ca.crt contains no certificate: expected PEM that starts with -----BEGIN CERTIFICATE-----",
        ),
        (&[("ca.crt", begin)], "ca.crt is not valid PEM: "),
        (&[("ca.crt", no_certificate.as_str())], "ca.crt is not valid: certificate 1 cannot be used: "),
        (
            &[("us.cert", pem.as_str())],
            "us.cert has no key: add us.key; for the certificate of an authority, use the extension .crt",
        ),
        (&[("us.key", key.as_str())], "us.key has no certificate: add us.cert"),
        (
            &[("us.cert", pem.as_str()), ("us.key", "")],
            "us.key contains no key: expected PEM that starts with -----BEGIN PRIVATE KEY-----",
        ),
        (&[("us.cert", pem.as_str()), ("us.key", other_key.as_str())], "us.key is not the key of us.cert"),
        (&[("us.cert", pem.as_str()), ("us.key", encrypted)], "us.key is encrypted: use a key without a passphrase"),
        (&[("us.cert", "x"), ("us.key", key.as_str())], "us.cert contains no certificate: "),
    ] {
        let said = refused(files);
        assert!(said.starts_with(why), "{why}\n{said}");
    }
}

#[test]
fn a_file_that_is_not_there_or_is_a_folder_is_named() {
    let folder = TempDir::new().unwrap();
    for (path, why) in
        [(folder.path().join("absent.pem"), "not found"), (folder.path().into(), "cannot be read: is a directory")]
    {
        let options = HostOptions { ca: Some(path.clone()), ..HostOptions::default() };
        let failure = HostCertificates::read(&options, None).unwrap_err();
        assert_eq!(failure.kind.to_string(), format!("{} {why}", path.display()));
    }
}

#[test]
fn what_is_named_and_what_lies_in_the_folder_is_read() {
    let ((ca, _), (named, _), (ours, key)) = (certificate(), certificate(), certificate());
    let both = format!("text before\n{ca}{named}");
    let folder = folder_with(&[("a.crt", &both), ("b.crt", &ca), ("us.cert", &ours), ("us.key", &key), ("README", "")]);
    let files = HostCertificates::read(&HostOptions::default(), Some(folder.path())).unwrap();
    assert_eq!((files.authorities.certificates.len(), files.keys.len()), (3, 1));

    let options = HostOptions {
        ca: Some(folder.path().join("b.crt")),
        client: Some(ClientCertificate {
            certificate: folder.path().join("us.cert"),
            key: folder.path().join("us.key"),
        }),
        ..HostOptions::default()
    };
    let files = HostCertificates::read(&options, Some(folder.path())).unwrap();
    assert_eq!(
        (files.authorities.certificates.len(), files.keys.len()),
        (4, 1),
        "the named one takes the place of the folder's"
    );
    let files = HostCertificates::read(&HostOptions::default(), None).unwrap();
    assert_eq!((files.authorities.certificates.len(), files.keys.len()), (0, 0));
}

#[test]
fn the_first_folder_that_has_the_host_is_its_own() {
    let (user, machine) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    fs::create_dir(machine.path().join("a.example:5000")).unwrap();
    fs::create_dir(machine.path().join("b.example")).unwrap();
    fs::create_dir(user.path().join("b.example")).unwrap();
    let folders = [user.path().to_owned(), machine.path().to_owned()];
    assert_eq!(folder(&folders, &["a.example:5000"]), Some(machine.path().join("a.example:5000")));
    assert_eq!(folder(&folders, &["b.example", "b.example:443"]), Some(user.path().join("b.example")));
    assert_eq!(folder(&folders, &["a.example"]), None);
    assert_eq!(folder(&[], &["a.example"]), None);
}

#[cfg(unix)]
#[test]
fn a_file_that_does_not_end_is_not_read_to_its_end() {
    let options = HostOptions { ca: Some("/dev/zero".into()), ..HostOptions::default() };
    let failure = HostCertificates::read(&options, None).unwrap_err();
    assert_eq!(failure.kind.to_string(), "/dev/zero is larger than 16 MiB");
}

#[test]
fn a_file_that_cannot_be_used_is_named_with_the_key_that_sets_it() {
    let key_of = |options: &HostOptions, folder: Option<&Path>| match HostCertificates::read(options, folder) {
        Err(Failure { kind: ErrorKind::Tls(error), .. }) => match error.fault {
            TlsFault::File { key, .. } => key,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    let ((pem, _), none) = (certificate(), || PathBuf::from("no/such.pem"));
    let folder = folder_with(&[("us.cert", pem.as_str())]);
    let client = |certificate, key| HostOptions {
        client: Some(ClientCertificate { certificate, key }),
        ..HostOptions::default()
    };
    assert_eq!(key_of(&HostOptions { ca: Some(none()), ..HostOptions::default() }, None), Some("ca"));
    assert_eq!(key_of(&client(none(), "key.pem".into()), None), Some("client-cert"));
    assert_eq!(key_of(&client(folder.path().join("us.cert"), none()), None), Some("client-key"));
    assert_eq!(key_of(&HostOptions::default(), Some(folder.path())), None);
}
