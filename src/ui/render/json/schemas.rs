//! The schemas of the documents, in `schema/`. They are generated from the types that are serialized, so a schema cannot
//! differ from the documents. `tests/it/json_documents.rs` validates real documents with them.

use std::path::Path;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use super::{ProblemsDocument, lists, tags, tree, verification};

/// Returns the kind of each document that has a schema, and the schema. A new kind is one more line.
fn schemas() -> Vec<(&'static str, Value)> {
    vec![
        schema::<ProblemsDocument<'_>>("problems"),
        schema::<lists::ListsDocument<'_>>("lists"),
        schema::<tags::TagsDocument<'_>>("tags"),
        schema::<tree::TreeDocument<'_>>("tree"),
        schema::<verification::VerificationDocument<'_>>("verification"),
    ]
}

/// Generates the schema of the documents with `kind`, whose type is `T`.
fn schema<T: JsonSchema>(kind: &'static str) -> (&'static str, Value) {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let mut schema = generator.into_root_schema_for::<T>().to_value();
    remove_formats(&mut schema);
    schema["$id"] = format!("{kind}.schema.json").into();
    schema["title"] = format!("mlist {kind} document").into();
    schema["properties"]["version"]["const"] = 1.into();
    schema["properties"]["kind"]["const"] = kind.into();
    (kind, schema)
}

/// Removes `"format": "uint64"` and the like, which only schemars knows.
fn remove_formats(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            fields.retain(|key, value| key != "format" || !value.is_string());
            fields.values_mut().for_each(remove_formats);
        }
        Value::Array(parts) => parts.iter_mut().for_each(remove_formats),
        _ => {}
    }
}

fn path(kind: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("schema/{kind}.schema.json"))
}

#[test]
fn the_schemas_in_the_repository_are_those_of_the_documents() {
    for (kind, schema) in schemas() {
        let made = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        if std::env::var_os("INSTA_UPDATE").is_some_and(|update| update == "always") {
            std::fs::write(path(kind), &made).unwrap();
        }
        let written = std::fs::read_to_string(path(kind)).unwrap_or_default();
        let update = "INSTA_UPDATE=always tests/run json::schemas";
        assert!(made == written, "schema/{kind}.schema.json is out of date; to update it: {update}");
    }
}

#[test]
fn every_field_is_required_and_described_and_others_are_allowed() {
    fn check(kind: &str, schema: &Value, fields: &mut usize) {
        if let Some(properties) = schema["properties"].as_object() {
            for (name, about) in properties {
                let is_required = schema["required"].as_array().is_some_and(|names| names.contains(&json!(name)));
                assert!(is_required, "{kind}: {name} must be in every document");
                assert!(about["description"].as_str().is_some_and(|text| text.ends_with('.')), "{kind}: {name}");
                *fields += 1;
            }
            assert_eq!(schema.get("additionalProperties"), None, "{kind}: later versions add fields");
        }
        let parts = schema.as_object().into_iter().flat_map(serde_json::Map::values);
        let parts = parts.chain(schema.as_array().into_iter().flatten());
        parts.for_each(|part| check(kind, part, fields));
    }
    for (kind, schema) in schemas() {
        let mut fields = 0;
        check(kind, &schema, &mut fields);
        assert!(fields > 10, "{kind}: {fields} fields");
    }
}
