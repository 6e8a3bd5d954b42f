//! Whether readers with a colour vision deficiency can distinguish the colours of the series.
//!
//! Each colour is simulated as a reader with that deficiency sees it (Machado, Oliveira and
//! Fernandes 2009, severity 1.0, in linear RGB). The distance of two colours is that of CIELAB
//! (CIE 1976), in which 2.3 is just noticeable if the two areas touch.

use super::STYLE;

/// The least distance between two colours. Lines and dots are thin and apart from each other, so it
/// is several times what is just noticeable.
const MIN_DISTANCE: f64 = 20.0;
/// The least contrast with the paper: WCAG 2.2 (1.4.11) asks for it in graphics.
const MIN_CONTRAST: f64 = 3.0;
const SERIES: usize = 8;

type Vector = [f64; 3];
type Matrix = [Vector; 3];

const VISIONS: [(&str, Matrix); 4] = [
    ("normal", [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
    (
        "protanopia",
        [
            [0.152_286, 1.052_583, -0.204_868],
            [0.114_503, 0.786_281, 0.099_216],
            [-0.003_882, -0.048_116, 1.051_998],
        ],
    ),
    (
        "deuteranopia",
        [
            [0.367_322, 0.860_646, -0.227_968],
            [0.280_085, 0.672_501, 0.047_413],
            [-0.011_820, 0.042_940, 0.968_881],
        ],
    ),
    (
        "tritanopia",
        [
            [1.255_528, -0.076_749, -0.178_779],
            [-0.078_411, 0.930_809, 0.147_602],
            [0.004_733, 0.691_367, 0.303_900],
        ],
    ),
];

/// From linear sRGB to XYZ with the white of D65.
const TO_XYZ: Matrix = [
    [0.412_456_4, 0.357_576_1, 0.180_437_5],
    [0.212_672_9, 0.715_152_2, 0.072_175_0],
    [0.019_333_9, 0.119_192_0, 0.950_304_1],
];
const WHITE: Vector = [0.950_47, 1.0, 1.088_83];

fn times(matrix: &Matrix, vector: Vector) -> Vector {
    matrix.map(|row| row.iter().zip(vector).map(|(a, b)| a * b).sum())
}

/// Returns the linear RGB of `#rgb` or `#rrggbb`.
fn linear(hex: &str) -> Vector {
    let digits: Vec<f64> = hex[1..].chars().map(|digit| f64::from(digit.to_digit(16).unwrap())).collect();
    let channel = |index: usize| match digits.len() {
        3 => digits[index] * 17.0,
        _ => digits[2 * index] * 16.0 + digits[2 * index + 1],
    };
    [0, 1, 2].map(|index| match channel(index) / 255.0 {
        value if value <= 0.04045 => value / 12.92,
        value => ((value + 0.055) / 1.055).powf(2.4),
    })
}

fn lab(linear: Vector) -> Vector {
    let root = |value: f64| {
        if value > 216.0 / 24389.0 { value.cbrt() } else { (24389.0 / 27.0 * value + 16.0) / 116.0 }
    };
    let xyz = times(&TO_XYZ, linear.map(|value| value.clamp(0.0, 1.0)));
    let [x, y, z] = [0, 1, 2].map(|index| root(xyz[index] / WHITE[index]));
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

fn distance(a: Vector, b: Vector) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}

fn contrast(a: Vector, b: Vector) -> f64 {
    let [a, b] = [a, b].map(|colour| times(&TO_XYZ, colour)[1] + 0.05);
    a.max(b) / a.min(b)
}

/// Returns the values of a variable of the style: in the light scheme, then in the dark one.
fn values(name: &str) -> [&'static str; 2] {
    let found: Vec<_> = STYLE
        .match_indices(&format!("--{name}: "))
        .map(|(at, start)| STYLE[at + start.len()..].split(';').next().unwrap())
        .collect();
    [found[0], found[1]]
}

#[test]
fn colours_of_series_differ_in_every_vision_and_from_the_paper() {
    for (scheme, place) in [("light", 0), ("dark", 1)] {
        let colours: Vec<_> = (0..SERIES).map(|series| values(&format!("f{series}"))[place]).collect();
        for (vision, matrix) in &VISIONS {
            let seen: Vec<_> = colours.iter().map(|hex| lab(times(matrix, linear(hex)))).collect();
            let pairs = (0..SERIES).flat_map(|a| (a + 1..SERIES).map(move |b| (a, b)));
            let measured = pairs.map(|(a, b)| (distance(seen[a], seen[b]), a, b));
            let (least, a, b) = measured.min_by(|a, b| a.0.total_cmp(&b.0)).unwrap();
            println!("{scheme}, {vision}: {least:.1} between {} and {}", colours[a], colours[b]);
            assert!(least >= MIN_DISTANCE, "{scheme}, {vision}: {} and {}: {least}", colours[a], colours[b]);
        }
        let paper = linear(values("paper")[place]);
        for hex in colours {
            let found = contrast(linear(hex), paper);
            assert!(found >= MIN_CONTRAST, "{scheme}: {hex}: {found}");
        }
    }
}

#[test]
fn distance_of_known_colours_is_known() {
    let [l, a, b] = lab(linear("#ff0000"));
    assert!(distance([l, a, b], [53.24, 80.09, 67.20]) < 0.1, "{l} {a} {b}");
    assert!((contrast(linear("#000"), linear("#fff")) - 21.0).abs() < 0.01);
}
