use ipcraft_bench::{
    Distance, Estimate, Implementation, Launch, LaunchFigures, Placement, Row, RowError, Waiting, Workload,
    mechanisms,
};

use super::*;
use crate::test_results::{estimate, results, row};

fn timed(mechanism: &str, workload: Workload, size: usize, placement: Placement, time_ns: f64) -> Row {
    let placement = Some(placement);
    Row { placement, time_ns: Some(estimate(time_ns)), ..row(mechanism, workload, size) }
}

fn trip(mechanism: &str, size: usize, time_ns: f64) -> Row {
    timed(mechanism, Workload::RoundTrip, size, Placement::TwoCores, time_ns)
}

fn stream(mechanism: &str, size: usize, time_ns: f64) -> Row {
    timed(mechanism, Workload::Stream, size, Placement::TwoCores, time_ns)
}

fn text(rows: Vec<Row>) -> String {
    summary(&results(rows), MAX_WIDTH, Style::default())
}

/// Returns the only line that begins with a name.
fn line<'a>(text: &'a str, name: &str) -> &'a str {
    let mut found = text.lines().filter(|line| line.starts_with(name));
    let line = found.next().unwrap_or_else(|| panic!("{name} in {text}"));
    assert_eq!(found.next(), None, "{name} in {text}");
    line
}

/// Rows as of `bench --full`: every mechanism and workload at seven sizes.
fn full() -> Vec<Row> {
    let mut rows = Vec::new();
    for (index, mechanism) in mechanisms().iter().enumerate() {
        for &workload in mechanism.workloads {
            for &placement in Placement::ALL {
                for size in [1, 8, 64, 1024, 4096, 65_536, 1 << 20] {
                    let time = 123_456.7 + (index * size) as f64;
                    rows.push(timed(mechanism.id, workload, mechanism.nearest_size(size), placement, time));
                }
            }
        }
    }
    rows
}

#[test]
fn summary_of_everything_fits_the_page_at_every_width() {
    let mut all = results(full());
    all.complete = false;
    all.environment.warnings = vec!["w".repeat(200); 9];
    all.errors = vec![RowError {
        mechanism: "pipe".into(),
        implementation: Implementation::Ipcraft,
        workload: Workload::Stream,
        size: 1,
        placement: None,
        message: "m".repeat(300),
    }];
    for width in [40, 80, 100, 1000] {
        let text = summary(&all, width, Style::default());
        assert!(text.lines().count() <= MAX_LINES, "{text}");
        let widest = text.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(widest <= width.min(MAX_WIDTH), "{widest} of {width}: {text}");
        assert!(text.is_ascii(), "{text}");
        for part in
            ["limit", "pipe", "INCOMPLETE", "FAILED: pipe/stream/1: mmm", "warning: www", "slower, by"]
        {
            assert!(text.contains(part), "{part} in {text}");
        }
    }
}

#[test]
fn columns_mark_the_best_its_equals_and_noise() {
    let noisy = Row { noisy: true, ..trip("fifo", 64, 130.0) };
    let text =
        text(vec![trip("pipe", 64, 100.0), trip("tcp", 64, 115.0), trip("unix_stream", 64, 300.0), noisy]);
    assert!(line(&text, "pipe").ends_with("0.100*"), "{text}");
    assert!(line(&text, "tcp").ends_with("0.115="), "{text}");
    assert!(line(&text, "unix_stream").ends_with("0.300"), "{text}");
    assert!(line(&text, "fifo").ends_with("0.130~"), "{text}");
}

#[test]
fn limits_come_first_and_streams_are_bandwidths() {
    let limit = |row: Row| Row { implementation: Implementation::Limit, ..row };
    let text = text(vec![
        trip("pipe", 64, 5_000.0),
        stream("pipe", 64, 640.0),
        limit(trip("futex", 0, 4_000.0)),
        limit(trip("cacheline_store", 0, 200.0)),
        limit(Row { placement: None, workload: Workload::Call, ..stream("memcpy", 64, 6.4) }),
    ]);
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[3].split_whitespace().collect::<Vec<_>>(), ["limit", "0.200", "10000"], "{text}");
    assert_eq!(lines[4].split_whitespace().collect::<Vec<_>>(), ["pipe", "5.00*", "100*"], "{text}");
}

#[test]
fn rows_of_another_distance_are_left_out_and_stated() {
    let launch = Launch {
        launch: 0,
        time_ns: 1.0,
        slices: 1,
        setup_us: None,
        hand_over_ns: None,
        figures: LaunchFigures::default(),
    };
    let at = |distance, launches, time| Row {
        distance: Some(distance),
        launches: vec![launch.clone(); launches],
        ..trip("pipe", 64, time)
    };
    let text = text(vec![at(Distance::Near, 1, 100.0), at(Distance::Apart, 2, 700.0)]);
    assert!(line(&text, "pipe").ends_with("0.700*"), "{text}");
    assert!(text.contains("shown: apart (2 of 3)") && !text.contains("0.100"), "{text}");
}

#[test]
fn mechanism_with_a_size_of_its_own_is_shown_and_not_ranked() {
    let text = text(vec![trip("signalfd", 4, 10.0), trip("pipe", 64, 100.0), trip("fifo", 64, 200.0)]);
    assert!(line(&text, "signalfd 4 B").ends_with("0.010"), "{text}");
    assert!(line(&text, "latency").starts_with("latency 64 B: pipe 100 ns"), "{text}");
}

