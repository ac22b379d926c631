//! `schema/manifests.schema.json` is what the program prints, and has all that editors show.

use serde_json::Value;

#[test]
fn the_schema_in_the_repository_is_the_one_that_is_printed() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/manifests.schema.json");
    let file = std::fs::read_to_string(path).unwrap_or_default();
    let update = "cargo run -- schema > schema/manifests.schema.json";
    assert!(file == mlist::config::schema(), "schema/manifests.schema.json is out of date; to update it: {update}");
}

/// Calls `see` with each object in `schema` and its path.
fn walk(schema: &Value, way: &str, see: &mut impl FnMut(&str, &serde_json::Map<String, Value>)) {
    match schema {
        Value::Object(fields) => {
            see(way, fields);
            fields.iter().for_each(|(name, part)| walk(part, &format!("{way}/{name}"), see));
        }
        Value::Array(parts) => {
            parts.iter().enumerate().for_each(|(at, part)| walk(part, &format!("{way}/{at}"), see));
        }
        _ => {}
    }
}

#[test]
fn every_key_and_word_is_described_and_every_key_has_an_example() {
    let schema: Value = serde_json::from_str(&mlist::config::schema()).unwrap();
    let is_sentence = |part: &Value| part["description"].as_str().is_some_and(|about| about.ends_with('.'));
    let (mut keys, mut words) = (0, 0);
    walk(&schema, "", &mut |way, fields| {
        // `properties` without `additionalProperties` is a rule about some keys, and does not describe them.
        if let (Some(Value::Object(properties)), Some(_)) =
            (fields.get("properties"), fields.get("additionalProperties"))
        {
            for (key, about) in properties {
                assert!(is_sentence(about), "{way}: {key}");
                assert!(about["examples"].as_array().is_some_and(|examples| !examples.is_empty()), "{way}: {key}");
                keys += 1;
            }
        }
        if let Some(names @ Value::Object(_)) = fields.get("additionalProperties") {
            let definition = names["$ref"].as_str().and_then(|path| schema.pointer(path.trim_start_matches('#')));
            let about = definition.unwrap_or(names);
            assert!(is_sentence(about) || about.get("oneOf").is_some(), "{way}: the description of the value");
        }
        if fields.contains_key("const") && way.contains("/oneOf/") {
            assert!(is_sentence(&Value::from(fields.clone())), "{way}");
            words += 1;
        }
    });
    assert!(keys > 40 && words >= 4, "{keys} keys, {words} words");
}
