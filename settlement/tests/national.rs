//! The national interface as it stands on the wire: envelopes written by hand from its field lists, every table from end to end,
//! and the document made from the tables.

use proptest::prelude::*;
use settlement::fen::Fen;
use settlement::national::amounts::{self, Asked, Contradiction, MutualAid};
use settlement::national::envelope::{BODY_MAX, Head, Outcome};
use settlement::national::field::{Fault, Field, Kind, Record};
use settlement::national::json::{Json, Members, Node, Shape};
use settlement::national::message::{
    Body, DrugDetail, DrugInfo, Nothing, Purchase, SettledAnswer, SettlementInfo, Upload, UploadFile,
};
use settlement::national::{Amount, Infno, Price, Reading, Request, Response, Share, Text, Unit};
use settlement::{BusinessDate, DateTime};

const STRICT: Reading = Reading::Strict(Unit::Characters);

fn at() -> DateTime {
    DateTime::parse("20260105093000").expect("real")
}

fn head() -> Head {
    Head {
        infno: Text::new("2102"),
        msgid: Text::new("P51332200001202601050930000001"),
        mdtrtarea_admvs: Text::new("513322"),
        insuplc_admdvs: Some(Text::new("513301")),
        recer_sys_code: Text::new("TERM"),
        dev_no: None,
        dev_safe_info: None,
        cainfo: None,
        signtype: None,
        infver: Text::new("V1.0"),
        opter_type: Text::new("1"),
        opter: Text::new("007"),
        opter_name: Text::new("卓玛"),
        inf_time: at(),
        fixmedins_code: Text::new("P51332200001"),
        fixmedins_name: Text::new("泸定桥头药房"),
        sign_no: Some(Text::new("S-1")),
    }
}

fn purchase() -> Purchase {
    Purchase {
        druginfo: DrugInfo {
            psn_no: Text::new("51330000000000000000000001"),
            mdtrt_cert_type: Text::new("02"),
            mdtrt_cert_no: None,
            begntime: at(),
            medfee_sumamt: Amount::new(2_580).expect("small"),
            invono: None,
            insutype: Text::new("310"),
            dise_codg: None,
            dise_name: None,
            acct_used_flag: Text::new("1"),
            med_type: Text::new("41"),
        },
        drugdetail: vec![DrugDetail {
            feedetl_sn: Text::new("1"),
            rxno: None,
            rx_circ_flag: None,
            fee_ocur_time: at(),
            med_list_codg: Text::new("X1"),
            medins_list_codg: Text::new("X1"),
            det_item_fee_sumamt: Amount::new(2_580).expect("small"),
            cnt: Share::new(15_000).expect("small"),
            pric: Price::new(17_200_000).expect("small"),
            sin_dos_dscr: None,
            used_frqu_dscr: None,
            prd_days: None,
            medc_way_dscr: None,
            bilg_dr_codg: None,
            bilg_dr_name: None,
            tcmdrug_used_way: None,
        }],
    }
}

/// Written by hand from the field lists of the interface.
const REQUEST: &str = r#"{"infno":"2102","msgid":"P51332200001202601050930000001","mdtrtarea_admvs":"513322","insuplc_admdvs":"513301","recer_sys_code":"TERM","dev_no":"","dev_safe_info":"","cainfo":"","signtype":"","infver":"V1.0","opter_type":"1","opter":"007","opter_name":"卓玛","inf_time":"2026-01-05 09:30:00","fixmedins_code":"P51332200001","fixmedins_name":"泸定桥头药房","sign_no":"S-1","input":{"druginfo":{"psn_no":"51330000000000000000000001","mdtrt_cert_type":"02","begntime":"2026-01-05 09:30:00","medfee_sumamt":25.80,"insutype":"310","acct_used_flag":"1","med_type":"41"},"drugdetail":[{"feedetl_sn":"1","fee_ocur_time":"2026-01-05 09:30:00","med_list_codg":"X1","medins_list_codg":"X1","det_item_fee_sumamt":25.80,"cnt":1.5,"pric":17.2}]}}"#;

#[test]
fn a_request_is_written_as_the_field_lists_have_it() {
    let text = Request::write(Infno::SETTLE, &head(), &purchase(), Unit::Characters).expect("fits");
    assert_eq!(text, REQUEST);
    let read = Request::read(REQUEST.as_bytes(), STRICT).expect("strict");
    assert_eq!(read.head, head());
    assert_eq!(Purchase::read(&read.input, STRICT), Ok(purchase()));
}

