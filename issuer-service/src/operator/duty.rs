//! Who may do what: one table of all commands, checked before each of them and again in the transaction of its act.
//!
//! Owns: the table, the page made from it. Never: a rule that needs to know the thing acted on (who made it, which state it is
//! in): those stand with the thing.

use serde::Serialize;

use super::{Operator, OperatorError, Role};
use crate::lang::Lang;
use crate::output::Show;

/// What a command asks of who gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duty {
    /// Nothing: it shows what is not secret, and changes nothing.
    Looks,
    /// One of these roles.
    Needs(&'static [Role]),
    /// The role `manage`, once an operator holds it; until then anyone at this machine.
    Manages,
    /// Nothing of the centre's operators: there is no centre yet, or it runs on another machine, or its callers prove themselves.
    Outside,
}

use Duty::{Looks, Manages, Needs, Outside};
use Role::{Approve, Audit, Capture, Clearing, Counter, Keys, Manage, Query, Station, Stock};

/// Every command of the program, in the order of its help.
pub const DUTIES: &[(&str, Duty)] = &[
    ("init", Outside),
    ("config show", Looks),
    ("self-test", Looks),
    ("key list", Looks),
    ("key check", Looks),
    ("key discard", Needs(&[Keys])),
    ("key export", Needs(&[Keys])),
    ("key data", Looks),
    ("key rotate-data", Needs(&[Keys])),
    ("ceremony start", Needs(&[Keys])),
    ("ceremony contribute", Needs(&[Keys])),
    ("ceremony import", Needs(&[Keys])),
    ("ceremony finish", Needs(&[Keys])),
    ("ceremony cancel", Needs(&[Keys])),
    ("ceremony list", Looks),
    ("ceremony show", Looks),
    ("ceremony protocol", Looks),
    ("import", Needs(&[Capture])),
    ("person import", Needs(&[Capture])),
    ("person upsert", Needs(&[Capture, Counter])),
    ("person list", Looks),
    ("person find", Looks),
    ("person show", Looks),
    ("person history", Looks),
    ("person compare", Looks),
    ("person conflicts", Looks),
    ("person renumber", Needs(&[Capture])),
    ("person join", Needs(&[Capture])),
    ("person orders", Looks),
    ("person approve", Needs(&[Approve])),
    ("person reject", Needs(&[Approve])),
    ("person merge", Needs(&[Capture])),
    ("person death", Needs(&[Capture])),
    ("benefit import", Needs(&[Capture])),
    ("benefit list", Looks),
    ("benefit take-back", Needs(&[Capture])),
    ("photo import", Needs(&[Capture])),
    ("photo add", Needs(&[Capture, Counter])),
    ("photo check", Looks),
    ("photo show", Looks),
    ("photo remove", Needs(&[Capture])),
    ("face template list", Looks),
    ("face template show", Looks),
    ("face template check", Looks),
    ("face print", Needs(&[Station])),
    ("source add", Needs(&[Capture, Manage])),
    ("source list", Looks),
    ("source show", Looks),
    ("request new", Needs(&[Capture])),
    ("request list", Looks),
    ("request show", Looks),
    ("request withdraw", Needs(&[Capture])),
    ("number fill", Needs(&[Capture])),
    ("number block", Needs(&[Capture])),
    ("number prefix propose", Needs(&[Capture])),
    ("number prefix approve", Needs(&[Approve])),
    ("number prefix withdraw", Needs(&[Capture, Approve])),
    ("number list", Looks),
    ("batch create", Needs(&[Capture])),
    ("batch approve", Needs(&[Approve])),
    ("batch cancel", Needs(&[Capture, Approve])),
    ("batch withdraw", Needs(&[Approve])),
    ("batch list", Looks),
    ("batch show", Looks),
    ("batch run", Needs(&[Station])),
    ("batch print", Needs(&[Station])),
    ("batch spoil", Needs(&[Station])),
    ("batch set-aside", Needs(&[Approve])),
    ("exchange export", Needs(&[Capture])),
    ("exchange import", Needs(&[Capture])),
    ("exchange resend", Needs(&[Capture])),
    ("exchange abandon", Needs(&[Capture])),
    ("exchange list", Looks),
    ("exchange show", Looks),
    ("exchange template list", Looks),
    ("exchange template show", Looks),
    ("exchange template check", Looks),
    ("instant new", Needs(&[Capture])),
    ("instant approve", Needs(&[Approve])),
    ("instant run", Needs(&[Station])),
    ("instant list", Looks),
    ("instant show", Looks),
    ("station request", Outside),
    ("station enrol", Needs(&[Station])),
    ("station certify", Needs(&[Keys])),
    ("station revoke", Needs(&[Station, Keys])),
    ("station certificate", Looks),
    ("station list", Looks),
    ("station work", Outside),
    ("station yield", Looks),
    ("station holds", Looks),
    ("station release", Needs(&[Station])),
    ("stock place add", Needs(&[Stock])),
    ("stock place list", Looks),
    ("stock receive", Needs(&[Stock])),
    ("stock count", Needs(&[Stock])),
    ("stock inventory", Needs(&[Stock])),
    ("stock issue", Needs(&[Stock])),
    ("stock take-back", Needs(&[Stock])),
    ("stock damage", Needs(&[Stock, Station])),
    ("stock lose", Needs(&[Stock])),
    ("stock find", Needs(&[Stock])),
    ("stock condemn", Needs(&[Stock])),
    ("stock destroy", Needs(&[Stock, Approve])),
    ("stock adopt", Needs(&[Stock])),
    ("stock pack", Needs(&[Stock])),
    ("stock unpack", Needs(&[Stock])),
    ("stock dispatch", Needs(&[Stock])),
    ("stock accept", Needs(&[Stock, Counter])),
    ("stock hand-out", Needs(&[Counter])),
    ("stock take-in", Needs(&[Counter])),
    ("stock receipt", Looks),
    ("stock due", Needs(&[Counter])),
    ("stock send-back", Needs(&[Counter])),
    ("stock show", Looks),
    ("stock history", Looks),
    ("stock check", Looks),
    ("card list", Looks),
    ("card activate", Needs(&[Counter])),
    ("card show", Looks),
    ("card report-loss", Needs(&[Counter])),
    ("card release", Needs(&[Counter])),
    ("card lock", Needs(&[Counter])),
    ("card unlock", Needs(&[Counter])),
    ("card cancel", Needs(&[Counter])),
    ("card due", Needs(&[Counter])),
    ("card history", Looks),
    ("card states", Looks),
    ("card update list", Looks),
    ("card update items", Looks),
    ("card update request", Needs(&[Counter])),
    ("card update withdraw", Needs(&[Counter])),
    ("card update run", Needs(&[Counter, Station])),
    ("sync status", Looks),
    ("sync list", Looks),
    ("sync export", Needs(&[Capture])),
    ("sync import", Needs(&[Capture])),
    ("sync resend", Needs(&[Capture])),
    ("sync retry", Needs(&[Capture])),
    ("sync drop", Needs(&[Capture])),
    ("sync load", Needs(&[Capture])),
    ("pin reset", Needs(&[Counter])),
    ("pin unblock", Needs(&[Counter])),
    ("pin approve", Needs(&[Approve])),
    ("pin withdraw", Needs(&[Counter])),
    ("pin list", Looks),
    ("query person", Needs(&[Counter, Capture, Query])),
    ("query card", Needs(&[Counter, Capture, Query])),
    ("query account", Needs(&[Counter, Capture, Query])),
    ("query insurance", Needs(&[Counter, Capture, Query])),
    ("query progress", Needs(&[Counter, Capture, Query])),
    ("query password", Needs(&[Counter])),
    ("certificate make", Needs(&[Counter])),
    ("certificate print", Needs(&[Counter])),
    ("ticket add", Needs(&[Counter, Query])),
    ("ticket list", Looks),
    ("ticket show", Needs(&[Counter])),
    ("ticket answer", Needs(&[Counter])),
    ("ticket close", Needs(&[Counter])),
    ("due", Needs(&[Counter])),
    ("retention show", Looks),
    ("retention set", Needs(&[Approve])),
    ("retention run", Needs(&[Capture, Counter])),
    ("psam personalize", Needs(&[Keys])),
    ("psam handout", Needs(&[Keys])),
    ("psam return", Needs(&[Keys])),
    ("psam replace", Needs(&[Keys])),
    ("psam lost", Needs(&[Keys])),
    ("psam retire", Needs(&[Keys])),
    ("psam list", Looks),
    ("psam tasks", Looks),
    ("states", Looks),
    ("operator add", Manages),
    ("operator roles", Manages),
    ("operator disable", Manages),
    ("operator reset", Manages),
    ("operator password", Outside),
    ("operator totp", Outside),
    ("operator list", Looks),
    ("operator duties", Looks),
    ("client request", Outside),
    ("client enrol", Needs(&[Manage])),
    ("client certify", Needs(&[Keys])),
    ("client revoke", Needs(&[Manage, Keys])),
    ("client authority", Needs(&[Keys])),
    ("client list", Looks),
    ("audit verify", Looks),
    ("audit export", Needs(&[Audit])),
    ("audit checkpoint", Needs(&[Audit, Keys])),
    ("audit anchor", Needs(&[Audit])),
    ("audit clock", Manages),
    ("backup create", Needs(&[Keys, Manage])),
    ("backup verify", Outside),
    ("backup restore", Outside),
    ("institution add", Needs(&[Clearing])),
    ("institution list", Looks),
    ("terminal add", Needs(&[Clearing])),
    ("terminal set", Needs(&[Clearing])),
    ("terminal stop", Needs(&[Clearing])),
    ("terminal start", Needs(&[Clearing])),
    ("terminal list", Looks),
    ("terminal sales", Looks),
    ("terminal enrol", Needs(&[Clearing])),
    ("terminal certify", Needs(&[Keys])),
    ("terminal revoke", Needs(&[Clearing, Keys])),
    ("terminal certificates", Looks),
    ("account allot", Needs(&[Clearing])),
    ("account approve", Needs(&[Approve])),
    ("account reject", Needs(&[Approve])),
    ("account requests", Looks),
    ("account list", Looks),
    ("account move-balances", Needs(&[Clearing])),
    ("load list", Looks),
    ("load propose", Needs(&[Clearing])),
    ("load approve", Needs(&[Approve])),
    ("load reject", Needs(&[Approve])),
    ("row list", Looks),
    ("row propose", Needs(&[Clearing])),
    ("row approve", Needs(&[Approve])),
    ("row reject", Needs(&[Approve])),
    ("sale list", Looks),
    ("sale propose", Needs(&[Clearing])),
    ("sale approve", Needs(&[Approve])),
    ("sale reject", Needs(&[Approve])),
    ("catalogue import", Needs(&[Clearing])),
    ("catalogue publish", Needs(&[Approve])),
    ("catalogue list", Looks),
    ("blacklist add", Needs(&[Clearing])),
    ("blacklist remove", Needs(&[Clearing])),
    ("blacklist list", Looks),
    ("blacklist export", Needs(&[Clearing])),
    ("blacklist adopt", Needs(&[Clearing])),
    ("blacklist release", Needs(&[Clearing])),
    ("window list", Looks),
    ("window show", Looks),
    ("window close", Needs(&[Clearing])),
    ("window explain", Needs(&[Clearing])),
    ("statement", Looks),
    ("reconcile", Looks),
    ("receipt check", Looks),
    ("serve", Outside),
    ("api openapi", Outside),
];

