//! `pay`: a bill is priced, split, checked, paid; where the terminal's parameters say so, with the centre's consent.
//!
//! Owns: the order of what happens before the card is debited, and the answer. Never: card commands (`counter::pay`).

use card_core::StatusWord;
use card_profiles::account::Amounts;
use settlement::BusinessDate;
use settlement::bill::BillItem;
use settlement::catalogue::Drug;
use settlement::fen::Fen;
use settlement::id::{CardIdentifier, InstitutionCode, TerminalNumber};
use settlement::journal::Event;
use settlement::message::Institution;
use settlement::receipt::Copy;
use settlement::sale::OnlinePolicy;
use settlement::split::{Split, SplitError, Terms};

use super::{Setting, settle_and_untold, settled_page, trial};
use crate::arguments::{Form, PayArguments};
use crate::exit::Exit;
use crate::page::{Page, Value};
use crate::papers::Papers;
use crate::receipt::{self, ReceiptDraft};
use card_counter::check::{self, Rules};
use card_counter::clock::Now;
use card_counter::error::TerminalError;
use card_counter::journal::{Draft, Entry, Journal as _, Plain, Subject};
use card_counter::language::Words;
use card_counter::pay::Till;
use card_counter::store::Store;
use card_counter::tap::Tapped;
use card_counter::{account, pin};
use centre_line::online::Asked;
use centre_line::sell::Seller;
use centre_line::upload::Uploaded;

/// `pay`.
pub(super) fn pay(setting: &Setting<'_>, arguments: &PayArguments) -> Result<Exit, TerminalError> {
    let papers = setting.papers(arguments)?;
    if arguments.trial {
        return trial::run(setting, &papers, arguments);
    }
    let handout = setting.handout(&arguments.receipt)?;
    let (mut desk, ask) = setting.desk_for_money()?;
    let mut tapped = setting.tapped_asking(&mut desk, ask)?;
    let mut psam = setting.psam(&mut desk, &tapped)?;
    let given = setting.pin(&mut tapped, &arguments.pin)?;
    let (mut store, number) = setting.till(&psam)?;
    let rules = setting.rules(Some(&store))?;
    pin::verify_for_transaction(&mut tapped, &given, arguments.pin.last_try)?;
    let account = tapped.account()?;
    let settled = settle_and_untold(&mut tapped, &mut store)?;
    let is_this_bill = |entry: &&Entry| entry.pays(&papers.bill.bill_id) && receipt::is_of(entry, &papers.bill);
    let paid_before = settled.iter().find(is_this_bill);
    let shown = (settled.as_slice(), paid_before.map(|entry| entry.number));
    let notes = settled_page(setting, &mut tapped, Some(&mut psam), &mut store, shown)?;
    if let Some(entry) = paid_before {
        // The bill that is on the counter is the one that was just found paid: it is not charged again.
        let holder = setting.holder(&mut tapped, Some(&mut psam), &handout);
        let handed = setting.hand_out_settled(entry, &mut store, &handout, holder.as_ref());
        return answer(setting, entry, notes, handed);
    }
    card_counter::journal::unpaid(&store.entries()?, &papers.bill.bill_id)?;
    check::all_passed(check::card(&tapped, &rules))?;
    if tapped.fits(&mut psam, desk.known())? == Some(false) {
        return Err(TerminalError::PsamWrong { city: tapped.city });
    }
    let policy = rules.limits.online;
    let data = setting.configuration.data.as_path();
    let key = Seller::key(policy, data)?;
    let mut seller = Seller::of(policy, setting.centre(), key.as_ref(), (data, number))?;
    let draft = accept(setting, &mut tapped, &mut store, (&rules, &mut seller), &papers, number)?;
    let mut till = Till { psam: &mut psam, rules: account, date_time: Now::of_system().date_time() };
    let paid = seller.sell(&mut tapped, &mut till, (&mut store, &Plain), &draft);
    if let Err(TerminalError::CardRefused { sw: StatusWord::MAC_WRONG, .. }) = &paid {
        // A PSAM that was believed to have the card's keys is compared with it at the next tap.
        tapped.doubt(&psam, desk.known());
    }
    // The holder has the receipt first.
    let handed = paid.as_ref().ok().map(|entry| {
        let holder = setting.holder(&mut tapped, Some(&mut psam), &handout);
        setting.hand_out((entry, Copy::Original), &store, &handout, holder.as_ref())
    });
    let told = seller.tell(&mut store, &paid);
    let (entry, handed) = (paid?, handed.unwrap_or(Ok(false)));
    let notes = notes.joined(standing(&entry, (policy, seller.asked()), told.as_ref()));
    answer(setting, &entry, notes, handed)
}

