//! Figures with units.

use std::ops::RangeInclusive;

/// Formats a size: `64 B`, `4 KiB`, `1 MiB`. Sizes that are not whole multiples stay in bytes.
pub fn size(bytes: usize) -> String {
    match bytes {
        b if b >= 1 << 20 && b % (1 << 20) == 0 => format!("{} MiB", b >> 20),
        b if b >= 1 << 10 && b % (1 << 10) == 0 => format!("{} KiB", b >> 10),
        b => format!("{b} B"),
    }
}

/// Formats a range of sizes: `1 B to 4 KiB`, or `64 B` for a single size.
pub fn size_range(sizes: &RangeInclusive<usize>) -> String {
    if sizes.start() == sizes.end() {
        return size(*sizes.start());
    }
    format!("{} to {}", size(*sizes.start()), size(*sizes.end()))
}

/// Formats a time: `340 ns`, `11.0 us`, `4.29 ms`.
pub fn time(ns: f64) -> String {
    match ns {
        ns if ns < 1e3 => format!("{ns:.0} ns"),
        ns if ns < 1e4 => format!("{:.2} us", ns / 1e3),
        ns if ns < 1e5 => format!("{:.1} us", ns / 1e3),
        ns if ns < 1e6 => format!("{:.0} us", ns / 1e3),
        ns => format!("{:.2} ms", ns / 1e6),
    }
}

/// Formats a rate: `2.30 M/s`, `28.4 k/s`.
pub fn rate(per_second: f64) -> String {
    match per_second {
        r if r >= 1e6 => format!("{:.2} M/s", r / 1e6),
        r if r >= 1e3 => format!("{:.1} k/s", r / 1e3),
        r => format!("{r:.0} /s"),
    }
}

/// Formats a bandwidth: `4.57 GB/s`, `83 MB/s`.
pub fn bandwidth(bytes_per_second: f64) -> String {
    match bytes_per_second {
        b if b >= 1e9 => format!("{:.2} GB/s", b / 1e9),
        b => format!("{:.0} MB/s", b / 1e6),
    }
}

/// Formats a figure with about three digits: `0.123`, `4.57`, `38.2`, `1234`.
pub(crate) fn digits(figure: f64) -> String {
    match figure {
        f if f < 0.9995 => format!("{f:.3}"),
        f if f < 9.995 => format!("{f:.2}"),
        f if f < 99.95 => format!("{f:.1}"),
        f => format!("{f:.0}"),
    }
}

/// Formats a size for a heading: `64`, `4K`, `1M`.
pub(crate) fn short_size(bytes: usize) -> String {
    size(bytes).replace(" B", "").replace(" KiB", "K").replace(" MiB", "M")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_a_suitable_unit() {
        assert_eq!([size(1), size(4096), size(1 << 20), size(1500)], ["1 B", "4 KiB", "1 MiB", "1500 B"]);
        assert_eq!([size_range(&(64..=64)), size_range(&(1..=8192))], ["64 B", "1 B to 8 KiB"]);
        assert_eq!([time(340.4), time(5087.0), time(38207.0)], ["340 ns", "5.09 us", "38.2 us"]);
        assert_eq!([time(250_000.0), time(4_292_607.0)], ["250 us", "4.29 ms"]);
        assert_eq!([rate(28423.0), rate(2_122_357.0), rate(12.0)], ["28.4 k/s", "2.12 M/s", "12 /s"]);
        assert_eq!([0.1234, 4.567, 38.21, 1234.4].map(digits), ["0.123", "4.57", "38.2", "1234"]);
        assert_eq!([64, 4096, 1 << 20].map(short_size), ["64", "4K", "1M"]);
        assert_eq!([bandwidth(4.571e9), bandwidth(8.3e7)], ["4.57 GB/s", "83 MB/s"]);
    }
}
