//! [`Trap`]: detects that a file was opened.

use std::fs::OpenOptions;
use std::path::PathBuf;
use std::process::Command;
use std::thread::JoinHandle;

/// A pipe outside the project that detects whether it was opened for reading.
pub(super) struct Trap {
    path: PathBuf,
    sprung: JoinHandle<()>,
}

impl Trap {
    pub(super) fn set(path: PathBuf) -> Self {
        let made = Command::new("mkfifo").arg(&path).status().expect("mkfifo is installed");
        assert!(made.success());
        let writer = path.clone();
        // Opening a pipe for writing blocks until it is opened for reading, however briefly.
        let sprung = std::thread::spawn(move || drop(OpenOptions::new().write(true).open(writer)));
        Self { path, sprung }
    }

    #[track_caller]
    pub(super) fn was_not_opened(self) {
        assert!(!self.sprung.is_finished(), "{} was opened", self.path.display());
        drop(OpenOptions::new().read(true).open(&self.path));
        self.sprung.join().expect("the trap works: now it was opened");
    }
}