/// What the centre knows of a payment that it was to be asked about.
fn standing(
    entry: &Entry,
    (policy, asked): (OnlinePolicy, Option<Asked>),
    told: Option<&Result<Uploaded, TerminalError>>,
) -> Page {
    let page = |word, zh, en| {
        Page::new().with("centre", Words::new("中心", "centre"), Value::Choice(word, Words::new(zh, en)))
    };
    let refused = |uploaded: &Uploaded| {
        let ours = |(record, _): &&(u64, String)| Some(*record) == entry.record;
        uploaded.refused.iter().find(ours).map(|(_, code)| code.clone())
    };
    match (asked, told) {
        (None, _) if policy.is_offline() => Page::new(),
        (None, _) => page("offline", "无中心线路,已脱机收款", "no way to the centre, sold offline").noted(
            "SOLD_OFFLINE",
            Words::new(
                "本终端应先询问中心,但没有中心地址或线路证书;已在脱机限额内收款",
                "this terminal is to ask its centre first, and has no address or certificate for it: sold within the offline limits",
            ),
        ),
        (Some(Asked::Unanswered), _) | (Some(Asked::Agreed), None) => {
            page("offline", "未应答,已脱机收款", "no answer, sold offline").noted(
                "SOLD_OFFLINE",
                Words::new(
                    "中心没有应答,已在脱机限额内收款;记录随下次上传送达",
                    "the centre did not answer: sold within the offline limits; the record goes with the next upload",
                ),
            )
        }
        (Some(Asked::Agreed), Some(Ok(uploaded))) => match refused(uploaded) {
            None => page("cleared", "已入账", "cleared"),
            Some(code) => page("refused", "未入账", "not posted").noted(
                "CENTRE_NOT_POSTED",
                Words::of(
                    format!("卡已付款,中心未入账:{code};由中心核查"),
                    format!("the card paid, the centre did not post it: {code}; the centre looks into it"),
                ),
            ),
        },
        (Some(Asked::Agreed), Some(Err(error))) => page("waiting", "待上传", "not told yet").noted(
            "CENTRE_NOT_TOLD",
            Words::of(
                format!("卡已付款,中心尚不知道({});随下次上传送达", error.code().as_str()),
                format!(
                    "the card paid, the centre does not know yet ({}): it hears of it with the next upload",
                    error.code().as_str()
                ),
            ),
        ),
    }
}

/// The result of a payment whose receipt was handed out, or not.
fn answer(
    setting: &Setting<'_>,
    entry: &Entry,
    notes: Page,
    handed: Result<bool, TerminalError>,
) -> Result<Exit, TerminalError> {
    if let Err(error) = &handed
        && !matches!(error, TerminalError::ReceiptUnwritten { .. })
    {
        return handed.map(|_| Exit::Ok);
    }
    let mut answer = page(entry);
    if setting.output.form == Form::Json
        && let Some(split) = receipt::split(entry)
    {
        // For people the receipt says it all.
        answer = answer.with("split", Words::new("分割", "split"), Value::Object(trial::page(&split)));
    }
    setting.output.answer(&answer.joined(notes))?;
    setting.told();
    // What is paid is answered first; then what is wrong with its paper.
    handed.map(|_| Exit::Ok)
}

