//! [`combinations`]: the axes of a list → the combinations of their values, one for each resulting list, and its id.
//!
//! `values` has the values of one axis. `from_tags` has the values that come from the tags of a repository.

mod from_tags;
mod values;

use super::evaluate::{Evaluator, Need, NoValue, Scope};
use super::scope::ListScope;
use super::value::Value;
use crate::config::memory::MemoryUse;
use crate::config::problem::Problem;

/// A value for each axis, in the order of the axes.
pub(super) type Combination<'a> = Vec<(&'a str, Value)>;

/// The combinations of the axes of a list.
pub(super) struct Combinations<'a> {
    pub(super) all: Vec<Combination<'a>>,
    /// The values of some axis are not known before tags are listed. The combinations do not contain this axis.
    pub(super) open: bool,
}

/// The values of an axis.
enum Values {
    Known(Vec<Value>),
    /// Not known before tags are listed.
    Open,
}

/// The maximum number of lists in a file, after the expansion of axes.
const MOST_LISTS: usize = 100_000;

/// The bytes that an axis value of a list needs, without its text.
const VALUE: usize = 100;
/// How many times the text of an axis value is kept, including those in the id of the list.
const COPIES: usize = 4;

/// How many more lists a file may have.
pub(super) struct Room {
    left: usize,
    /// It is already reported that there are too many lists. Further lists are not reported.
    exceeded: bool,
}

impl Default for Room {
    fn default() -> Self {
        Self { left: MOST_LISTS, exceeded: false }
    }
}

impl Room {
    /// Reserves room for the combinations of axes with these numbers of values.
    ///
    /// # Errors
    /// The problem if there is not enough room. `None` if that is already reported.
    fn take(&mut self, list: &ListScope<'_>, values: impl Iterator<Item = usize>) -> Result<(), Option<Box<Problem>>> {
        if self.exceeded {
            return Err(None);
        }
        let products = values.scan(1_usize, |product, values| {
            *product = product.saturating_mul(values);
            Some(*product)
        });
        let products: Vec<usize> = products.collect();
        let count = products.last().copied().unwrap_or(1);
        if count <= self.left {
            self.left -= count;
            return Ok(());
        }
        self.exceeded = true;
        let axis = products.iter().position(|product| *product > self.left).and_then(|at| list.axes.get(at));
        let key = axis.map_or(list.entry, |(key, _)| key);
        let before = MOST_LISTS - self.left;
        let message = match (count, before) {
            (usize::MAX, _) => format!("`{}` expands to more lists than can be counted", list.entry.name),
            (_, 0) => format!("`{}` expands to {count} lists", list.entry.name),
            (1, _) => format!("`{}` is list number {}", list.entry.name, before + 1),
            (..) => format!("`{}` expands to {count} lists, after {before} other lists", list.entry.name),
        };
        let problem = Problem::error("mlist::config::too_many_lists", message).at(&key.span, "").help(format!(
            "the maximum is {MOST_LISTS}: use fewer axes or values, or split the file and run mlist for each part"
        ));
        Err(Some(Box::new(problem)))
    }
}

/// All combinations. The last axis changes fastest. A list without axes has one empty combination.
pub(super) fn combinations<'a>(
    list: &ListScope<'a>,
    need: Need,
    room: &mut Room,
    evaluator: &mut Evaluator<'_>,
) -> Result<Combinations<'a>, NoValue> {
    let axes: Vec<_> = list.axes.iter().map(|axis| values::of(axis, list, need, evaluator)).collect();
    let axes = axes.into_iter().collect::<Result<Vec<_>, NoValue>>()?;
    let counts = axes.iter().map(|values| match values {
        Values::Known(values) => values.len(),
        Values::Open => 1,
    });
    if let Err(problem) = room.take(list, counts) {
        if let Some(problem) = problem {
            evaluator.problems.add(*problem);
        }
        return Err(NoValue);
    }
    charge(list, &axes, evaluator)?;
    let (mut all, mut open) = (vec![Vec::new()], false);
    for ((key, _), values) in list.axes.iter().zip(axes) {
        let Values::Known(values) = values else {
            open = true;
            continue;
        };
        if let [value] = values.as_slice() {
            // Otherwise many axes with one value each would take quadratic time.
            for combination in &mut all {
                combination.push((key.name.as_str(), value.clone()));
            }
            continue;
        }
        all = all
            .iter()
            .flat_map(|combination: &Combination<'_>| {
                values.iter().map(|value| [combination.as_slice(), &[(key.name.as_str(), value.clone())]].concat())
            })
            .collect();
    }
    Ok(Combinations { all, open })
}

/// Counts the values of all combinations, and the ids that they are part of.
fn charge(list: &ListScope<'_>, axes: &[Values], evaluator: &mut Evaluator<'_>) -> Result<(), NoValue> {
    let known = || {
        axes.iter().filter_map(|values| match values {
            Values::Known(values) => Some(values),
            Values::Open => None,
        })
    };
    let count = known().map(Vec::len).product::<usize>();
    let entry = list.entry.name.len() * count;
    let text = known()
        .map(|values| values.iter().map(|value| value.text().len()).sum::<usize>() * count / values.len().max(1));
    let text = text.sum::<usize>() + entry;
    let values = known().count() * count;
    evaluator.charge(MemoryUse::AxisValues, values, COPIES * text + values * VALUE)
}

/// `ENTRY`, or with axes `ENTRY/VALUE/VALUE`.
pub(super) fn id(entry: &str, combination: &Combination<'_>) -> Value {
    Value::public(entry).then_all(combination.iter().map(|(_, value)| value))
}

/// Reports why an axis has no values, if a selected list needs it.
fn refuse<T>(problem: Problem, scope: Scope<'_>, evaluator: &mut Evaluator<'_>) -> Result<T, NoValue> {
    if scope.need == Need::Must {
        evaluator.problems.add_for(scope.list, problem);
    }
    Err(NoValue)
}
