//! [`Tombi`]: a third-party linter for TOML files and language server for editors.

use std::collections::VecDeque;
use std::fs;
use std::io::{BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc;

use serde_json::{Value, json};

use super::context::PATIENCE;
use super::docker_registry::skipped;
use super::installed;

/// The program, and a folder for it with the schema in `schema/`.
pub(crate) struct Tombi {
    program: PathBuf,
    folder: tempfile::TempDir,
}

/// A finding of the linter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// Whether it is an error and not a warning.
    pub(crate) is_error: bool,
    /// The first and last line that it is about. Lines are counted from 1.
    pub(crate) lines: (u64, u64),
    /// The message.
    pub(crate) message: String,
}

/// The comment by which a file in the folder refers to the schema.
const ASKS: &str = "#:schema ./schema/manifests.schema.json";

impl Tombi {
    /// Finds the program that `tests/run` installed, or the one on the PATH. If there is neither, the test is skipped.
    pub(crate) fn find() -> Option<Self> {
        let project = Path::new(env!("CARGO_MANIFEST_DIR"));
        let own = project.join("target/venv/bin/tombi");
        let program = if own.is_file() { own } else { PathBuf::from("tombi") };
        if !installed(program.to_str().unwrap()) {
            skipped("tombi is not installed");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("schema")).unwrap();
        let schema = "schema/manifests.schema.json";
        fs::copy(project.join(schema), folder.path().join(schema)).unwrap();
        Some(Self { program, folder })
    }

    /// Creates a command that uses no network and no settings of the user.
    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.env_clear().env("HOME", self.folder.path()).env("TOMBI_OFFLINE", "true").env("TOMBI_NO_CACHE", "true");
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).current_dir(self.folder.path());
        command
    }

    /// Returns the findings of the linter for files with these texts. Line numbers refer to the texts.
    pub(crate) fn lint(&self, texts: &[String]) -> Vec<Vec<Finding>> {
        let mut command = self.command();
        command.args(["lint", "--offline", "--quiet", "--diagnostics-format", "json-lines"]);
        command.args(["--diagnostics-file", "findings"]);
        let names: Vec<String> = (0..texts.len()).map(|number| format!("{number}.toml")).collect();
        for (name, text) in names.iter().zip(texts) {
            fs::write(self.folder.path().join(name), asking(text)).unwrap();
            command.arg(name);
        }
        let output = command.output().unwrap();
        assert!(matches!(output.status.code(), Some(0 | 1)), "{}", String::from_utf8_lossy(&output.stderr));
        let told = fs::read_to_string(self.folder.path().join("findings")).unwrap();
        let told: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let of = |name: &String| told.iter().filter(|told| told["path"] == name.as_str()).map(finding).collect();
        names.iter().map(of).collect()
    }

    /// Opens `text` in an editor.
    pub(crate) fn edit(&self, text: &str) -> Editor {
        let mut command = self.command();
        command.args(["lsp", "--offline"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let (heard, messages) = mpsc::channel();
        let mut answers = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            while let Some(message) = message(&mut answers) {
                if heard.send(message).is_err() {
                    break;
                }
            }
        });
        let uri = format!("file://{}", self.folder.path().join("manifests.toml").display());
        let folder = format!("file://{}", self.folder.path().display());
        let asks = child.stdin.take().unwrap();
        let mut editor = Editor { child, asks, messages, uri, text: asking(text), asked: 0, version: 1 };
        let markdown = json!({ "hover": { "contentFormat": ["markdown"] } });
        editor.ask(
            "initialize",
            &json!({ "processId": null, "rootUri": folder, "capabilities": { "textDocument": markdown } }),
        );
        editor.tell("initialized", &json!({}));
        let document = json!({ "uri": editor.uri, "languageId": "toml", "version": 1, "text": editor.text });
        editor.tell("textDocument/didOpen", &json!({ "textDocument": document }));
        editor.wait_until_judged();
        editor
    }
}

