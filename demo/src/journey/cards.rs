//! Step 3: cards for forty-two people, on two readers side by side, with one card pulled and one that fails.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::centre::{CHECKER, CLERK, MAKER};
use super::{PSAM_SLOT, STATION_SLOTS, Stage};
use crate::failure::{Failure, must_be};
use crate::interrupt;
use crate::output::words;
use crate::programs::{Answer, Running};
use crate::readers::Readers;

/// People who get a card.
pub(super) const CARDS: i64 = 42;
/// Blanks of the lot: one is a lemon, one stays over.
const BLANKS: i64 = 44;
/// The blank that someone pulls, and the one whose memory fails: places in the lot, from 1.
const PULLED: i64 = 9;
const LEMON: i64 = 14;
/// The pharmacy, and the terminal that its PSAM makes.
pub(super) const INSTITUTION: &str = "P51330100001";
const INSTITUTION_NAME: &str = "示范药店";
pub(super) const TERMINAL: &str = "513301000001";
/// First serial of the lot; the others count up.
const FIRST_SERIAL: u64 = 0x5133_0000_0001;
/// How often the progress of the stations is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(40);

/// A card that was issued.
#[derive(Debug, Clone)]
pub(super) struct IssuedCard {
    /// 卡号.
    pub(super) number: String,
    /// 卡的识别码, hex.
    pub(super) identifier: String,
    /// Serial of the chip, the end of its reset information.
    pub(super) serial: String,
    /// Row of the person in the registry, from 0.
    pub(super) person: usize,
    /// Its image.
    pub(super) image: PathBuf,
}

