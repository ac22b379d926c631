//! Tests that git runs no program that the configuration of a checkout names.

use std::fs;
use std::path::PathBuf;
use std::time::SystemTime;

use super::*;

/// Settings that name a program, with `CMD` for it. git's own list adds to them in [`listed_settings`].
const SETTINGS: &str = r#"
[core]
    fsmonitor = CMD
    sshCommand = CMD
    askPass = CMD
    editor = CMD
    pager = CMD
    gitProxy = CMD
    alternateRefsCommand = CMD
[diff]
    external = CMD
[diff "evil"]
    command = CMD
    textconv = CMD
[merge "evil"]
    driver = CMD
[credential]
    helper = "!CMD"
[credential "https://example.invalid"]
    helper = "!CMD"
[gpg]
    program = CMD
[gpg "ssh"]
    program = CMD
    defaultKeyCommand = CMD
[gpg "x509"]
    program = CMD
[pager]
    describe = CMD
    status = CMD
    tag = CMD
[alias]
    describe = "!CMD"
    status = "!CMD"
    diff-index = "!CMD"
    rev-parse = "!CMD"
    for-each-ref = "!CMD"
    fetch = "!CMD"
[hook "evil"]
    event = post-index-change
    event = reference-transaction
    event = pre-auto-gc
    command = CMD
[uploadpack]
    packObjectsHook = CMD
[tag]
    sort = signature
    sort = signature:grade
[log]
    showSignature = true
[fetch]
    bundleURI = "ext::CMD"
[protocol]
    allow = always
[protocol "ext"]
    allow = always
[sequence]
    editor = CMD
[trace2]
    eventTarget = MARK
    normalTarget = MARK
    perfTarget = MARK
[status]
    submoduleSummary = true
    showUntrackedFiles = all
[diff]
    ignoreSubmodules = none
[trailer "evil"]
    command = CMD
    cmd = CMD
"#;

/// Names of filters that are hard to turn off.
const NAMES: [&str; 7] = ["evil", "Upper.Case", "a=b", "with space", r#"quote"d"#, "x.clean", "=="];

fn without_equals_sign() -> impl Iterator<Item = &'static str> {
    NAMES.into_iter().filter(|name| !name.contains('='))
}

/// A repository, and a file that exists after a program was run.
struct Trap {
    repository: Repository,
    mark: PathBuf,
}

impl Trap {
    fn new() -> Self {
        let repository = Repository::with_commit();
        let mark = repository.path.join("ran");
        Self { repository, mark }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.repository.path.join(name)
    }

    /// Changes a file so that git has to compare its content: its length stays, its date does not.
    fn change(&self, name: &str) {
        fs::write(self.path(name), "2").unwrap();
        let file = fs::File::options().append(true).open(self.path(name)).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_mins(1)).unwrap();
    }

    fn append(&self, file: &str, text: &str) {
        let command = format!("touch {}; cat", self.mark.display());
        let text = text.replace("CMD", &format!("\"{command}\"")).replace("\"!\"", "\"!");
        let text = text.replace("\"ext::\"", "\"ext::").replace("cat\"\"", "cat\"");
        let text = text.replace("MARK", &self.mark.display().to_string());
        let before = fs::read_to_string(self.path(file)).unwrap_or_default();
        fs::write(self.path(file), before + "\n" + &text).unwrap();
    }

    /// Adds filters to a configuration.
    fn add_filters<'a>(&self, folder: &str, names: impl IntoIterator<Item = &'a str>) {
        for name in names {
            let name = name.replace('"', "\\\"");
            let text = format!("[filter \"{name}\"]\nclean = CMD\nsmudge = CMD\nprocess = CMD\nrequired = true\n");
            self.append(&format!("{folder}config"), &text);
        }
    }

    /// Gets every fact, whether it can be found or not, and returns those that can.
    fn facts(&self) -> Vec<(GitFact, Option<String>)> {
        let all = [GitFact::Branch, GitFact::Commit, GitFact::Describe, GitFact::Tags];
        let facts = all.into_iter().filter_map(|asked| match fact(&self.repository.path, asked) {
            Ok(text) => Some((asked, Some(text))),
            Err(fault) => fault.is_absence().then_some((asked, None)),
        });
        let facts = facts.collect();
        assert!(!self.mark.exists(), "a program was run");
        facts
    }
}

/// Settings of this version of git whose names sound like a program.
fn listed_settings() -> String {
    let output = Command::new("git").args(["help", "--config-for-completion"]).output().unwrap();
    let words =
        ["command", "cmd", "program", "helper", "tool", "driver", "editor", "pager", "browser", "askpass", "hook"];
    let not_programs =
        ["advice.", "color.", "receive.", "rebase.", "completion.", "fsmonitorHookVersion", "mergetool."];
    let mut text = String::new();
    for key in String::from_utf8_lossy(&output.stdout).lines() {
        let sounds = words.iter().any(|word| key.to_lowercase().ends_with(word));
        if let Some((section, name)) = key.split_once('.').filter(|(_, name)| !name.contains('.') && !name.is_empty())
            && sounds
            && !not_programs.iter().any(|no| key.contains(no))
        {
            text.extend(["[", section, "]\n", name, " = CMD\n"]);
        }
    }
    assert!(text.contains("sshCommand"), "{text}");
    text
}

