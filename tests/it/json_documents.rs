//! The JSON documents that mlist writes are those that the schemas in `schema/` describe, tested with a third-party
//! validator. Tests of other commands pass their documents to [`assert_valid`].

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::schema::{Verdict, project, validate, verdicts};
use crate::support::context::Context;

/// Checks that each document is valid for the schema of its kind.
#[track_caller]
pub(crate) fn assert_valid(documents: &[Value]) {
    for document in documents {
        let kind = document["kind"].as_str().unwrap_or_else(|| panic!("a document without a kind: {document}"));
        for verdict in judged(kind, std::slice::from_ref(document)) {
            assert_eq!(verdict, Verdict::Accepts, "{document:#}");
        }
    }
}

/// Checks that a valid document becomes invalid if it is altered, and that unknown fields are allowed.
#[track_caller]
pub(crate) fn assert_alterations_are_rejected(document: &Value, closed_word: &str) {
    let kind = document["kind"].as_str().expect("a kind");
    let fields = document.as_object().expect("an object").keys();
    let without = |name: &String| {
        let mut altered = document.clone();
        altered.as_object_mut().expect("an object").remove(name);
        altered
    };
    let mut altered: Vec<Value> = fields.map(without).collect();
    for (pointer, value) in
        [("/kind", json!("other")), ("/version", json!(2)), ("/exit_status", json!("0")), (closed_word, json!("other"))]
    {
        let mut other = document.clone();
        *other.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer} is not in {document:#}")) = value;
        altered.push(other);
    }
    for (verdict, altered) in judged(kind, &altered).iter().zip(&altered) {
        assert!(matches!(verdict, Verdict::Rejects(_)), "{altered:#}");
    }
    let mut newer = document.clone();
    newer["a_field_of_a_later_version"] = json!([1]);
    assert_valid(&[document.clone(), newer]);
}

/// Returns the verdicts of the schema for documents of `kind`. Empty if the validator is not installed.
fn judged(kind: &str, documents: &[Value]) -> Vec<Verdict> {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |(number, document): (usize, &Value)| {
        let path = folder.path().join(format!("{number}.json"));
        std::fs::write(&path, document.to_string()).expect("a file");
        path
    };
    let files: Vec<PathBuf> = documents.iter().enumerate().map(write).collect();
    let schema = project().join(format!("schema/{kind}.schema.json"));
    assert!(schema.is_file(), "the kind {kind} has no schema; add it to src/ui/render/json/schemas.rs");
    validate(&schema, &files).map_or_else(Vec::new, |output| verdicts(&output))
}

#[test]
fn problems_are_as_their_schema_says() {
    let context = Context::with("list.a.tags = 1\n");
    let invalid = context.mlist("check --format json").exits(2).json();
    let absent = Context::new().mlist("check --format json").exits(2).json();
    context.manifest(
        "list.a = { source = \"oci:in:v1\", target = \"oci:out\", tags = [\"v1\"], platforms = [\"a/b\"] }\n",
    );
    let valid = context.mlist("check --format json").exits(0).json();
    assert_valid(&[absent, valid]);
    assert_alterations_are_rejected(&invalid, "/problems/0/severity");
}
