//! The problem that children of a published list are damaged: which ones, who may have done it, and how to repair it.

use std::collections::HashSet;
use std::sync::Arc;

use crate::config::model::Missing;
use crate::config::problem::Problem;
use crate::oci::Place;
use crate::plan::{Answer, ChildFault, DamagedChild, ListPlan, MemberChange, MemberFate, Repair, Verification};

use super::input::Input;

/// The maximum number of digests that a problem lists.
const LISTED: usize = 3;
/// The maximum number of lists that a command names. A command without any selects all lists.
const SELECTED: usize = 10;

const CODE: &str = "mlist::plan::list_damaged";

/// Returns the problem, and how to repair the list if one command does. `None` if nothing is damaged.
///
/// The problem has no position in the file: the file is not wrong.
pub(super) fn problem(input: Input<'_>, plan: &ListPlan, damage: &[DamagedChild]) -> Option<(Problem, Option<Repair>)> {
    let (missing, wrong): (Vec<&DamagedChild>, Vec<&DamagedChild>) =
        damage.iter().partition(|child| child.fault.is_missing());
    let publication = input.publication;
    let (list, target) = (publication.reference(), &publication.target);
    let problem = |message| Problem::error(CODE, message).about(&list);
    let problem = if let Some(first) = missing.first() {
        let problem = problem(format!("{list} cannot be pulled completely: parts of it are missing"));
        let problem = problem.because(format!("not found in {target}: {}", digests(&missing)));
        problem.because(who(target, first))
    } else {
        let first = wrong.first()?;
        let problem = problem(format!("{list} does not match its images"));
        let digest = &first.descriptor.digest;
        problem.because(match &first.fault {
            ChildFault::Size(found) => {
                format!("the list says that {digest} has {} bytes, but the manifest has {found}", first.descriptor.size)
            }
            ChildFault::Type(found) => {
                format!("the list says that {digest} is {}, but the manifest is {found}", first.descriptor.media_type)
            }
            ChildFault::Unreadable(why) => format!("{digest} cannot be parsed: {why}"),
            ChildFault::Missing | ChildFault::ConfigMissing(_) | ChildFault::LayerMissing(_) => {
                unreachable!("these are missing")
            }
        })
    };
    Some(match repair(input, plan, &missing, &wrong) {
        (_, Some(help)) => (problem.help(help), None),
        (repair, None) => (problem.help(repair.help(&[target], &[&publication.id])), Some(repair)),
    })
}

