//! The output of `mlist inspect`: a manifest, and below it those that it names and those that refer to it.

use std::collections::BTreeMap;

use crate::oci::{Digest, MediaType};
use crate::plan::tree::{LEVELS, READ};
use crate::plan::{NodeKind, NodeRole, NodeState, TreeNode};
use crate::ui::style::{Charset, Role, Style};
use crate::ui::text::{self, Digests};

use super::View;

/// A line of the tree, and the lines below it that belong to the same manifest.
struct TreeRow {
    /// The branches of the tree and the name.
    first: String,
    /// The branches of the tree on the following lines.
    below: String,
    digest: String,
    about: Vec<String>,
    role: Option<Role>,
    notes: Vec<String>,
}

/// The characters that draw the tree: before a manifest, before the last one, and on the lines below each.
struct Branches {
    item: &'static str,
    last: &'static str,
    line: &'static str,
}

const BLANK: &str = "   ";

/// The number of hex digits that are shown of a digest in a tag.
const TAG_DIGITS: usize = 8;

/// What is below a manifest.
enum TreeItem<'a> {
    Node(&'a TreeNode),
    Referrers(&'a [TreeNode]),
    /// The number of manifests that are not in the tree.
    Omitted(usize),
}

/// Renders the tree.
pub(super) fn lines(root: &TreeNode, view: &View) -> String {
    let mut rows = Vec::new();
    add_rows(&mut rows, &items(root), "", view);
    let column = rows.iter().map(|row| text::width(&row.first)).max().unwrap_or(0) + 2;
    let digest = rows.iter().map(|row| text::width(&row.digest)).max().unwrap_or(0) + 2;
    let is_wide = |row: &TreeRow| column + digest + text::width(&row.about.join(", "));
    let widest = rows.iter().map(is_wide).max().unwrap_or(0);
    let fits = view.style.width.is_none_or(|width| widest <= width);
    let columns = fits.then_some((column, digest));
    head(root, column, view) + &rows.iter().map(|row| row.render(columns, view)).collect::<String>()
}

/// Returns all digests of a tree, for [`Digests::telling_apart`].
pub(super) fn digests(root: &TreeNode) -> Vec<&Digest> {
    let below = root.children.iter().chain(&root.referrers).flat_map(digests);
    std::iter::once(&root.descriptor.digest).chain(below).collect()
}

/// Says how many manifests were not read. Empty if all were.
pub(super) fn unread(root: &TreeNode, style: Style) -> String {
    let limits = format!("mlist inspect reads at most {READ} manifests and {LEVELS} levels of indexes");
    match root.unread() {
        0 => String::new(),
        unread => text::wrap(&format!("not read: {} ({limits})", text::plural(unread, "manifest")), style.width) + "\n",
    }
}

/// Renders the inspected manifest. Its digest is written in full.
fn head(root: &TreeNode, column: usize, view: &View) -> String {
    let (name, about) = (text::line(&root.reference.to_string()), about(root, view));
    let (about, role) = (about.0.join(", "), about.1);
    let at = column.max(text::width(&name) + 2);
    let painted = paint(view, role, &about);
    let first = match view.style.width {
        Some(width) if at + text::width(&about) > width => {
            let lines = text::wrap_in(&about, width.saturating_sub(2));
            let lines = lines.lines().map(|line| format!("  {}\n", paint(view, role, line)));
            format!("{name}\n{}", lines.collect::<String>())
        }
        _ => format!("{}{painted}\n", text::pad(&name, at)),
    };
    let notes = notes(root, view).into_iter().map(|note| note_lines(&note, "  ", view));
    format!("{first}{}\n{}", root.descriptor.digest, notes.collect::<String>())
}

fn items(node: &TreeNode) -> Vec<TreeItem<'_>> {
    let mut items: Vec<TreeItem<'_>> = node.children.iter().map(TreeItem::Node).collect();
    if node.role == NodeRole::Root {
        items.extend((!node.referrers.is_empty()).then_some(TreeItem::Referrers(&node.referrers)));
    } else {
        items.extend(node.referrers.iter().map(TreeItem::Node));
    }
    items.extend((node.omitted > 0).then_some(TreeItem::Omitted(node.omitted)));
    items
}

