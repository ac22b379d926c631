//! Decides what must change. Pure: no clock, no network, and independent of the order in which answers arrive.
//!
//! | file | holds |
//! |---|---|
//! | [`snapshot`] | the known state of the registries, and the queries that add to it |
//! | [`decide`](mod@decide) | [`decide()`]: returns what must change, or what must be queried first |
//! | [`tree`](mod@tree) | [`tree()`]: what a reference leads to, for `mlist inspect` |
//! | [`equality`] | when a published list is equal to the declared one |
//! | [`diff`] | how each member changes |
//! | [`newest`] | whether a floating tag belongs to a newer version |
//! | [`tag_listing`] | which tags a repository has, and what they name |
//! | [`change`] | the result: [`Plan`], and the action, tags, members and children of a list |
//! | [`verification`] | how a published list compares with the declared one |

pub mod change;
pub mod decide;
pub mod diff;
pub mod equality;
pub mod newest;
pub mod snapshot;
pub mod tag_listing;
pub mod tree;
pub mod verification;

pub use change::{
    Action, AnnotationChanges, Child, ContentChange, ListPlan, MemberChange, MemberFate, MemberTagChange,
    OsVersionOrigin, Plan, Reason, Summary, TagChange, TagFate,
};
pub(crate) use decide::{contradictory, damaged, repair_together};
pub use decide::{decide, verify};
pub use snapshot::{Answer, Cause, Decision, Query, Snapshot};
pub use tag_listing::{
    ContentKind, ListedTag, RepositoryState, TagKinds, TagLimit, TagListing, TagRequest, list_tags, tag_requests,
};
pub use tree::{Inspection, InspectionEnding, NodeKind, NodeRole, NodeState, TreeNode, tree};
pub use verification::{
    CheckDepth, ChildFault, ChildPart, DamagedChild, ListState, MemberState, PublishedState, Repair, Verification,
};

#[cfg(test)]
mod tests;
