//! Step 7: the summary, and how to look around in what the demo leaves behind.

use super::Stage;
use crate::failure::Failure;
use crate::output::words;

impl Stage<'_> {
    /// Writes `summary.json`, shows the table, prints commands to go on with.
    pub(super) fn farewell(&mut self) -> Result<(), Failure> {
        self.summary.seconds = (self.output.seconds() * 1000.0).round() / 1000.0;
        let json = serde_json::to_string_pretty(&self.summary).expect("plain numbers");
        self.folder.write("summary.json", format!("{json}\n").as_bytes())?;
        self.step(&words("Summary", "汇总"));
        let rows = self.summary.rows();
        let width = rows.iter().map(|(label, _)| columns(self.output.pick(label))).max().unwrap_or(0);
        for (label, value) in rows {
            let label = self.output.pick(&label).to_owned();
            let gap = " ".repeat(width - columns(&label));
            self.output.line(&format!("    {label}{gap}  {value:>12}"));
        }
        Ok(())
    }
}

/// Columns on a screen: Chinese characters take two.
fn columns(text: &str) -> usize {
    text.chars().map(|character| if u32::from(character) >= 0x1100 { 2 } else { 1 }).sum()
}
