//! The page of `mlist ls --format html` in a browser: what it shows, that nothing of a registry is executed, that no
//! request is sent, on phones and wide screens, in both color schemes, by keyboard, with and without its script.
//!
//! The pictures are in `target/tmp/html_page`, to look at.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::any_registry::AnyRegistry;
use crate::support::browser::{Browser, Scheme};
use crate::support::context::{Context, Output};
use crate::support::images::{Dialect, Image, OCI_INDEX, index};
use crate::support::registry::{Fault, Knobs, Registry, Then};
use crate::support::release::Release;
use crate::support::seed;

/// A published release, of which one image was built again, one is not found any more, and one list was deleted.
struct Project {
    context: Context,
    registry: Registry,
}

impl Project {
    /// Six lists for five platforms, as declared.
    fn published() -> Self {
        let registry = AnyRegistry::InProcess(Registry::start(Knobs::default()));
        Release::push(&registry);
        let context = Context::with(&Release::manifest(&registry.host()));
        let AnyRegistry::InProcess(registry) = registry else { unreachable!("it was made above") };
        context.mlist("sync").exits(0);
        Self { context, registry }
    }

    fn of(registry: Registry, manifest: &str) -> Self {
        Self { context: Context::with(manifest), registry }
    }

    /// Writes the page. Returns its path and the output.
    fn page(&self, arguments: &str) -> (PathBuf, Output) {
        let output = self.context.mlist(&format!("ls --format html=page.html {arguments}"));
        (self.context.path("page.html"), output)
    }
}

/// Changes one image, removes another one and a list, and adds an image that is not declared to a list.
fn disturb(registry: &Registry) {
    let mut store = registry.store();
    let changed = Image::new(Dialect::Docker, "linux/arm64", "built again");
    seed::image(&mut store, "k8s/kubectl-arm64", "v1.3.0", &changed);
    store.remove("k8s/kube-proxy-s390x", "v1.3.0");
    store.remove("k8s/hyperkube", "v1.3.0");
    let (own, other) =
        (Release::image("kube-scheduler", "linux/amd64"), Image::new(Dialect::Oci, "linux/riscv64", "x"));
    seed::image(&mut store, "k8s/kube-scheduler", &other.digest(), &other);
    let list = index(&[own.entry(), other.entry()]);
    seed::manifest(&mut store, "k8s/kube-scheduler", "v1.3.0", OCI_INDEX, &list);
}

/// Opens the page on three screens in both schemes, and takes pictures of it. No page may complain, send a request or
/// scroll to the side.
fn look(browser: &mut Browser, page: &Path, name: &str, open: &str) {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("html_page");
    std::fs::create_dir_all(&folder).unwrap();
    for (width, scheme) in
        [360, 768, 1280].into_iter().flat_map(|width| [(width, Scheme::Light), (width, Scheme::Dark)])
    {
        browser.open(page, width, 800, scheme);
        let background = browser.evaluate("getComputedStyle(document.documentElement).backgroundColor");
        let expected = if scheme == Scheme::Dark { "rgb(21, 24, 28)" } else { "rgb(253, 253, 252)" };
        assert_eq!(background, expected, "{name}");
        browser.evaluate(&format!("document.querySelectorAll('{open}').forEach((list) => {{ list.open = true; }})"));
        browser.evaluate("new Promise((done) => setTimeout(done, 100))");
        assert_eq!(browser.evaluate("document.documentElement.scrollWidth"), width, "{name} scrolls to the side");
        assert_eq!(browser.evaluate("document.body.scrollWidth <= innerWidth"), true, "{name}");
        let cut =
            "[...document.querySelectorAll('details, dl, .problem')].filter((it) => it.scrollWidth > it.clientWidth)";
        assert_eq!(browser.evaluate(&format!("{cut}.length")), 0, "{name} cuts something off at {width}");
        let height = browser.evaluate("document.documentElement.scrollHeight").as_u64().unwrap();
        browser.resize(width, u32::try_from(height.clamp(400, 4000)).unwrap());
        let picture = browser.screenshot();
        assert!(picture.starts_with(b"\x89PNG\r\n") && picture.len() > 5000, "{name}");
        let scheme = if scheme == Scheme::Dark { "dark" } else { "light" };
        std::fs::write(folder.join(format!("{name}-{width}-{scheme}.png")), picture).unwrap();
        assert_eq!(browser.complaints(), [] as [&Value; 0], "{name}");
        assert_eq!(browser.requests(), [format!("file://{}", page.display())], "{name}");
    }
}

