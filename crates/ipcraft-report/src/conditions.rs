//! The conditions of a run, printed above the tables.

use ipcraft_bench::{Environment, Results};

/// Describes the conditions under which the figures were measured.
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
    for note in &env.notes {
        text += &format!("note: {note}\n");
    }
    text
}

fn cores(env: &Environment) -> String {
    let used: Vec<_> = env.cores_used.iter().map(ToString::to_string).collect();
    format!("{} of {} cores allowed, used: {}", env.cores_allowed, env.cores_online, used.join(" and "))
}

fn machine(env: &Environment) -> &'static str {
    match env.virtualised {
        Some(true) => "virtual machine",
        Some(false) => "bare metal",
        None => "virtualization: unknown",
    }
}
