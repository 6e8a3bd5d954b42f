//! The matrix as text: headings, the limit, and one line for each mechanism.

use ipcraft_bench::{Placement, Results};

use super::cells::{Cell, Mark, cells, limit};
use super::choice::Chosen;
use super::columns::{Column, MAX_SIZES, columns, title};
use super::mechanisms::{Line, lines};
use crate::style::{Style, clip};
use crate::units;

/// The numbers of sizes to try until the matrix fits: of round trips, and of streams.
const SIZES: [[usize; 2]; 5] = [[MAX_SIZES, MAX_SIZES], [3, 2], [2, 2], [2, 1], [1, 1]];

/// Headings, and the row of the limit.
const HEAD_LINES: usize = 4;

pub(super) struct Matrix<'a> {
    results: &'a Results,
    columns: Vec<Column>,
    lines: Vec<Line<'a>>,
    /// The cells by column and line.
    cells: Vec<Vec<Option<Cell>>>,
    limits: Vec<Option<String>>,
    width: usize,
}

impl<'a> Matrix<'a> {
    /// Shows as many sizes as fit the width.
    pub(super) fn new(results: &'a Results, chosen: &Chosen, width: usize) -> Matrix<'a> {
        let [widest, narrower @ ..] =
            SIZES.map(|most| Matrix::with_sizes(results, chosen, columns(results, most), width));
        let fits = |matrix: &Matrix<'_>| matrix.total_width() <= width;
        let mut matrix =
            narrower.into_iter().fold(widest, |kept, next| if fits(&kept) { kept } else { next });
        while matrix.total_width() > width && matrix.columns.len() > 1 {
            let mut columns = matrix.columns;
            columns.pop();
            matrix = Matrix::with_sizes(results, chosen, columns, width);
        }
        matrix
    }

    fn with_sizes(results: &'a Results, chosen: &Chosen, columns: Vec<Column>, width: usize) -> Matrix<'a> {
        let lines = lines(results, chosen, &columns);
        let cells = columns.iter().enumerate().map(|(index, column)| cells(&lines, column, index)).collect();
        let limits = columns.iter().map(|column| limit(results, chosen, column)).collect();
        Matrix { results, columns, lines, cells, limits, width }
    }

    /// Returns at most `most` lines, without the slowest mechanisms if there are more.
    pub(super) fn lines(&self, most: usize, style: Style) -> Vec<String> {
        if self.lines.is_empty() {
            return Vec::new();
        }
        // A line that has to be cut off has no styles, which the cut might open without an end.
        let style = if self.total_width() > self.width { Style::default() } else { style };
        let mut text = self.headings();
        text.push(style.weak(&self.limit()));
        let fits = HEAD_LINES + self.lines.len() <= most;
        let count = if fits { self.lines.len() } else { most.saturating_sub(HEAD_LINES + 1) };
        let kept = self.most_telling(count);
        text.extend(kept.iter().map(|&line| self.line(line, style)));
        if !fits {
            text.push(self.left_out(&kept));
        }
        let fitted =
            |line: &String| if line.contains('\x1b') { line.clone() } else { clip(line, self.width) };
        text.iter().map(fitted).map(|line| line.trim_end().to_owned()).collect()
    }

    /// Returns the lines to show, in their order. The best of a column and the fastest of each
    /// family come before the others.
    fn most_telling(&self, count: usize) -> Vec<usize> {
        let mut families: Vec<&str> = Vec::new();
        let mut ranked: Vec<(usize, usize)> = Vec::new();
        for (index, line) in self.lines.iter().enumerate() {
            let family = self.family(line);
            let is_first = !families.contains(&family);
            families.push(family);
            let rank = if self.is_best(index) || is_first { 0 } else { 1 };
            ranked.push((rank, index));
        }
        ranked.sort_unstable();
        let mut kept: Vec<usize> = ranked.into_iter().take(count).map(|(_, index)| index).collect();
        kept.sort_unstable();
        kept
    }

    fn is_best(&self, line: usize) -> bool {
        let mut cells = self.cells.iter().filter_map(|column| column[line].as_ref());
        cells.any(|cell| cell.mark == Mark::Best)
    }

    fn family(&self, line: &Line<'a>) -> &'a str {
        let id = line.rows.iter().flatten().next().map(|row| &row.mechanism);
        let described = self.results.mechanisms.iter().find(|described| Some(&described.id) == id);
        described.map_or("", |described| &described.family)
    }

    fn left_out(&self, kept: &[usize]) -> String {
        let all = 0..self.lines.len();
        let names: Vec<_> =
            all.filter(|index| !kept.contains(index)).map(|i| &self.lines[i].name[..]).collect();
        format!("slower, by --details: {}", names.join(", "))
    }

    fn headings(&self) -> Vec<String> {
        let version = format!("ipcraft {}", self.results.ipcraft);
        let place = |placement| match placement {
            Placement::TwoCores => "two cores",
            Placement::SameCore => "one core",
        };
        let by_workload =
            self.grouped(&version, |a, b| a.workload == b.workload, |c| title(c.workload).into());
        let by_place = self.grouped("", |_, b| !b.first, |column| place(column.placement).into());
        let sizes = self.joined("", |index| (units::short_size(self.columns[index].size), ' '));
        [by_workload, by_place, sizes].map(|line| clip(&line, self.width)).into()
    }

    /// Writes a title over each group of neighbouring columns, from the left of the first one.
    fn grouped(
        &self,
        name: &str,
        same: impl Fn(&Column, &Column) -> bool,
        title: impl Fn(&Column) -> String,
    ) -> String {
        let mut text = format!("{name:<0$}", self.name_width());
        let mut start = self.name_width();
        for (index, column) in self.columns.iter().enumerate() {
            let is_start = index == 0 || !same(&self.columns[index - 1], column);
            if is_start {
                let position = start + self.gap(index);
                text += &" ".repeat(position.saturating_sub(text.chars().count()));
                text += &title(column);
                text.push(' ');
            }
            start += self.gap(index) + self.column_width(index);
        }
        text
    }

    fn limit(&self) -> String {
        self.joined("limit", |index| (self.limits[index].clone().unwrap_or_default(), ' '))
    }

    fn line(&self, line: usize, style: Style) -> String {
        let mut text = format!("{:<1$}", self.lines[line].name, self.name_width());
        for (index, column) in self.cells.iter().enumerate() {
            let (figure, mark) =
                column[line].as_ref().map_or(("", Mark::None), |cell| (&cell.text, cell.mark));
            let cell = self.cell(index, figure, mark.sign());
            text += &if mark == Mark::Best { style.strong(&cell) } else { cell };
        }
        text
    }

    fn joined(&self, name: &str, cell: impl Fn(usize) -> (String, char)) -> String {
        let cells = (0..self.columns.len()).map(|index| {
            let (text, sign) = cell(index);
            self.cell(index, &text, sign)
        });
        format!("{name:<0$}", self.name_width()) + &cells.collect::<String>()
    }

    fn cell(&self, index: usize, text: &str, sign: char) -> String {
        let width = self.gap(index) + self.column_width(index) - 1;
        format!("{text:>width$}{sign}")
    }

    /// Returns the width of a column with its mark, and one space before it.
    fn column_width(&self, index: usize) -> usize {
        let figures = self.cells[index].iter().flatten().map(|cell| cell.text.len());
        let limit = self.limits[index].as_ref().map_or(0, String::len);
        let size = units::short_size(self.columns[index].size).len();
        figures.max().unwrap_or(0).max(limit).max(size) + 2
    }

    /// Returns the space before a column. A group is at least as wide as its titles.
    fn gap(&self, index: usize) -> usize {
        let column = self.columns[index];
        if !column.first {
            return 0;
        }
        let end = (index + 1..self.columns.len()).find(|&next| self.columns[next].first);
        let group = index..end.unwrap_or(self.columns.len());
        let figures: usize = group.map(|column| self.column_width(column)).sum();
        1 + self.title_width(column).saturating_sub(figures)
    }

    /// Returns the width that the titles over a group need.
    fn title_width(&self, column: Column) -> usize {
        const PLACE: usize = 11;
        let shares_title = |other: &&Column| other.first && other.workload == column.workload;
        let groups = self.columns.iter().filter(shares_title).count();
        PLACE.max(title(column.workload).len().div_ceil(groups))
    }

    fn name_width(&self) -> usize {
        self.lines.iter().map(|line| line.name.chars().count()).max().unwrap_or(0)
    }

    fn total_width(&self) -> usize {
        let columns = (0..self.columns.len()).map(|index| self.gap(index) + self.column_width(index));
        self.name_width() + columns.sum::<usize>()
    }
}
