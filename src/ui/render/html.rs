//! The page of `mlist ls --format html`: one file without external parts, for a project's website.
//!
//! | file | holds |
//! |---|---|
//! | [`list`] | the lists of the page, with or without states |
//! | [`matrix`] | the table of lists and platforms |
//! | [`details`] | everything about each list |
//! | [`notes`] | problems, warnings, lists without tags |
//! | `page.css`, `page.js` | the style and the script |
//!
//! Text of the file or of a registry only gets into the page through [`shown`] and the escaping of maud. No address is
//! made from it: all links lead to numbered anchors of the page. A Content-Security-Policy allows nothing but the style
//! and the script of the page.

use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};

use crate::ui::document::{Content, Context, Document};
use crate::ui::text;

use list::{PageList, PageLists, RegistryGroup, ShownState};

mod details;
mod list;
mod matrix;
mod notes;
#[cfg(test)]
mod tests;

const STYLE: &str = include_str!("html/page.css");
const SCRIPT: &str = include_str!("html/page.js");

/// Renders `document` as a page. If the lists are not known, the page only has the problems.
pub(in crate::ui) fn render(document: &Document) -> String {
    let Document { context, content, status: _ } = document;
    match content {
        Content::Lists(verified) => page(context, PageLists::Compared(&verified.lists), Some(verified.started_at)),
        Content::Declared { checked, took: _ } => page(context, PageLists::Declared(checked), None),
        Content::Problems(problems) => page(context, PageLists::Unknown(problems), None),
        _ => page(context, PageLists::Unknown(&[]), None),
    }
}

/// Renders the page. The time is that at which the registries were read, if it is to be shown.
fn page(context: &Context, known: PageLists<'_>, read_at: Option<SystemTime>) -> String {
    let lists = list::page_lists(known);
    let groups = list::by_registry(&lists);
    let file = shown(context.file().unwrap_or("manifests.toml"));
    let page = html! {
        (DOCTYPE)
        html lang="en" dir="ltr" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy());
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                meta name="generator" content=(concat!("mlist ", env!("CARGO_PKG_VERSION")));
                // Without this, browsers request /favicon.ico.
                link rel="icon" href="data:,";
                title { (file) ": lists and platforms" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (header(&file, known, &lists, read_at))
                main {
                    @if !lists.is_empty() {
                        @if lists.len() > 1 { (filters(&lists, &groups)) }
                        (matrix::render(&lists, &groups))
                        (details::render(&lists, &groups, &context.sources))
                    }
                    (notes::render(context, known, &lists))
                }
                footer { p { "Made by mlist " (env!("CARGO_PKG_VERSION")) " with " code { "mlist ls --format html" } } }
                p #said role="status" .unseen {}
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string() + "\n"
}

/// Makes a text of the file or of a registry safe to show, and shortens it.
fn shown(text: &str) -> String {
    with_end(text, text::line(text))
}

/// Like [`shown`], for names that are short unless something is wrong with them.
fn shown_name(text: &str) -> String {
    with_end(text, text::foreign(text))
}

fn with_end(text: &str, mut shown: String) -> String {
    // Both limits count characters, and a character that is left out is no reason for the sign.
    if text.chars().filter(|c| !crate::oci::is_invisible(*c)).nth(shown.chars().count()).is_some() {
        shown.push('…');
    }
    shown
}

/// Renders a name with places where it may be broken: after `/`, and before `:`.
fn breakable(name: &str) -> Markup {
    let parts = name.split_inclusive('/').map(|part| part.split_once(':').map_or((part, None), |(a, b)| (a, Some(b))));
    html! {
        @for (at, (part, tag)) in parts.enumerate() {
            @if at > 0 { wbr; }
            (part)
            @if let Some(tag) = tag { wbr; ":" (tag) }
        }
    }
}

/// The Content-Security-Policy: no requests, and no style or script but those of the page.
fn policy() -> String {
    let hash = |text: &str| format!("'sha256-{}'", BASE64.encode(Sha256::digest(text)));
    let (style, script) = (hash(STYLE), hash(SCRIPT));
    format!(
        "default-src 'none'; style-src {style}; script-src {script}; img-src data:; base-uri 'none'; form-action 'none'"
    )
}

/// The head of the page: the name of the file, and the number of lists in each state.
fn header(file: &str, known: PageLists<'_>, lists: &[PageList<'_>], read_at: Option<SystemTime>) -> Markup {
    let members: usize = lists.iter().map(|list| list.members.len()).sum();
    html! {
        header {
            h1 { (file) }
            @if !matches!(known, PageLists::Unknown(_)) { ul.counts {
                li { (text::plural(lists.len(), "list")) ", " (text::plural(members, "image")) }
                @for (state, number) in list::counts(lists.iter().filter_map(|list| list.state)) {
                    li class=(state.class()) { (text::count(number)) " " (state.verb(number)) }
                }
            } }
            @match known {
                PageLists::Compared(_) => {},
                PageLists::Declared(_) => p.quiet { "As declared in the file. No registry was read." },
                PageLists::Unknown(_) => p { "The lists are not known, because " code { "mlist ls" } " failed." },
            }
            @if let Some(time) = read_at.map(text::timestamp) {
                p.quiet {
                    "Compared with the registries at "
                    time datetime=(time) { (time.replace('T', " ").replace('Z', " UTC")) }
                }
            }
        }
    }
}

/// The filters. They need the script, which shows them.
fn filters(lists: &[PageList<'_>], groups: &[RegistryGroup<'_>]) -> Markup {
    let states = list::counts(lists.iter().filter_map(|list| list.state));
    let others: usize =
        states.iter().filter(|(state, _)| *state != ShownState::AsDeclared).map(|(_, number)| number).sum();
    html! {
        form #filters role="search" aria-label="Filter lists" hidden {
            p {
                label for="search" { "Search" }
                input #search type="search" placeholder="name, tag, platform or digest" autocomplete="off"
                    spellcheck="false";
            }
            @if states.len() > 1 {
                p {
                    label for="state" { "State" }
                    select #state {
                        option value="" { "all states" }
                        @if others > 0 && others < lists.len() {
                            option value="!ok" { "not as declared (" (text::count(others)) ")" }
                        }
                        @for (state, number) in states {
                            option value=(state.class()) { (state.word()) " (" (text::count(number)) ")" }
                        }
                    }
                }
            }
            @if groups.len() > 1 {
                p {
                    label for="registry" { "Registry" }
                    select #registry {
                        option value="" { "all registries" }
                        @for (at, group) in groups.iter().enumerate() {
                            option value=(at) { (group.title) " (" (text::count(group.lists.len())) ")" }
                        }
                    }
                }
            }
            p { button type="reset" { "Clear" } }
            p #shown role="status" {}
        }
    }
}
