//! [`schema`]: the JSON Schema of manifests.toml, generated from the table of keys.
//!
//! The schema describes keys, types, names and closed sets of words. Rules that combine several values are checked only
//! by [`Loader`](super::Loader).

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::keys::{self, GIT_WORDS, KeyInfo, Shape, TableKind};
use super::policy::{Attestations, Format, Mismatch, Missing, Undeclared, Words};
use super::read::duration::DURATION;
use super::read::names::{MEMBER_NAMES, NameKind};
use super::read::registry;
use super::read::strings::MEDIA_TYPE;
use crate::naming::ArchStyle;
use crate::oci::Platform;

/// The regular expression of templates.
const TEMPLATE: &str = r"^([^{}]|\{\{|\}\}|\{[A-Za-z][A-Za-z0-9_-]*(\.(major|minor|patch))?(\|(tag|lower|no-v|replace:[^:|{}]+:[^:|{}]*))*\})*$";

const STABLE: &str = "`version` is a stable version.";

/// The whole schema. The fields that describe the document itself come first.
#[derive(Serialize)]
struct SchemaDocument {
    #[serde(rename = "$schema")]
    dialect: &'static str,
    #[serde(rename = "$id")]
    id: &'static str,
    title: &'static str,
    description: &'static str,
    #[serde(rename = "x-tombi-toml-version")]
    toml_version: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    properties: Map<String, Value>,
    #[serde(rename = "anyOf")]
    any_of: Value,
    #[serde(rename = "additionalProperties")]
    additional_properties: bool,
    #[serde(rename = "$defs")]
    definitions: Map<String, Value>,
}

/// Returns the JSON Schema (draft 2020-12), indented, with a newline at the end.
///
/// # Panics
/// Never panics: the document contains only values that JSON can represent.
#[must_use]
pub fn schema() -> String {
    let document = SchemaDocument {
        dialect: "https://json-schema.org/draft/2020-12/schema",
        id: "manifests.schema.json",
        title: "manifests.toml",
        description: "The manifest lists that mlist publishes.",
        toml_version: "v1.1.0",
        kind: "object",
        properties: properties(TableKind::Top),
        any_of: json!([{ "required": ["list"] }, { "required": ["include"] }]),
        additional_properties: false,
        definitions: definitions(),
    };
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_else(|_| unreachable!("keys are strings"));
    text.push('\n');
    text
}

fn properties(table_kind: TableKind) -> Map<String, Value> {
    let mut properties: Map<String, Value> =
        keys::built_keys_of(table_kind).map(|info| (info.name.to_owned(), property(info))).collect();
    if let (TableKind::Top, Some(Value::Object(vars))) = (table_kind, properties.get_mut("vars")) {
        // `{name}` is the key of each list, so `[vars]` cannot define it. A list can define its own.
        vars.insert("propertyNames".to_owned(), json!({ "not": { "const": "name" } }));
    }
    properties
}

/// The schema of a key's value, with the description, default and example that editors show.
fn property(info: &KeyInfo) -> Value {
    let mut value = shape(info.shape);
    if let Value::Object(fields) = &mut value {
        fields.insert("description".to_owned(), info.about.into());
        if let Some(default) = parsed(info.default) {
            fields.insert("default".to_owned(), default);
        }
        if let Some(example) = parsed(info.example) {
            fields.insert("examples".to_owned(), json!([example]));
        }
    }
    value
}

/// Converts a value in the table of keys from TOML to JSON. `None` if it is empty.
fn parsed(toml: &str) -> Option<Value> {
    toml::from_str::<Map<String, Value>>(&format!("value = {toml}")).ok()?.remove("value")
}

fn reference(definition: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{definition}") })
}

