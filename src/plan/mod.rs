//! Decides what must change. Pure: no clock, no network, no order of arrival.
//!
//! | file | holds |
//! |---|---|
//! | [`snapshot`] | what is known of the registries, and the questions that add to it |
//! | [`decide`](mod@decide) | [`decide()`]: what must change, or what must be asked first |
//! | [`equality`] | when a published list is what is declared |
//! | [`diff`] | what becomes of each member |
//! | [`newest`] | which version a tag belongs to that only the newest has |
//! | [`change`] | the answer: [`Plan`], a list's action, tags, members, children |

pub mod change;
pub mod decide;
pub mod diff;
pub mod equality;
pub mod newest;
pub mod snapshot;

pub use change::{
    Action, Child, ListPlan, MemberChange, MemberFate, MemberTagChange, Plan, Reason, Summary, TagChange, TagFate,
};
pub use decide::decide;
pub use snapshot::{Answer, Cause, Decision, Query, Snapshot};

#[cfg(test)]
mod tests;
