//! Steps 1 and 2: a centre with its keys, and the registry of the bureau.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use serde_json::Value;

use super::Stage;
use crate::failure::{Failure, must_be};
use crate::output::words;
use crate::registry::FaultKind;

/// Operators of the demo's centre: nobody approves what they made.
pub(super) const MAKER: &str = "maker-a";
pub(super) const CHECKER: &str = "checker-b";
/// Who hands cards out and takes reports of loss.
pub(super) const CLERK: &str = "clerk-c";

/// Lines of key check values that are shown on the screen.
const KEYS_SHOWN: usize = 8;
/// Kinds of faults that are shown on the screen.
const FAULTS_SHOWN: usize = 5;

impl Stage<'_> {
    pub(super) fn make_centre(&mut self) -> Result<(), Failure> {
        self.step(&words("Make a centre", "建立发卡中心"));
        let began = Instant::now();
        self.folder.write_secret("secrets/vault.passphrase", "demo-vault-passphrase: rehearsal keys only\n")?;
        let passphrase = format!("file:{}", self.folder.text("secrets/vault.passphrase"));
        let init = self.programs.call("issuer").arg("--data").arg(self.folder.text("centre"));
        let answer = init.arg("--passphrase").arg(passphrase).words("init --format text").ok()?;
        self.done(
            began,
            "database, sealed vault with random rehearsal keys; key check values:",
            "数据库、加密密钥库（演练用随机密钥）；密钥校验值:",
        );
        self.output.quote(&first_lines(&answer.stdout, KEYS_SHOWN));
        let began = Instant::now();
        for (name, roles) in [
            (MAKER, "--role capture --role approve --role station --role keys --role clearing"),
            (CHECKER, "--role approve --role audit --role clearing"),
            (CLERK, "--role counter"),
        ] {
            self.issuer(&format!("operator add {name} {roles}")).ok()?;
        }
        self.done(
            began,
            format!("operators {MAKER}, {CHECKER}, {CLERK}"),
            format!("操作员 {MAKER}、{CHECKER}、{CLERK}"),
        );
        Ok(())
    }

    pub(super) fn import_registry(&mut self) -> Result<(), Failure> {
        self.step(&words("Import the bureau's registry", "导入参保登记文件"));
        let bytes = self.registry.to_gb18030();
        let file = self.folder.write("registry.csv", &bytes)?;
        let (good, faulty) = (self.registry.good.len(), self.registry.faulty.len());

        let began = Instant::now();
        let dry = self
            .issuer_with_vault("person import --dry-run --operator")
            .arg(MAKER)
            .arg(file.clone())
            .run()?
            .with_code(10)?;
        self.check_import(&dry.json()?)?;
        self.done(began, "dry run: the same answer, nobody registered", "试导入: 结果相同，未登记任何人");

        let began = Instant::now();
        let report = self.folder.path("reports/import.json");
        let import = self.issuer_with_vault("person import").arg(file).arg("--report").arg(report.clone());
        let answer = import.arg("--operator").arg(MAKER).run()?.with_code(10)?;
        let json = answer.json()?;
        self.check_import(&json)?;
        let written = std::fs::read_to_string(&report).map_err(|source| Failure::File { path: report, source })?;
        let written: Value = serde_json::from_str(&written).map_err(|_| answer.lacks("a report file of JSON"))?;
        must_be("the report file against the answer", &written["faults"], &json["faults"])?;
        self.summary.persons_accepted = answer.number("/created")?;
        self.summary.persons_rejected = answer.number("/refused")?;
        let kinds: BTreeSet<&str> = self.registry.faulty.iter().map(|fault| fault.kind.code()).collect();
        self.done(
            began,
            format!(
                "{good} people of 18 counties accepted, {faulty} rows of {} kinds refused with row, column and remedy, such as:",
                kinds.len()
            ),
            format!("18 县 {good} 人入库，{faulty} 行退回（{} 类问题，逐行列出原因和处理办法），例如:", kinds.len()),
        );
        for fault in json["faults"].as_array().into_iter().flatten().step_by(7).take(FAULTS_SHOWN) {
            let text = |name: &str| fault[name].as_str().unwrap_or_default().to_owned();
            self.output.quote(&format!(
                "row {} {} {}: {} - {}",
                fault["row"],
                text("column"),
                text("value"),
                text("message"),
                text("remedy")
            ));
        }
        Ok(())
    }

    /// Exactly the good rows are in, exactly the faulty rows are out, each for its own fault, and no value stands in the report.
    fn check_import(&self, json: &Value) -> Result<(), Failure> {
        let count =
            |name: &str| json[name].as_u64().and_then(|count| usize::try_from(count).ok()).unwrap_or(usize::MAX);
        must_be("rows accepted", &count("created"), &self.registry.good.len())?;
        must_be("rows rejected", &count("refused"), &self.registry.faulty.len())?;
        let mut found: BTreeMap<u64, Vec<&Value>> = BTreeMap::new();
        for fault in json["faults"].as_array().into_iter().flatten() {
            found.entry(fault["row"].as_u64().unwrap_or_default()).or_default().push(fault);
        }
        let rows: Vec<u64> = found.keys().copied().collect();
        let expected: BTreeSet<u64> = self.registry.faulty.iter().map(|fault| row_number(fault.row)).collect();
        must_be("rows with faults", &rows, &expected.into_iter().collect())?;
        for fault in &self.registry.faulty {
            let here = &found[&row_number(fault.row)];
            let told = here.iter().find(|told| told["code"] == fault.kind.code());
            let Some(told) = told else {
                return Err(Failure::Mismatch {
                    what: format!("fault of row {}", fault.row),
                    expected: fault.kind.code().to_owned(),
                    found: format!("{here:?}"),
                });
            };
            for part in ["column", "message", "remedy"] {
                must_be(
                    format!("row {}: {part} is told", fault.row),
                    &told[part].as_str().is_some_and(|text| !text.is_empty()),
                    &true,
                )?;
            }
            if let FaultKind::NameUnencodable(character) = fault.kind {
                let code = format!("U+{:04X}", u32::from(character));
                let named = told["message"].as_str().unwrap_or_default().contains(&code);
                must_be(format!("row {}: the character {code} is named", fault.row), &named, &true)?;
            }
        }
        let text = json.to_string();
        let leaked = self.registry.good.iter().find(|row| text.contains(&row.person.number));
        must_be("no whole number stands in the report", &leaked.is_none(), &true)
    }
}

fn row_number(row: usize) -> u64 {
    u64::try_from(row).expect("a file has fewer than 2^64 lines")
}

fn first_lines(text: &str, count: usize) -> String {
    let mut shown = text.lines().take(count).collect::<Vec<_>>().join("\n");
    let more = text.lines().count().saturating_sub(count);
    if more > 0 {
        shown.push_str(&format!("\n… + {more}"));
    }
    shown
}