/// Adds the schema comment to `text`, or replaces its own.
fn asking(text: &str) -> String {
    let text = text.trim_start_matches('\u{feff}');
    // Replace a comment in the first line, so that line numbers do not change.
    match text.split_once('\n') {
        Some((first, rest)) if first.starts_with('#') => format!("{ASKS}\n{rest}"),
        _ => format!("{ASKS}\n{text}"),
    }
}

fn finding(told: &Value) -> Finding {
    let line = |end: &str| told["range"][end]["line"].as_u64().unwrap();
    Finding {
        is_error: told["level"] == "error",
        lines: (line("start"), line("end")),
        message: told["message"].as_str().unwrap().to_owned(),
    }
}

/// Reads a message of the server: a header with its length, and JSON.
fn message(answers: &mut impl std::io::BufRead) -> Option<Value> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if answers.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end().split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => length = value.parse().ok()?,
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    answers.read_exact(&mut body).ok()?;
    serde_json::from_slice(&body).ok()
}

/// A file that is open in an editor.
pub(crate) struct Editor {
    child: Child,
    asks: ChildStdin,
    messages: mpsc::Receiver<Value>,
    uri: String,
    text: String,
    asked: u64,
    version: u64,
}

/// A completion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) label: String,
    /// The description that is shown with it.
    pub(crate) about: String,
}

impl Editor {
    /// Returns the hover text at the first letters of the line that begins with `start`.
    pub(crate) fn hover(&mut self, start: &str) -> String {
        let line = self.line(start);
        let answer = self.ask("textDocument/hover", &self.at(line, 1));
        answer["contents"]["value"].as_str().unwrap_or_default().to_owned()
    }

    /// Returns the completions after `typed`, which is inserted below the line `heading`.
    pub(crate) fn choices(&mut self, heading: &str, typed: &str) -> Vec<Choice> {
        let line = self.line(heading) + 1;
        let mut lines: VecDeque<&str> = self.text.lines().collect();
        lines.insert(line, typed);
        let text = Vec::from(lines).join("\n") + "\n";
        self.version += 1;
        let document = json!({ "uri": self.uri, "version": self.version });
        self.tell("textDocument/didChange", &json!({ "textDocument": document, "contentChanges": [{ "text": text }] }));
        self.wait_until_judged();
        let answer = self.ask("textDocument/completion", &self.at(line, typed.len()));
        let items = answer.get("items").unwrap_or(&answer).as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let choice =
            |item: &Value| Choice { label: text(&item["label"]), about: text(&item["documentation"]["value"]) };
        items.iter().map(choice).collect()
    }

    fn line(&self, start: &str) -> usize {
        self.text.lines().position(|line| line.starts_with(start)).unwrap_or_else(|| panic!("there is no {start}"))
    }

    fn at(&self, line: usize, character: usize) -> Value {
        json!({ "textDocument": { "uri": self.uri }, "position": { "line": line, "character": character } })
    }

    fn ask(&mut self, method: &str, about: &Value) -> Value {
        self.asked += 1;
        let id = self.asked;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": about }));
        let mut answer = self.until(|message| message.get("method").is_none() && message["id"] == id);
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].take()
    }

    fn tell(&mut self, method: &str, about: &Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": about }));
    }

    fn send(&mut self, message: &Value) {
        let body = message.to_string();
        write!(self.asks, "Content-Length: {}\r\n\r\n{body}", body.len()).unwrap();
        self.asks.flush().unwrap();
    }

    /// Waits for the diagnostics. After that the server has read the text.
    fn wait_until_judged(&mut self) {
        let version = self.version;
        self.until(|message| {
            message["method"] == "textDocument/publishDiagnostics" && message["params"]["version"] == version
        });
    }

    /// Returns the first message that `fits`. Requests from the server before that are answered with null.
    fn until(&mut self, fits: impl Fn(&Value) -> bool) -> Value {
        loop {
            let message = self.messages.recv_timeout(PATIENCE).expect("the server is there, and says something");
            if fits(&message) {
                return message;
            }
            if let (Some(id), Some(_)) = (message.get("id"), message.get("method")) {
                self.send(&json!({ "jsonrpc": "2.0", "id": id, "result": null }));
            }
        }
    }
}

impl Drop for Editor {
    fn drop(&mut self) {
        // The process may have exited already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
