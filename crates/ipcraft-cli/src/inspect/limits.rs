//! `ipcraft limits`

use std::io;
use std::process::ExitCode;

use clap::Args;
use ipcraft_inspect::{Limit, Most, limits};
use ipcraft_report::output;

use super::table::{Column, Users, page_width, table};

/// Show every IPC limit, its use, and what raises it
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Limits {
    /// Only limits of which this part is used: 80 or 80%
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    near: Option<u32>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  ipcraft limits
  ipcraft limits --near 80%   prints nothing if no limit is near

Limits without a figure of use apply to one object, or are not counted where they can be read.";

const COLUMNS: &[Column] =
    &[("LIMIT", 0), ("USED", 0), ("OF", 0), ("USE", 1), ("MOST", 3), ("RAISE WITH", 2), ("ERROR", 4)];

impl Limits {
    pub(crate) fn run(&self) -> io::Result<ExitCode> {
        let mut found = limits()?;
        if let Some(near) = self.near {
            found.retain(|limit| limit.share().is_some_and(|share| share * 100.0 >= f64::from(near)));
        }
        if self.json {
            output::print(&(serde_json::to_string_pretty(&found).map_err(io::Error::other)? + "\n"))?;
        } else if !found.is_empty() {
            let mut users = Users::default();
            let rows: Vec<_> = found.iter().map(|limit| row(limit, &mut users)).collect();
            output::print(&table(COLUMNS, &rows, page_width().max(MIN_WIDTH)))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Below this width the lines wrap instead of losing the limit itself.
const MIN_WIDTH: usize = 60;

fn row(limit: &Limit, users: &mut Users) -> Vec<String> {
    vec![
        limit.name.to_owned(),
        limit.used.map_or("-".to_owned(), amount),
        amount(limit.limit),
        limit.share().map_or("-".to_owned(), |share| format!("{:.0}%", share * 100.0)),
        match &limit.most {
            Some(Most::User(uid, used)) => format!("{}: {}", users.name(*uid), amount(*used)),
            Some(Most::Process(pid, name)) => format!("{name} {pid}"),
            None => "-".to_owned(),
        },
        limit.setting.to_owned(),
        limit.errno.to_owned(),
    ]
}

/// Formats a count. The kernel writes "no limit" as a number near the greatest.
fn amount(count: u64) -> String {
    const UNLIMITED: u64 = 1 << 60;
    if count >= UNLIMITED { "unlimited".to_owned() } else { count.to_string() }
}

fn percent(text: &str) -> Result<u32, String> {
    let number = text.strip_suffix('%').unwrap_or(text).parse();
    number.ok().filter(|percent| *percent <= 100).ok_or_else(|| "write a number from 0 to 100".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_is_a_number_with_or_without_its_sign() {
        assert_eq!((percent("80"), percent("80%"), percent("0")), (Ok(80), Ok(80), Ok(0)));
        for text in ["", "%", "101", "-1", "8.5"] {
            assert!(percent(text).is_err(), "{text}");
        }
    }
}
