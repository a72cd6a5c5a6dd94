//! Steps 4 and 5: a pharmacy's terminal: cards are read, get their own PIN, are loaded online, and pay.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::cards::{INSTITUTION, IssuedCard, TERMINAL};
use super::centre::{CHECKER, CLERK, MAKER};
use super::{COUNTER_SLOTS, PSAM_SLOT, Stage};
use crate::failure::{Failure, must_be};
use crate::folder::Folder;
use crate::interrupt;
use crate::output::words;
use crate::pharmacy::{self, Bill};
use crate::programs::{Answer, Call, Running};
use crate::readers::Readers;
use crate::summary::yuan;

/// What every loaded card gets.
pub(super) const LOAD_FEN: i64 = 50_000;
/// INS of DEBIT FOR PURCHASE of the account application.
const DEBIT: &str = "2C";
/// Longest wait for the centre's service.
const SERVICE_LIMIT: Duration = Duration::from_secs(10);

/// A holder at the counter: which card, which bills, what happens.
struct Visit {
    card: usize,
    bills: &'static [&'static str],
    event: Event,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Event {
    /// Shows first that the initial PIN cannot pay.
    First,
    /// Nothing special.
    Plain,
    /// The first bill is debited, and power is lost before the answer.
    PowerLoss,
    /// The first bill costs more than the account holds.
    Balance,
    /// The card is reported lost before it comes to pay.
    Lost,
    /// The holder has forgotten the PIN; the card goes away before the centre's command reaches it, and comes back.
    Forgotten,
}

/// INS of PIN CHANGE/UNBLOCK.
const PIN_UNBLOCK: &str = "24";

/// Who comes, in groups of as many as there are readers at the counter. The cards are chosen so that names of every kind come.
const VISITS: [Visit; 9] = [
    Visit { card: 4, bills: &["B01", "B02"], event: Event::First },
    Visit { card: 0, bills: &["B03", "B04"], event: Event::Plain },
    Visit { card: 6, bills: &["B05"], event: Event::Plain },
    Visit { card: 3, bills: &["B06", "B07"], event: Event::PowerLoss },
    Visit { card: 8, bills: &["B08"], event: Event::Plain },
    Visit { card: 13, bills: &["B90", "B09"], event: Event::Balance },
    Visit { card: 21, bills: &["B91"], event: Event::Lost },
    Visit { card: 30, bills: &["B10"], event: Event::Forgotten },
    Visit { card: 41, bills: &["B11"], event: Event::Plain },
];

/// What the counter knows at the end: cards and what they must hold.
#[derive(Debug, Default)]
pub(super) struct Takings {
    /// By identifier.
    pub(super) balances: BTreeMap<String, i64>,
    /// Images of the same cards.
    pub(super) loaded: Vec<IssuedCard>,
    /// Sum of the confirmed purchases: account, cash, pool.
    pub(super) personal_fen: i64,
    /// Cash.
    pub(super) self_paid_fen: i64,
    /// Pool.
    pub(super) pooled_fen: i64,
}

