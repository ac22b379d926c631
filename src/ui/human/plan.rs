//! What `mlist plan` answers: each list that changes, why, and how many there are.

use crate::plan::{Action, ListPlan, Plan, Summary};
use crate::ui::style::Style;
use crate::ui::text;

use super::details::{self, Telling};
use super::{View, by_cause, verdict};

/// The lines of all lists, in the order of the file.
pub(in crate::ui) fn lines(plan: &Plan, view: &View) -> String {
    let shown = |list: &&ListPlan| view.all || list.action != Action::Unchanged;
    let all_rows: Vec<_> =
        plan.lists.iter().filter(shown).flat_map(|it| details::rows(it, view, Telling::Plan)).collect();
    let columns = details::columns(all_rows.iter(), view);
    let failed = plan.lists.iter().enumerate().filter(|(_, list)| list.action == Action::Failed);
    let groups = by_cause(failed.map(|(at, list)| (at, list.problems.as_slice())));
    let plans: Vec<&ListPlan> = plan.lists.iter().collect();
    let mut text = String::new();
    for (at, list) in plan.lists.iter().enumerate().filter(|(_, list)| shown(list)) {
        match groups.iter().find(|group| group.lists.len() > 1 && group.lists.contains(&at)) {
            // Lists of a dead registry have nothing of their own to say: they are told where the first of them is.
            Some(group) if group.lists[0] == at => text.push_str(&view.folded("failed", group, &plans)),
            Some(_) => {}
            None => {
                text.push_str(&view.word(text::action(list.action)));
                text.push_str(&list.publication.target.to_string());
                text.push('\n');
                text.push_str(&details::render(&details::rows(list, view, Telling::Plan), columns, view));
            }
        }
    }
    text
}

