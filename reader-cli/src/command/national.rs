//! `national …`: the national centre, as a person at a counter works with it.
//!
//! Owns: the order in which a command begins (finish first), its answer and its exit. Never: a message (`crate::national`).

mod pages;

use card_counter::error::{NationalError, TerminalError};
use card_counter::language::Words;
use card_counter::read::{self, Keys};
use card_counter::secret;
use card_counter::store::{NationalStore, Store, StoredSale};
use card_counter::tap::Ask;
use settlement::bill::Bill;
use settlement::fen::Fen;
use settlement::id::TerminalNumber;
use settlement::national::message::CatalogueRow;
use settlement::national::state::State;
use settlement::policy::Policy;
use settlement::receipt::{Book, Copy, MaskedName, NationalPaper, NationalReceipt, Sold};
use settlement::split::{Split, Terms};

use super::Setting;
use super::handout::Handout;
use crate::arguments::national::{CatalogueArguments, JudgeArguments, NationalCommand, PersonArguments, SaleArguments};
use crate::arguments::{Form, ReceiptArguments};
use crate::exit::Exit;
use crate::national::{Asked, Credential, Judged, Known, National};
use crate::page::{Page, Value};
use crate::papers;
use crate::receipt::Printout;

/// Runs a command about the national centre.
pub(super) fn run(setting: &Setting<'_>, command: &NationalCommand) -> Result<Exit, TerminalError> {
    let folder = &setting.configuration.data;
    match command {
        // These two undo nothing.
        NationalCommand::List => {
            let sales = NationalStore::open_if_there(folder)?.map_or(Ok(Vec::new()), |store| store.sales())?;
            return told(setting, pages::list(&sales), Exit::Ok);
        }
        NationalCommand::Judge(JudgeArguments { bill, settlement, visit, reason, .. }) => {
            let judged = settlement
                .as_deref()
                .map_or(Judged::NotDone, |setl_id| Judged::Done { setl_id, mdtrt_id: visit.as_deref() });
            let now = national(setting)?.judge(bill.as_str(), judged, reason)?;
            return told(setting, pages::standing(bill.as_str(), now), Exit::Ok);
        }
        NationalCommand::Reprint { bill, receipt } => return reprint(setting, bill.as_str(), receipt),
        _ => {}
    }
    // What the paper needs is there before the centre is asked.
    let papers = match command {
        NationalCommand::Settle { receipt, .. } | NationalCommand::Cancel { receipt, .. } => {
            Some(Papers::of(setting, receipt)?)
        }
        _ => None,
    };
    let mut national = national(setting)?;
    let before = match command {
        // Without a session nothing can be finished.
        NationalCommand::SignIn => {
            let sign_no = national.sign_in()?;
            Page::new().with("sign_no", Words::new("签到编号", "session"), Value::text(sign_no))
        }
        _ => Page::new(),
    };
    let finished = national.finish()?;
    let before = before.joined(pages::finished(&finished, matches!(command, NationalCommand::Finish)));
    let (page, exit, sale) = carry_out(setting, &mut national, command)?;
    let stuck = finished.iter().any(|finished| finished.now.is_err());
    let handed = match (&sale, &papers) {
        (Some((sale, holder)), Some(papers)) => {
            papers.hand_out(setting, (sale, Copy::Original), &national.store, holder.as_ref()).map(|_| ())
        }
        _ => Ok(()),
    };
    let exit = told(setting, before.joined(page), if exit == Exit::Ok && stuck { Exit::Partly } else { exit })?;
    // What was settled is answered first; then what is wrong with its paper.
    handed.map(|()| exit)
}

/// A settlement, or a cancellation, and the person where somebody looked.
type Done = (StoredSale, Option<MaskedName>);

/// What papers of settlements are made with.
struct Papers {
    handout: Handout,
    terminal: Option<TerminalNumber>,
}

impl Papers {
    fn of(setting: &Setting<'_>, receipt: &ReceiptArguments) -> Result<Self, TerminalError> {
        // The number is for the print alone: a journal that cannot be opened keeps nobody from settling or cancelling.
        let store = Store::open_if_there(&setting.configuration.data).ok().flatten();
        let terminal = store.and_then(|store| store.terminal().ok().flatten());
        Ok(Self { handout: setting.handout(receipt)?, terminal })
    }