fn shape(shape: Shape) -> Value {
    match shape {
        Shape::Variables => reference("variables"),
        Shape::Paths => json!({ "type": "array", "items": { "type": "string", "minLength": 1 }, "minItems": 1 }),
        Shape::Axes => reference("matrix"),
        Shape::Defaults => reference("defaults"),
        Shape::Conventions => {
            table_of("convention", &json!({ "pattern": NameKind::Convention.pattern() }), Filled::MayBeEmpty)
        }
        Shape::Lists => table_of("list", &json!({ "pattern": NameKind::Entry.pattern() }), Filled::AtLeastOne),
        Shape::Targets => reference("targets"),
        Shape::Platforms => reference("platforms"),
        Shape::Platform => reference("platform"),
        Shape::ArchStyle => json!({ "type": "string", "enum": ArchStyle::names() }),
        Shape::Git => one_of(GIT_WORDS),
        Shape::Template => reference("template"),
        Shape::MemberTags => json!({ "type": "array", "items": reference("template") }),
        Shape::Annotations => reference("annotations"),
        Shape::OsVersion => reference("os-version"),
        Shape::Missing => words::<Missing>(),
        Shape::Undeclared => words::<Undeclared>(),
        Shape::Mismatch => words::<Mismatch>(),
        Shape::Format => words::<Format>(),
        Shape::Attestations => words::<Attestations>(),
        Shape::Duration => json!({ "type": "string", "pattern": DURATION }),
        Shape::Globs | Shape::Texts => json!({ "type": "array", "items": { "type": "string" } }),
        Shape::MediaType => json!({ "type": "string", "pattern": MEDIA_TYPE }),
        Shape::Tags => json!({
            "type": "array",
            "items": { "oneOf": [reference("template"), reference("tag")] },
            "minItems": 1,
        }),
        Shape::TagConditions => one_or_several(&json!({ "oneOf": [
            { "const": "stable", "description": STABLE },
            { "const": "newest", "description": "`version` is stable, and no greater version is published or declared." },
            reference("globs-by-variable"),
        ] })),
        Shape::RowConditions => one_or_several(&json!({ "oneOf": [
            { "const": "stable", "description": STABLE },
            reference("globs-by-variable"),
        ] })),
        Shape::GlobOrGlobs => one_or_several(&json!({ "type": "string" })),
        Shape::Convention => json!({ "type": "string", "pattern": NameKind::Convention.pattern() }),
        Shape::Text => json!({ "type": "string" }),
        Shape::Registries => {
            let is_no_path = json!([{ "pattern": "[.:]" }, { "const": "localhost" }]);
            table_of("registry", &json!({ "pattern": registry::HOST, "anyOf": is_no_path }), Filled::MayBeEmpty)
        }
        Shape::Boolean => json!({ "type": "boolean" }),
        Shape::Path => json!({ "type": "string", "minLength": 1 }),
        Shape::EnvName => json!({ "type": "string", "pattern": registry::ENV_NAME }),
        Shape::Count => json!({ "type": "integer", "minimum": 1 }),
        Shape::Rate => json!({ "type": "string", "pattern": registry::RATE }),
        Shape::NotYet => Value::Bool(false),
    }
}

/// A closed set of words, each with its description.
fn one_of<'a>(words: impl IntoIterator<Item = (&'a str, &'a str)>) -> Value {
    let words = words.into_iter().map(|(word, about)| json!({ "const": word, "description": about }));
    json!({ "type": "string", "oneOf": words.collect::<Vec<_>>() })
}

fn words<T: Words>() -> Value {
    one_of(T::WORDS.iter().map(|(word, _, about)| (*word, *about)))
}

/// Adds a description, which editors show, to `value`.
fn described(about: &str, mut value: Value) -> Value {
    if let Value::Object(fields) = &mut value {
        fields.insert("description".to_owned(), about.into());
    }
    value
}

/// `item`, or an array of at least one of them.
fn one_or_several(item: &Value) -> Value {
    json!({ "oneOf": [item, { "type": "array", "items": item, "minItems": 1 }] })
}

enum Filled {
    MayBeEmpty,
    AtLeastOne,
}

/// A table whose keys are names.
fn table_of(definition: &str, names: &Value, filled: Filled) -> Value {
    let mut value = json!({
        "type": "object",
        "propertyNames": names,
        "additionalProperties": reference(definition),
    });
    if let (Filled::AtLeastOne, Value::Object(fields)) = (filled, &mut value) {
        fields.insert("minProperties".to_owned(), 1.into());
    }
    value
}

fn table(table_kind: TableKind, required: &[&str]) -> Value {
    let mut value = json!({ "type": "object", "properties": properties(table_kind), "additionalProperties": false });
    if let (false, Value::Object(fields)) = (required.is_empty(), &mut value) {
        fields.insert("required".to_owned(), json!(required));
    }
    value
}

