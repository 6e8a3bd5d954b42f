//! `ipcraft ls`

use std::io;
use std::process::ExitCode;
use std::thread::sleep;
use std::time::{Duration, Instant};

use clap::Args;
use ipcraft_inspect::{Holder, Kind, Listing, Object, State, list};
use ipcraft_report::ending::Ending;
use ipcraft_report::output;

use super::kind;
use super::screen::Screen;
use super::table::{Column, Users, page_width, size, span, table};

/// List IPC objects: which processes hold them, and which are dead
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct List {
    /// Kinds to list: chan, shm, sem, mq, sysv-mq, sysv-shm, sysv-sem, fifo, sock [default: all]
    #[arg(value_name = "KIND", value_parser = kind)]
    kinds: Vec<Kind>,
    /// Only objects of the calling user
    #[arg(long)]
    mine: bool,
    /// Objects of all users; this is the default
    #[arg(long, conflicts_with = "mine")]
    all: bool,
    /// Only objects that are proved to be held by no process
    #[arg(long)]
    dead: bool,
    /// A line for each process that holds an object
    #[arg(long)]
    holders: bool,
    /// Print JSON
    #[arg(long, conflicts_with = "holders")]
    json: bool,
    /// Repeat every second, or at this interval in seconds, until Ctrl-C
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "1", require_equals = true,
          value_parser = clap::value_parser!(u32).range(1..=3600), conflicts_with = "json")]
    watch: Option<u32>,
    /// Print the names alone, for completion by a shell
    #[arg(long, hide = true)]
    names: bool,
}

const EXAMPLES: &str = "\
Examples:
  ipcraft ls                      everything, with owner, holders and state
  ipcraft ls shm sysv-shm --dead  shared memory that no process holds
  ipcraft ls --mine --holders     own objects, a line for each holder
  ipcraft ls --json | jq -r '.objects[].name'

DEAD is a proof: the kernel counted no holder, in any namespace, at one moment.
`unknown: needs root` means that only the owner and root can ask.";

const COLUMNS: &[Column] = &[
    ("OBJECT", 0),
    ("TYPE", 6),
    ("SIZE", 3),
    ("QUEUED", 5),
    ("OWNER", 2),
    ("MADE BY", 7),
    ("HOLDERS", 4),
    ("STATE", 0),
];

