//! [`CODES`]: the codes of all problems about manifests.toml. Codes are stable, and each has a test.

/// Each code, and its meaning in one sentence.
pub const CODES: &[(&str, &str)] = &[
    ("mlist::config::axis_twice", "a matrix axis has a duplicate value"),
    ("mlist::config::bad_duration", "a duration is not written in hours, minutes or seconds"),
    ("mlist::config::bad_name", "the name of a list, convention, variable, axis or registry is not valid"),
    (
        "mlist::config::bad_platform",
        "a platform does not have the form os/arch or os/arch/variant, or uses a name that OCI does not have",
    ),
    ("mlist::config::bad_reference", "a source or target does not expand to a valid reference"),
    ("mlist::config::bad_tag", "a tag does not expand to a valid tag"),
    ("mlist::config::bad_template", "a template has a syntax error"),
    (
        "mlist::config::bad_value",
        "the value of a variable has several lines, is too long, or uses too many other variables",
    ),
    ("mlist::config::cycle", "a variable refers to itself"),
    ("mlist::config::default_version", "a warning: a CI job publishes tags with the default of the variable `version`"),
    ("mlist::config::empty_axis", "a matrix axis has no values: none is written, or no line or tag matches"),
    ("mlist::config::id_twice", "two lists have the same id, or a list has the same target twice"),
    ("mlist::config::include_empty", "a glob in include matches no file"),
    (
        "mlist::config::left_out",
        "a warning: with --untrusted, only the limits of a registry are used, and its other settings are ignored",
    ),
    ("mlist::config::misplaced_key", "a key is in the wrong table, or cannot be combined with another key"),
    ("mlist::config::missing_key", "a list, row, variable or registry requires a key that is missing"),
    ("mlist::config::name_twice", "a variable and an axis at the same level have the same name"),
    ("mlist::config::needs_oci", "a list has format = \"docker\", but also uses a feature that only OCI has"),
    ("mlist::config::nested_include", "an included file has an include of its own"),
    (
        "mlist::config::newest_without_version_tag",
        "a tag is for the newest version, but no other tag shows which versions are published",
    ),
    ("mlist::config::no_list", "the file defines no list"),
    ("mlist::config::no_part", "a value has no such version part, or is not a version"),
    ("mlist::config::no_spelling", "the arch-style has no name for a platform"),
    ("mlist::config::no_value", "a variable has no value and no default"),
    ("mlist::config::no_version", "a condition requires the variable `version`, which the list does not have"),
    ("mlist::config::not_yet", "a part of the format that this version of mlist does not support yet"),
    ("mlist::config::outside_root", "with --root or --untrusted, a path is outside of the root directory"),
    ("mlist::config::platform_twice", "a list has two members for the same platform"),
    ("mlist::config::registry_twice", "a registry is defined twice"),
    ("mlist::config::reserved_name", "a variable or axis has the name of a built-in value"),
    ("mlist::config::secret_variable", "a variable reads an environment variable that contains registry credentials"),
    ("mlist::config::set_without_effect", "a value from --set is not used by any selected list"),
    (
        "mlist::config::single_writer",
        "a warning: a list keeps members of other jobs but has no member tags, so only one job at a time can publish it",
    ),
    ("mlist::config::source_twice", "two members of a list have the same source image"),
    ("mlist::config::syntax", "the file is not valid TOML"),
    ("mlist::config::tag_twice", "two lists or members claim the same tag of one repository"),
    (
        "mlist::config::too_large",
        "a file and the files that it includes would need too much memory; the message says which part is too large",
    ),
    ("mlist::config::too_many_lists", "a file expands to more lists than one run can process"),
    ("mlist::config::type", "the value of a key has the wrong type, or is not one of the valid values"),
    (
        "mlist::config::unfindable_member_tag",
        "a list keeps members of other jobs, but these jobs cannot find a member of this list by its tag",
    ),
    ("mlist::config::unknown_convention", "a list uses a convention that is not defined"),
    ("mlist::config::unknown_filter", "a template uses an unknown filter"),
    ("mlist::config::unknown_key", "an unknown key"),
    ("mlist::config::unknown_platform", "a warning: an unknown operating system or architecture"),
    ("mlist::config::unknown_selector", "a selector matches no list"),
    ("mlist::config::unknown_set", "--set names an unknown variable"),
    ("mlist::config::unknown_variable", "a template uses a variable that is unknown or not available there"),
    ("mlist::config::unreadable", "a file is not found or cannot be read"),
    ("mlist::config::unused_convention", "a warning: no list uses a convention"),
    ("mlist::config::unused_registry", "a warning: no source or target names the host of a registry's settings"),
    ("mlist::config::unused_variable", "a warning: no list uses a variable"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted_and_unique() {
        assert!(CODES.is_sorted_by(|(one, _), (next, _)| one < next));
    }
}
