//! From figures to positions: linear in the logarithm, or in the number of nines.

/// How an axis maps figures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scale {
    /// Equal ratios take equal space. The ends are positive.
    Log {
        /// The figure at the start of the axis.
        low: f64,
        /// The figure at its end.
        high: f64,
    },
    /// Percentiles: 0, 90, 99, 99.9 are equally far apart.
    Nines {
        /// The number of nines at the end of the axis.
        nines: f64,
    },
}

impl Scale {
    /// Returns a logarithmic axis with room for all positive figures, between round ends. `None` if
    /// there is no positive figure.
    pub(super) fn log(figures: impl IntoIterator<Item = f64>) -> Option<Scale> {
        let usable = figures.into_iter().filter(|figure| figure.is_finite() && *figure > 0.0);
        let (low, high) = usable.fold((f64::INFINITY, 0.0_f64), |(low, high), f| (low.min(f), high.max(f)));
        (high > 0.0).then(|| {
            let (low, high) = (round_down(low), round_up(high));
            if low < high {
                Scale::Log { low, high }
            } else {
                Scale::Log { low: low / 2.0, high: high * 2.0 }
            }
        })
    }

    /// Returns an axis of percentiles up to `highest`.
    pub(super) fn nines(highest: f64) -> Scale {
        Scale::Nines { nines: nines_of(highest).ceil().clamp(1.0, 6.0) }
    }

    /// Returns the position from 0 to 1. Zero and less are at the start of a logarithmic axis.
    pub(super) fn position(self, figure: f64) -> Option<f64> {
        if !figure.is_finite() {
            return None;
        }
        let position = match self {
            Scale::Log { .. } if figure <= 0.0 => 0.0,
            Scale::Log { low, high } => (figure / low).ln() / (high / low).ln(),
            Scale::Nines { nines } => nines_of(figure) / nines,
        };
        Some(position.clamp(0.0, 1.0))
    }

    /// Returns the figures that are labelled, in order.
    pub(super) fn ticks(self) -> Vec<f64> {
        match self {
            Scale::Log { low, high } => log_ticks(low, high),
            Scale::Nines { nines } => {
                let steps = [0.0, 90.0, 99.0, 99.9, 99.99, 99.999, 99.9999];
                steps.into_iter().filter(|step| nines_of(*step) <= nines + 1e-6).collect()
            }
        }
    }
}

/// Returns the number of nines of a percentile: 1 for 90, 3 for 99.9.
fn nines_of(percentile: f64) -> f64 {
    -(1.0 - percentile.clamp(0.0, 99.9999) / 100.0).log10()
}

fn decade(figure: f64) -> f64 {
    10_f64.powf((figure.log10() + 1e-9).floor())
}

/// Returns the closest 1, 2 or 5 times a power of ten that is not above.
fn round_down(figure: f64) -> f64 {
    let decade = decade(figure);
    let fits = |step: &f64| step * decade <= figure * (1.0 + 1e-9);
    [5.0, 2.0, 1.0].into_iter().find(fits).unwrap_or(1.0) * decade
}

/// Returns the closest 1, 2 or 5 times a power of ten that is not below.
fn round_up(figure: f64) -> f64 {
    let decade = decade(figure);
    let fits = |step: &f64| step * decade >= figure * (1.0 - 1e-9);
    [1.0, 2.0, 5.0].into_iter().find(fits).unwrap_or(10.0) * decade
}

/// Powers of ten where there are enough of them, with 2 and 5 between them otherwise.
fn log_ticks(low: f64, high: f64) -> Vec<f64> {
    let decades = (high / low).log10();
    let steps: &[f64] = match decades {
        d if d <= 1.7 => &[1.0, 2.0, 5.0],
        d if d <= 3.2 => &[1.0, 3.0],
        _ => &[1.0],
    };
    let skip = if decades > 7.0 { 2 } else { 1 };
    let first = (low.log10() + 1e-9).floor() as i32;
    let last = (high.log10() + 1e-9).floor() as i32;
    let powers = (first..=last).filter(|power| power.rem_euclid(skip) == 0).map(|power| 10_f64.powi(power));
    let all = powers.flat_map(|power| steps.iter().map(move |step| step * power));
    all.filter(|tick| *tick >= low * (1.0 - 1e-9) && *tick <= high * (1.0 + 1e-9)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounded(scale: Scale, figure: f64) -> f64 {
        (scale.position(figure).unwrap() * 1000.0).round() / 1000.0
    }

    #[test]
    fn log_scale_ends_at_round_figures() {
        let scale = Scale::log([130.0, 41_000.0]).unwrap();
        assert_eq!(scale, Scale::Log { low: 100.0, high: 50_000.0 });
        assert_eq!(scale.ticks(), [100.0, 300.0, 1e3, 3e3, 1e4, 3e4]);
        assert_eq!((rounded(scale, 100.0), rounded(scale, 50_000.0)), (0.0, 1.0));
        assert_eq!(Scale::log([0.3, 2.0]).unwrap().ticks(), [0.2, 0.5, 1.0, 2.0]);
    }

    #[test]
    fn log_scale_of_equal_figures_has_an_extent() {
        assert_eq!(Scale::log([10.0]), Some(Scale::Log { low: 5.0, high: 20.0 }));
    }

    #[test]
    fn log_scale_ignores_figures_without_a_logarithm() {
        let figures = [0.0, -1.0, f64::NAN, f64::INFINITY];
        assert_eq!(Scale::log(figures), None);
        let scale = Scale::log(figures.into_iter().chain([1.0, 10.0])).unwrap();
        assert_eq!(scale, Scale::Log { low: 1.0, high: 10.0 });
        assert_eq!((scale.position(0.0), scale.position(f64::NAN)), (Some(0.0), None));
    }

    #[test]
    fn nines_scale_spaces_nines_equally() {
        let scale = Scale::nines(99.95);
        assert_eq!(scale, Scale::Nines { nines: 4.0 });
        assert_eq!(scale.ticks(), [0.0, 90.0, 99.0, 99.9, 99.99]);
        let positions = [0.0, 90.0, 99.0, 99.9, 99.99].map(|p| rounded(scale, p));
        assert_eq!(positions, [0.0, 0.25, 0.5, 0.75, 1.0]);
        assert_eq!(rounded(Scale::nines(100.0), 100.0), 1.0);
    }
}
