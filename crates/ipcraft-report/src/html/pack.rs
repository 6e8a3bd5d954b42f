//! JSON without its repetitions: the names of fields, and columns that repeat themselves.
//!
//! An array of objects becomes tables, one for each set of fields that are not null. A table states
//! the positions of its objects and has one column per field. A run is a third as long then.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// Packs a value. [`unpack`] restores it, except for nulls in objects of an array.
pub(super) fn pack(value: Value) -> Value {
    match value {
        Value::Array(items) if !items.is_empty() && items.iter().all(Value::is_object) => tables(items),
        Value::Array(items) => items.into_iter().map(pack).collect(),
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (name, pack(value))).collect(),
        other => other,
    }
}

/// Restores a packed value. Anything else is returned as it is.
pub(super) fn unpack(value: Value) -> Value {
    match value {
        Value::Object(mut fields) if fields.len() == 1 && fields.contains_key("tables") => {
            fields.remove("tables").map(objects).unwrap_or_default()
        }
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (name, unpack(value))).collect(),
        Value::Array(items) => items.into_iter().map(unpack).collect(),
        other => other,
    }
}

fn tables(items: Vec<Value>) -> Value {
    type Columns = BTreeMap<String, Vec<Value>>;
    let mut by_shape: BTreeMap<Vec<String>, (Vec<usize>, Columns)> = BTreeMap::new();
    for (position, item) in items.into_iter().enumerate() {
        let Value::Object(fields) = item else { continue };
        let fields: Vec<_> = fields.into_iter().filter(|(_, value)| !value.is_null()).collect();
        let shape = fields.iter().map(|(name, _)| name.clone()).collect();
        let (at, columns) = by_shape.entry(shape).or_default();
        at.push(position);
        for (name, value) in fields {
            columns.entry(name).or_default().push(value);
        }
    }
    let table = |(at, columns): (Vec<usize>, Columns)| {
        let columns: Map<_, _> = columns.into_iter().map(|(name, cells)| (name, column(cells))).collect();
        json!({ "at": at, "columns": columns })
    };
    json!({ "tables": by_shape.into_values().map(table).collect::<Vec<_>>() })
}

fn objects(tables: Value) -> Value {
    let mut found: BTreeMap<u64, Value> = BTreeMap::new();
    for mut table in into_items(tables) {
        let at: Vec<u64> = into_items(table["at"].take()).iter().filter_map(Value::as_u64).collect();
        let mut rows = vec![Map::new(); at.len()];
        if let Value::Object(columns) = table["columns"].take() {
            for (name, cells) in columns {
                for (row, cell) in rows.iter_mut().zip(cells_of(cells, at.len())) {
                    row.insert(name.clone(), cell);
                }
            }
        }
        found.extend(at.into_iter().zip(rows.into_iter().map(Value::Object)));
    }
    found.into_values().collect()
}

/// Packs the cells of a column by what they have in common.
fn column(cells: Vec<Value>) -> Value {
    let period = period(&cells);
    if 2 * period <= cells.len() {
        return json!({ "cycle": cells[..period] });
    }
    if cells.iter().all(Value::is_string) {
        let mut words = cells.clone();
        words.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
        words.dedup();
        let at: Vec<_> = cells.iter().filter_map(|cell| words.iter().position(|word| word == cell)).collect();
        return json!({ "words": words, "at": at });
    }
    if cells.iter().all(Value::is_object) {
        return json!({ "objects": tables(cells) });
    }
    if cells.iter().all(|cell| cell.as_array().is_some_and(|items| items.len() == 2)) {
        let (first, second): (Vec<_>, Vec<_>) =
            cells.into_iter().map(|mut pair| (pair[0].take(), pair[1].take())).unzip();
        return json!({ "first": column(first), "second": column(second) });
    }
    if cells.iter().all(Value::is_array) {
        let items: Vec<Vec<Value>> = cells.into_iter().map(into_items).collect();
        let lengths: Vec<Value> = items.iter().map(|items| items.len().into()).collect();
        return json!({ "lengths": column(lengths), "items": column(items.concat()) });
    }
    Value::Array(cells)
}

