//! The command line of `issuer`: nouns and verbs, one file a noun.
//!
//! Owns: options, and handing them to the code that does the work. Never: does the work, prints.

pub mod account;
pub mod api;
pub mod audit;
pub mod backup;
pub mod batch;
pub mod benefit;
pub mod card;
pub mod catalogue;
pub mod ceremony;
pub mod certificate;
pub mod client;
pub mod config;
pub mod due;
pub mod exchange;
pub mod face;
pub mod init;
pub mod instant;
pub mod institution;
pub mod key;
pub mod number;
pub mod operator;
pub mod person;
pub mod photo;
pub mod pin;
pub mod psam;
pub mod query;
pub mod receipt;
pub mod request;
pub mod retention;
pub mod row;
pub mod sale;
pub mod self_test;
pub mod serve;
pub mod source;
pub mod states;
pub mod station;
pub mod stock;
pub mod sync;
pub mod ticket;
pub mod update;
pub mod window;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::builder::TypedValueParser;
use clap::{Arg, Command, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::audit::text;
use crate::centre::{Centre, CentreError};
use crate::error::Error;
use crate::exit::Exit;
use crate::lang::Lang;
use crate::operator::duty::{self, Duty, OnDuty};
use crate::operator::is_name;
use crate::operator::login::{self, LoginError};
use crate::output::{Format, Output};
use crate::store::{Store, StoreError};
use crate::vault::data_keys::DataKeys;
use crate::vault::pkcs11::Token;
use crate::vault::{Vault, VaultError, passphrase};
use zeroize::Zeroizing;

/// Issuance centre of the social security card (社会保障卡发卡中心).
#[derive(Debug, Parser)]
#[command(name = "issuer", version, arg_required_else_help = true)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub common: Common,
    /// What to work on.
    #[command(subcommand)]
    pub noun: Noun,
}

/// Reads the source of a secret without showing what was written: it may be the secret.
#[derive(Clone, Debug)]
struct SourceParser;

impl TypedValueParser for SourceParser {
    type Value = passphrase::Source;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<Self::Value, clap::Error> {
        value.to_str().unwrap_or_default().parse().map_err(|_| {
            let option = arg.and_then(Arg::get_long).unwrap_or("passphrase");
            command_line::hidden(&format!("--{option}"), &["env:NAME", "file:PATH"]).with_cmd(command)
        })
    }
}

/// Options of every command.
#[derive(Debug, clap::Args)]
pub struct Common {
    /// Data folder of the centre.
    #[arg(long, global = true, value_name = "DIR", env = "ISSUER_DATA")]
    pub data: Option<PathBuf>,
    /// How results are printed.
    #[arg(long, global = true, value_enum, default_value = "text")]
    pub format: Format,
    /// Language; from the locale when absent.
    #[arg(long, global = true, value_enum)]
    pub lang: Option<Lang>,
    /// Passphrase of the key vault: env:NAME or file:PATH.
    #[arg(long, global = true, value_name = "SOURCE", value_parser = SourceParser)]
    pub passphrase: Option<passphrase::Source>,
    /// PIN of the PKCS#11 token that holds the keys: env:NAME or file:PATH.
    #[arg(long, global = true, value_name = "SOURCE", value_parser = SourceParser)]
    pub pin: Option<passphrase::Source>,
    /// Password of the operator who acts, if one is set: env:NAME or file:PATH; asked for when absent.
    #[arg(long, global = true, value_name = "SOURCE", value_parser = SourceParser)]
    pub password: Option<passphrase::Source>,
    /// Operator who acts.
    #[arg(long, global = true, value_name = "NAME", env = "ISSUER_OPERATOR")]
    pub operator: Option<String>,
    /// The command under way: `batch create`.
    #[arg(skip)]
    pub command: String,
}

