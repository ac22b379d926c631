//! References: which repository or layout, and what in it (distribution-spec "Pulling manifests"; Docker's rules for
//! short names).

use std::fmt;
use std::ops::Range;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::Digest;

/// A registry's host and port, in canonical form: lower case, Docker Hub is `docker.io`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Host(Arc<str>);

/// A repository of a registry, in canonical form: `docker.io/library/debian`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Repository {
    host: Host,
    path: Arc<str>,
}

/// A tag: at most 128 letters, digits, `_`, `.`, `-`, the first no `.` or `-`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(Arc<str>);

/// The folder of an OCI image layout, without `.` and `..` where they can be worked out from the text.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LayoutDir(Arc<Path>);

/// Where manifests are: a repository, or a layout on disk (`oci:DIR`).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// A repository of a registry.
    Repository(Repository),
    /// An OCI image layout.
    Layout(LayoutDir),
}

/// Which manifest of a place.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Locator {
    /// Whatever the tag names at the time.
    Tag(Tag),
    /// This one for ever.
    Digest(Digest),
}

/// One manifest, by name.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reference {
    /// Where it is.
    pub place: Place,
    /// Which it is.
    pub locator: Locator,
}

/// A text that is no reference, and the part of it (in bytes) that is at fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ReferenceError {
    /// What is wrong: the text and [`ReferenceError::why`].
    pub message: String,
    /// What is wrong, without the text or any part of it.
    pub why: String,
    /// Where.
    pub span: Range<usize>,
    /// Whether the text begins with a user's name, and maybe a password, which are not shown.
    names_user: bool,
}

impl ReferenceError {
    /// The message where the text is shown as `shown`: it may hold what is not for everybody.
    #[must_use]
    pub fn message_of(&self, shown: &str) -> String {
        match shown.split_once('@') {
            Some((_, rest)) if self.names_user => format!("`…@{rest}` {}", self.why),
            _ => format!("`{shown}` {}", self.why),
        }
    }
}

const LAYOUT: &str = "oci:";
const HUB: &str = "docker.io";

impl Reference {
    /// Reads `[HOST/]PATH:TAG`, `[HOST/]PATH[:TAG]@DIGEST` or `oci:DIR:TAG`, `oci:DIR@DIGEST`. A digest beside a tag
    /// decides, as everywhere.
    ///
    /// # Errors
    /// What is malformed, and a reference without tag or digest: there is no silent `latest`.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        let whole = || Fault::new("has no tag or digest", 0..text.len());
        split(text)
            .and_then(|(place, locator)| Ok(Self { place, locator: locator.ok_or_else(whole)? }))
            .map_err(|fault| fault.of(text))
    }

    /// This reference with a layout's folder taken as relative to `base`.
    #[must_use]
    pub fn under(self, base: &Path) -> Self {
        Self { place: self.place.under(base), locator: self.locator }
    }

    /// The tag, where it is named by one.
    #[must_use]
    pub fn tag(&self) -> Option<&Tag> {
        match &self.locator {
            Locator::Tag(tag) => Some(tag),
            Locator::Digest(_) => None,
        }
    }
}

impl Place {
    /// Reads `[HOST/]PATH` or `oci:DIR`.
    ///
    /// # Errors
    /// What is malformed, and a tag or digest behind it.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        match split(text).map_err(|fault| fault.of(text))? {
            (place, None) => Ok(place),
            (_, Some(locator)) => {
                let behind = text.len() - locator.to_string().len() - 1..text.len();
                Err(Fault::new("has a tag or digest, which does not belong to a repository", behind).of(text))
            }
        }
    }

    /// The manifest of this place that `tag` names.
    #[must_use]
    pub fn tagged(&self, tag: &Tag) -> Reference {
        Reference { place: self.clone(), locator: Locator::Tag(tag.clone()) }
    }

    /// The manifest of this place that has `digest`.
    #[must_use]
    pub fn with_digest(&self, digest: &Digest) -> Reference {
        Reference { place: self.clone(), locator: Locator::Digest(digest.clone()) }
    }

    /// This place with a layout's folder taken as relative to `base`.
    #[must_use]
    pub fn under(self, base: &Path) -> Self {
        match self {
            Self::Layout(dir) => Self::Layout(LayoutDir::new(&base.join(dir.path()))),
            repository @ Self::Repository(_) => repository,
        }
    }

    /// The registry; a layout has none.
    #[must_use]
    pub fn host(&self) -> Option<&Host> {
        match self {
            Self::Repository(repository) => Some(&repository.host),
            Self::Layout(_) => None,
        }
    }
}

