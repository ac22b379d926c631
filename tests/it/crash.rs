//! mlist is killed at many moments. No tag ever refers to a list whose children do not exist, and the next run
//! completes the work.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::support::any_registry::AnyRegistry;
use crate::support::context::{Context, PATIENCE};
use crate::support::docker_registry::{DockerRegistry, skipped};
use crate::support::registry::{Knobs, Log, Registry};
use crate::support::release::{BINARIES, Release, VERSION};
use crate::support::sample;

/// Checks in the log that all six lists were written, each after all its children were written by digest.
fn assert_children_came_first(log: &Log, target: &dyn Fn(&str) -> String) {
    let targets = BINARIES.map(|binary| (target(binary), binary));
    let (mut stand, mut lists) = (BTreeSet::new(), BTreeSet::new());
    for put in log.manifest_puts().iter().filter(|put| put.status == 201) {
        let (repository, reference) = (put.repository().expect("a place"), put.manifest().expect("a name"));
        let Some((_, binary)) = targets.iter().find(|(target, _)| target == repository) else { continue };
        if reference == VERSION {
            for (platform, digest) in Release::list(binary) {
                assert!(
                    stand.contains(&(repository.to_owned(), digest)),
                    "{platform} of {binary} was not there\n{log}"
                );
            }
            lists.insert(binary);
        } else {
            stand.insert((repository.to_owned(), reference.to_owned()));
        }
    }
    assert_eq!(lists.len(), BINARIES.len(), "{log}");
}

/// Returns how many lists exist. Each of them must be complete.
fn standing(registry: &AnyRegistry, target: &dyn Fn(&str) -> String) -> usize {
    let lists = BINARIES.map(|binary| (binary, registry.list(&target(binary), VERSION)));
    let found = lists.into_iter().filter_map(|(binary, list)| Some((binary, list?)));
    found.map(|(binary, list)| assert_eq!(list, Release::list(binary), "{binary} is not whole")).count()
}

/// Kills `command` after each of the first sixty writes, or after a sample of them, and syncs again. Returns how many
/// lists existed at each kill.
fn kill_and_go_on(command: &str) -> Vec<usize> {
    let seeded = AnyRegistry::InProcess(Registry::start(Knobs::default()));
    Release::push(&seeded);
    let AnyRegistry::InProcess(seeded) = seeded else { unreachable!("it was made above") };
    let target = |binary: &str| format!("k8s/{binary}");
    let kill = |writes: usize| {
        let registry = Registry::start(Knobs::default());
        *registry.store() = seeded.store().clone();
        let context = Context::with(&Release::manifest(&registry.host()));
        registry.freeze_after(writes);
        let running = context.start(command);
        assert!(registry.wait_frozen(PATIENCE), "a first sync has more than {writes} writes");
        running.kill().exits(137);
        registry.thaw_and_forget();
        let registry = AnyRegistry::InProcess(registry);
        let stood = standing(&registry, &target);
        context.mlist("sync").exits(0);
        assert_eq!(standing(&registry, &target), 6, "killed after {writes} writes");
        let AnyRegistry::InProcess(inner) = &registry else { unreachable!("it was made above") };
        let refused = inner.store().refusals().to_vec();
        assert_eq!(refused, [], "nothing was written before what it names, killed after {writes} writes");
        assert_children_came_first(&registry.log(), &target);
        stood
    };
    sample(7, 1..=60).into_iter().map(kill).collect()
}

#[test]
fn killed_after_each_of_the_first_sixty_writes() {
    assert!(kill_and_go_on("sync").len() >= 9);
}

#[test]
fn killed_after_each_of_the_first_sixty_writes_of_one_list_after_the_other() {
    // A list takes sixteen writes: some kills are before the first list, some just after a list, some during the next.
    let stood = kill_and_go_on("sync -j 1");
    assert_eq!((stood.first(), stood.last()), (Some(&0), Some(&3)), "{stood:?}");
}

#[test]
fn killed_at_twenty_moments_against_a_real_registry() {
    let Some(inner) = DockerRegistry::start(None) else {
        return skipped("docker-registry or htpasswd is not installed");
    };
    let registry = AnyRegistry::Debian(inner);
    Release::push(&registry);
    let AnyRegistry::Debian(inner) = &registry else { unreachable!("it was made above") };
    let kill = |moment: usize, attempt: usize| {
        let to = format!("{{registry}}/run-{moment}-{attempt}/{{name}}");
        let context = Context::with(&Release::manifest_to(&registry.host(), &to));
        let target = |binary: &str| format!("k8s/run-{moment}-{attempt}/{binary}");
        let (before, lines) = (registry.log().len(), inner.lines_so_far());
        // A run with one request at a time is the slowest. On a busy machine, only such a run is slow enough to be
        // killed at a late moment.
        let at_once = moment.is_multiple_of(2) && attempt < 3;
        let mut running = context.start(if at_once { "sync" } else { "sync -j 1" });
        // The writes before the kill. A first sync has 96 writes: ten mounts, five children and the list, for each of
        // six lists.
        let writes = 1 + 4 * moment;
        while running.is_running() && inner.writes_behind(lines) < writes {
            std::thread::sleep(Duration::from_micros(500));
        }
        let was_killed = running.kill().status == 137;
        standing(&registry, &target);
        context.mlist("sync").exits(0);
        assert_eq!(standing(&registry, &target), 6, "moment {moment}");
        let log = registry.log().since(before);
        let refused = log.manifest_puts().filter(|put| put.status >= 400);
        assert_eq!(refused.len(), 0, "{refused}");
        assert_children_came_first(&log, &target);
        was_killed
    };
    for moment in sample(4, 0..20) {
        // The run may end before it is killed. In that case the test tries again.
        assert!((0..10).any(|attempt| kill(moment, attempt)), "moment {moment} was never reached in time");
    }
}
