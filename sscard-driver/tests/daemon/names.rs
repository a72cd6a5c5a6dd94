//! Every conventional name is there, in the library and for those that cannot load it, and those with buffers of their own fill them.
//!
//! Source: names of the driver interface, of its vendors and of SSSE32; headers of two vendors for the parameters.

use std::process::Command;

use crate::counter::{Counter, PSAM, library, text, third_generation};
use crate::server::{Server, compiled};

/// All names, by the place that lists them.
const NAMES: &str = "
iReadCardBas iReadCardBas_HSM_Step1 iReadCardBas_HSM_Step2 iReadCard iReadCard_HSM_Step1 iReadCard_HSM_Step2
iWriteCard iWriteCard_HSM_Step1 iWriteCard_HSM_Step2 iVerifyPIN iChangePIN iReloadPIN iUnblockPIN
iReloadPIN_HSM_Step1 iReloadPIN_HSM_Step2 iReloadPIN_HSM_Step3 iUnblockPIN_HSM_Step1 iUnblockPIN_HSM_Step2 iUnblockPIN_HSM_Step3
iDoDebit iDoDebit_HSM_Step1 iDoDebit_HSM_Step2 iReadDebitRecord PKI_SignData PKI_VerifySign
iReadCardInPutPin iReadCardType iReaderGetPass iReadCardBas_HSM_Step1To2 iReadCard_HSM_Step1To2 iWriteCard_HSM_Step1To2
iReloadPIN_HSM_Step1To2 iReloadPIN_HSM_Step2To3 iUnblockPIN_HSM_Step1To2 iUnblockPIN_HSM_Step2To3 iDoDebit_HSM_Step1To2
iCommReadCardBas iCommReadCard iCommWriteCard iCommReloadPIN iCommUnblockPIN iCommDoDebit
iGetCardType iGetReaderInfo iReadCardPublicInfo iReadPersonPublicInfo iPKBGetPIN iPKBVerifyPIN iPKBChangePIN
iReadPBOCAccount ReadICCardNum iReadICCardNum iReadMedicareNO iCheckCard iReadIdentityCard iReadIdentityInfo
SD_ReadCardInfo SD_VerifyPin SD_GetInputPass iWriteCA iWriteCA_HSM_Step1 iWriteCA_HSM_Step2 iReadUid iReadCardNo iSendCpuApdu
ICC_Reader_Open ICC_Reader_Close ICC_Reader_pre_PowerOn ICC_Reader_Application ICC_Reader_GetStatus ICC_Reader_GetPass
";

#[test]
fn the_library_has_every_name_and_the_readme_says_what_each_does() {
    let listed = Command::new("nm").arg("-D").arg("--defined-only").arg(library()).output().expect("nm");
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let there: Vec<&str> = listed.lines().filter_map(|line| line.split_whitespace().nth(2)).collect();
    let readme = include_str!("../../README.md");
    assert!(NAMES.split_whitespace().count() >= 70);
    for name in NAMES.split_whitespace() {
        assert!(there.contains(&name), "{name} is not in the library");
        assert!(readme.contains(&format!("`{name}`")), "{name} is not in README.md");
    }
}

fn counter() -> Counter {
    let mut counter = Counter::open(2);
    let card = counter.card("person.card", text("ssc-3.0"), &third_generation());
    let psam = counter.card("psam.card", text("psam"), &PSAM);
    counter.insert(0, &card);
    counter.insert(1, &psam);
    counter
}

/// What the caller of the reader interface sees, with random answers replaced.
fn expected(answers: &[(i64, String)]) {
    let codes: Vec<i64> = answers.iter().map(|(code, _)| *code).collect();
    assert_eq!(
        codes,
        [1, -3, 17, 0, 10, 2, -14, -3, 18, 10, -14, -14, 0, 0, -51, 0, 0, 0, 0, -27_266, -13, -13, 0, -3],
        "{answers:?}"
    );
    let text = |at: usize| answers.get(at).map_or("", |(_, text)| text.as_str());
    assert!(text(2).starts_with("3B") && text(2).len() == 34, "{}", text(2));
    for random in [4, 9] {
        assert!(text(random).len() == 20 && text(random).ends_with("9000"), "{}", text(random));
    }
    assert_eq!((text(12), text(13), text(14), text(15)), ("6 123456", "6 123456", "63C2", "9000"));
    assert_eq!(
        text(16),
        "sbjgbh~t513300~nsbkkh~tA12345674~nyhzh~t~nsfzhm~t111111198101011110~nsbm~t513300D156000005000000010A0B0C0D~n"
    );
    assert_eq!(text(17).trim_end(), "513300D156000005000000010A0B0C0D 1 3.00 20260105 20360104 A12345674");
    assert_eq!(text(18), "111111198101011110 扎西·次仁旺姆格桑德吉多吉卓玛");
    assert!(text(19).starts_with("0 ") && text(19).contains("未找到文件"), "{}", text(19));
    assert!(text(20).contains("网络服务"), "{}", text(20));
}

