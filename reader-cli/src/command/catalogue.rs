//! `catalogue …`: what the insurance knows of each drug on each day.
//!
//! Owns: joining the files that a city gives, all their faults at once, looking a drug up. Never: prices a bill.

use std::path::Path;

use settlement::BusinessDate;
use settlement::catalogue::{Catalogue, CatalogueFault, Drug, Sheet, Sheets};
use settlement::explain::Explain as _;
use settlement::id::CatalogueVersion;

use crate::arguments::{CatalogueCommand, CatalogueImport};
use crate::exit::Exit;
use crate::output::Output;
use crate::page::{Page, Value};
use crate::papers;
use card_counter::error::{Paper, TerminalError};
use card_counter::language::{Language, Words};

/// Faults shown in one answer; the rest is a count.
const FAULTS_SHOWN: usize = 200;

/// Runs a command about catalogues.
pub(super) fn run(output: &Output, command: &CatalogueCommand) -> Result<Exit, TerminalError> {
    match command {
        CatalogueCommand::Check { file } => {
            let text = papers::text(Paper::Catalogue, file)?;
            let checked = Catalogue::parse(&text).map_err(|faults| (faults, vec![(Sheet::List, file.as_path())]));
            answer(output, checked.map(|catalogue| summary(&catalogue)))
        }
        CatalogueCommand::Import(arguments) => import(output, arguments),
        CatalogueCommand::Update | CatalogueCommand::Held => {
            Err(TerminalError::Bug("what is fetched needs the terminal's folder"))
        }
        CatalogueCommand::Show { file, code, on } => show(output, file, code.as_deref(), *on),
    }
}

type Faulty<'a> = (Vec<CatalogueFault>, Vec<(Sheet, &'a Path)>);

fn import(output: &Output, arguments: &CatalogueImport) -> Result<Exit, TerminalError> {
    let version = CatalogueVersion::parse(&arguments.version_name).map_err(|error| TerminalError::Configuration {
        place: "--version-name".to_owned(),
        reason: Words::of("版本为 1 至 32 个字母、数字、点、横线或下划线".to_owned(), error.to_string()),
    })?;
    let read = |path: &Path| papers::text(Paper::Catalogue, path);
    let list = read(&arguments.list)?;
    let ceilings = arguments.ceilings.as_deref().map(read).transpose()?;
    let ratios = arguments.ratios.as_deref().map(read).transpose()?;
    let sheets = Sheets { list: &list, ceilings: ceilings.as_deref(), ratios: ratios.as_deref() };
    let files = [
        (Sheet::List, Some(arguments.list.as_path())),
        (Sheet::Ceilings, arguments.ceilings.as_deref()),
        (Sheet::Ratios, arguments.ratios.as_deref()),
    ];
    let files = files.into_iter().filter_map(|(sheet, path)| Some((sheet, path?))).collect();
    match Catalogue::of_sheets(version, &sheets) {
        Err(faults) => answer(output, Err((faults, files))),
        Ok(catalogue) => {
            let page = summary(&catalogue);
            output.new_file(&catalogue.to_csv(), &arguments.out)?;
            answer(
                output,
                Ok(page.with("file", Words::new("文件", "file"), Value::text(arguments.out.display().to_string()))),
            )
        }
    }
}

fn answer(output: &Output, checked: Result<Page, Faulty<'_>>) -> Result<Exit, TerminalError> {
    let (faults, files) = match checked {
        Ok(page) => {
            output.answer(&page)?;
            return Ok(Exit::Ok);
        }
        Err(faulty) => faulty,
    };
    let row = |fault: &CatalogueFault| {
        let file = files.iter().find(|(sheet, _)| *sheet == fault.sheet).map(|(_, path)| path.display().to_string());
        Page::new()
            .with("file", Words::new("文件", "file"), Value::maybe(file))
            .with("row", Words::new("行", "row"), Value::count(fault.row))
            .with("column", Words::new("列", "column"), Value::text(fault.column))
            .with("code", Words::new("代码", "code"), Value::text(fault.code()))
            .with("text", Words::new("问题", "what"), Value::Words(Words::explained(fault)))
    };
    let mut page = Page::new()
        .with("faults", Words::new("错误", "faults"), Value::Table(faults.iter().take(FAULTS_SHOWN).map(row).collect()))
        .with("count", Words::new("共", "count"), Value::count(faults.len()));
    if let Some(fault) = faults.first() {
        let next = Words::of(fault.remedy(Language::Zh).to_owned(), fault.remedy(Language::En).to_owned());
        page = page.noted("CATALOGUE_MALFORMED", next);
    }
    output.answer(&page)?;
    Ok(Exit::Mismatch)
}

fn summary(catalogue: &Catalogue) -> Page {
    let count = |is: &dyn Fn(&Drug) -> bool| Value::count(catalogue.drugs().filter(|drug| is(drug)).count());
    Page::new()
        .with("version", Words::new("版本", "version"), Value::text(catalogue.version().as_str()))
        .with("codes", Words::new("编码数", "codes"), Value::count(catalogue.len()))
        .with("periods", Words::new("有效期数", "periods"), count(&|_| true))
        .with("ceilings", Words::new("有限价", "with ceiling"), count(&|drug| drug.price_ceiling.is_some()))
        .with("prescription_only", Words::new("处方药", "prescription only"), count(&|drug| drug.prescription_only))
        .with("limited", Words::new("限量", "limited"), count(&Drug::is_limited))
}

fn show(output: &Output, file: &Path, code: Option<&str>, on: Option<BusinessDate>) -> Result<Exit, TerminalError> {
    let catalogue = papers::catalogue(file)?;
    let is_on =
        |drug: &&Drug| on.is_none_or(|day| drug.valid_from <= day && drug.valid_until.is_none_or(|until| day <= until));
    let is_asked = |drug: &&Drug| code.is_none_or(|code| drug.code.as_str() == code);
    let rows: Vec<Page> = catalogue.drugs().filter(is_asked).filter(is_on).map(row).collect();
    let found = !rows.is_empty();
    output.answer(&summary(&catalogue).with("drugs", Words::new("药品", "drugs"), Value::Table(rows)))?;
    Ok(if found { Exit::Ok } else { Exit::NotFound })
}

fn row(drug: &Drug) -> Page {
    let limit = drug.quantity_limit.map(|limit| format!("{}/{}d", limit.max, limit.days));
    Page::new()
        .with("code", Words::new("编码", "code"), Value::text(drug.code.as_str()))
        .with("name", Words::new("名称", "name"), Value::text(&drug.name))
        .with("class", Words::new("类别", "class"), Value::text(drug.class.to_string()))
        .with("list_type", Words::new("目录", "list"), Value::text(drug.list_type.code()))
        .with(
            "price_ceiling_fen",
            Words::new("限价", "ceiling"),
            drug.price_ceiling.map_or(Value::Absent, Value::Money),
        )
        .with("first_self_pay", Words::new("先行自付", "first self-pay"), Value::text(drug.first_self_pay.to_string()))
        .with("valid_from", Words::new("生效", "from"), Value::text(drug.valid_from.to_string()))
        .with("valid_until", Words::new("失效", "until"), Value::maybe(drug.valid_until.map(|day| day.to_string())))
        .with("prescription_only", Words::new("处方药", "Rx"), Value::Flag(drug.prescription_only))
        .with("quantity_limit", Words::new("限量", "limit"), Value::maybe(limit))
        .with(
            "supply_days_max",
            Words::new("用药天数", "supply days"),
            drug.supply_days_max.map_or(Value::Absent, |days| Value::Number(days.get().into())),
        )
}
