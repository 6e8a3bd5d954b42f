//! `ipcraft lab claims`, and the passages of both articles against the commands and examples.

use std::path::Path;
use std::process::{Command, Output};

use ipcraft_lab::claims::{PASSAGES, all};

const PROGRAM: &str = env!("CARGO_BIN_EXE_ipcraft");
const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples");

fn output(line: &str) -> Output {
    Command::new("sh").args(["-c", &format!("{PROGRAM} {line}")]).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap()
}

/// Returns the commands `ipcraft lab …` that the list shows.
fn listed() -> Vec<String> {
    let output = output("lab");
    let names = text(&output.stdout).lines().filter_map(|line| line.trim().strip_prefix("ipcraft lab "));
    names.filter_map(|rest| rest.split_whitespace().next().map(str::to_owned)).collect()
}

/// Fails unless a command or example exists.
fn check(see: &str) {
    if let Some(name) = see.strip_prefix("example ") {
        let folder = Path::new(EXAMPLES);
        let exists = folder.join(format!("{name}.rs")).exists() || folder.join(name).join("main.rs").exists();
        assert!(exists, "{see}");
        return;
    }
    let line = see.strip_prefix("ipcraft ").unwrap_or_else(|| panic!("{see} is neither command nor example"));
    let is_quick = line.starts_with("lab schedule") && line.contains("--jobs") || line.contains("--set");
    let help = if is_quick { "--ideal" } else { "--help" };
    let output = output(&format!("{line} {help}"));
    assert!(output.status.success(), "{see}: {}", text(&output.stderr));
    for id in line.split_once("--only ").map_or("", |(_, ids)| ids).split(',').filter(|id| !id.is_empty()) {
        assert!(ipcraft_bench::find(id).is_some(), "{see}");
    }
}

#[test]
fn every_passage_and_claim_has_a_command_or_example() {
    for passage in PASSAGES {
        assert!(!passage.see.is_empty(), "{}", passage.subject);
        passage.see.iter().for_each(|see| check(see));
    }
    for claim in all() {
        check(claim.see);
    }
}

#[test]
fn every_command_of_the_list_belongs_to_a_passage() {
    let listed = listed();
    assert!(listed.len() >= 10, "{listed:?}");
    // What a machine permits is about no passage.
    for name in listed.iter().filter(|name| *name != "machine") {
        let command = format!("ipcraft lab {name}");
        let used = PASSAGES.iter().any(|passage| passage.see.contains(&command.as_str()));
        assert!(used, "{command} belongs to no passage of the articles");
    }
}

#[test]
fn ids_and_sentences_of_claims_are_distinct_and_in_both_languages() {
    let claims = all();
    for (position, claim) in claims.iter().enumerate() {
        let (english, chinese) = claim.sentence;
        assert!(english.is_ascii() || english.contains('…'), "{english}");
        assert!(!chinese.is_ascii() && [1, 2].contains(&claim.article), "{chinese}");
        assert!(claims[..position].iter().all(|other| other.id != claim.id), "{}", claim.id);
    }
}

#[test]
fn every_claim_gets_a_verdict_and_no_experiment_fails() {
    let output = output("lab claims --json -");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let results = json["results"].as_array().unwrap();
    assert_eq!(results.len(), all().len());
    for result in results {
        let verdict = result["verdict"].as_str().unwrap();
        assert!(["holds", "holds_but", "does_not_hold", "not_tested"].contains(&verdict), "{result}");
        for language in ["en", "zh"] {
            assert!(!result["found"][language].as_str().unwrap().is_empty(), "{result}");
        }
        assert!(!result["found"]["en"].as_str().unwrap().starts_with("failed"), "{result}");
    }
    // Facts of Linux that no load of the machine changes.
    let verdict = |id: &str| {
        let found = results.iter().find(|result| result["id"] == id).unwrap();
        found["verdict"].as_str().unwrap().to_owned()
    };
    for id in ["own-memory", "pid-and-tgid", "crash", "up-leaves-zero", "blocked-thread", "preemptive"] {
        assert_eq!(verdict(id), "holds", "{id}");
    }
    for id in ["pipe-lifetime", "socket-one-to-one", "suspended-on-disk", "switch-by-interrupt"] {
        assert_eq!(verdict(id), "does_not_hold", "{id}");
    }
    assert_eq!(verdict("no-locks"), "holds_but");
}

#[test]
fn unknown_language_exits_with_two_and_lists_the_choices() {
    let output = output("lab claims --markdown fr");
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("en, zh"), "{}", text(&output.stderr));
}
