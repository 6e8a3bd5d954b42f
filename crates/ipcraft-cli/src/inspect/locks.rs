//! `ipcraft locks`

use std::io;
use std::process::ExitCode;

use clap::Args;
use ipcraft_inspect::{Owner, Thread, Wait, Waits, waits};
use ipcraft_report::output;

use super::table::{page_width, table};

/// The status that reports a cycle.
const CYCLE: u8 = 3;

/// Show which threads wait for which, and cycles among them
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Locks {
    /// Only cycles
    #[arg(long)]
    cycles: bool,
    /// Print the graph for dot(1) of Graphviz
    #[arg(long, conflicts_with = "json")]
    dot: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  ipcraft locks                 every thread that waits for a lock
  ipcraft locks --cycles || echo deadlock
  ipcraft locks --dot | dot -Tsvg > waits.svg

Covers the locks of ipcraft and other robust mutexes in shared memory, System V semaphores and
file locks. A semaphore names no owner: the last process that changed it is taken for it.
Exit status: 0 no cycle; 3 a cycle, also without --cycles";

impl Locks {
    pub(crate) fn run(&self) -> io::Result<ExitCode> {
        let found = waits()?;
        let shown: Vec<&Wait> =
            if self.cycles { found.cycles.iter().flatten().collect() } else { found.waits.iter().collect() };
        let text = if self.json {
            serde_json::to_string_pretty(&found).map_err(io::Error::other)? + "\n"
        } else if self.dot {
            dot(&shown)
        } else {
            text(&shown, &found)
        };
        output::print(&text)?;
        if found.denied > 0 && !self.json {
            let note = format!("note: the threads of {} processes could not be read", found.denied);
            output::complain(&note);
        }
        Ok(if found.cycles.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(CYCLE) })
    }
}

fn text(shown: &[&Wait], found: &Waits) -> String {
    if shown.is_empty() {
        return String::new();
    }
    let rows: Vec<Vec<String>> = shown
        .iter()
        .map(|wait| vec![thread(&wait.waiter), wait.resource.to_string(), owner(wait.owner.as_ref())])
        .collect();
    let mut text = table(&[("WAITER", 0), ("WAITS FOR", 0), ("OWNER", 0)], &rows, page_width());
    for cycle in &found.cycles {
        let waiters: Vec<String> = cycle.iter().map(|wait| thread(&wait.waiter)).collect();
        text += &format!("CYCLE of {}: {}\n", cycle.len(), waiters.join(" -> "));
    }
    text
}

fn thread(thread: &Thread) -> String {
    let process = &thread.process;
    match thread.tid == process.pid {
        true => format!("{} {}", process.name, process.pid),
        false => format!("{} {} thread {}", process.name, process.pid, thread.tid),
    }
}

fn owner(owner: Option<&Owner>) -> String {
    match owner {
        Some(Owner::Thread(found)) => thread(found),
        Some(Owner::Process(process)) => format!("{} {}", process.name, process.pid),
        Some(Owner::Elsewhere(tid)) => format!("thread {tid}, gone or in another namespace"),
        _ => "-".to_owned(),
    }
}

/// The graph, with an edge from each waiter to its owner.
fn dot(waits: &[&Wait]) -> String {
    let quoted = |text: String| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    let edges = waits.iter().map(|wait| {
        format!(
            "  {} -> {} [label={}];\n",
            quoted(thread(&wait.waiter)),
            quoted(owner(wait.owner.as_ref())),
            quoted(wait.resource.to_string())
        )
    });
    format!("digraph waits {{\n{}}}\n", edges.collect::<String>())
}