/// What to work on.
#[derive(Debug, Subcommand)]
pub enum Noun {
    /// Make a centre in a new folder.
    Init(init::Init),
    /// The configuration (配置), as it holds now.
    #[command(subcommand)]
    Config(config::Verb),
    /// Try everything that the centre's work needs, and change nothing (自检); exit code 7 when something fails.
    SelfTest,
    /// Keys (密钥).
    #[command(subcommand)]
    Key(key::Verb),
    /// Key ceremonies (密钥仪式): keys made by several custodians, or brought in parts, and shared among them.
    #[command(subcommand)]
    Ceremony(ceremony::Verb),
    /// Take in a bureau's file about people: short for `person import`.
    Import(person::Import),
    /// People of the registry (参保人员).
    #[command(subcommand)]
    Person(person::Verb),
    /// Contributions and individual accounts (参保缴费, 个人账户), as the agencies tell them.
    #[command(subcommand)]
    Benefit(benefit::Verb),
    /// Photos of holders (照片).
    #[command(subcommand)]
    Photo(photo::Verb),
    /// Faces of cards (卡面): templates of both sides, a card as its printer needs it.
    #[command(subcommand)]
    Face(face::Verb),
    /// Sources of people's data (数据来源).
    #[command(subcommand)]
    Source(source::Verb),
    /// Requests for cards (申请): first issue, replacement, renewal, changed data.
    #[command(subcommand)]
    Request(request::Verb),
    /// Card numbers (卡号池).
    #[command(subcommand)]
    Number(number::Verb),
    /// Batches of cards to be made (批次).
    #[command(subcommand)]
    Batch(batch::Verb),
    /// Files exchanged with banks and factories (数据交换).
    #[command(subcommand)]
    Exchange(exchange::Verb),
    /// Instant issuance at the counter (即时制卡): one citizen, one card, each step resumed where it was interrupted.
    #[command(subcommand)]
    Instant(instant::Verb),
    /// Stations (制卡站): yield, and readers and lots that are held.
    #[command(subcommand)]
    Station(station::Verb),
    /// Cards as things (库存): boxes of blank cards, finished cards, where they are and who keeps them.
    #[command(subcommand)]
    Stock(stock::Verb),
    /// Cards (卡).
    #[command(subcommand)]
    Card(card::Verb),
    /// The holder registry of province and ministry (持卡库): what it is told of cards, and what it answers.
    #[command(subcommand)]
    Sync(sync::Verb),
    /// PINs of cards (口令): orders to unblock or reset one, which a terminal carries out.
    #[command(subcommand)]
    Pin(pin::Verb),
    /// What people ask about themselves (查询): person, cards, account, insurances, progress; every question is on record.
    #[command(subcommand)]
    Query(query::Verb),
    /// Certificates of participation (参保证明): made at the counter, or printed by their code.
    #[command(subcommand)]
    Certificate(certificate::Verb),
    /// Complaints and suggestions (投诉与建议): what people tell, what they are answered.
    #[command(subcommand)]
    Ticket(ticket::Verb),
    /// PSAMs of terminals (终端安全模块).
    #[command(subcommand)]
    Psam(psam::Verb),
    /// States that the centre keeps, and the only moves between them (状态表).
    States(states::States),
    /// Operators (操作员).
    #[command(subcommand)]
    Operator(operator::Verb),
    /// Programs that ask for an operator (客户端), with certificates of this centre.
    #[command(subcommand)]
    Client(client::Verb),
    /// Everything that is due today (到期): `card due`, `stock due` and `retention run`, by an operator of the counter who captures.
    Due,
    /// How long what is about people is kept (保存期限).
    #[command(subcommand)]
    Retention(retention::Verb),
    /// The audit log (审计日志).
    #[command(subcommand)]
    Audit(audit::Verb),
    /// Backups (备份): the whole centre in one sealed file, and back.
    #[command(subcommand)]
    Backup(backup::Verb),
    /// Institutions (定点医药机构).
    #[command(subcommand)]
    Institution(institution::Verb),
    /// Terminals (终端).
    #[command(subcommand)]
    Terminal(institution::TerminalVerb),
    /// Accounts and allotments (账户, 划入).
    #[command(subcommand)]
    Account(account::Verb),
    /// Online loads (圈存).
    #[command(subcommand)]
    Load(account::LoadVerb),
    /// Records that were not posted (挂账).
    #[command(subcommand)]
    Row(row::Verb),
    /// Authorised sales whose terminal never comes back (联机消费关闭).
    #[command(subcommand)]
    Sale(sale::Verb),
    /// Drug catalogues for terminals (药品目录).
    #[command(subcommand)]
    Catalogue(catalogue::Verb),
    /// The blacklist (黑名单).
    #[command(subcommand)]
    Blacklist(account::BlacklistVerb),
    /// Clearing windows (业务日).
    #[command(subcommand)]
    Window(window::Verb),
    /// The statement of an institution for a day (对账单).
    Statement(window::StatementOptions),
    /// Three-way agreement of cards, journals and ledger (三方对账); exit code 7 when they do not agree.
    Reconcile(window::ReconcileOptions),
    /// Receipts of purchases (消费凭证).
    #[command(subcommand)]
    Receipt(receipt::Verb),
    /// Serve terminals over HTTP until SIGTERM.
    Serve(serve::Serve),
    /// The API of operators and programs (接口).
    #[command(subcommand)]
    Api(api::Verb),
}

