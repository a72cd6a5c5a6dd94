//! The demo to look at afterwards: what it printed and when, as a terminal recording and as still pictures.
//!
//! Source: asciicast v2 (one JSON array a line: seconds, "o", text); SVG 1.1.
//! Owns: both forms. Never: a folder of the machine: the one that the demo was started in is written as `~/sscard`.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::json;

/// Columns of the pictures.
const COLUMNS: usize = 132;
/// Lines of the terminal in the recording.
const ROWS: usize = 40;
/// Pixels of a column and of a line.
const CELL: (usize, usize) = (8, 18);
/// Pixels around the text.
const EDGE: usize = 16;
/// Steps in one picture.
const STEPS: usize = 4;

/// Lines with the second at which each was printed.
#[derive(Debug, Default)]
pub struct Recording(Vec<(f64, String)>);

impl Recording {
    /// One more line, or several.
    pub fn line(&mut self, seconds: f64, text: &str, here: &Path) {
        let here = here.to_string_lossy();
        let lines = text.split('\n').map(|line| (seconds, line.replace(&*here, "~/sscard")));
        self.0.extend(lines);
    }

    /// Writes `demo.LANGUAGE.cast` and pictures of some steps each, `demo.LANGUAGE.1.svg` and so on.
    ///
    /// # Errors
    /// What the system reports.
    pub fn write(&self, folder: &Path, language: &str) -> std::io::Result<()> {
        fs::create_dir_all(folder)?;
        fs::write(folder.join(format!("demo.{language}.cast")), self.cast())?;
        for (index, lines) in self.scenes().iter().enumerate() {
            fs::write(folder.join(format!("demo.{language}.{}.svg", index + 1)), picture(lines))?;
        }
        Ok(())
    }

    fn cast(&self) -> String {
        let mut text = format!("{}\n", json!({ "version": 2, "width": COLUMNS, "height": ROWS, "title": "make demo" }));
        for (seconds, line) in &self.0 {
            // A string never fails to take text.
            let _ = writeln!(text, "{}", json!([seconds, "o", format!("{line}\r\n")]));
        }
        text
    }

    /// The lines of some steps each, those before the first step with it.
    fn scenes(&self) -> Vec<Vec<&str>> {
        let mut scenes = vec![Vec::new()];
        let mut steps = 0;
        for (_, line) in &self.0 {
            if line.starts_with('[') {
                if steps > 0 && steps % STEPS == 0 {
                    scenes.push(Vec::new());
                }
                steps += 1;
            }
            scenes.last_mut().expect("one at least").push(line.as_str());
        }
        scenes
    }
}

fn picture(lines: &[&str]) -> String {
    let begin = lines.iter().position(|line| !line.is_empty()).unwrap_or(0);
    let end = lines.iter().rposition(|line| !line.is_empty()).map_or(0, |last| last + 1);
    let lines = lines.get(begin..end).unwrap_or_default();
    let (width, height) = (COLUMNS * CELL.0 + 2 * EDGE, lines.len() * CELL.1 + 2 * EDGE);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#1b1f27\"/>\n\
         <g font-family=\"ui-monospace, 'DejaVu Sans Mono', 'WenQuanYi Micro Hei Mono', monospace\" font-size=\"13\">\n"
    );
    for (row, line) in lines.iter().enumerate() {
        let colour = match line.trim_start().chars().next() {
            Some('[') => "#ffd479",
            Some('✓') => "#b5e8a0",
            Some('│') => "#8fa3bf",
            _ => "#e6e6e6",
        };
        let y = EDGE + (row + 1) * CELL.1 - 5;
        let shown: String = line.chars().take(COLUMNS).collect();
        let shown = shown.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let _ = writeln!(svg, "<text x=\"{EDGE}\" y=\"{y}\" fill=\"{colour}\" xml:space=\"preserve\">{shown}</text>");
    }
    svg + "</g>\n</svg>\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_their_time_and_lose_the_folder_of_the_machine() {
        let mut recording = Recording::default();
        recording.line(0.5, "\n[1] First <step>", Path::new("/here/somebodys/toolkit"));
        recording.line(1.25, "cd /here/somebodys/toolkit/target/demo && ls", Path::new("/here/somebodys/toolkit"));
        let cast = recording.cast();
        let lines: Vec<serde_json::Value> =
            cast.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(lines[0]["version"], 2);
        assert_eq!(lines[2], json!([0.5, "o", "[1] First <step>\r\n"]));
        assert_eq!(lines[3], json!([1.25, "o", "cd ~/sscard/target/demo && ls\r\n"]));
        let svg = picture(&recording.scenes()[0]);
        assert!(svg.contains("[1] First &lt;step&gt;</text>") && !svg.contains("somebodys"), "{svg}");
    }

    #[test]
    fn a_picture_holds_four_steps() {
        let mut recording = Recording::default();
        for step in 1..=9 {
            recording.line(f64::from(step), &format!("[{step}] step\n  done"), Path::new("/here"));
        }
        let counts: Vec<usize> = recording.scenes().iter().map(Vec::len).collect();
        assert_eq!(counts, [8, 8, 2]);
    }
}
