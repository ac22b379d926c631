//! Tests of the whole table.

use super::TableKind::{Axis, Convention, Defaults, List, OsVersion, Registry, Row, Tag, Target, Top, Variable};
use super::*;
use crate::naming::nearest;

#[test]
fn no_place_has_a_key_twice() {
    for (at, info) in KEYS.iter().enumerate() {
        for other in &KEYS[at + 1..] {
            let shared = info.table_kinds().any(|table_kind| other.at(table_kind).is_some());
            assert!(info.name != other.name || !shared, "{}", info.name);
        }
    }
}

#[test]
fn each_built_key_of_a_place_is_another_one_of_its_set() {
    fn check<K: KeySet + PartialEq>(table_kind: TableKind) {
        let all: Vec<K> = K::all(table_kind).collect();
        assert_eq!(all.len(), built_keys_of(table_kind).count(), "{table_kind:?}");
        assert!(all.iter().enumerate().all(|(at, key)| !all[at + 1..].contains(key)), "{table_kind:?}");
    }
    check::<TopKey>(Top);
    [Defaults, Convention, List, Target].into_iter().for_each(check::<LevelKey>);
    check::<RowKey>(Row);
    check::<OsVersionKey>(OsVersion);
    check::<TagKey>(Tag);
    check::<AxisKey>(Axis);
    check::<VariableKey>(Variable);
    check::<RegistryKey>(Registry);
}

#[test]
fn a_key_of_another_place_is_only_taken_for_one_that_it_is_written_like() {
    let places = [Top, Defaults, Convention, List, Target, Row, OsVersion, Tag, Axis, Variable, Registry];
    let mut guesses = Vec::new();
    for info in KEYS.iter().filter(|info| info.shape != Shape::NotYet) {
        for table_kind in
            places.into_iter().filter(|table_kind| keys_of(*table_kind).all(|known| known.name != info.name))
        {
            let meant = nearest(info.name, built_keys_of(table_kind).map(|known| known.name));
            guesses.extend(meant.map(|meant| (info.name, table_kind, meant)));
        }
    }
    assert_eq!(
        guesses,
        [
            ("defaults", Variable, "default"),
            ("platforms", Row, "platform"),
            ("tags", Tag, "tag"),
            ("attestations", Row, "annotations"),
            ("platform", Defaults, "platforms"),
            ("platform", Convention, "platforms"),
            ("platform", List, "platforms"),
            ("platform", Target, "platforms"),
            ("tag", Defaults, "tags"),
            ("tag", Convention, "tags"),
            ("tag", List, "tags"),
            ("tag", Target, "tags"),
            ("default", Top, "defaults"),
        ]
    );
}

#[test]
fn what_is_built_is_described() {
    for info in KEYS.iter().filter(|info| info.shape != Shape::NotYet) {
        assert!(info.about.ends_with('.') && !info.example.is_empty(), "{}", info.name);
    }
}
