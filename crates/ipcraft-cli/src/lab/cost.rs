//! `ipcraft lab cost`.

use std::path::Path;

use ipcraft_bench::{Cores, Environment, Estimate, Placement};
use ipcraft_lab::cost::{Capacity, Case, Costs, Creation, Limit, LimitName, MAX_UNITS, Measured, Memory};
use ipcraft_lab::cost::{Unit, What, costs};
use ipcraft_report::html::{Bar, Chart, Line, Quantity, sheet};
use ipcraft_report::{ResultFile, output, units};

use super::{Failure, Outcome, table};

pub(super) fn outcome(html: Option<&Path>) -> Result<Outcome, Failure> {
    // Checked first, so that an unusable path fails before the measurement.
    let page = html.map(ResultFile::at).transpose()?;
    let (costs, skipped) = costs(&mut |part| {
        let _ = output::print_aside(&format!("measuring: {part}\n"));
    })?;
    if let Some(page) = page {
        page.save(html_page(&costs).as_bytes())?;
    }
    Ok(Outcome::new(text(&costs), &costs, skipped)?)
}

fn text(costs: &Costs) -> String {
    [
        switches(&costs.times),
        rings(&costs.times),
        working_sets(&costs.times),
        creations(&costs.times),
        memory(&costs.memory),
        capacity(&costs.capacity),
        LESSON.into(),
    ]
    .join("\n")
}

const LESSON: &str = "\
Times are lower quartiles over seven rounds in turns: other load only lengthens a sample. Another run\n\
finds nine of ten in the interval. --json has the medians of all rows with theirs.\n\
Reserved is address space; only touched memory is used. The kernel keeps more of each task than its stack.\n";

fn name(unit: Unit) -> &'static str {
    match unit {
        Unit::Future => "future (no stack)",
        Unit::Coroutine => "coroutine (own stack)",
        Unit::Thread => "thread",
        Unit::Process => "process",
    }
}

fn created(creation: Creation) -> &'static str {
    match creation {
        Creation::Future => "future",
        Creation::Coroutine => "coroutine, new stack",
        Creation::PooledCoroutine => "coroutine, used stack",
        Creation::Thread => "thread",
        Creation::Process => "process: fork",
        Creation::Program => "process: fork, exec",
    }
}

/// What a switch is, for a pair without a working set.
fn switch(case: &Case) -> Option<String> {
    let cores = if case.placement == Placement::TwoCores { ", two cores" } else { ", one core" };
    match case.what {
        What::Call => Some("call of a function".into()),
        What::Yield => Some("sched_yield, threads".into()),
        What::Switch(unit) if case.members == 2 && case.working_set == 0 => {
            let where_ = if matches!(unit, Unit::Thread | Unit::Process) { cores } else { "" };
            Some(format!("{}{where_}", name(unit)))
        }
        _ => None,
    }
}

fn switches(times: &[Measured]) -> String {
    let mut rows = table(&["one switch", "time", "interval"]);
    for measured in times {
        if let Some(name) = switch(&measured.case) {
            rows.add_row([name, time(measured), interval(measured.ns)]);
        }
    }
    format!("{}\n", rows.trim_fmt())
}

fn rings(times: &[Measured]) -> String {
    let of_ring = |measured: &&Measured| {
        let case = measured.case;
        matches!(case.what, What::Switch(_))
            && case.working_set == 0
            && case.placement == Placement::SameCore
            && case.members != WORKING_RING
    };
    by_unit("a switch in a ring of", times.iter().filter(of_ring), |case| case.members.to_string())
}

/// The ring in which working sets are measured.
const WORKING_RING: usize = 8;

fn working_sets(times: &[Measured]) -> String {
    let of_set = |measured: &&Measured| {
        matches!(measured.case.what, What::Switch(_)) && measured.case.members == WORKING_RING
    };
    let header = |case: &Case| units::size(case.working_set);
    by_unit("a switch among 8 that each use", times.iter().filter(of_set), header)
}

/// Returns a table with a row for each unit and a column for each case.
fn by_unit<'a>(
    title: &str,
    times: impl Iterator<Item = &'a Measured>,
    header: impl Fn(&Case) -> String,
) -> String {
    let mut columns = vec![title.to_owned()];
    let mut lines: Vec<Vec<String>> = Vec::new();
    for measured in times {
        let What::Switch(unit) = measured.case.what else { continue };
        let column = header(&measured.case);
        if !columns.contains(&column) {
            columns.push(column);
        }
        if lines.last().is_none_or(|line| line[0] != name(unit)) {
            lines.push(vec![name(unit).to_owned()]);
        }
        lines.last_mut().expect("a line").push(time(measured));
    }
    let mut rows = table(&columns.iter().map(String::as_str).collect::<Vec<_>>());
    rows.add_rows(lines);
    format!("{}\n", rows.trim_fmt())
}

fn creations(times: &[Measured]) -> String {
    let mut rows = table(&["creation and end", "time", "interval", "median", "interval"]);
    for measured in times {
        if let What::Create(creation) = measured.case.what {
            let median = measured.median_ns.map_or_else(|| "-".into(), |ns| short(ns.value));
            let name = created(creation).to_owned();
            let (of_time, of_median) = (interval(measured.ns), interval(measured.median_ns));
            rows.add_row([name, time(measured), of_time, median, of_median]);
        }
    }
    format!("{}\n", rows.trim_fmt())
}

