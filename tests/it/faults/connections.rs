//! Connections that are closed.

use crate::support::any_registry::AnyRegistry;
use crate::support::context::Context;
use crate::support::registry::knobs::Connections;
use crate::support::registry::{Knobs, Registry, Then};
use crate::support::release::{BINARIES, Release, VERSION};

use super::{ALWAYS, World, fault};

#[test]
fn connections_that_are_closed_without_a_word_lose_nothing() {
    for most in [1, 3, 10] {
        let registry = AnyRegistry::InProcess(Registry::start(Knobs::default()));
        Release::push(&registry);
        let AnyRegistry::InProcess(inner) = &registry else { unreachable!("it was made above") };
        inner.knobs().connections = Connections::ClosedAfter(most);
        let context = Context::with(&Release::manifest(&registry.host()));
        context.mlist("sync").exits(0);
        for binary in BINARIES {
            assert_eq!(registry.list(&format!("k8s/{binary}"), VERSION), Some(Release::list(binary)), "{most}");
        }
        assert_eq!(inner.store().refusals(), []);
        let (output, log) = registry.watch(|| context.mlist("sync"));
        output.exits(0);
        assert_eq!(log.writes().len(), 0, "{log}");
    }
}

#[test]
fn a_registry_that_never_answers_is_one_problem() {
    let world = World::faulty(&[
        fault("HEAD", "/manifests/", ALWAYS, Then::RequestLost),
        fault("GET", "/manifests/", ALWAYS, Then::RequestLost),
    ]);
    let run = world.sync().ends(1);
    let problem = run.problem("mlist::registry::unreachable");
    assert_eq!((&problem["retry"], &problem["http"]["host"]), (&true.into(), &world.registry.host().into()));
    assert_eq!(run.log.writes().len(), 0, "{}", run.log);
}