/// Returns what is missing: manifests, configs and layers.
fn digests(missing: &[&DamagedChild]) -> String {
    let digest = |child: &&DamagedChild| match &child.fault {
        ChildFault::ConfigMissing(blob) | ChildFault::LayerMissing(blob) => blob.to_string(),
        _ => child.descriptor.digest.to_string(),
    };
    let named: Vec<String> = missing.iter().take(LISTED).map(digest).collect();
    match missing.len().saturating_sub(LISTED) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

/// Returns who may have deleted it.
fn who(target: &Place, first: &DamagedChild) -> String {
    match (target, &first.fault) {
        (Place::Layout(_), _) => "files of the layout may have been deleted or changed".to_owned(),
        (Place::Repository(_), ChildFault::Missing) => {
            "a retention or cleanup job may have deleted images that have no tag, such as the images of a list"
                .to_owned()
        }
        (Place::Repository(_), _) => {
            "a garbage collection of the registry may have deleted blobs that are in use".to_owned()
        }
    }
}

/// Returns how the list is repaired, and the help that says so.
fn repair(
    input: Input<'_>,
    plan: &ListPlan,
    missing: &[&DamagedChild],
    wrong: &[&DamagedChild],
) -> (Repair, Option<String>) {
    let blobs = missing.iter().any(|child| child.fault != ChildFault::Missing);
    let repair = match missing {
        [] => Repair::Rewrite,
        _ if blobs => Repair::Blobs,
        _ => Repair::Children,
    };
    let sync = repair.command(&[&plan.publication.id]);
    let images: HashSet<&str> = missing.iter().chain(wrong).map(|child| child.image.as_str()).collect();
    let damaged = |member: &&MemberChange| {
        member.descriptor.as_ref().is_some_and(|descriptor| images.contains(descriptor.digest.as_str()))
    };
    // Only the published list names these images.
    let retained = || plan.members.iter().filter(|member| member.fate == MemberFate::Kept);
    let is_gone = |member: &&MemberChange| {
        let head = member.source.as_ref().and_then(|source| input.snapshot.head(source));
        matches!(head, Some(Answer::Absent))
    };
    let is_strict = |member: &&MemberChange| {
        let declared = input.publication.members.iter().find(|own| member.source.as_ref() == Some(&own.source));
        declared.is_some_and(|declared| declared.missing != Missing::Keep)
    };
    let source = retained().filter(is_gone).find(damaged).and_then(|member| member.source.as_ref());
    let help = if let Some(source) = source {
        format!("push {source} again (it was not found), then run: {sync}")
    } else if let Some(MemberChange { platform, .. }) = retained().find(damaged) {
        format!(
            "publish the image for {platform} again with the job that added it, or declare {platform} with a source \
             and run: {sync}"
        )
    } else if wrong.iter().any(|child| matches!(child.fault, ChildFault::Unreadable(_))) {
        format!("build the image again and push it to its source, then run: {sync}")
    } else if retained().filter(is_gone).any(|member| is_strict(&member)) {
        format!("set missing = \"keep\", because some sources were not found, then run: {sync}")
    } else if missing.is_empty() && !plan.action.writes() {
        format!("delete tag {} in the registry, then run: {sync}", input.publication.own_tag().tag)
    } else {
        return (repair, None);
    };
    (repair, Some(help))
}

/// Makes the help of damage that the same command repairs name all lists.
pub(crate) fn repair_together(lists: &mut [Arc<Verification>]) {
    for repair in [Repair::Rewrite, Repair::Children, Repair::Blobs] {
        let is_it = |list: &&mut Arc<Verification>| list.repair == Some(repair);
        let mut lists: Vec<&mut Arc<Verification>> = lists.iter_mut().filter(is_it).collect();
        let mut ids: Vec<&str> = Vec::new();
        for list in &lists {
            let id = list.plan.publication.id.as_str();
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        let targets: Vec<&Place> = lists.iter().map(|list| &list.plan.publication.target).collect();
        let help = repair.help(&targets, if ids.len() > SELECTED { &[] } else { &ids });
        for list in &mut lists {
            let plan = Arc::make_mut(&mut Arc::make_mut(list).plan);
            for problem in plan.problems.iter_mut().filter(|problem| problem.code == CODE) {
                problem.help = Some(help.clone());
            }
        }
    }
}

impl Repair {
    fn help(self, targets: &[&Place], ids: &[&str]) -> String {
        let sync = self.command(ids);
        match self {
            Self::Rewrite => format!("write the list again: {sync}"),
            Self::Children if targets.iter().any(|target| target.host().is_some()) => format!(
                "publish what is missing again: {sync}; to prevent this, exclude images without a tag from cleanup jobs"
            ),
            Self::Children | Self::Blobs => format!("publish what is missing again: {sync}"),
        }
    }

    /// Returns the command that repairs these lists. Without ids, all lists.
    fn command(self, ids: &[&str]) -> String {
        let options = match self {
            Self::Rewrite => "",
            Self::Children => " --repair",
            Self::Blobs => " --repair --blobs",
        };
        let command = format!("mlist sync{options}");
        std::iter::once(command).chain(ids.iter().map(|id| selector(id))).collect::<Vec<_>>().join(" ")
    }
}

/// Returns the argument that selects the list with this id on a command line.
fn selector(id: &str) -> String {
    let exact: String =
        id.chars().map(|c| if matches!(c, '*' | '?' | '[') { format!("[{c}]") } else { c.to_string() }).collect();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._/-:@%+=,".contains(c);
    if exact.chars().all(is_plain) { exact } else { format!("'{}'", exact.replace('\'', r"'\''")) }
}
