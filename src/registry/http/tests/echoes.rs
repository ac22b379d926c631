//! Tests that nothing that was sent is shown again in an address from the registry.

use super::*;
use crate::registry::Notice;

/// `ci:geheim!` as it is sent, and the password in the encodings that fit into a URL.
const SECRETS: [&str; 5] = ["Y2k6Z2VoZWltIQ", "geheim!", "geheim%21", "Z2VoZWltIQ", "67656865696d21"];

/// What a client shows after `location` was in every answer to it: the failures, and the requests of `-vv`.
async fn shown(location: String) -> Vec<String> {
    let server = Server::start(move |asked, count| {
        let there = location.clone();
        match (asked.method.as_str(), asked.header("authorization")) {
            (_, None) if asked.path.contains("manifests") => {
                Reply::of(401).with("www-authenticate", format!("Bearer realm=\"{there}\""))
            }
            (_, None) => Reply::of(401).with("www-authenticate", "Basic"),
            ("POST", _) => Reply::of(202).with("location", there),
            ("GET", _) if asked.path.contains("/tags/") && count < 9 => {
                Reply::of(200).with("link", format!("<{there}>; rel=\"next\"")).body(r#"{"tags":["a"]}"#)
            }
            _ => Reply::of(307).with("location", there),
        }
    })
    .await;
    let folder = tempfile::TempDir::new().unwrap();
    let config = format!(r#"{{"auths":{{"{}":{{"auth":"Y2k6Z2VoZWltIQ=="}}}}}}"#, server.address);
    std::fs::write(folder.path().join("config.json"), config).unwrap();
    let target = server.repository("b");
    let client = Client::with_logins(&[&target], 1, folder.path());
    let registries = &client.registries;
    let mut shown = Vec::new();
    shown.extend(registries.config(&server.place("a"), &Digest::of(b"x")).await.err().map(|it| it.to_string()));
    shown.extend(client.head(&server, "a:1").await.err().map(|it| it.to_string()));
    shown.extend(registries.tags(&server.place("a")).await.err().map(|it| it.to_string()));
    shown.extend(registries.http.begin_upload(&target).await.err().map(|it| it.kind.to_string()));
    assert!(shown.len() >= 3, "{shown:?}");
    let requests = client.all_notices().into_iter().filter_map(|notice| match notice {
        Notice::Request { url, .. } => Some(url),
        _ => None,
    });
    shown.extend(requests);
    shown
}

#[tokio::test]
async fn an_address_from_a_registry_is_shown_without_its_path() {
    for secret in SECRETS {
        for start in ["https://169.254.1.1", "http://other.example", "ftp://127.0.0.1", ""] {
            for path in [format!("/x/{secret}"), format!("/x?a={secret}"), format!("/{secret}/v2/#{secret}")] {
                let all = shown(format!("{start}{path}")).await;
                assert!(all.iter().all(|text| !text.contains(secret)), "{secret}: {all:?}");
                assert!(all.iter().any(|text| text.contains("/v2/a/")), "{all:?}");
            }
        }
    }
}
