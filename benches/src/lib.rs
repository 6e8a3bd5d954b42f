//! Helpers of the criterion benches.
//!
//! Each bench measures one property of every mechanism: `latency` (a round trip), `throughput` (one
//! way, as fast as the receiver accepts), `setup` (building both endpoints), and `locks` (lock and
//! unlock, without and with contention). `many` measures whether the channels for many processes
//! keep their rate. The ids are those of `ipcraft bench`: `pipe/round_trip/64` is the library,
//! `pipe_baseline/round_trip/64` the same program on libc, and `_plain` the plain pthread mutex.
//! From the root of the workspace:
//!
//! ```text
//! cargo bench -p ipcraft-benches --bench latency                         all mechanisms
//! cargo bench -p ipcraft-benches --bench latency -- pipe                 with "pipe" in the name
//! cargo bench -p ipcraft-benches --bench latency -- ^pipe/round_trip/64$ this one
//! ```
//!
//! Criterion reports means of many messages. For percentiles of single messages, CPU time and
//! ratios between neighbouring slices use `ipcraft bench`.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, SamplingMode, Throughput};
use ipcraft_bench::{
    CancelToken, Connect, Cores, Implementation, Mechanism, Pair, Placement, Report, Slice, Workload,
    mechanisms,
};

static NEVER: AtomicBool = AtomicBool::new(false);

/// The timeout only guards against hangs: criterion selects the length of a slice.
const CANCEL: CancelToken<'static> = CancelToken { timeout: Duration::from_secs(300), stop: &NEVER };

/// Creates a group with flat sampling, since most iterations take microseconds, and with short
/// times, since there are many benches.
pub fn group<'a>(criterion: &'a mut Criterion, name: &str) -> BenchmarkGroup<'a, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group.sampling_mode(SamplingMode::Flat);
    group.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(2)).sample_size(30);
    group
}

/// Returns every implementation of every mechanism, with its name in ids.
pub fn implementations() -> impl Iterator<Item = (String, &'static Mechanism, Connect)> {
    let of = |mechanism: &'static Mechanism| {
        let named = move |&(implementation, connect): &(Implementation, Connect)| {
            (format!("{}{}", mechanism.id, implementation.suffix()), mechanism, connect)
        };
        mechanism.implementations.iter().map(named)
    };
    mechanisms().iter().copied().flat_map(of)
}

/// Measures one workload of every mechanism that supports it, at the nearest sizes that each
/// carries. Each mechanism is a group, so that the ids are those of `ipcraft bench`.
pub fn run(criterion: &mut Criterion, workload: Workload, sizes: &[usize]) {
    for (name, mechanism, connect) in
        implementations().filter(|(_, mechanism, _)| mechanism.workloads.contains(&workload))
    {
        let mut sizes: Vec<usize> = sizes.iter().map(|&size| mechanism.nearest_size(size)).collect();
        sizes.dedup();
        let mut group = group(criterion, &name);
        for size in sizes {
            let mut connection = Connection { mechanism, connect, pair: None };
            group.throughput(Throughput::Bytes(size as u64));
            group.bench_function(BenchmarkId::new(workload.name(), size), |bencher| {
                bencher.iter_custom(|iterations| connection.time(workload, size, iterations));
            });
        }
        group.finish();
    }
}

/// Measures each lock in one process, without contention, and in two that contend for it.
pub fn locks(criterion: &mut Criterion) {
    for (name, mechanism, connect) in
        implementations().filter(|(_, lock, _)| lock.workloads == Workload::LOCKS)
    {
        let mut group = group(criterion, &name);
        for &workload in Workload::LOCKS {
            let mut connection = Connection { mechanism, connect, pair: None };
            group.bench_function(BenchmarkId::new(workload.name(), 0), |bencher| {
                bencher.iter_custom(|iterations| connection.time_of_lock(workload, iterations));
            });
        }
        group.finish();
    }
}

/// The processes of one bench. They start when the bench first runs, since it may be filtered out.
struct Connection {
    mechanism: &'static Mechanism,
    connect: Connect,
    pair: Option<Pair>,
}

impl Connection {
    /// Returns the time of `messages` messages, on two cores if possible.
    fn time(&mut self, workload: Workload, size: usize, messages: u64) -> Duration {
        let slice = Slice {
            warm_up: (messages / 4).max(4),
            batch: messages,
            window: self.mechanism.window(size),
            ..Slice::new(workload, size, messages)
        };
        Duration::from_nanos(self.run(&slice).elapsed_ns)
    }

    /// Returns the time of `count` operations of a lock.
    fn time_of_lock(&mut self, workload: Workload, count: u64) -> Duration {
        match workload {
            Workload::Contended => self.time_contended(count),
            _ => self.time(workload, 0, count),
        }
    }

    /// Returns the time of `count` operations by two contending processes. A slice has a fixed
    /// length and reports the number of operations.
    fn time_contended(&mut self, count: u64) -> Duration {
        const SLICE_NS: u64 = 2_000_000;
        let slice = Slice { interval_ns: SLICE_NS, ..Slice::new(Workload::Contended, 0, 1) };
        let (mut done, mut elapsed_ns) = (0, 0);
        while done < count {
            let report = self.run(&slice);
            done += report.done.unwrap_or(count);
            elapsed_ns += report.elapsed_ns;
        }
        Duration::from_nanos(elapsed_ns).mul_f64(count as f64 / done as f64)
    }

    fn run(&mut self, slice: &Slice) -> Report {
        let connect = self.connect;
        let pair = self.pair.get_or_insert_with(|| launch(connect));
        pair.run(slice, CANCEL).unwrap_or_else(|failure| panic!("{}: {failure}", self.mechanism.id))
    }
}

fn launch(connect: Connect) -> Pair {
    let cores = Cores::of_this_process();
    let cpus = cores.cpu_pair(Placement::TwoCores).or_else(|| cores.cpu_pair(Placement::SameCore));
    let cpus = cpus.expect("every machine can run two processes on one core");
    Pair::launch(connect, cpus, CANCEL).expect("a connection between two processes")
}
