//! [`CODES`]: the codes of all problems about manifests.toml. Codes are stable, and each has a test.

/// Each code, and its meaning in one sentence.
pub const CODES: &[(&str, &str)] = &[
    ("mlist::config::axis_twice", "an axis of a matrix has a value twice"),
    ("mlist::config::bad_duration", "a duration is not hours, minutes and seconds"),
    ("mlist::config::bad_name", "a list, convention, variable, axis or registry has a name that none can have"),
    ("mlist::config::bad_platform", "a platform is not os/arch or os/arch/variant in OCI's words"),
    ("mlist::config::bad_reference", "a source or target does not come to a reference"),
    ("mlist::config::bad_tag", "a tag's template does not come to a tag"),
    ("mlist::config::bad_template", "a template breaks the grammar"),
    ("mlist::config::bad_value", "a variable's value has several lines, is too long, or takes too many others"),
    ("mlist::config::cycle", "a variable needs itself"),
    ("mlist::config::empty_axis", "an axis of a matrix has no value: none is written, or no line or tag is one"),
    ("mlist::config::id_twice", "two lists have one id, or a list has two targets in one repository"),
    ("mlist::config::include_empty", "a glob of include means no file"),
    (
        "mlist::config::left_out",
        "a warning: under --untrusted what is said of a registry counts only as far as it is a limit",
    ),
    ("mlist::config::misplaced_key", "a key stands where, or beside what, it does not belong"),
    ("mlist::config::missing_key", "a list, row, variable or registry lacks a key"),
    ("mlist::config::name_twice", "a name is a variable and an axis at one level"),
    ("mlist::config::needs_oci", "a Docker list is asked for, and something that only OCI has"),
    ("mlist::config::nested_include", "a file that is included includes others"),
    (
        "mlist::config::newest_without_version_tag",
        "a tag is for the newest version, and no other one says which versions are published",
    ),
    ("mlist::config::no_list", "there is no list in the file"),
    ("mlist::config::no_part", "a version has no such part, or is none"),
    ("mlist::config::no_spelling", "the arch-style has no word for a platform that needs one"),
    ("mlist::config::no_value", "a variable has neither value nor default"),
    ("mlist::config::no_version", "a condition speaks of `version`, and the list has none"),
    ("mlist::config::not_yet", "a part of the format that this version does not have yet"),
    ("mlist::config::outside_root", "under --root or --untrusted a path leads out of the folder that it may not leave"),
    ("mlist::config::platform_twice", "a list has two members of one platform"),
    ("mlist::config::registry_twice", "two tables are of one registry"),
    ("mlist::config::reserved_name", "a variable or axis has the name of something built in"),
    ("mlist::config::secret_variable", "a variable takes from the environment what a registry is logged in to with"),
    ("mlist::config::set_without_effect", "a value from --set reaches no list that is selected"),
    (
        "mlist::config::single_writer",
        "a warning: a list keeps members of other jobs, but has no member tags, so only one job at a time can write it",
    ),
    ("mlist::config::source_twice", "two members come to one image"),
    ("mlist::config::syntax", "the file is no TOML"),
    ("mlist::config::tag_twice", "two lists or members claim one tag of one repository"),
    (
        "mlist::config::too_large",
        "a file and the files that it includes would need too much memory: the message names what there is too much of",
    ),
    ("mlist::config::too_many_lists", "a file comes to more lists than are planned at once"),
    ("mlist::config::type", "a key holds another type, or a word or number that it does not take"),
    (
        "mlist::config::unfindable_member_tag",
        "a list keeps members of other jobs, and they cannot find a member by its tag",
    ),
    ("mlist::config::unknown_convention", "a list asks for a convention that is not there"),
    ("mlist::config::unknown_filter", "a template uses a filter that is not there"),
    ("mlist::config::unknown_key", "a key that the format does not have"),
    ("mlist::config::unknown_platform", "a warning: nobody knows this operating system or architecture"),
    ("mlist::config::unknown_selector", "a selector fits no list"),
    ("mlist::config::unknown_set", "--set names a variable that is not there"),
    ("mlist::config::unknown_variable", "a template uses a variable that is not there"),
    ("mlist::config::unreadable", "a file is absent or can't be read"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_code_stands_twice_and_all_are_in_order() {
        assert!(CODES.is_sorted_by(|(one, _), (next, _)| one < next));
    }
}
