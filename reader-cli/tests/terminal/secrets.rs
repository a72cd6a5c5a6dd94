//! Secrets and personal values are planted in every input; no output, trace, history or stored file holds them, in any
//! spelling, but the standard output of a command that was asked to show them.

use std::collections::BTreeSet;
use std::path::Path;

use card_profiles::image::CardValues;
use card_profiles::{builtin, identity, rehearsal, text};
use clap::CommandFactory as _;
use reader_cli::arguments::Arguments;
use settlement::fen::Fen;
use settlement::id::PublicKey;

use crate::cards;
use crate::shop::{Ran, Shop};

const PIN: &str = "864213975318";
const NAME: &str = "欧阳蕴涵";
const ADDRESS: &str = "康定市炉城镇情歌巷七十三号";
const MASTER_KEY: [u8; 16] = *b"PLANTED MASTER K";
const PHONE: &str = "13987654321";

/// What must not be found, and how it may be spelt.
struct Planted {
    label: String,
    spellings: Vec<Vec<u8>>,
}

impl Planted {
    fn text(label: &str, value: &str) -> Self {
        let gbk = text::encode_text(value).expect("GBK");
        let mut spellings = vec![value.as_bytes().to_vec(), gbk.clone()];
        if value.len() >= 8 && value.bytes().all(|c| c.is_ascii_digit()) {
            let even = if value.len().is_multiple_of(2) { value.to_owned() } else { format!("{value}F") };
            spellings.push(hex::decode(even).expect("digits"));
        }
        for bytes in [value.as_bytes(), &gbk] {
            spellings.push(hex::encode(bytes).into_bytes());
            spellings.push(hex::encode_upper(bytes).into_bytes());
        }
        Self { label: label.to_owned(), spellings }
    }

    fn bytes(label: &str, value: &[u8]) -> Self {
        let spellings = vec![value.to_vec(), hex::encode(value).into_bytes(), hex::encode_upper(value).into_bytes()];
        Self { label: label.to_owned(), spellings }
    }

    fn is_in(&self, found: &[u8]) -> bool {
        self.spellings.iter().any(|spelling| found.windows(spelling.len()).any(|window| window == spelling.as_slice()))
    }
}

