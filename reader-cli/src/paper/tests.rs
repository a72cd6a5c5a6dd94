//! Receipts in every form, read back by other means: a small printer, another QR reader, the image's own dots.

use settlement::code::Language;
use settlement::date::{BusinessDate, DateTime};
use settlement::fen::Fen;
use settlement::id::{CardIdentifier, InstitutionCode, Tac, TerminalNumber};
use settlement::message::Institution;
use settlement::receipt::{Book, Check, Copy, Ground, MaskedName, Paper, Receipt, ReceiptCode, Row, Sold};
use settlement::signing::TerminalKey;
use settlement::split::Split;
use zeroize::Zeroizing;

use super::*;

const ADDRESS: &str = "https://check.example/pay";

fn code() -> ReceiptCode {
    let sold = Sold {
        book: Book::Centre,
        terminal: TerminalNumber([0x99, 0, 0x11, 0x22, 0x33, 0x44]),
        record: 118,
        business_date: BusinessDate::new(2026, 1, 31).expect("real"),
        personal_account: 5_500,
        self_paid: 10_333,
        pooled_fund: 0,
    };
    ReceiptCode::sign(sold, &TerminalKey::from_seed(&Zeroizing::new([1; 32])))
}

fn split() -> Split {
    let line = |code: &str, name: &str, class: &str, price: i64, parts: [i64; 4]| {
        serde_json::json!({
            "code": code, "name": name, "class": class, "quantity": "1", "unit_price_fen": price, "reasons": [],
            "parts": {"amount_fen": price, "own_pay_fen": parts[0], "over_limit_fen": parts[1],
                "first_self_pay_fen": parts[2], "in_scope_fen": parts[3]},
        })
    };
    serde_json::from_value(serde_json::json!({
        "bill_id": "B-20260131-0001", "business_date": "2026-01-31", "policy": "p", "catalogue": "2026-01",
        "lines": [
            line("XA01", "阿莫西林胶囊", "甲", 2_600, [0, 100, 0, 2_500]),
            line("XB01", "复方丹参滴丸 𠮷", "乙", 3_333, [0, 333, 300, 2_700]),
            line("XC01", "Vitamin C WWWWMMMM 1000 mg", "丙", 9_900, [9_900, 0, 0, 0]),
        ],
        "parts": {"amount_fen": 15_833, "own_pay_fen": 9_900, "over_limit_fen": 433, "first_self_pay_fen": 300,
            "in_scope_fen": 5_200},
        "personal_account_fen": 5_500, "self_paid_fen": 10_333, "pooled_fund_fen": 0,
    }))
    .expect("a split")
}

/// Rows and text of a receipt.
fn receipt(paper: Paper, language: Language, copy: Copy, address: Option<&str>) -> (Vec<Row>, String) {
    let institution = Institution {
        code: InstitutionCode::parse("P51330100001").expect("word"),
        name: "样例大药房第一门店".to_owned(),
    };
    let (split, holder, code) = (split(), MaskedName::of("扎西·次仁"), code());
    let receipt = Receipt {
        institution: &institution,
        terminal: code.sold().terminal,
        terminal_sequence: 0xA5C3,
        card_sequence: 7,
        card_identifier: CardIdentifier::parse("513300D156000005000000133A05F2E3").expect("hex"),
        holder: Some(&holder),
        operator: "01",
        split: &split,
        balance_after: Fen::new(44_500),
        date_time: DateTime::parse("20260131101530").expect("real"),
        tac: Some(Tac([0xAA, 0xBB, 0xCC, 0xDD])),
        ground: Ground::Answered,
        copy,
        given_back: None,
        check: Some(Check { code: &code, address }),
    };
    (receipt.rows(paper, language), receipt.text(paper, language))
}

fn printed(paper: Paper, form: Form, language: Language) -> Vec<u8> {
    let (rows, text) = receipt(paper, language, Copy::Reprint(2), Some(ADDRESS));
    Press::new(paper, form, None, Some(ADDRESS)).expect("a font: see the setup script").print(&rows, &text)
}

/// A receipt printer that knows the commands used here and refuses all others.
fn paper_of(bytes: &[u8], columns: usize) -> (String, String) {
    let (mut gbk, mut qr, mut at, mut cut) = (Vec::new(), String::new(), 0, false);
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        assert!(!cut, "nothing follows the cut");
        at += match rest {
            [0x1B, b'@', ..] | [0x1C, b'&', ..] => 2,
            [0x1B, b't', 0, ..] | [0x1B, b'a', 0 | 1, ..] | [0x1B, b'E', 0 | 1, ..] | [0x1B, b'd', 1..=9, ..] => 3,
            [0x1D, b'!', 0x00 | 0x01, ..] => 3,
            [0x1D, b'V', 66, _, ..] => {
                cut = true;
                4
            }
            [0x1D, b'(', b'k', low, high, function @ ..] => {
                let length = usize::from(*low) + 256 * usize::from(*high);
                let function = &function[..length];
                assert_eq!(function[0], 49, "QR codes are symbol 49");
                match &function[1..] {
                    [65, 50, 0] | [67, 1..=16] | [69, 48..=51] | [81, 48] => {}
                    [80, 48, data @ ..] => qr = String::from_utf8(data.to_vec()).expect("ASCII"),
                    other => panic!("no function of a QR code: {other:?}"),
                }
                5 + length
            }
            [0x0A, ..] => {
                gbk.push(b'\n');
                1
            }
            [0x20..=0x7E, ..] => {
                gbk.push(rest[0]);
                1
            }
            [0x81..=0xFE, 0x40..=0xFE, ..] => {
                gbk.extend(&rest[..2]);
                2
            }
            other => panic!("no command at {at}: {:02X?}", &other[..other.len().min(8)]),
        };
    }
    assert!(cut, "the paper is cut");
    assert!(gbk.split(|byte| *byte == b'\n').all(|line| line.len() <= columns), "no line is wider than the paper");
    (encoding_rs::GBK.decode(&gbk).0.into_owned(), qr)
}

