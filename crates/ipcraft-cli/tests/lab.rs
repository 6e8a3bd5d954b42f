//! `ipcraft lab` as a shell sees it, and the commands of its two documents.

use std::io::Write;
use std::process::{Command, Output, Stdio};

const ENGLISH: &str = include_str!("../../../docs/lab.md");
const CHINESE: &str = include_str!("../../../docs/lab.zh.md");

fn ipcraft(line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ipcraft"));
    command.args(line.split_whitespace()).stdin(Stdio::null());
    command
}

fn output(line: &str) -> Output {
    ipcraft(line).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap()
}

/// Returns the commands of a document.
fn commands(document: &str) -> Vec<&str> {
    document.lines().filter_map(|line| line.strip_prefix("$ ipcraft ")).collect()
}

#[test]
fn documents_have_the_same_commands_and_each_succeeds() {
    let listed = commands(ENGLISH);
    assert!(listed.len() >= 8, "{listed:?}");
    assert_eq!(listed, commands(CHINESE));
    // The test `claims` runs that command, and reads its results.
    for line in listed.into_iter().filter(|line| *line != "lab claims") {
        let output = output(line);
        assert!(output.status.success(), "{line}: {}", text(&output.stderr));
        let found = text(&output.stdout);
        assert!(!found.is_empty(), "{line}");
        if line.starts_with("lab run") && !found.starts_with("skipped") {
            assert!(found.contains("Both processes are inside"), "{found}");
        }
    }
}

#[test]
fn verdicts_of_both_documents_are_those_of_the_command() {
    let found = output("lab explore lock-variable");
    let found = text(&found.stdout);
    if found.starts_with("skipped") {
        eprintln!("{found}");
        return;
    }
    let verdicts = |text: &str| -> Vec<String> {
        let lines = text.lines().map(str::trim_start);
        lines
            .filter(|line| line.starts_with("holds  ") || line.starts_with("VIOLATED  "))
            .map(Into::into)
            .collect()
    };
    assert_eq!(verdicts(found).len(), 4, "{found}");
    assert_eq!(verdicts(ENGLISH), verdicts(found));
    assert_eq!(verdicts(CHINESE), verdicts(found));
}

#[test]
fn unknown_algorithm_exits_with_two_and_lists_the_choices() {
    for line in ["lab explore pipe", "lab run pipe --schedule A", "lab exclusion pipe", "lab play mutex"] {
        let output = output(line);
        assert_eq!(output.status.code(), Some(2), "{line}");
        assert!(text(&output.stderr).contains("lock-variable"), "{line}: {}", text(&output.stderr));
    }
    assert_eq!(output("lab run tsl --schedule AXB").status.code(), Some(2));
}

#[test]
fn json_to_standard_output_is_json_alone_with_the_environment() {
    let output = output("lab explore race --json -");
    assert!(output.status.success());
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["experiment"], "explore");
    assert!(json["environment"]["kernel"].as_str().unwrap().starts_with("Linux "));
    let skipped = json["skipped"].as_array().unwrap();
    if skipped.is_empty() {
        assert_eq!((&json["results"][0]["orders"], &json["results"][0]["losing"]), (&20.into(), &18.into()));
    }
}

#[test]
fn play_finds_the_goal_by_the_solution_of_the_document() {
    let mut command =
        ipcraft("lab play lock-variable").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    command.stdin.take().unwrap().write_all(b"a5\nu\nx\ns\nq\n").unwrap();
    let output = command.wait_with_output().unwrap();
    assert!(output.status.success());
    let found = text(&output.stdout);
    if !found.starts_with("skipped") {
        assert!(found.contains("step 5: A") && found.contains("Not found."), "{found}");
        assert!(found.contains("is no schedule"), "{found}");
    }
}

#[test]
fn seconds_out_of_range_exit_with_two_and_name_the_range() {
    for seconds in ["0", "-1", "4000", "x", "NaN"] {
        let output = output(&format!("lab exclusion tsl --seconds={seconds}"));
        assert_eq!(output.status.code(), Some(2), "{seconds}");
        assert!(text(&output.stderr).contains("from 0.01 to 3600"), "{}", text(&output.stderr));
    }
}
