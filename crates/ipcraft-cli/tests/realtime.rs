//! `ipcraft lab realtime` on real processes, as a shell sees it.

use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn output(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ipcraft"));
    command.args(["lab", "realtime"]).args(arguments);
    command.stdin(Stdio::null()).env("LC_ALL", "C").output().unwrap()
}

fn printed(arguments: &[&str]) -> String {
    let output = output(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Counts the instances of a run that ended after their deadline.
fn late(run: &Value) -> usize {
    let instances = run["instances"].as_array().unwrap();
    let is_late = |instance: &&Value| instance["end"].as_f64() > instance["deadline"].as_f64();
    instances.iter().filter(is_late).count()
}

#[test]
fn real_tasks_miss_by_rm_and_meet_by_edf_on_the_service_clock() {
    let arguments = ["--tasks", "2/5,4/7", "--clock", "service", "--unit", "2ms", "--json", "-"];
    let found: Value = serde_json::from_slice(&output(&arguments).stdout).unwrap();
    let schedules = &found["results"]["schedules"];
    assert!(late(&schedules[0]["real"]) > 0, "{schedules}");
    assert_eq!(late(&schedules[1]["real"]), 0, "{schedules}");
}

#[test]
fn kernel_policies_run_or_are_skipped_with_the_right() {
    for (policy, title) in [
        ("linux:deadline", "the kernel's earliest deadline first"),
        ("linux:rm", "the shortest period first"),
    ] {
        let found = printed(&["--policy", policy, "--unit", "2ms"]);
        let ran = found.contains(title) && found.contains("worst lateness");
        let skipped = found.contains(&format!("skipped: {policy} on real processes: "));
        assert!(ran || skipped, "{found}");
    }
}

#[test]
fn tasks_of_many_instances_are_skipped_with_the_reason() {
    let found = printed(&["--tasks", "1/2,1/499", "--policy", "edf"]);
    assert!(found.contains("skipped: edf on real processes: "), "{found}");
}

#[test]
fn arguments_that_cannot_be_used_exit_with_two() {
    for (arguments, part) in [
        (&["--policy", "rr:1"][..], "choose rm, edf, linux:rm, linux:deadline"),
        (&["--policy", "linux:deadline", "--ideal"], "leave --ideal out"),
        (&["--unit", "1us"], "multiple of 10 us"),
    ] {
        let found = output(arguments);
        let error = String::from_utf8_lossy(&found.stderr);
        assert_eq!(found.status.code(), Some(2), "{arguments:?}: {error}");
        assert!(error.contains(part), "{error}");
    }
}
