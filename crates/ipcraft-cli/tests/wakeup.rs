//! `ipcraft lab wakeup` and `ipcraft lab inversion` as a shell sees them.

use std::process::{Command, Output, Stdio};

const TOPICS: [&str; 2] = ["wakeup", "inversion"];

fn lab(topic: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ipcraft"));
    command.args(["lab", topic]).stdin(Stdio::null());
    command
}

fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap()
}

fn json(topic: &str) -> serde_json::Value {
    let output = lab(topic).args(["--json", "-"]).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn wakeup_reports_each_construction_with_its_losses() {
    let found = json("wakeup");
    assert_eq!(found["experiment"], "wakeup");
    let constructions = found["results"]["constructions"].as_array().unwrap();
    assert_eq!(constructions.len(), 7);
    for construction in constructions {
        let is_signal = construction["method"] == "signal";
        assert_eq!(construction["lost"], if is_signal { 100 } else { 0 }, "{construction}");
        assert_eq!(construction["proof"].is_object(), is_signal);
    }
}

#[test]
fn inversion_reports_each_case_or_why_it_is_left_out() {
    let found = json("inversion");
    let (cases, skipped) = (found["results"].as_array().unwrap(), found["skipped"].as_array().unwrap());
    assert_eq!(cases.len(), if skipped.is_empty() { 7 } else { 3 }, "{found}");
    if let Some(skipped) = skipped.first() {
        assert!(skipped["needs"].as_str().unwrap().contains("CAP_SYS_NICE"), "{skipped}");
    }
}

/// Neither a right nor a second core is needed.
#[test]
fn commands_succeed_on_one_core_as_another_user_and_in_a_user_namespace() {
    let program = env!("CARGO_BIN_EXE_ipcraft");
    let is_root = nix::unistd::geteuid().is_root();
    let user = if is_root { "setpriv --reuid=65534 --regid=65534 --clear-groups" } else { "" };
    for topic in TOPICS {
        for prefix in [format!("taskset -c 0 {user}"), "unshare -r".into()] {
            let line = format!("{prefix} {program} lab {topic}");
            let output = Command::new("sh").args(["-c", &line]).output().unwrap();
            let errors = text(&output.stderr);
            let is_missing = [Some(126), Some(127)].contains(&output.status.code());
            if is_missing || errors.starts_with("unshare:") || errors.starts_with("setpriv:") {
                eprintln!("skipped: {errors}");
                continue;
            }
            assert_succeeded(&line, &output);
        }
    }
}

fn assert_succeeded(line: &str, output: &Output) {
    assert!(output.status.success(), "{line}: {}{}", text(&output.stdout), text(&output.stderr));
    let found = text(&output.stdout);
    if line.starts_with("taskset") && line.ends_with("wakeup") {
        assert!(found.contains("skipped: lost wake-up by chance on two_cores: a second core"), "{found}");
    }
}