/// What another implementation reads in a grey image.
fn scanned(width: usize, grey: &[u8]) -> String {
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(width, grey.len() / width, |x, y| grey[y * width + x]);
    let grids = image.detect_grids();
    assert_eq!(grids.len(), 1, "one code");
    grids[0].decode().expect("readable").1
}

fn pixels(png: &[u8]) -> (usize, Vec<u8>) {
    let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().expect("a PNG");
    let mut grey = vec![0; reader.output_buffer_size().expect("small")];
    let info = reader.next_frame(&mut grey).expect("an image");
    grey.truncate(info.buffer_size());
    (usize::try_from(info.width).expect("small"), grey)
}

#[test]
fn a_printer_prints_what_the_text_says_and_draws_the_code() {
    for (paper, language) in [(Paper::Mm58, Language::Zh), (Paper::Mm80, Language::Zh), (Paper::Mm58, Language::En)] {
        let (text, qr) = paper_of(&printed(paper, Form::Escpos, language), paper.columns());
        assert_eq!(qr, format!("{ADDRESS}/receipt/{}", code().text()));
        let (_, plain) = receipt(paper, language, Copy::Reprint(2), Some(ADDRESS));
        let lines = |text: &str| -> Vec<String> {
            text.replace('𠮷', "□").lines().map(str::to_owned).filter(|line| !line.is_empty()).collect()
        };
        assert_eq!(lines(&text), lines(&plain), "the code's letters and its address too");
        let letters: String = text.split_whitespace().collect();
        assert!(letters.contains(&code().text()) && letters.contains(ADDRESS), "{text}");
        assert!(text.contains(if language == Language::Zh { "补打 第2次" } else { "REPRINT 2" }));
    }
}

#[test]
fn another_qr_reader_reads_the_code_from_the_image() {
    for (paper, width) in [(Paper::Mm58, 32 * 12 + 32), (Paper::Mm80, 48 * 12 + 32)] {
        let (found, grey) = pixels(&printed(paper, Form::Png, Language::Zh));
        assert_eq!(found, width);
        assert_eq!(scanned(width, &grey), format!("{ADDRESS}/receipt/{}", code().text()));
        // Glyphs were drawn: the head is neither white nor black, and nothing touches the edges.
        let dark = grey[..width * 60].iter().filter(|dot| **dot < 0x80).count();
        assert!((500..width * 30).contains(&dark), "{dark} dark dots");
        let edge = |x: usize| grey.chunks(width).all(|row| row[x] == 0xFF);
        assert!(edge(0) && edge(width - 1));
    }
}

#[test]
fn without_an_address_the_code_stands_alone() {
    let (rows, text) = receipt(Paper::Mm58, Language::Zh, Copy::Original, None);
    assert!(text.contains("社保经办窗口"), "where: {text}");
    let bytes = Press::new(Paper::Mm58, Form::Escpos, None, None).expect("no font needed").print(&rows, &text);
    let (_, qr) = paper_of(&bytes, 32);
    assert_eq!(ReceiptCode::parse(&qr), Ok(code()));
    // The text has it in letters for those who type it.
    let printed =
        text.split("验证码: ").nth(1).and_then(|behind| behind.split('凭').next()).expect("a code, and where");
    let letters: String = printed.chars().filter(char::is_ascii_alphanumeric).collect();
    assert_eq!(letters, code().text());
}

#[test]
fn a_document_embeds_only_the_glyphs_that_it_uses_and_is_the_same_each_time() {
    let pdf = printed(Paper::Mm80, Form::Pdf, Language::Zh);
    assert!(pdf.starts_with(b"%PDF-1.") && pdf.ends_with(b"%%EOF"));
    assert!((10_000..400_000).contains(&pdf.len()), "{} bytes", pdf.len());
    assert_eq!(printed(Paper::Mm80, Form::Pdf, Language::Zh), pdf);
    let has = |needle: &[u8]| pdf.windows(needle.len()).any(|window| window == needle);
    assert!(has(b"Identity-H") && has(b"FontFile2"));
    // 药 (U+836F) can be copied out of it.
    assert!(has(b"<836F>"), "a map back to characters");
}

#[test]
fn a_font_without_chinese_is_refused_and_a_missing_one_is_named() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("x.ttf");
    assert!(matches!(Font::find(Some(&path)), Err(FontError::Unreadable { .. })));
    std::fs::write(&path, b"no font").expect("written");
    assert!(matches!(Font::find(Some(&path)), Err(FontError::Unusable { .. })));
    assert_eq!(Form::of_file(Path::new("a.pdf")), Some(Form::Pdf));
    assert_eq!(Form::of_file(Path::new("a")), None);
}
