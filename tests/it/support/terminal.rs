//! [`Terminal`]: runs mlist in a pseudo-terminal and reads its screen.

use std::io::{Read as _, Write};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use super::context::{Context, PATIENCE, program};

/// A pseudo-terminal in which mlist runs.
pub(crate) struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    keyboard: Box<dyn Write + Send>,
    screen: Arc<Mutex<vt100::Parser>>,
    // The terminal exists as long as this value.
    _master: Box<dyn MasterPty + Send>,
}

impl Terminal {
    /// Starts `mlist ARGUMENTS` on a screen with this many rows and columns.
    pub(crate) fn start(context: &Context, arguments: &str, rows: u16, cols: u16) -> Self {
        let size = PtySize { rows, cols, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("a pseudo-terminal");
        let mut command = CommandBuilder::new(program());
        command.args(arguments.split_whitespace());
        command.cwd(context.path(""));
        command.env_clear();
        context.environment().iter().for_each(|(name, value)| command.env(name, value));
        command.env("TERM", "xterm-256color");
        let child = pair.slave.spawn_command(command).expect("mlist is built");
        drop(pair.slave);
        let screen = Arc::new(Mutex::new(vt100::Parser::new(rows, cols, 1000)));
        let mut output = pair.master.try_clone_reader().expect("a terminal can be read");
        let keyboard = pair.master.take_writer().expect("a terminal has a keyboard");
        let shown = Arc::clone(&screen);
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            // Reading fails when no process has the other end open any more.
            while let Ok(read @ 1..) = output.read(&mut buffer) {
                shown.lock().expect("nobody panics with the screen").process(&buffer[..read]);
            }
        });
        Self { child, keyboard, screen, _master: pair.master }
    }

    /// Returns the current content of the screen, row by row.
    pub(crate) fn screen(&self) -> String {
        let parser = self.screen.lock().expect("nobody panics with the screen");
        let (_, cols) = parser.screen().size();
        // `contents` is not used, because it joins a full row with the next one.
        parser.screen().rows(0, cols).map(|row| row.trim_end().to_owned() + "\n").collect()
    }

    /// Waits until the screen contains `text`. Returns the screen.
    #[track_caller]
    pub(crate) fn wait_for(&self, text: &str) -> String {
        let begin = Instant::now();
        loop {
            let screen = self.screen();
            if screen.contains(text) {
                return screen;
            }
            assert!(begin.elapsed() < PATIENCE, "`{text}` does not come, the screen shows:\n{screen}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Presses Ctrl-C.
    pub(crate) fn press_ctrl_c(&mut self) {
        self.keyboard.write_all(b"\x03").expect("a keyboard");
        self.keyboard.flush().expect("a keyboard");
    }

    /// Waits until mlist exits. Returns its exit status.
    pub(crate) fn wait(&mut self) -> u32 {
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait().expect("a child that was started") {
                return status.exit_code();
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        panic!("mlist does not end, the screen shows:\n{}", self.screen());
    }
}
