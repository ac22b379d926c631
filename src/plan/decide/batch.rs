//! [`QueryBatch`]: queries that can be answered together, looked up in the snapshot.

use std::collections::BTreeSet;

use crate::config::model::{Member, MemberTag, OsVersionOf, TargetTag};
use crate::config::problem::{Problem, Span};
use crate::oci::{
    Descriptor, Digest, Entry, ImageConfig, LayoutContents, MalformedJson, Payload, Place, Reference, ReferrerFilter,
    Tag,
};

use crate::plan::{Action, Answer, Cause, Query};

use super::input::{Early, Flow, Input};

/// Whether something exists in a place.
pub(super) enum Presence<T> {
    /// It exists.
    Found(T),
    /// It does not exist (404).
    Absent,
}

/// The part of manifests.toml that a query is made for.
pub(super) struct QueryOrigin<'a> {
    span: &'a Span,
    text: String,
}

/// Queries that can be made at once. They are judged only when all are answered: unknown answers fail the list;
/// otherwise the problems that were found, and faults of layouts, block it.
pub(super) struct QueryBatch<'a> {
    input: Input<'a>,
    needs: BTreeSet<Query>,
    causes: Vec<Cause>,
    failures: Vec<Problem>,
    /// Faults in the files of a layout. They are answers: a rerun finds the same.
    faults: Vec<Problem>,
    doubts: BTreeSet<Query>,
    contradictions: Vec<Problem>,
    blocks: Vec<Problem>,
}

impl<'a> QueryOrigin<'a> {
    /// The source of a member: ``linux/s390x of list `kube-scheduler` ``.
    pub(super) fn member(input: Input<'a>, member: &'a Member) -> Self {
        Self { span: &member.source_span, text: format!("{} of list `{}`", member.platform, input.publication.id) }
    }

    /// The image that a Windows version is taken from: ``os-version of windows/amd64 of list `pause` ``.
    pub(super) fn os_version(input: Input<'a>, member: &Member, of: &'a OsVersionOf) -> Self {
        Self { span: &of.span, text: format!("os-version of {} of list `{}`", member.platform, input.publication.id) }
    }

    /// A tag of the list: ``tag v1.3.0 of list `kube-scheduler` ``.
    pub(super) fn tag(input: Input<'a>, tag: &'a TargetTag) -> Self {
        Self { span: &tag.span, text: format!("tag {} of list `{}`", tag.tag, input.publication.id) }
    }

    /// A tag of a member: ``member tag v1.3.0-linux-s390x of list `kube-scheduler` ``.
    pub(super) fn member_tag(input: Input<'a>, tag: &'a MemberTag) -> Self {
        Self { span: &tag.span, text: format!("member tag {} of list `{}`", tag.tag, input.publication.id) }
    }

    /// The target of the list: ``target of list `kube-scheduler` ``.
    pub(super) fn target(input: Input<'a>) -> Self {
        Self { span: &input.publication.target_span, text: format!("target of list `{}`", input.publication.id) }
    }

    /// Labels this position in `problem`.
    pub(super) fn label(&self, problem: Problem) -> Problem {
        problem.at(self.span, self.text.clone())
    }
}

impl<'a> QueryBatch<'a> {
    pub(super) fn new(input: Input<'a>) -> Self {
        let (needs, causes, failures, faults, doubts, contradictions, blocks) = Default::default();
        Self { input, needs, causes, failures, faults, doubts, contradictions, blocks }
    }

    /// Returns what `reference` names. `None` if there is no usable answer yet.
    pub(super) fn head(&mut self, reference: &Reference, origin: &QueryOrigin<'_>) -> Option<Presence<&'a Descriptor>> {
        let answer = self.input.snapshot.head(reference).map(|answer| answer.borrow_with(|descriptor| descriptor));
        self.take(answer, || Query::Head(reference.clone()), origin)
    }

    /// Returns what `reference` names, for information only: an answer that is unknown is no failure.
    pub(super) fn informative_head(&mut self, reference: &Reference) -> Option<&'a Descriptor> {
        match self.input.snapshot.head(reference) {
            Some(Answer::Found(descriptor)) => Some(descriptor),
            Some(Answer::Absent | Answer::Unknown(_)) => None,
            None => {
                self.needs.insert(Query::Head(reference.clone()));
                None
            }
        }
    }

    /// Returns all tags of `place`. `None` if there is no usable answer yet.
    pub(super) fn tags(&mut self, place: &Place, origin: &QueryOrigin<'_>) -> Option<Presence<&'a BTreeSet<Tag>>> {
        let answer = self.input.snapshot.tags(place).map(|answer| answer.borrow_with(AsRef::as_ref));
        self.take(answer, || Query::Tags(place.clone()), origin)
    }

    /// Returns the manifest of `digest` in `place`. `None` if there is no usable answer yet.
    pub(super) fn manifest(
        &mut self,
        digest: &Digest,
        place: &Place,
        origin: &QueryOrigin<'_>,
    ) -> Option<Presence<&'a Payload>> {
        let answer = self.input.snapshot.bytes(digest, place);
        self.take(answer, || Query::Manifest(digest.clone(), place.clone()), origin)
    }

