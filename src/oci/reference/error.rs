//! [`ReferenceError`]: what is wrong with a text that is not a valid reference, and where.

use std::borrow::Cow;
use std::ops::Range;

use super::{LAYOUT, written_host};
use crate::oci::digest::DigestError;
use crate::oci::invisible::{excerpt, quoted_char};

/// The error for a text that is not a valid reference, tag or host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ReferenceError {
    /// What is wrong. It quotes the text or the invalid part of it, but never a user name or password.
    pub message: String,
    /// What is wrong, without the text.
    pub kind: ReferenceErrorKind,
    /// The invalid part of the text, in bytes: for an invalid character only this character.
    pub span: Range<usize>,
    /// The tag, digest, repository or host with the error, in bytes of the text. It contains `span`.
    pub part: Range<usize>,
    /// Whether the text has no host, so that it names a repository on Docker Hub.
    pub means_hub: bool,
    /// Whether the whole text is a tag or host.
    is_part: bool,
}

/// What is wrong with a text that is not a valid reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReferenceErrorKind {
    /// The text must have a tag or a digest, but has neither.
    NoLocator,
    /// The text must not have a tag or digest, but has one.
    UnexpectedLocator,
    /// The text begins with a scheme, such as `https://`.
    Scheme,
    /// The text begins with `USER@` or `USER:PASSWORD@`.
    User,
    /// There is no repository before the tag or digest, or the text is empty.
    NoRepository,
    /// There is no folder after `oci:`.
    NoFolder,
    /// The text begins with `OCI:` or the like.
    LayoutCase,
    /// The path begins or ends with `/`, or has two in a row.
    EmptyPathPart,
    /// The path has this upper-case letter.
    UpperCasePath(char),
    /// The path has this character, which is not allowed there.
    PathCharacter(char),
    /// A `.`, `_` or `-` of the path is not between letters or digits, or is repeated.
    PathSeparator,
    /// Host and path together have this many characters, which are too many.
    LongRepository(usize),
    /// The tag is empty.
    EmptyTag,
    /// The tag has this character, which is not allowed there.
    TagCharacter(char),
    /// The tag begins with this character, which is allowed only after the first one.
    TagStart(char),
    /// The tag has this many characters, which are too many.
    LongTag(usize),
    /// The text after `@` is not a valid digest.
    Digest(DigestError),
    /// The host is an IPv6 address without brackets. The value is the host as it has to be written.
    BareIpv6(String),
    /// The text in brackets is not an IPv6 address.
    NotIpv6,
    /// A `[` has no `]`.
    OpenBracket,
    /// Something other than a port follows the address in brackets.
    AfterAddress,
    /// The host has this character, which is not allowed there.
    HostCharacter(char),
    /// The host name is empty, or has a label that is empty or begins or ends with `-`.
    HostName,
    /// The port is not a number, or it is greater than 65535.
    Port,
}

use ReferenceErrorKind as Kind;

impl ReferenceErrorKind {
    /// The character that is not allowed, if the error is about one character.
    #[must_use]
    pub fn character(&self) -> Option<char> {
        match *self {
            Self::UpperCasePath(c)
            | Self::PathCharacter(c)
            | Self::TagCharacter(c)
            | Self::TagStart(c)
            | Self::HostCharacter(c)
            | Self::Digest(DigestError::Character { character: c, .. }) => Some(c),
            _ => None,
        }
    }

    /// What the invalid part is called.
    fn part(&self) -> &'static str {
        match self {
            Self::EmptyTag | Self::TagCharacter(_) | Self::TagStart(_) | Self::LongTag(_) => "tag",
            Self::Digest(_) => "digest",
            Self::BareIpv6(_)
            | Self::NotIpv6
            | Self::OpenBracket
            | Self::AfterAddress
            | Self::HostCharacter(_)
            | Self::HostName
            | Self::Port => "host",
            _ => "repository",
        }
    }

    /// The message. `whole` is the text in quotes, and `part` says which part of it is invalid.
    fn message(&self, whole: &str, part: &str) -> String {
        match self {
            Self::NoLocator => format!("{whole} has no tag or digest"),
            Self::UnexpectedLocator => format!("{whole} has a tag or digest; expected a repository without one"),
            Self::Scheme => format!("{whole} starts with a URL scheme, which references do not have"),
            Self::User => format!("{whole} contains a user name, which references do not have"),
            Self::NoRepository if whole == "``" => "expected a repository, found an empty string".to_owned(),
            Self::NoRepository => format!("{whole} has no repository"),
            Self::NoFolder => format!("{whole} has no directory after `{LAYOUT}`"),
            Self::LayoutCase => format!("`{LAYOUT}` must be lowercase in {whole}: expected oci:DIR"),
            Self::EmptyPathPart => format!("empty path component in {part}: `/` is repeated, or at the start or end"),
            Self::UpperCasePath(c) => {
                format!("invalid character {} in {part}: repositories are lowercase", quoted_char(*c))
            }
            Self::PathCharacter(c) => format!(
                "invalid character {} in {part}: repositories allow lowercase letters, digits, `.`, `_`, `-` and `/`",
                quoted_char(*c)
            ),
            Self::PathSeparator => {
                format!("{part} is not valid: `.`, `_`, `__` and `-` are allowed only between letters or digits")
            }
            Self::LongRepository(length) => format!("{part} is {length} characters long; the maximum is 255"),
            Self::EmptyTag => format!("{part} is empty"),
            Self::TagCharacter(c) => {
                format!("invalid character {} in {part}: tags allow letters, digits, `_`, `.` and `-`", quoted_char(*c))
            }
            Self::TagStart(c) => format!("{part} starts with `{c}`: tags start with a letter, digit or `_`"),
            Self::LongTag(length) => format!("{part} is {length} characters long; the maximum is 128"),
            Self::Digest(error) => format!("{whole} has an invalid digest after `@`: {error}"),
            Self::BareIpv6(right) => format!("IPv6 address without brackets in {whole}: write `{right}`"),
            Self::NotIpv6 => format!("{part} is not valid: expected an IPv6 address in the brackets"),
            Self::OpenBracket => format!("`[` is not closed in {whole}: expected an IPv6 address such as `[::1]:5000`"),
            Self::AfterAddress => format!("{part} is not valid: expected `:PORT` after the IPv6 address"),
            Self::HostCharacter(c) => {
                format!(
                    "invalid character {} in {part}: host names allow letters, digits, `.`, `-` and `_`",
                    quoted_char(*c)
                )
            }
            Self::HostName => format!("{part} is not a valid host name"),
            Self::Port => format!("invalid port in {part}: expected a number up to 65535"),
        }
    }
}

