//! Checks of the repository itself, and of the invariants that docs/architecture.md marks as
//! checked.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use ipcraft_bench::mechanisms;

/// Modules of the library that make no system call, so they have no errno table.
const WITHOUT_ERRNO: &[&str] = &["error", "name", "sysv", "time"];

/// Measured mechanisms without an example of their own: the standard library provides `udp`, and
/// the pages of `sync` show the others in full.
const WITHOUT_EXAMPLE: &[&str] = &["udp", "sync_semaphore", "sync_barrier"];

/// The file that calls `spawn` to start a thread, not a process.
const STARTS_A_THREAD: &str = "support/quiet_thread.rs";

/// The modules that each represent a mechanism.
const MECHANISMS: &[&str] = &[
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

/// The layers below the mechanisms.
const BELOW_MECHANISMS: &[&str] = &["error", "name", "pid", "support", "sys", "sysv", "time"];

/// The files that remove names.
const REMOVE_NAMES: &[&str] = &[
    "channel/handle.rs",
    "fifo/handle.rs",
    "queue/posix/handle.rs",
    "queue/posix/removal.rs",
    "semaphore/posix/semaphore.rs",
    "shm/posix/memory.rs",
    "socket/unlink.rs",
    "support/directory_entry.rs",
    "sys/posix_mq.rs",
];

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

/// All files below a directory with this suffix, without the folders of cargo and git and without
/// symbolic links.
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

/// The library's source files, without files of tests.
fn shipped_files() -> Vec<PathBuf> {
    let mut sources = files(&library(), ".rs");
    sources.retain(|path| !path.iter().any(|part| part == "tests" || part == "tests.rs"));
    sources
}

/// A source file without its comments and its tests.
fn code(path: &Path) -> String {
    let text = text(path);
    without_tests(&text).filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The lines of a source file without the items under `#[cfg(test)]` and `#[cfg(all(test, …))]`.
fn without_tests(source: &str) -> impl Iterator<Item = &str> {
    let mut end_of_test: Option<String> = None;
    source.lines().filter(move |line| match &end_of_test {
        None if is_for_tests(line) => {
            let indent = line.len() - line.trim_start().len();
            end_of_test = Some(format!("{}}}", " ".repeat(indent)));
            false
        }
        None => true,
        Some(closing) => {
            let is_whole_item = line.ends_with(';') && line.len() - line.trim_start().len() < closing.len();
            if is_whole_item || line.trim_end() == closing {
                end_of_test = None;
            }
            false
        }
    })
}

fn is_for_tests(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("#[cfg(test)]") || line.starts_with("#[cfg(all(test,")
}

#[test]
fn code_without_tests_keeps_what_follows_a_test_module() {
    let source = "#[cfg(test)]\nmod tests;\nfn kept() {}\n#[cfg(all(test, not(loom)))]\nmod more {\n    fn cut() {}\n}\nfn kept_too() {}";
    assert_eq!(without_tests(source).collect::<Vec<_>>(), ["fn kept() {}", "fn kept_too() {}"]);
}

/// The library's source files whose code contains one of the words.
fn using(words: &[&str]) -> Vec<String> {
    let sources = shipped_files().into_iter();
    let users = sources.filter(|path| words.iter().any(|word| code(path).contains(word)));
    let mut names: Vec<String> = users.map(|path| relative(&path)).collect();
    names.sort();
    names
}

fn relative(path: &Path) -> String {
    path.strip_prefix(library()).unwrap().display().to_string()
}

/// The library's public modules.
fn modules() -> Vec<String> {
    let lib = text(library().join("lib.rs"));
    let declared = lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    declared.map(str::to_owned).collect()
}

/// The front pages that describe a mechanism: the module's own, or those of its public parts if
/// they are mechanisms.
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
fn unsafe_code_is_only_in_files_that_allow_it() {
    for path in files(&library(), ".rs") {
        let has_unsafe =
            ["unsafe {", "unsafe fn", "unsafe impl", "unsafe extern"].map(|word| code(&path).contains(word));
        let allows_it = text(&path).contains("#![allow(unsafe_code)]");
        assert_eq!(has_unsafe.contains(&true), allows_it, "{}", relative(&path));
        let allows_an_item = text(&path).contains("#[allow(unsafe_code)]");
        assert!(!allows_an_item, "{}: per file, not per item", relative(&path));
    }
    assert!(text(library().join("lib.rs")).contains("#![deny(unsafe_code)]"));
    for path in files(&root().join("examples"), ".rs") {
        assert!(!code(&path).contains("unsafe"), "{}", path.display());
    }
}

#[test]
fn every_safety_comment_gives_a_reason() {
    // In two parts, so that this file does not count.
    let reason = concat!("// SAFE", "TY:");
    for path in files(&root(), ".rs") {
        let sites = text(&path).matches(reason).count();
        let stated = text(&path).matches(&format!("{reason} because ")).count();
        assert_eq!(sites, stated, "{}", path.display());
    }
}

#[test]
fn only_process_starts_processes() {
    let starters = using(&["Command", "::fork(", " fork(", "posix_spawn", "execv", "clone3", ".spawn("]);
    assert!(!starters.is_empty(), "process does");
    for file in starters.iter().filter(|file| !file.ends_with(STARTS_A_THREAD)) {
        assert!(file.starts_with("process/"), "{file} starts processes");
    }
}

#[test]
fn only_listed_files_remove_names() {
    assert_eq!(using(&["remove_file", "unlink("]), REMOVE_NAMES);
}

/// The pairs of modules in the table of docs/architecture.md: the first may use the second.
fn allowed_pairs() -> Vec<(String, String)> {
    let page = text(root().join("docs/architecture.md"));
    let table = page.split("| module | may use |").nth(1).expect("the table of pairs");
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let cells =
        rows.map(|row| row.split('`').skip(1).step_by(2).take(2).map(str::to_owned).collect::<Vec<_>>());
    cells.map(|cells| (cells[0].clone(), cells[1].clone())).collect()
}

#[test]
fn mechanisms_use_each_other_only_as_documented() {
    let mut used = BTreeSet::new();
    for path in shipped_files() {
        let module = relative(&path).split(['/', '.']).next().unwrap_or_default().to_owned();
        let code = code(&path);
        let others = MECHANISMS.iter().filter(|other| **other != module && uses(&code, other));
        used.extend(others.map(|other| (module.clone(), (*other).to_owned())));
    }
    let crossings = used.into_iter().filter(|(module, _)| is_layered(module));
    let mut allowed = allowed_pairs();
    allowed.sort();
    assert_eq!(crossings.collect::<Vec<_>>(), allowed, "used, and allowed by docs/architecture.md");
}

/// The layers of `channel` in the table of docs/architecture.md, from the bottom.
fn channel_layers() -> Vec<Vec<String>> {
    let page = text(root().join("docs/architecture.md"));
    let table = page.split("| part of `channel` |").nth(1).expect("the table of layers");
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let first_cells = rows.map(|row| row.split('|').nth(1).unwrap_or_default());
    first_cells.map(|cell| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()).collect()
}

#[test]
fn layers_of_channel_use_only_lower_layers() {
    let layers = channel_layers();
    let mut upward = Vec::new();
    for (height, layer) in layers.iter().enumerate() {
        let upper: Vec<&String> = layers[height + 1..].iter().flatten().collect();
        let in_layer = |path: &&PathBuf| {
            layer.iter().any(|part| relative(path).starts_with(&format!("channel/{part}/")))
        };
        for path in shipped_files().iter().filter(in_layer) {
            let code = code(path);
            let used = upper.iter().filter(|part| code.contains(&format!("channel::{part}::")));
            upward.extend(used.map(|part| format!("{} uses {part}", relative(path))));
        }
    }
    assert!(layers.len() > 2, "{layers:?}");
    assert_eq!(upward, Vec::<String>::new());
}

/// Whether code names a module of the library.
fn uses(code: &str, module: &str) -> bool {
    let path = format!("crate::{module}");
    code.match_indices(&path)
        .any(|(at, _)| !code[at + path.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_'))
}

fn is_layered(module: &str) -> bool {
    MECHANISMS.contains(&module) || BELOW_MECHANISMS.contains(&module)
}

#[test]
fn raw_calls_use_no_layer_above() {
    let above = ["error", "name", "support", "sysv"].iter().chain(MECHANISMS);
    for path in files(&library().join("sys"), ".rs") {
        let code = code(&path);
        let used: Vec<_> = above.clone().filter(|module| uses(&code, module)).collect();
        assert!(used.is_empty(), "{} uses {used:?}", relative(&path));
    }
}

#[test]
fn every_module_has_a_layer() {
    let lib = text(library().join("lib.rs"));
    let declared = lib.lines().filter_map(|line| line.split_once("mod ")?.1.strip_suffix(';'));
    for module in declared {
        assert!(is_layered(module), "{module} is in no layer");
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

/// The names of the examples, of which each is a file or a folder.
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
        let name = example_of(id);
        assert!(
            WITHOUT_EXAMPLE.contains(&id) || examples.iter().any(|example| example == name),
            "{id} has no example"
        );
    }
}

/// The example that shows a measured mechanism.
fn example_of(id: &str) -> &str {
    // Variants of one mechanism share an example: the types of a socket pair, what guards shared
    // memory, both sides of a lock, how an endpoint waits.
    let name = if id.starts_with("socketpair_") { "socketpair" } else { id };
    let name = name.strip_prefix("shm_").unwrap_or(name);
    let name =
        name.strip_prefix("sync_").unwrap_or(name).trim_end_matches("_read").trim_end_matches("_write");
    match name {
        "realtime_signal" => "signals",
        "channel_block" | "channel_spin" => "channel",
        "channel_mpmc" => "work_queue",
        "channel_broadcast" => "pubsub",
        "channel_latest" => "latest",
        "channel_request" => "request_response",
        "futex_pi" => "priority_inversion",
        name => name,
    }
}

#[test]
fn every_bench_covers_every_mechanism() {
    for bench in ["latency", "throughput", "setup", "locks"] {
        let source = text(root().join(format!("benches/benches/{bench}.rs")));
        let helpers = text(root().join("benches/src/lib.rs"));
        assert!((source + &helpers).contains("mechanisms()"), "{bench} has a list of its own");
    }
}

#[test]
fn every_page_with_code_is_executed() {
    let tests = ["tests/src/lib.rs", "crates/ipcraft-cli/tests/lab.rs", "crates/ipcraft-tokio/src/lib.rs"];
    let executed: String = tests.iter().map(|test| text(root().join(test))).collect();
    let pages = files(&root().join("docs"), ".md");
    for path in pages.iter().filter(|path| text(path).contains("```")) {
        let name = path.strip_prefix(root()).unwrap().display().to_string();
        assert!(executed.contains(&name), "{name} has code and is not among the pages that are tested");
    }
}

#[test]
fn every_decision_is_in_the_index_and_complete() {
    let folder = root().join("docs/decisions");
    let index = text(folder.join("README.md"));
    for path in files(&folder, ".md") {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name == "README.md" {
            continue;
        }
        assert!(index.contains(&format!("({name})")), "{name} is not in the index");
        for part in ["## Context", "## Measurement", "## Decision", "## Consequence"] {
            assert!(text(&path).contains(part), "{name} has no `{part}`");
        }
    }
}

#[test]
fn links_lead_to_files() {
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
