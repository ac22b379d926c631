//! Everything about each list: references, tags, digests, images.

use maud::{Markup, html};

use crate::config::problem::Sources;
use crate::oci::{Digest, Place};
use crate::plan::{ListState, TagChange, TagFate, Verification};
use crate::ui::text;

use super::list::{PageList, PageMember, RegistryGroup, ShownState};
use super::{breakable, notes, shown, shown_name};

/// Renders the details of all lists, grouped by registry.
pub(super) fn render(lists: &[PageList<'_>], groups: &[RegistryGroup<'_>], sources: &Sources) -> Markup {
    let is_only = lists.len() == 1;
    html! {
        section aria-labelledby="lists" {
            h2 #lists tabindex="-1" { "Lists" }
            @for (at, group) in groups.iter().enumerate() {
                section data-r=(at) {
                    h3 { (group.title) }
                    @for (number, list) in &group.lists { "\n" (details(*number, list, is_only, sources)) }
                }
            }
        }
    }
}

fn details(number: usize, list: &PageList<'_>, is_open: bool, sources: &Sources) -> Markup {
    html! {
        details id={ "l" (number) } open[is_open] {
            summary {
                code { (breakable(&list.name())) }
                @if let Some(state) = list.state { " " span class=(state.class()) { (state.word()) } }
                " " small { (text::plural(list.members.len(), "image")) }
            }
            dl {
                (facts(list))
            }
            @if list.members.is_empty() {
                p { "No images." }
            } @else {
                (members(list))
            }
            @if let Some(compared) = list.compared { (notes::of_list(&compared.plan.problems, sources)) }
        }
    }
}

fn facts(list: &PageList<'_>) -> Markup {
    let publication = list.publication;
    let reference = shown(&publication.reference().to_string());
    let published = list.compared.and_then(|compared| compared.plan.own_digest());
    let is_in_registry = matches!(publication.target, Place::Repository(_));
    html! {
        dt { "Reference" } dd { code.c { (reference) } }
        @if let Some(digest) = published { dt { "Digest" } dd { code.c { (digest.as_str()) } } }
        @if let Some(digest) = list.compared.and_then(planned).filter(|digest| Some(*digest) != published) {
            dt { "Digest after sync" } dd { code.c { (digest.as_str()) } }
        }
        @if published.is_some() && is_in_registry { dt { "Pull" } dd { code.c { "docker pull " (reference) } } }
        dt { "Tags" }
        dd {
            @match list.compared {
                Some(compared) => ul.tags { @for tag in &compared.plan.tags { li { (tag_line(tag, published)) } } },
                None => ul.tags { @for tag in &publication.tags { li { code { (tag.tag.as_str()) } } } },
            }
        }
        dt { "List in the file" } dd { code { (shown_name(&publication.id)) } }
    }
}

/// The digest that a sync would publish, if it would publish the list.
fn planned(list: &Verification) -> Option<&Digest> {
    let is_written = matches!(list.state, ListState::Differs | ListState::Absent);
    list.plan.index.as_ref().filter(|_| is_written).map(|index| &index.digest)
}

fn tag_line(tag: &TagChange, published: Option<&Digest>) -> Markup {
    let names_other = tag.from.as_ref().filter(|from| Some(*from) != published);
    html! {
        code { (tag.tag.as_str()) }
        @match tag.fate {
            TagFate::Same => {},
            TagFate::Created => { " " span.absent { "not found" } },
            TagFate::Unknown => { " " span.unknown { "unknown" } },
            TagFate::Moved | TagFate::Blocked | TagFate::Stays => {
                @if tag.fate == TagFate::Moved { " " span.differs { "differs" } }
                @if let Some(other) = names_other { " " small { "names " code { (other.as_str()) } } }
                @if let Some(why) = &tag.stays { " " small { "(" (shown(why)) ")" } }
            },
        }
    }
}

fn members(list: &PageList<'_>) -> Markup {
    let is_compared = list.compared.is_some();
    html! {
        table.members {
            thead { tr {
                th scope="col" { "Platform" }
                th scope="col" { @if is_compared { "Source and digest" } @else { "Source" } }
                @if is_compared {
                    th scope="col" { "Manifest size" }
                    th scope="col" { "State" }
                }
            } }
            tbody { @for member in &list.members { "\n" (row(member)) } }
        }
    }
}

fn row(member: &PageMember<'_>) -> Markup {
    let found = member.found.map(|found| &found.digest);
    let other = member.published.filter(|published| found.is_some_and(|found| found != *published));
    html! {
        tr {
            th scope="row" { (shown_name(&member.platform.to_string())) }
            td {
                @if let Some(source) = member.source { code.c { (shown(&source.to_string())) } }
                @if let Some(published) = other { div { small { "published " } code.c { (published.as_str()) } } }
                @if let Some(digest) = found.or(member.published) {
                    div {
                        @if other.is_some() { small { "source " } }
                        code.c { (digest.as_str()) }
                    }
                }
            }
            @if let Some(state) = member.state {
                td { @if let Some(found) = member.found { (text::size(found.size)) } }
                td class=(state.class()) { (state.word()) @if let Some(why) = reason(state) { small { (why) } } }
            }
        }
    }
}

/// Says about one image what its state means.
fn reason(state: ShownState) -> Option<&'static str> {
    match state {
        ShownState::Differs => Some("its source names another image now"),
        ShownState::New => Some("not in the published list yet"),
        ShownState::NotFound => Some("source not found"),
        ShownState::Undeclared => Some("published, but not declared"),
        ShownState::Damaged => Some("missing or corrupt"),
        ShownState::AsDeclared | ShownState::Unknown => None,
    }
}
