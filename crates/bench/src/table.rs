//! Tables in Markdown.

use std::fmt::Display;

/// Rows under a head. Printed as they come, so that a long run shows what it has.
#[derive(Debug)]
pub struct Table;

impl Table {
    /// Prints the head of a table.
    pub fn begin(head: &[&str]) -> Self {
        println!("\n| {} |", head.join(" | "));
        println!("|{}", "---|".repeat(head.len()));
        Self
    }

    /// Prints one row.
    pub fn row(&self, cells: &[&dyn Display]) {
        let cells: Vec<String> = cells.iter().map(|cell| cell.to_string()).collect();
        println!("| {} |", cells.join(" | "));
    }
}
