//! `ipcraft rm`

use std::io::{self, BufRead, IsTerminal, Write};
use std::process::ExitCode;

use clap::Args;
use ipcraft_inspect::{Kind, Object, ObjectName, Refusal, State, list, remove, remove_dead};
use ipcraft_report::output;

use super::listing::{size_of, state};
use super::{kind, object_name};

/// Remove objects that no process holds
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Remove {
    /// Objects to remove, such as shm:/x or sysv-mq:#3
    #[arg(value_name = "OBJECT", value_parser = object_name, required_unless_present = "dead", conflicts_with = "dead")]
    objects: Vec<ObjectName>,
    /// Remove all objects that are proved to be held by no process
    #[arg(long)]
    dead: bool,
    /// With --dead: only objects that were neither changed nor used for this long: 30s, 10m, 1h, 2d
    #[arg(long, value_name = "TIME", requires = "dead", value_parser = duration, default_value = "0s", hide_default_value = true)]
    older: u64,
    /// With --dead: only these kinds
    #[arg(long, value_name = "KIND", requires = "dead", value_parser = kind, value_delimiter = ',')]
    kind: Vec<Kind>,
    /// With --dead: only names that begin with this, such as shm:/job-
    #[arg(long, value_name = "NAME", requires = "dead")]
    prefix: Option<String>,
    /// Print what would be removed, and remove nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
    /// Do not ask for confirmation
    #[arg(short, long, conflicts_with = "dry_run")]
    yes: bool,
}

const EXAMPLES: &str = "\
Examples:
  ipcraft rm shm:/cache sysv-mq:#3       these, unless a process holds them
  ipcraft rm --dead -n                   what would go
  ipcraft rm --dead --older 1h           asks on a terminal, else prints what would go
  ipcraft rm --dead --prefix shm:/job- -y

An object is removed only if the kernel counts no holder at that moment. Objects of other users
are removed by root only.
Exit status: 0 all removed, or nothing to remove; 1 something was not removed; 2 usage";

impl Remove {
    pub(crate) fn run(&self) -> io::Result<ExitCode> {
        if self.dead { self.remove_all_dead() } else { self.remove_named() }
    }

    fn remove_named(&self) -> io::Result<ExitCode> {
        let mut all = true;
        for name in &self.objects {
            if self.dry_run {
                let (object, _) = ipcraft_inspect::find(name)?;
                output::print(&format!("{name}  {}\n", state(&object)))?;
                continue;
            }
            all &= match remove(name) {
                Ok(outcome) => report(name, &outcome)?,
                Err(error) => {
                    output::complain(&error);
                    false
                }
            };
        }
        Ok(if all { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn remove_all_dead(&self) -> io::Result<ExitCode> {
        let dead: Vec<Object> =
            list(&self.kind)?.objects.into_iter().filter(|object| self.is_chosen(object)).collect();
        if dead.is_empty() {
            return Ok(ExitCode::SUCCESS);
        }
        let mut all = true;
        if self.is_confirmed(&dead)? {
            for object in &dead {
                all &= match remove_dead(object) {
                    // It was removed by another process, or is used again.
                    Ok(Err(Refusal::Changed)) => true,
                    Ok(outcome) => report(&object.name, &outcome)?,
                    Err(error) => {
                        output::complain(&error);
                        false
                    }
                };
            }
        }
        Ok(if all { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn is_chosen(&self, object: &Object) -> bool {
        let user = nix::unistd::geteuid();
        object.state == State::Dead
            && object.idle_seconds() >= self.older
            && (user.is_root() || user.as_raw() == object.uid)
            && self.prefix.as_ref().is_none_or(|prefix| object.name.to_string().starts_with(prefix.as_str()))
    }

    /// Prints what would be removed, and asks if there is a terminal to ask at.
    fn is_confirmed(&self, dead: &[Object]) -> io::Result<bool> {
        if self.yes {
            return Ok(true);
        }
        let lines = dead
            .iter()
            .map(|object| format!("would remove {}  {}  {}\n", object.name, size_of(object), state(object)));
        output::print(&lines.collect::<String>())?;
        if self.dry_run {
            return Ok(false);
        }
        if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
            output::complain(&"nothing was removed: add --yes to remove without a question");
            return Ok(false);
        }
        output::print(&format!("Remove these {} objects? [y/N] ", dead.len()))?;
        io::stdout().flush()?;
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer)?;
        Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
    }
}

/// Prints what became of an object. Returns whether it was removed.
fn report(name: &ObjectName, outcome: &Result<(), Refusal>) -> io::Result<bool> {
    match outcome {
        Ok(()) => output::print(&format!("removed {name}\n"))?,
        Err(refusal) => output::complain(&format!("kept {name}: {refusal}")),
    }
    Ok(outcome.is_ok())
}

/// Parses a number with a unit, in seconds.
fn duration(text: &str) -> Result<u64, String> {
    let wrong = || "write a number and a unit, such as 30s, 10m, 1h or 2d".to_owned();
    let unit = match text.chars().next_back() {
        Some('s') => 1,
        Some('m') => 60,
        Some('h') => 3600,
        Some('d') => 86_400,
        _ => return Err(wrong()),
    };
    let number: u64 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
    number.checked_mul(unit).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duration_needs_a_number_and_a_unit() {
        assert_eq!(["30s", "10m", "1h", "2d"].map(duration), [Ok(30), Ok(600), Ok(3600), Ok(172_800)]);
        for text in ["", "5", "h", "1w", "-1s", "1.5h", "99999999999999999999d", "5é"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
