//! A Gantt chart in text: one row for each job, one column for a length of time.

use std::fmt::Write as _;

use ipcraft_lab::schedule::realtime::{self, Task};
use ipcraft_lab::schedule::{Job, Time, Timeline, What};

/// The most rows of a chart. The others are counted.
const MAX_ROWS: usize = 40;
/// The widest chart that a reader follows.
const MAX_WIDTH: usize = 160;
const MIN_WIDTH: usize = 40;
/// The most columns of one unit.
const MAX_COLUMNS_PER_UNIT: usize = 4;

/// Where a chart is drawn.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Canvas {
    pub(in super::super) width: usize,
    unicode: bool,
}

impl Canvas {
    pub(in super::super) fn new(width: usize, unicode: bool) -> Canvas {
        Canvas { width: width.clamp(MIN_WIDTH, MAX_WIDTH), unicode }
    }
}

/// A row of the chart.
pub(in super::super) struct Row {
    label: String,
    /// When it was there: from its arrival to its end, or of each instance.
    stays: Vec<(Time, Time)>,
    /// When it is running, blocked, or held up, by start.
    segments: Vec<(Time, Time, What)>,
    /// Moments at which it missed a deadline.
    misses: Vec<Time>,
}

impl Row {
    fn end(&self) -> Time {
        let ends = self.stays.iter().map(|stay| stay.1);
        ends.chain(self.segments.iter().map(|segment| segment.1)).max().unwrap_or_default()
    }
}

/// Returns the rows of periodic tasks, and for each task that missed deadlines a row of those.
pub(in super::super) fn task_rows(tasks: &[Task], run: &realtime::Run) -> Vec<Row> {
    let mut rows = Vec::new();
    for (id, task) in tasks.iter().enumerate() {
        let own = run.instances.iter().filter(|instance| instance.task == id);
        let stays = own.map(|instance| (instance.release, instance.end.unwrap_or(instance.deadline)));
        let segments = run.timeline.segments.iter().filter(|segment| segment.job == id);
        rows.push(Row {
            label: task.name.clone(),
            stays: stays.collect(),
            segments: segments.map(|segment| (segment.from, segment.to, segment.what)).collect(),
            misses: Vec::new(),
        });
        let misses: Vec<Time> = run.misses(id).map(|instance| instance.deadline).collect();
        if !misses.is_empty() {
            rows.push(Row { label: String::new(), stays: Vec::new(), segments: Vec::new(), misses });
        }
    }
    rows
}

/// Returns the rows of one or more schedules of the same jobs, those of one job together. Each
/// schedule has a label, which is left out if it is empty.
pub(in super::super) fn rows(jobs: &[Job], timelines: &[(&str, &Timeline)]) -> Vec<Row> {
    let names = jobs.iter().map(|job| job.name.chars().count()).max().unwrap_or(0);
    let mut by_job: Vec<Vec<Row>> = Vec::new();
    for (id, job) in jobs.iter().enumerate() {
        let row = |(index, &(label, timeline)): (usize, &(&str, &Timeline))| {
            let name = if index == 0 { job.name.as_str() } else { "" };
            Row {
                label: format!("{name:names$} {label}").trim_end().into(),
                stays: vec![(job.arrival, timeline.ends[id].unwrap_or_else(|| timeline.end()))],
                segments: Vec::new(),
                misses: Vec::new(),
            }
        };
        by_job.push(timelines.iter().enumerate().map(row).collect());
    }
    for (index, (_, timeline)) in timelines.iter().enumerate() {
        for segment in &timeline.segments {
            by_job[segment.job][index].segments.push((segment.from, segment.to, segment.what));
        }
    }
    by_job.into_iter().flatten().collect()
}