#[test]
fn nothing_planted_comes_out_where_nobody_asked() {
    let number =
        "51332219870623481".to_owned() + &identity::citizen_check("51332219870623481").expect("digits").to_string();
    let card = identity::card_number("ZQ7K4M2X").expect("a body");
    let photo: Vec<u8> = (0..4096_u32).map(|index| u8::try_from(index * 131 % 251 + 1).expect("small")).collect();
    let mut values = CardValues::new();
    for (place, value) in [
        ("SSSE.EF05.card_identifier", "513300D15600000500000001A1B2C3D4"),
        ("SSSE.EF05.card_class", "1"),
        ("SSSE.EF05.spec_version", "3.00"),
        ("SSSE.EF05.initializing_institution", "9156000002510000513300D5"),
        ("SSSE.EF05.issue_date", "20250101"),
        ("SSSE.EF05.valid_until", "20990101"),
        ("SSSE.EF05.card_number", card.as_str()),
        ("SSSE.EF06.social_security_number", number.as_str()),
        ("SSSE.EF06.name", NAME),
        ("SSSE.EF06.sex", "2"),
        ("SSSE.EF06.birth_date", "19870623"),
        ("SSSE.EF08", hex::encode_upper(&photo).as_str()),
        ("DF01.EF05.household_address", ADDRESS),
        ("DF01.EF06.phone", PHONE),
    ] {
        values.set(place, value).expect("a place");
    }
    let personal = [
        Planted::text("name", NAME),
        Planted::text("social security number", &number),
        Planted::text("card number", &card),
        Planted::text("date of birth", "19870623"),
        Planted::text("address", ADDRESS),
        Planted::text("phone", PHONE),
        Planted::bytes("photo", &photo[100..116]),
    ];
    let mut secrets = vec![Planted::text("PIN", PIN), Planted::text("other PIN", "975318642135")];
    // Six digits turn up by chance; the longer PIN of the certificate application is looked for.
    secrets.push(Planted::text("administrator PIN", "97318642"));
    secrets.push(Planted::bytes("master key of the certificates", &MASTER_KEY));
    secrets.push(Planted::bytes("transport key", &rehearsal::TRANSPORT_KEY));
    for row in builtin("ssc-3.0").expect("built in").key {
        secrets.push(Planted::bytes(row.name.as_str(), &cards::key_bytes(1, row.name.as_str())));
    }

    let shop = Shop::of_person(&values, PIN);
    std::fs::write(shop.path("other.pin"), "975318642135\n").expect("written");
    let dump = shop.path("card.dump").display().to_string();
    let bill = shop.bill("B-1", &[("X1", 1, "12.50")]);
    let catalogue = shop.path("drugs.csv").display().to_string();
    let script = shop.path("visit").display().to_string();
    std::fs::write(shop.path("user.pin"), "731864\n").expect("written");
    std::fs::write(shop.path("administrator.pin"), "97318642\n").expect("written");
    let user = format!("file:{}", shop.path("user.pin").display());
    let administrator = format!("file:{}", shop.path("administrator.pin").display());
    let other = format!("file:{}", shop.path("other.pin").display());
    let [factory, master] = ["factory.keys", "master.keys"].map(|name| shop.path(name).display().to_string());
    for (path, row) in [
        (&factory, format!("master = \"{}\"\nfactors = [\"card\"]", hex::encode(rehearsal::TRANSPORT_KEY))),
        (&master, format!("value = \"{}\"", hex::encode(MASTER_KEY))),
    ] {
        let text = format!("mark = \"{}\"\n[[key]]\nname = \"MKCERT\"\n{row}\n", rehearsal::MARK);
        std::fs::write(path, text).expect("written");
    }
    let visit = "info\nverify env:PIN\ncat SSSE.EF06\nrecords DF01.EF05\ncat --hex DF01.EF06\nauth RK1DF04\napdu 0020000006864213975318\napdu 8020000006864213975318\napdu 0024000006864213975318\napdu 002C000006864213975318\nls\ntree\n";
    let planted = shop.path("planted.log").display().to_string();
    let lines = "> 0020000008864213975318\n> 805E01000A864213975318FF12\n> 80D4000004864213975318\n> 8020000006864213975318\n< 6E00\n> 0024000006864213975318\n> 0020000006\n> 864213975318\n< 9000\n> 0020000006\n< 864213975318\n> 864213975318\n";
    std::fs::write(&planted, lines).expect("written");
    std::fs::write(&script, visit).expect("written");
    // A recording names PINs, as the first does; the second has one written down.
    let recording = shop.path("calls.jsonl").display().to_string();
    let call = |pin: &str| format!("{{\"function\":\"iPKBVerifyPIN\",\"iType\":3,\"pPin\":\"{pin}\",\"code\":-52}}\n");
    let basics = "{\"function\":\"iReadCardBas\",\"iType\":3,\"code\":0,\"pOutInfo\":\"|||\"}\n";
    std::fs::write(&recording, basics.to_owned() + &call("env:PIN")).expect("written");
    std::fs::write(format!("{recording}.wrong"), call(PIN)).expect("written");
    let first_trace = shop.path("trace-1").display().to_string();
    let enrolled = traced(&shop, &["terminal", "enroll"], 0);
    let key = PublicKey::parse(enrolled.json()["public_key"].as_str().expect("a key")).expect("hex");
    shop.centre.books().key = Some(key);
    search("terminal enroll", &enrolled, false, &personal, &secrets);
    let identifier = shop.identifier();
    shop.centre.books().pending.insert(identifier, Fen::new(50_000));

    shop.centre.books().order = Some(settlement::pin::PinAct::Reset);
    let redacted = format!("{planted}.safe");
    // Commands, and whether standard output may show what the card holds.
    let runs = [
        ("readers".to_owned(), false),
        ("sign-in".to_owned(), false),
        ("blacklist update".to_owned(), false),
        ("catalogue update".to_owned(), false),
        ("catalogue held".to_owned(), false),
        ("blacklist show".to_owned(), false),
        ("blacklist import LIST".to_owned(), false),
        (format!("blacklist export --out {bill}.list"), false),
        ("terminal trust KEY".to_owned(), false),
        ("load".to_owned(), false),
        ("card read".to_owned(), true),
        ("card read --all --pin env:PIN".to_owned(), true),
        ("card check --pin env:PIN".to_owned(), false),
        (format!("card dump --out {dump} --pin env:PIN"), false),
        (format!("card diff {dump} --against ssc-3.0"), true),
        ("card diff reader: --against ssc-3.0 --pin env:PIN".to_owned(), true),
        ("balance --pin env:PIN".to_owned(), false),
        (format!("pay {bill} --catalogue {catalogue} --pin env:PIN"), false),
        ("log --pin env:PIN".to_owned(), false),
        ("refund list --all".to_owned(), false),
        ("refund drop 1 --reason goods".to_owned(), false),
        ("refund give 2 --amount 1.00".to_owned(), false),
        ("refund finish 1".to_owned(), false),
        ("refund withdraw 1 --reason goods".to_owned(), false),
        ("cancel --pin env:PIN".to_owned(), false),
        ("journal list".to_owned(), false),
        ("journal judge 1 --not-done --by 007 --reason asked".to_owned(), false),
        ("journal verify".to_owned(), false),
        ("journal states".to_owned(), false),
        ("journal export".to_owned(), false),
        ("receipt reprint 1".to_owned(), false),
        ("driver output 1".to_owned(), false),
        ("card authenticate".to_owned(), false),
        ("upload".to_owned(), false),
        ("day-end".to_owned(), false),
        ("sign-out".to_owned(), false),
        ("terminal show".to_owned(), false),
        ("config show --origin".to_owned(), false),
        (format!("terminal request --out {bill}.request"), false),
        (format!("terminal certificate {bill}"), false),
        (format!("cert set-up --pin {user} --administrator-pin {administrator}"), false),
        (format!("cert verify-pin --administrator --pin {administrator}"), false),
        (
            format!("cert change-administrator-pin --keys {factory} --pin {administrator} --new-pin {administrator}"),
            false,
        ),
        (format!("cert load-master-key --keys {factory} --new-keys {master}"), false),
        (format!("cert generate --pin {user}"), false),
        ("cert show".to_owned(), false),
        ("cert export".to_owned(), false),
        (format!("cert sign {bill} --pin {user}"), false),
        (format!("cert install --envelope {bill} --pin {user}"), false),
        ("policy show".to_owned(), false),
        (format!("policy check {bill}"), false),
        ("policy reasons".to_owned(), false),
        (format!("catalogue check {catalogue}"), false),
        (format!("catalogue show {catalogue}"), false),
        (format!("catalogue import --list {catalogue} --version-name V1 --out {bill}.csv"), false),
        ("profile list".to_owned(), false),
        ("profile show ssc-3.0".to_owned(), false),
        ("profile doc ssc-3.0".to_owned(), false),
        ("profile schema".to_owned(), false),
        ("profile lint".to_owned(), false),
        ("profile diff ssc-2.0 ssc-3.0".to_owned(), false),
        (format!("shell --script {script}"), true),
        (format!("trace decode {first_trace}"), false),
        (format!("trace decode {planted}"), false),
        (format!("trace redact {planted} --out {redacted}"), false),
        ("conform --pin env:PIN".to_owned(), false),
        (format!("card read --pin {PIN}"), false),
        // Without [national] they end there; `tests/national` runs them against a centre, with people that are looked for.
        ("national sign-in".to_owned(), false),
        ("national sign-out".to_owned(), false),
        ("national person --card".to_owned(), false),
        (format!("national benefit --id {user}"), false),
        (format!("national trial {bill} --e-credential {user}"), false),
        (format!("national settle {bill} --id {number}"), false),
        ("national cancel B-1".to_owned(), false),
        ("national reprint B-1".to_owned(), false),
        ("national finish".to_owned(), false),
        ("national list".to_owned(), false),
        ("national judge B-1 --not-done --reason asked".to_owned(), false),
        ("national show B-1".to_owned(), false),
        ("national lines B-1".to_owned(), false),
        ("national reconcile".to_owned(), false),
        ("national day-end".to_owned(), false),
        (format!("national catalogue 1318 --out {bill}.list"), false),
        ("bridge --listen nowhere".to_owned(), false),
        ("kiosk --listen nowhere".to_owned(), false),
        (format!("compat {recording}"), true),
        (format!("compat {recording}.wrong"), false),
        ("tear pin --points".to_owned(), false),
        ("pin verify --pin env:PIN".to_owned(), false),
        (format!("pin change --pin env:PIN --new-pin {other}"), false),
        (format!("pin reset --order 1 --new-pin {user}"), false),
    ];
    let mut seen = BTreeSet::from(["terminal enroll".to_owned()]);
    for (index, (arguments, may_show)) in runs.iter().enumerate() {
        let arguments: Vec<&str> = arguments.split_whitespace().collect();
        let ran = traced(&shop, &arguments, index + 1);
        let name = arguments.iter().take_while(|word| !word.starts_with("--")).take(2).copied().collect::<Vec<_>>();
        seen.insert(name.join(" "));
        search(&arguments.join(" "), &ran, *may_show, &personal, &secrets);
    }
    let untried: Vec<String> = leaves(&Arguments::command(), "")
        .into_iter()
        .filter(|leaf| !seen.iter().any(|name| name == leaf || name.starts_with(&format!("{leaf} "))))
        .collect();
    assert!(untried.is_empty(), "commands without a run here: {untried:?}");

    for language in ["zh", "en"] {
        let told = shop.run_text(language, &["trace", "decode", &planted]);
        assert!(told.stdout.contains("0024000006"), "{}{}", told.stdout, told.stderr);
        search("trace decode as text", &told, false, &personal, &secrets);
    }
    let safe = std::fs::read(&redacted).expect("written");
    assert!(safe.starts_with(b"# sscard trace 1\n") && safe.len() > 200, "{}", String::from_utf8_lossy(&safe));
    for value in personal.iter().chain(&secrets) {
        assert!(!value.is_in(&safe), "{} in the redacted log", value.label);
    }
    let at_terminal = shop.run_at_terminal("cat SSSE.EF05\napdu 0020000006864213975318\nexit\n", "--lang zh shell");
    assert!(at_terminal.stdout.contains("sscard:/"), "{}", at_terminal.stdout);
    let mut files = 0;
    for path in files_below(&shop.path("data")).into_iter().chain(traces(&shop)) {
        let found = std::fs::read(&path).expect("readable");
        files += 1;
        for planted in personal.iter().chain(&secrets) {
            assert!(!planted.is_in(&found), "{} in {}", planted.label, path.display());
        }
    }
    assert!(files > 20, "journal, history and a trace a command: {files}");
    // The search finds what is there: the dump was asked for and holds all of it.
    let dumped = std::fs::read(&dump).expect("a dump");
    assert!(personal.iter().all(|planted| planted.is_in(&dumped)), "the card holds what was planted");
}

