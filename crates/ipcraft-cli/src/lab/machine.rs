//! `ipcraft lab machine`.

use super::{Failure, Outcome, table};
use ipcraft_lab::machine::facilities;

pub(super) fn outcome() -> Result<Outcome, Failure> {
    let facilities = facilities()?;
    let mut rows = table(&["facility", "permitted", "found", "used by"]);
    let mut missing = String::new();
    for facility in &facilities {
        let permitted = if facility.permitted { "yes" } else { "no" };
        rows.add_row([&facility.name, permitted, &facility.found, &facility.used_by]);
        if !facility.permitted {
            missing += &format!("{} needs: {}\n", facility.name, facility.needs);
        }
    }
    Ok(Outcome::new(format!("{}\n{missing}", rows.trim_fmt()), &facilities, Vec::new())?)
}
