//! [`ResolutionStack`]: the variables that are being worked out for a template. It finds one that refers to itself, and
//! keeps the work within limits.

use crate::config::problem::{Problem, Span};

/// How many variables may stand one inside the other.
const DEEPEST: usize = 100;

/// How many values one template may take, those of its variables' own templates counted too.
const MOST_VALUES: usize = 1000;

/// The variables that are being worked out for one template.
#[derive(Default)]
pub(super) struct ResolutionStack<'r> {
    /// The variables that are being worked out, outermost first.
    inside: Vec<Step<'r>>,
    /// How many values were looked up so far.
    looked_up: usize,
}

struct Step<'r> {
    name: &'r str,
    /// Where it was asked for.
    place: Span,
}

impl<'r> ResolutionStack<'r> {
    /// A variable is worked out from here on, asked for at `place`.
    pub(super) fn enter(&mut self, name: &'r str, place: &Span) {
        self.inside.push(Step { name, place: place.clone() });
    }

    /// The innermost variable is worked out.
    pub(super) fn leave(&mut self) {
        self.inside.pop();
    }

    /// Counts the lookup of `name` at `place`.
    ///
    /// # Errors
    /// It can't be done: it needs itself, or it has no end; none where that was said.
    pub(super) fn look_up(&mut self, name: &str, place: &Span, list: &str) -> Result<(), Option<Box<Problem>>> {
        if let Some(first) = self.inside.iter().position(|step| step.name == name) {
            return Err(Some(cycle(&self.inside[first..], place, list)));
        }
        self.looked_up += 1;
        let message = if self.looked_up > MOST_VALUES + 1 {
            return Err(None);
        } else if self.looked_up > MOST_VALUES {
            format!("a template takes more than {MOST_VALUES} values")
        } else if self.inside.len() >= DEEPEST {
            format!("more than {DEEPEST} variables stand one inside the other")
        } else {
            return Ok(());
        };
        let problem = Problem::error("mlist::config::bad_value", message)
            .at(place, format!("in {list}"))
            .help("say it with fewer variables");
        Err(Some(Box::new(problem)))
    }
}

/// `mlist::config::cycle`: the ring of `steps`, of which the last asks for the first at `place`. Wherever one enters a
/// ring, it is told from the same place.
fn cycle(steps: &[Step<'_>], place: &Span, list: &str) -> Box<Problem> {
    // Who asks for each: the place of the first, which the ring is entered by, is none of it.
    let mut ring: Vec<(&str, &Span)> = steps.iter().map(|step| (step.name, &step.place)).collect();
    ring[0].1 = place;
    let begin = (0..ring.len()).max_by_key(|at| (ring[*at].1.file, ring[*at].1.range.start)).unwrap_or_default();
    ring.rotate_left(begin);
    let (name, place) = ring[0];
    let chain = ring.iter().chain([&ring[0]]).map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>();
    let problem = Problem::error("mlist::config::cycle", format!("`{name}` needs itself"))
        .at(place, "")
        .because(format!("{} in {list}", chain.join(" needs ")))
        .help("give one of them a value without the others");
    Box::new(problem)
}