impl Host {
    /// Reads `NAME[:PORT]`, `ADDRESS[:PORT]` or `[IPV6][:PORT]`.
    ///
    /// # Errors
    /// What none of these is.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        read_host(text).map_err(|fault| fault.of(text))
    }

    /// `docker.io`, `registry.corp:5000`, `[::1]:5000`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The host without its port (and an IPv6 address without its brackets).
    #[must_use]
    pub fn name(&self) -> &str {
        if let Some(rest) = self.0.strip_prefix('[') {
            return rest.split(']').next().unwrap_or_default();
        }
        self.0.split(':').next().unwrap_or_default()
    }

    /// Docker Hub, whose API is at another name.
    #[must_use]
    pub fn is_hub(&self) -> bool {
        &*self.0 == HUB
    }

    /// This machine itself: `localhost`, a name below it, or an address that never leaves the machine (RFC 6761,
    /// RFC 1122, RFC 4291).
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let name = self.name();
        name == "localhost"
            || name.ends_with(".localhost")
            || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

impl Repository {
    /// The registry.
    #[must_use]
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The name within the registry: `library/debian`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }
}

impl Tag {
    /// Reads a tag.
    ///
    /// # Errors
    /// A text that the distribution-spec's grammar has no tag for.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        read_tag(text).map_err(|fault| fault.of(text))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl LayoutDir {
    /// Takes a folder; `.` and `..` are worked out from the text alone.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        let mut normal = PathBuf::new();
        for part in path.components() {
            match part {
                Component::CurDir => {}
                Component::ParentDir if matches!(normal.components().next_back(), Some(Component::Normal(_))) => {
                    normal.pop();
                }
                part => normal.push(part),
            }
        }
        if normal.as_os_str().is_empty() {
            normal.push(".");
        }
        Self(normal.into())
    }

    /// The folder, as seen from where the program runs.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}

/// What is wrong with a part of a text, before it is known what the whole text is.
struct Fault {
    why: String,
    span: Range<usize>,
    /// So many bytes at the beginning of the whole text are not shown: a password stands there.
    hidden: usize,
}

impl Fault {
    fn new(why: impl Into<String>, span: Range<usize>) -> Self {
        Self { why: why.into(), span, hidden: 0 }
    }

    /// The same fault of a text in which the part begins at `start`.
    fn from(self, start: usize) -> Self {
        Self { span: self.span.start + start..self.span.end + start, ..self }
    }

    fn of(self, text: &str) -> ReferenceError {
        let mark = if self.hidden > 0 { "…" } else { "" };
        let message = format!("`{mark}{}` {}", &text[self.hidden..], self.why);
        ReferenceError { message, why: self.why, span: self.span, names_user: self.hidden > 0 }
    }
}