impl ReferenceError {
    /// Returns the message with the text replaced by `shown`, because the text itself may contain a secret. An invalid
    /// character is still named.
    #[must_use]
    pub fn message_of(&self, shown: &str) -> String {
        let whole = self.whole(shown);
        let noun = self.noun();
        let part = if self.is_part { format!("{noun} {whole}") } else { format!("the {noun} of {whole}") };
        self.kind.message(&whole, &part)
    }

    /// The whole text in quotes. Users who left the host out do not always know that this means Docker Hub.
    fn whole(&self, text: &str) -> String {
        let is_about_repository = matches!(self.kind, Kind::NoLocator | Kind::UnexpectedLocator);
        quoted(text) + if self.means_hub && is_about_repository { " on Docker Hub" } else { "" }
    }

    fn noun(&self) -> String {
        let part = self.kind.part();
        if self.means_hub && part == "repository" { format!("Docker Hub {part}") } else { part.to_owned() }
    }
}

/// What is wrong with a part of a text, before the whole text is known.
pub(super) struct Fault {
    kind: Kind,
    span: Range<usize>,
    part: Range<usize>,
}

impl Fault {
    pub(super) fn new(kind: Kind, span: Range<usize>) -> Self {
        Self { kind, part: span.clone(), span }
    }

    /// Returns the same fault as one of the whole part `part`.
    pub(super) fn within(self, part: Range<usize>) -> Self {
        Self { part, ..self }
    }

    /// Returns the same fault for a text in which the part begins at byte `start`.
    pub(super) fn from(self, start: usize) -> Self {
        let moved = |range: Range<usize>| range.start + start..range.end + start;
        Self { span: moved(self.span), part: moved(self.part), ..self }
    }

    /// Returns the error for `text`, which is a tag or a host.
    pub(super) fn of_part(self, text: &str) -> ReferenceError {
        self.of(text, true)
    }

    /// Returns the error for `text`, which is a reference or a place.
    pub(super) fn of_reference(self, text: &str) -> ReferenceError {
        self.of(text, false)
    }

    fn of(self, text: &str, is_part: bool) -> ReferenceError {
        let Self { kind, span, part } = self;
        let has_host = is_part
            || text.starts_with(LAYOUT)
            || matches!(kind, Kind::Scheme | Kind::User | Kind::LayoutCase | Kind::NoRepository | Kind::BareIpv6(_))
            || written_host(text).is_some();
        let error = ReferenceError { message: String::new(), kind, span, part, means_hub: !has_host, is_part };
        let whole = error.whole(text);
        let invalid = match &text[error.part.clone()] {
            "" if is_part => format!("the {}", error.noun()),
            "" => format!("the {} of {whole}", error.noun()),
            invalid => format!("{} `{}`", error.noun(), excerpt(invalid)),
        };
        ReferenceError { message: error.kind.message(&whole, &invalid), ..error }
    }
}

/// Returns the number of bytes of the user name, and perhaps password, before the host.
pub(super) fn user_length(text: &str) -> Option<usize> {
    if text.starts_with(LAYOUT) { None } else { text[..text.rfind('/')?].rfind('@') }
}

/// Returns a text in quotes. User names and passwords are not shown.
fn quoted(text: &str) -> String {
    // Without a `/`, what follows the `@` was read as a digest.
    let without_path = || text.rfind('@').filter(|at| text[..*at].contains(':') && !text[at + 1..].starts_with("sha"));
    let user = user_length(text).or_else(|| without_path().filter(|_| !text.contains('/')));
    let visible = user.map_or(Cow::Borrowed(text), |length| format!("…{}", &text[length..]).into());
    format!("`{}`", excerpt(&visible))
}