#[test]
fn a_strict_reading_refuses_what_a_peer_must_not_send() {
    let read = |text: &str| {
        let request = Request::read(text.as_bytes(), STRICT).map_err(|fault| fault.to_string())?;
        Purchase::read(&request.input, STRICT).map_err(|fault| fault.to_string())
    };
    assert!(read(REQUEST).is_ok());
    for (from, to, expected) in [
        ("\"infno\":\"2102\"", "\"infno\":2102", "infno: text is needed"),
        ("\"recer_sys_code\":\"TERM\"", "\"recer_sys_code\":\"TERMINALS-1\"", "recer_sys_code: 11 long, at most 10"),
        ("\"opter\":\"007\"", "\"opter\":\"\"", "opter: missing"),
        ("\"opter\":\"007\",", "", "opter: missing"),
        ("\"infver\"", "\"inf_ver\"", "inf_ver: no field has this name"),
        ("\"opter\":\"007\"", "\"opter\":\"007\",\"opter\":\"008\"", "opter: comes twice"),
        ("2026-01-05 09:30:00\",\"fix", "2026-01-05T09:30:00\",\"fix", "inf_time: a real date is needed"),
        (
            "2026-01-05 09:30:00\",\"medfee",
            "2026-02-30 09:30:00\",\"medfee",
            "druginfo.begntime: a real date is needed",
        ),
        ("\"medfee_sumamt\":25.80", "\"medfee_sumamt\":\"25.80\"", "druginfo.medfee_sumamt: a number is needed"),
        ("\"medfee_sumamt\":25.80", "\"medfee_sumamt\":25.805", "druginfo.medfee_sumamt: number: too many decimals"),
        ("\"pric\":17.2", "\"pric\":1E16", "drugdetail.0.pric: number: too large"),
        ("\"cnt\":1.5", "\"cnt\":null", "drugdetail.0.cnt: missing"),
        ("\"input\":{", "\"input\":[{", "not JSON"),
        ("\"drugdetail\":[{", "\"drugdetail\":{", "not JSON"),
        ("\"druginfo\"", "\"druginf\"", "druginf: no field has this name"),
    ] {
        let changed = REQUEST.replacen(from, to, 1);
        assert_ne!(changed, REQUEST, "{from}");
        let error = read(&changed).expect_err(to);
        assert!(error.contains(expected), "{to}: {error}");
    }
}

#[test]
fn what_is_too_wide_is_not_sent_and_the_unit_counts() {
    let pharmacy = "泸定县磨西镇桥头惠民大药房连锁"; // 15 characters, 30 bytes in GB 18030, 45 in UTF-8.
    let with = |name: &str| Head { fixmedins_name: Text::new(name), ..head() };
    let write = |head: &Head, unit| Request::write(Infno::SETTLE, head, &purchase(), unit).map_err(|fault| fault.fault);
    assert!(write(&with(pharmacy), Unit::Characters).is_ok());
    assert_eq!(write(&with(pharmacy), Unit::Gb18030), Err(Fault::TooLong { length: 30, width: 20 }));
    assert_eq!(write(&with(pharmacy), Unit::Utf8), Err(Fault::TooLong { length: 45, width: 20 }));
    assert_eq!(write(&with(""), Unit::Characters), Err(Fault::Missing));
    // A body of more than 40000 is refused too; a file is exempt.
    let line = purchase().drugdetail.pop().expect("one");
    let long = Purchase { drugdetail: vec![line; 300], ..purchase() };
    let error = Request::write(Infno::SETTLE, &head(), &long, Unit::Characters).expect_err("too long");
    assert!(matches!(error.fault, Fault::TooLong { width: BODY_MAX, .. }) && error.place == "input", "{error}");
    let file =
        UploadFile { bytes: vec![200; 20_000], filename: Text::new("a"), fixmedins_code: Text::new("P51332200001") };
    assert!(Request::write(Infno::UPLOAD, &head(), &Upload { file }, Unit::Characters).is_ok());
}

const ANSWER: &str = r#"{"infcode":0,"inf_refmsgid":"513322202601050930010000000001","refmsg_time":"20260105093001000",
 "respond_time":"20260105093001123","err_msg":null,"a_new_field":{"x":[1]},"output":{"setlinfo":{"psn_no":51330000000000000000000001,
 "psn_name":"某人","setl_id":"S900","mdtrt_id":"M900","setl_time":"2026-01-05 09:30:01.0","medfee_sumamt":"25.8","fulamt_ownpay_amt":0,
 "overlmt_selfpay":0.00,"preselfpay_amt":2.580,"inscp_scp_amt":23.22,"fund_pay_sumamt":0E0,"acct_pay":2.322E+1,"psn_cash_pay":2.58,
 "balc":"","medins_setl_id":"P51332200001202601050930000001"}}}"#;

