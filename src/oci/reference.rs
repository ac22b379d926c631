//! References: a repository or layout, and a tag or digest in it (distribution-spec "Pulling manifests"; Docker's rules
//! for short names). [`error`] is what can be wrong with one.

use std::fmt;
use std::net::Ipv6Addr;
use std::ops::Range;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::{Digest, DigestError};

mod error;

use error::Fault;
pub use error::{ReferenceError, ReferenceErrorKind};

/// The host and port of a registry in canonical form: lowercase, and `docker.io` for Docker Hub.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Host(Arc<str>);

/// A repository of a registry in canonical form: `docker.io/library/debian`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Repository {
    host: Host,
    path: Arc<str>,
}

/// A tag: at most 128 letters, digits, `_`, `.` and `-`. The first character is not `.` or `-`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(Arc<str>);

/// The directory of an OCI image layout. `.` and `..` are removed where this is possible from the text alone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LayoutDir(Arc<Path>);

/// The location of manifests: a repository, or a layout on disk (`oci:DIR`).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// A repository of a registry.
    Repository(Repository),
    /// An OCI image layout.
    Layout(LayoutDir),
}

/// The tag or digest that selects a manifest in a place.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Locator {
    /// The manifest that the tag names at the time of the request.
    Tag(Tag),
    /// The manifest with this digest, which never changes.
    Digest(Digest),
}

/// The name of one manifest: its place, and its tag or digest.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reference {
    /// The repository or layout.
    pub place: Place,
    /// The tag or digest in it.
    pub locator: Locator,
}

const LAYOUT: &str = "oci:";
const HUB: &str = "docker.io";

impl Reference {
    /// Parses `[HOST/]PATH:TAG`, `[HOST/]PATH[:TAG]@DIGEST` or `oci:DIR:TAG`, `oci:DIR@DIGEST`. If there is both a tag
    /// and a digest, the digest is used, as in other tools.
    ///
    /// # Errors
    /// Returns an error if the text is malformed, or if it has neither a tag nor a digest: `latest` is never assumed.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        let whole = || Fault::new(ReferenceErrorKind::NoLocator, 0..text.len());
        split(text)
            .and_then(|(place, locator)| Ok(Self { place, locator: locator.ok_or_else(whole)? }))
            .map_err(|fault| fault.of_reference(text))
    }

    /// Returns this reference with the directory of a layout taken as relative to `base`.
    #[must_use]
    pub fn under(self, base: &Path) -> Self {
        Self { place: self.place.under(base), locator: self.locator }
    }

    /// The tag, if the reference is by tag.
    #[must_use]
    pub fn tag(&self) -> Option<&Tag> {
        match &self.locator {
            Locator::Tag(tag) => Some(tag),
            Locator::Digest(_) => None,
        }
    }
}

impl Place {
    /// Parses `[HOST/]PATH` or `oci:DIR`.
    ///
    /// # Errors
    /// Returns an error if the text is malformed, or if a tag or digest follows it.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        match split(text).map_err(|fault| fault.of_reference(text))? {
            (place, None) => Ok(place),
            (_, Some(locator)) => {
                let end = text.len() - locator.to_string().len() - 1..text.len();
                Err(Fault::new(ReferenceErrorKind::UnexpectedLocator, end).of_reference(text))
            }
        }
    }

    /// Returns the reference to the manifest that `tag` names in this place.
    #[must_use]
    pub fn tagged(&self, tag: &Tag) -> Reference {
        Reference { place: self.clone(), locator: Locator::Tag(tag.clone()) }
    }

    /// Returns the reference to the manifest that has `digest` in this place.
    #[must_use]
    pub fn with_digest(&self, digest: &Digest) -> Reference {
        Reference { place: self.clone(), locator: Locator::Digest(digest.clone()) }
    }

    /// Returns this place with the directory of a layout taken as relative to `base`.
    #[must_use]
    pub fn under(self, base: &Path) -> Self {
        match self {
            Self::Layout(dir) => Self::Layout(LayoutDir::new(&base.join(dir.path()))),
            repository @ Self::Repository(_) => repository,
        }
    }

    /// The host of the registry. `None` for a layout.
    #[must_use]
    pub fn host(&self) -> Option<&Host> {
        match self {
            Self::Repository(repository) => Some(&repository.host),
            Self::Layout(_) => None,
        }
    }
}