/// Returns the texts of all elements that fit and are shown.
fn texts(browser: &mut Browser, selector: &str) -> Vec<String> {
    let shown = format!("[...document.querySelectorAll('{selector}')].filter((it) => it.checkVisibility())");
    let texts = browser.evaluate(&format!("{shown}.map((it) => it.textContent)"));
    serde_json::from_value(texts).unwrap()
}

fn choose(browser: &mut Browser, id: &str, value: &str) {
    let set = format!("document.getElementById('{id}').value = '{value}'");
    let event = format!("document.getElementById('{id}').dispatchEvent(new Event('input', {{ bubbles: true }}))");
    browser.evaluate(&format!("{set}; {event}; new Promise((done) => setTimeout(done, 50))"));
}

#[test]
fn a_release_is_shown_on_every_screen() {
    let Some(mut browser) = Browser::start() else { return };
    let project = Project::published();
    let (page, output) = project.page("");
    assert_eq!(output.exits(0).stderr, "");
    look(&mut browser, &page, "release", "#l0");
    assert_eq!(texts(&mut browser, ".counts li"), ["6 lists, 30 images", "6 as declared"]);
    assert_eq!(texts(&mut browser, "tr.l td").len(), 36);

    let (page, _) = project.page("kubectl");
    look(&mut browser, &page, "one", "none");
    assert_eq!(texts(&mut browser, ".members tr").len(), 6, "the only list is open");

    disturb(&project.registry);
    let (page, output) = project.page("");
    output.exits(0);
    look(&mut browser, &page, "disturbed", "#l0, #l4, #l5");
    let counts = ["6 lists, 31 images", "3 as declared", "2 differ", "1 not found"];
    assert_eq!(texts(&mut browser, ".counts li"), counts);

    let (page, output) = project.page("--offline");
    output.exits(0);
    look(&mut browser, &page, "offline", "#l0");
    assert!(texts(&mut browser, "header").concat().contains("No registry was read."));
}

#[test]
fn filters_hide_lists_and_the_button_shows_them_again() {
    let Some(mut browser) = Browser::start() else { return };
    let project = Project::published();
    disturb(&project.registry);
    let (page, _) = project.page("");
    browser.open(&page, 1280, 800, Scheme::Light);
    let names = |browser: &mut Browser| {
        let rows = texts(browser, "tr.l a");
        assert_eq!(texts(browser, "summary code"), rows, "the table and the details show the same");
        rows
    };
    assert_eq!(names(&mut browser).len(), 6);
    for (id, value, expected) in [
        ("state", "differs", &["k8s/kube-scheduler:v1.3.0", "k8s/kubectl:v1.3.0"][..]),
        ("search", "KUBECTL arm64", &["k8s/kubectl:v1.3.0"]),
        ("state", "ok", &[]),
        ("search", "", &["k8s/kube-apiserver:v1.3.0", "k8s/kube-controller-manager:v1.3.0", "k8s/kube-proxy:v1.3.0"]),
        ("search", "riscv", &[]),
        ("state", "!ok", &["k8s/kube-scheduler:v1.3.0"]),
    ] {
        choose(&mut browser, id, value);
        assert_eq!(names(&mut browser), expected, "{id} {value}");
        let status = match expected.len() {
            0 => "No list matches.".to_owned(),
            count => format!("{count} of 6 lists shown"),
        };
        assert_eq!(texts(&mut browser, "#shown"), [status]);
    }
    assert_eq!(texts(&mut browser, "main h3").len(), 1);
    choose(&mut browser, "search", "nothing like this");
    assert_eq!(texts(&mut browser, "section[data-r] h3, tbody .group"), [] as [String; 0]);
    browser.evaluate("document.querySelector('[type=reset]').click()");
    browser.evaluate("new Promise((done) => setTimeout(done, 50))");
    assert_eq!(names(&mut browser).len(), 6);
    assert_eq!(browser.complaints(), [] as [&Value; 0]);
}

