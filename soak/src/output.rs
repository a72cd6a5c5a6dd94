//! The tables and their JSON: the only file of this program that prints.

use std::io::Write as _;

use serde::Serialize;

use crate::day::Report;
use crate::evening::Agreement;
use crate::failure::Failure;
use crate::fault::Act;
use crate::kills::Table;
use crate::load::Figures;
use crate::people;

/// Troubles that are printed.
const TROUBLES_SHOWN: usize = 20;

/// One JSON line on stdout, at once: the process may not live to write another.
///
/// # Panics
/// When stdout is closed: nobody listens any more.
pub fn line(value: &impl Serialize) {
    let mut out = std::io::stdout().lock();
    let text = serde_json::to_string(value).expect("plain data");
    writeln!(out, "{text}").and_then(|()| out.flush()).expect("stdout takes what is told");
}

/// How far a soak is, on one line of stderr.
pub fn progress(text: &str) {
    eprint!("\r{text}\x1b[K");
}

/// Why there is no table.
pub fn failure(failure: &Failure) {
    eprintln!("\n{failure}");
}

/// The table of a batch.
pub fn table(table: &Table) {
    println!("a batch of {} cards, {} lives of its station, {} kills\n", table.people, table.lives, table.kills());
    print!("{:<16}", "journal write");
    Act::KILLS.iter().for_each(|act| print!(" {:>10}", act.name()));
    println!(" {:>8} {:>12} {:>8} {:>12}", "kills", "double cards", "orphans", "lost numbers");
    for (kind, row) in &table.lines {
        print!("{kind:<16}");
        row.kills.iter().for_each(|kills| print!(" {kills:>10}"));
        let kills: u64 = row.kills.iter().sum();
        println!(" {kills:>8} {:>12} {:>8} {:>12}", row.found.double, row.found.orphans, row.found.lost);
    }
    for (what, found) in [("at the end, books", table.books), ("at the end, cards", table.cards)] {
        println!("{what:<68} {:>12} {:>8} {:>12}", found.double, found.orphans, found.lost);
    }
    println!(
        "\nspoilt {}, without a card {}: {}",
        table.spoilt,
        table.left,
        if table.holds() { "holds" } else { "BROKEN" }
    );
}

/// The seed of a day, before it begins: a day that hangs can be lived again too.
pub fn seed(seed: u64) {
    println!("day {seed}");
}

/// What came of a day.
pub fn day(report: &Report) {
    let Report { sales, paid, refused, limited, left, refunds, refunds_refused, loads, .. } = report;
    let Report { lives, faults, jumps, evening, .. } = report;
    println!("  {sales} sales: {paid} paid, {refused} refused, {limited} over a limit, {left} left; {loads} loads");
    println!("  {refunds} refunds and cancels, {refunds_refused} of them refused");
    println!("  {lives} lives of terminals, {faults} faults, {jumps} jumps of clocks");
    let Agreement {
        cards,
        on_cards_fen,
        apart_fen,
        held,
        held_fen,
        unposted,
        unposted_fen,
        paid_twice,
        unpaid_receipts,
        found_paid,
        open,
        findings,
    } = evening;
    println!(
        "  card, terminal and centre agree on {cards} cards with {on_cards_fen} fen, and are {apart_fen} fen apart"
    );
    println!(
        "  of that the centre held {held} records with {held_fen} fen, of sales that were cut: two people posted them"
    );
    println!("  apart from that {unposted} records with {unposted_fen} fen are posted by nobody");
    println!(
        "  paid twice {paid_twice}, receipts unpaid {unpaid_receipts}, found paid after the holder left {found_paid}, open {open}"
    );
    findings.iter().take(TROUBLES_SHOWN).for_each(|finding| println!("  {finding}"));
    println!("  {}", if report.holds() { "holds" } else { "BROKEN" });
}

/// What came of many readers.
pub fn figures(figures: &Figures) {
    let Figures {
        readers, seconds, made, reads, misread, troubles, first_kib, last_kib, most_kib, quarters_kib, ..
    } = figures;
    println!("{readers} readers at once for {seconds} s: {made} cards made, {reads} reads of them, {misread} misread");
    println!(
        "memory of the program, KiB: first {first_kib}, last {last_kib}, most {most_kib}; most by quarter {quarters_kib:?}"
    );
    println!("errors: {}", troubles.len());
    troubles.iter().take(TROUBLES_SHOWN).for_each(|line| println!("  {line}"));
    println!("{}", if figures.holds() { "holds" } else { "BROKEN" });
}

/// What came of everybody at once.
pub fn people(found: &people::Figures) {
    let people::Figures { crowd, operators, kiosks, first_kib, most_kib, station } = found;
    println!(
        "{} operators and {} kiosks beside {} readers for {} s",
        crowd.operators, crowd.kiosks, station.readers, crowd.seconds
    );
    for (name, answers) in [("operators", operators), ("kiosks", kiosks)] {
        let people::Answers { count, errors, first_errors, p50_us, p99_us, most_us } = answers;
        let [p50, p99, most] = [p50_us, p99_us, most_us].map(|us| format!("{}.{} ms", us / 1000, us / 100 % 10));
        println!("{name}: {count} answers, {errors} errors, p50 {p50}, p99 {p99}, longest {most}");
        first_errors.iter().for_each(|error| println!("  {error}"));
    }
    println!("memory of the server, KiB: first {first_kib}, most {most_kib}");
    figures(station);
    println!("{}", if found.holds() { "everybody was answered" } else { "BROKEN" });
}
