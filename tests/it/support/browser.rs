//! [`Browser`]: Chromium without a window, controlled through pipes (Chrome DevTools Protocol).

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::context::PATIENCE;
use super::docker_registry::skipped;
use super::installed;

/// A running browser with one page. It is stopped when dropped.
pub(crate) struct Browser {
    child: Child,
    commands: ChildStdin,
    messages: Receiver<Value>,
    /// The number of the last command.
    last: u64,
    /// The events of the page that was opened last.
    events: Vec<Value>,
    session: Option<String>,
    /// Its home.
    _folder: tempfile::TempDir,
}

/// What the user prefers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    Light,
    Dark,
}

impl Browser {
    /// Starts the browser. If it is not installed, the test is skipped.
    pub(crate) fn start() -> Option<Self> {
        if !installed("chromium") {
            skipped("chromium is not installed");
            return None;
        }
        let folder = tempfile::tempdir().expect("a temporary folder");
        let profile = folder.path().display();
        // The browser reads commands from file 3 and writes to file 4.
        let script = format!(
            "exec chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --no-first-run \
             --remote-debugging-pipe --user-data-dir='{profile}/profile' about:blank 3<&0 4>&1"
        );
        let mut command = Command::new("sh");
        command.args(["-c", &script]).env("HOME", folder.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("sh");
        let (commands, mut output) = (child.stdin.take().expect("a pipe"), child.stdout.take().expect("a pipe"));
        let (sender, messages) = channel();
        std::thread::spawn(move || {
            let (mut unread, mut part) = (Vec::new(), vec![0; 1 << 16]);
            while let Ok(length @ 1..) = output.read(&mut part) {
                unread.extend_from_slice(&part[..length]);
                while let Some(end) = unread.iter().position(|byte| *byte == 0) {
                    let message: Vec<u8> = unread.drain(..=end).take(end).collect();
                    if sender.send(serde_json::from_slice(&message).expect("JSON")).is_err() {
                        return;
                    }
                }
            }
        });
        let (last, events, session) = (0, Vec::new(), None);
        let mut browser = Self { child, commands, messages, last, events, session, _folder: folder };
        let target = browser.call("Target.createTarget", &json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let session = browser.call("Target.attachToTarget", &attach)["sessionId"].as_str().map(str::to_owned);
        browser.session = session;
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), &json!({}));
        }
        Some(browser)
    }

    /// Opens a file in a window of this size.
    pub(crate) fn open(&mut self, file: &Path, width: u32, height: u32, scheme: Scheme) {
        let scheme = if scheme == Scheme::Dark { "dark" } else { "light" };
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.call("Emulation.setEmulatedMedia", &features);
        self.resize(width, height);
        // Nothing of the page before may stay.
        self.go("about:blank");
        self.events.clear();
        self.go(&format!("file://{}", file.display()));
    }

    fn go(&mut self, url: &str) {
        self.call("Page.navigate", &json!({ "url": url }));
        self.wait_for("Page.loadEventFired");
    }

    /// Changes the size of the window.
    pub(crate) fn resize(&mut self, width: u32, height: u32) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500 });
        self.call("Emulation.setDeviceMetricsOverride", &size);
    }

    /// Evaluates an expression in the page, and waits if it is a promise.
    #[track_caller]
    pub(crate) fn evaluate(&mut self, expression: &str) -> Value {
        let parameters = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let result = self.call("Runtime.evaluate", &parameters);
        assert_eq!(result["exceptionDetails"], Value::Null, "{expression}");
        result["result"]["value"].clone()
    }

    /// Presses a key: `Tab`, `Enter`.
    pub(crate) fn press(&mut self, key: &str) {
        let (code, text) = if key == "Enter" { (13, "\r") } else { (9, "") };
        for kind in ["keyDown", "keyUp"] {
            let event = json!({ "type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code, "text": text });
            self.call("Input.dispatchKeyEvent", &event);
        }
    }

    /// Enables or disables scripts for pages opened from now on.
    pub(crate) fn set_scripts(&mut self, is_enabled: bool) {
        self.call("Emulation.setScriptExecutionDisabled", &json!({ "value": !is_enabled }));
    }

    /// Takes a picture of the window (PNG).
    pub(crate) fn screenshot(&mut self) -> Vec<u8> {
        let picture = self.call("Page.captureScreenshot", &json!({}));
        STANDARD.decode(picture["data"].as_str().expect("a picture")).expect("base64")
    }

    /// What the page wrote to the console, its errors, what its policy refused, and its dialogs.
    pub(crate) fn complaints(&self) -> Vec<&Value> {
        let names =
            ["Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded", "Page.javascriptDialogOpening"];
        self.events.iter().filter(|event| names.iter().any(|name| event["method"] == **name)).collect()
    }

    /// The addresses that were requested for the page, without those that contain their data.
    pub(crate) fn requests(&self) -> Vec<&str> {
        let requests = self.events.iter().filter(|event| event["method"] == "Network.requestWillBeSent");
        let urls = requests.filter_map(|event| event["params"]["request"]["url"].as_str());
        urls.filter(|url| !url.starts_with("data:")).collect()
    }

    fn call(&mut self, method: &str, parameters: &Value) -> Value {
        self.last += 1;
        let mut command = json!({ "id": self.last, "method": method, "params": parameters });
        if let Some(session) = &self.session {
            command["sessionId"] = session.as_str().into();
        }
        let mut bytes = command.to_string().into_bytes();
        bytes.push(0);
        self.commands.write_all(&bytes).expect("a running browser");
        loop {
            let message = self.next();
            if message["id"] == self.last {
                assert_eq!(message["error"], Value::Null, "{method}");
                return message["result"].clone();
            }
            self.events.push(message);
        }
    }

    fn wait_for(&mut self, event: &str) {
        loop {
            if let Some(at) = self.events.iter().position(|seen| seen["method"] == event) {
                self.events.remove(at);
                return;
            }
            let message = self.next();
            self.events.push(message);
        }
    }

    fn next(&self) -> Value {
        self.messages.recv_timeout(PATIENCE).expect("a message of the browser")
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It may have ended already. Its other processes end with it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