#[test]
fn a_digest_is_copied_whole_and_the_page_says_so() {
    let Some(mut browser) = Browser::start() else { return };
    let project = Project::published();
    let (page, _) = project.page("kubectl");
    browser.open(&page, 1280, 800, Scheme::Light);
    let find = "[...document.querySelectorAll('button.copy')].find((it) => /^Copy sha256:/.test(it.ariaLabel))";
    let digest = browser.evaluate(&format!("{find}.previousElementSibling.textContent"));
    assert_eq!(digest.as_str().unwrap().len(), 71);
    browser.evaluate(&format!(
        "navigator.clipboard.writeText = async (text) => {{ window.copied = text; }}; {find}.focus()"
    ));
    browser.press("Enter");
    browser.evaluate("new Promise((done) => setTimeout(done, 300))");
    assert_eq!(browser.evaluate("window.copied"), digest);
    assert_eq!(
        browser.evaluate("document.getElementById('said').textContent"),
        format!("Copied {}", digest.as_str().unwrap())
    );
    // Without a clipboard, the text is selected.
    browser.open(&page, 1280, 800, Scheme::Light);
    browser
        .evaluate("navigator.clipboard.writeText = () => Promise.reject(); document.execCommand = () => false; null");
    browser.evaluate(&format!("{find}.click()"));
    browser.evaluate("new Promise((done) => setTimeout(done, 100))");
    assert_eq!(browser.evaluate("getSelection().toString()"), digest);
    assert!(browser.evaluate("document.getElementById('said').textContent").as_str().unwrap().contains("selected"));
    assert_eq!(browser.complaints(), [] as [&Value; 0]);
}

#[test]
fn everything_is_reached_by_keyboard_in_order_and_has_a_name() {
    let Some(mut browser) = Browser::start() else { return };
    let project = Project::published();
    let (page, _) = project.page("");
    browser.open(&page, 1280, 800, Scheme::Light);
    browser.evaluate("document.querySelector('#l0').open = true");
    browser.evaluate("new Promise((done) => setTimeout(done, 100))");
    let all = "[...document.querySelectorAll('a, button, input, select, summary, [tabindex=\"0\"]')]";
    let count = browser.evaluate(&format!("{all}.length")).as_u64().unwrap();
    assert!(count > 20, "{count}");
    for expected in 0..count {
        browser.press("Tab");
        let at = browser.evaluate(&format!("{all}.indexOf(document.activeElement)"));
        assert_eq!(at, expected);
        let outline = browser.evaluate("getComputedStyle(document.activeElement).outlineStyle");
        assert_eq!(outline, "solid", "the focus is seen on element {expected}");
    }
    // Labels, headers of rows and columns, unique ids.
    let unlabelled = "[...document.querySelectorAll('input, select')].filter((it) => it.labels.length !== 1).length";
    assert_eq!(browser.evaluate(unlabelled), 0);
    assert_eq!(browser.evaluate("document.querySelectorAll('th:not([scope])').length"), 0);
    let ids = "[...document.querySelectorAll('[id]')].map((it) => it.id)";
    assert_eq!(browser.evaluate(&format!("new Set({ids}).size === {ids}.length")), true);
    let broken =
        "[...document.querySelectorAll('a')].filter((it) => !document.getElementById(it.hash.slice(1))).length";
    assert_eq!(browser.evaluate(broken), 0);
    // A link opens its list, and continues there.
    browser.evaluate("document.querySelector('a[href=\"#l3\"]').focus()");
    browser.press("Enter");
    browser.evaluate("new Promise((done) => setTimeout(done, 200))");
    assert_eq!(browser.evaluate("document.querySelector('#l3').open"), true);
    assert_eq!(browser.evaluate("document.activeElement.parentElement.id"), "l3");
}