    /// The paper of a settlement that stands, or of its cancellation; `None` of one that is neither.
    fn hand_out(
        &self,
        setting: &Setting<'_>,
        (sale, copy): (&StoredSale, Copy),
        store: &NationalStore,
        holder: Option<&MaskedName>,
    ) -> Result<Option<String>, TerminalError> {
        let Some(national) = &setting.configuration.national else { return Ok(None) };
        let cancelled = match (sale.state, &sale.refund) {
            (State::Settled, _) => None,
            (State::Cancelled, Some((id, day))) => Some((id.as_str(), *day)),
            _ => return Ok(None),
        };
        let (Some((settlement, visit)), Some(paid)) = (&sale.ids, sale.paid) else { return Ok(None) };
        let kept = store.paper(sale)?.and_then(|kept| serde_json::from_str::<NationalPaper>(&kept).ok());
        // Of a cancelled settlement there is nothing to prove.
        let code = self.sold(sale, paid).filter(|_| cancelled.is_none()).and_then(|sold| self.handout.code(sold));
        let receipt = NationalReceipt {
            institution_name: &national.institution_name,
            institution: national.numbering.institution.as_str(),
            terminal: self.terminal,
            holder,
            bill: &sale.bill_id,
            settlement,
            visit,
            insurance: &sale.insutype,
            day: sale.day,
            total: sale.total,
            paid,
            cancelled,
            copy,
            kept: kept.as_ref(),
            check: code.as_ref().map(|code| self.handout.check(code)),
        };
        let (paper, language) = (self.handout.paper(), setting.output.language);
        let printout = Printout { rows: receipt.rows(paper, language), text: receipt.text(paper, language) };
        setting.hand(&printout, &self.handout, &sale.bill_id)?;
        Ok(Some(printout.text))
    }

    fn sold(&self, sale: &StoredSale, [funds, account, cash]: [Fen; 3]) -> Option<Sold> {
        Some(Sold {
            book: Book::National,
            terminal: self.terminal?,
            record: u64::try_from(sale.number).ok()?,
            business_date: sale.day,
            personal_account: account.to_card().ok()?,
            self_paid: cash.to_card().ok()?,
            pooled_fund: funds.to_card().ok()?,
        })
    }
}

/// `national reprint`.
fn reprint(setting: &Setting<'_>, bill: &str, receipt: &ReceiptArguments) -> Result<Exit, TerminalError> {
    let papers = Papers::of(setting, receipt)?;
    let unknown = |state| NationalError::Unknown { bill: bill.to_owned(), state };
    let Some(mut store) = NationalStore::open_if_there(&setting.configuration.data)? else {
        return Err(unknown(None).into());
    };
    let sale = store.sale_of_bill(bill)?.ok_or_else(|| unknown(None))?;
    if !matches!(sale.state, State::Settled | State::Cancelled) {
        return Err(unknown(Some(sale.state.as_str())).into());
    }
    // Counted before it is printed: a copy that looks like the first reprint is never the second.
    let copy = Copy::Reprint(store.count_reprint(&sale)?);
    let text = papers.hand_out(setting, (&sale, copy), &store, None)?;
    let text = text.ok_or_else(|| unknown(Some(sale.state.as_str())))?;
    if setting.output.form == Form::Json {
        let page = pages::settled(&sale).with("receipt", Words::new("小票", "receipt"), Value::text(text));
        setting.output.answer(&page)?;
    }
    Ok(Exit::Ok)
}

fn told(setting: &Setting<'_>, page: Page, exit: Exit) -> Result<Exit, TerminalError> {
    setting.output.answer(&page)?;
    Ok(exit)
}

fn national<'a>(setting: &'a Setting<'_>) -> Result<National<'a>, TerminalError> {
    let settings = setting.configuration.national.as_ref().ok_or_else(|| TerminalError::Configuration {
        place: "national".to_owned(),
        reason: Words::new("配置文件中没有 [national] 一节", "the configuration file has no table [national]"),
    })?;
    let store = NationalStore::open(&setting.configuration.data)?;
    National::of(settings, &setting.configuration.operator, store, setting.now)
}