/// Returns the cells of a packed column.
fn cells_of(mut packed: Value, count: usize) -> Vec<Value> {
    if packed.is_array() {
        return into_items(packed);
    }
    let mut part = |name: &str| packed.get_mut(name).map(Value::take);
    if let Some(cycle) = part("cycle") {
        return into_items(cycle).into_iter().cycle().take(count).collect();
    }
    if let Some(words) = part("words") {
        let at = into_items(part("at").unwrap_or_default());
        return at.iter().map(|at| words[at.as_u64().unwrap_or_default() as usize].clone()).collect();
    }
    if let Some(objects) = part("objects") {
        return into_items(unpack(objects));
    }
    if let Some((first, second)) = part("first").zip(part("second")) {
        let pairs = cells_of(first, count).into_iter().zip(cells_of(second, count));
        return pairs.map(|(first, second)| json!([first, second])).collect();
    }
    if let Some((lengths, items)) = part("lengths").zip(part("items")) {
        let lengths = cells_of(lengths, count).into_iter().map(|length| length.as_u64().unwrap_or_default());
        let lengths: Vec<usize> = lengths.map(|length| length as usize).collect();
        let mut items = cells_of(items, lengths.iter().sum()).into_iter();
        return lengths.into_iter().map(|length| items.by_ref().take(length).collect()).collect();
    }
    Vec::new()
}

/// Returns the length of the part that the cells repeat, or their number.
fn period(cells: &[Value]) -> usize {
    const LONGEST: usize = 64;
    let repeats = |length: &usize| cells.iter().zip(&cells[*length..]).all(|(cell, later)| cell == later);
    (1..=LONGEST.min(cells.len() / 2)).find(repeats).unwrap_or(cells.len().max(1))
}

fn into_items(value: Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items,
        _ => Vec::new(),
    }
}

/// Rounds figures to four significant digits, about the resolution of the histograms.
pub(super) fn round(value: Value) -> Value {
    match value {
        Value::Number(number) if number.is_f64() => rounded(number.as_f64().unwrap_or_default()),
        Value::Array(items) => items.into_iter().map(round).collect(),
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (name, round(value))).collect(),
        other => other,
    }
}

fn rounded(figure: f64) -> Value {
    // Percentiles such as 99.999 have more digits, and are never large.
    let text = if figure.abs() < 100.0 && figure.abs() > 90.0 {
        figure.to_string()
    } else {
        format!("{figure:.3e}")
    };
    let figure: f64 = text.parse().unwrap_or(figure);
    let whole = figure.fract() == 0.0 && figure.abs() < 1e15;
    if whole { (figure as i64).into() } else { figure.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn restored(value: &Value) -> Value {
        unpack(serde_json::from_str(&pack(value.clone()).to_string()).unwrap())
    }

    #[test]
    fn unpack_restores_objects_of_different_shapes_in_order() {
        let rows = json!({ "rows": [
            { "name": "a", "n": 1, "nested": { "x": 1.5, "y": [] } },
            { "name": "b", "list": [{ "k": 1 }, { "k": 2, "m": "z" }] },
            { "name": "a", "n": 2, "nested": { "x": 2.5, "y": [1, "two", [3]] } },
            { "name": "c", "list": [] },
            {},
        ], "other": [1, [2], "x"], "empty": [] });
        assert_eq!(restored(&rows), rows);
    }

    #[test]
    fn unpack_restores_ladders_and_pack_writes_their_steps_once() {
        let ladder = |n: u64| json!([[50.0, n], [99.0, n + 1], [99.9, n * n]]);
        let rows = json!([{ "p": ladder(3) }, { "p": ladder(4) }, { "p": [] }, { "p": ladder(9) }]);
        assert_eq!(restored(&rows), rows);
        assert_eq!(pack(rows).to_string().matches("99.9").count(), 1);
    }

    #[test]
    fn pack_omits_nulls_and_unpack_passes_other_json() {
        assert_eq!(restored(&json!([{ "a": null, "b": 1 }])), json!([{ "b": 1 }]));
        let plain = json!([{ "schema": 1, "results": [{ "mechanism": "pipe" }] }]);
        assert_eq!(unpack(plain.clone()), plain);
    }

    #[test]
    fn round_keeps_four_digits_and_whole_numbers() {
        let figures = json!([253.567, 495_190.015, 0.000_123_456, 99.999, 64, 1e300, -2.0]);
        assert_eq!(round(figures), json!([253.6, 495_200, 0.000_123_5, 99.999, 64, 1e300, -2]));
    }
}
