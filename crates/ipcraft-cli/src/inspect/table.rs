//! Tables of aligned columns that fit the terminal.

use std::collections::HashMap;
use std::io::{self, IsTerminal};

use comfy_table::{Table, presets};
use ipcraft_inspect::escape;
use ipcraft_report::output::Page;

/// A column: its heading, and how early a narrow terminal does without it; 0 means never.
pub(super) type Column = (&'static str, u8);

/// Returns the rows below their headings. If they are wider than the page, columns are left out, in
/// the order of their numbers from the greatest. Then the first column is cut, and at last the
/// line.
pub(super) fn table(columns: &[Column], rows: &[Vec<String>], width: usize) -> String {
    let mut kept: Vec<usize> = (0..columns.len()).collect();
    loop {
        let text = draw(columns, rows, &kept);
        let widest = text.lines().map(|line| line.chars().count()).max().unwrap_or(0);
        let last = kept.iter().copied().filter(|at| columns[*at].1 > 0).max_by_key(|at| columns[*at].1);
        match last {
            Some(last) if widest > width => kept.retain(|at| *at != last),
            _ if widest > width => return cut_first(columns, rows, &kept, widest - width, width),
            _ => return text.lines().map(|line| format!("{line}\n")).collect(),
        }
    }
}

/// Draws the table with the cells of its first column cut, so that it is `excess` narrower.
fn cut_first(
    columns: &[Column],
    rows: &[Vec<String>],
    kept: &[usize],
    excess: usize,
    width: usize,
) -> String {
    const LEAST: usize = 12;
    let longest = rows.iter().filter_map(|row| row.first()).map(|cell| cell.chars().count()).max();
    let room = longest.unwrap_or(0).saturating_sub(excess).max(LEAST);
    let mut rows = rows.to_vec();
    for cell in rows.iter_mut().filter_map(|row| row.first_mut()) {
        *cell = cut(cell, room);
    }
    draw(columns, &rows, kept).lines().map(|line| cut(line, width) + "\n").collect()
}

fn draw(columns: &[Column], rows: &[Vec<String>], kept: &[usize]) -> String {
    let mut table = Table::new();
    let pick = |cells: &dyn Fn(usize) -> String| kept.iter().map(|at| cells(*at)).collect::<Vec<_>>();
    table.load_style(presets::NOTHING).set_header(pick(&|at| columns[at].0.to_owned()));
    for row in rows {
        table.add_row(pick(&|at| row.get(at).cloned().unwrap_or_default()));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.trim_fmt()
}

/// Cuts a line off, with a mark.
fn cut(line: &str, width: usize) -> String {
    if line.chars().count() <= width {
        return line.to_owned();
    }
    line.chars().take(width.saturating_sub(1)).chain(['>']).collect()
}

/// Returns the columns of standard output. Only a terminal has a limit.
pub(super) fn page_width() -> usize {
    if io::stdout().is_terminal() { Page::of_stdout().width } else { usize::MAX }
}

/// Returns a size with at most four characters: `512`, `4.0K`, `28G`.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["K", "M", "G", "T", "P", "E"];
    if bytes < 1024 {
        return bytes.to_string();
    }
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if value < 9.95 { format!("{value:.1}{}", UNITS[unit]) } else { format!("{value:.0}{}", UNITS[unit]) }
}

/// Returns a time span in its largest unit: `12s`, `3h`, `5d`.
pub(super) fn span(seconds: u64) -> String {
    match seconds {
        s if s < 60 => format!("{s}s"),
        s if s < 3600 => format!("{}m", s / 60),
        s if s < 86_400 => format!("{}h", s / 3600),
        s => format!("{}d", s / 86_400),
    }
}

/// The names of users, each asked for once.
#[derive(Debug, Default)]
pub(super) struct Users(HashMap<u32, String>);

impl Users {
    /// Returns the name of a user, or its number if it has none.
    pub(super) fn name(&mut self, uid: u32) -> String {
        let name = self.0.entry(uid).or_insert_with(|| {
            let user = nix::unistd::User::from_uid(nix::unistd::Uid::from_raw(uid)).ok().flatten();
            user.map_or_else(|| uid.to_string(), |user| escape::escape(user.name.as_bytes()))
        });
        name.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &[Column] = &[("OBJECT", 0), ("SIZE", 2), ("OWNER", 0)];

    #[test]
    fn table_on_a_narrow_page_leaves_out_columns_and_then_cuts() {
        let rows = vec![vec!["shm:/a-long-name".to_owned(), "4.0K".into(), "ana".into()]];
        assert_eq!(table(COLUMNS, &rows, 80), "OBJECT            SIZE  OWNER\nshm:/a-long-name  4.0K  ana\n");
        assert_eq!(table(COLUMNS, &rows, 25), "OBJECT            OWNER\nshm:/a-long-name  ana\n");
        assert_eq!(table(COLUMNS, &rows, 20), "OBJECT         OWNER\nshm:/a-long->  ana\n");
        assert_eq!(table(COLUMNS, &rows, 8), "OBJECT >\nshm:/a->\n");
    }

    #[test]
    fn size_and_span_are_short() {
        let sizes = [0, 1023, 1024, 10 << 10, 1_048_064, 28 << 30, u64::MAX];
        assert_eq!(sizes.map(size), ["0", "1023", "1.0K", "10K", "1.0M", "28G", "16E"]);
        assert_eq!([0, 59, 60, 7200, 260_000].map(span), ["0s", "59s", "1m", "2h", "3d"]);
    }
}