/// A row in a table of platforms. It has no `arch`, because its key is the spelling.
fn spelled_row() -> Value {
    let mut value = table(TableKind::Row, &["platform"]);
    if let Some(Value::Object(properties)) = value.get_mut("properties") {
        properties.remove("arch");
    }
    value
}

/// `[registry."HOST"]`, with the keys that require each other and the keys that exclude each other.
fn registry_table() -> Value {
    let is_true = |key: &str| json!({ "required": [key], "properties": { key: { "const": true } } });
    let has = |key: &str| json!({ "required": [key] });
    let mut value = table(TableKind::Registry, &[]);
    if let Value::Object(fields) = &mut value {
        let pairs = registry::PAIRS.iter().flat_map(|(one, other)| [(one, other), (other, one)]);
        let pairs: Map<String, Value> = pairs.map(|(key, other)| ((*key).to_owned(), json!([other]))).collect();
        fields.insert("dependentRequired".to_owned(), pairs.into());
        let excluded = registry::EXCLUDED.iter().map(|rule| {
            let others = rule.others.iter().map(|key| if *key == "insecure" { is_true(key) } else { has(key) });
            json!({ "not": { "allOf": [is_true(rule.key), { "anyOf": others.collect::<Vec<_>>() }] } })
        });
        fields.insert("allOf".to_owned(), excluded.collect());
    }
    value
}

/// An axis that is a table. Its values come from a file or from tags.
fn axis_table() -> Value {
    let mut value = table(TableKind::Axis, &[]);
    if let Value::Object(fields) = &mut value {
        let of_tags = keys::keys_of(TableKind::Axis).map(|info| info.name).filter(|name| *name != "lines");
        let of_tags: Vec<Value> = of_tags.map(|name| json!({ "required": [name] })).collect();
        let lines = json!({ "required": ["lines"], "not": { "anyOf": of_tags } });
        fields
            .insert("oneOf".to_owned(), json!([lines, { "required": ["tags-of"], "not": { "required": ["lines"] } }]));
    }
    value
}