impl Cli {
    /// Reads the command line, with the name of the command that it gives.
    ///
    /// # Errors
    /// [`clap::Error`], also for `--help`.
    pub fn read() -> Result<Self, clap::Error> {
        let matches = Self::command().try_get_matches()?;
        let mut cli = Self::from_arg_matches(&matches)?;
        let (mut at, mut words) = (&matches, Vec::new());
        while let Some((word, below)) = at.subcommand() {
            words.push(word);
            at = below;
        }
        cli.common.command = words.join(" ");
        Ok(cli)
    }

    /// The output that the options ask for.
    #[must_use]
    pub fn output(&self) -> Output {
        Output::new(self.common.format, self.common.lang.unwrap_or_else(Lang::of_environment))
    }
}

impl Common {
    /// The data folder.
    ///
    /// # Errors
    /// [`CentreError::FolderNotNamed`].
    pub fn folder(&self) -> Result<&Path, CentreError> {
        self.data.as_deref().ok_or(CentreError::FolderNotNamed)
    }

    /// Opens the centre for the command under way, which its operator must be allowed to give.
    ///
    /// # Errors
    /// [`CentreError`]; [`OperatorError`](crate::operator::OperatorError).
    pub fn centre(&self) -> Result<Centre, Error> {
        let mut centre = self.opened()?;
        match duty::duty(&self.command) {
            Duty::Needs(roles) => {
                let operator = centre.store.read(|tx| tx.require_one(self.operator.as_deref(), roles))?;
                self.prove(&mut centre.store)?;
                centre.store.set_on_duty(OnDuty { operator, roles });
            }
            Duty::Manages => self.prove(&mut centre.store)?,
            Duty::Looks | Duty::Outside => {}
        }
        Ok(centre)
    }

    /// The operator proves to be the one named, if a password is set.
    ///
    /// # Errors
    /// [`LoginError`].
    pub fn prove(&self, store: &mut Store) -> Result<(), LoginError> {
        let Some(name) = self.operator.as_deref() else { return Ok(()) };
        if store.read(|tx| tx.password(name))?.is_none() {
            return Ok(());
        }
        let password = self.own_password(name)?;
        login::prove(store, name, &password)
    }

    /// The operator's password, from where it is said to be or from the terminal.
    pub(crate) fn own_password(&self, name: &str) -> Result<Zeroizing<String>, LoginError> {
        let missing = || LoginError::PasswordMissing { name: name.to_owned() };
        match &self.password {
            Some(source) => Ok(source.read()?),
            None => self.asking().ask(PASSWORD).ok_or_else(missing),
        }
    }

    fn asking(&self) -> Output {
        Output::new(self.format, self.lang.unwrap_or_else(Lang::of_environment))
    }

    /// Opens the centre. Who only looks may do so where nothing can be written: on a full disk, in a folder or on a medium that is
    /// read-only.
    fn opened(&self) -> Result<Centre, CentreError> {
        let folder = self.folder()?;
        let (looks, writable) = (duty::duty(&self.command) == Duty::Looks, Centre::is_writable(folder));
        if looks && !writable {
            return Centre::open_to_look(folder);
        }
        match Centre::open(folder) {
            Err(CentreError::Store(full @ StoreError::DiskFull)) if looks => {
                Centre::open_to_look(folder).map_err(|_| full.into())
            }
            Err(CentreError::Store(StoreError::Engine(_))) if !writable => Err(StoreError::ReadOnly.into()),
            opened => opened,
        }
    }

