//! Promises about the repository itself, and the rules that docs/architecture.md says are checked.

use std::fs;
use std::path::{Path, PathBuf};

use ipcraft_bench::mechanisms;

/// Modules of the library that ask nothing of the kernel, so that no errno can come of them.
const WITHOUT_ERRNO: &[&str] = &["error", "name", "sysv", "time"];

/// What the library leaves to std, of which one example is enough; and what its own documentation shows all of.
const WITHOUT_EXAMPLE: &[&str] = &["udp", "sync_semaphore", "sync_barrier"];

/// A thread is started like a process: by `spawn`.
const STARTS_A_THREAD: &str = "channel/endpoint/readiness.rs";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

fn library() -> PathBuf {
    root().join("crates/ipcraft/src")
}

fn text(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// All files below a directory whose names end so, without what cargo and git keep there and without second names.
fn files(directory: &Path, suffix: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            found.extend(files(&path, suffix));
        } else if name.ends_with(suffix) && !path.is_symlink() {
            found.push(path);
        }
    }
    found
}

/// A source file without its comments and its unit tests.
fn code(path: &Path) -> String {
    let text = text(path);
    let shipped = text.split("#[cfg(test)]").next().unwrap_or_default();
    shipped.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The library's source files whose code has one of the words.
fn using(words: &[&str]) -> Vec<String> {
    let sources = files(&library(), ".rs").into_iter().filter(|path| !relative(path).contains("/tests/"));
    let users = sources.filter(|path| words.iter().any(|word| code(path).contains(word)));
    let mut names: Vec<String> = users.map(|path| relative(&path)).collect();
    names.sort();
    names
}

fn relative(path: &Path) -> String {
    path.strip_prefix(library()).unwrap().display().to_string()
}

/// The library's public modules, without the private ones.
fn modules() -> Vec<String> {
    let lib = text(library().join("lib.rs"));
    let declared = lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    declared.map(str::to_owned).collect()
}

/// The pages of a module that describe a mechanism: its own, or those of its public parts where each part is one.
fn pages(module: &str) -> Vec<String> {
    let own = front_page(module);
    if own.contains("# Errors") {
        return vec![own];
    }
    let source = text(library().join(module).join("mod.rs"));
    let parts = source.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    parts.map(|part| front_page(&format!("{module}/{part}"))).collect()
}

/// The text of a module's front page.
fn front_page(module: &str) -> String {
    let folder = library().join(module).join("mod.rs");
    let path = if folder.exists() { folder } else { library().join(format!("{module}.rs")) };
    text(path).lines().filter_map(|line| line.strip_prefix("//!")).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_mechanism_has_an_errno_table() {
    let modules = modules();
    assert!(modules.len() > WITHOUT_ERRNO.len(), "{modules:?}");
    for module in modules.iter().filter(|module| !WITHOUT_ERRNO.contains(&module.as_str())) {
        let pages = pages(module);
        assert!(!pages.is_empty(), "{module} has no page");
        for part in ["# When to use ", "# When not", "# Contract", "# Errors", "| errno |"] {
            assert!(pages.iter().all(|page| page.contains(part)), "a page of {module} has no `{part}`");
        }
    }
}

#[test]
fn unsafe_code_is_only_where_it_is_said() {
    for path in files(&library(), ".rs") {
        let has_unsafe =
            ["unsafe {", "unsafe fn", "unsafe impl", "unsafe extern"].map(|word| code(&path).contains(word));
        let says_so = text(&path).contains("#![allow(unsafe_code)]");
        assert_eq!(has_unsafe.contains(&true), says_so, "{}", relative(&path));
        assert!(
            !text(&path).contains("#[allow(unsafe_code)]"),
            "{}: per file, not per item",
            relative(&path)
        );
    }
    assert!(text(library().join("lib.rs")).contains("#![deny(unsafe_code)]"));
    for path in files(&root().join("examples"), ".rs") {
        assert!(!code(&path).contains("unsafe"), "{}", path.display());
    }
}

#[test]
fn every_unsafe_site_says_because() {
    // In two parts, so that this file does not count.
    let reason = concat!("// SAFE", "TY:");
    for path in files(&root(), ".rs") {
        let given = text(&path).matches(reason).count();
        let stated = text(&path).matches(&format!("{reason} because ")).count();
        assert_eq!(given, stated, "{}", path.display());
    }
}

#[test]
fn only_process_starts_processes() {
    let starters = using(&["Command", "::fork(", " fork(", "posix_spawn", "execv", "clone3", ".spawn("]);
    assert!(!starters.is_empty(), "process does");
    for file in starters.iter().filter(|file| *file != STARTS_A_THREAD) {
        assert!(file.starts_with("process/"), "{file} starts processes");
    }
}

#[test]
fn only_few_places_remove_names() {
    let removers = using(&["remove_file", "unlink("]);
    let expected = [
        "fifo/handle.rs",
        "queue/posix/handle.rs",
        "queue/posix/removal.rs",
        "shm/posix/memory.rs",
        "socket/reclaim.rs",
        "support/unlink_guard.rs",
        "sys/posix_mq.rs",
    ];
    assert_eq!(removers, expected);
}

#[test]
fn no_mechanism_knows_another() {
    let mechanisms = [
        "pipe",
        "fifo",
        "socket",
        "process",
        "queue",
        "semaphore",
        "shm",
        "event",
        "futex",
        "signal",
        "sync",
        "channel",
    ];
    // A POSIX semaphore, locks and channels lie in shared memory; a process is sent a signal, and a POSIX queue can send
    // one; an end of a channel tells an event loop by an eventfd, and in a model sleeps as a lock does.
    let allowed = [
        ("semaphore", "shm"),
        ("queue", "signal"),
        ("process", "signal"),
        ("sync", "shm"),
        ("channel", "shm"),
        ("channel", "event"),
        ("channel", "sync"),
    ];
    for module in mechanisms {
        for path in files(&library().join(module), ".rs") {
            for other in
                mechanisms.iter().filter(|other| **other != module && !allowed.contains(&(module, **other)))
            {
                let code = code(&path);
                assert!(!code.contains(&format!("crate::{other}")), "{} knows {other}", relative(&path));
            }
        }
    }
}

#[test]
fn every_example_is_run_and_on_the_tour() {
    let folder = root().join("examples");
    let (manifest, tour) = (text(folder.join("Cargo.toml")), text(folder.join("README.md")));
    let examples = examples();
    assert!(!examples.is_empty());
    for name in examples {
        let entry = manifest.split("[[example]]").find(|entry| entry.contains(&format!("name = \"{name}\"")));
        let entry = entry.unwrap_or_else(|| panic!("{name} is not in examples/Cargo.toml"));
        assert!(entry.contains("test = true"), "cargo test does not run {name}");
        let listed = [format!("]({name}.rs)"), format!("]({name}/main.rs)")];
        assert!(listed.iter().any(|link| tour.contains(link)), "{name} is not in examples/README.md");
    }
}

/// Those of one file, and those of a folder.
fn examples() -> Vec<String> {
    let found = fs::read_dir(root().join("examples")).unwrap().map(|entry| entry.unwrap().path());
    let sources =
        found.filter(|path| path.extension().is_some_and(|e| e == "rs") || path.join("main.rs").exists());
    sources.map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()).collect()
}

#[test]
fn every_measured_mechanism_has_an_example() {
    let examples = examples();
    for id in mechanisms().iter().map(|mechanism| mechanism.id) {
        // The three types of a socket pair share one example.
        let name = if id.starts_with("socketpair_") { "socketpair" } else { id };
        // What is real-time about a signal is one thing of several that its example shows.
        let name = if id == "realtime_signal" { "signals" } else { name };
        // What guards the shared memory is what such an example is about.
        let name = name.strip_prefix("shm_").unwrap_or(name);
        // Both sides of a lock share one example.
        let name =
            name.strip_prefix("sync_").unwrap_or(name).trim_end_matches("_read").trim_end_matches("_write");
        // How an end of a channel waits is a choice of one line, and each kind has an example.
        let name = match name {
            "channel_block" | "channel_spin" => "channel",
            "channel_mpmc" => "work_queue",
            "channel_broadcast" => "pubsub",
            "channel_latest" => "latest",
            "channel_request" => "request_response",
            name => name,
        };
        assert!(
            WITHOUT_EXAMPLE.contains(&id) || examples.iter().any(|example| example == name),
            "{id} has no example"
        );
    }
}

#[test]
fn every_bench_goes_over_every_mechanism() {
    for bench in ["latency", "throughput", "setup", "locks"] {
        let source = text(root().join(format!("benches/benches/{bench}.rs")));
        let helpers = text(root().join("benches/src/lib.rs"));
        assert!((source + &helpers).contains("mechanisms()"), "{bench} has a list of its own");
    }
}

#[test]
fn every_document_is_executed() {
    let executed = text(root().join("tests/src/lib.rs"));
    for path in files(&root().join("docs"), ".md") {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        assert!(
            executed.contains(&format!("docs/{name}")),
            "{name} is not among the documents that are tested"
        );
    }
}

#[test]
fn links_lead_somewhere() {
    for page in files(&root(), ".md") {
        for target in links(&text(&page)) {
            let path = page.parent().unwrap().join(&target);
            assert!(path.exists(), "{} links to {target}", page.display());
        }
    }
}

/// The targets of a page's links that are files of this repository.
fn links(page: &str) -> Vec<String> {
    let targets = page.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let files = targets.map(|target| target.split('#').next().unwrap_or_default());
    files.filter(|file| !file.is_empty() && !file.contains("://")).map(str::to_owned).collect()
}