/// Draws the rows, an axis above them and a legend below.
pub(in super::super) fn text(rows: &[Row], canvas: Canvas) -> String {
    let shown = &rows[..rows.len().min(MAX_ROWS)];
    let label = shown.iter().map(|row| row.label.chars().count()).max().unwrap_or(0);
    let label = label.min(canvas.width / 3);
    let end = rows.iter().map(Row::end).max().unwrap_or_default();
    let scale = Scale::new(end, canvas.width - label - 2);
    let marks = Marks::of(canvas);
    let mut text = format!("{:label$}  {}\n", "", scale.axis());
    let mut is_partly = false;
    for row in shown {
        let name: String = row.label.chars().take(label).collect();
        let cells = scale.cells(row);
        is_partly |= cells.contains(&Cell::Partly);
        let line: String = cells.into_iter().map(|cell| marks.of_cell(cell)).collect();
        let _ = writeln!(text, "{name:label$}  {}", line.trim_end());
    }
    if rows.len() > shown.len() {
        let _ = writeln!(text, "and {} more rows: --json has them all", rows.len() - shown.len());
    }
    text + &marks.legend(shown, is_partly, canvas.width)
}

/// What a column of a row shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cell {
    Absent,
    Ready,
    Blocked,
    /// Runs in less than half of the column.
    Partly,
    Running,
    Missed,
}

/// How time is mapped to columns.
struct Scale {
    end: Time,
    columns: usize,
    /// The room for a number at the right edge.
    margin: usize,
}

impl Scale {
    /// A unit takes whole columns if all units fit.
    fn new(end: Time, width: usize) -> Scale {
        let units = usize::try_from(end.ticks().div_ceil(Time::UNIT.ticks())).unwrap_or(usize::MAX).max(1);
        let margin = units.to_string().len();
        let width = width.saturating_sub(margin).max(1);
        if units <= width {
            let columns = units * (width / units).min(MAX_COLUMNS_PER_UNIT);
            return Scale { end: Time::units(units as u64), columns, margin };
        }
        Scale { end, columns: width, margin }
    }

    /// Returns the time at the left edge of a column.
    fn time(&self, column: usize) -> Time {
        let ticks = u128::from(self.end.ticks()) * column as u128 / self.columns as u128;
        Time::from_ticks(u64::try_from(ticks).unwrap_or(u64::MAX))
    }

    fn column(&self, time: Time) -> usize {
        let column = u128::from(time.ticks()) * self.columns as u128 / u128::from(self.end.ticks().max(1));
        usize::try_from(column).unwrap_or(usize::MAX)
    }

    fn axis(&self) -> String {
        let mut line = String::new();
        let step = self.step();
        let mut at = Time::ZERO;
        while at <= self.end {
            let column = self.column(at);
            let number = at.to_string();
            if line.len() <= column && column + number.len() <= self.columns + self.margin {
                let _ = write!(line, "{:1$}", "", column - line.len());
                line += &number;
            }
            at += step;
        }
        line
    }

    /// Returns the distance of the numbers on the axis: 1, 2 or 5 times a power of ten, so that
    /// each has room.
    fn step(&self) -> Time {
        let widest = self.end.to_string().split('.').next().map_or(1, str::len) + 2;
        let mut power = 1;
        loop {
            for factor in [1, 2, 5] {
                let step = Time::units(factor * power);
                if self.column(step) >= widest || step >= self.end {
                    return step;
                }
            }
            power *= 10;
        }
    }

    /// Returns the cells of a row: of each column, what takes most of it.
    fn cells(&self, row: &Row) -> Vec<Cell> {
        let mut segments = row.segments.iter().peekable();
        let mut stays = row.stays.iter().peekable();
        let mut cells = Vec::with_capacity(self.columns);
        for column in 0..self.columns {
            let (from, to) = (self.time(column), self.time(column + 1));
            let (mut running, mut blocked) = (Time::ZERO, Time::ZERO);
            while let Some(&&(start, end, what)) = segments.peek() {
                let overlap = end.min(to) - start.max(from);
                match what {
                    What::Running => running += overlap,
                    What::Blocked => blocked += overlap,
                    What::Switching | What::Stolen => {}
                }
                if end > to || start >= to {
                    break;
                }
                segments.next();
            }
            while stays.peek().is_some_and(|stay| stay.1 <= from) {
                stays.next();
            }
            let overlaps = stays.clone().take_while(|stay| stay.0 < to);
            let stay = overlaps.map(|stay| stay.1.min(to) - stay.0.max(from)).sum();
            cells.push(cell(running, blocked, stay, to - from));
        }
        for &miss in &row.misses {
            let column = self.column(miss);
            cells.resize(cells.len().max(column + 1), Cell::Absent);
            cells[column] = Cell::Missed;
        }
        cells
    }
}