fn memory(all: &[Memory]) -> String {
    let mut rows = table(&["memory of one", "reserved", "touched", "page tables", "kernel stack"]);
    for memory in all {
        rows.add_row([
            name(memory.unit).to_owned(),
            bytes(memory.reserved),
            bytes(memory.touched),
            bytes(memory.page_tables),
            bytes(memory.kernel_stacks),
        ]);
    }
    format!("{}\n", rows.trim_fmt())
}

fn capacity(all: &[Capacity]) -> String {
    let mut rows = table(&["how many", "created", "stopped by", "the next limit, as computed"]);
    for capacity in all {
        let next = capacity.next.map(|limit| format!("{}: about {} more", named(&limit), limit.room));
        rows.add_row([
            name(capacity.unit).to_owned(),
            capacity.created.to_string(),
            capacity.stopped_by.as_ref().map_or_else(|| format!("not below {MAX_UNITS}"), named),
            next.unwrap_or_else(|| "-".into()),
        ]);
    }
    format!("{}\n", rows.trim_fmt())
}

/// Names a limit with its value.
fn named(limit: &Limit) -> String {
    let value = match limit.name {
        LimitName::Memory | LimitName::AddressSpace => bytes(limit.value as f64),
        _ => limit.value.to_string(),
    };
    format!("{} = {value}", limit.name.text())
}

fn time(measured: &Measured) -> String {
    match (&measured.ns, &measured.stopped_by) {
        (Some(ns), _) => short(ns.value),
        (None, Some(limit)) => format!("stopped by {}", limit.name.text()),
        (None, None) => "-".into(),
    }
}

fn interval(estimate: Option<Estimate>) -> String {
    estimate.map_or_else(|| "-".into(), |ns| format!("{} to {}", short(ns.low), short(ns.high)))
}

/// Formats a time; the shortest ones with a digit after the point.
fn short(ns: f64) -> String {
    if ns < 100.0 { format!("{ns:.1} ns") } else { units::time(ns) }
}

/// Formats bytes with a unit: `8.2 KiB`.
fn bytes(bytes: f64) -> String {
    match bytes {
        b if b >= 1e9 => format!("{:.1} GiB", b / f64::from(1 << 30)),
        b if b >= 1e6 => format!("{:.1} MiB", b / f64::from(1 << 20)),
        b if b >= 1e3 => format!("{:.1} KiB", b / 1024.0),
        b => format!("{b:.0} B"),
    }
}

fn html_page(costs: &Costs) -> String {
    let environment = Environment::at_start(&Cores::of_this_process());
    let load = environment.load_average.map_or_else(String::new, |load| format!(", load average {load:.1}"));
    let remarks = [
        format!("{}, {} cores, {}{load}", environment.cpu, environment.cores_allowed, environment.kernel),
        "The axes are logarithmic. A bar is the interval in which another run finds nine of ten.".to_owned(),
    ];
    sheet("What processes, threads and coroutines cost", &remarks, &charts(costs))
}

fn charts(costs: &Costs) -> Vec<Chart> {
    let bar = |name: String, measured: &Measured| {
        measured.ns.map(|ns| Bar { name, value: ns.value, interval: Some((ns.low, ns.high)) })
    };
    let times = &costs.times;
    let switches = times.iter().filter_map(|one| bar(switch(&one.case)?, one));
    let creations = times.iter().filter_map(|one| match one.case.what {
        What::Create(creation) => bar(created(creation).into(), one),
        _ => None,
    });
    let touched = costs.memory.iter().filter(|memory| memory.touched > 0.0);
    let touched =
        touched.map(|memory| Bar { name: name(memory.unit).into(), value: memory.touched, interval: None });
    let reserved = costs.memory.iter().filter(|memory| memory.reserved > 0.0);
    let reserved =
        reserved.map(|memory| Bar { name: name(memory.unit).into(), value: memory.reserved, interval: None });
    vec![
        Chart::Bars {
            title: "One switch",
            note: "From one unit to another and, for calls and coroutines, through their caller.",
            x: ("time of a switch", Quantity::Time),
            bars: switches.collect(),
        },
        Chart::Lines {
            title: "A switch by the number of units",
            note: "Each unit of a ring hands over to the next one, on one core.",
            x: ("units in the ring", Quantity::Count),
            y: ("time of a switch", Quantity::Time),
            lines: Unit::ALL.iter().map(|&unit| ring_line(times, unit)).collect(),
        },
        Chart::Bars {
            title: "Creation and end",
            note: "From the creation of a unit until it has ended.",
            x: ("time", Quantity::Time),
            bars: creations.collect(),
        },
        Chart::Bars {
            title: "Touched memory of one unit",
            note: "Memory in use: the slope of Pss over the number of units.",
            x: ("bytes", Quantity::Size),
            bars: touched.collect(),
        },
        Chart::Bars {
            title: "Reserved address space of one unit",
            note: "What is only reserved takes no memory: the slope of VmSize.",
            x: ("bytes", Quantity::Size),
            bars: reserved.collect(),
        },
    ]
}

fn ring_line(times: &[Measured], unit: Unit) -> Line {
    let of_ring = times.iter().filter(|one| {
        one.case == Case::new(What::Switch(unit), one.case.members) && one.case.members != WORKING_RING
    });
    let points = of_ring.filter_map(|one| Some((one.case.members as f64, one.ns?.value)));
    // A line's name has little space.
    let name = name(unit).split(" (").next().unwrap_or_default();
    Line { name: name.into(), points: points.collect() }
}
