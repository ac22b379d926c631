//! [`inspect()`]: what a reference leads to.

use std::sync::Arc;

use crate::oci::Reference;
use crate::plan::{Inspection, Snapshot, tree};
use crate::registry::Registry;

use super::{Listener, Surveyor};

/// Reads the manifests that `reference` leads to. Nothing is written.
pub async fn inspect<R: Registry>(reference: &Reference, registry: &R) -> Inspection {
    // Progress is counted in lists, and there are none.
    let silent: Listener = Arc::new(|_| {});
    let references = std::slice::from_ref(reference);
    let (inspections, _) = Surveyor::for_one(registry, &silent).survey(references, tree, Snapshot::default()).await;
    let Some(inspection) = inspections.into_iter().next() else { unreachable!("each item is decided") };
    inspection
}
