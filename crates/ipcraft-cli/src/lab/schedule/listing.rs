//! The policies and the sets of jobs.

use ipcraft_lab::schedule::linux;
use ipcraft_lab::schedule::policy::FORMS;
use ipcraft_lab::schedule::sets;
use serde_json::{Value, json};

use super::super::table;

pub(super) fn text() -> String {
    let mut policies = table(&["policy", "what it does"]);
    for (form, description) in FORMS {
        policies.add_row([*form, *description]);
    }
    for (form, description) in linux::FORMS {
        policies.add_row([*form, *description]);
    }
    let mut sets = table(&["set", "policy", "source"]);
    for set in sets::all() {
        sets.add_row([set.name, set.policy, set.source]);
    }
    format!("{}\n\n{}\n", policies.trim_fmt(), sets.trim_fmt())
}

pub(super) fn results() -> Value {
    let policies: Vec<Value> = FORMS
        .iter()
        .chain(linux::FORMS)
        .map(|(form, text)| json!({ "policy": form, "description": text }))
        .collect();
    let sets: Vec<Value> = sets::all()
        .iter()
        .map(|set| json!({ "name": set.name, "policy": set.policy, "source": set.source, "jobs": set.jobs }))
        .collect();
    json!({ "policies": policies, "sets": sets })
}
