//! The rehearsal as a stranger's client sees it: bytes of requests written by hand, over a plain socket.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use national_rehearsal::{Centre, FaultPlan, Running};
use settlement::fen::Fen;
use settlement::national::Unit;

const PERSON: &str = "51339900000000000000000001";

fn start(faults: &[&str]) -> Running {
    let centre = Centre::built_in(Unit::Characters).expect("built in");
    let plan = FaultPlan::scripted(faults.iter().map(|line| line.parse().expect("a fault")).collect());
    Running::start("127.0.0.1:0".parse().expect("an address"), centre, plan, |_| {}).expect("listens")
}

/// A request: number, sequence, session, input.
fn request(infno: &str, sequence: u16, sign_no: &str, input: &str) -> String {
    format!(
        r#"{{"infno":"{infno}","msgid":"P5139900000120260105093000{sequence:04}","mdtrtarea_admvs":"513399","insuplc_admdvs":"513399","recer_sys_code":"TERM","dev_no":"","dev_safe_info":"","cainfo":"","signtype":"","infver":"V1.0","opter_type":"1","opter":"007","opter_name":"卓玛","inf_time":"2026-01-05 09:30:00","fixmedins_code":"P51399000001","fixmedins_name":"桥头药房","sign_no":"{sign_no}","input":{input}}}"#
    )
}

