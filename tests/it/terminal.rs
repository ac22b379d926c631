//! The screen during a publish, and after Ctrl-C.

use crate::support::any_registry::AnyRegistry;
use crate::support::context::{Context, PATIENCE};
use crate::support::registry::{Fault, Knobs, Registry, Then};
use crate::support::release::Release;
use crate::support::terminal::Terminal;

/// Starts a registry that freezes after this many writes, and creates a project that publishes there.
fn release(writes: usize) -> (Registry, Context) {
    let registry = AnyRegistry::InProcess(Registry::start(Knobs::default()));
    Release::push(&registry);
    let context = Context::with(&Release::manifest(&registry.host()));
    let AnyRegistry::InProcess(registry) = registry else { unreachable!("it was made above") };
    registry.freeze_after(writes);
    (registry, context)
}

/// Returns the lines of the screen that are not blank.
fn lines(screen: &str) -> Vec<&str> {
    screen.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect()
}

fn beginning<'a>(screen: &'a str, word: &str) -> Vec<&'a str> {
    lines(screen).into_iter().filter(|line| line.starts_with(word)).collect()
}

#[test]
fn a_publish_shows_bars_and_leaves_lines_and_a_verdict() {
    // With one request in flight, lists finish one after the other. Each takes sixteen writes.
    let (registry, context) = release(2 * 16 + 5);
    let mut terminal = Terminal::start(&context, "sync -j 1", 30, 80);
    assert!(registry.wait_frozen(PATIENCE));
    let screen = terminal.wait_for("Publishing [");
    assert_eq!(lines(&screen)[0], "Plan: 6 to create", "{screen}");
    let bar = lines(&terminal.wait_for("/6 lists")).last().map(|line| (*line).to_owned()).expect("a bar");
    assert!(bar.starts_with("Publishing [") && bar.ends_with("/6 lists"), "{screen}");
    registry.thaw();
    assert_eq!(terminal.wait(), 0);
    let screen = terminal.wait_for("s: 6 lists created");
    assert_eq!(beginning(&screen, "created").len(), 6, "{screen}");
    assert!(lines(&screen).last().expect("lines").ends_with("s: 6 lists created"), "{screen}");
    assert!(!screen.contains("Publishing"), "bars are gone: {screen}");
    assert_eq!(lines(&screen).len(), 8, "the plan, six lists, the verdict: {screen}");
    assert!(lines(&screen).iter().all(|line| line.chars().count() <= 80), "{screen}");
}

/// Starts a run and stops it with Ctrl-C during its second list.
fn stopped_in_its_middle() -> (Registry, Context, Terminal) {
    let (registry, context) = release(16 + 5);
    let mut terminal = Terminal::start(&context, "sync -j 1", 30, 80);
    assert!(registry.wait_frozen(PATIENCE));
    terminal.wait_for("Publishing [");
    terminal.press_ctrl_c();
    terminal.wait_for("Stopping: ");
    (registry, context, terminal)
}

#[test]
fn ctrl_c_says_what_stopped_and_that_sync_goes_on() {
    let (registry, context, mut terminal) = stopped_in_its_middle();
    registry.thaw();
    assert_eq!(terminal.wait(), 130);
    let screen = terminal.wait_for("to continue.");
    assert!(screen.contains("Interrupted after "), "{screen}");
    assert!(screen.contains("Ctrl-C again stops at once."), "{screen}");
    assert!(screen.contains("cancelled"), "{screen}");
    assert!(lines(&screen).last().expect("lines").ends_with("Run mlist sync to continue."), "{screen}");
    assert!(!screen.contains("Publishing ["), "bars are gone: {screen}");
    // The terminal echoes the key as `^C` after the bars. No line of the bars may remain because of that.
    assert!(lines(&screen).iter().all(|line| !line.starts_with(' ')), "{screen}");
    let output = context.mlist("sync").exits(0);
    assert!(output.verdict().starts_with("Done in "), "{output}");
}

#[test]
fn a_second_ctrl_c_stops_at_once() {
    let (registry, _context, mut terminal) = stopped_in_its_middle();
    terminal.press_ctrl_c();
    assert_eq!(terminal.wait(), 130);
    registry.thaw_and_forget();
}

#[test]
fn ctrl_c_while_a_registry_is_waited_for_knows_that_no_tag_was_moved() {
    let registry = Registry::start(Knobs::default());
    let registry = AnyRegistry::InProcess(registry);
    Release::push(&registry);
    let context = Context::with(&Release::manifest(&registry.host()));
    let AnyRegistry::InProcess(registry) = registry else { unreachable!("it was made above") };
    registry.knobs().fault(Fault { method: "PUT", path: "/manifests/v1", times: 6, then: Then::RetryAfter(60) });
    let mut terminal = Terminal::start(&context, "sync -j 2", 30, 80);
    terminal.wait_for("rate limited, ");
    terminal.press_ctrl_c();
    assert_eq!(terminal.wait(), 130);
    let screen = terminal.wait_for("to continue.");
    assert!(beginning(&screen, "cancelled").len() > 1, "{screen}");
    assert!(screen.contains("no tag was moved") && !screen.contains("may have been moved"), "{screen}");
}

#[test]
fn a_small_screen_is_not_overrun() {
    let (registry, context) = release(2 * 16 + 5);
    let mut terminal = Terminal::start(&context, "sync", 10, 44);
    assert!(registry.wait_frozen(PATIENCE));
    let screen = terminal.wait_for("Publishing ");
    assert_eq!(beginning(&screen, "Publishing").len(), 1, "the bar is drawn over itself: {screen}");
    registry.thaw();
    assert_eq!(terminal.wait(), 0);
    terminal.wait_for("s: 6 lists created");
}
