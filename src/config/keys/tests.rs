//! The table as a whole.

use super::*;
use crate::naming::nearest;

#[test]
fn no_place_has_a_key_twice() {
    for (at, info) in KEYS.iter().enumerate() {
        for other in &KEYS[at + 1..] {
            let shared = info.places.iter().any(|place| other.places.contains(place));
            assert!(info.name != other.name || !shared, "{}", info.name);
        }
    }
}

#[test]
fn a_key_of_another_place_is_only_taken_for_one_that_it_is_written_like() {
    let places = [Top, Defaults, Convention, List, Target, Row, OsVersion, Tag, Axis, Variable, Registry];
    let mut guesses = Vec::new();
    for info in KEYS.iter().filter(|info| info.shape != Shape::NotYet) {
        for place in places.into_iter().filter(|place| keys_of(*place).all(|known| known.name != info.name)) {
            let meant = nearest(info.name, built_keys_of(place).map(|known| known.name));
            guesses.extend(meant.map(|meant| (info.name, place, meant)));
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
