//! Messages for layouts on disk.

use crate::config::problem::Problem;
use crate::registry::{ErrorTarget, LayoutFault};

use super::Subject;

impl Subject<'_> {
    /// Describes an error of a layout. Except for a corrupt blob, an error while writing gives the same problem for
    /// everything that was to be written to the layout, so it is reported once.
    pub(super) fn layout(&self, fault: &LayoutFault) -> Problem {
        const DAMAGED: &str = "mlist::registry::layout";
        let (doing, target, place) = (self.error.operation, &self.error.target, self.whole_layout());
        match fault {
            LayoutFault::File(why) => {
                let problem = if self.reads() {
                    Problem::error(DAMAGED, format!("cannot {doing} {target}")).about(target)
                } else {
                    Problem::error(DAMAGED, format!("cannot write to {place}")).about(&place)
                };
                problem.because(why).help("fix the folder, or write the layout again")
            }
            LayoutFault::Corrupt(digest) => {
                let message = format!("blob {digest} in {place} is corrupt (its bytes do not match the digest)");
                Problem::error(DAMAGED, message)
                    .help("delete the file of the blob, and write the image to the layout again")
                    .about(target)
            }
            LayoutFault::TooManyOpenFiles => self
                .machine("mlist::registry::too_many_open_files", fault)
                .help("raise the limit, such as ulimit -n 4096, or run fewer lists at once, such as --jobs 8"),
            LayoutFault::NoSpace => self
                .machine("mlist::registry::no_space", fault)
                .help("free disk space and run it again: lists already published are skipped"),
            LayoutFault::QuotaExceeded => self
                .machine("mlist::registry::no_space", fault)
                .help("free disk space or raise the quota, and run it again: lists already published are skipped"),
            LayoutFault::Locked(waited) => {
                Problem::error("mlist::registry::layout_locked", format!("{place} is locked by another process"))
                    .because(format!("waited {}s for the lock", waited.as_secs()))
                    .help("run it again when the other process has ended: lists already published are skipped")
                    .about(&place)
            }
        }
    }

    /// Returns a problem of this machine. It does not name the blob or manifest that happened to fail.
    fn machine(&self, code: &'static str, fault: &LayoutFault) -> Problem {
        let (doing, place) = (if self.reads() { "read" } else { "write to" }, self.whole_layout());
        Problem::error(code, fault.to_string()).because(format!("cannot {doing} {place}")).about(&place)
    }

    /// Returns the layout without the tag or digest.
    fn whole_layout(&self) -> ErrorTarget {
        let target = &self.error.target;
        target.place().map_or_else(|| target.clone(), |place| ErrorTarget::Place(place.clone()))
    }
}
