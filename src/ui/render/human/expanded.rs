//! What a file expands to, for `mlist check -v`: each list with its tags and members.

use std::sync::Arc;

use crate::config::Publication;
use crate::config::model::{Member, OsVersion, TargetTag, UnmetTag};
use crate::ui::text;

use super::View;
use super::details::{self, DetailRow};

/// Renders the lists in the order of the file.
pub(super) fn lines(publications: &[Arc<Publication>], view: &View) -> String {
    let name = publications.iter().map(|list| text::width(&text::line(&list.id))).max().unwrap_or(0);
    let rows: Vec<Vec<DetailRow>> = publications.iter().map(|list| rows(list)).collect();
    let columns = details::columns(rows.iter().flatten(), view);
    let list = |(list, rows): (&Arc<Publication>, &Vec<DetailRow>)| {
        let (id, target) = (text::line(&list.id), text::line(&list.target.to_string()));
        view.head("list", &format!("{}  {target}", text::pad(&id, name))) + &details::render(rows, columns, view)
    };
    publications.iter().zip(&rows).map(list).collect()
}

fn rows(list: &Publication) -> Vec<DetailRow> {
    let tags = list.tags.iter().map(tag).chain(list.unmet.iter().map(unmet));
    tags.chain(list.members.iter().map(member)).collect()
}

fn tag(tag: &TargetTag) -> DetailRow {
    let row = DetailRow::new(' ', format!("tag {}", tag.tag));
    match &tag.newest {
        Some(_) => row.sentence("if no newer version is published"),
        None => row,
    }
}

fn unmet(tag: &UnmetTag) -> DetailRow {
    let row = DetailRow::new(' ', text::line(&format!("tag {}", tag.template)));
    row.sentence(&text::line(&format!("left out, {}", tag.why)))
}

fn member(member: &Member) -> DetailRow {
    let row = DetailRow::new(' ', member.platform.to_string()).sentence(&text::line(&member.source.to_string()));
    let row = match &member.os_version {
        OsVersion::AsDeclared => row,
        OsVersion::Fits(pattern) => row.and(&text::line(&format!("(os.version {})", pattern.value.source()))),
        OsVersion::Of(of) => row.and(&text::line(&format!("(os.version from {})", of.from))),
    };
    match member.tags.as_slice() {
        [] => row,
        tags => {
            let names: Vec<String> = tags.iter().map(|tag| tag.tag.to_string()).collect();
            row.and(&format!("also tagged {}", names.join(", ")))
        }
    }
}
