//! `ipcraft who`

use std::io;
use std::process::ExitCode;

use clap::Args;
use ipcraft_inspect::{Object, ObjectName, Resource, Wait, find, held_by, waits};
use ipcraft_report::output;

use super::object_or_pid;
use super::table::{Users, page_width, table};

/// Show which processes hold an object, or what a process holds
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Who {
    /// The object, or the process as pid:4711 or 4711
    #[arg(value_name = "OBJECT|PID", value_parser = object_or_pid)]
    object: ObjectName,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  ipcraft who shm:/cache
  ipcraft who $$";

impl Who {
    pub(crate) fn run(&self) -> io::Result<ExitCode> {
        match &self.object {
            ObjectName::Process(pid) => {
                let (process, objects) = held_by(*pid)?;
                if self.json {
                    let waits = waiting(|wait| wait.waiter.process == process);
                    print_json(&serde_json::json!({ "process": process, "holds": objects, "waits": waits }))?;
                } else {
                    output::print(&format!("{} {}\n", process.pid, process.name))?;
                    output::print(&held(&objects, process.pid))?;
                    output::print(&lines(&waiting(|wait| wait.waiter.process == process)))?;
                }
            }
            name => {
                let (object, view) = find(name)?;
                if self.json {
                    let waits = waiting(|wait| concerns(wait, &object));
                    print_json(&serde_json::json!({ "object": object, "waiters": waits, "view": view }))?;
                } else {
                    output::print(&holders(&object))?;
                    output::print(&lines(&waiting(|wait| concerns(wait, &object))))?;
                    if !view.is_complete() {
                        output::complain(&"note: not all processes could be read; run as root");
                    }
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The waits of the machine that match, none if they cannot be read.
fn waiting(matches: impl Fn(&Wait) -> bool) -> Vec<Wait> {
    waits().map(|found| found.waits.into_iter().filter(|wait| matches(wait)).collect()).unwrap_or_default()
}

/// Whether a thread waits for a lock or a semaphore in the object.
fn concerns(wait: &Wait, object: &Object) -> bool {
    match &wait.resource {
        Resource::Lock { object: Some(name), .. } | Resource::Semaphore { object: name, .. } => {
            *name == object.name
        }
        _ => false,
    }
}

fn lines(waits: &[Wait]) -> String {
    let line = |wait: &Wait| {
        let process = &wait.waiter.process;
        format!("waits: {} {} thread {}: {}\n", process.name, process.pid, wait.waiter.tid, wait.resource)
    };
    waits.iter().map(line).collect()
}

fn print_json(value: &serde_json::Value) -> io::Result<()> {
    output::print(&(serde_json::to_string_pretty(value).map_err(io::Error::other)? + "\n"))
}

/// What the process with this id holds, one line for each object.
fn held(objects: &[Object], pid: u32) -> String {
    let rows: Vec<Vec<String>> = objects
        .iter()
        .flat_map(|object| object.holders.iter().map(move |holder| (object, holder)))
        .filter(|(_, holder)| holder.process.pid == pid)
        .map(|(object, holder)| {
            vec![object.name.to_string(), holder.descriptors.to_string(), holder.mappings.to_string()]
        })
        .collect();
    table(&[("HOLDS", 0), ("DESCRIPTORS", 1), ("MAPPINGS", 2)], &rows, page_width())
}

fn holders(object: &Object) -> String {
    let mut users = Users::default();
    let rows: Vec<Vec<String>> = object
        .holders
        .iter()
        .map(|holder| {
            let process = &holder.process;
            vec![
                process.pid.to_string(),
                process.name.clone(),
                users.name(process.uid),
                holder.descriptors.to_string(),
                holder.mappings.to_string(),
            ]
        })
        .collect();
    let columns = [("PID", 0), ("PROGRAM", 0), ("USER", 1), ("DESCRIPTORS", 2), ("MAPPINGS", 3)];
    format!("{}  {}\n{}", object.name, super::listing::state(object), table(&columns, &rows, page_width()))
}
