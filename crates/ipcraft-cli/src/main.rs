//! The `ipcraft` command.

fn main() {}