impl<'a> Stage<'a> {
    /// `sscard` with the demo's configuration, at a reader of the counter, answering JSON.
    pub(super) fn sscard(&self, readers: &Readers<'_>, slot: usize, line: &str) -> Call<'a> {
        let call = self.programs.call("sscard").arg("--config").arg(self.folder.text("terminal/sscard.toml"));
        call.arg("--reader").arg(readers.name(slot)).words("--format json").words(line)
    }

    pub(super) fn open_pharmacy(&mut self, readers: &Readers<'_>, cards: &[IssuedCard]) -> Result<Running, Failure> {
        self.step(&words("Open a pharmacy", "药店开通"));
        let began = Instant::now();
        let port_file = self.folder.path("centre.port");
        let serve = self.issuer_with_vault("serve --listen 127.0.0.1:0 --port-file").arg(port_file.clone()).start()?;
        interrupt::end_with_us(&self.folder.path(""), serve.id());
        let serve = self.answering(serve, &port_file)?;
        let port = std::fs::read_to_string(&port_file)
            .map_err(|source| Failure::File { path: port_file, source })?
            .trim()
            .to_owned();
        self.write_terminal_files(readers, &port)?;
        self.done(
            began,
            format!("the centre serves terminals on port {port}"),
            format!("中心在端口 {port} 为终端服务"),
        );

        let began = Instant::now();
        let enrolled = self.sscard(readers, COUNTER_SLOTS[0], "terminal enroll").ok()?;
        let number = enrolled.text("/terminal_number")?;
        must_be("the terminal number of the PSAM", &number.as_str(), &TERMINAL)?;
        let add = self.issuer("terminal add --operator").arg(MAKER).arg(number.clone());
        add.words("--institution").arg(INSTITUTION).arg("--public-key").arg(enrolled.text("/public_key")?).ok()?;
        let signed_in = self.sscard(readers, COUNTER_SLOTS[0], "sign-in").ok()?;
        self.business_date = signed_in.text("/business_date")?;
        self.sscard(readers, COUNTER_SLOTS[0], "blacklist update").ok()?;
        self.done(
            began,
            format!("terminal {number} enrolled with a key of its own, signed in for {}", self.business_date),
            format!("终端 {number} 登记公钥并签到，业务日 {}", self.business_date),
        );

        let began = Instant::now();
        let mut allot = self.issuer("account allot --operator").arg(MAKER).arg("--amount").arg(yuan(LOAD_FEN));
        for visit in &VISITS {
            allot = allot.arg("--card").arg(cards[visit.card].identifier.clone());
        }
        let request = allot.ok()?.number("/request")?.to_string();
        self.issuer("account approve --operator").arg(CHECKER).arg(request).ok()?;
        self.done(
            began,
            format!("{} yuan allotted to {} holders by {MAKER}, approved by {CHECKER}", yuan(LOAD_FEN), VISITS.len()),
            format!("{MAKER} 为 {} 人各划入 {} 元，{CHECKER} 审核", VISITS.len(), yuan(LOAD_FEN)),
        );
        Ok(serve)
    }

    fn answering(&self, mut serve: Running, port_file: &std::path::Path) -> Result<Running, Failure> {
        let began = Instant::now();
        while !port_file.exists() {
            if serve.ended() || began.elapsed() > SERVICE_LIMIT {
                return serve.wait(Duration::ZERO)?.with_code(0).and_then(|answer| Err(answer.lacks("a port")));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(serve)
    }

    fn write_terminal_files(&self, readers: &Readers<'_>, port: &str) -> Result<(), Failure> {
        write_configuration(&self.folder, Some(readers.name(PSAM_SLOT)), port)?;
        self.folder.write("pharmacy/catalogue.csv", pharmacy::catalogue().as_bytes())?;
        self.folder.write("pharmacy/policy.toml", pharmacy::policy().as_bytes())?;
        for bill in pharmacy::bills() {
            self.folder.write(&format!("pharmacy/{}.json", bill.id), bill.to_json().as_bytes())?;
        }
        self.folder.write_secret("secrets/initial.pin", "123456\n")?;
        self.folder.write_secret("secrets/holder.pin", "246802\n")?;
        self.folder.write_secret("secrets/next.pin", "975310\n")?;
        Ok(())
    }

    pub(super) fn trade(&mut self, readers: &Readers<'_>, cards: &[IssuedCard]) -> Result<Takings, Failure> {
        self.step(&words("At the counter: read, own PIN, load, pay", "柜台: 读卡、改密、圈存、购药"));
        let mut takings = Takings::default();
        let bills = pharmacy::bills();
        for group in VISITS.chunks(COUNTER_SLOTS.len()) {
            let places: Vec<_> = group.iter().zip(COUNTER_SLOTS).map(|(visit, slot)| (slot, visit)).collect();
            let images: Vec<_> = places.iter().map(|(slot, visit)| (*slot, cards[visit.card].image.clone())).collect();
            readers.insert(&images)?;
            for (slot, visit) in &places {
                self.visit(readers, *slot, visit, &cards[visit.card], &bills, &mut takings)?;
            }
            readers.eject(&places.iter().map(|(slot, _)| *slot).collect::<Vec<_>>())?;
        }
        Ok(takings)
    }

    fn visit(
        &mut self,
        readers: &Readers<'_>,
        slot: usize,
        visit: &Visit,
        card: &IssuedCard,
        bills: &[Bill],
        takings: &mut Takings,
    ) -> Result<(), Failure> {
        let began = Instant::now();
        self.check_reading(&self.sscard(readers, slot, "card read").ok()?, card)?;
        let find = |id: &str| bills.iter().find(|bill| bill.id == id).expect("visits name bills of the day");
        if visit.event == Event::First {
            let shown = self.programs.call("sscard").arg("--config").arg(self.folder.text("terminal/sscard.toml"));
            let shown = shown.arg("--reader").arg(readers.name(slot)).arg("--lang").arg(self.output.language_name());
            let shown = shown.words("card read").ok()?;
            self.done(
                began,
                "a card in the reader: the PSAM proves itself, then the card shows its holder:",
                "插卡: PSAM 通过外部认证后，读出持卡人信息:",
            );
            self.output.quote(shown.stdout.trim_end());
            let early = self.pay(readers, slot, find(visit.bills[0]), "initial.pin").run()?;
            must_be("exit code of a payment with the initial PIN", &early.code, &6)?;
            self.done(began, "a payment with the initial PIN is refused", "初始密码不能消费，已拒绝");
        }
        let change = self.sscard(readers, slot, "pin change --pin").arg(self.secret("initial.pin"));
        change.arg("--new-pin").arg(self.secret("holder.pin")).ok()?;
        must_be("balance of a new card", &self.balance(readers, slot)?, &0)?;
        let load = self.sscard(readers, slot, "load --amount").arg(yuan(LOAD_FEN)).ok()?;
        must_be("state of the load", &load.text("/state")?, &String::from("CONFIRMED"))?;
        must_be("balance after the load", &load.number("/balance_fen")?, &LOAD_FEN)?;
        self.summary.cards_loaded += 1;
        self.summary.loaded_fen += LOAD_FEN;
        let mut balance = LOAD_FEN;
        let masked = format!("*{}", card.number.chars().skip(card.number.len().saturating_sub(4)).collect::<String>());
        self.done(
            began,
            format!("card {masked}: read, initial PIN changed, balance 0.00, {} yuan loaded online", yuan(LOAD_FEN)),
            format!("卡 {masked}: 读卡，修改初始密码，余额 0.00，联机圈存 {} 元", yuan(LOAD_FEN)),
        );
        if visit.event == Event::Forgotten {
            self.reset_pin(readers, slot, card)?;
        }
        let pin = if visit.event == Event::Forgotten { "next.pin" } else { "holder.pin" };
        for (index, id) in visit.bills.iter().enumerate() {
            let bill = find(id);
            let began = Instant::now();
            match visit.event {
                Event::Balance if index == 0 => self.refused_for_balance(readers, slot, bill, balance)?,
                Event::Lost => self.refused_as_lost(readers, slot, bill, card)?,
                Event::PowerLoss if index == 0 => {
                    let answer = self.pay_through_power_loss(readers, slot, bill, card)?;
                    balance = self.paid(&answer, bill, balance, takings)?;
                    self.summary.purchases_recovered += 1;
                }
                _ => {
                    let answer = self.pay(readers, slot, bill, pin).ok()?;
                    balance = self.paid(&answer, bill, balance, takings)?;
                    if visit.event == Event::First && index == 0 {
                        self.output.quote(answer.stderr.trim_end());
                    }
                }
            }
            self.told(began, visit, index, bill);
        }
        if visit.event == Event::Forgotten {
            let back = self.sscard(readers, slot, "pin change --pin").arg(self.secret(pin));
            back.arg("--new-pin").arg(self.secret("holder.pin")).ok()?;
        }
        must_be("balance on the card", &self.balance(readers, slot)?, &balance)?;
        takings.balances.insert(card.identifier.clone(), balance);
        takings.loaded.push(card.clone());
        Ok(())
    }

    fn told(&self, since: Instant, visit: &Visit, index: usize, bill: &Bill) {
        let split = bill.split();
        let parts = format!(
            "{} = {} + {} + {}",
            yuan(split.total_fen),
            yuan(split.personal_fen),
            yuan(split.self_paid_fen),
            yuan(split.pooled_fen)
        );
        let (en, zh) = match visit.event {
            Event::Balance if index == 0 => ("refused, the account holds less", "余额不足，拒绝"),
            Event::Lost => ("refused, the card was reported lost", "卡已临时挂失，拒绝"),
            Event::PowerLoss if index == 0 => {
                ("power lost after the debit; the next tap found it done, once", "扣款后断电；再次插卡确认一次")
            }
            _ => ("paid: total = account + cash + pool", "已付: 合计 = 个人账户 + 现金 + 统筹"),
        };
        self.done(since, format!("{} {parts}  {en}", bill.id), format!("{} {parts}  {zh}", bill.id));
    }

    fn pay(&self, readers: &Readers<'_>, slot: usize, bill: &Bill, pin: &str) -> Call<'a> {
        let call = self.sscard(readers, slot, "pay").arg(self.folder.text(&format!("pharmacy/{}.json", bill.id)));
        call.arg("--lang").arg(self.output.language_name()).arg("--pin").arg(self.secret(pin))
    }

    fn secret(&self, name: &str) -> String {
        format!("file:{}", self.folder.text(&format!("secrets/{name}")))
    }

    fn balance(&self, readers: &Readers<'_>, slot: usize) -> Result<i64, Failure> {
        self.sscard(readers, slot, "balance").ok()?.number("/balance_fen")
    }

    /// The terminal shows what the registry said, and the centre made.
    fn check_reading(&self, answer: &Answer, card: &IssuedCard) -> Result<(), Failure> {
        let person = &self.registry.good[card.person].person;
        let item = |place: &str| answer.json().map(|json| json[place].as_str().unwrap_or_default().to_owned());
        for (place, expected) in [
            ("SSSE.EF05.card_number", &card.number),
            ("SSSE.EF05.card_identifier", &card.identifier),
            ("SSSE.EF06.social_security_number", &person.number),
            ("SSSE.EF06.birth_date", &person.birth_date),
            ("SSSE.EF06.sex", &person.sex.to_string()),
        ] {
            must_be(place, &item(place)?, expected)?;
        }
        let name = format!("{}{}", item("SSSE.EF06.name")?, item("SSSE.EF06.name_extension")?);
        must_be("the name and its extension", &name, &person.name)
    }

    /// The centre orders a new PIN, another operator approves, and the terminal carries it out: at the second tap, since the card
    /// was pulled before it had the command, with the same order.
    fn reset_pin(&mut self, readers: &Readers<'_>, slot: usize, card: &IssuedCard) -> Result<(), Failure> {
        let began = Instant::now();
        let order = self.issuer("pin reset --operator").arg(CLERK).arg(card.number.clone());
        let order = order.words("--reason").arg("identity card seen").ok()?.number("/number")?.to_string();
        let reset = |stage: &Self| {
            let call = stage.sscard(readers, slot, "pin reset --order").arg(order.clone());
            call.arg("--new-pin").arg(stage.secret("next.pin"))
        };
        must_be("exit code of an order that nobody approved", &reset(self).run()?.code, &3)?;
        self.issuer("pin approve --operator").arg(CHECKER).arg(order.clone()).ok()?;
        readers.fault(slot, &format!("--power-loss before --ins {PIN_UNBLOCK}"))?;
        reset(self).run()?.with_code(4)?;
        readers.insert(&[(slot, card.image.clone())])?;
        let given = self.issuer("pin list --open").ok()?.text("/orders/0/state")?;
        must_be("state of the order whose command was lost", &given, &String::from("given"))?;
        reset(self).ok()?;
        let open = self.issuer("pin list --open").ok()?;
        must_be("open orders", &open.json()?["orders"].as_array().map_or(1, Vec::len), &0)?;
        must_be("exit code of the same order once more", &reset(self).run()?.code, &3)?;
        self.done(
            began,
            "a forgotten PIN: the centre's order, lost with the card pulled, is asked for again and done once",
            "忘记口令: 中心工单执行中拔卡，再次插卡用同一工单完成",
        );
        Ok(())
    }

    /// A purchase came to what paper says.
    fn paid(&mut self, answer: &Answer, bill: &Bill, before: i64, takings: &mut Takings) -> Result<i64, Failure> {
        let split = bill.split();
        let after = before - split.personal_fen;
        must_be(format!("state of {}", bill.id), &answer.text("/state")?, &String::from("CONFIRMED"))?;
        for (field, expected) in [
            ("personal_account_fen", split.personal_fen),
            ("self_paid_fen", split.self_paid_fen),
            ("pooled_fund_fen", split.pooled_fen),
            ("balance_fen", after),
        ] {
            must_be(format!("{field} of {}", bill.id), &answer.number(&format!("/{field}"))?, &expected)?;
        }
        must_be(format!("TAC of {}: hex digits", bill.id), &answer.text("/tac")?.len(), &8)?;
        takings.personal_fen += split.personal_fen;
        takings.self_paid_fen += split.self_paid_fen;
        takings.pooled_fen += split.pooled_fen;
        self.summary.purchases_confirmed += 1;
        Ok(after)
    }

    fn refused_for_balance(
        &mut self,
        readers: &Readers<'_>,
        slot: usize,
        bill: &Bill,
        balance: i64,
    ) -> Result<(), Failure> {
        let answer = self.pay(readers, slot, bill, "holder.pin").run()?.with_code(3)?;
        must_be("the refusal names the balance", &answer.stderr.contains("BALANCE_INSUFFICIENT"), &true)?;
        must_be("balance after the refusal", &self.balance(readers, slot)?, &balance)?;
        self.summary.purchases_refused += 1;
        Ok(())
    }

    fn refused_as_lost(
        &mut self,
        readers: &Readers<'_>,
        slot: usize,
        bill: &Bill,
        card: &IssuedCard,
    ) -> Result<(), Failure> {
        let lost = self.issuer("card report-loss --temporary --operator").arg(CLERK).arg(card.number.clone());
        let lost = lost.words("--reason").arg("reported by the holder").ok()?;
        must_be("state of the lost card", &lost.text("/state")?, &String::from("temporary_loss"))?;
        self.sscard(readers, slot, "blacklist update").ok()?;
        let answer = self.pay(readers, slot, bill, "holder.pin").run()?.with_code(3)?;
        must_be("the refusal names the blacklist", &answer.stderr.contains("CARD_BLACKLISTED"), &true)?;
        self.summary.purchases_refused += 1;
        Ok(())
    }

    /// The card debits itself and loses power before it can say so; the holder puts it in again with the same bill.
    fn pay_through_power_loss(
        &mut self,
        readers: &Readers<'_>,
        slot: usize,
        bill: &Bill,
        card: &IssuedCard,
    ) -> Result<Answer, Failure> {
        readers.fault(slot, &format!("--power-loss after --ins {DEBIT}"))?;
        let lost = self.pay(readers, slot, bill, "holder.pin").run()?.with_code(4)?;
        must_be("the terminal says that it does not know", &lost.stderr.contains("UNCERTAIN"), &true)?;
        readers.insert(&[(slot, card.image.clone())])?;
        self.pay(readers, slot, bill, "holder.pin").ok()
    }
}

/// The terminal's configuration: paths beside the file, the reader of the PSAM if it cannot be told by looking.
pub(super) fn write_configuration(folder: &Folder, psam: Option<&str>, port: &str) -> Result<(), Failure> {
    let psam = psam.map(|name| format!("psam = \"{name}\"\n")).unwrap_or_default();
    let text = format!(
        "# The terminal of the demo's pharmacy.\n{psam}centre = \"http://127.0.0.1:{port}\"\ndata = \"data\"\ncity = \"513300\"\n\
         operator = \"cashier-1\"\n\
         catalogue = \"../pharmacy/catalogue.csv\"\npolicy = \"../pharmacy/policy.toml\"\n"
    );
    folder.write("terminal/sscard.toml", text.as_bytes()).map(drop)
}
