//! [`Filter`]: the filters that can follow a `|` in a placeholder.

/// Changes a value before it is inserted into a name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Filter {
    /// `tag`: replaces characters that a tag cannot contain.
    Tag,
    /// `lower`: converts the value to lowercase.
    Lower,
    /// `no-v`: removes a leading `v` if a digit follows it.
    NoV,
    /// `replace:A:B`: replaces each A with B.
    Replace {
        /// A, never empty.
        from: String,
        /// B, may be empty.
        to: String,
    },
}

impl Filter {
    /// The names of all filters, without their arguments.
    pub const NAMES: [&str; 4] = ["tag", "lower", "no-v", "replace"];

    /// Returns the filtered value.
    ///
    /// ```
    /// # use mlist::naming::Filter;
    /// assert_eq!(Filter::Tag.apply("feature/x+1"), "feature-x_1");
    /// assert_eq!(Filter::NoV.apply("v1.31.0"), "1.31.0");
    /// ```
    #[must_use]
    pub fn apply(&self, value: &str) -> String {
        match self {
            Self::Tag => tag(value),
            Self::Lower => value.to_lowercase(),
            Self::NoV => without_v(value).to_owned(),
            Self::Replace { from, to } => value.replace(from.as_str(), to),
        }
    }

    /// Returns the maximum length of the result of [`Filter::apply`] in bytes, without creating the result.
    pub(super) fn longest(&self, value: &str) -> usize {
        match self {
            Self::Replace { from, to } => {
                let found = value.matches(from.as_str()).count();
                value.len() - found * from.len() + found.saturating_mul(to.len())
            }
            Self::Tag | Self::Lower | Self::NoV => value.len(),
        }
    }
}

/// `+` has its own replacement, because `1.0+a` and `1.0-a` are two different versions.
fn tag(value: &str) -> String {
    let fitting = |c: char| match c {
        '+' => '_',
        c if c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-') => c,
        _ => '-',
    };
    let mut text: String = value.chars().map(fitting).collect();
    if text.starts_with(['.', '-']) {
        text.replace_range(..1, "_");
    }
    text
}

fn without_v(value: &str) -> &str {
    value.strip_prefix('v').filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit())).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::oci::Tag;

    #[test]
    fn tag_replaces_what_a_tag_cannot_hold() {
        for (value, text) in [
            ("", ""),
            ("v1.31.0", "v1.31.0"),
            ("1.0+k3s1", "1.0_k3s1"),
            ("feature/new thing", "feature-new-thing"),
            ("-x", "_x"),
            (".x", "_x"),
            ("+x", "_x"),
            ("ä", "_"),
            ("xä", "x-"),
        ] {
            assert_eq!(Filter::Tag.apply(value), text, "{value}");
        }
    }

    #[test]
    fn no_v_takes_one_v_and_only_before_a_digit() {
        for (value, text) in [("v1", "1"), ("vv1", "vv1"), ("1", "1"), ("v", "v"), ("vnext", "vnext"), ("", "")] {
            assert_eq!(Filter::NoV.apply(value), text, "{value}");
        }
    }

    #[test]
    fn replace_replaces_each() {
        let filter = Filter::Replace { from: "/".into(), to: "-".into() };
        assert_eq!(filter.apply("linux/arm/v7"), "linux-arm-v7");
        let filter = Filter::Replace { from: ".".into(), to: String::new() };
        assert_eq!(filter.apply("1.2.3"), "123");
    }

    #[test]
    fn lower_is_lower_case() {
        assert_eq!(Filter::Lower.apply("ORG/App"), "org/app");
    }

    proptest! {
        #[test]
        fn what_tag_gives_is_a_tag(value in ".{1,100}") {
            let text = Filter::Tag.apply(&value);
            prop_assert!(Tag::parse(&text).is_ok(), "{}", text);
            prop_assert_eq!(Filter::Tag.apply(&text), text);
        }
    }
}
