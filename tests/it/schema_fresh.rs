//! `schema/manifests.schema.json` is what the program prints.

#[test]
fn the_schema_in_the_repository_is_the_one_that_is_printed() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/manifests.schema.json");
    let file = std::fs::read_to_string(path).unwrap_or_default();
    let mend = "cargo run -- schema > schema/manifests.schema.json";
    assert!(file == mlist::config::schema(), "schema/manifests.schema.json is out of date; to mend it: {mend}");
}
