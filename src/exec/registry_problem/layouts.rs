//! Messages for layouts on disk.

use crate::config::problem::Problem;
use crate::oci::{Digest, Place, Tag};
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
                let check = format!("check the files of {} and their permissions", self.directory());
                let problem = if self.reads() {
                    Problem::error(DAMAGED, format!("cannot {doing} {target}")).about(target).help(check)
                } else {
                    let help = format!("{check}, or write to another directory");
                    Problem::error(DAMAGED, format!("cannot write to {place}")).about(&place).help(help)
                };
                problem.because(why)
            }
            LayoutFault::Corrupt(digest) | LayoutFault::WrongSize { digest, .. } => {
                let (code, then) = if self.reads() {
                    ("mlist::plan::member_damaged", self.write_again())
                } else {
                    (DAMAGED, "run mlist sync again".to_owned())
                };
                let message = fault.to_string().replacen(" is corrupt", &format!(" in {place} is corrupt"), 1);
                Problem::error(code, message).help(format!("delete {}, then {then}", self.file(digest))).about(target)
            }
            LayoutFault::NoManifest(digest) => match target {
                ErrorTarget::Content(source) => damaged(source, "its manifest", digest),
                target => Problem::error(DAMAGED, format!("cannot {doing} {target}")).because(fault.to_string()),
            },
            LayoutFault::NoLayer(digest) => Problem::error(
                "mlist::plan::member_damaged",
                format!("{target} exists, but one of its layers is missing"),
            )
            .because(format!("layer {digest} not found in {place}"))
            .help(self.write_again())
            .about(target),
            LayoutFault::Archive { path, kind } => {
                let file = path.display();
                Problem::error(DAMAGED, format!("{file} is a {kind}, not an OCI image layout directory"))
                    .help(format!(
                        "convert the archive and use oci:DIR:TAG as the source: skopeo copy oci-archive:{file} oci:DIR:TAG \
                         (for an archive from docker save: docker-archive:{file})"
                    ))
                    .about(&place)
            }
            LayoutFault::TooManyOpenFiles => self
                .machine("mlist::registry::too_many_open_files", fault)
                .help("raise the limit of open files (ulimit -n 4096), or allow fewer parallel requests (--jobs 8)"),
            LayoutFault::NoSpace => self
                .machine("mlist::registry::no_space", fault)
                .help(format!("free disk space, then {}", self.again(""))),
            LayoutFault::QuotaExceeded => self
                .machine("mlist::registry::no_space", fault)
                .help(format!("free disk space or raise the quota, then {}", self.again(""))),
            LayoutFault::Locked(waited) => {
                Problem::error("mlist::registry::layout_locked", format!("{place} is locked by another process"))
                    .because(format!("waited {}s for the lock", waited.as_secs()))
                    .help(self.again(" when the other process has ended"))
                    .about(&place)
            }
        }
    }

    /// Returns a problem of this machine. It does not name the blob or manifest that happened to fail.
    fn machine(&self, code: &'static str, fault: &LayoutFault) -> Problem {
        let (doing, place) = (if self.reads() { "read" } else { "write to" }, self.whole_layout());
        Problem::error(code, fault.to_string()).because(format!("cannot {doing} {place}")).about(&place)
    }

    /// Returns the help to write the image to the layout again.
    fn write_again(&self) -> String {
        let tag = match &self.error.target {
            ErrorTarget::Content(reference) => reference.tag().map_or("TAG", Tag::as_str),
            _ => "TAG",
        };
        format!("write the image to the layout again: skopeo copy docker://IMAGE {}:{tag}", self.whole_layout())
    }

    /// Returns the directory of the layout.
    fn directory(&self) -> String {
        match self.error.target.place() {
            Some(Place::Layout(directory)) => directory.path().display().to_string(),
            _ => self.error.target.to_string(),
        }
    }

    /// Returns the file of a blob.
    fn file(&self, digest: &Digest) -> String {
        format!("{}/blobs/{}/{}", self.directory(), digest.algorithm(), digest.hex())
    }

    /// Returns the layout without the tag or digest.
    fn whole_layout(&self) -> ErrorTarget {
        let target = &self.error.target;
        target.place().map_or_else(|| target.clone(), |place| ErrorTarget::Place(place.clone()))
    }
}
