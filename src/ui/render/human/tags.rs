//! The output of `mlist ls --tags`: the tags of each repository, and what they name.

use std::time::Duration;

use crate::plan::{ContentKind, ListedTag, RepositoryState, TagListing};
use crate::ui::style::{Role, Style};
use crate::ui::text;

use super::table::{Cell, Stacking, Table, TableGroup};
use super::{View, verdict};

/// Renders the repositories in the order of the file.
pub(super) fn lines(listings: &[TagListing], view: &View) -> String {
    let group = |listing: &TagListing| TableGroup {
        first: vec![Cell::text(&listing.target.to_string())],
        rows: listing.tags.iter().map(|tag| row(tag, view)).collect(),
        notes: notes(listing),
        base: String::new(),
    };
    let groups = listings.iter().map(group).collect();
    let columns = &["TAG", "ID", "TYPE", "PLATFORMS"];
    Table { first: &["REPOSITORY"], columns, groups, stacking: Stacking::Always }.render(view.style)
}

fn row(tag: &ListedTag, view: &View) -> Vec<Cell> {
    let digest = tag.descriptor.as_ref().map(|descriptor| view.digests.show(&descriptor.digest));
    let kind = match (tag.kind, &tag.descriptor) {
        (ContentKind::List, _) => Cell::text("list"),
        (ContentKind::Image, _) => Cell::text("image"),
        (ContentKind::Artifact, _) => Cell::text("artifact"),
        (ContentKind::Other, Some(descriptor)) => Cell::text(&text::foreign(descriptor.media_type.as_str())),
        (ContentKind::Absent, _) => Cell::text("not found").painted(Role::Failed),
        (ContentKind::Other | ContentKind::Unknown, _) => Cell::text("unknown").painted(Role::Failed),
    };
    let platforms = match &tag.platforms {
        Some(platforms) => {
            let names: Vec<String> = platforms.iter().map(|platform| text::foreign(&platform.to_string())).collect();
            let is_whole = view.all || view.style.width.is_none();
            Cell::names(text::named(names.iter().map(String::as_str), is_whole))
        }
        None => Cell::text("unknown").painted(Role::Failed),
    };
    vec![Cell::text(tag.tag.as_str()), digest.map_or_else(Cell::empty, |digest| Cell::text(&digest)), kind, platforms]
}

/// Returns what else is to be said about a repository.
fn notes(listing: &TagListing) -> Vec<String> {
    let TagListing { tags, omitted, member_tags, sha256_tags, .. } = listing;
    match listing.state {
        RepositoryState::Absent => return vec!["not found".to_owned()],
        RepositoryState::Unknown => {
            return listing.problems.iter().map(|problem| text::line(&problem.message)).collect();
        }
        RepositoryState::Found => {}
    }
    let counted = [(*member_tags, "member tag"), (*sha256_tags, "sha256 tag")];
    let counted: Vec<String> =
        counted.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| text::plural(count, what)).collect();
    let mut notes = Vec::new();
    if *omitted > 0 {
        notes.push(format!("and {} more: --limit N", text::count(*omitted)));
    }
    match (counted.is_empty(), tags.is_empty()) {
        (true, true) => notes.push("no tags".to_owned()),
        (true, false) => {}
        (false, true) => notes.push(format!("{} (-v)", counted.join(", "))),
        (false, false) => notes.push(format!("and {} (-v)", counted.join(", "))),
    }
    notes
}

/// Renders `Done in 0.4s: 3 repositories, 57 tags`.
pub(super) fn summary(listings: &[TagListing], took: Duration, style: Style) -> String {
    let is_unknown = |listing: &&TagListing| !listing.problems.is_empty();
    let repositories = text::repositories(listings.len());
    let tags = listings.iter().map(|listing| listing.tags.len()).sum();
    let tags = if tags == 0 { String::new() } else { format!(", {}", text::plural(tags, "tag")) };
    let absent = listings.iter().filter(|listing| listing.state == RepositoryState::Absent).count();
    let unknown = listings.iter().filter(is_unknown).count();
    let counts = [(absent, "not found"), (unknown, "failed")];
    let counts = counts.into_iter().filter(|(count, _)| *count > 0);
    let counts = counts.fold(String::new(), |told, (count, what)| told + &format!(", {} {what}", text::count(count)));
    let (first, when) = if unknown == 0 { ("Done", "in") } else { ("Incomplete", "after") };
    verdict(style, first, &format!(" {when} {}: {repositories}{tags}{counts}", text::duration(took)))
}