impl<'a> Stage<'a> {
    pub(super) fn make_blanks(&mut self) -> Result<Readers<'a>, Failure> {
        self.step(&words("Blank cards, a PSAM, readers", "空白卡、PSAM、读写器"));
        let began = Instant::now();
        let blanks = self.folder.path("blanks");
        let new = self.programs.call("card-sim").words("new --profile ssc-3.0 --out-dir").arg(blanks.clone());
        let first = format!("{FIRST_SERIAL:012X}");
        new.arg("--count").arg(BLANKS.to_string()).arg("--serial").arg(first).ok()?;
        for (place, fault) in
            [(PULLED, "--power-loss before --at 60 --back-after 900"), (LEMON, "--lemon-after-writes 40")]
        {
            let image = blanks.join(format!("{}.card", serial(place)));
            self.programs.call("card-sim").arg("fault").arg(image).words(fault).ok()?;
        }
        let psam = self.folder.text("psam.card");
        self.programs.call("card-sim").words("new --profile psam --serial 513300FF0001 --out").arg(psam).ok()?;
        self.done(
            began,
            format!("{BLANKS} blanks as a factory delivers them: transport keys, initial PIN, empty files; one PSAM"),
            format!("{BLANKS} 张出厂空白卡（传输密钥、初始密码、空文件），1 张 PSAM"),
        );
        let began = Instant::now();
        let readers = Readers::start(self.programs, &self.folder, 4, &blanks)?;
        self.done(
            began,
            "a private PC/SC daemon with four readers: two stations, the PSAM, the counter",
            "私有 PC/SC 服务和四个读写器: 两个制卡工位、PSAM、柜台",
        );
        Ok(readers)
    }

    pub(super) fn make_cards(&mut self, readers: &Readers<'_>) -> Result<Vec<IssuedCard>, Failure> {
        self.step(&words("Make cards", "制卡"));
        let began = Instant::now();
        let batch = self.issuer("batch create --operator").arg(MAKER).arg("--count").arg(CARDS.to_string()).ok()?;
        let number = batch.number("/number")?.to_string();
        must_be("cards of the batch", &batch.number("/cards")?, &CARDS)?;
        let own = self.issuer("batch approve --operator").arg(MAKER).arg(number.clone()).run()?;
        must_be("exit code when the maker approves", &own.code, &3)?;
        must_be("the reason is the maker", &own.stderr.contains("BATCH_MAKER_IS_CHECKER"), &true)?;
        self.issuer("batch approve --operator").arg(CHECKER).arg(number.clone()).ok()?;
        self.done(
            began,
            format!("batch {number} of {CARDS} people, made by {MAKER}, refused to {MAKER}, approved by {CHECKER}"),
            format!("批次 {number}: {CARDS} 人，{MAKER} 制单，{MAKER} 自审被拒，{CHECKER} 审核通过"),
        );

        let began = Instant::now();
        let run = self.issuer_with_vault("batch run --operator").arg(MAKER).arg(number.clone());
        let [first, second] = STATION_SLOTS.map(|slot| readers.name(slot).to_owned());
        let run = run.arg("--reader").arg(first).arg("--reader").arg(second).arg("--feeder").arg(readers.feeder());
        let running = run.arg("--receipts").arg(self.folder.text("reports/receipts")).words("--wait 30").start()?;
        interrupt::end_with_us(&self.folder.path(""), running.id());
        let answer = self.watched(running)?;
        self.folder.write("reports/batch.jsonl", answer.stdout.as_bytes())?;
        let answer = answer.with_code(0)?;
        self.check_run(&answer)?;
        must_be("receipts", &self.count_receipts()?, &CARDS)?;
        self.done(
            began,
            format!("{CARDS} cards written, read back and compared on two readers, with a receipt each"),
            format!("两个工位制成 {CARDS} 张，逐张回读核对，各留回执"),
        );
        for event in answer.json_lines()?.iter().filter(|event| event["event"].is_string()) {
            let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
            if !["begun", "made"].contains(&text("event").as_str()) {
                self.output.quote(&format!(
                    "reader {}: card of job {} {} {}",
                    text("reader"),
                    event["job"],
                    text("event"),
                    text("reason")
                ));
            }
        }

        let began = Instant::now();
        readers.eject(&STATION_SLOTS)?;
        let cards = self.collect_cards(&number)?;
        self.done(
            began,
            format!("{} images in cards/, named by card number", cards.len()),
            format!("{} 个卡映像存于 cards/，以卡号命名", cards.len()),
        );
        Ok(cards)
    }

    /// Shows how far the stations are until they end.
    fn watched(&self, mut running: Running) -> Result<Answer, Failure> {
        let total = usize::try_from(CARDS).unwrap_or(0);
        while !running.ended() {
            self.output.progress(running.said().matches(r#""event":"made""#).count(), total);
            std::thread::sleep(LOOK_EVERY);
        }
        self.output.progress_over();
        running.wait(crate::programs::PATIENCE)
    }

    fn check_run(&mut self, answer: &Answer) -> Result<(), Failure> {
        let lines = answer.json_lines()?;
        let count =
            |event: &str| i64::try_from(lines.iter().filter(|line| line["event"] == event).count()).unwrap_or(i64::MAX);
        must_be("cards made, by events", &count("made"), &CARDS)?;
        must_be("cards spoilt, by events", &count("spoilt"), &1)?;
        must_be("cards pulled, by events", &count("pulled"), &1)?;
        must_be("cards put back, by events", &count("returned"), &1)?;
        let end = lines.last().cloned().unwrap_or(Value::Null);
        for (name, expected) in [("made", CARDS), ("spoilt", 1), ("left", 0)] {
            must_be(format!("{name}, at the end of the run"), &end[name].as_i64(), &Some(expected))?;
        }
        let busy = end["readers"].as_array().into_iter().flatten().filter(|reader| reader["made"].as_i64() > Some(0));
        must_be("readers that made cards", &busy.count(), &2)?;
        self.summary.cards_issued = end["made"].as_i64().unwrap_or_default();
        self.summary.cards_spoilt = end["spoilt"].as_i64().unwrap_or_default();
        Ok(())
    }

    fn count_receipts(&self) -> Result<i64, Failure> {
        let path = self.folder.path("reports/receipts");
        let names = std::fs::read_dir(&path).map_err(|source| Failure::File { path, source })?;
        let receipts = names.flatten().filter(|entry| entry.path().extension().is_some_and(|ending| ending == "json"));
        Ok(i64::try_from(receipts.count()).unwrap_or(i64::MAX))
    }

    /// Matches cards with images, checks numbers and states, and files the images by card number.
    fn collect_cards(&self, batch: &str) -> Result<Vec<IssuedCard>, Failure> {
        let list = self.issuer("card list --batch").arg(batch).ok()?;
        let rows = list.json()?["cards"].as_array().cloned().unwrap_or_default();
        let mut cards = Vec::new();
        let mut spoilt = Vec::new();
        for row in &rows {
            let text = |name: &str| row[name].as_str().map(str::to_owned).ok_or_else(|| list.lacks(name));
            let chip = text("chip")?;
            let place = (1..=BLANKS).find(|place| chip.ends_with(&serial(*place)));
            let place = place.ok_or_else(|| list.lacks("a chip of the lot"))?;
            if text("state")? == "spoilt" {
                must_be("the spoilt chip", &place, &LEMON)?;
                spoilt.push(text("card_number")?);
                continue;
            }
            let number = text("card_number")?;
            let person = row["person"].as_u64().and_then(|person| usize::try_from(person).ok()).unwrap_or(0);
            let name = format!("cards/{number}.card");
            self.folder.rename(&self.folder.path(&format!("blanks/{}.card", serial(place))), &name)?;
            let image = self.folder.path(&name);
            cards.push(IssuedCard {
                number,
                identifier: text("card_identifier")?,
                serial: serial(place),
                person: person.wrapping_sub(1),
                image,
            });
        }
        must_be("cards recorded", &i64::try_from(cards.len()).unwrap_or(0), &CARDS)?;
        must_be("cards recorded as spoilt", &spoilt.len(), &1)?;
        let again = cards.iter().any(|card| spoilt.contains(&card.number));
        must_be("the number of the spoilt card stands on another card", &again, &false)?;
        let mut people: Vec<usize> = cards.iter().map(|card| card.person).collect();
        people.sort_unstable();
        let expected: Vec<usize> = (0..people.len()).collect();
        must_be("one card for each of the first people of the registry", &people, &expected)?;
        cards.sort_by_key(|card| card.person);
        Ok(cards)
    }

    /// Nobody can load or pay with a card before it is handed out.
    pub(super) fn hand_out(&mut self, cards: &[IssuedCard]) -> Result<(), Failure> {
        self.step(&words("Hand the cards out", "发卡启用"));
        let began = Instant::now();
        let early = self.issuer("account allot --operator").arg(MAKER).words("--amount 1.00 --card");
        let early = early.arg(cards[0].identifier.clone()).run()?.with_code(3)?;
        must_be("a sealed card takes no money", &early.stderr.contains("CARD_NOT_ACTIVE"), &true)?;
        let own = self.issuer("card activate --operator").arg(MAKER).arg(cards[0].number.clone()).run()?;
        must_be("exit code when a maker hands out", &own.code, &3)?;
        let activated = self.issuer("card activate --batch 1 --operator").arg(CLERK).ok()?;
        let rows = activated.json()?["cards"].as_array().cloned().unwrap_or_default();
        let normal = rows.iter().filter(|card| card["state"] == "normal" && card["aaz502"] == "1").count();
        must_be("cards handed out", &normal, &cards.len())?;
        self.done(
            began,
            format!("{normal} cards activated by {CLERK}: sealed (0) → normal (1); no money for a sealed card"),
            format!("{CLERK} 启用 {normal} 张: 封存(0) → 正常(1)；封存卡不得划入"),
        );
        Ok(())
    }

    pub(super) fn make_psam(&mut self, readers: &Readers<'_>) -> Result<(), Failure> {
        self.step(&words("Make the terminal's PSAM", "制作终端 PSAM"));
        let began = Instant::now();
        let add = self.issuer("institution add --region 513301 --type pharmacy --operator").arg(MAKER);
        add.arg("--name").arg(INSTITUTION_NAME).arg(INSTITUTION).ok()?;
        readers.insert(&[(PSAM_SLOT, self.folder.path("psam.card"))])?;
        let personalize = self.issuer_with_vault("psam personalize --operator").arg(MAKER);
        let personalize = personalize.arg("--terminal-number").arg(TERMINAL).arg("--institution").arg(INSTITUTION);
        personalize.arg("--reader").arg(readers.name(PSAM_SLOT)).ok()?;
        self.done(
            began,
            "keys loaded over PC/SC, diversified down to the levels that its key table allows",
            "通过 PC/SC 装入密钥，按密钥表逐级分散",
        );
        Ok(())
    }
}

fn serial(place: i64) -> String {
    let place = u64::try_from(place).unwrap_or_default();
    format!("{:012X}", FIRST_SERIAL + place - 1)
}