impl Host {
    /// Parses `NAME[:PORT]`, `ADDRESS[:PORT]` or `[IPV6][:PORT]`.
    ///
    /// # Errors
    /// Returns an error if the text has none of these forms.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        read_host(text).map_err(|fault| fault.of_part(text))
    }

    /// The canonical text: `docker.io`, `registry.corp:5000`, `[::1]:5000`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The host without its port. An IPv6 address is returned without its brackets.
    #[must_use]
    pub fn name(&self) -> &str {
        if let Some(rest) = self.0.strip_prefix('[') {
            return rest.split(']').next().unwrap_or_default();
        }
        self.0.split(':').next().unwrap_or_default()
    }

    /// Whether this is Docker Hub, whose API has a different host name.
    #[must_use]
    pub fn is_hub(&self) -> bool {
        &*self.0 == HUB
    }

    /// Whether this is the local machine: `localhost`, a subdomain of `localhost`, or a loopback address (RFC 6761, RFC
    /// 1122, RFC 4291).
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let name = self.name();
        name == "localhost"
            || name.ends_with(".localhost")
            || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

impl Repository {
    /// The host of the registry.
    #[must_use]
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The path within the registry: `library/debian`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }
}

impl Tag {
    /// Parses a tag.
    ///
    /// # Errors
    /// Returns an error if the text does not match the tag grammar of the distribution-spec.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        read_tag(text).map_err(|fault| fault.of_part(text))
    }

    /// The tag as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl LayoutDir {
    /// Creates a layout directory. `.` and `..` are resolved from the text alone.
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

    /// The path of the directory, relative to the current directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}