fn cell(running: Time, blocked: Time, stay: Time, width: Time) -> Cell {
    let half = Time::from_ticks(width.ticks().div_ceil(2));
    let ready = stay - running - blocked;
    if running >= half && !running.is_zero() {
        Cell::Running
    } else if !running.is_zero() {
        Cell::Partly
    } else if blocked > ready {
        Cell::Blocked
    } else if stay.is_zero() {
        Cell::Absent
    } else {
        Cell::Ready
    }
}

/// The characters of the cells.
struct Marks {
    running: char,
    partly: char,
    ready: char,
    blocked: char,
}

impl Marks {
    fn of(canvas: Canvas) -> Marks {
        if canvas.unicode {
            Marks { running: '█', partly: '▒', ready: '·', blocked: '~' }
        } else {
            Marks { running: '#', partly: '+', ready: '.', blocked: '~' }
        }
    }

    fn of_cell(&self, cell: Cell) -> char {
        match cell {
            Cell::Absent => ' ',
            Cell::Ready => self.ready,
            Cell::Blocked => self.blocked,
            Cell::Partly => self.partly,
            Cell::Running => self.running,
            Cell::Missed => '!',
        }
    }

    /// Names the marks that occur.
    fn legend(&self, rows: &[Row], is_partly: bool, width: usize) -> String {
        let mut parts = vec![format!("{} running", self.running), format!("{} ready", self.ready)];
        let is_blocked = |row: &Row| row.segments.iter().any(|segment| segment.2 == What::Blocked);
        if rows.iter().any(is_blocked) {
            parts.push(format!("{} blocked in I/O", self.blocked));
        }
        if is_partly {
            parts.push(format!("{} running, under half of the time", self.partly));
        }
        if rows.iter().any(|row| !row.misses.is_empty()) {
            parts.push("! deadline missed".into());
        }
        wrapped(&parts, width)
    }
}

/// Joins the parts in lines of at most `width` columns.
fn wrapped(parts: &[String], width: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    for part in parts {
        match lines.last_mut() {
            Some(line) if line.chars().count() + part.chars().count() + 2 <= width => {
                *line += &format!("  {part}");
            }
            _ => lines.push(part.clone()),
        }
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use ipcraft_lab::schedule::ideal;
    use ipcraft_lab::schedule::job::parse;
    use ipcraft_lab::schedule::policy::Spec;

    use super::*;

    fn drawn(policy: &str, jobs: &str, width: usize) -> String {
        let jobs = parse(jobs).unwrap();
        let spec: Spec = policy.parse().unwrap();
        let timeline = ideal::run(&jobs, &mut *spec.policy(), false).unwrap();
        text(&rows(&jobs, &[("", &timeline)]), Canvas::new(width, false))
    }

    #[test]
    fn chart_of_silberschatz_has_the_schedule_of_the_book() {
        let expected = "    0    5    10   15   20   25   30\n\
                        P1  ####......####################\n\
                        P2  ....###\n\
                        P3  .......###\n\
                        # running  . ready\n";
        assert_eq!(drawn("rr:4", "24,3,3", 50), expected);
    }

    #[test]
    fn chart_shows_arrival_and_blocking() {
        let text = drawn("fcfs", "A:1:2,io2,1 B:2:1", 40);
        let lines: Vec<&str> = text.lines().collect();
        // Four columns a unit.
        assert_eq!(lines[1], "A      ########~~~~~~~~####");
        assert_eq!(lines[2], "B          ....####");
    }

    #[test]
    fn chart_fits_every_width() {
        for width in [40, 41, 57, 80, 133, 160, 500] {
            for jobs in ["24,3,3", "1", "1000000000,3", "0.0001", "7@5,100@60,3@900"] {
                let text = drawn("fcfs", jobs, width);
                let widest = text.lines().map(|line| line.chars().count()).max().unwrap();
                assert!(widest <= width.min(MAX_WIDTH), "{width} {jobs}:\n{text}");
            }
        }
    }

    #[test]
    fn turns_shorter_than_a_column_are_marked() {
        let text = drawn("rr:1", "500,500,500", 60);
        assert!(text.contains("+++++"), "{text}");
    }
}