#[test]
fn without_the_script_everything_is_there() {
    let Some(mut browser) = Browser::start() else { return };
    let project = Project::published();
    let (page, _) = project.page("");
    browser.set_scripts(false);
    browser.open(&page, 1280, 800, Scheme::Light);
    let picture = browser.screenshot();
    assert!(picture.starts_with(b"\x89PNG"));
    assert_eq!(texts(&mut browser, "summary").len(), 6);
    assert_eq!(texts(&mut browser, "form, button"), [] as [String; 0], "what would have no effect is not shown");
    assert_eq!(browser.complaints(), [] as [&Value; 0]);
}

#[test]
fn two_hundred_lists_are_a_page_and_no_lists_are_one() {
    let Some(mut browser) = Browser::start() else { return };
    let registry = Registry::start(Knobs::default());
    let host = registry.host();
    for platform in ["amd64", "arm64", "s390x"] {
        let image = Image::new(Dialect::Oci, &format!("linux/{platform}"), "one");
        seed::image(&mut registry.store(), "src/app", platform, &image);
    }
    let values: Vec<String> = (1..=200).map(|number| format!("\"component-{number}\"")).collect();
    let manifest = format!(
        "[list.app]\nplatforms = [\"linux/amd64\", \"linux/arm64\", \"linux/s390x\"]\nsource = \"{host}/src/app:{{arch}}\"\n\
         target = \"{host}/project/{{part}}\"\ntags = [\"v1.2.3\", \"v1.2\"]\nmatrix.part = [{}]\n",
        values.join(", ")
    );
    let project = Project::of(registry, &manifest);
    project.context.mlist("sync").exits(0);
    let (page, _) = project.page("");
    look(&mut browser, &page, "many", "#l0");
    assert_eq!(texts(&mut browser, "tr.l").len(), 200);
    assert!(std::fs::metadata(&page).unwrap().len() < 600_000);

    let manifest = manifest.replace("[\"v1.2.3\", \"v1.2\"]", "[{ tag = \"v1\", when = { part = \"other\" } }]");
    project.context.manifest(&manifest);
    let (page, output) = project.page("app/component-1 app/component-2");
    output.exits(0);
    look(&mut browser, &page, "none", "none");
    assert_eq!(texts(&mut browser, ".counts li"), ["0 lists, 0 images"]);
    assert!(texts(&mut browser, "main").concat().contains("No tag applies to these lists."));
}

/// Text that would be executed if it were markup, and characters that would deceive.
const HOSTILE: &str = "</script></style><script>window.hit=1;alert(1)</script>\"><img src=x onerror=window.hit=2>\
    <a href=\"javascript:window.hit=3\">x</a>' onload='window.hit=4 \u{202e}\u{200b}\u{7}&lt;&#60;svg onload=window.hit=5>";