/// Runs with a trace, where the command speaks with a card.
fn traced(shop: &Shop, arguments: &[&str], index: usize) -> Ran {
    let path = shop.path(&format!("trace-{index}")).display().to_string();
    let is_on_paper = matches!(
        arguments,
        ["profile" | "trace" | "policy" | "catalogue" | "bridge" | "kiosk" | "compat" | "tear", ..]
            | ["card", "diff", _, "--against", "ssc-3.0"]
    );
    if is_on_paper { shop.run(arguments) } else { shop.run(&[&["--trace", &path], arguments].concat()) }
}

fn search(name: &str, ran: &Ran, may_show: bool, personal: &[Planted], secrets: &[Planted]) {
    for planted in secrets {
        let all = [ran.stdout.as_bytes(), ran.stderr.as_bytes()].concat();
        // The bytes that a person typed into a script are shown again nowhere.
        assert!(!planted.is_in(&all), "{} shown by {name}: {}{}", planted.label, ran.stdout, ran.stderr);
    }
    for planted in personal {
        assert!(!planted.is_in(ran.stderr.as_bytes()), "{} on stderr of {name}: {}", planted.label, ran.stderr);
        assert!(may_show || !planted.is_in(ran.stdout.as_bytes()), "{} shown by {name}: {}", planted.label, ran.stdout);
    }
}

/// Every command of the program, as it is typed.
fn leaves(command: &clap::Command, before: &str) -> Vec<String> {
    let below: Vec<&clap::Command> = command.get_subcommands().filter(|below| below.get_name() != "help").collect();
    if below.is_empty() {
        return vec![before.to_owned()];
    }
    below.iter().flat_map(|below| leaves(below, format!("{before} {}", below.get_name()).trim())).collect()
}

fn files_below(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

fn traces(shop: &Shop) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(shop.folder.path()).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths.filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("trace-"))).collect()
}
