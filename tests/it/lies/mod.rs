//! The search for a lie that does harm: every answer of a run is replaced, one at a time, by each of a set of lies.
//!
//! In every run, a tag names what it named before or what it names after a run without lies, every list describes the
//! bytes, and the exit status is 0 only if the result is the one without lies. A lie that no other answer of the run
//! contradicts cannot be found; [`trusted`] has all of them.
//!
//! | file | holds |
//! |---|---|
//! | [`scenarios`] | the runs that are repeated |
//! | [`requests`] | the requests of a run, and the lies about each |
//! | [`outcome`] | what is wrong after a run |
//! | [`trusted`] | the lies that cannot be found |

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::registry::knobs::References;
use crate::support::sample;

use outcome::Expected;
use requests::{Request, Told};
use scenarios::{SCENARIOS, Scenario};
use trusted::{TRUSTED, Trusted};

mod outcome;
mod requests;
mod scenarios;
mod trusted;

/// How many runs are made at once. Most of the time a run waits, because contradictory answers are requested again
/// after pauses of up to 4.5 seconds in all.
const THREADS: usize = 8;
/// Without `--long`, every so many-th run is made. A prime, so that the runs of all kinds of requests are among them.
const ONE_IN: usize = 23;

/// A run with one lie.
struct Run {
    scenario: &'static Scenario,
    request: Request,
    told: Told,
    /// Whether the same request gets the lie again when it is repeated.
    always: bool,
}

/// A run that did harm.
struct Harm {
    run: usize,
    wrong: Vec<String>,
    output: String,
}

/// Makes the run of a scenario without lies. Returns its outcome, and all runs with one lie.
fn baseline(scenario: &'static Scenario) -> (Expected, Vec<Run>) {
    let world = scenario.world();
    let before = outcome::tags(&world);
    let output = world.context.mlist(SYNC);
    let expected = Expected { before, after: outcome::tags(&world), status: output.status };
    let right = outcome::wrong(&world, &output, &expected);
    assert!(right.is_empty() && matches!(output.status, 0 | 4), "{}: {right:?}\n{output}", scenario.name);
    let mut runs = Vec::new();
    for request in requests::requests(&world) {
        for told in request.lies(&world) {
            for always in [false, true] {
                runs.push(Run { scenario, request: request.clone(), told: told.clone(), always });
            }
        }
    }
    (expected, runs)
}

/// One request after the other, so that each run makes the same requests.
const SYNC: &str = "sync --jobs 1";

/// Makes a run with a lie. `None` if the request never came.
fn harm(run: &Run, expected: &Expected) -> Option<(Vec<String>, String)> {
    let world = run.scenario.world();
    {
        let mut knobs = world.registries[run.request.registry].knobs();
        knobs.lies.push(run.request.lie(&run.told, run.always));
        if run.told.is_lax {
            knobs.references = References::Unchecked;
        }
    }
    let output = world.context.mlist(SYNC);
    let was_told = world.registries[run.request.registry].knobs().lies[0].told > 0;
    was_told.then(|| (outcome::wrong(&world, &output, expected), output.to_string()))
}

#[test]
fn no_lie_does_harm_but_those_that_cannot_be_found() {
    let (mut expected, mut all) = (Vec::new(), Vec::new());
    for (at, scenario) in SCENARIOS.iter().enumerate() {
        let (outcome, runs) = baseline(scenario);
        expected.push(outcome);
        all.extend(runs.into_iter().map(|run| (at, run)));
    }
    let total = all.len();
    let runs = sample(ONE_IN, all);
    let (harms, untold) = harms(&runs, &expected);
    let mut used = [false; TRUSTED.len()];
    let mut unexpected = Vec::new();
    for harm in &harms {
        let (_, Run { scenario, request, told, always }) = &runs[harm.run];
        let is_it = |trusted: &Trusted| trusted.covers(scenario.name, request.kind, told.name, *always);
        if let Some(at) = TRUSTED.iter().position(is_it) {
            used[at] = true;
            continue;
        }
        let (name, kind, lie, wrong) = (scenario.name, request.kind, told.name, harm.wrong.join("\n  "));
        let times = if *always { "always" } else { "once" };
        unexpected.push(format!("{name}: {kind}: {lie}, {times}\n  {request}\n  {wrong}\n{}\n", harm.output));
    }
    assert!(unexpected.is_empty(), "{} of {} runs did harm:\n{}", unexpected.len(), runs.len(), unexpected.join("\n"));
    assert!(untold * 50 <= runs.len(), "{untold} of {} requests never came", runs.len());
    let stale: Vec<&Trusted> = TRUSTED.iter().zip(used).filter(|(_, used)| !used).map(|(trusted, _)| trusted).collect();
    assert!(runs.len() < total || stale.is_empty(), "these lies do no harm any more: {stale:#?}");
}

/// Makes all runs. Returns those that did harm, and how many never made the request that the lie is about.
fn harms(runs: &[(usize, Run)], expected: &[Expected]) -> (Vec<Harm>, usize) {
    let (next, untold, harms) = (AtomicUsize::new(0), AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some((at, run)) = runs.get(number) else { break };
            match harm(run, &expected[*at]) {
                None => {
                    untold.fetch_add(1, Ordering::Relaxed);
                }
                Some((wrong, _)) if wrong.is_empty() => {}
                Some((wrong, output)) => {
                    harms.lock().expect("no panic while it is held").push(Harm { run: number, wrong, output });
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(work);
        }
    });
    let mut harms = harms.into_inner().expect("no thread panicked");
    harms.sort_by_key(|harm| harm.run);
    (harms, untold.into_inner())
}