/// Splits a text into its place and, if it has one, its tag or digest.
fn split(text: &str) -> Result<(Place, Option<Locator>), Fault> {
    if let Some(scheme) = text.find("://") {
        return Err(Fault::new("begins with a scheme, which no reference has", 0..scheme + 3));
    }
    if let Some(rest) = text.strip_prefix(LAYOUT) {
        return split_layout(rest).map_err(|fault| fault.from(LAYOUT.len()));
    }
    // A host of this name would be shown as the folder of a layout.
    if text.get(..LAYOUT.len()).is_some_and(|start| start.eq_ignore_ascii_case(LAYOUT)) {
        return Err(Fault::new("has `oci:` in other letters: a layout is written oci:DIR", 0..LAYOUT.len()));
    }
    if let Some((user, rest)) = text.split_once('@')
        && rest.contains('/')
    {
        let hidden = user.len();
        return Err(Fault { hidden, ..Fault::new("names a user, which no reference does", 0..hidden + 1) });
    }
    let (name, digest) = split_digest(text)?;
    let last_part = name.rfind('/').map_or(0, |slash| slash + 1);
    let (name, tag) = match name[last_part..].find(':').map(|colon| last_part + colon) {
        Some(colon) => {
            let tag = read_tag(&name[colon + 1..]).map_err(|fault| fault.from(colon + 1))?;
            (&name[..colon], Some(Locator::Tag(tag)))
        }
        None => (name, None),
    };
    Ok((Place::Repository(read_repository(name)?), digest.or(tag)))
}

/// As for skopeo, the folder ends at the first colon; a digest, which has one, stands behind `@`.
fn split_layout(text: &str) -> Result<(Place, Option<Locator>), Fault> {
    let (dir, digest) = split_digest(text)?;
    let (dir, tag) = match dir.split_once(':') {
        Some((dir, tag)) => (dir, Some(Locator::Tag(read_tag(tag).map_err(|fault| fault.from(dir.len() + 1))?))),
        None => (dir, None),
    };
    if dir.is_empty() {
        return Err(Fault::new("names no folder", 0..text.len()));
    }
    Ok((Place::Layout(LayoutDir::new(Path::new(dir))), digest.or(tag)))
}

fn split_digest(text: &str) -> Result<(&str, Option<Locator>), Fault> {
    let Some((name, digest)) = text.split_once('@') else { return Ok((text, None)) };
    let read = Digest::parse(digest)
        .map_err(|error| Fault::new(format!("has no digest behind its `@`: {error}"), name.len() + 1..text.len()))?;
    Ok((name, Some(Locator::Digest(read))))
}

fn read_tag(text: &str) -> Result<Tag, Fault> {
    let first = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let Some(initial) = text.chars().next() else { return Err(Fault::new("has an empty tag", 0..0)) };
    let wrong = text.char_indices().find(|(_, c)| !(first(*c) || matches!(c, '.' | '-')));
    if let Some((at, c)) = wrong {
        let why = "has a tag with more than letters, digits, `_`, `.` and `-`";
        return Err(Fault::new(why, at..at + c.len_utf8()));
    }
    if !first(initial) {
        return Err(Fault::new("has a tag that begins with `.` or `-`", 0..1));
    }
    if text.len() > 128 {
        return Err(Fault::new("has a tag longer than 128 characters", 128..text.len()));
    }
    Ok(Tag(text.into()))
}

fn read_host(text: &str) -> Result<Host, Fault> {
    let (name, port) = if let Some(rest) = text.strip_prefix('[') {
        let open = || Fault::new("has a `[` that is not closed", 0..text.len());
        let (address, behind) = rest.split_once(']').ok_or_else(open)?;
        let Ok(read) = address.parse::<std::net::Ipv6Addr>() else {
            return Err(Fault::new("has no IPv6 address in its brackets", 1..1 + address.len()));
        };
        let end = address.len() + 2;
        let port = match behind.strip_prefix(':') {
            None if behind.is_empty() => None,
            None => return Err(Fault::new("has more than a port behind its address", end..text.len())),
            port => port,
        };
        (format!("[{read}]"), port)
    } else {
        let (name, port) = text.split_once(':').map_or((text, None), |(name, port)| (name, Some(port)));
        if !name.split('.').all(is_host_label) {
            return Err(Fault::new("does not begin with a host name", 0..name.len()));
        }
        (name.to_ascii_lowercase(), port)
    };
    let port = match port {
        None => None,
        Some(port) => {
            let number = port.parse::<u16>().ok().filter(|_| port.bytes().all(|c| c.is_ascii_digit()));
            let span = text.len() - port.len()..text.len();
            Some(number.ok_or_else(|| Fault::new("has a port that is no number up to 65535", span))?)
        }
    };
    let canonical = match (name, port) {
        (name, _) if matches!(name.as_str(), "index.docker.io" | "registry-1.docker.io" | HUB) => HUB.to_owned(),
        (name, Some(port)) => format!("{name}:{port}"),
        (name, None) => name,
    };
    Ok(Host(canonical.into()))
}

