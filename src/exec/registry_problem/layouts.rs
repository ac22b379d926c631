//! Messages for layouts on disk.

use crate::config::problem::Problem;
use crate::plan::damaged;
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
                problem.because(why).help("fix the files, or write the layout again")
            }
            LayoutFault::Corrupt(_) | LayoutFault::WrongSize { .. } => {
                let code = if self.reads() { "mlist::plan::member_damaged" } else { DAMAGED };
                Problem::error(code, fault.to_string().replacen(" is corrupt", &format!(" in {place} is corrupt"), 1))
                    .help("delete the file of the blob, and write the image to the layout again")
                    .about(target)
            }
            LayoutFault::NoManifest(digest) => match target {
                ErrorTarget::Content(source) => damaged(source, "manifest", digest),
                target => Problem::error(DAMAGED, format!("cannot {doing} {target}")).because(fault.to_string()),
            },
            LayoutFault::NoLayer(digest) => {
                Problem::error("mlist::plan::member_damaged", format!("an image in {place} has a missing layer"))
                    .because(format!("layer {digest} not found in {place}"))
                    .help(format!("write the image to the layout again: skopeo copy docker://IMAGE {place}:TAG"))
                    .about(target)
            }
            LayoutFault::Archive { path, kind } => {
                let file = path.display();
                Problem::error(DAMAGED, format!("{file} is a {kind}, not the directory of an OCI image layout"))
                    .help(format!(
                        "convert it: skopeo copy oci-archive:{file} oci:DIR:TAG (docker-archive:{file} if `docker save` \
                         wrote it), and use oci:DIR:TAG as the source"
                    ))
                    .about(&place)
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
