//! The lists that are not published now, because the conditions of all their tags are not met.

use crate::config::model::LeftOut;
use crate::ui::text;

use super::{INDENT, View, names};

/// Renders one line per list. Lists with the same reason share a line. The order is the order of the file.
pub(in crate::ui) fn lines(left_out: &[LeftOut], view: &View) -> String {
    let mut reasons: Vec<(&str, Vec<&LeftOut>)> = Vec::new();
    for list in left_out {
        match reasons.iter_mut().find(|(why, _)| *why == list.why) {
            Some((_, lists)) => lists.push(list),
            None => reasons.push((&list.why, vec![list])),
        }
    }
    let single =
        reasons.iter().filter(|(_, lists)| lists.len() == 1).map(|(_, lists)| text::line(&lists[0].target.to_string()));
    let column = single.map(|target| text::width(&target)).max().unwrap_or(0) + 2;
    reasons.iter().map(|(why, lists)| line(why, lists, column, view)).collect()
}

/// Renders `left out   gcr.io/x/app  1.4.0-rc.1 is not stable`.
fn line(why: &str, lists: &[&LeftOut], column: usize, view: &View) -> String {
    let why = text::line(why);
    let (word, blanks) = (view.word("left out"), " ".repeat(INDENT));
    let below = || format!("{blanks}{}\n", text::set_in(&why, INDENT, view.style.width));
    if let [list] = lists {
        let target = text::line(&list.target.to_string());
        let is_too_wide = view.style.width.is_some_and(|width| INDENT + column + text::width(&why) > width);
        return if is_too_wide {
            view.head("left out", &target) + &below()
        } else {
            format!("{word}{}{why}\n", text::pad(&target, column))
        };
    }
    let first = format!("{blanks}{}: ", text::plural(lists.len(), "list"));
    let names = names(&lists.iter().map(|list| (list.id.as_str(), &list.target)).collect::<Vec<_>>());
    let names = text::named(names.iter().map(String::as_str), view.all);
    format!("{word}{}\n{}", &text::fill(&first, &names, INDENT, view.style.width)[INDENT..], below())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::style::Style;
    use crate::ui::tests::samples::{self, WIDE};
    use crate::ui::text::Digests;

    fn shown(left_out: &[LeftOut], style: Style) -> String {
        lines(left_out, &View { style, digests: Digests::Full, all: false, indent: super::INDENT })
    }

    #[test]
    fn each_reason_is_told_once() {
        let because = |target: &str, why: &str| LeftOut { why: why.to_owned(), ..samples::left_out(target) };
        let mut lists: Vec<LeftOut> = (0..12).map(|n| samples::left_out(&format!("gcr.io/x/app-{n}"))).collect();
        lists.insert(1, because("gcr.io/x/worker", "condition not met: newest (2.0.0-rc.1 is a pre-release)"));
        lists.push(because("quay.io/acme/api", "condition not met: stable (main is not a version)"));
        lists.extend(
            ["gcr.io/x/web", "quay.io/x/web"]
                .map(|target| because(target, "condition not met: stable (1.0.0-rc.1 is a pre-release)")),
        );
        insta::assert_snapshot!(shown(&lists, WIDE), @r"
        left out   12 lists: app-0, app-1, app-2, app-3, app-4, app-5, app-6, app-7,
                   app-8, app-9, and 2 more (-v)
                   condition not met: stable (1.4.0-rc.1 is a pre-release)
        left out   gcr.io/x/worker
                   condition not met: newest (2.0.0-rc.1 is a pre-release)
        left out   quay.io/acme/api  condition not met: stable (main is not a version)
        left out   2 lists: gcr.io/x/web, quay.io/x/web
                   condition not met: stable (1.0.0-rc.1 is a pre-release)
        ");
        assert_eq!(shown(&[], WIDE), "");
    }

    #[test]
    fn where_there_is_no_room_the_reason_is_below() {
        let narrow = Style { width: Some(40), ..WIDE };
        insta::assert_snapshot!(shown(&[samples::left_out("gcr.io/x/app")], narrow), @r"
        left out   gcr.io/x/app
                   condition not met: stable
                   (1.4.0-rc.1 is a pre-release)
        ");
        insta::assert_snapshot!(shown(&[samples::left_out("gcr.io/x/app")], Style::PLAIN), @"left out   gcr.io/x/app  condition not met: stable (1.4.0-rc.1 is a pre-release)");
    }
}
