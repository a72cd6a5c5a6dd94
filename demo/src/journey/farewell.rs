//! Step 7: the summary, and how to look around in what the demo leaves behind.

use std::path::Path;

use super::Stage;
use super::cards::{INSTITUTION, IssuedCard};
use super::counter::write_configuration;
use crate::failure::Failure;
use crate::output::{Words, words};
use crate::readers;

/// Where `issuer serve` listens unless told otherwise.
const DEFAULT_PORT: &str = "7301";

/// What to type, and why.
struct Suggestion {
    why: Words,
    commands: Vec<String>,
}

impl Stage<'_> {
    /// Writes `summary.json`, shows the table, prints commands to go on with and leaves them in `explore.sh`.
    pub(super) fn farewell(&mut self, card: &IssuedCard) -> Result<(), Failure> {
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
        write_configuration(&self.folder, None, DEFAULT_PORT)?;
        let suggestions = self.suggestions(card);
        let here = std::env::current_dir().unwrap_or_default();
        let mut script = format!("cd {}\n", word(&here.display().to_string()));
        self.output.line("");
        self.output.line(self.output.pick(&words(
            "To look around (the same is in explore.sh of the demo's folder):",
            "可继续查看（同样的命令在演示目录的 explore.sh 中）:",
        )));
        for suggestion in suggestions {
            let why = format!("# {}", self.output.pick(&suggestion.why));
            self.output.line(&format!("  {why}"));
            script.push_str(&format!("{why}\n"));
            for command in suggestion.commands {
                self.output.line(&format!("  {command}"));
                script.push_str(&format!("{command}\n"));
            }
        }
        self.folder.write("explore.sh", script.as_bytes())?;
        Ok(())
    }

    fn suggestions(&self, card: &IssuedCard) -> Vec<Suggestion> {
        let program = |name: &str| short(&self.programs.path(name));
        let [issuer, sscard, card_sim] = ["issuer", "sscard", "card-sim"].map(program);
        let path = |name: &str| short(&self.folder.path(name));
        let (centre, image, psam) = (path("centre"), short(&card.image), path("psam.card"));
        let passphrase = path("secrets/vault.passphrase");
        let (state, pin, date) =
            (short(&readers::state_folder(&self.folder.path(""))), path("secrets/holder.pin"), &self.business_date);
        vec![
            Suggestion {
                why: words(
                    "the centre: people, cards, accounts, the closed day, the audit log",
                    "中心: 人员、卡、账户、清算日、审计",
                ),
                commands: vec![
                    format!("export ISSUER_DATA={centre}"),
                    format!("{issuer} --passphrase file:{passphrase} person list --limit 5"),
                    format!("{issuer} card list --batch 1"),
                    format!("{issuer} account list --prefix card:"),
                    format!("{issuer} statement --institution {INSTITUTION} --date {date}"),
                    format!("{issuer} audit verify"),
                ],
            },
            Suggestion {
                why: words("a card that is in no reader", "不在读写器中的卡"),
                commands: vec![format!("{card_sim} show {image}")],
            },
            Suggestion {
                why: words(
                    "the PSAM and a card in readers of a private PC/SC daemon; pcsc_scan and opensc-tool see them too",
                    "把 PSAM 和卡放入私有 PC/SC 读写器（pcsc_scan、opensc-tool 也能看到）",
                ),
                commands: vec![
                    format!("eval \"$({card_sim} reader start --state {state} {psam} {image})\""),
                    format!("export SSCARD_CONFIG={}", path("terminal/sscard.toml")),
                    format!("{sscard} readers"),
                    format!("{sscard} card read"),
                    format!("{sscard} balance"),
                    format!("{sscard} log --pin file:{pin}"),
                    format!("{sscard} journal list"),
                    format!("{card_sim} reader stop --state {state}"),
                ],
            },
        ]
    }
}

/// A path as a word of the shell, relative where that is shorter.
fn short(path: &Path) -> String {
    let relative = std::env::current_dir().ok().and_then(|here| path.strip_prefix(here).map(Path::to_owned).ok());
    word(&relative.as_deref().unwrap_or(path).display().to_string())
}

/// A text as one word of the shell.
fn word(text: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "/._-+".contains(character);
    if text.chars().all(plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// Columns on a screen: Chinese characters take two.
fn columns(text: &str) -> usize {
    text.chars().map(|character| if u32::from(character) >= 0x1100 { 2 } else { 1 }).sum()
}
