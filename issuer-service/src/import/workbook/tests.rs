//! Workbooks as programs write them, and as nobody should. All people are invented.

use std::io::Write;

use proptest::prelude::*;
use zip::write::SimpleFileOptions;

use super::*;

const RELATIONS: &str = r#"<Relationships><Relationship Id="rId1" Type="x" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="x" Target="/xl/worksheets/hidden.xml"/></Relationships>"#;
const BOOK: &str = r#"<workbook xmlns:r="r"><workbookPr/><sheets><sheet name="h" sheetId="2" state="hidden" r:id="rId2"/><sheet name="a" sheetId="1" r:id="rId1"/></sheets></workbook>"#;
const STYLES: &str = r#"<styleSheet><numFmts><numFmt numFmtId="176" formatCode="yyyy-mm-dd"/></numFmts><cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="176"/></cellXfs><cellStyles/></styleSheet>"#;

fn archive(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in parts {
        writer.start_file(*name, SimpleFileOptions::default()).expect("part");
        writer.write_all(content).expect("memory");
    }
    writer.finish().expect("memory").into_inner()
}

fn workbook(shared: &str, rows: &str) -> Vec<u8> {
    let sheet = format!("<worksheet><sheetData>{rows}</sheetData></worksheet>");
    archive(&[
        ("[Content_Types].xml", b"<Types/>"),
        ("xl/workbook.xml", BOOK.as_bytes()),
        ("xl/_rels/workbook.xml.rels", RELATIONS.as_bytes()),
        ("xl/styles.xml", STYLES.as_bytes()),
        ("xl/sharedStrings.xml", shared.as_bytes()),
        ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
        ("xl/worksheets/hidden.xml", b"<worksheet/>"),
    ])
}

fn read(bytes: &[u8]) -> Result<Vec<Sent>, TableError> {
    let mut file = tempfile::tempfile().expect("file");
    file.write_all(bytes).expect("written");
    let table = |error| match error {
        OpenError::Table(error) => error,
        OpenError::Read(error) => panic!("{error}"),
    };
    let (workbook, _) = Workbook::open(file, None).map_err(table)?;
    let mut workbook = workbook.behind(0);
    let mut rows = Vec::new();
    while let Some(row) = workbook.next_row().map_err(table)? {
        rows.push(row);
    }
    Ok(rows)
}

fn cells(rows: &str) -> Vec<Cell> {
    let shared = "<sst><si><t>扎西</t></si><si><r><t xml:space=\"preserve\">多 </t></r><rPh><t>duo</t></rPh><r><t>吉&amp;&#x4E00;</t></r></si><si/></sst>";
    read(&workbook(shared, rows)).expect("rows").remove(0).1.expect("cells")
}

fn ok(texts: &[&str]) -> Vec<Cell> {
    texts.iter().map(|text| Ok((*text).to_owned())).collect()
}

#[test]
fn every_kind_of_cell_becomes_its_text() {
    let row = r#"<row r="3"><c r="A3" t="s"><v>0</v></c><c r="B3" t="s"><v>1</v></c><c r="D3"><v>4</v></c><c r="E3" s="1"><v>32874</v></c><c r="F3" s="2"><v>32874.5</v></c><c r="G3" t="inlineStr"><is><t>内</t></is></c><c r="H3" t="str"><v>x</v></c><c r="I3" t="s"><v>2</v></c></row>"#;
    assert_eq!(cells(row), ok(&["扎西", "多 吉&一", "", "4", "1990-01-01", "1990-01-01", "内", "x", ""]));
    // Prefixes, rows and cells without places, self-closed cells.
    assert_eq!(cells("<x:row><x:c><x:v>1</x:v></x:c><x:c/><x:c><x:v>2</x:v></x:c></x:row>"), ok(&["1", "", "2"]));
}