/// Blacklist, split by the balance, limits; what only a sale without the centre needs is left to later where the centre is asked.
/// A refusal is recorded; no money moves.
fn accept(
    setting: &Setting<'_>,
    tapped: &mut Tapped<'_>,
    store: &mut Store,
    (rules, seller): (&Rules, &mut Seller<'_>),
    papers: &Papers,
    number: TerminalNumber,
) -> Result<Draft, TerminalError> {
    let institution = institution(store)?;
    let refused = Draft {
        terminal: number,
        card_identifier: tapped.identifier,
        card_factor: tapped.card_factor(),
        business_date: rules.day,
        subject: Subject::Purchase {
            amounts: Amounts::default(),
            bill_id: papers.bill.bill_id.clone(),
            bill_hash: papers.digest,
            sale_id: None,
        },
        paper: String::new(),
    };
    let accepted = (|| {
        seller.accepted(tapped, rules, store)?;
        let account = tapped.account()?;
        let balance = Fen::from_card(account::personal_account(tapped, account)?);
        let split = split(papers, rules.day, balance, Some((&*store, &tapped.identifier)))?;
        seller.limited(tapped, rules, store, split.personal_account_fen)?;
        let amounts =
            split.amounts().map_err(|error| TerminalError::BillRefused { reason: Words::explained(&error) })?;
        let bill_hash = split.hash();
        let paper = ReceiptDraft { institution, operator: setting.configuration.operator.clone(), split }.to_text()?;
        let sale_id = seller.sale_id()?;
        let subject = Subject::Purchase { amounts, bill_id: papers.bill.bill_id.clone(), bill_hash, sale_id };
        Ok(Draft { subject, paper, ..refused.clone() })
    })();
    accepted.inspect_err(|error: &TerminalError| {
        if !matches!(error, TerminalError::Store(_)) {
            // The refusal stands whether or not it can be written down.
            let _ = store
                .prepare(&refused)
                .and_then(|entry| store.close(entry.number, Event::Abandoned, error.code().as_str()));
        }
    })
}

/// Prices and splits a bill; what the card bought before is looked up where a drug of the bill is limited.
pub(super) fn split(
    papers: &Papers,
    day: BusinessDate,
    balance: Fen,
    card: Option<(&Store, &CardIdentifier)>,
) -> Result<Split, TerminalError> {
    let limited = |item: &BillItem| papers.catalogue.find(&item.code, day).is_ok_and(Drug::is_limited);
    let earlier = match card {
        Some((store, card)) if papers.bill.items.iter().any(limited) => receipt::bought(&store.entries_of(card)?),
        _ => Vec::new(),
    };
    let terms = Terms { catalogue: &papers.catalogue, policy: &papers.policy, day, earlier: &earlier };
    Split::of(&papers.bill, &terms, balance).map_err(refusal)
}

fn refusal(error: SplitError) -> TerminalError {
    match error {
        SplitError::BalanceShort { .. } => TerminalError::BalanceInsufficient,
        SplitError::Identity(_) => TerminalError::Bug("the amounts of a split add up"),
        other => TerminalError::BillRefused { reason: Words::explained(&other) },
    }
}

/// Whose receipt it is: of the institution that is signed in.
pub(super) fn institution(store: &Store) -> Result<Institution, TerminalError> {
    Ok(store.sign_in()?.map_or_else(unknown_institution, |signed_in| signed_in.institution))
}

/// On the receipt of a terminal that never signed in.
fn unknown_institution() -> Institution {
    let code = InstitutionCode::parse("UNKNOWN").expect("a plain word");
    Institution { code, name: "-".to_owned() }
}

/// A purchase as it is shown after it, and in the journal.
pub(super) fn page(entry: &Entry) -> Page {
    let amounts = entry.draft.subject.amounts();
    let money = |fen: u32| Value::Money(Fen::from_card(fen));
    let bill = match &entry.draft.subject {
        Subject::Purchase { bill_id, .. } => Value::text(bill_id.as_str()),
        Subject::Load { .. } | Subject::Refund { .. } => Value::Absent,
    };
    let sent =
        |number: Option<u64>| number.and_then(|number| i64::try_from(number).ok()).map_or(Value::Absent, Value::Number);
    let tac = entry.done.and_then(|done| done.evidence.tac());
    Page::new()
        .with("entry", Words::new("日志号", "entry"), Value::text(entry.number.to_string()))
        .with("state", Words::new("状态", "state"), Value::text(entry.state.as_str()))
        .with("bill_id", Words::new("单号", "bill"), bill)
        .with("card_identifier", Words::new("卡的识别码", "card"), Value::text(entry.draft.card_identifier.to_string()))
        .with("personal_account_fen", Words::new("个人账户", "account"), money(amounts.personal_account))
        .with("self_paid_fen", Words::new("现金", "cash"), money(amounts.self_paid))
        .with("pooled_fund_fen", Words::new("统筹基金", "pool"), money(amounts.pooled_fund))
        .with(
            "balance_fen",
            Words::new("余额", "balance"),
            entry.done.map_or(Value::Absent, |done| money(done.balance_after)),
        )
        .with(
            "terminal_sequence",
            Words::new("终端序号", "terminal no."),
            sent(entry.sent.map(|sent| u64::from(sent.terminal_sequence))),
        )
        .with(
            "card_sequence",
            Words::new("卡序号", "card no."),
            sent(entry.sent.map(|sent| u64::from(sent.card_sequence))),
        )
        .with("tac", Words::new("TAC", "TAC"), Value::maybe(tac.map(|tac| tac.to_string())))
}
