//! [`ResolutionStack`]: the variables that are being expanded for a template. It finds a variable that refers to
//! itself, and limits the work.

use crate::config::problem::{Problem, Span};

/// The maximum depth of nested variables.
const DEEPEST: usize = 100;

/// The maximum number of values for one template, including those for the templates of its variables.
const MOST_VALUES: usize = 1000;

/// The variables that are being expanded for one template.
#[derive(Default)]
pub(super) struct ResolutionStack<'r> {
    /// The variables that are being expanded, outermost first.
    inside: Vec<ResolutionStep<'r>>,
    /// How many values were looked up so far.
    looked_up: usize,
}

/// A variable that is being expanded.
struct ResolutionStep<'r> {
    name: &'r str,
    /// Where the name is used.
    place: Span,
}

impl<'r> ResolutionStack<'r> {
    /// Starts the expansion of the variable `name`, which is used at `place`.
    pub(super) fn enter(&mut self, name: &'r str, place: &Span) {
        self.inside.push(ResolutionStep { name, place: place.clone() });
    }

    /// Ends the expansion of the innermost variable.
    pub(super) fn leave(&mut self) {
        self.inside.pop();
    }

    /// Counts the lookup of `name` at `place`.
    ///
    /// # Errors
    /// The problem if the variable refers to itself or a limit is exceeded. `None` if that is already reported.
    pub(super) fn look_up(&mut self, name: &str, place: &Span, list: &str) -> Result<(), Option<Box<Problem>>> {
        if let Some(first) = self.inside.iter().position(|step| step.name == name) {
            return Err(Some(cycle(&self.inside[first..], place, list)));
        }
        self.looked_up += 1;
        let message = if self.looked_up > MOST_VALUES + 1 {
            return Err(None);
        } else if self.looked_up > MOST_VALUES {
            format!("a template uses more than {MOST_VALUES} values, including those of nested variables")
        } else if self.inside.len() >= DEEPEST {
            format!("variables are nested more than {DEEPEST} levels deep")
        } else {
            return Ok(());
        };
        let problem = Problem::error("mlist::config::bad_value", message)
            .at(place, format!("used by list `{list}`"))
            .help("use fewer placeholders in the template and in the variables that it uses");
        Err(Some(Box::new(problem)))
    }
}

/// `mlist::config::cycle`: the cycle of `steps`, whose last variable refers to the first one at `place`. The same cycle
/// is always reported from the same place, no matter where it is entered.
fn cycle(steps: &[ResolutionStep<'_>], place: &Span, list: &str) -> Box<Problem> {
    // Each name with the place that refers to it. The recorded place of the first name is outside of the cycle, so it
    // is replaced.
    let mut ring: Vec<(&str, &Span)> = steps.iter().map(|step| (step.name, &step.place)).collect();
    ring[0].1 = place;
    let begin = (0..ring.len()).max_by_key(|at| (ring[*at].1.file, ring[*at].1.range.start)).unwrap_or_default();
    ring.rotate_left(begin);
    let (name, place) = ring[0];
    let problem = Problem::error("mlist::config::cycle", format!("variable `{name}` refers to itself"));
    let problem = problem.at(place, format!("used by list `{list}`"));
    let others: Vec<String> = ring[1..].iter().chain([&ring[0]]).map(|(name, _)| format!("`{name}`")).collect();
    Box::new(if ring.len() == 1 {
        problem.help(format!("define `{name}` without `{{{name}}}`"))
    } else {
        let chain = format!("`{name}` uses {}", others.join(", which uses "));
        problem.because(chain).help("define one of these variables without the others")
    })
}