fn definitions() -> Map<String, Value> {
    let list_keys: Vec<&str> = keys::keys_of(TableKind::List).map(|info| info.name).collect();
    let taken: Vec<&str> = list_keys.iter().copied().chain(MEMBER_NAMES).chain(["tag"]).collect();
    let names = json!({ "pattern": NameKind::Variable.pattern(), "not": { "enum": taken } });
    let member = json!({ "oneOf": [reference("platform"), reference("row")] });
    let target = reference("template");
    let mut variable = table(TableKind::Variable, &[]);
    if let Value::Object(fields) = &mut variable {
        fields.insert(
            "oneOf".to_owned(),
            json!([{ "required": ["env"] }, { "required": ["file"] }, { "required": ["git"] }]),
        );
    }
    let not_in_table: Vec<&str> = list_keys.iter().copied().chain(["platform"]).collect();
    let definitions = [
        (
            "template",
            json!({
                "type": "string",
                "description": "A text with placeholders: {NAME}, {NAME.major}, {NAME|filter}. {{ and }} are braces.",
                "pattern": TEMPLATE,
            }),
        ),
        (
            "platform",
            json!({
                "type": "string",
                "description": "os/arch or os/arch/variant, with OCI platform names.",
                "pattern": "^[a-z0-9._-]+/[a-z0-9._-]+(/[a-z0-9._-]+)?$",
                "not": { "pattern": format!("^macos/|^[^/]+/({})(/|$)", Platform::words_of_others().collect::<Vec<_>>().join("|")) },
                "if": { "pattern": "^[^/]+/(arm|arm64|amd64)/" },
                "then": { "pattern": "/v[0-9]+(\\.[0-9]+)?$" },
            }),
        ),
        (
            "os-version",
            described(
                "A version such as 10.0.17763.6532, a glob such as 10.0.17763.*, or an image that has the version.",
                json!({ "oneOf": [{ "type": "string", "pattern": "\\S" }, table(TableKind::OsVersion, &["from"])] }),
            ),
        ),
        (
            "annotations",
            json!({
                "type": "object",
                "description": "Annotation names with templates as values. Quote names with dots.",
                "propertyNames": { "not": { "enum": list_keys } },
                "additionalProperties": reference("template"),
            }),
        ),
        (
            "target",
            described("A repository, and keys that apply only to it.", table(TableKind::Target, &["repository"])),
        ),
        (
            "targets",
            json!({ "oneOf": [
                target,
                reference("target"),
                { "type": "array", "items": { "oneOf": [target, reference("target")] }, "minItems": 1 },
            ] }),
        ),
        (
            "row",
            described(
                "A member, with the keys in which it differs from the others.",
                table(TableKind::Row, &["platform"]),
            ),
        ),
        (
            "spelled-row",
            described(
                "A member whose {arch} is the key, with the keys in which it differs from the others.",
                spelled_row(),
            ),
        ),
        ("tag", described("A tag with conditions.", table(TableKind::Tag, &["tag"]))),
        (
            "globs-by-variable",
            json!({
                "type": "object",
                "description": "Globs for variables. Each must match a glob without `!`, if any, and none with `!`.",
                "propertyNames": { "pattern": NameKind::Variable.pattern() },
                "additionalProperties": one_or_several(&json!({ "type": "string" })),
                "minProperties": 1,
            }),
        ),
        (
            "platforms",
            json!({ "oneOf": [
                { "type": "array", "items": member, "minItems": 1 },
                {
                    "type": "object",
                    "description": "The keys are the words for {arch}, the values are platforms or rows.",
                    "propertyNames": { "not": { "enum": not_in_table } },
                    "additionalProperties": { "oneOf": [reference("platform"), reference("spelled-row")] },
                    "minProperties": 1,
                },
            ] }),
        ),
        (
            "variable",
            described(
                "A template, or a table with the origin of the value: env, file or git, with an optional default.",
                json!({ "oneOf": [reference("template"), variable] }),
            ),
        ),
        ("variables", table_of("variable", &names, Filled::MayBeEmpty)),
        ("matrix", table_of("axis", &names, Filled::MayBeEmpty)),
        (
            "axis",
            described(
                "The values, as templates that cannot use another axis, or a table: the lines of a file, or tags.",
                json!({ "oneOf": [
                    { "type": "array", "items": reference("template"), "minItems": 1, "uniqueItems": true },
                    axis_table(),
                ] }),
            ),
        ),
        ("defaults", table(TableKind::Defaults, &[])),
        ("convention", described("Keys for the lists that use this convention.", table(TableKind::Convention, &[]))),
        (
            "list",
            described("A list, or with `matrix` one list for each combination of values.", table(TableKind::List, &[])),
        ),
        ("registry", described("Settings for connections to one registry.", registry_table())),
    ];
    definitions.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::naming::{Filter, VersionPart};

    fn parsed_schema() -> Value {
        serde_json::from_str(&schema()).unwrap()
    }

    #[test]
    fn what_is_not_built_is_not_in_it() {
        let schema = parsed_schema();
        let list = &schema["$defs"]["list"]["properties"];
        assert!(list.get("tags").is_some());
        for info in keys::KEYS.iter().filter(|info| info.shape == Shape::NotYet) {
            assert!(list.get(info.name).is_none(), "{}", info.name);
        }
    }

    #[test]
    fn the_grammar_of_templates_has_every_filter_and_part() {
        for word in Filter::NAMES.into_iter().chain(VersionPart::ALL.map(VersionPart::word)) {
            assert!(TEMPLATE.contains(&format!("({word}")) || TEMPLATE.contains(&format!("|{word}")), "{word}");
        }
    }

    #[test]
    fn every_reference_is_defined() {
        let text = schema();
        let schema = parsed_schema();
        for reference in text.split("#/$defs/").skip(1) {
            let name = reference.split('"').next().unwrap();
            assert!(schema["$defs"].get(name).is_some(), "{name}");
        }
    }

    #[test]
    fn examples_and_defaults_are_values() {
        for info in keys::KEYS.iter().filter(|info| info.shape != Shape::NotYet) {
            for toml in [info.default, info.example] {
                assert!(toml.is_empty() || parsed(toml).is_some(), "{}: {toml}", info.name);
            }
        }
    }
}