#[test]
fn no_program_of_the_configuration_is_run() {
    let trap = Trap::new();
    trap.repository.git(&["tag", "v1"]);
    fs::write(trap.path(".gitattributes"), "* filter=evil diff=evil merge=evil\n").unwrap();
    for name in ["post-index-change", "reference-transaction", "fsmonitor-watchman", "pre-auto-gc"] {
        let hook = trap.path(&format!(".git/hooks/{name}"));
        fs::write(&hook, format!("#!/bin/sh\ntouch {}\n", trap.mark.display())).unwrap();
        fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    trap.append(".git/config", SETTINGS);
    trap.append(".git/config", &listed_settings());
    trap.add_filters(".git/", without_equals_sign());
    trap.change("f");
    let facts = trap.facts();
    assert_eq!(facts.len(), 4, "{facts:?}");
    assert_eq!(facts[2], (GitFact::Describe, Some("v1-dirty".to_owned())));
    assert_eq!(facts[3], (GitFact::Tags, Some("v1".to_owned())));
}

#[test]
fn the_trap_works() {
    let trap = Trap::new();
    fs::write(trap.path(".gitattributes"), "* filter=evil\n").unwrap();
    trap.append(".git/config", "[filter \"evil\"]\nclean = CMD\n");
    trap.change("f");
    let describe = ["-C", trap.repository.path.to_str().unwrap(), "describe", "--always", "--dirty"];
    assert!(Command::new("git").args(describe).output().unwrap().status.success());
    assert!(trap.mark.exists());
}

#[test]
fn no_filter_of_any_name_is_run() {
    for name in NAMES {
        let trap = Trap::new();
        trap.add_filters(".git/", without_equals_sign().chain([name]));
        // An attribute cannot have a space in its value, and git then reads the part before it.
        fs::write(trap.path(".gitattributes"), format!("* filter={name}\n")).unwrap();
        trap.change("f");
        match fact(&trap.repository.path, GitFact::Describe) {
            Ok(described) => assert!(described.ends_with("-dirty"), "{name}"),
            // git before 2.31.
            Err(why) => {
                let expected = format!("git cannot turn off the filter `{name}`; use git 2.31 or newer");
                assert_eq!(why, GitFault::Failed(expected));
            }
        }
        assert!(!trap.mark.exists(), "{name}");
    }
}

#[test]
fn a_filter_of_an_included_file_or_of_a_work_tree_is_not_run() {
    for include in [
        "[include]\npath = more\n",
        "[includeIf \"gitdir:/\"]\npath = more\n",
        "[includeIf \"onbranch:main\"]\npath = more\n",
        "[extensions]\nworktreeConfig = true\n",
    ] {
        let trap = Trap::new();
        fs::write(trap.path(".git/info/attributes"), "* filter=evil\n").unwrap();
        trap.append(".git/config", include);
        for file in ["more", "config.worktree"] {
            trap.append(&format!(".git/{file}"), "[filter \"evil\"]\nclean = CMD\n");
        }
        trap.change("f");
        assert_eq!(trap.facts().len(), 4, "{include}");
    }
}

#[test]
fn a_missing_object_is_not_fetched() {
    for url in ["ssh://x/y", "ext::CMD", "https://example.invalid/x", "git://localhost:1/x", "/", "file:///"] {
        let trap = Trap::new();
        trap.append(".git/config", "[extensions]\npartialClone = origin\n[core]\nrepositoryFormatVersion = 1\n");
        trap.append(
            ".git/config",
            &format!("[remote \"origin\"]\npromisor = true\nurl = \"{url}\"\nuploadpack = CMD\n"),
        );
        trap.append(".git/config", "[remote \"other\"]\npromisor = true\nvcs = ext\nurl = \"CMD\"\n");
        trap.append(".git/config", SETTINGS);
        let commit = trap.repository.says(GitFact::Commit).unwrap();
        fs::remove_file(trap.path(&format!(".git/objects/{}/{}", &commit[..2], &commit[2..]))).unwrap();
        trap.facts();
    }
}

#[test]
fn nothing_is_run_in_a_submodule() {
    let trap = Trap::new();
    let inner = Repository::with_commit();
    let url = inner.path.to_str().unwrap();
    trap.repository.git(&["-c", "protocol.file.allow=always", "clone", "--quiet", url, "sub"]);
    trap.repository.git(&["add", "sub"]);
    trap.repository.git(&["commit", "--quiet", "--message=sub"]);
    fs::write(trap.path("sub/.git/info/attributes"), "* filter=evil\n").unwrap();
    trap.append("sub/.git/config", "[core]\nfsmonitor = CMD\n");
    trap.add_filters("sub/.git/", NAMES);
    trap.change("sub/f");
    let described = trap.repository.says(GitFact::Describe).unwrap();
    assert!(!trap.mark.exists());
    assert!(!described.ends_with("-dirty"), "{described}");
    // Another commit is a change of this repository.
    let mut head = fs::read_to_string(trap.path("sub/.git/refs/heads/main")).unwrap();
    head.replace_range(..4, "1234");
    fs::write(trap.path("sub/.git/refs/heads/main"), head).unwrap();
    assert!(trap.repository.says(GitFact::Describe).unwrap().ends_with("-dirty"));
    assert!(!trap.mark.exists());
}