/// What a command asks beside its row, for what it does with an option: endpoints do that alone.
const WITH_OPTIONS: &[(&str, Duty)] = &[
    ("person show --reveal", Needs(&[Capture])),
    ("photo show --out", Needs(&[Capture])),
    ("query password --own", Needs(&[Query])),
    ("query password --behalf", Needs(&[Counter, Query])),
    ("ticket list --behalf", Needs(&[Capture, Approve, Station, Keys, Clearing, Audit, Counter, Stock, Query, Manage])),
    ("ticket show --own", Needs(&[Query])),
    ("ticket show --behalf", Needs(&[Counter, Query])),
    ("ticket answer --behalf", Needs(&[Counter, Query])),
    ("ticket close --behalf", Needs(&[Counter, Query])),
];

/// Whoever works in the house: all but programs that put questions for people elsewhere.
pub const HOUSE: &[Role] = &[Capture, Approve, Station, Keys, Clearing, Audit, Counter, Stock, Manage];

/// Who sees people through a door that others reach: at the machine these commands only look.
const PEOPLE: &[Role] = &[Capture, Counter, Approve];
/// Who sees a card through such a door: those, and who makes it and looks at its face.
const CARDS: &[Role] = &[Capture, Counter, Approve, Station];

/// What a command asks at a door, where it asks more than at the machine.
const AT_A_DOOR: &[(&str, Duty)] = &[
    ("person list", Needs(PEOPLE)),
    ("person find", Needs(PEOPLE)),
    ("person show", Needs(PEOPLE)),
    ("request list", Needs(PEOPLE)),
    ("request show", Needs(PEOPLE)),
    ("card list", Needs(PEOPLE)),
    ("card show", Needs(CARDS)),
];