fn add_rows(rows: &mut Vec<TreeRow>, items: &[TreeItem<'_>], before: &str, view: &View) {
    let branches = branches(view);
    for (at, item) in items.iter().enumerate() {
        let is_last = at + 1 == items.len();
        let branch = if is_last { branches.last } else { branches.item };
        let within = format!("{before}{}", if is_last { BLANK } else { branches.line });
        let first = |label: &str| format!("{before}{branch}{label}");
        let plain = |label: &str| {
            let (digest, about, notes) = Default::default();
            TreeRow { first: first(label), below: within.clone(), digest, about, role: None, notes }
        };
        match item {
            TreeItem::Referrers(nodes) => {
                rows.push(plain("referrers"));
                let items: Vec<TreeItem<'_>> = nodes.iter().map(TreeItem::Node).collect();
                add_rows(rows, &items, &within, view);
            }
            TreeItem::Omitted(omitted) => rows.push(plain(&format!("and {} more", text::count(*omitted)))),
            TreeItem::Node(node) => {
                let items = self::items(node);
                let below = format!("{within}{}", if items.is_empty() { BLANK } else { branches.line });
                let (about, role) = about(node, view);
                let digest = view.digests.show(&node.descriptor.digest);
                let notes = notes(node, view);
                rows.push(TreeRow { first: first(&label(node)), below, digest, about, role, notes });
                add_rows(rows, &items, &within, view);
            }
        }
    }
}

fn branches(view: &View) -> Branches {
    match view.style.charset {
        Charset::Unicode => Branches { item: "├─ ", last: "└─ ", line: "│  " },
        Charset::Ascii => Branches { item: "|- ", last: "`- ", line: "|  " },
    }
}

impl TreeRow {
    /// Renders the row with columns for the digest and the rest, or with these below the name if there is no room.
    fn render(&self, columns: Option<(usize, usize)>, view: &View) -> String {
        let about = self.about.join(", ");
        let lines = match columns {
            Some((column, digest)) => {
                let start = text::pad(&self.first, column) + &text::pad(&self.digest, digest);
                let painted = paint(view, self.role, &about);
                vec![if about.is_empty() { start.trim_end().to_owned() } else { start + &painted }]
            }
            None => std::iter::once(self.first.clone()).chain(self.stacked(&about, view)).collect(),
        };
        let lines: String = lines.iter().map(|line| line.to_owned() + "\n").collect();
        lines + &self.notes.iter().map(|note| note_lines(note, &self.below, view)).collect::<String>()
    }

    /// Returns the lines below the name.
    fn stacked(&self, about: &str, view: &View) -> Vec<String> {
        if self.digest.is_empty() {
            return Vec::new();
        }
        let room = view.style.width.unwrap_or(usize::MAX).saturating_sub(text::width(&self.below));
        let below = |text: &str| format!("{}{text}", self.below);
        if text::width(&self.digest) + 2 + text::width(about) <= room {
            return vec![below(&format!("{}  {}", self.digest, paint(view, self.role, about)))];
        }
        let wrapped = text::wrap_in(about, room);
        let wrapped = wrapped.lines().map(|line| below(&paint(view, self.role, line)));
        std::iter::once(below(&self.digest)).chain(wrapped).collect()
    }
}

/// Renders a note below a manifest.
fn note_lines(note: &str, below: &str, view: &View) -> String {
    let note = match view.style.width {
        Some(width) => text::wrap_in(note, width.saturating_sub(text::width(below))),
        None => note.to_owned(),
    };
    note.lines().map(|line| below.to_owned() + &paint(view, Some(Role::Dim), line) + "\n").collect()
}

fn paint(view: &View, role: Option<Role>, text: &str) -> String {
    role.map_or_else(|| text.to_owned(), |role| view.style.paint(role, text))
}

/// Returns the name of a manifest in its tree.
fn label(node: &TreeNode) -> String {
    let artifact = || node.artifact_type.as_deref().map(text::foreign);
    match node.role {
        NodeRole::Attestation => "attestation".to_owned(),
        NodeRole::Signature => "signature".to_owned(),
        NodeRole::Sbom => "sbom".to_owned(),
        NodeRole::Root | NodeRole::Entry | NodeRole::Referrer => {
            let platform = node.platform.as_ref().map(|platform| text::foreign(&platform.to_string()));
            platform.or_else(artifact).unwrap_or_else(|| match node.kind {
                NodeKind::Index => "index".to_owned(),
                NodeKind::Image => "image".to_owned(),
                NodeKind::Artifact => "artifact".to_owned(),
                NodeKind::Other => "manifest".to_owned(),
            })
        }
    }
}

/// Returns what is said about a manifest, and its color.
fn about(node: &TreeNode, view: &View) -> (Vec<String>, Option<Role>) {
    let kind = kind(node);
    let facts = match &node.state {
        NodeState::NotFound => return (vec!["not found".to_owned()], Some(Role::Failed)),
        NodeState::Failed => return (vec!["failed to read".to_owned()], Some(Role::Failed)),
        NodeState::Unreadable(why) => {
            return (vec![kind, format!("cannot be parsed: {}", text::foreign(why))], Some(Role::Failed));
        }
        NodeState::Read | NodeState::Listed => facts(node, &kind, view),
    };
    (if facts.is_empty() { vec![kind] } else { facts }, None)
}

fn facts(node: &TreeNode, kind: &str, view: &View) -> Vec<String> {
    let size = match node.kind {
        NodeKind::Index => Some(node.descriptor.size),
        NodeKind::Image | NodeKind::Artifact | NodeKind::Other => node.content_size,
    };
    let size = size.map(text::size);
    let artifact = node.artifact_type.as_deref().map(text::foreign);
    let platform = node.platform.as_ref().map(|platform| text::foreign(&platform.to_string()));
    match (node.role, node.reference.tag()) {
        (NodeRole::Root, _) => [Some(kind.to_owned()), platform, artifact, size].into_iter().flatten().collect(),
        (_, Some(tag)) => vec!["cosign".to_owned(), format!("tag {}", shortened(tag.as_str(), view))],
        (NodeRole::Attestation, None) if !node.predicate_types.is_empty() => predicates(&node.predicate_types),
        (NodeRole::Referrer, None) if artifact.is_some() => size.into_iter().collect(),
        (NodeRole::Entry, None) => {
            // Without a platform, the artifact type is the name.
            let artifact = artifact.filter(|_| platform.is_some());
            [Some(kind.to_owned()), artifact, size].into_iter().flatten().collect()
        }
        _ => [Some(kind.to_owned()), size].into_iter().flatten().collect(),
    }
}

fn kind(node: &TreeNode) -> String {
    let format = match &node.descriptor.media_type {
        MediaType::OciIndex => return "OCI index".to_owned(),
        MediaType::DockerList => return "Docker manifest list".to_owned(),
        MediaType::OciManifest => "OCI",
        MediaType::DockerManifest => "Docker",
        other if other.as_str().is_empty() => return "no media type".to_owned(),
        other => return text::foreign(other.as_str()),
    };
    format!("{format} {}", if node.kind == NodeKind::Artifact { "artifact" } else { "image" })
}

/// Returns the short names of predicate types, without duplicates.
fn predicates(types: &[String]) -> Vec<String> {
    let mut names = Vec::new();
    for predicate in types {
        let name = match predicate.as_str() {
            known if known.starts_with("https://slsa.dev/provenance") => "provenance".to_owned(),
            known if known.starts_with("https://spdx.dev/") || known.starts_with("https://cyclonedx.org/") => {
                "sbom".to_owned()
            }
            other => text::foreign(other),
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// Shortens the digest in a tag such as `sha256-DIGITS.sig`. It is that of the inspected manifest, so a few digits do.
fn shortened(tag: &str, view: &View) -> String {
    let parts = tag.split_once('-').and_then(|(algorithm, rest)| Some((algorithm, rest.rsplit_once('.')?)));
    match (view.digests, parts) {
        (Digests::Short(_), Some((algorithm, (hex, end)))) if hex.len() > TAG_DIGITS => {
            format!("{algorithm}-{}{}.{end}", &hex[..TAG_DIGITS], view.style.ellipsis())
        }
        _ => text::line(tag),
    }
}

/// Returns the annotations of a manifest and its entry with `-v`.
fn notes(node: &TreeNode, view: &View) -> Vec<String> {
    if !view.all {
        return Vec::new();
    }
    let all: BTreeMap<&String, &String> = node.annotations.iter().chain(&node.entry_annotations).collect();
    // The quote is first: GitHub obeys `::error` even after spaces at the start of a line.
    all.into_iter().map(|(key, value)| format!("\"{}\": \"{}\"", text::foreign(key), text::foreign(value))).collect()
}

#[cfg(test)]
mod tests;
