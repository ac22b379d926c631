//! The `mlist` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    mlist::report_panics();
    ExitCode::from(mlist::run(std::env::args_os()))
}