/// What a command asks; a command that has no row asks for the role that nobody holds by accident.
#[must_use]
pub fn duty(command: &str) -> Duty {
    DUTIES.iter().chain(WITH_OPTIONS).find(|(name, _)| *name == command).map_or(Needs(&[Manage]), |(_, duty)| *duty)
}

/// Whether an operator who has proved to be one may do what a command does: the one gate of every door that others reach. At this
/// machine `Looks` asks for nothing; at a door it asks for somebody who is let in and does more than put questions for people
/// elsewhere, of whoever sees people for a role that works with them, and `Outside` is not done there.
///
/// # Errors
/// [`OperatorError::RoleMissing`].
pub fn allowed(operator: &Operator, command: &str) -> Result<Option<OnDuty>, OperatorError> {
    let elsewhere = operator.roles.iter().all(|role| role == Query.name());
    let roles = match roles_at_a_door(command) {
        None if !elsewhere => return Ok(None),
        // Whoever works in the house looks around in it; who puts questions for people elsewhere does not.
        None => HOUSE,
        Some(roles) => roles,
    };
    let name = operator.name.clone();
    if roles.iter().any(|role| operator.has(*role)) {
        return Ok(Some(OnDuty { operator: name, roles }));
    }
    let roles = roles.iter().map(|role| role.name()).collect::<Vec<_>>().join(" / ");
    Err(OperatorError::RoleMissing { name, roles })
}