/// Posts a body and reads until the connection ends; empty when no answer came.
fn post(address: &str, body: &str) -> String {
    let host = address.strip_prefix("http://").expect("http");
    let mut stream = TcpStream::connect(host).expect("connects");
    let head =
        format!("POST /fsi HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
    stream.write_all(format!("{head}{body}").as_bytes()).expect("sent");
    let mut answer = Vec::new();
    // A connection that is cut is an answer that did not come.
    let _ = stream.read_to_end(&mut answer);
    let text = String::from_utf8_lossy(&answer).into_owned();
    text.split_once("\r\n\r\n").map_or_else(String::new, |(_, body)| body.to_owned())
}

fn signed_in(running: &Running) -> String {
    let answer =
        post(&running.address(), &request("9001", 1, "", r#"{"signIn":{"opter_no":"007","mac":"M","ip":"I"}}"#));
    let (_, rest) = answer.split_once("\"sign_no\":\"").unwrap_or_else(|| panic!("{answer}"));
    rest.split('"').next().expect("a number").to_owned()
}

fn purchase(total: &str, cnt: &str) -> String {
    format!(
        r#"{{"druginfo":{{"psn_no":"{PERSON}","mdtrt_cert_type":"02","begntime":"2026-01-05 09:30:00","medfee_sumamt":{total},"insutype":"310","acct_used_flag":"1","med_type":"41"}},"drugdetail":[{{"feedetl_sn":"1","fee_ocur_time":"2026-01-05 09:30:00","med_list_codg":"X2","medins_list_codg":"X2","det_item_fee_sumamt":{total},"cnt":{cnt},"pric":12.5}}]}}"#
    )
}

fn balance(running: &Running) -> Option<Fen> {
    running.centre().balance(PERSON, "310")
}

#[test]
fn a_sale_is_priced_settled_cancelled_and_the_account_is_as_before() {
    let running = start(&[]);
    let sign_no = signed_in(&running);
    let tried = post(&running.address(), &request("2101", 2, &sign_no, &purchase("18.75", "1.5")));
    // Class 乙 with a ratio of 0.1: 1.88 first self-pay, 16.87 in scope; the account pays all that the policy lets it.
    for field in ["\"infcode\":\"0\"", "\"medfee_sumamt\":18.75", "\"preselfpay_amt\":1.88", "\"inscp_scp_amt\":16.87"]
    {
        assert!(tried.contains(field), "{field}: {tried}");
    }
    assert_eq!(balance(&running), Some(Fen::new(100_000)), "a trial moves nothing");
    let settled = post(&running.address(), &request("2102", 3, &sign_no, &purchase("18.75", "1.5")));
    assert!(settled.contains("\"setl_id\":\"SETL"), "{settled}");
    let paid = running.centre().books().sales[0].sums.account;
    assert!(paid > Fen::ZERO);
    assert_eq!(balance(&running), Some(Fen::new(100_000 - paid.get())));
    let sale = running.centre().books().sales[0].clone();
    let data =
        format!(r#"{{"data":{{"psn_no":"{PERSON}","setl_id":"{}","mdtrt_id":"{}"}}}}"#, sale.setl_id, sale.mdtrt_id);
    let cancelled = post(&running.address(), &request("2103", 4, &sign_no, &data));
    assert!(cancelled.contains("\"medfee_sumamt\":-18.75"), "{cancelled}");
    assert_eq!(balance(&running), Some(Fen::new(100_000)));
    let again = post(&running.address(), &request("2103", 5, &sign_no, &data));
    assert!(again.contains("[CANCELLED]"), "{again}");
}

#[test]
fn what_a_terminal_must_not_send_is_refused_by_name() {
    let running = start(&[]);
    let sign_no = signed_in(&running);
    let good = request("2102", 2, &sign_no, &purchase("18.75", "1.5"));
    for (sequence, from, to, expected) in [
        (10, "\"opter_name\":\"卓玛\"", "\"opter_name\":5", "[FIELD] opter_name: text is needed"),
        (11, "\"infver\":\"V1.0\"", "\"infver\":\"V1.0.00\"", "[FIELD] infver: 7 long, at most 6"),
        (12, "\"dev_no\":\"\",", "\"devno\":\"\",", "[FIELD] devno: no field has this name"),
        (13, "\"medfee_sumamt\":18.75", "\"medfee_sumamt\":\"18.75\"", "input.druginfo.medfee_sumamt: a number"),
        (14, "\"medfee_sumamt\":18.75", "\"medfee_sumamt\":18.76", "[AMOUNTS]"),
        (15, "\"cnt\":1.5", "\"cnt\":1.6", "[DETAIL]"),
        (16, "\"opter_type\":\"1\"", "\"opter_type\":\"4\"", "[OPERATOR_TYPE]"),
        (17, "\"fixmedins_code\":\"P51399000001\"", "\"fixmedins_code\":\"P51399000002\"", "[MSGID]"),
        (18, "\"infno\":\"2102\"", "\"infno\":\"2999\"", "[MESSAGE_UNKNOWN]"),
        (19, "\"insutype\":\"310\"", "\"insutype\":\"390\"", "[NOT_INSURED]"),
    ] {
        let changed = good.replacen("0002\",\"mdtrt", &format!("{sequence:04}\",\"mdtrt"), 1).replacen(from, to, 1);
        assert_ne!(changed, good);
        let answer = post(&running.address(), &changed);
        assert!(answer.contains(expected) && answer.contains("\"infcode\":\"-1\""), "{to}: {answer}");
    }
    let without = good.replacen(&sign_no, "", 1);
    assert!(post(&running.address(), &without).contains("[NOT_SIGNED_IN]"));
    assert!(post(&running.address(), "{").contains("[FIELD]"));
    assert!(running.centre().books().sales.is_empty(), "nothing of it was done");
}

#[test]
fn a_message_that_comes_twice_is_done_once_and_its_number_carries_no_other() {
    let running = start(&["2102:1=duplicate"]);
    let sign_no = signed_in(&running);
    let body = request("2102", 2, &sign_no, &purchase("18.75", "1.5"));
    let first = post(&running.address(), &body);
    assert_eq!(post(&running.address(), &body), first);
    assert_eq!(running.centre().books().sales.len(), 1);
    let other = request("2102", 2, &sign_no, &purchase("25.00", "2"));
    assert!(post(&running.address(), &other).contains("[MSGID_REUSED]"));
    assert_eq!(running.centre().books().sales.len(), 1);
}

#[test]
fn what_2601_undid_cannot_come_later() {
    let running = start(&["2102:1=drop", "2102:2=lose"]);
    let sign_no = signed_in(&running);
    let body = request("2102", 2, &sign_no, &purchase("18.75", "1.5"));
    assert_eq!(post(&running.address(), &body), "", "dropped");
    let omsgid = "P51399000001202601050930000002";
    let undo = format!(r#"{{"data":{{"psn_no":"{PERSON}","omsgid":"{omsgid}","oinfno":"2102"}}}}"#);
    assert!(post(&running.address(), &request("2601", 3, &sign_no, &undo)).contains("\"infcode\":\"0\""));
    assert_eq!(post(&running.address(), &body), "", "done as far as it can be, and lost");
    assert!(running.centre().books().sales.is_empty(), "it came too late");
    let wrong = undo.replace("\"2102\"", "\"1101\"");
    assert!(post(&running.address(), &request("2601", 4, &sign_no, &wrong)).contains("[NOT_REVERSIBLE]"));
}

#[test]
fn the_program_says_where_it_listens_and_what_is_wrong_with_its_line() {
    let program = env!("CARGO_BIN_EXE_national-rehearsal");
    let run = |line: &[&str]| Command::new(program).args(line).output().expect("runs");
    let wrong = run(&["--fault", "2102=loose", "--lang", "en"]);
    assert_eq!(wrong.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("error USAGE"), "{wrong:?}");
    let folder = run(&["--data", "nowhere", "--lang", "zh"]);
    assert_eq!(folder.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&folder.stderr).contains("错误 DATA_MALFORMED"), "{folder:?}");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("bound").to_string();
    assert_eq!(run(&["--listen", &address]).status.code(), Some(9));
    let mut child = Command::new(program)
        .args(["--listen", "127.0.0.1:0", "--format", "json"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("runs");
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.take().expect("piped")), &mut line)
        .expect("a line");
    let address = line.trim().trim_start_matches("{\"address\":\"").trim_end_matches("\"}").to_owned();
    let answer = post(&address, &request("1101", 1, "", r#"{"data":{"mdtrt_cert_type":"02","mdtrt_cert_no":"1"}}"#));
    child.kill().expect("ours");
    child.wait().expect("ended");
    assert!(answer.contains("[NOT_SIGNED_IN]"), "{address}: {answer}");
}
