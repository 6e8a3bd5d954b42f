//! The conditions of a run.

use ipcraft_bench::{Distance, Environment, Results};

/// Describes the conditions under which the figures were measured, above the long tables.
pub fn header(results: &Results) -> String {
    let env = &results.environment;
    let mut text = format!(
        "ipcraft {}, {}, {} on {}\n{}, {}, {}, {}, clock read: {:.0} ns\n",
        results.ipcraft,
        env.date,
        env.kernel,
        env.architecture,
        env.cpu,
        cores(env),
        machine(env),
        if env.pinned { "processes pinned" } else { "processes NOT pinned" },
        env.clock_cost_ns,
    );
    for warning in &env.warnings {
        text += &format!("warning: {warning}\n");
    }
    for note in &env.notes {
        text += &format!("note: {note}\n");
    }
    text
}

fn cores(env: &Environment) -> String {
    format!("{} of {} cores allowed, used: {}", env.cores_allowed, env.cores_online, used(env, " and "))
}

fn used(env: &Environment, between: &str) -> String {
    env.cores_used.iter().map(ToString::to_string).collect::<Vec<_>>().join(between)
}

fn machine(env: &Environment) -> &'static str {
    match env.virtualised {
        Some(true) => "virtual machine",
        Some(false) => "bare metal",
        None => "virtualization: unknown",
    }
}

/// Describes the conditions in one line, for the summary.
pub(crate) fn one_line(results: &Results) -> String {
    let env = &results.environment;
    let minute = env.date.get(..16).unwrap_or(&env.date).replace('T', " ");
    let label = results.label.as_ref().map_or(String::new(), |label| format!("{label}: "));
    let pinned = if env.pinned { "pinned" } else { "NOT pinned" };
    let cores = format!("cores {} of {}", used(env, "+"), env.cores_online);
    let (cpu, kernel) = (&env.cpu, &env.kernel);
    let machine = machine(env).trim_end_matches(" machine");
    format!("{label}{cpu}, {cores}{}, {machine}, {pinned}, {kernel}, {minute}", distance(results))
}

/// States how far apart the cores were, if that was measured.
fn distance(results: &Results) -> String {
    let hand_overs = &results.topology.hand_overs;
    let near = hand_overs.iter().filter(|hand_over| hand_over.distance == Distance::Near).count();
    match (near, hand_overs.len()) {
        (_, 0) => String::new(),
        (near, all) if near == all => " near".into(),
        (0, _) => " apart".into(),
        (near, all) => format!(" near {near}/{all}"),
    }
}

/// Returns what makes the figures less certain than they seem: an early end, failures, warnings. At
/// most one line each.
pub(crate) fn notices(results: &Results) -> Vec<String> {
    let mut lines = Vec::new();
    if !results.complete {
        lines.push("INCOMPLETE: the run was interrupted; the figures are those measured until then".into());
    }
    if let [first, others @ ..] = &results.errors[..] {
        let id = format!("{}/{}/{}", first.mechanism, first.workload.name(), first.size);
        lines.push(format!("FAILED: {id}: {}{}", first.message, more(others.len())));
    }
    if let [first, others @ ..] = &results.environment.warnings[..] {
        lines.push(format!("warning: {first}{}", more(others.len())));
    }
    lines
}

fn more(count: usize) -> String {
    if count == 0 { String::new() } else { format!(" (and {count} more: --details)") }
}