/// Roles of which a command asks for one at a door; none where it is enough to be let in, and to work in the house.
#[must_use]
pub fn roles_at_a_door(command: &str) -> Option<&'static [Role]> {
    const MANAGE: &[Role] = &[Manage];
    // Nobody's: no list of roles is empty otherwise.
    const NOBODY: &[Role] = &[];
    let at_a_door = AT_A_DOOR.iter().find(|(name, _)| *name == command).map(|(_, duty)| *duty);
    match at_a_door.unwrap_or_else(|| duty(command)) {
        Looks => None,
        Needs(roles) => Some(roles),
        Manages => Some(MANAGE),
        Outside => Some(NOBODY),
    }
}

/// An operator at a command: looked at again in the transaction of each of its acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnDuty {
    /// The name.
    pub operator: String,
    /// The roles of which one is needed.
    pub roles: &'static [Role],
}

/// The table as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Duties {
    /// In the order of the help.
    pub duties: Vec<Row>,
}

/// A row of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The command.
    pub command: &'static str,
    /// Roles of which one is needed; none for a command that needs none.
    pub roles: Vec<&'static str>,
}

impl Duties {
    /// The whole table.
    #[must_use]
    pub fn all() -> Self {
        let row = |(command, duty): &(&'static str, Duty)| Row { command, roles: names(*duty) };
        Self { duties: DUTIES.iter().map(row).collect() }
    }

    /// `docs/duties.md`.
    #[must_use]
    pub fn page() -> String {
        let mut page = String::from(
            "# Who may do what (职责)\n\n\
             Made by `issuer operator duties --markdown`. Every command that changes something needs a registered, active operator \
             (`--operator`,\n`ISSUER_OPERATOR`) with one of its roles; that is looked at before it begins and again in the transaction of \
             each of its acts. Nobody\napproves what they made. Commands that show what is masked otherwise (`person show --reveal`, \
             `photo show --out`, `exchange show --reveal`, `sync list --reveal`) need `capture`; \
             `psam list --reveal` needs `keys`.\n\n\
             `query` is the role of programs that put questions: for people who prove themselves by number and query password, or for an \
             operator whom\nthe program names and whose own role counts. By itself it sees nothing: at a door it looks at nothing that \
             needs no role, and of a ticket or a query\npassword it has only those of the person who proves it.\n\n\
             `manage`: until an operator holds it, anyone at the machine may register operators; from then on only its holders may, \
             nobody\nchanges their own roles, so somebody always holds it. A machine cannot tell that two names are one person: whoever \
             holds `manage` answers\nfor one name a person.\n\n\
             | command | roles: one of |\n|---|---|\n",
        );
        for (command, duty) in DUTIES.iter().filter(|(_, duty)| matches!(duty, Needs(_) | Manages)) {
            page += &format!("| `{command}` | {} |\n", names(*duty).join(", "));
        }
        page += "\nAt the doors of `issuer serve --operators`, whoever sees people needs a role that works with them:\n\n| command | roles: one of |\n|---|---|\n";
        for (command, duty) in AT_A_DOOR {
            page += &format!("| `{command}` | {} |\n", names(*duty).join(", "));
        }
        page += "\nWithout a role:\n\n";
        let without: Vec<String> = DUTIES
            .iter()
            .filter(|(_, duty)| matches!(duty, Looks | Outside))
            .map(|(name, _)| format!("`{name}`"))
            .collect();
        let lines: Vec<String> = without.chunks(8).map(|line| line.join(", ")).collect();
        page += &lines.join(",\n");
        page += "\n";
        page
    }
}

fn names(duty: Duty) -> Vec<&'static str> {
    match duty {
        Needs(roles) => roles.iter().map(|role| role.name()).collect(),
        Manages => vec![Manage.name()],
        Looks | Outside => Vec::new(),
    }
}

impl Show for Duties {
    fn text(&self, _lang: Lang) -> String {
        let line = |row: &Row| format!("{:<26} {}", row.command, row.roles.join(", ")).trim_end().to_owned();
        self.duties.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}