#[test]
fn the_reader_interface_and_functions_with_buffers_of_their_own_work_in_process_and_out_of_it() {
    let counter = counter();
    let entry = counter.pin_entry("echo 123456");
    let set = [("SSCARD_RAW_COMMANDS", "true"), ("SSCARD_GIVES_PINS", "true"), ("SSCARD_PIN_ENTRY", entry.as_str())];
    expected(&counter.compiled("reader", &[], &set));
    let python = counter.reader_in_python(&set);
    assert_eq!(python.iter().map(|(code, _)| *code).collect::<Vec<_>>(), [1, 17, 10, 0], "{python:?}");
    let socket = format!("unix:{}", counter.folder.path().join("driver.sock").display());
    let server = Server::start(&counter, &socket, &set);
    let program = compiled(&counter, "tests/callers/reader.c", "reader-far");
    expected(&counter.run(&mut Command::new(program), &[("SSCARD_SERVER", &server.address)]));
    // Not allowed, commands of the caller go nowhere, and cards are told of all the same.
    drop(server);
    let closed: Vec<i64> = counter.compiled("reader", &[], &[]).iter().map(|(code, _)| *code).collect();
    assert_eq!(closed.get(..7), Some(&[1, -3, 17, 0, -3011, -3011, -3011][..]), "{closed:?}");
}

#[test]
fn commands_of_the_caller_and_functions_do_not_share_a_card() {
    let counter = counter();
    let set = [("SSCARD_RAW_COMMANDS", "true"), ("SSCARD_DEVICE", "D-01")];
    let calls = [
        "iPKBVerifyPIN\t#3\t123456",
        "iSendCpuApdu\t#3\t00B0810004",
        "iSendCpuApdu\t#3\t0084000008",
        "iReadCard\t#3\t#1\t-\tDF01EF05|20|$",
        "iReadCardNo\t#3",
        "iReadCardType\t#3",
        "iReadUid\t{extra}",
        "iReadCardInPutPin\t#3\t#1\t-\tDF01EF05|20|$\t123456",
        "iSendCpuApdu\t#3\t00",
    ];
    let answers = counter.session(&calls, &set);
    let codes: Vec<i64> = answers.iter().map(|(code, _)| *code).collect();
    assert_eq!(codes, [0, 0, 0, -13, 0, 0, 0, 0, -14], "the PIN is gone with the first command: {answers:?}");
    let text = |at: usize| answers.get(at).map_or("", |(_, text)| text.as_str());
    assert!(text(2).ends_with("9000|") && text(2).len() == 21, "{}", text(2));
    assert_eq!((text(4), text(5), text(6)), ("A12345674|", "3.00|01|1|", "D-01&"));
}

#[test]
fn a_host_of_another_header_reaches_the_same_driver_by_its_own_parameters() {
    let counter = counter();
    let folder = counter.folder.path();
    let published = folder.join("libsscardpublished.so");
    let driver = folder.join("libsscarddriver.so");
    std::os::unix::fs::symlink(library(), &driver).expect("a link");
    let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("published/published.c");
    let built = Command::new("cc")
        .args(["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-D_POSIX_C_SOURCE=200112L", "-shared", "-fPIC"])
        .arg(source)
        .arg("-o")
        .arg(&published)
        .args(["-Wl,--no-as-needed", "-Wl,-rpath,$ORIGIN", "-L"])
        .arg(folder)
        .args(["-lsscarddriver", "-ldl"])
        .output()
        .expect("a C compiler");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let keys = counter.hsm_keys(text("ssc-3.0"));
    let calls = [
        "iPKBVerifyPIN\t999999",
        "iPKBVerifyPIN\t123456",
        "iPKBChangePIN\t123456\t864213",
        "iPKBVerifyPIN\t864213",
        "iCheckCard",
        "iGetCardType\t{extra}",
        "iReadIdentityCard\t{extra}",
        "iReadCardBas\t#3",
        "iReadCardBas_HSM_Step1\t#3",
        "iReadCardBas_HSM_Step1To2\t#3\t{out}",
        "iReadCardBas_HSM_Step2\t{out}",
    ];
    let set = [("SSCARD_HSM_KEYS", keys.as_str()), ("LD_LIBRARY_PATH", folder.to_str().expect("a path"))];
    let answers = counter.session_of(&published, &calls, &set);
    let codes: Vec<i64> = answers.iter().map(|(code, _)| *code).collect();
    assert_eq!(codes, [-51, 0, 0, 0, 3, -13, -13, 0, 0, 0, 0], "{answers:?}");
    let said = |at: usize| answers.get(at).map_or("", |(_, text)| text.as_str());
    assert!(said(0).contains("剩余 2 次"), "{}", said(0));
    assert_eq!(said(7), said(10), "the eleven fields, by the PSAM and by the HSM's steps");
}