fn carry_out(
    setting: &Setting<'_>,
    national: &mut National<'_>,
    command: &NationalCommand,
) -> Result<(Page, Exit, Option<Done>), TerminalError> {
    let (page, exit) = match command {
        NationalCommand::Settle { sale: arguments, .. } => return settle(setting, national, arguments),
        NationalCommand::Cancel { bill, .. } => {
            let sale = national.cancel(bill.as_str())?;
            return Ok((pages::cancelled(&sale), Exit::Ok, Some((sale, None))));
        }
        NationalCommand::SignIn
        | NationalCommand::Finish
        | NationalCommand::List
        | NationalCommand::Judge(_)
        | NationalCommand::Reprint { .. } => Ok((Page::new(), Exit::Ok)),
        NationalCommand::SignOut => {
            let page = Page::new().with("signed_out", Words::new("已签退", "signed out"), Value::Flag(true));
            Ok(match national.sign_out()? {
                None => (page, Exit::Ok),
                Some(refusal) => (page.noted("NATIONAL_REFUSED", beside(&refusal)), Exit::Ok),
            })
        }
        NationalCommand::Person(arguments) => {
            let known = known(setting, national, arguments)?;
            Ok((pages::person(&known), Exit::Ok))
        }
        NationalCommand::Benefit(arguments) => {
            let known = known(setting, national, arguments)?;
            let insutype = national.insurance_or_default(arguments.insurance.as_deref());
            let answer = national.benefit(&known, &insutype)?;
            Ok((pages::benefit(&answer, &known), Exit::Ok))
        }
        NationalCommand::Trial(arguments) => {
            let sale = Sale::of(setting, national, arguments)?;
            let outcome = national.trial(&sale.asked(arguments))?;
            let page = Page::new().with("trial", Words::new("试算", "trial"), Value::Flag(true));
            Ok((page.joined(pages::outcome(&sale.bill, &outcome, sale.ours)), Exit::Ok))
        }
        NationalCommand::Show { bill } => {
            let (sale, info) = national.look_up(bill.as_str())?;
            let (page, even) = pages::looked_up(&sale, &info);
            Ok((page, if even { Exit::Ok } else { Exit::Mismatch }))
        }
        NationalCommand::Lines { bill } => Ok((pages::lines(&national.lines(bill.as_str())?), Exit::Ok)),
        NationalCommand::Reconcile { day } => {
            let day = day.unwrap_or_else(|| setting.now.date());
            days(national, &[day])
        }
        NationalCommand::DayEnd => {
            let today = setting.now.date();
            let mut open = national.store.days_to_compare(today)?;
            if !open.contains(&today) {
                open.push(today);
            }
            days(national, &open)
        }
        NationalCommand::Catalogue(arguments) => catalogue(setting, national, arguments),
    }?;
    Ok((page, exit, None))
}

fn days(national: &mut National<'_>, days: &[settlement::BusinessDate]) -> Result<(Page, Exit), TerminalError> {
    let compared = days.iter().map(|day| national.reconcile(*day)).collect::<Result<Vec<_>, _>>()?;
    let even = compared.iter().all(crate::national::Compared::is_even);
    Ok((pages::compared(&compared, even), if even { Exit::Ok } else { Exit::Mismatch }))
}

/// What is asked about a bill.
struct Sale {
    bill: Bill,
    known: Known,
    insutype: String,
    ours: Option<Result<Split, TerminalError>>,
}

impl Sale {
    fn of(
        setting: &Setting<'_>,
        national: &mut National<'_>,
        arguments: &SaleArguments,
    ) -> Result<Self, TerminalError> {
        let bill = papers::bill(&arguments.bill)?;
        let known = known(setting, national, &arguments.person)?;
        let insutype = national.insurance_or_default(arguments.person.insurance.as_deref());
        let balance = known.insurance(&insutype)?.balance.filter(|_| !arguments.without_account).unwrap_or(Fen::ZERO);
        let ours = split(setting, arguments, &bill, balance);
        Ok(Self { bill, known, insutype, ours })
    }

    fn asked(&self, arguments: &SaleArguments) -> Asked<'_> {
        let Self { bill, known, insutype, ours } = self;
        let ours = ours.as_ref().and_then(|ours| ours.as_ref().ok());
        Asked { bill, known, insutype, with_account: !arguments.without_account, ours }
    }
}