#[test]
fn formulas_wrong_references_and_lost_digits_are_named() {
    let row = r#"<row><c><f>A1</f><v>7</v></c><c><f/></c><c t="s"><v>9</v></c><c t="s"><v>-1</v></c><c t="b"><v>1</v></c><c t="zz"><v>1</v></c><c><v>513301199001010010</v></c></row>"#;
    assert_eq!(
        cells(row),
        [
            Err(Code::FormulaCell),
            Err(Code::FormulaCell),
            Err(Code::Undecodable),
            Err(Code::Undecodable),
            Err(Code::NotValue),
            Err(Code::Undecodable),
            Ok("5.1330119900101E17".to_owned())
        ]
    );
}

#[test]
fn a_sheet_is_the_first_that_is_shown_or_the_one_that_is_named() {
    let open = |wanted| {
        let mut file = tempfile::tempfile().expect("file");
        file.write_all(&workbook("<sst/>", "<row><c><v>1</v></c></row>")).expect("written");
        Workbook::open(file, wanted).map(|(workbook, head)| (workbook.names().to_vec(), head.len()))
    };
    assert_eq!(open(None).expect("opened"), (vec!["a".to_owned()], 1));
    assert_eq!(open(Some(" a ")).expect("opened").1, 1);
    assert_eq!(open(Some("h")).expect("opened").1, 0);
    let Err(OpenError::Table(error)) = open(Some("b")) else { panic!("there is no such sheet") };
    assert_eq!(error, TableError::SheetUnknown { sheets: vec!["a".to_owned()] });
}

#[test]
fn more_formats_than_a_program_writes_are_refused_and_many_styles_cost_nothing() {
    let styles = |formats: usize| {
        let formats: String =
            (0..formats).map(|n| format!("<numFmt numFmtId=\"{}\" formatCode=\"d\"/>", n + 176)).collect();
        let used = "<xf numFmtId=\"1\"/>".repeat(90_000);
        let text = format!("<styleSheet><numFmts>{formats}</numFmts><cellXfs>{used}</cellXfs></styleSheet>");
        let parts: [(&str, &[u8]); 4] = [
            ("xl/workbook.xml", BOOK.as_bytes()),
            ("xl/_rels/workbook.xml.rels", RELATIONS.as_bytes()),
            ("xl/styles.xml", text.as_bytes()),
            ("xl/worksheets/sheet1.xml", b"<worksheet><sheetData><row><c><v>1</v></c></row></sheetData></worksheet>"),
        ];
        read(&archive(&parts)).map(|rows| rows.len())
    };
    assert_eq!(styles(5_000), Ok(1));
    assert_eq!(styles(5_001), Err(TableError::WorkbookTooLarge));
}

#[test]
fn a_row_beyond_all_bounds_is_one_fault() {
    let wide = r#"<row><c r="XFD1"><v>1</v></c></row><row><c><v>2</v></c></row>"#;
    let rows = read(&workbook("<sst/>", wide)).expect("rows");
    assert_eq!(rows, [(1, Err(RowFault::TooLong)), (2, Ok(ok(&["2"])))]);
    let long = format!("<row>{}</row>", format!("<c t=\"str\"><v>{}</v></c>", "x".repeat(9_000)).repeat(8));
    assert_eq!(read(&workbook("<sst/>", &long)).expect("rows"), [(1, Err(RowFault::TooLong))]);
    let many = format!("<row>{}</row>", "<c/>".repeat(1_000_000));
    assert_eq!(read(&workbook("<sst/>", &many)).expect("rows"), [(1, Err(RowFault::TooLong))]);
}

#[test]
fn blank_rows_without_end_are_not_held_while_a_header_is_looked_for() {
    let blank =
        format!("<row><c t=\"inlineStr\"><is><t xml:space=\"preserve\">{}</t></is></c></row>", " ".repeat(4_096));
    let rows =
        format!("{}<row><c><v>1</v></c></row>{}<row><c><v>2</v></c></row>", blank.repeat(9_000), blank.repeat(9_000));
    let mut file = tempfile::tempfile().expect("file");
    file.write_all(&workbook("<sst/>", &rows)).expect("written");
    let (workbook, head) = Workbook::open(file, None).expect("opened");
    assert_eq!(head, [(9_001, vec!["1".to_owned()]), (18_002, vec!["2".to_owned()])]);
    let held = |(_, cells): &Sent| cells.as_ref().map_or(0, |cells| cells.iter().flatten().map(String::len).sum());
    assert_eq!(workbook.ahead.iter().map(held).sum::<usize>(), 2, "of {} rows", workbook.ahead.len());
    assert_eq!(workbook.ahead.len(), 9_002, "those behind the first texts keep their numbers");
}