fn is_host_label(label: &str) -> bool {
    let fits = |c: u8| c.is_ascii_alphanumeric() || c == b'-' || c == b'_';
    !label.is_empty() && !label.starts_with('-') && !label.ends_with('-') && label.bytes().all(fits)
}

fn read_repository(text: &str) -> Result<Repository, Fault> {
    if text.is_empty() {
        return Err(Fault::new("names no repository", 0..0));
    }
    let (host, path) = match text.split_once('/') {
        // Docker's rule: the first part is a host only if it could be nothing else.
        Some((first, rest)) if first.contains(['.', ':', '[']) || first == "localhost" => (read_host(first)?, rest),
        _ => (Host(HUB.into()), text),
    };
    check_path(path).map_err(|fault| fault.from(text.len() - path.len()))?;
    let path = if host.is_hub() && !path.contains('/') { format!("library/{path}") } else { path.to_owned() };
    if host.0.len() + path.len() + 1 > 255 {
        return Err(Fault::new("is longer than 255 characters", 0..text.len()));
    }
    Ok(Repository { host, path: path.into() })
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/…)*`
fn check_path(path: &str) -> Result<(), Fault> {
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let mut at = 0;
    for part in path.split('/') {
        let whole = at..at + part.len();
        if part.is_empty() {
            return Err(Fault::new("has an empty part in its path", whole));
        }
        if let Some((offset, c)) = part.char_indices().find(|(_, c)| !(word(*c) || matches!(c, '.' | '_' | '-'))) {
            let why = match c {
                'A'..='Z' => "has an upper-case letter in its path",
                _ => "has a character in its path that no path has",
            };
            return Err(Fault::new(why, at + offset..at + offset + c.len_utf8()));
        }
        let is_separator = |run: &str| matches!(run, "" | "." | "_" | "__") || run.bytes().all(|c| c == b'-');
        if !(part.starts_with(word) && part.ends_with(word) && part.split(word).all(is_separator)) {
            let why = "has a part of its path whose `.`, `_` or `-` do not stand one by one between letters or digits";
            return Err(Fault::new(why, whole));
        }
        at += part.len() + 1;
    }
    Ok(())
}

macro_rules! shown {
    ($($name:ty => |$value:ident, $f:ident| $body:expr;)*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, $f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let $value = self;
                $body
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    )*};
}

shown! {
    Host => |host, f| f.write_str(&host.0);
    Tag => |tag, f| f.write_str(&tag.0);
    Repository => |repository, f| write!(f, "{}/{}", repository.host, repository.path);
    LayoutDir => |dir, f| write!(f, "{}", dir.0.display());
    Place => |place, f| match place {
        Place::Repository(repository) => write!(f, "{repository}"),
        Place::Layout(dir) => write!(f, "{LAYOUT}{dir}"),
    };
    Locator => |locator, f| match locator {
        Locator::Tag(tag) => write!(f, "{tag}"),
        Locator::Digest(digest) => write!(f, "{digest}"),
    };
    Reference => |reference, f| match &reference.locator {
        Locator::Tag(tag) => write!(f, "{}:{tag}", reference.place),
        Locator::Digest(digest) => write!(f, "{}@{digest}", reference.place),
    };
}

#[cfg(test)]
mod tests;