fn settle(
    setting: &Setting<'_>,
    national: &mut National<'_>,
    arguments: &SaleArguments,
) -> Result<(Page, Exit, Option<Done>), TerminalError> {
    let sale = Sale::of(setting, national, arguments)?;
    let (settled, outcome) = national.settle(&sale.asked(arguments))?;
    let holder = sale.known.holder();
    let page = pages::settled(&settled).joined(pages::outcome(&sale.bill, &outcome, sale.ours));
    Ok((page, Exit::Ok, Some((settled, holder))))
}

/// Our own split, where there is a catalogue to make it with. What it refuses is no reason not to ask the centre.
fn split(
    setting: &Setting<'_>,
    arguments: &SaleArguments,
    bill: &Bill,
    balance: Fen,
) -> Option<Result<Split, TerminalError>> {
    let configuration = &setting.configuration;
    let catalogue = arguments.catalogue.as_ref().or(configuration.catalogue.as_ref())?;
    let policy = arguments.policy.as_ref().or(configuration.policy.as_ref());
    let make = || {
        let catalogue = papers::catalogue(catalogue)?;
        let policy = policy.map_or_else(|| Ok(Policy::default()), |path| papers::policy(path))?;
        let terms = Terms { catalogue: &catalogue, policy: &policy, day: setting.now.date(), earlier: &[] };
        let refused = |error| TerminalError::BillRefused { reason: Words::explained(&error) };
        Split::of(bill, &terms, balance).map_err(refused)
    };
    Some(make())
}

/// The person whom the arguments name, as the centre knows them.
fn known(
    setting: &Setting<'_>,
    national: &mut National<'_>,
    arguments: &PersonArguments,
) -> Result<Known, TerminalError> {
    let credential = match (&arguments.id, &arguments.e_credential) {
        (Some(source), _) => {
            let prompt = setting.prompt("公民身份号码: ", "citizen number: ");
            Credential::Citizen(secret::word(Some(source), prompt)?.to_string())
        }
        (None, Some(source)) => {
            let prompt = setting.prompt("医保电子凭证: ", "electronic credential: ");
            Credential::Electronic(secret::word(Some(source), prompt)?.to_string())
        }
        (None, None) => of_card(setting)?,
    };
    national.person(&credential)
}

/// The card in the reader; its holder's number and name as far as they are free to read.
fn of_card(setting: &Setting<'_>) -> Result<Credential, TerminalError> {
    let mut desk = setting.desk()?;
    let mut tapped = setting.tapped_asking(&mut desk, Ask::Nothing)?;
    // What needs a key is left: the centre finds the person by the card.
    let read = read::files(&mut tapped, &[("SSSE", "EF06")], Keys::default());
    if let Some(lost) = read.lost {
        return Err(lost);
    }
    let values = &tapped.reading().values;
    let text = |place: &str| values.text(place).map(str::to_owned);
    let number = text("SSSE.EF05.card_number").ok_or(TerminalError::CardAnswer { command: "READ RECORD EF05" })?;
    let holder = text("SSSE.EF06.social_security_number").zip(text("SSSE.EF06.name"));
    Ok(Credential::Card { number, identifier: tapped.identifier.to_string(), holder })
}

fn catalogue(
    setting: &Setting<'_>,
    national: &mut National<'_>,
    arguments: &CatalogueArguments,
) -> Result<(Page, Exit), TerminalError> {
    let list = CatalogueRow::find(arguments.list).ok_or(TerminalError::Bug("1301 to 1319 are in the table"))?;
    if arguments.out.symlink_metadata().is_ok() {
        let source = std::io::Error::from(std::io::ErrorKind::AlreadyExists);
        return Err(TerminalError::File { path: arguments.out.display().to_string(), source });
    }
    let (text, rows) = national.catalogue(list, &arguments.after, arguments.since)?;
    setting.output.new_file(&text, &arguments.out)?;
    let (zh, en) = list.title;
    let page = Page::new()
        .with("list", Words::new("目录", "list"), Value::Words(Words::new(zh, en)))
        .with("rows", Words::new("行数", "rows"), Value::count(rows))
        .with("file", Words::new("文件", "file"), Value::text(arguments.out.display().to_string()));
    Ok((page, Exit::Ok))
}

/// An error beside an answer, in one line.
fn beside(error: &TerminalError) -> Words {
    let (what, place) = (error.what(), error.place());
    Words::of(format!("{}:{}", what.zh, place.zh), format!("{}: {}", what.en, place.en))
}
