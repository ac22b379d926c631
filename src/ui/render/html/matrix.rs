//! The table of lists and platforms.

use std::collections::HashMap;

use maud::{Markup, html};

use crate::oci::Platform;
use crate::ui::text;

use super::list::{PageList, RegistryGroup, ShownState, counts};
use super::{breakable, shown_name};

/// The maximum number of columns for platforms. A published list can have any number of platforms, and the table would
/// grow with their number times the number of lists.
const COLUMNS: usize = 24;

/// The columns of the table.
struct Columns {
    /// Without versions of the OS, because a list may have several versions of one platform.
    platforms: Vec<Platform>,
    /// The column of each platform that has one.
    places: HashMap<Platform, usize>,
    /// Whether there is a last column for all other platforms.
    has_rest: bool,
}

/// Renders the table, and below it what the words in it mean.
pub(super) fn render(lists: &[PageList<'_>], groups: &[RegistryGroup<'_>]) -> Markup {
    let columns = Columns::of(lists);
    let is_compared = lists.iter().any(|list| list.state.is_some());
    let width = 1 + usize::from(is_compared) + columns.platforms.len() + usize::from(columns.has_rest);
    html! {
        section aria-labelledby="overview" {
            h2 #overview { "Overview" }
            a.skip href="#lists" { "Skip the table" }
            div.scroll role="region" aria-labelledby="overview" tabindex="0" {
                table.matrix {
                    thead { tr {
                        th scope="col" { "List" }
                        @if is_compared { th scope="col" { "State" } }
                        @for platform in &columns.platforms { th scope="col" { (heading(platform)) } }
                        @if columns.has_rest { th scope="col" { "other platforms" } }
                    } }
                    @for (at, group) in groups.iter().enumerate() {
                        tbody data-r=(at) {
                            "\n"
                            tr { th.group scope="rowgroup" colspan=(width) { span { (group.title) } } }
                            @for (number, list) in &group.lists { "\n" (row(*number, list, &columns)) }
                        }
                    }
                }
            }
            (legend(lists))
        }
    }
}

/// Renders a platform, which may be broken after its OS.
fn heading(platform: &Platform) -> Markup {
    let name = shown_name(&platform.to_string());
    let (os, machine) = name.split_once('/').unwrap_or((&name, ""));
    html! { (os) "/" wbr; (machine) }
}

fn row(number: usize, list: &PageList<'_>, columns: &Columns) -> Markup {
    let mut cells: Vec<Vec<Option<ShownState>>> =
        vec![Vec::new(); columns.platforms.len() + usize::from(columns.has_rest)];
    for member in &list.members {
        let at = columns.places.get(&without_version(&member.platform)).copied();
        if let Some(cell) = cells.get_mut(at.unwrap_or(columns.platforms.len())) {
            cell.push(member.state);
        }
    }
    let more = list.publication.tags.len() - 1;
    html! {
        tr.l data-s=[list.state.map(ShownState::class)] {
            th scope="row" {
                a href={ "#l" (number) } { (breakable(&list.name())) }
                @if more > 0 { small { " +" (text::plural(more, "tag")) } }
            }
            @if let Some(state) = list.state { td class=(state.class()) { (state.word()) } }
            @for states in &cells { (cell(states)) }
        }
    }
}

fn cell(states: &[Option<ShownState>]) -> Markup {
    let all = counts(states.iter().copied().flatten());
    let number = |number: usize| html! { @if number > 1 { (text::count(number)) " " } };
    match (all.as_slice(), states) {
        ([], []) => html! { td {} },
        ([], declared) => html! { td { (number(declared.len())) "declared" } },
        ([(state, _)], members) => html! { td class=(state.class()) { (number(members.len())) (state.word()) } },
        (several, _) => html! {
            td {
                @for (state, count) in several {
                    span class=(state.class()) { (text::count(*count)) " " (state.word()) }
                }
            }
        },
    }
}

/// Says what the states in the table mean.
fn legend(lists: &[PageList<'_>]) -> Markup {
    let members = lists.iter().flat_map(|list| &list.members).filter_map(|member| member.state);
    let states = counts(lists.iter().filter_map(|list| list.state).chain(members));
    html! {
        @if !states.is_empty() {
            dl.legend {
                @for (state, _) in states {
                    div { dt class=(state.class()) { (state.word()) } dd { (state.meaning()) } }
                }
            }
        }
    }
}

impl Columns {
    /// The platforms in the order of the file, declared ones first.
    fn of(lists: &[PageList<'_>]) -> Self {
        let mut columns = Self { platforms: Vec::new(), places: HashMap::new(), has_rest: false };
        for is_declared in [true, false] {
            let members = lists.iter().flat_map(|list| &list.members);
            for member in members.filter(|member| (member.state != Some(ShownState::Undeclared)) == is_declared) {
                columns.add(without_version(&member.platform));
            }
        }
        columns
    }

    fn add(&mut self, platform: Platform) {
        if self.places.contains_key(&platform) {
            return;
        }
        if self.platforms.len() == COLUMNS {
            self.has_rest = true;
            return;
        }
        self.places.insert(platform.clone(), self.platforms.len());
        self.platforms.push(platform);
    }
}

fn without_version(platform: &Platform) -> Platform {
    Platform { os_version: None, os_features: Vec::new(), ..platform.clone() }
}
