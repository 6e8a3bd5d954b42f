//! What the criterion benches share.
//!
//! Each bench asks one question of every registered mechanism: `latency` (a round trip), `throughput` (one way, as fast as
//! it goes), `setup` (building both ends). An id reads `latency/pipe/64`, and `latency/pipe_raw/64` for the same thing
//! written straight on libc. From the root of the workspace:
//!
//! ```text
//! cargo bench --bench latency                  all mechanisms
//! cargo bench --bench latency -- pipe          those with "pipe" in the name
//! cargo bench --bench latency -- latency/pipe/ the library's pipe alone
//! ```
//!
//! Criterion gives means of many messages; percentiles of single ones, CPU time and ratios between interleaved rows are what
//! `ipcraft bench` is for.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, SamplingMode, Throughput};
use ipcraft_bench::{
    Connect, Cores, Implementation, Mechanism, Pair, Placement, Slice, Watch, Workload, mechanisms,
};

static GO_ON: AtomicBool = AtomicBool::new(false);

/// Only against a hang: criterion chooses how much one slice has to do.
const WATCH: Watch<'static> = Watch { patience: Duration::from_secs(300), stop: &GO_ON };

/// A group whose samples all have the same number of iterations, since most of these take microseconds; short, since there
/// are many.
pub fn group<'a>(criterion: &'a mut Criterion, name: &str) -> BenchmarkGroup<'a, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group.sampling_mode(SamplingMode::Flat);
    group.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(2)).sample_size(30);
    group
}

/// Every implementation of every mechanism, under the name that it has in ids.
pub fn subjects() -> impl Iterator<Item = (String, &'static Mechanism, Connect)> {
    let of = |mechanism: &'static Mechanism| {
        let named =
            move |&(who, connect): &(Implementation, Connect)| (name(mechanism, who), mechanism, connect);
        mechanism.implementations.iter().map(named)
    };
    mechanisms().iter().copied().flat_map(of)
}

fn name(mechanism: &Mechanism, implementation: Implementation) -> String {
    match implementation {
        Implementation::Raw => format!("{}_raw", mechanism.id),
        Implementation::Ipcraft | Implementation::Floor => mechanism.id.into(),
    }
}

/// One workload over every mechanism that has it, at the nearest sizes that each carries.
pub fn run(group: &mut BenchmarkGroup<'_, WallTime>, workload: Workload, sizes: &[usize]) {
    for (name, mechanism, connect) in
        subjects().filter(|(_, mechanism, _)| mechanism.workloads.contains(&workload))
    {
        let mut sizes: Vec<usize> = sizes.iter().map(|&size| mechanism.nearest_size(size)).collect();
        sizes.dedup();
        for size in sizes {
            let mut line = Line { mechanism, connect, pair: None };
            group.throughput(Throughput::Bytes(size as u64));
            group.bench_function(BenchmarkId::new(&name, size), |bencher| {
                bencher.iter_custom(|iterations| line.time(workload, size, iterations));
            });
        }
    }
}

/// A connection between two processes that live as long as one bench; they start when it is known to run.
struct Line {
    mechanism: &'static Mechanism,
    connect: Connect,
    pair: Option<Pair>,
}

impl Line {
    /// The time that `messages` messages take, on two cores if there are two.
    fn time(&mut self, workload: Workload, size: usize, messages: u64) -> Duration {
        let slice = Slice {
            warm_up: (messages / 4).max(4),
            batch: messages,
            window: self.mechanism.window(size),
            ..Slice::new(workload, size, messages)
        };
        let connect = self.connect;
        let pair = self.pair.get_or_insert_with(|| launch(connect));
        let report =
            pair.run(&slice, WATCH).unwrap_or_else(|failure| panic!("{}: {failure}", self.mechanism.id));
        Duration::from_nanos(report.elapsed_ns)
    }
}

fn launch(connect: Connect) -> Pair {
    let cores = Cores::of_this_process();
    let seats = cores.seats(Placement::TwoCores).or_else(|| cores.seats(Placement::SameCore));
    let seats = seats.expect("every machine has room for two processes on one core");
    Pair::launch(connect, seats, WATCH).expect("a connection between two processes")
}
