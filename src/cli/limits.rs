//! [`check`]: whether the limits of this process are high enough. [`on_own_stack`]: a stack that no limit makes small.
//!
//! The runtime panics if it cannot start a thread or open its own files, and a program that gets no memory is aborted.
//! So both are tried before a command starts. What is tried here does not depend on how a limit is set: by `ulimit`, by
//! a container, or by what other processes use.

use std::io;
use std::sync::{Arc, Mutex};
use std::thread::{self, Builder, JoinHandle};

use tokio::runtime::{self, Runtime};

use crate::config::Problem;

/// The number of threads that a run needs besides one for each core: to look up host names and to read files.
const THREADS: usize = 4;
/// The size of the stack of [`on_own_stack`]. It is the usual size of the stack that a process starts with.
const STACK: usize = 8 << 20;

/// Runs `work` in a thread with a large stack. The stack of the first thread is as small as `ulimit -s` makes it, and
/// a program whose stack is too small is aborted without a message.
///
/// # Errors
/// Returns the problem if the thread cannot be started.
pub(super) fn on_own_stack<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Box<Problem>> {
    let thread = Builder::new().stack_size(STACK).spawn(work).map_err(|error| no_threads(&error))?;
    // After a panic, the process has already ended.
    thread.join().map_err(|_| no_threads(&io::Error::other("the thread has ended")))
}

/// What a command needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Demand {
    /// It only reads files.
    Files,
    /// It has a runtime and sends requests.
    Runtime,
}

/// Checks that there is enough memory, and that enough files can be opened and threads started.
///
/// # Errors
/// Returns the first limit that is too low.
pub(super) fn check(demand: Demand) -> Result<(), Box<Problem>> {
    #[cfg(unix)]
    {
        unix::check_memory(demand)?;
        unix::check_files()?;
    }
    match demand {
        Demand::Files => Ok(()),
        Demand::Runtime => check_threads(thread::available_parallelism().map_or(1, usize::from) + THREADS),
    }
}

/// Starts `count` threads that exist at the same time, and ends them.
fn check_threads(count: usize) -> Result<(), Box<Problem>> {
    let gate = Arc::new(Mutex::new(()));
    let closed = gate.lock();
    let start = |_| {
        let gate = Arc::clone(&gate);
        Builder::new().spawn(move || drop(gate.lock()))
    };
    let threads: io::Result<Vec<JoinHandle<()>>> = (0..count).map(start).collect();
    drop(closed);
    for thread in threads.map_err(|error| no_threads(&error))? {
        // These threads do not panic.
        let _ = thread.join();
    }
    Ok(())
}

/// Creates the runtime. If memory is limited, it has few threads: each takes the address space of its stack, and often
/// that of a part of the heap.
///
/// # Errors
/// Returns why a thread or a file of the runtime cannot be created.
pub(super) fn runtime() -> io::Result<Runtime> {
    let mut builder = runtime::Builder::new_multi_thread();
    #[cfg(unix)]
    if let Some(threads) = unix::threads_in_memory() {
        builder.worker_threads(WORKERS).max_blocking_threads(threads.saturating_sub(WORKERS).max(1));
    }
    builder.enable_all().build()
}

/// The number of threads of the runtime that run tasks if memory is limited.
const WORKERS: usize = 2;

/// Returns the problem that no thread can be started.
pub(super) fn no_threads(error: &io::Error) -> Box<Problem> {
    let problem = Problem::error("mlist::cli::no_threads", "cannot start enough threads");
    let help = "raise the limit of processes (`ulimit -u`) or of memory (`ulimit -v`)";
    Box::new(problem.because(error.to_string()).help(help))
}

#[cfg(unix)]
mod unix {
    //! The limits that POSIX systems have.

    use std::fs::File;
    use std::io;

    use rustix::io::Errno;
    use rustix::process::{Resource, getrlimit};

    use crate::config::Problem;

    use super::Demand;

    /// The number of files that a run needs at least: for its runtime, and for the first requests.
    const FILES: usize = 24;
    /// The limit that is suggested.
    const MORE_FILES: usize = 256;
    /// The memory that is left for everything but threads, in MiB.
    const WITHOUT_THREADS: u64 = 256;
    /// The memory of a thread: 2 MiB for its stack, and 64 MiB that glibc reserves for its part of the heap.
    const THREAD: u64 = 66;
    /// The maximum number of threads: the usual one of the runtime.
    const MOST_THREADS: u64 = 512;

    /// Returns the limit of memory in MiB, if there is one.
    fn memory() -> Option<u64> {
        getrlimit(Resource::As).current.map(|bytes| bytes >> 20)
    }

    /// Returns the number of threads that fit into a limited memory.
    pub(super) fn threads_in_memory() -> Option<usize> {
        let threads = (memory()?.saturating_sub(WITHOUT_THREADS) / THREAD).min(MOST_THREADS);
        usize::try_from(threads).ok()
    }

    pub(super) fn check_memory(demand: Demand) -> Result<(), Box<Problem>> {
        // In MiB. It is address space, of which most is never used.
        let needed = match demand {
            Demand::Files => 64,
            Demand::Runtime => 512,
        };
        match memory() {
            Some(limit) if limit < needed => {
                let message = format!("the memory limit is too low: {limit} MiB, but at least {needed} MiB are needed");
                Err(Box::new(low(message, format!("raise it with `ulimit -v {}`", needed << 10))))
            }
            _ => Ok(()),
        }
    }

    /// Opens as many files as a run needs, because other files may be open already.
    pub(super) fn check_files() -> Result<(), Box<Problem>> {
        let opened: io::Result<Vec<File>> = (0..FILES).map(|_| File::open("/")).collect();
        let is_limit = |error: &io::Error| {
            let limits = [Errno::MFILE, Errno::NFILE].map(Errno::raw_os_error);
            error.raw_os_error().is_some_and(|number| limits.contains(&number))
        };
        match opened.err().filter(is_limit) {
            Some(error) => {
                let limit = getrlimit(Resource::Nofile).current.map_or_else(String::new, |limit| format!(": {limit}"));
                let message = format!("the open file limit is too low{limit}");
                let problem = low(message, format!("raise it with `ulimit -n {MORE_FILES}`"));
                Err(Box::new(problem.because(format!("cannot open {FILES} files at once: {error}"))))
            }
            None => Ok(()),
        }
    }

    fn low(message: String, help: String) -> Problem {
        Problem::error("mlist::cli::low_limit", message).help(help)
    }
}
