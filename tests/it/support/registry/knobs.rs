//! [`Knobs`]: how the registry behaves, and misbehaves.

use std::time::Duration;

use super::auth::Auth;

/// How a registry behaves. May be turned while it runs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Knobs {
    /// Every answer waits so long.
    pub(crate) delay: Duration,
    /// What a mount is answered.
    pub(crate) mount: Mount,
    /// Who may do what.
    pub(crate) auth: Auth,
    /// All tokens given so far are refused once so many more requests were answered.
    pub(crate) revoke_tokens_after: Option<usize>,
    /// Answers that go wrong; the first that fits a request is used.
    pub(crate) faults: Vec<Fault>,
}

impl Knobs {
    /// Lets an answer go wrong.
    pub(crate) fn fault(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    /// What goes wrong with this request, counted down.
    pub(super) fn next_fault(&mut self, method: &str, path: &str) -> Option<Then> {
        let fits = |fault: &Fault| fault.times > 0 && fault.method == method && path.contains(fault.path);
        let fault = self.faults.iter_mut().find(|fault| fits(fault))?;
        fault.times -= 1;
        Some(fault.then)
    }
}

/// What a mount of a blob that stands in the other repository is answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Mount {
    /// 201: it stands here too.
    #[default]
    Granted,
    /// 202: a session to upload it.
    Session,
}

/// An answer that goes wrong.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fault {
    /// To requests with this method.
    pub(crate) method: &'static str,
    /// And this in their path.
    pub(crate) path: &'static str,
    /// So often.
    pub(crate) times: usize,
    /// How.
    pub(crate) then: Then,
}

/// How an answer goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    /// The request takes effect, the connection is closed instead of an answer.
    AnswerLost,
    /// The connection is closed and nothing done.
    RequestLost,
    /// This status with an empty body, and nothing done.
    Status(u16),
    /// 429 with `Retry-After` in seconds, and nothing done.
    RetryAfter(u64),
}