/// Splits a text into its place and its tag or digest, if it has one.
fn split(text: &str) -> Result<(Place, Option<Locator>), Fault> {
    if let Some(scheme) = text.find("://") {
        return Err(Fault::new(ReferenceErrorKind::Scheme, 0..scheme + 3));
    }
    if let Some(rest) = text.strip_prefix(LAYOUT) {
        return split_layout(rest).map_err(|fault| fault.from(LAYOUT.len()));
    }
    // A host with this name would be displayed like the directory of a layout.
    if text.get(..LAYOUT.len()).is_some_and(|start| start.eq_ignore_ascii_case(LAYOUT)) {
        return Err(Fault::new(ReferenceErrorKind::LayoutCase, 0..LAYOUT.len()));
    }
    if let Some(user) = error::user_length(text) {
        return Err(Fault::new(ReferenceErrorKind::User, 0..user + 1));
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

/// As in skopeo, the directory ends at the first colon. A digest, which contains a colon, follows `@`.
fn split_layout(text: &str) -> Result<(Place, Option<Locator>), Fault> {
    let (dir, digest) = split_digest(text)?;
    let (dir, tag) = match dir.split_once(':') {
        Some((dir, tag)) => (dir, Some(Locator::Tag(read_tag(tag).map_err(|fault| fault.from(dir.len() + 1))?))),
        None => (dir, None),
    };
    if dir.is_empty() {
        return Err(Fault::new(ReferenceErrorKind::NoFolder, 0..text.len()));
    }
    Ok((Place::Layout(LayoutDir::new(Path::new(dir))), digest.or(tag)))
}

fn split_digest(text: &str) -> Result<(&str, Option<Locator>), Fault> {
    let Some((name, digest)) = text.split_once('@') else { return Ok((text, None)) };
    let start = name.len() + 1;
    let read = Digest::parse(digest).map_err(|error| {
        let span = match error {
            DigestError::Character { character, at } => start + at..start + at + character.len_utf8(),
            _ => start..text.len(),
        };
        Fault::new(ReferenceErrorKind::Digest(error), span).within(start..text.len())
    })?;
    Ok((name, Some(Locator::Digest(read))))
}

fn read_tag(text: &str) -> Result<Tag, Fault> {
    let first = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let fault = |kind: ReferenceErrorKind, span: Range<usize>| Err(Fault::new(kind, span).within(0..text.len()));
    let Some(initial) = text.chars().next() else { return fault(ReferenceErrorKind::EmptyTag, 0..0) };
    if let Some((at, c)) = text.char_indices().find(|(_, c)| !(first(*c) || matches!(c, '.' | '-'))) {
        return fault(ReferenceErrorKind::TagCharacter(c), at..at + c.len_utf8());
    }
    if !first(initial) {
        return fault(ReferenceErrorKind::TagStart(initial), 0..1);
    }
    if text.len() > 128 {
        return fault(ReferenceErrorKind::LongTag(text.len()), 128..text.len());
    }
    Ok(Tag(text.into()))
}

fn read_host(text: &str) -> Result<Host, Fault> {
    let fault = |kind: ReferenceErrorKind, span: Range<usize>| Err(Fault::new(kind, span).within(0..text.len()));
    let (name, port) = if let Some(rest) = text.strip_prefix('[') {
        let Some((address, after)) = rest.split_once(']') else {
            return fault(ReferenceErrorKind::OpenBracket, 0..text.len());
        };
        let Ok(read) = address.parse::<Ipv6Addr>() else {
            return fault(ReferenceErrorKind::NotIpv6, 1..1 + address.len());
        };
        let port = match after.strip_prefix(':') {
            None if after.is_empty() => None,
            None => return fault(ReferenceErrorKind::AfterAddress, address.len() + 2..text.len()),
            port => port,
        };
        (format!("[{read}]"), port)
    } else {
        if let Some(right) = in_brackets(text) {
            return fault(ReferenceErrorKind::BareIpv6(right), 0..text.len());
        }
        let (name, port) = text.split_once(':').map_or((text, None), |(name, port)| (name, Some(port)));
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if let Some((at, c)) = name.char_indices().find(|(_, c)| !fits(*c)) {
            return fault(ReferenceErrorKind::HostCharacter(c), at..at + c.len_utf8());
        }
        if !name.split('.').all(is_host_label) {
            return fault(ReferenceErrorKind::HostName, 0..name.len());
        }
        (name.to_ascii_lowercase(), port)
    };
    let port = match port {
        None => None,
        Some(port) => match port.parse::<u16>().ok().filter(|_| port.bytes().all(|c| c.is_ascii_digit())) {
            None => return fault(ReferenceErrorKind::Port, text.len() - port.len()..text.len()),
            number => number,
        },
    };
    let canonical = match (name, port) {
        (name, _) if matches!(name.as_str(), "index.docker.io" | "registry-1.docker.io" | HUB) => HUB.to_owned(),
        (name, Some(port)) => format!("{name}:{port}"),
        (name, None) => name,
    };
    Ok(Host(canonical.into()))
}

/// Returns an IPv6 address, perhaps with a port, in brackets. `None` if the text is something else, or has brackets.
fn in_brackets(text: &str) -> Option<String> {
    let is_address = |text: &str| text.parse::<Ipv6Addr>().is_ok();
    // `::1:5000` is also an address without a port, but hardly anybody means it.
    match text.rsplit_once(':') {
        Some((address, port)) if is_address(address) && port.parse::<u16>().is_ok() => {
            Some(format!("[{address}]:{port}"))
        }
        _ => is_address(text).then(|| format!("[{text}]")),
    }
}

fn is_host_label(label: &str) -> bool {
    !label.is_empty() && !label.starts_with('-') && !label.ends_with('-')
}

/// Returns the host at the start of a repository or reference. `None` if there is none: it is on Docker Hub then.
#[must_use]
pub fn written_host(text: &str) -> Option<&str> {
    let (first, _) = text.split_once('/')?;
    // Docker's rule: only such a first part is a host. Any other one belongs to a path on Docker Hub.
    (first.contains(['.', ':', '[']) || first == "localhost").then_some(first)
}

fn read_repository(text: &str) -> Result<Repository, Fault> {
    if text.is_empty() {
        return Err(Fault::new(ReferenceErrorKind::NoRepository, 0..0));
    }
    let (host, path) = match written_host(text) {
        Some(host) => (read_host(host)?, &text[host.len() + 1..]),
        None => (Host(HUB.into()), text),
    };
    check_path(path).map_err(|fault| fault.from(text.len() - path.len()).within(0..text.len()))?;
    let path = if host.is_hub() && !path.contains('/') { format!("library/{path}") } else { path.to_owned() };
    let length = host.0.len() + path.len() + 1;
    if length > 255 {
        return Err(Fault::new(ReferenceErrorKind::LongRepository(length), 0..text.len()));
    }
    Ok(Repository { host, path: path.into() })
}

/// Checks that a path matches `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/…)*`.
fn check_path(path: &str) -> Result<(), Fault> {
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let mut at = 0;
    for part in path.split('/') {
        let whole = at..at + part.len();
        if part.is_empty() {
            return Err(Fault::new(ReferenceErrorKind::EmptyPathPart, whole));
        }
        if let Some((offset, c)) = part.char_indices().find(|(_, c)| !(word(*c) || matches!(c, '.' | '_' | '-'))) {
            let kind = match c {
                'A'..='Z' => ReferenceErrorKind::UpperCasePath(c),
                _ => ReferenceErrorKind::PathCharacter(c),
            };
            return Err(Fault::new(kind, at + offset..at + offset + c.len_utf8()));
        }
        let is_separator = |run: &str| matches!(run, "" | "." | "_" | "__") || run.bytes().all(|c| c == b'-');
        if !(part.starts_with(word) && part.ends_with(word) && part.split(word).all(is_separator)) {
            return Err(Fault::new(ReferenceErrorKind::PathSeparator, whole));
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