#[test]
fn an_archive_that_unpacks_to_more_than_any_registry_is_refused() {
    // Three gigabytes of one byte are three megabytes of archive; one text of them, and rows without end of them.
    let bomb = |head: &str, body: &[u8], times: usize| {
        let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for (name, content) in [("xl/workbook.xml", BOOK), ("xl/_rels/workbook.xml.rels", RELATIONS)] {
            writer.start_file(name, SimpleFileOptions::default()).expect("part");
            writer.write_all(content.as_bytes()).expect("memory");
        }
        writer.start_file("xl/worksheets/sheet1.xml", SimpleFileOptions::default()).expect("part");
        writer.write_all(head.as_bytes()).expect("memory");
        for _ in 0..times {
            writer.write_all(body).expect("memory");
        }
        writer.finish().expect("memory").into_inner()
    };
    let text = bomb("<worksheet><row><c t=\"str\"><v>", &[b'x'; 1 << 16], 64);
    assert_eq!(read(&text), Err(TableError::WorkbookTooLarge));
    let tag = bomb("<worksheet><row a=\"", &[b'x'; 1 << 16], 64);
    assert_eq!(read(&tag), Err(TableError::WorkbookTooLarge));
    let far = bomb("<worksheet>", b"<row r=\"1048577\"><c/></row>", 1);
    assert_eq!(read(&far), Err(TableError::WorkbookTooLarge));
    let deep = bomb("<worksheet><row><c><v>", b"<a>", 1_000);
    assert_eq!(read(&deep), Err(TableError::WorkbookTooLarge));
}

#[test]
fn what_is_no_workbook_is_called_damaged() {
    let good = workbook("<sst/>", "<row><c><v>1</v></c></row>");
    let damaged = Err(TableError::WorkbookDamaged);
    assert_eq!(read(b"PK\x03\x04nothing"), damaged);
    assert_eq!(read(&good[..good.len() - 30]), damaged);
    assert_eq!(read(&archive(&[("a.txt", b"x")])), damaged);
    for rows in [
        "<row><c><v>1",
        "<row r=\"2\"><c/></row><row r=\"2\"><c/></row>",
        "<row r=\"0\"><c/></row>",
        "<row r=\"x\"><c/></row>",
        "<row><c r=\"1A\"/></row>",
        "<row><c><v>&lol;</v></c></row>",
    ] {
        assert_eq!(read(&workbook("<sst/>", rows)), damaged, "{rows}");
    }
    let entity = "<!DOCTYPE s [<!ENTITY a \"x\">]><sst><si><t>&a;</t></si></sst>";
    assert_eq!(read(&workbook(entity, "<row><c t=\"s\"><v>0</v></c></row>")), damaged);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Whatever is changed in a workbook, it is read or refused.
    #[test]
    fn a_changed_workbook_never_ends_in_a_panic(changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6), stored in any::<bool>()) {
        let mut bytes = workbook("<sst><si><t>a</t></si></sst>", "<row><c t=\"s\"><v>0</v></c><c s=\"1\"><v>1</v></c></row>");
        if stored {
            // Changes of the XML itself, not only of what packs it.
            let mut rows = b"<row><c t=\"s\"><v>0</v></c><c s=\"1\"><v>1</v></c></row>".to_vec();
            for (place, byte) in &changes {
                let place = place.index(rows.len());
                rows[place] = *byte;
            }
            bytes = workbook("<sst/>", &String::from_utf8_lossy(&rows));
        } else {
            for (place, byte) in &changes {
                let place = place.index(bytes.len());
                bytes[place] = *byte;
            }
        }
        let _ = read(&bytes);
    }
}