#[test]
fn an_answer_is_read_leniently_and_without_loss() {
    let response = Response::read(ANSWER.as_bytes()).expect("lenient");
    assert!(response.is_done());
    let SettledAnswer { setlinfo, detlcutinfo } = response.body().expect("lenient");
    assert_eq!(setlinfo.psn_no.as_str(), "51330000000000000000000001", "26 digits without quotes");
    assert_eq!(
        (setlinfo.acct_pay, setlinfo.preselfpay_amt),
        (Amount::new(2_322).expect("n"), Amount::new(258).expect("n"))
    );
    assert_eq!(
        (setlinfo.setl_time, setlinfo.balc, detlcutinfo),
        (DateTime::parse("20260105093001").ok(), None, Vec::new())
    );
    for (code, done) in [("0", true), ("\"0\"", true), ("\"0000\"", true), ("-1", false), ("\"\"", false), ("1", false)]
    {
        let changed = ANSWER.replacen("\"infcode\":0", &format!("\"infcode\":{code}"), 1);
        let done_now = Response::read(changed.as_bytes()).map(|response| response.is_done());
        assert_eq!(done_now.unwrap_or(false), done, "{code}");
    }
    let broken = ANSWER.replacen("2.580", "2.585", 1);
    let error =
        Response::read(broken.as_bytes()).expect("an envelope").body::<SettledAnswer>().expect_err("half a fen");
    assert_eq!(error.to_string(), "output.setlinfo.preselfpay_amt: number: too many decimals");
}

fn answered() -> SettlementInfo {
    Response::read(ANSWER.as_bytes()).expect("an envelope").body::<SettledAnswer>().expect("a body").setlinfo
}

type Change = fn(&mut SettlementInfo);

fn amount(fen: i64) -> Amount {
    Amount::new(fen).expect("small")
}

#[test]
fn every_identity_of_an_answer_is_asserted_to_the_fen() {
    let asked = Asked {
        psn_no: "51330000000000000000000001",
        total: Fen::new(2_580),
        msgid: Some("P51332200001202601050930000001"),
        mutual_aid: MutualAid::Inside,
    };
    assert_eq!(amounts::check(&answered(), &asked), Ok(()));
    let changes: [(Change, Contradiction); 9] = [
        (|info| info.acct_pay = amount(2_321), Contradiction::Payers),
        (|info| info.psn_cash_pay = amount(259), Contradiction::Payers),
        (|info| info.fund_pay_sumamt = amount(1), Contradiction::Payers),
        (|info| info.inscp_scp_amt = amount(2_323), Contradiction::Parts),
        (|info| info.overlmt_selfpay = amount(-1), Contradiction::Parts),
        (|info| info.medfee_sumamt = amount(2_581), Contradiction::Total),
        (|info| info.psn_no = Text::new("51330000000000000000000002"), Contradiction::Person),
        (|info| info.medins_setl_id = Some(Text::new("P51332200001202601050930000002")), Contradiction::Message),
        (|info| (info.acct_pay, info.psn_cash_pay) = (amount(2_600), amount(-20)), Contradiction::Sign),
    ];
    for (change, expected) in changes {
        let mut info = answered();
        change(&mut info);
        assert_eq!(amounts::check(&info, &asked), Err(expected));
    }
    // The family's account inside acct_pay, or beside it.
    let mut aided = answered();
    (aided.acct_pay, aided.acct_mulaid_pay) = (amount(2_000), Some(amount(322)));
    assert_eq!(amounts::check(&aided, &asked), Err(Contradiction::Payers));
    let separate = Asked { mutual_aid: MutualAid::Separate, ..asked };
    assert_eq!(amounts::check(&aided, &separate), Ok(()));
}

