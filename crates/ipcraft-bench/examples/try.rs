//! Try.
use ipcraft_bench::*;
use std::sync::atomic::AtomicBool;
fn main() {
    let effort = match std::env::args().nth(1).as_deref() {
        Some("full") => Effort::Full,
        Some("default") => Effort::Default,
        _ => Effort::Quick,
    };
    let mut plan = Plan::new(effort);
    if let Some(only) = std::env::args().nth(2) {
        plan.mechanisms = only.split(',').filter_map(find).collect();
        plan.budget /= 4;
    }
    let r = run(&plan, &AtomicBool::new(false), &mut |_| {});
    for x in &r.results {
        println!(
            "{:22} {:8} {:10} {:7} {:9} n={:<7} p50 {:>8} p99 {:>8} max {:>9} | {:>11.0}/s {:>7.0} MB/s cpu {:>8.0} sw {:>6.2} setup {:>6.1} raw {:>6.3}±{:<6.3}({}) fl {:>6.2} {} {:?} {:?}",
            x.mechanism,
            format!("{:?}", x.implementation),
            x.workload.name(),
            x.size,
            x.placement.map_or("-", |p| p.name()),
            x.samples,
            x.p50_ns.unwrap_or(0),
            x.p99_ns.unwrap_or(0),
            x.max_ns.unwrap_or(0),
            x.messages_per_s.unwrap_or(0.0),
            x.bytes_per_s.unwrap_or(0.0) / 1e6,
            x.cpu_ns_per_message.unwrap_or(0.0),
            x.switches_per_message.unwrap_or(0.0),
            x.setup_us.unwrap_or(0.0),
            x.ratio_to_raw.unwrap_or(0.0),
            x.ratio_spread.unwrap_or(0.0),
            x.ratio_pairs,
            x.ratio_to_floor.unwrap_or(0.0),
            if x.disturbed { "DIST" } else { "" },
            x.launch_medians_ns.iter().map(|m| *m as u64).collect::<Vec<_>>(),
            x.single.map(|s| (s.p50_ns, s.p99_ns))
        );
    }
    for e in &r.errors {
        println!("ERR {e:?}");
    }
    println!("{:?}", r.environment);
}
