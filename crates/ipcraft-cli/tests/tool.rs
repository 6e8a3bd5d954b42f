//! The examples of docs/tool.md, and what a shell sees of the commands.

use std::fs;
use std::process::{Command, Output, Stdio};

const PAGE: &str = include_str!("../../../docs/tool.md");

/// Stands for any text in an expected line, and for any lines if it is alone.
const ANY: &str = "…";

fn ipcraft(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ipcraft")).args(arguments).stdin(Stdio::null()).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap()
}

/// The blocks of the page that show a shell.
fn blocks() -> Vec<&'static str> {
    PAGE.split("```console\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

/// The commands of a block, and the lines that it shows.
fn parts(block: &str) -> (String, Vec<&str>) {
    let commands = block.lines().filter_map(|line| line.strip_prefix("$ "));
    let shown = block.lines().filter(|line| !line.starts_with("$ "));
    (commands.map(|line| format!("{line}\n")).collect(), shown.collect())
}

/// Whether a line is the expected one, in which spaces may differ in number.
fn matches(expected: &str, line: &str) -> bool {
    let pieces: Vec<&str> = expected.split(ANY).map(str::trim).collect();
    let (Some(first), Some(last)) = (pieces.first(), pieces.last()) else { return false };
    let line = line.trim();
    let mut rest = match line.strip_prefix(first) {
        Some(rest) => rest,
        None => return false,
    };
    if pieces.len() == 1 {
        return rest.is_empty();
    }
    for piece in &pieces[1..pieces.len() - 1] {
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

fn assert_shows(expected: &[&str], output: &str, block: &str) {
    let mut lines = output.lines();
    let mut skips = false;
    for wanted in expected {
        if wanted.trim() == ANY {
            skips = true;
            continue;
        }
        let found = if skips {
            lines.any(|line| matches(wanted, line))
        } else {
            lines.next().is_some_and(|line| matches(wanted, line))
        };
        assert!(found, "`{wanted}` is not in the output of\n{block}\n{output}");
        skips = false;
    }
    assert!(skips || lines.next().is_none(), "there is more in the output of\n{block}\n{output}");
}

#[test]
fn examples_of_the_page_print_what_it_shows() {
    let blocks = blocks();
    assert!(blocks.len() >= 7, "{}", blocks.len());
    let directory = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_ipcraft"), directory.path().join("ipcraft")).unwrap();
    let path = format!("{}:{}", directory.path().display(), std::env::var("PATH").unwrap_or_default());
    for (number, block) in blocks.iter().enumerate() {
        let unique = format!("demo-{}-{number}", std::process::id());
        let block = block.replace("demo", &unique);
        let (commands, shown) = parts(&block);
        let object = format!("/dev/shm/{unique}");
        let script = format!("trap 'rm -f {object}' EXIT\n{commands}");
        let output = Command::new("sh")
            .args(["-c", &script])
            .env("PATH", &path)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output()
            .unwrap();
        assert_shows(&shown, text(&output.stdout), &block);
        assert!(!fs::exists(object).unwrap());
    }
}

#[test]
fn expected_lines_match_with_any_text_between() {
    assert!(
        matches("a … c", "a   b  c") && matches("a", "a ") && matches("a …", "a b") && matches("… b", "a b")
    );
    assert!(!matches("a … c", "a b") && !matches("a", "a b") && !matches("b …", "a b"));
}

#[test]
fn names_and_options_that_are_wrong_are_usage_errors() {
    for (arguments, reason) in [
        (&["show", "queue:/x"][..], "unknown kind `queue`: use one of chan"),
        (&["show", "/x"], "write KIND:NAME"),
        (&["show", "shm:/a/b"], "one slash and a name"),
        (&["rm"], "required"),
        (&["rm", "shm:/x", "--dead"], "cannot be used with"),
        (&["rm", "--dead", "--older", "5"], "such as 30s"),
        (&["ls", "pipes"], "use one of chan, shm"),
        (&["ls", "--watch=0"], "0 is not in"),
        (&["limits", "--near", "200"], "from 0 to 100"),
        (&["completions", "tcsh"], "possible values"),
        (&["man", "nothing"], "no command is called"),
    ] {
        let output = ipcraft(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text(&output.stderr).contains(reason), "{arguments:?}: {}", text(&output.stderr));
    }
}

#[test]
fn objects_that_do_not_exist_are_failures_that_name_them() {
    for arguments in [
        &["show", "shm:/ipcraft-no-such"][..],
        &["who", "sem:/ipcraft-no-such"],
        &["who", "2147483647"],
        &["rm", "mq:/ipcraft-no-such"],
        &["show", "sysv-shm:#2147483647"],
    ] {
        let output = ipcraft(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let message = text(&output.stderr);
        assert!(message.contains("ENOENT") || message.contains("ESRCH"), "{arguments:?}: {message}");
    }
}

#[test]
fn every_command_has_help_with_examples_and_a_manual_page() {
    for command in
        ["ls", "show", "who", "rm", "limits", "locks", "send", "recv", "peek", "completions", "man"]
    {
        let help = ipcraft(&[command, "--help"]);
        assert!(help.status.success() && text(&help.stdout).contains("Examples:"), "{command}");
        let page = ipcraft(&["man", command]);
        assert!(text(&page.stdout).contains(".TH") && page.status.success(), "{command}");
    }
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let completions = ipcraft(&["completions", shell]);
        assert!(completions.status.success() && text(&completions.stdout).contains("limits"), "{shell}");
    }
}

#[test]
fn json_of_every_command_is_whole() {
    for arguments in [&["ls", "--json"][..], &["limits", "--json"], &["locks", "--json"]] {
        let output = ipcraft(arguments);
        let parsed: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(parsed.is_object() || parsed.is_array(), "{arguments:?}");
    }
}

#[test]
fn listing_into_a_closed_pipe_ends_quietly() {
    let script = format!(
        "{} ls | true; {} limits | head -1",
        env!("CARGO_BIN_EXE_ipcraft"),
        env!("CARGO_BIN_EXE_ipcraft")
    );
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    assert!(output.status.success());
    assert!(!text(&output.stderr).contains("panicked"), "{}", text(&output.stderr));
}