    /// Opens the centre with the data of its people.
    ///
    /// # Errors
    /// [`Error`].
    pub fn registry(&self, output: &Output) -> Result<Centre, Error> {
        let mut centre = self.centre()?;
        self.data_keys(&mut centre, output)?;
        Ok(centre)
    }

    /// Opens the centre for an act with a reason in somebody's own words. One in other letters than English has may hold a name, one with
    /// many digits a telephone number, and it takes the data keys to see that.
    ///
    /// # Errors
    /// [`Error`].
    pub fn centre_told(&self, reason: Option<&str>, output: &Output) -> Result<Centre, Error> {
        let may_tell = |reason: &str| {
            !reason.is_ascii() || reason.bytes().filter(u8::is_ascii_digit).count() >= text::PHONE_DIGITS_MIN
        };
        if reason.is_some_and(may_tell) { self.registry(output) } else { self.centre() }
    }

    /// Opens the data keys of the centre and gives them to its database; a centre made before there were any gets some.
    ///
    /// # Errors
    /// [`Error`].
    pub fn data_keys(&self, centre: &mut Centre, output: &Output) -> Result<Arc<DataKeys>, Error> {
        let passphrase = passphrase::to_open(&centre.folder, self.passphrase.as_ref(), output)?;
        let path = centre.data_keys_path();
        if !path.exists() && !centre.store.knows_data_keys()? {
            DataKeys::random()?.seal_file(&path, &passphrase)?;
        }
        let keys = Arc::new(DataKeys::open(&path, &passphrase)?);
        centre.store.unlock(keys.clone())?;
        Ok(keys)
    }

    /// Opens the vault of the centre.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn vault(&self, centre: &Centre, output: &Output) -> Result<Vault, VaultError> {
        let passphrase = passphrase::to_open(&centre.folder, self.passphrase.as_ref(), output)?;
        self.vault_with(centre, &passphrase, output)
    }

    /// Opens the vault of the centre with a passphrase that is known.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn vault_with(&self, centre: &Centre, passphrase: &str, output: &Output) -> Result<Vault, VaultError> {
        let vault = Vault::open(&centre.vault_path(), passphrase, || {
            let config = centre.config.pkcs11.as_ref().ok_or(VaultError::TokenNotConfigured)?;
            let pin = passphrase::pin(self.pin.as_ref(), output)?;
            Ok(Box::new(Token::open(config, centre.config.city, pin)?))
        })?;
        match &centre.public_key {
            Some(key) if !key.eq_ignore_ascii_case(&hex::encode(vault.public_key())) => Err(VaultError::Foreign),
            _ => Ok(vault),
        }
    }

    /// Who gives a command that needs a role: [`Common::centre`] has found the name registered.
    #[must_use]
    pub fn actor(&self) -> String {
        self.operator.clone().unwrap_or_else(local)
    }
}

const PASSWORD: (&str, &str) = ("操作员口令: ", "operator's password: ");

/// Who sits at this machine, as the system knows it: for acts before there are operators.
#[must_use]
pub fn local() -> String {
    let user = rustix::process::getuid().as_raw();
    let known = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = known.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, number) = (fields.next()?, fields.nth(1)?);
        (number.parse() == Ok(user) && is_name(name)).then(|| name.to_owned())
    });
    format!("local:{}", name.unwrap_or_else(|| user.to_string()))
}

