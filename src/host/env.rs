//! Environment variables.

use std::ffi::OsString;

use secrecy::SecretString;

use crate::config::facts::Fact;

/// Returns the value of a variable. `None` if it is unset or empty.
pub(super) fn value(name: &str) -> Fact {
    text(name, filled(variable(name)))
}

/// Returns the value of a variable that contains a secret. `None` if the variable is unset. An empty value is returned
/// as it is: CI systems set a secret to an empty value if the job may not have it.
///
/// # Errors
/// Returns an error with the name of the variable if the value is not UTF-8.
pub fn secret(name: &str) -> Result<Option<SecretString>, String> {
    Ok(text(name, variable(name))?.map(SecretString::from))
}

fn variable(name: &str) -> Option<OsString> {
    // A name that is not valid for a variable is treated as unset.
    let can_be_set = !name.is_empty() && !name.contains(['=', '\0']);
    if can_be_set { std::env::var_os(name) } else { None }
}

fn filled(value: Option<OsString>) -> Option<OsString> {
    value.filter(|value| !value.is_empty())
}

fn text(name: &str, value: Option<OsString>) -> Fact {
    value
        .map(|value| value.into_string().map_err(|_| format!("environment variable {name} is not valid UTF-8")))
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_utf8_is_an_error_and_not_shown() {
        use std::os::unix::ffi::OsStringExt as _;
        let value = OsString::from_vec(b"secret\xff".to_vec());
        assert_eq!(text("V", Some(value)), Err("environment variable V is not valid UTF-8".to_owned()));
    }

    #[test]
    fn unset_empty_and_impossible_are_none() {
        assert_eq!(text("V", None), Ok(None));
        assert_eq!(filled(Some(OsString::new())), None);
        for name in ["MLIST_TEST_OF_A_VARIABLE_THAT_NOBODY_SETS", "", "A=B", "A\0"] {
            assert_eq!(value(name), Ok(None), "{name:?}");
        }
    }

    #[test]
    fn a_secret_is_what_the_variable_holds_and_is_not_shown() {
        use secrecy::ExposeSecret as _;
        let path = std::env::var("PATH").unwrap();
        let secret = secret("PATH").unwrap().unwrap();
        assert_eq!(secret.expose_secret(), path);
        assert!(!format!("{secret:?}").contains(&path));
    }

    #[test]
    fn a_value_is_given_as_it_is() {
        let path = std::env::var("PATH").unwrap();
        assert_eq!(value("PATH"), Ok(Some(path)));
    }
}
