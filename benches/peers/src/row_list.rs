//! What there is to measure.

use crate::rows::ROWS;

/// One line a row, and one a contestant.
pub(crate) fn text() -> String {
    let mut text = String::new();
    for row in ROWS {
        text += &format!("{}  {}\n", row.id, row.title);
        for contestant in row.contestants {
            text += &format!("    {}\n", contestant.id);
        }
    }
    text
}
