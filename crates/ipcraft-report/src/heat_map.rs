//! The time between every pair of cores, as a small matrix.

use ipcraft_bench::{HeatMap, Results};

use crate::units::digits;

/// Returns a matrix for each mechanism that was measured between all cores. Empty if none was.
pub fn heat_maps(results: &Results) -> String {
    results.topology.heat_maps.iter().map(matrix).collect()
}

/// Rows are the cores of the client, columns those of the server.
fn matrix(map: &HeatMap) -> String {
    let figure = |ns: &Option<f64>| ns.map_or("-".into(), |ns| digits(ns / 1e3));
    let rows: Vec<Vec<String>> = map.ns.iter().map(|row| row.iter().map(figure).collect()).collect();
    let cores = || map.cores.iter().map(ToString::to_string);
    let width = rows.iter().flatten().map(String::len).chain(cores().map(|core| core.len())).max();
    let width = width.unwrap_or(0) + 1;
    let line = |name: &str, cells: &[String]| {
        let cells: String = cells.iter().map(|cell| format!("{cell:>width$}")).collect();
        format!("{name:>5}{cells}\n")
    };
    let mut text = format!("{}: round trip between two cores, us\n", map.mechanism);
    text += &line("core", &cores().collect::<Vec<_>>());
    text.extend(cores().zip(&rows).map(|(core, row)| line(&core, row)));
    text + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_results::results;

    #[test]
    fn heat_map_is_a_matrix_of_cores() {
        let mut run = results(Vec::new());
        assert_eq!(heat_maps(&run), "");
        run.topology.heat_maps.push(HeatMap {
            mechanism: "futex".into(),
            cores: vec![2, 13],
            ns: vec![vec![None, Some(1234.0)], vec![Some(99.0), None]],
        });
        let expected = "futex: round trip between two cores, us\n\x20core     2    13\n    2     -  1.23\n   13 0.099     -\n\n";
        assert_eq!(heat_maps(&run), expected);
    }
}
