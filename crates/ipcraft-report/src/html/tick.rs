//! The labels of axes: round figures, as short as possible.

/// Formats a time: `200 ns`, `5 us`.
pub(super) fn time(ns: f64) -> String {
    with_unit(ns, &[(1e9, "s"), (1e6, "ms"), (1e3, "us"), (1.0, "ns"), (1e-3, "ps")])
}

/// Formats a bandwidth: `50 MB/s`.
pub(super) fn bandwidth(bytes_per_s: f64) -> String {
    with_unit(bytes_per_s, &[(1e12, "TB/s"), (1e9, "GB/s"), (1e6, "MB/s"), (1e3, "kB/s"), (1.0, "B/s")])
}

/// Formats a size: `200 B`, `1 kB`. Ticks are at decimal figures, so the units are decimal, too.
pub(super) fn size(bytes: f64) -> String {
    with_unit(bytes, &[(1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1.0, "B")])
}

/// Formats a ratio: `0.5`, `20`.
pub(super) fn ratio(ratio: f64) -> String {
    rounded(ratio)
}

fn with_unit(figure: f64, units: &[(f64, &str)]) -> String {
    let fits = |(factor, _): &&(f64, &str)| figure >= factor * (1.0 - 1e-9);
    let unit = units.iter().find(fits).or(units.last());
    unit.map_or_else(String::new, |(factor, name)| format!("{} {name}", rounded(figure / factor)))
}

/// Ticks have one digit; the computation of powers leaves a remainder.
fn rounded(figure: f64) -> String {
    let digits = (-figure.log10().floor()).clamp(0.0, 9.0) as usize;
    format!("{figure:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_have_the_largest_unit_that_fits() {
        assert_eq!([time(200.0), time(5e3), time(1e9), time(0.5)], ["200 ns", "5 us", "1 s", "500 ps"]);
        assert_eq!([bandwidth(5e7), bandwidth(1e10)], ["50 MB/s", "10 GB/s"]);
        assert_eq!([size(1.0), size(1e3), size(1e6)], ["1 B", "1 kB", "1 MB"]);
        assert_eq!([ratio(0.01), ratio(0.2), ratio(50.0)], ["0.01", "0.2", "50"]);
    }
}
