//! The command line; only wires rooms together.

fn main() {}
