//! The kernel's notation of sets of cores, such as `0-2,5`.

/// Parses the notation. Parts that are no numbers are skipped.
pub(super) fn parse_list(list: &str) -> Vec<usize> {
    let span = |part: &str| {
        let (low, high) = part.split_once('-').unwrap_or((part, part));
        Some(low.parse().ok()?..=high.parse().ok()?)
    };
    list.trim().split(',').filter_map(span).flatten().collect()
}

/// Returns the notation of ascending numbers.
pub(crate) fn format_list(cores: &[usize]) -> String {
    let mut spans: Vec<(usize, usize)> = Vec::new();
    for &core in cores {
        match spans.last_mut() {
            Some((_, last)) if *last + 1 == core => *last = core,
            _ => spans.push((core, core)),
        }
    }
    let span = |(first, last): (usize, usize)| match last - first {
        0 => first.to_string(),
        _ => format!("{first}-{last}"),
    };
    spans.into_iter().map(span).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_list_reads_ranges_and_single_cores() {
        assert_eq!(parse_list("0-2,5\n"), [0, 1, 2, 5]);
        assert_eq!(parse_list("3"), [3]);
        assert!(parse_list("\n").is_empty());
    }

    #[test]
    fn format_list_is_the_inverse_of_parse_list() {
        for list in ["0-2,5", "3", "", "0-1,4-5,9"] {
            assert_eq!(format_list(&parse_list(list)), list);
        }
    }
}