    /// Returns the manifest of `digest` if `place` itself has returned it. `None` if there is no usable answer yet.
    pub(super) fn stored(
        &mut self,
        digest: &Digest,
        place: &Place,
        origin: &QueryOrigin<'_>,
    ) -> Option<Presence<&'a Payload>> {
        let answer = self.input.snapshot.stored(digest, place);
        self.take(answer, || Query::Stored(digest.clone(), place.clone()), origin)
    }

    /// Returns the config of `digest` in `place`. `None` if there is no usable answer yet.
    pub(super) fn config(
        &mut self,
        digest: &Digest,
        place: &Place,
        origin: &QueryOrigin<'_>,
    ) -> Option<Presence<&'a Result<ImageConfig, MalformedJson>>> {
        let answer = self.input.snapshot.config(digest, place);
        self.take(answer, || Query::Config(digest.clone(), place.clone()), origin)
    }

    /// Returns whether `place` has `blob`. `None` if there is no usable answer yet.
    pub(super) fn blob(&mut self, blob: &Descriptor, place: &Place, origin: &QueryOrigin<'_>) -> Option<Presence<()>> {
        let answer = self.input.snapshot.blob(blob, place);
        self.take(answer, || Query::Blob(blob.clone(), place.clone()), origin)
    }

    /// Returns the attestations in `place` whose subject is `digest`. `None` if there is no usable answer yet.
    pub(super) fn attestations(
        &mut self,
        digest: &Digest,
        place: &Place,
        origin: &QueryOrigin<'_>,
    ) -> Option<Presence<&'a [Entry]>> {
        let wanted = ReferrerFilter::Attestations;
        let answer = self.input.snapshot.referrers(digest, place, wanted);
        let answer = answer.map(|answer| answer.borrow_with(AsRef::as_ref));
        self.take(answer, || Query::Referrers(digest.clone(), place.clone(), wanted), origin)
    }

    /// Returns what the directory of a layout holds. `None` if there is no usable answer yet.
    pub(super) fn layout(&mut self, place: &Place, origin: &QueryOrigin<'_>) -> Option<&'a LayoutContents> {
        let answer = self.input.snapshot.layout(place).map(|answer| answer.borrow_with(|contents| contents));
        match self.take(answer, || Query::Layout(place.clone()), origin)? {
            Presence::Found(contents) => Some(contents),
            // This is an answer for a repository, which has no directory.
            Presence::Absent => None,
        }
    }

    /// Takes over the open queries and failures of another batch. Its blocking problems are dropped.
    pub(super) fn merge_queries(&mut self, other: Self) {
        self.needs.extend(other.needs);
        self.causes.extend(other.causes);
        self.failures.extend(other.failures);
        self.faults.extend(other.faults);
        self.doubts.extend(other.doubts);
        self.contradictions.extend(other.contradictions);
    }

    /// Adds queries whose answers contradict each other. `problem` says so. It is reported if they stay contradictory.
    pub(super) fn contradict(&mut self, queries: impl IntoIterator<Item = Query>, problem: Problem) {
        self.doubts.extend(queries);
        if !self.contradictions.contains(&problem) {
            self.contradictions.push(problem);
        }
    }

    /// Adds a problem that blocks the list.
    pub(super) fn block(&mut self, problem: Problem) {
        self.blocks.push(problem);
    }

    /// Checks that all queries are answered and that nothing blocks the list.
    ///
    /// # Errors
    ///
    /// Returns an [`Early`] end of the decision if a query has no answer yet, an answer is unknown, answers contradict
    /// each other, or a blocking problem was found.
    pub(super) fn end(self) -> Flow<()> {
        if !self.needs.is_empty() {
            return Err(Early::Needs(self.needs));
        }
        if self.failures.is_empty() && self.faults.is_empty() && !self.doubts.is_empty() {
            return Err(Early::Doubts(self.doubts, self.contradictions));
        }
        if !self.failures.is_empty() {
            return Err(Early::Refused(Action::Failed, [self.failures, self.faults].concat()));
        }
        let blocks = [self.faults, self.blocks].concat();
        if blocks.is_empty() { Ok(()) } else { Err(Early::Refused(Action::Blocked, blocks)) }
    }

    fn take<T>(
        &mut self,
        answer: Option<Answer<T>>,
        query: impl FnOnce() -> Query,
        origin: &QueryOrigin<'_>,
    ) -> Option<Presence<T>> {
        match answer {
            Some(Answer::Found(found)) => Some(Presence::Found(found)),
            Some(Answer::Absent) => Some(Presence::Absent),
            Some(Answer::Unknown(cause)) => {
                self.fail(cause, matches!(query().place(), Place::Layout(_)), origin);
                None
            }
            None => {
                self.needs.insert(query());
                None
            }
        }
    }

    /// Adds a failure. A cause is reported once, at the first place it concerns.
    fn fail(&mut self, cause: Cause, is_of_layout: bool, origin: &QueryOrigin<'_>) {
        if self.causes.contains(&cause) {
            return;
        }
        let problem = Problem::clone(&cause.0);
        // A registry that is down as a whole is not the fault of one image, so no position in the file is shown for it.
        let of_a_host = problem.http.is_some() && problem.reference.is_none();
        let failures = if is_of_layout && !problem.retry { &mut self.faults } else { &mut self.failures };
        failures.push(if of_a_host { problem } else { origin.label(problem) });
        self.causes.push(cause);
    }
}
