//! The examples, with an output that takes nothing.

use std::collections::BTreeSet;
use std::env;
use std::fs::{self, File};
use std::io::pipe;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ipcraft::name;

/// The examples that cargo built last, by name.
fn examples() -> Vec<(String, PathBuf)> {
    let program = env::current_exe().unwrap();
    let folder = program.parent().and_then(Path::parent).unwrap().join("examples");
    let built: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
    let newest = |example: &str| {
        let is_built = |path: &&PathBuf| {
            let file = path.file_name().unwrap().to_string_lossy();
            !file.contains('.') && file.rsplit_once('-').is_some_and(|(stem, _hash)| stem == example)
        };
        let made = |path: &&PathBuf| path.metadata().and_then(|data| data.modified()).unwrap();
        built.iter().filter(is_built).max_by_key(made).cloned()
    };
    let manifest = include_str!("../Cargo.toml").split("[[example]]\nname = \"").skip(1);
    let names = manifest.map(|entry| entry.split('"').next().unwrap());
    names.filter_map(|example| Some((example.to_owned(), newest(example)?))).collect()
}

/// The objects of examples that have ended.
fn left_behind() -> BTreeSet<PathBuf> {
    let folders = [PathBuf::from("/dev/shm"), PathBuf::from("/dev/mqueue"), name::runtime_dir()];
    let files = folders.iter().flat_map(|folder| fs::read_dir(folder).into_iter().flatten().flatten());
    files.map(|file| file.path()).filter(|path| is_left_behind(path)).collect()
}

/// Whether the name contains the id of a dead process: see [`name::unique`].
fn is_left_behind(path: &Path) -> bool {
    let file = path.file_name().unwrap().to_string_lossy();
    let Some(rest) = file.trim_start_matches("sem.").strip_prefix("ipcraft-") else { return false };
    let maker = rest.split('-').find(|part| part.parse::<u32>().is_ok());
    maker.is_some_and(|pid| !Path::new("/proc").join(pid).exists())
}

/// Runs each example, and expects that it succeeds without a panic and leaves no object behind.
fn run_all(output: impl Fn() -> Stdio) {
    for (example, program) in examples() {
        let before = left_behind();
        let run = Command::new(program).stdout(output()).stderr(Stdio::piped()).output().unwrap();
        let errors = String::from_utf8_lossy(&run.stderr);
        assert!(run.status.success() && !errors.contains("panicked"), "{example}: {}: {errors}", run.status);
        let left: Vec<_> = left_behind().difference(&before).cloned().collect();
        assert!(left.is_empty(), "{example} left {left:?}");
    }
}

#[test]
fn examples_with_closed_or_full_output_succeed_and_leave_nothing() {
    run_all(|| {
        let (_reader, writer) = pipe().unwrap();
        writer.into()
    });
    run_all(|| File::create("/dev/full").unwrap().into());
}