/// A value that fits a row.
fn value(field: &Field) -> BoxedStrategy<Json> {
    match field.kind {
        Kind::Text(width) => {
            let most = width.min(60);
            prop::collection::vec(prop::char::any(), 1..=most)
                .prop_map(|chars| Json::text(chars.into_iter().collect::<String>()))
                .boxed()
        }
        Kind::Number(digits, places) => (0..10_i64.pow(digits), any::<bool>())
            .prop_map(move |(units, negative)| {
                let one = 10_i64.pow(places);
                let sign = if negative && units > 0 { "-" } else { "" };
                Json::Number(format!("{sign}{}.{:0width$}", units / one, units % one, width = places.max(1) as usize))
            })
            .boxed(),
        Kind::Bytes => Just(Json::List(Vec::new())).boxed(),
        Kind::Day => (2000_u16..2100, 1_u8..=12, 1_u8..=28)
            .prop_map(|(year, month, day)| BusinessDate::new(year, month, day).expect("a day"))
            .prop_map(|day| Json::text(day.to_string()))
            .boxed(),
        Kind::Moment => (2000_u16..2100, 1_u8..=12, 1_u8..=28, 0_u8..24, 0_u8..60)
            .prop_map(|(year, month, day, hour, minute)| {
                Json::text(format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:09"))
            })
            .boxed(),
    }
}

/// An object of these rows; each that need not be there is there or not.
fn object(fields: &'static [Field]) -> impl Strategy<Value = Json> {
    let member = |field: &'static Field| {
        let needed = field.needed;
        (value(field), any::<bool>()).prop_map(move |(value, there)| (field.name.to_owned(), value, needed || there))
    };
    fields.iter().map(member).collect::<Vec<_>>().prop_map(|members| {
        Json::Object(members.into_iter().filter(|row| row.2).map(|(name, value, _)| (name, value)).collect())
    })
}

fn members(json: &Json) -> Members {
    Node::parse(json.to_string().as_bytes()).expect("JSON").members().expect("an object")
}

/// What was written, read and written again is the same, number by number.
fn reads_back<R: Record + PartialEq + std::fmt::Debug>(json: &Json) -> Result<(), TestCaseError> {
    let strict = R::read(&members(json), STRICT).map_err(|fault| TestCaseError::fail(fault.to_string()))?;
    let again = strict.write(Unit::Characters).map_err(|fault| TestCaseError::fail(fault.to_string()))?;
    prop_assert_eq!(&R::read(&members(&again), Reading::Lenient).expect("our own"), &strict);
    let Json::Object(sent) = json else { panic!("an object") };
    let back = members(&again);
    for (name, value) in sent {
        match (value, back.get(name).map(Node::shape)) {
            (Json::Text(text), Some(Ok(Shape::Text(read)))) => prop_assert_eq!(text, &read),
            (Json::Number(digits), Some(Ok(Shape::Number(read)))) => {
                let exact = |digits: &str| digits.trim_end_matches('0').trim_end_matches('.').to_owned();
                let with_point =
                    |digits: &str| if digits.contains('.') { digits.to_owned() } else { format!("{digits}.") };
                prop_assert_eq!(exact(&with_point(digits)), exact(&with_point(&read)));
            }
            (value, read) => prop_assert!(false, "{}: {:?} became {:?}", name, value, read),
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn every_record_reads_back_from_the_wire(
        head in object(Head::TABLE.fields),
        outcome in object(Outcome::TABLE.fields),
        drug in object(DrugInfo::TABLE.fields),
        line in object(DrugDetail::TABLE.fields),
        settled in object(SettlementInfo::TABLE.fields),
    ) {
        reads_back::<Head>(&head)?;
        reads_back::<Outcome>(&outcome)?;
        reads_back::<DrugInfo>(&drug)?;
        reads_back::<DrugDetail>(&line)?;
        reads_back::<SettlementInfo>(&settled)?;
    }

    #[test]
    fn any_bytes_are_an_envelope_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 0..ANSWER.len()) {
        let _ = Request::read(&bytes, STRICT);
        let _ = Response::read(&bytes);
        if ANSWER.is_char_boundary(cut) {
            prop_assert!(Response::read(&ANSWER.as_bytes()[..cut]).is_err());
        }
    }
}

#[test]
fn an_answer_without_output_is_an_answer() {
    let text = r#"{"infcode":"-1","err_msg":"x"}"#;
    let response = Response::read(text.as_bytes()).expect("an envelope");
    assert!(!response.is_done() && response.body::<Nothing>().is_ok());
}

#[test]
fn the_document_is_what_the_tables_say() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/national.md");
    if std::env::var("NATIONAL_PAGE").is_ok_and(|word| word == "write") {
        std::fs::write(path, settlement::national::page()).expect("written");
    }
    let there = std::fs::read_to_string(path).expect("docs/national.md");
    assert!(there == settlement::national::page(), "docs/national.md is not what the tables say: write it anew");
}
