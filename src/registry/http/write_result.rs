//! [`write_result`]: whether a manifest was written, according to the answer to its PUT.
//!
//! Registries refuse with different codes and messages (distribution-spec "Error Codes" is an open set). The reaction
//! to a refusal depends on its cause, so the known forms are distinguished here.

use crate::oci::{Digest, Payload, Repository};
use crate::registry::error::{ErrorKind, Failure};
use crate::registry::transport::response::{HttpResponse, codes, digests_in};

use super::manifests::silent;

/// Whether a manifest was written, according to an answer.
pub(super) enum WriteResult {
    /// The manifest was written.
    Yes,
    /// The answer does not say. The registry must be queried. If the manifest was not written, this is the failure to
    /// report.
    Unsaid(Failure),
    /// The manifest was not written.
    No(Failure),
}

/// Returns what `answer` says about `payload`, which was sent to `repository`.
pub(super) fn write_result(answer: &HttpResponse, payload: &Payload, repository: &Repository) -> WriteResult {
    match (answer.status.as_u16(), answer.digest()) {
        // A digest with another algorithm is correct if it matches the bytes.
        (200..=202, Some(actual)) if actual != *payload.digest() && !actual.matches(payload.bytes()) => {
            let expected = payload.digest().clone();
            WriteResult::No(silent(Failure { kind: ErrorKind::WrongDigest { expected, actual }, ..answer.failure() }))
        }
        (201, None) if answer.is_page() => {
            WriteResult::Unsaid(silent(answer.out_of_place("the response to the push is an HTML page")))
        }
        (200..=202, Some(_)) => WriteResult::Yes,
        // Nexus, for example, sends 201 without a digest.
        (200..=202, None) => WriteResult::Unsaid(silent(
            answer.out_of_place("accepted the manifest, but the manifest was not found afterwards"),
        )),
        _ => {
            let failure = answer.failure();
            WriteResult::No(match refusal(answer, payload, repository) {
                Some(kind) => Failure { kind, ..failure },
                None => failure,
            })
        }
    }
}

/// Returns the cause of a refusal, if it is a special one.
fn refusal(answer: &HttpResponse, payload: &Payload, repository: &Repository) -> Option<ErrorKind> {
    let (text, codes) = (String::from_utf8_lossy(&answer.body), codes(&answer.body));
    match answer.status.as_u16() {
        400 | 409 | 412 => content_unknown(&text, &codes, payload).or_else(|| immutable(&text, &codes, repository)),
        404 | 422 => content_unknown(&text, &codes, payload),
        403 | 405 => immutable(&text, &codes, repository),
        _ => None,
    }
}

/// Recognizes a manifest whose children or blobs the registry does not find in the repository.
fn content_unknown(text: &str, codes: &[String], payload: &Payload) -> Option<ErrorKind> {
    // The test registry of go-containerregistry uses `MANIFEST_UNKNOWN` for children.
    const CODES: [&str; 3] = ["MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN", "MANIFEST_UNKNOWN"];
    let has = |known: &[&str]| codes.iter().any(|code| known.contains(&code.as_str()));
    let named = || digests_in(text).into_iter().filter(|digest| digest != payload.digest());
    let by_words = text.contains("required for pushing image") && text.contains("do not exist");
    if has(&CODES) || by_words {
        return Some(ErrorKind::ContentUnknown(named().collect()));
    }
    // zot and Quay call the list invalid if they cannot read one of its children. Such an answer is recognized only by
    // the digest of a child in it.
    let own = String::from_utf8_lossy(payload.bytes());
    let children: Vec<Digest> = named().filter(|digest| own.contains(digest.as_str())).collect();
    (has(&["MANIFEST_INVALID"]) && !children.is_empty()).then_some(ErrorKind::ContentUnknown(children))
}

