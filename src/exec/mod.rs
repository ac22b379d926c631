//! Drives the world by the plan: reads what the planner asks for, carries out what it decides, says what happens.
//!
//! | file | holds |
//! |---|---|
//! | [`survey`] | asks the registries until every list, or whatever else, is decided |
//! | `wait` | absent members that are asked for again |
//! | [`executor`] | which lists are worked on, and what follows when one fails or the run is stopped |
//! | `publish` | one list: `prepare` copies its children, `commit` writes its tags |
//! | `multi_writer` | lists that several runs publish: read and written until nothing changes |
//! | `ending` | the result of one list |
//! | `copy` | children and their blobs, each once in a run |
//! | `plan_tags`, `look` | which tags are to be written; what a tag names now |
//! | `tags` | one tag: written, judged |
//! | `floating` | the tags that only the newest version has |
//! | `member_tags` | tags of members by themselves |
//! | `single_flight` | work that several lists need and one does |
//! | `lag` | pauses for registries that see a push late |
//! | [`registry_problem`] | the problem for an error of a registry; `failure` holds the problems of the execution itself |
//! | [`event`], [`event_relay`] | what happens, and who is told |
//! | [`report`] | what came of it |
//! | [`stop`] | the wish to end early |
//!
//! Nothing here prints, decides what must change, or knows HTTP.

mod commit;
mod copy;
mod ending;
pub mod event;
pub mod event_relay;
pub mod executor;
mod failure;
mod floating;
mod lag;
mod look;
mod member_tags;
mod multi_writer;
mod plan_tags;
mod prepare;
mod publish;
pub mod registry_problem;
pub mod report;
mod single_flight;
pub mod stop;
pub mod survey;
mod tags;
#[cfg(test)]
mod tests;
mod wait;

pub use event::{Event, ListStep, Listener};
pub use event_relay::EventRelay;
pub use executor::{AfterFailure, Options, execute};
pub use report::{ExitStatus, ListReport, Outcome, Report};
pub use stop::Stop;
pub use survey::{Surveyor, plan_lists};