/// Runs a command line.
///
/// # Errors
/// [`Error`], which [`Exit`] maps to the exit code.
pub fn run(cli: Cli, output: &Output) -> Result<Exit, Error> {
    let Cli { common, noun } = cli;
    match noun {
        Noun::Init(init) => init::run(&common, init, output),
        Noun::Config(verb) => config::run(&common, &verb, output),
        Noun::SelfTest => self_test::run(&common, output),
        Noun::Key(verb) => key::run(&common, verb, output),
        Noun::Ceremony(verb) => ceremony::run(&common, verb, output),
        Noun::Import(import) => person::run_import(&common, import, output),
        Noun::Person(verb) => person::run(&common, verb, output),
        Noun::Benefit(verb) => benefit::run(&common, verb, output),
        Noun::Photo(verb) => photo::run(&common, verb, output),
        Noun::Face(verb) => face::run(&common, verb, output),
        Noun::Source(verb) => source::run(&common, verb, output),
        Noun::Request(verb) => request::run(&common, verb, output),
        Noun::Number(verb) => number::run(&common, verb, output),
        Noun::States(options) => states::run(&options, output),
        Noun::Batch(verb) => batch::run(&common, verb, output),
        Noun::Exchange(verb) => exchange::run(&common, verb, output),
        Noun::Instant(verb) => instant::run(&common, verb, output),
        Noun::Station(verb) => station::run(&common, verb, output),
        Noun::Stock(verb) => stock::run(&common, verb, output),
        Noun::Card(verb) => card::run(&common, verb, output),
        Noun::Sync(verb) => sync::run(&common, verb, output),
        Noun::Pin(verb) => pin::run(&common, verb, output),
        Noun::Query(verb) => query::run(&common, verb, output),
        Noun::Certificate(verb) => certificate::run(&common, verb, output),
        Noun::Ticket(verb) => ticket::run(&common, verb, output),
        Noun::Psam(verb) => psam::run(&common, verb, output),
        Noun::Operator(verb) => operator::run(&common, verb, output),
        Noun::Client(verb) => client::run(&common, verb, output),
        Noun::Due => due::run(&common, output),
        Noun::Retention(verb) => retention::run(&common, verb, output),
        Noun::Audit(verb) => audit::run(&common, verb, output),
        Noun::Backup(verb) => backup::run(&common, verb, output),
        Noun::Institution(verb) => institution::run(&common, verb, output),
        Noun::Terminal(verb) => institution::run_terminal(&common, verb, output),
        Noun::Account(verb) => account::run(&common, verb, output),
        Noun::Load(verb) => account::run_load(&common, verb, output),
        Noun::Row(verb) => row::run(&common, verb, output),
        Noun::Sale(verb) => sale::run(&common, verb, output),
        Noun::Catalogue(verb) => catalogue::run(&common, verb, output),
        Noun::Blacklist(verb) => account::run_blacklist(&common, verb, output),
        Noun::Window(verb) => window::run(&common, verb, output),
        Noun::Statement(options) => window::run_statement(&common, &options, output),
        Noun::Reconcile(options) => window::run_reconcile(&common, &options, output),
        Noun::Receipt(verb) => receipt::run(&common, verb, output),
        Noun::Serve(options) => serve::run(&common, &options, output),
        Noun::Api(verb) => api::run(&verb, output),
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::Cli;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn no_command_takes_a_word_of_all_commands_for_its_own() {
        fn each(command: &clap::Command, path: &str, see: &mut impl FnMut(&clap::Command, &str)) {
            see(command, path);
            for below in command.get_subcommands() {
                each(below, &format!("{path} {}", below.get_name()), see);
            }
        }
        let root = Cli::command();
        let of_all: Vec<_> = root.get_arguments().filter(|one| one.is_global_set()).map(clap::Arg::get_id).collect();
        assert!(of_all.iter().any(|id| *id == "password"), "{of_all:?}");
        for below in root.get_subcommands() {
            each(below, below.get_name(), &mut |command, path| {
                let own = command.get_arguments().find(|one| of_all.contains(&one.get_id()));
                assert!(own.is_none(), "{path}: {own:?}");
            });
        }
    }

    #[test]
    fn a_passphrase_typed_as_an_argument_is_not_repeated() {
        let error = Cli::try_parse_from(["issuer", "--passphrase", "Geheim-77", "key", "list"]).expect_err("refused");
        let (zh, en) = command_line::what(&error);
        assert!(en.contains("--passphrase") && en.contains("env:NAME"), "{en}");
        assert!(!format!("{zh}{en}{error}").contains("Geheim"), "{zh} {en} {error}");
    }
}
