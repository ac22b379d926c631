//! Carries out plans: runs the queries of the planner, publishes what it decided, and reports progress.
//!
//! | file | holds |
//! |---|---|
//! | [`survey`] | queries the registries until every list, or any other item, is decided |
//! | [`inspect`](mod@inspect) | what a reference leads to |
//! | `wait` | repeated queries for members that do not exist yet |
//! | [`executor`] | which lists are worked on, and what follows if one fails or the run is stopped |
//! | `publish` | one list: `prepare` copies its children, `commit` writes its tags |
//! | `multi_writer` | lists that several runs publish: read and written until nothing changes |
//! | `ending` | the result of one list |
//! | `copy` | copies children and their blobs, each once per run |
//! | `plan_tags`, `look` | which tags must be written; what a tag names now |
//! | `tags` | writes one tag, and checks the result |
//! | `floating` | floating tags, which only the newest version has |
//! | `member_tags` | tags of single members |
//! | `single_flight` | work that several lists need and that is done once |
//! | `lag` | pauses for registries that see a push late |
//! | [`registry_problem`] | the problem for an error of a registry; `failure`: the problems of the execution itself |
//! | [`event`], [`event_relay`] | what happens during a run, and how the listener receives it |
//! | [`report`] | the result of a run |
//! | [`stop`] | the request to stop early |
//!
//! Nothing here prints, decides what must change, or uses HTTP directly.

mod commit;
mod copy;
mod ending;
pub mod event;
pub mod event_relay;
pub mod executor;
mod failure;
mod floating;
pub mod inspect;
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
pub use executor::{AfterFailure, ExecutorOptions, execute};
pub use inspect::inspect;
pub use report::{ExitStatus, ListReport, Outcome, Report};
pub use stop::Stop;
pub use survey::{Surveyor, list_repositories, plan_lists, verify_lists};
