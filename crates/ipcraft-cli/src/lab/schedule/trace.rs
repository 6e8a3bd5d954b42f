//! A schedule in the Trace Event Format, which Perfetto and chrome://tracing open.

use ipcraft_lab::schedule::{Job, Segment, Timeline, What};
use serde_json::{Value, json};

use super::Scheduled;

/// The length of a unit in a trace of exact time: 10 ms.
const MICROSECONDS_PER_UNIT: f64 = 10_000.0;

/// Returns the trace: each schedule is a process, each job a thread of it.
pub(super) fn document(jobs: &[Job], schedules: &[Scheduled]) -> std::io::Result<Vec<u8>> {
    let mut events = Vec::new();
    for (index, scheduled) in schedules.iter().enumerate() {
        let process = index + 1;
        events.extend(named(jobs, process, &format!("{}, ideal", scheduled.title)));
        events.extend(segments(process, &scheduled.ideal.timeline));
    }
    Ok(serde_json::to_vec(&json!({ "traceEvents": events, "displayTimeUnit": "ms" }))?)
}

/// Names a process and its threads.
fn named<'a>(jobs: &'a [Job], process: usize, title: &str) -> impl Iterator<Item = Value> + use<'a> {
    let metadata = move |kind: &str, thread: usize, name: &str| json!({ "ph": "M", "name": kind, "pid": process, "tid": thread, "args": { "name": name } });
    let of_job = move |(id, job): (usize, &Job)| metadata("thread_name", id + 1, &job.name);
    [metadata("process_name", 0, title)].into_iter().chain(jobs.iter().enumerate().map(of_job))
}

fn segments(process: usize, timeline: &Timeline) -> impl Iterator<Item = Value> {
    timeline.segments.iter().map(move |segment| event(process, segment))
}

fn event(process: usize, segment: &Segment) -> Value {
    let name = match segment.what {
        What::Running => "running",
        What::Blocked => "blocked",
        What::Switching => "switching",
        What::Stolen => "stolen",
    };
    json!({
        "ph": "X",
        "name": name,
        "pid": process,
        "tid": segment.job + 1,
        "ts": segment.from.as_units() * MICROSECONDS_PER_UNIT,
        "dur": (segment.to - segment.from).as_units() * MICROSECONDS_PER_UNIT,
    })
}