/// Recognizes a tag that may not be moved.
///
/// | registry | status | answer |
/// |---|---|---|
/// | ECR | 400 | `TAG_INVALID`, "… already exists … and cannot be overwritten because the repository is immutable" |
/// | Harbor | 412 | `PRECONDITION`, "… configured as immutable"; 412 without that word is another policy |
/// | Quay | 409 | `TAG_IMMUTABLE`, "tag is immutable and cannot be overwritten" |
/// | Docker Hub, GitLab, GAR | 403, 400 | a sentence with "immutable" or "immutability" |
/// | Artifactory | 403 | "… permissions … to overwrite …"; others say DELETE/OVERWRITE |
/// | Nexus | 400 | the detail "Repository does not allow updating assets" |
/// | Alibaba | 400, 403 | "The requested tag already exists and cannot be overwritten" |
fn immutable(text: &str, codes: &[String], repository: &Repository) -> Option<ErrorKind> {
    const WORDS: [&str; 4] = ["immutab", "cannot be overwritten", "overwrite", "not allow updating assets"];
    let has_words = |text: &str| WORDS.iter().any(|words| text.contains(words));
    let (mut text, name) = (text.to_lowercase(), repository.path());
    if has_words(name) {
        // The repository name contains such words, so they count only outside the name.
        text = text.replace(name, "");
    }
    (codes.iter().any(|code| code == "TAG_IMMUTABLE") || has_words(&text)).then_some(ErrorKind::Immutable)
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;

    use super::*;
    use crate::oci::MediaType;
    use crate::registry::tests::server::manifest;

    fn repository() -> Repository {
        match crate::oci::Place::parse("r.example/immutable/app").unwrap() {
            crate::oci::Place::Repository(repository) => repository,
            crate::oci::Place::Layout(dir) => panic!("{dir}"),
        }
    }

    fn answer(status: u16, body: &str) -> HttpResponse {
        let (headers, signed) = Default::default();
        let status = StatusCode::from_u16(status).unwrap();
        HttpResponse { status, headers, body: body.to_owned().into(), signed, attempts: 1, room: None }
    }

    fn kind(status: u16, body: &str, payload: &Payload) -> ErrorKind {
        match write_result(&answer(status, body), payload, &repository()) {
            WriteResult::No(failure) => failure.kind,
            WriteResult::Yes | WriteResult::Unsaid(_) => panic!("{status} {body}"),
        }
    }

    fn error(code: &str, message: &str) -> String {
        serde_json::json!({ "errors": [{ "code": code, "message": message }] }).to_string()
    }

    #[test]
    fn immutable_tags_are_known_in_the_words_of_each_registry() {
        let ecr = "The image tag 'v1' already exists in the 'app' repository and cannot be overwritten because";
        let nexus = r#"{"errors":[{"code":"BLOB_UPLOAD_INVALID","message":"blob upload invalid","detail":"Repository does not allow updating assets: docker"}]}"#;
        for (status, body) in [
            (400, error("TAG_INVALID", &format!("{ecr} the repository is immutable."))),
            (400, error("TAG_INVALID", &format!("{ecr} the tag is immutable."))),
            (412, error("PRECONDITION", "Failed to process request due to 'app:v1' configured as immutable.")),
            (409, error("TAG_IMMUTABLE", "")),
            (409, error("TAG_IMMUTABLE", "tag is immutable and cannot be overwritten")),
            (403, error("DENIED", "this repository has immutable tags enabled")),
            (
                403,
                error(
                    "UNAUTHORIZED",
                    "Not enough permissions to delete/overwrite artifact 'docker/app/v1/manifest.json'",
                ),
            ),
            (403, "tag v1 cannot be updated: Immutable".to_owned()),
            (400, error("MANIFEST_INVALID", "cannot update tag v1. The repository has enabled tag immutability")),
            (400, error("DENIED", "The requested tag already exists and cannot be overwritten.")),
            (400, nexus.to_owned()),
        ] {
            assert_eq!(kind(status, &body, &manifest()), ErrorKind::Immutable, "{status} {body}");
        }
    }

    #[test]
    fn other_refusals_stay_what_they_are() {
        for (status, body, expected) in [
            (400, error("TAG_INVALID", "manifest tag did not match URI"), ErrorKind::Refused),
            (412, error("PROJECTPOLICYVIOLATION", "the image is not signed"), ErrorKind::Refused),
            (412, String::new(), ErrorKind::Refused),
            (403, error("DENIED", "no right to push to immutable/app"), ErrorKind::Denied),
            (403, String::new(), ErrorKind::Denied),
            (401, error("UNAUTHORIZED", "immutable"), ErrorKind::Unauthorized),
            (404, error("NAME_UNKNOWN", "The repository with name 'app' does not exist"), ErrorKind::NotFound),
            (413, error("SIZE_INVALID", "immutable"), ErrorKind::Oversized),
            (415, error("UNSUPPORTED", ""), ErrorKind::Refused),
        ] {
            assert_eq!(kind(status, &body, &manifest()), expected, "{status} {body}");
        }
    }

    #[test]
    fn what_is_not_seen_is_known_in_the_words_of_each_registry() {
        let [one, two, stranger] = ["one", "two", "three"].map(|text| Digest::of(text.as_bytes()));
        let list = Payload::new(MediaType::OciIndex, format!(r#"{{"manifests":["{one}","{two}"]}}"#).into());
        let own = list.digest();
        let unseen =
            |digests: &[&Digest]| ErrorKind::ContentUnknown(digests.iter().map(|digest| (*digest).clone()).collect());
        let both = serde_json::json!({ "errors": [
            { "code": "MANIFEST_BLOB_UNKNOWN", "detail": one.as_str() },
            { "code": "MANIFEST_BLOB_UNKNOWN", "detail": two.as_str() },
        ] });
        let ecr = format!(
            "Images with digests '[{one}, {two}]' required for pushing image into repository with name 'app' in the registry with id '1' do not exist"
        );
        for (status, body, expected) in [
            (400, both.to_string(), unseen(&[&one, &two])),
            (400, error("ImageReferencedByManifestListNotFound", &ecr), unseen(&[&one, &two])),
            (404, error("BLOB_UNKNOWN", "blob unknown to registry"), unseen(&[])),
            (404, error("MANIFEST_UNKNOWN", &format!(r#"Sub-manifest "{two}" not found"#)), unseen(&[&two])),
            (400, error("MANIFEST_INVALID", &format!("{own}: no manifest {one}")), unseen(&[&one])),
            (400, error("MANIFEST_INVALID", &format!("{own} is malformed near {stranger}")), ErrorKind::Refused),
        ] {
            assert_eq!(kind(status, &body, &list), expected, "{status} {body}");
        }
    }

    #[test]
    fn a_digest_by_another_algorithm_names_the_same_bytes() {
        let says = |bytes: &[u8]| {
            let mut verifier = Digest::parse(&format!("sha512:{}", "0".repeat(128))).unwrap().verifier();
            verifier.update(bytes);
            let by_sha512 = verifier.finish().unwrap_err();
            let mut answer = answer(201, "");
            answer.headers.insert("docker-content-digest", by_sha512.as_str().parse().unwrap());
            write_result(&answer, &manifest(), &repository())
        };
        assert!(matches!(says(manifest().bytes()), WriteResult::Yes));
        assert!(matches!(says(b"other"), WriteResult::No(Failure { kind: ErrorKind::WrongDigest { .. }, .. })));
    }

    #[test]
    fn a_success_has_to_say_what_was_written() {
        for (status, body, says) in [
            (201, "", "accepted the manifest, but the manifest was not found afterwards"),
            (201, "{}", "accepted the manifest, but the manifest was not found afterwards"),
            (201, " <!DOCTYPE html><title>Log in</title>", "the response to the push is an HTML page"),
            (201, "<HTML>", "the response to the push is an HTML page"),
            (200, "", "accepted the manifest, but the manifest was not found afterwards"),
            (202, "", "accepted the manifest, but the manifest was not found afterwards"),
        ] {
            let said = match write_result(&answer(status, body), &manifest(), &repository()) {
                WriteResult::Yes => "yes".to_owned(),
                WriteResult::Unsaid(failure) => failure.kind.to_string(),
                WriteResult::No(failure) => panic!("{:?}", failure.kind),
            };
            assert_eq!(said, says, "{status} {body}");
        }
        assert!(matches!(kind(204, "", &manifest()), ErrorKind::NotARegistry(_)));
    }
}
