use super::*;
use crate::registry::options::ClientCertificate;

fn clients(hosts: &[(&str, HostOptions)], folders: Vec<PathBuf>) -> Clients {
    let hosts = hosts.iter().map(|(host, options)| (Host::parse(host).unwrap(), options.clone())).collect();
    Clients::new(&hosts, folders).unwrap()
}

fn with(security: ConnectionSecurity) -> HostOptions {
    HostOptions { security, ..HostOptions::default() }
}

fn absent() -> HostOptions {
    HostOptions { ca: Some("/nowhere/ca.pem".into()), ..HostOptions::default() }
}

#[test]
fn there_are_roots_on_every_machine() {
    assert!(!roots().is_empty());
    assert!(clients(&[], Vec::new()).for_url(&Url::parse("https://registry.example/").unwrap()).is_ok());
}

#[test]
fn only_this_machine_is_asked_without_a_proxy() {
    for (url, is) in [
        ("http://127.0.0.1:5000/v2/", true),
        ("http://[::1]:5000/v2/", true),
        ("http://localhost/", true),
        ("http://localhost.evil.example/", false),
        ("https://10.0.0.1/", false),
    ] {
        assert_eq!(is_loopback(&Url::parse(url).unwrap()), is, "{url}");
    }
}

#[test]
fn plain_http_is_for_this_machine_or_asked_for() {
    let folders = tempfile::TempDir::new().unwrap();
    std::fs::create_dir(folders.path().join("localhost:5443")).unwrap();
    let clients = clients(&[], vec![folders.path().to_owned()]);
    let client = || HostOptions {
        client: Some(ClientCertificate { certificate: PathBuf::new(), key: PathBuf::new() }),
        ..HostOptions::default()
    };
    for (host, options, is) in [
        ("registry.example", HostOptions::default(), true),
        ("10.0.0.1:5000", HostOptions::default(), true),
        ("registry.example", with(ConnectionSecurity::Tls), true),
        ("registry.example", with(ConnectionSecurity::Unverified), true),
        ("registry.example", with(ConnectionSecurity::Plain), false),
        ("localhost:5000", HostOptions::default(), false),
        ("127.0.0.1:5000", HostOptions::default(), false),
        ("localhost:5000", with(ConnectionSecurity::Tls), true),
        ("localhost:5000", with(ConnectionSecurity::Unverified), true),
        ("localhost:5000", absent(), true),
        ("localhost:5000", client(), true),
        ("localhost:5443", HostOptions::default(), true),
        ("localhost:5443", with(ConnectionSecurity::Plain), false),
    ] {
        assert_eq!(clients.speaks_tls(&Host::parse(host).unwrap(), &options), is, "{host} {options:?}");
    }
}

#[test]
fn what_is_said_of_a_host_holds_for_no_other() {
    let clients =
        clients(&[("docker.io", absent()), ("a.example:5000", absent()), ("b.example", absent())], Vec::new());
    for (url, is_named) in [
        ("https://registry-1.docker.io/v2/", true),
        ("https://auth.docker.io/token", false),
        ("https://a.example:5000/v2/", true),
        ("https://a.example/v2/", false),
        ("https://a.example:5001/v2/", false),
        ("https://blobs.a.example:5000/", false),
        ("https://b.example/", true),
        ("https://b.example:443/", true),
        ("http://b.example/", false),
    ] {
        let made = clients.for_url(&Url::parse(url).unwrap());
        assert_eq!(made.is_err(), is_named, "only who is named has a file that is not there: {url}");
    }
}

#[test]
fn a_folder_of_certificates_is_found_by_host_and_port() {
    let folders = tempfile::TempDir::new().unwrap();
    for name in ["docker.io", "a.example:5000", "b.example:443", "c.example", "[::1]:5000"] {
        let folder = folders.path().join(name);
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("ca.crt"), "nothing").unwrap();
    }
    let clients = clients(&[], vec!["/nowhere".into(), folders.path().to_owned()]);
    for (url, is_found) in [
        ("https://registry-1.docker.io/v2/", true),
        ("https://a.example:5000/", true),
        ("https://a.example/", false),
        ("https://b.example/", true),
        ("https://c.example/", true),
        ("https://c.example:8443/", false),
        ("https://[::1]:5000/", true),
    ] {
        assert_eq!(clients.for_url(&Url::parse(url).unwrap()).is_err(), is_found, "{url}");
    }
}

#[test]
fn hosts_of_which_nothing_is_said_share_their_roots() {
    let (clients, provider) = (clients(&[], Vec::new()), Arc::new(ring::default_provider()));
    let usual = || clients.trusting(Authorities::default(), &provider).unwrap();
    assert!(Arc::ptr_eq(&usual(), &usual()));
    let key = rcgen::KeyPair::generate().unwrap();
    let own = rcgen::CertificateParams::default().self_signed(&key).unwrap();
    let authorities = Authorities { certificates: vec![own.der().clone()], places: Vec::new() };
    let named = clients.trusting(authorities, &provider).unwrap();
    assert!(!Arc::ptr_eq(&usual(), &named), "what is said of one host holds for that host alone");
}