/// `Plan: 1 to create, 3 unchanged`
pub(in crate::ui) fn summary(summary: &Summary, style: Style) -> String {
    let Summary { create, update, unchanged, blocked, failed } = *summary;
    let counts = [
        (create, "to create"),
        (update, "to update"),
        (unchanged, "unchanged"),
        (blocked, "blocked"),
        (failed, "failed"),
    ];
    let counts = counts.into_iter().filter(|(number, _)| *number > 0);
    let counts: Vec<String> = counts.map(|(number, what)| format!("{} {what}", text::count(number))).collect();
    let counts = if counts.is_empty() { "no lists".to_owned() } else { counts.join(", ") };
    verdict(style, "Plan", &format!(": {counts}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Reason, TagFate};
    use crate::ui::human::digests;
    use crate::ui::samples::{self, WIDE};
    use crate::ui::style::{Charset, Color};
    use crate::ui::text::Digests;

    fn shown(plan: &Plan, style: Style, all: bool) -> String {
        let view = View { style, digests: Digests::telling_apart(digests(plan)), all };
        lines(plan, &view) + &summary(&plan.summary(), style)
    }

    #[test]
    fn every_action_as_in_the_transcript() {
        insta::assert_snapshot!(shown(&samples::plan(), WIDE, false), @r"
        update     gcr.io/google_containers/kubectl
          ~ tag v1.3.0       72c4e8f1a90d → 5d90b3e7c812
          ~ linux/arm64      0a4f6c1d92e7 → 9be3017c55fa
          + linux/ppc64le    1c77de02b4a9
          - linux/riscv64    60303ae22b99   published, not declared
          = 3 members
        create     gcr.io/google_containers/hyperkube
          + tag v1.3.0       8c1e5d0b7a42
          + 5 members        linux/amd64, linux/arm/v7, linux/arm64, linux/ppc64le,
                             linux/s390x
        create     docker.io/acme/api
          + tag v2.4.0       c4d81fa03b27
          + tag v2.4         c4d81fa03b27
          + tag latest       c4d81fa03b27
          + 5 members        linux/amd64, linux/arm/v7, linux/arm64, linux/ppc64le,
                             linux/s390x
        blocked    gcr.io/google_containers/kube-scheduler
          ! linux/s390x      is absent (404)
        failed     quay.io/acme/api
          ! quay.io          cannot be reached
        Plan: 2 to create, 1 to update, 1 unchanged, 1 blocked, 1 failed
        ");
    }

    #[test]
    fn verbose_names_members_and_what_is_unchanged() {
        let plan =
            Plan { lists: vec![samples::unchanged(samples::publication("kube-proxy"), "3f2a"), samples::updated()] };
        insta::assert_snapshot!(shown(&plan, WIDE, true), @r"
        unchanged  gcr.io/google_containers/kube-proxy
          = tag v1.3.0       3f2a00000000
          = linux/amd64      286021fa92db
          = linux/arm/v7     3df1b83ebe27
          = linux/arm64      243917d1edb1
          = linux/ppc64le    63ce970e9c87
          = linux/s390x      9b58c5ed69eb
        update     gcr.io/google_containers/kubectl
          ~ tag v1.3.0       72c4e8f1a90d → 5d90b3e7c812
          ~ linux/arm64      0a4f6c1d92e7 → 9be3017c55fa
          + linux/ppc64le    1c77de02b4a9
          - linux/riscv64    60303ae22b99   published, not declared
          = linux/amd64      481795d848b6
          = linux/arm/v7     e09424d9a41f
          = linux/s390x      7e9b480871c5
        Plan: 1 to update, 1 unchanged
        ");
    }

    #[test]
    fn a_narrow_terminal_is_stacked_and_ascii_has_its_own_arrow() {
        let style = Style { charset: Charset::Ascii, width: Some(40), ..WIDE };
        let text = shown(&samples::plan(), style, false);
        assert!(text.is_ascii());
        insta::assert_snapshot!(text, @r"
        update     gcr.io/google_containers/kubectl
          ~ tag v1.3.0
              72c4e8f1a90d -> 5d90b3e7c812
          ~ linux/arm64
              0a4f6c1d92e7 -> 9be3017c55fa
          + linux/ppc64le
              1c77de02b4a9
          - linux/riscv64
              60303ae22b99   published, not declared
          = 3 members
        create     gcr.io/google_containers/hyperkube
          + tag v1.3.0
              8c1e5d0b7a42
          + 5 members
              linux/amd64, linux/arm/v7,
              linux/arm64, linux/ppc64le,
              linux/s390x
        create     docker.io/acme/api
          + tag v2.4.0
              c4d81fa03b27
          + tag v2.4
              c4d81fa03b27
          + tag latest
              c4d81fa03b27
          + 5 members
              linux/amd64, linux/arm/v7,
              linux/arm64, linux/ppc64le,
              linux/s390x
        blocked    gcr.io/google_containers/kube-scheduler
          ! linux/s390x
              is absent (404)
        failed     quay.io/acme/api
          ! quay.io
              cannot be reached
        Plan: 2 to create, 1 to update, 1
          unchanged, 1 blocked, 1 failed
        ");
    }

    #[test]
    fn a_dead_registry_is_told_once_and_ten_of_its_lists_are_named() {
        let lists = (0..200).map(|n| samples::failed(&format!("quay.io/acme/api-{n}"))).collect();
        insta::assert_snapshot!(shown(&Plan { lists }, WIDE, false), @r"
        failed     200 lists on quay.io: api-0, api-1, api-2, api-3, api-4, api-5,
                   api-6, api-7, api-8, api-9, and 190 more (-v)
        Plan: 200 failed
        ");
    }

    #[test]
    fn an_update_of_tags_or_content_alone_says_so() {
        let mut tags = samples::unchanged(samples::publication_at("gcr.io/a/b", &["v1", "latest"]), "8c1e");
        (tags.action, tags.reason) = (Action::Update, Some(Reason::Tags));
        (tags.tags[1].from, tags.tags[1].fate) = (None, TagFate::Created);
        let mut content = samples::unchanged(samples::publication("c"), "9be3");
        (content.action, content.reason) = (Action::Update, Some(Reason::Content));
        (content.tags[0].from, content.tags[0].fate) = (Some(samples::digest("0a4f")), TagFate::Moved);
        insta::assert_snapshot!(shown(&Plan { lists: vec![tags, content] }, WIDE, false), @r"
        update     gcr.io/a/b
          + tag latest       8c1e00000000
          = 1 tag
          = 5 members
        update     gcr.io/google_containers/c
          ~ tag v1.3.0       0a4f00000000 → 9be300000000
          ~ content          type, annotations or order
          = 5 members
        Plan: 2 to update
        ");
    }

    #[test]
    fn colour_repeats_what_the_words_say() {
        let plan = Plan { lists: vec![samples::updated(), samples::blocked("kube-scheduler")] };
        let text = shown(&plan, Style { color: Color::On, ..WIDE }, false);
        insta::assert_snapshot!(text.replace('\u{1b}', "␛"), @r"
        ␛[33mupdate␛[0m     gcr.io/google_containers/kubectl
          ␛[33m~␛[0m tag v1.3.0       ␛[2m72c4e8f1a90d␛[0m → 5d90b3e7c812
          ␛[33m~␛[0m linux/arm64      ␛[2m0a4f6c1d92e7␛[0m → 9be3017c55fa
          ␛[32m+␛[0m linux/ppc64le    1c77de02b4a9
          ␛[31m-␛[0m linux/riscv64    60303ae22b99   published, not declared
          ␛[2m=␛[0m 3 members
        ␛[35mblocked␛[0m    gcr.io/google_containers/kube-scheduler
          ␛[35m!␛[0m linux/s390x      is absent (404)
        ␛[1mPlan␛[0m: 1 to update, 1 blocked
        ");
        let mut bare = text;
        while let Some(start) = bare.find('\u{1b}') {
            let end = start + bare[start..].find('m').unwrap();
            bare.replace_range(start..=end, "");
        }
        assert_eq!(bare, shown(&plan, WIDE, false));
    }

    #[test]
    fn a_layout_answers_no_404() {
        let mut list = samples::blocked("kube-scheduler");
        for member in &mut list.members {
            member.source = Some(crate::oci::Reference::parse("oci:images/kube-scheduler:v1.3.0").unwrap());
        }
        let text = shown(&Plan { lists: vec![list] }, WIDE, false);
        assert!(text.contains("  ! linux/s390x      is absent\n"), "{text}");
    }

    #[test]
    fn a_plan_of_nothing_says_so() {
        assert_eq!(shown(&Plan::default(), WIDE, false), "Plan: no lists\n");
    }
}
