//! `ipcraft show`

use std::io;
use std::process::ExitCode;

use clap::Args;
use ipcraft_inspect::{Identity, Kind, Object, ObjectName, find};
use ipcraft_report::output;

use super::listing::{made_by, queued, size_of, state};
use super::object_name;
use super::table::{Users, span};

/// Show all that is known of an object
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Show {
    /// The object, such as chan:/ticks, sysv-shm:#3 or sock:@bus
    #[arg(value_name = "OBJECT", value_parser = object_name)]
    object: ObjectName,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  ipcraft show shm:/cache
  ipcraft show sysv-mq:0x6a6f6273 --json";

impl Show {
    pub(crate) fn run(&self) -> io::Result<ExitCode> {
        let (object, _) = find(&self.object)?;
        let text = if self.json {
            serde_json::to_string_pretty(&object).map_err(io::Error::other)? + "\n"
        } else {
            text(&object)
        };
        output::print(&text)?;
        Ok(ExitCode::SUCCESS)
    }
}

fn text(object: &Object) -> String {
    let mut users = Users::default();
    let mut lines = vec![("object", object.name.to_string()), ("kind", kind_text(object.kind).to_owned())];
    lines.extend(object.contents.map(|contents| ("type", contents.to_owned())));
    lines.push(("size", object.size.map_or("-".to_owned(), |size| format!("{} ({size})", size_of(object)))));
    lines.push(("queued", queued(object)));
    lines.push(("identity", identity(object.identity)));
    if object.uid != u32::MAX {
        lines.push(("owner", format!("{} ({}), group {}", users.name(object.uid), object.uid, object.gid)));
        lines.push(("mode", format!("{:04o}", object.mode)));
        lines.push(("last change", format!("{} ago", span(object.idle_seconds()))));
    }
    lines.push(("made by", made_by(object)));
    lines.push(("state", state(object)));
    if let Some(channel) = &object.channel {
        lines.push(("message", channel.description.clone()));
        for (number, direction) in channel.directions.iter().enumerate() {
            let received = direction.received.map_or(String::new(), |count| format!(", received {count}"));
            let text = format!("{number}: sent {}{received}, waiting {}", direction.sent, direction.depth);
            lines.push(("direction", text));
        }
        for endpoint in &channel.endpoints {
            let pid = endpoint.pid.map_or(String::new(), |pid| format!(" of process {pid}"));
            let lag = endpoint.lag.map_or(String::new(), |lag| format!(", {lag} behind"));
            lines.push(("endpoint", format!("{}{pid}{lag}", endpoint.role)));
        }
    }
    for holder in &object.holders {
        let process = &holder.process;
        let text = format!(
            "{} {} ({}): {} descriptors, {} mappings",
            process.pid,
            process.name,
            users.name(process.uid),
            holder.descriptors,
            holder.mappings
        );
        lines.push(("holder", text));
    }
    lines.into_iter().map(|(label, text)| format!("{label:<12} {text}\n")).collect()
}

fn kind_text(kind: Kind) -> &'static str {
    match kind {
        Kind::Channel => "channel of ipcraft",
        Kind::SharedMemory => "POSIX shared memory",
        Kind::Semaphore => "POSIX semaphore",
        Kind::Queue => "POSIX message queue",
        Kind::SysvQueue => "System V message queue",
        Kind::SysvSharedMemory => "System V shared memory",
        Kind::SysvSemaphore => "System V semaphores",
        Kind::Fifo => "FIFO",
        Kind::Socket => "Unix socket",
        _ => "process",
    }
}

fn identity(identity: Identity) -> String {
    match identity {
        Identity::File(file) => format!("device {}:{}, inode {}", file.device.0, file.device.1, file.inode),
        Identity::Sysv(id) => format!("identifier {id}"),
        Identity::Socket(inode) => format!("socket {inode}"),
        _ => "-".to_owned(),
    }
}
