//! The table and its JSON: the only file of this program that prints.

use std::path::Path;

use crate::measure::{Aim, Row};

/// Prints the table, and writes `bench.json` into the folder.
///
/// # Errors
/// The system's error when the file cannot be written.
pub fn report(rows: &[Row], folder: &Path) -> std::io::Result<()> {
    println!("{:<44} {:>12} {:>12} {:<10} {:>6}  {:<15}", "what", "ours", "bare", "unit", "ratio", "aim");
    for row in rows {
        let aim = match row.aim {
            Aim::AtMost(bound) => format!("<= {bound:.2}"),
            Aim::AtLeast(bound) => format!(">= {bound:.2}"),
            Aim::OursAtMost(bound) => format!("<= {bound} {}", row.unit),
            Aim::OursAtLeast(bound) => format!(">= {bound} {}", row.unit),
            Aim::None => String::new(),
        };
        let missed = if row.met { "" } else { "MISSED" };
        println!(
            "{:<44} {:>12} {:>12} {:<10} {:>6.3}  {:<15} {missed}",
            row.what,
            figure(row.ours),
            figure(row.bare),
            row.unit,
            row.ratio,
            aim
        );
    }
    println!();
    for row in rows.iter().filter(|row| !row.note.is_empty()) {
        println!("{}: {}", row.what, row.note);
    }
    let path = folder.join("bench.json");
    std::fs::create_dir_all(folder)?;
    std::fs::write(&path, serde_json::to_string_pretty(rows)? + "\n")?;
    println!("\nwritten to {}", path.display());
    Ok(())
}

/// Prints one row as JSON, for the program that started this one.
///
/// # Errors
/// The error of the writer.
pub fn one(row: &Row) -> std::io::Result<()> {
    println!("{}", serde_json::to_string(row)?);
    Ok(())
}

/// Writes `docs/wire.md` of the folder that the program is started in.
///
/// # Errors
/// The system's error when the file cannot be written.
pub fn page(text: &str) -> std::io::Result<()> {
    std::fs::write(Path::new("docs").join("wire.md"), text)
}

/// Says which measurements there are.
pub fn usage(names: &[&str]) {
    eprintln!("measurements: {}", names.join(", "));
}

fn figure(value: f64) -> String {
    if value >= 1000.0 { format!("{value:.0}") } else { format!("{value:.2}") }
}