impl List {
    pub(crate) fn run(&self) -> io::Result<ExitCode> {
        match self.watch {
            Some(seconds) => self.watch(Duration::from_secs(seconds.into()))?,
            None if self.json => {
                let text = serde_json::to_string_pretty(&self.listing()?).map_err(io::Error::other)?;
                output::print(&(text + "\n"))?;
            }
            None if self.names => {
                let names = self.listing()?.objects;
                output::print(&names.iter().map(|object| format!("{}\n", object.name)).collect::<String>())?;
            }
            None => {
                let listing = self.listing()?;
                output::print(&self.text(&listing, page_width()))?;
                notes(&listing).iter().for_each(|note| output::complain(note));
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    fn listing(&self) -> io::Result<Listing> {
        let mut listing = list(&self.kinds)?;
        let user = nix::unistd::geteuid().as_raw();
        listing.objects.retain(|object| {
            (!self.mine || object.uid == user) && (!self.dead || object.state == State::Dead)
        });
        Ok(listing)
    }

    fn text(&self, listing: &Listing, width: usize) -> String {
        let mut users = Users::default();
        let rows: Vec<_> = listing.objects.iter().flat_map(|object| self.rows(object, &mut users)).collect();
        table(COLUMNS, &rows, width)
    }

    fn rows(&self, object: &Object, users: &mut Users) -> Vec<Vec<String>> {
        let mut rows = vec![row(object, users)];
        if self.holders {
            rows.extend(object.holders.iter().map(|holder| {
                let user = users.name(holder.process.uid);
                let text = format!("  {} {}", holder.process.pid, holder.process.name);
                let mut row = vec![String::new(); COLUMNS.len()];
                (row[0], row[4], row[6]) = (text, user, holds(holder));
                row
            }));
        }
        rows
    }

    fn watch(&self, interval: Duration) -> io::Result<()> {
        let ending = Ending::catch()?;
        let mut screen = Screen::open()?;
        while !ending.stop().load(std::sync::atomic::Ordering::Relaxed) {
            let started = Instant::now();
            let listing = self.listing()?;
            let (width, height) = screen.size();
            let heading =
                format!("{} objects, every {}s, Ctrl-C ends", listing.objects.len(), interval.as_secs());
            screen.draw(&format!("{heading}\n\n{}", self.text(&listing, width)), height)?;
            while started.elapsed() < interval && !ending.stop().load(std::sync::atomic::Ordering::Relaxed) {
                sleep(Duration::from_millis(20));
            }
        }
        drop(screen);
        ending.raise_caught();
        Ok(())
    }
}

/// How a process holds an object.
fn holds(holder: &Holder) -> String {
    let parts = [(holder.descriptors, "fd"), (holder.mappings, "map")];
    let parts = parts.into_iter().filter(|(count, _)| *count > 0);
    parts.map(|(count, what)| format!("{count} {what}")).collect::<Vec<_>>().join(", ")
}

fn row(object: &Object, users: &mut Users) -> Vec<String> {
    vec![
        object.name.to_string(),
        object.contents.unwrap_or("-").to_owned(),
        size_of(object),
        queued(object),
        if object.uid == u32::MAX { "-".to_owned() } else { users.name(object.uid) },
        made_by(object),
        holders(object),
        state(object),
    ]
}

pub(super) fn size_of(object: &Object) -> String {
    match (object.kind, object.size) {
        (Kind::SysvSemaphore, Some(count)) => format!("{count} sem"),
        (_, size_in_bytes) => size_in_bytes.map_or("-".to_owned(), size),
    }
}

pub(super) fn queued(object: &Object) -> String {
    object.queued.map_or("-".to_owned(), |queued| match queued.capacity {
        Some(capacity) => format!("{}/{capacity}", queued.count),
        None => queued.count.to_string(),
    })
}

pub(super) fn made_by(object: &Object) -> String {
    match &object.maker {
        Some(maker) => match &maker.process {
            Some(process) => format!("{} {}", process.name, process.pid),
            None => format!("({} gone)", maker.pid),
        },
        None => "-".to_owned(),
    }
}

fn holders(object: &Object) -> String {
    if let Some(roles) = roles(object) {
        return roles;
    }
    match (&object.holders[..], object.state) {
        ([], State::Live) => "not visible".to_owned(),
        ([], State::Dead) => "none".to_owned(),
        ([], _) => "-".to_owned(),
        ([only], _) => format!("{} {}", only.process.name, only.process.pid),
        ([first, others @ ..], _) => {
            format!("{} {}, {} more", first.process.name, first.process.pid, others.len())
        }
    }
}

/// How many endpoints of each role a channel has; `None` if it has none.
fn roles(object: &Object) -> Option<String> {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for endpoint in &object.channel.as_ref()?.endpoints {
        match counts.iter_mut().find(|(role, _)| *role == endpoint.role) {
            Some((_, count)) => *count += 1,
            None => counts.push((&endpoint.role, 1)),
        }
    }
    let text = |(role, count): (&str, usize)| format!("{count} {role}{}", if count == 1 { "" } else { "s" });
    let texts: Vec<String> = counts.into_iter().map(text).collect();
    (!texts.is_empty()).then(|| texts.join(", "))
}

pub(super) fn state(object: &Object) -> String {
    match object.state {
        State::Dead => format!("DEAD {}", span(object.idle_seconds())),
        other => other.to_string(),
    }
}

/// What the listing may lack.
fn notes(listing: &Listing) -> Vec<String> {
    let mut notes = Vec::new();
    if listing.view.denied > 0 {
        notes.push(format!(
            "note: {} processes of other users could not be read; their holdings are not listed",
            listing.view.denied
        ));
    }
    if listing.queues_incomplete {
        notes.push("note: queues that no visible process has open are not listed; run as root, or mount mqueue at /dev/mqueue".to_owned());
    }
    notes
}
