//! The problem that children of a published list are damaged: which ones, who may have done it, and how to repair it.

use crate::config::model::Missing;
use crate::config::problem::Problem;
use crate::oci::Place;
use crate::plan::{Answer, ChildFault, DamagedChild, ListPlan, MemberChange, MemberFate};

use super::batch::QueryOrigin;
use super::input::Input;

/// The maximum number of digests that a problem lists.
const LISTED: usize = 3;

/// Returns the problem. `None` if nothing is damaged.
pub(super) fn problem(input: Input<'_>, plan: &ListPlan, damage: &[DamagedChild]) -> Option<Problem> {
    let (missing, wrong): (Vec<&DamagedChild>, Vec<&DamagedChild>) =
        damage.iter().partition(|child| child.fault.is_missing());
    let publication = input.publication;
    let (list, target) = (publication.reference(), &publication.target);
    let problem = |message| Problem::error("mlist::plan::list_damaged", message);
    let mut problem = if let Some(first) = missing.first() {
        let problem = problem(format!("{list} cannot be pulled completely: parts of it are missing"));
        let problem = problem.because(format!("not found in {target}: {}", digests(&missing)));
        problem.because(who(target, first))
    } else {
        let first = wrong.first()?;
        let problem = problem(format!("{list} does not match its images"));
        let digest = &first.descriptor.digest;
        problem.because(match &first.fault {
            ChildFault::Size(found) => {
                format!("the list says that {digest} has {} bytes, but it has {found}", first.descriptor.size)
            }
            ChildFault::Type(found) => {
                format!("the list says that {digest} is {}, but it is {found}", first.descriptor.media_type)
            }
            ChildFault::Unreadable(why) => format!("{digest} cannot be parsed: {why}"),
            ChildFault::Missing | ChildFault::ConfigMissing(_) | ChildFault::LayerMissing(_) => {
                unreachable!("these are missing")
            }
        })
    };
    problem = problem.help(help(input, plan, &missing, &wrong));
    Some(QueryOrigin::target(input).label(problem.about(&list)))
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
            "a retention or cleanup job may have deleted them, because images in a list have no tag of their own"
                .to_owned()
        }
        (Place::Repository(_), _) => "a garbage collection of the registry may have deleted them".to_owned(),
    }
}

fn help(input: Input<'_>, plan: &ListPlan, missing: &[&DamagedChild], wrong: &[&DamagedChild]) -> String {
    let list = selector(&plan.publication.id);
    let damaged = |member: &&MemberChange| {
        let digest = member.descriptor.as_ref().map(|descriptor| descriptor.digest.as_str());
        missing.iter().chain(wrong).any(|child| Some(child.image.as_str()) == digest)
    };
    // Only the published list names these images.
    let retained = || plan.members.iter().filter(|member| member.fate == MemberFate::Kept);
    let is_gone = |member: &&MemberChange| {
        let head = member.source.as_ref().and_then(|source| input.snapshot.head(source));
        matches!(head, Some(Answer::Absent))
    };
    let is_blob = |child: &&DamagedChild| child.fault != ChildFault::Missing;
    let sync = match missing {
        [] => format!("mlist sync {list}"),
        _ if missing.iter().any(is_blob) => format!("mlist sync --repair --blobs {list}"),
        _ => format!("mlist sync --repair {list}"),
    };
    if let Some(member) = retained().filter(is_gone).find(damaged)
        && let Some(source) = &member.source
    {
        return format!("push {source} again (it was not found), then run: {sync}");
    }
    if let Some(member) = retained().find(damaged) {
        let platform = &member.platform;
        return format!(
            "publish the image for {platform} again with the job that added it, or declare {platform} with a source and \
             run: {sync}"
        );
    }
    if wrong.iter().any(|child| matches!(child.fault, ChildFault::Unreadable(_))) {
        return format!("build the image again and push it to its source, then run: {sync}");
    }
    let is_strict = |member: &&MemberChange| {
        let declared = input.publication.members.iter().find(|own| member.source.as_ref() == Some(&own.source));
        declared.is_some_and(|declared| declared.missing != Missing::Keep)
    };
    if retained().filter(is_gone).any(|member| is_strict(&member)) {
        return format!("set missing = \"keep\", because some sources were not found, then run: {sync}");
    }
    match missing {
        [] if plan.action.writes() => format!("write the list again: {sync}"),
        [] => format!("delete tag {} in the registry, then run: {sync}", input.publication.own_tag().tag),
        _ => format!(
            "publish what is missing again: {sync}; to prevent this, exclude {} from cleanup jobs",
            input.publication.target
        ),
    }
}

/// Returns the argument that selects the list with this id on a command line.
fn selector(id: &str) -> String {
    let exact: String =
        id.chars().map(|c| if matches!(c, '*' | '?' | '[') { format!("[{c}]") } else { c.to_string() }).collect();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._/-:@%+=,".contains(c);
    if exact.chars().all(is_plain) { exact } else { format!("'{}'", exact.replace('\'', r"'\''")) }
}