#[test]
fn recommendation_compares_one_promise_and_names_equals() {
    let text = text(vec![
        trip("channel_latest", 64, 10.0),
        trip("udp", 64, 20.0),
        trip("unix_stream", 64, 100.0),
        trip("pipe", 64, 105.0),
        trip("tcp", 64, 400.0),
    ]);
    // TCP gives up nothing, but is slower. The equals give up as much, so the time decides.
    let expected = "latency 64 B: pipe 105 ns (= unix_stream); gives up: processes need a common ancestor";
    assert_eq!(line(&text, "latency"), expected, "{text}");
}

#[test]
fn recommendation_prefers_what_gives_up_less_among_equals() {
    let wait = |waiting, row: Row| Row { waiting, ..row };
    let text = text(vec![
        wait(Waiting::Spin, trip("channel_spin", 64, 100.0)),
        wait(Waiting::Adaptive, trip("channel_mpmc", 64, 101.0)),
        wait(Waiting::Adaptive, trip("channel", 64, 102.0)),
        trip("pipe", 64, 900.0),
    ]);
    let expected = "latency 64 B: channel 102 ns (= channel_spin, 1 more); \
                    gives up: spins first; poll(2) needs inotify";
    assert_eq!(line(&text, "latency"), expected, "{text}");
}

#[test]
fn recommendation_states_what_waits_by_spinning_and_what_has_poll() {
    let spin = Row { waiting: Waiting::Spin, ..trip("channel_spin", 64, 100.0) };
    let spinning = text(vec![spin, trip("pipe", 64, 900.0)]);
    assert!(line(&spinning, "latency").contains("; gives up: waits by spinning; poll"), "{spinning}");
    let text = text(vec![trip("sync_barrier", 64, 100.0), trip("pipe", 64, 900.0)]);
    let expected = "latency 64 B: sync_barrier 100 ns; gives up: no poll(2); with poll: pipe 900 ns";
    assert_eq!(line(&text, "latency"), expected, "{text}");
}

#[test]
fn recommendation_has_bulk_and_one_core() {
    let one = |mechanism, time| timed(mechanism, Workload::RoundTrip, 64, Placement::SameCore, time);
    let text = text(vec![
        stream("pipe", 64, 1.0),
        stream("pipe", 65_536, 9_000.0),
        stream("fifo", 65_536, 1_000.0),
        stream("fifo", 64, 2.0),
        one("pipe", 900.0),
        one("tcp", 2_000.0),
    ]);
    assert!(line(&text, "bulk").starts_with("bulk 64 KiB: fifo 65.54 GB/s; gives up:"), "{text}");
    assert!(line(&text, "one core").starts_with("one core 64 B: pipe 900 ns; gives up:"), "{text}");
}

#[test]
fn noisy_row_is_recommended_and_flagged_if_it_is_the_fastest() {
    let noisy = Row { noisy: true, ..trip("pipe", 64, 100.0) };
    let text = text(vec![noisy, trip("tcp", 64, 900.0)]);
    assert!(line(&text, "latency").contains("pipe 100 ns (noisy)"), "{text}");
    assert!(line(&text, "pipe").ends_with("0.100*"), "{text}");
}

#[test]
fn recommendation_does_not_change_when_nearly_equal_mechanisms_change_places() {
    let recommended = |times: [f64; 3]| {
        let ids = ["channel_request", "channel_broadcast", "channel"];
        let rows = ids.iter().zip(times).map(|(id, time)| trip(id, 64, time));
        let text = text(rows.chain([trip("pipe", 64, 30_000.0)]).collect());
        line(&text, "latency").to_owned()
    };
    for times in [[250.0, 260.0, 430.0], [260.0, 140.0, 370.0], [300.0, 290.0, 230.0]] {
        assert!(recommended(times).starts_with("latency 64 B: channel "), "{}", recommended(times));
    }
    let named = recommended([250.0, 260.0, 430.0]);
    assert!(named.contains("; fastest: channel_request 250 ns"), "{named}");
}

#[test]
fn locks_alone_have_a_line_and_no_matrix() {
    let time = |value| Some(Estimate { value, low: value, high: value });
    let lock = Row { placement: None, time_ns: time(18.0), ..row("sync_mutex", Workload::Uncontended, 0) };
    let contended = timed("sync_mutex", Workload::Contended, 0, Placement::SameCore, 30.0);
    let text = text(vec![lock, Row { noisy: true, ..contended }]);
    assert!(text.starts_with("locks, ns") && text.contains(" sync_mutex 18/-/30~\n"), "{text}");
}

#[test]
fn summary_without_rows_states_the_conditions() {
    assert_eq!(text(Vec::new()).lines().count(), 1);
}

#[test]
fn best_is_bold_where_that_is_possible() {
    let rows = || results(vec![trip("pipe", 64, 100.0), trip("tcp", 64, 300.0)]);
    let bold = summary(&rows(), MAX_WIDTH, Style { bold: true, ..Style::default() });
    let plain = bold.replace("\x1b[1m", "").replace("\x1b[2m", "").replace("\x1b[0m", "");
    assert_eq!(bold.matches("\x1b[1m").count(), 1);
    let trimmed = |text: &str| text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
    assert_eq!(trimmed(&plain), trimmed(&summary(&rows(), MAX_WIDTH, Style::default())));
}