#[test]
fn nothing_of_a_registry_is_markup() {
    let Some(mut browser) = Browser::start() else { return };
    let project = Project::published();
    {
        let mut store = project.registry.store();
        let huge = "x".repeat(100_000);
        let mut platforms = Vec::new();
        for text in [HOSTILE, &huge] {
            for key in ["os", "architecture", "variant", "os.version"] {
                let mut platform = json!({ "os": "linux", "architecture": "amd64" });
                platform[key] = text.into();
                platforms.push(platform);
            }
        }
        for (at, binary) in ["kubectl", "hyperkube", "kube-proxy"].into_iter().enumerate() {
            let own = Release::image(binary, "linux/amd64");
            let repository = format!("k8s/{binary}");
            let mut entries = vec![own.entry()];
            for (number, platform) in platforms.iter().enumerate().filter(|(number, _)| number % 3 == at || at == 0) {
                let image = Image::new(Dialect::Oci, "linux/amd64", &format!("hostile {number}"));
                seed::image(&mut store, &repository, &image.digest(), &image);
                let mut entry = image.entry();
                entry["platform"] = platform.clone();
                entry["annotations"] = json!({ HOSTILE: HOSTILE });
                entries.push(entry);
            }
            let mut list: Value = serde_json::from_slice(&index(&entries)).unwrap();
            list["annotations"] =
                json!({ HOSTILE: HOSTILE, "org.opencontainers.image.url": "javascript:window.hit=6" });
            seed::manifest(&mut store, &repository, "v1.3.0", OCI_INDEX, list.to_string().as_bytes());
        }
    }
    for (path, then) in [
        ("/v2/k8s/kube-scheduler/manifests/v1.3.0", Then::Error(403, "<script>alert(1)</script>", HOSTILE)),
        ("/v2/k8s/kube-apiserver/manifests/v1.3.0", Then::Words(400, HOSTILE)),
        ("/v2/k8s/kube-controller-manager/manifests/v1.3.0", Then::Page(400)),
    ] {
        for method in ["HEAD", "GET"] {
            project.registry.knobs().fault(Fault { method, path, times: usize::MAX, then });
        }
    }
    let (page, output) = project.page("");
    output.exits(1);
    look(&mut browser, &page, "hostile", "details");
    assert_eq!(browser.evaluate("window.hit ?? null"), Value::Null);
    let own = "document.querySelectorAll('script').length === 1 && document.querySelectorAll('style').length === 1";
    assert_eq!(browser.evaluate(own), true);
    let elements = browser.evaluate("[...document.querySelectorAll('*')].map((it) => it.localName)");
    let elements: BTreeSet<String> = serde_json::from_value(elements).unwrap();
    for foreign in ["img", "svg", "iframe", "object", "embed", "base"] {
        assert!(!elements.contains(foreign), "{foreign}");
    }
    let attributes = browser.evaluate("[...document.querySelectorAll('*')].flatMap((it) => it.getAttributeNames())");
    let attributes: BTreeSet<String> = serde_json::from_value(attributes).unwrap();
    assert!(
        attributes.iter().all(|name| !name.starts_with("on") && name != "style" && name != "src"),
        "{attributes:?}"
    );
    let links = browser.evaluate("[...document.links].every((it) => it.getAttribute('href').startsWith('#'))");
    assert_eq!(links, true);
    let text = browser.evaluate("document.querySelector('main').innerText");
    let text = text.as_str().unwrap();
    assert!(text.contains("<script>window.hit=1;alert(1)</script>"), "the text is shown as text");
    assert!(!text.contains(['\u{202e}', '\u{200b}', '\u{7}']));
    assert!(std::fs::metadata(&page).unwrap().len() < 300_000, "long texts are shortened");
    // What is parsed is what was written: the parser repaired nothing.
    let reparsed = "new DOMParser().parseFromString(document.documentElement.outerHTML, 'text/html')";
    let same = format!("{reparsed}.documentElement.outerHTML === document.documentElement.outerHTML");
    assert_eq!(browser.evaluate(&same), true);
}

#[test]
fn the_page_takes_stdout_and_people_read_stderr() {
    let project = Project::published();
    let output = project.context.mlist("ls --format html").exits(0);
    assert!(output.stdout.starts_with("<!DOCTYPE html><html") && output.stdout.ends_with("</html>\n"));
    assert!(
        output.stderr.contains("kubectl") && output.stderr.lines().last().unwrap().starts_with("Done in "),
        "{output}"
    );
    let offline = || project.context.mlist("ls --offline --format html").exits(0).stdout;
    assert_eq!(offline(), offline(), "equal input, equal bytes");
    for (arguments, message) in [
        ("plan --format html", "unknown format: expected human, json, human=FILE or json=FILE"),
        ("check --format html=x", "unknown format: expected human, json, human=FILE or json=FILE"),
        ("ls --tags --format html", "`--format html` cannot be used with `--tags`; use human or json"),
        ("ls --format html --format json", "only one format can be written to stdout"),
    ] {
        let output = project.context.mlist(arguments).exits(2);
        assert!(output.stderr.contains(message) && output.stdout.is_empty(), "{output}");
    }
    project.context.manifest("list.a.tags = 1\n");
    let output = project.context.mlist("ls --format html").exits(2);
    assert!(output.stdout.contains("The lists are not known") && output.stdout.contains("mlist::config::"), "{output}");
}
