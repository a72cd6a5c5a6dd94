//! Money of a replaced card: whatever the order of uploads, moves and the new card's loads, not a fen is lost or made.

use serde_json::{Value, json};

use crate::centre::{BATCHES, Centre, QUOTE, load};

/// A few numbers that look like chance and are the same on every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % sides
    }
}

/// The old card's money as the ledger has it, and the holder's.
fn accounts(centre: &Centre) -> [i64; 2] {
    let old = format!("card:{}", centre.card(1).identifier);
    [centre.balance(&old), centre.balance("pending:1")]
}

/// Card 1 is cancelled long ago, and card 2 is its holder's now.
fn replace(centre: &Centre) {
    for statement in [
        "UPDATE card SET state = 'cancelled' WHERE job = 1",
        "INSERT INTO card_move (sequence, job, step, from_state, to_state, reason, operator, moved_at)
         VALUES (1, 1, 'replace', 'normal', 'cancelled', '', 'tashi', '2026-01-01T00:00:00.000Z')",
        "UPDATE card SET person = 1 WHERE job = 2",
    ] {
        centre.ask(statement).expect("row");
    }
}

#[test]
fn in_every_order_the_old_cards_money_ends_at_the_person_and_on_the_new_card() {
    let mut late = 0;
    for seed in 1..=6 {
        let mut centre = Centre::with_cards(2);
        centre.serve();
        let mut terminals = [centre.terminal(1), centre.terminal(2)];
        centre.allot(1, "500");
        let mut old = centre.card(1);
        load(&mut terminals[0], &mut old, 1, 50_000);
        // Sold offline by two terminals before the card went out of use.
        let mut spent = 0;
        let mut waiting: Vec<(usize, String)> = Vec::new();
        for (n, fen) in [1_234, 20, 7_001, 3].into_iter().enumerate() {
            let terminal = &mut terminals[n % 2];
            let record = old.purchase(terminal, centre.today(), [fen, 11, 7]);
            waiting.push((n % 2, terminal.seal(vec![record])));
            spent += i64::from(fen);
        }
        let mut dice = Dice(seed);
        let mut new = centre.card(2);
        let (mut is_replaced, mut has_moved, mut loads) = (false, false, 1);
        for _ in 0..12 {
            match dice.roll(4) {
                0 if !is_replaced => {
                    replace(&centre);
                    is_replaced = true;
                }
                1 => {
                    let first = waiting.iter().position(|_| true);
                    if let Some(first) = first {
                        // Each terminal's batches in their order, the terminals in any.
                        let of = dice.roll(2);
                        let at = waiting.iter().position(|(terminal, _)| *terminal == of).unwrap_or(first);
                        let (of, body) = waiting.remove(at);
                        let (status, answer) = terminals[of].send(BATCHES, &body);
                        assert_eq!((status, &answer["refused"]), (200, &json!([])), "{answer}");
                        late += usize::from(is_replaced);
                    }
                }
                2 => {
                    let moves = centre.ok("ma", &["account", "move-balances"]);
                    has_moved |= moves["moved"] != json!([]);
                }
                _ if is_replaced => {
                    let ask =
                        json!({ "version": 1, "terminal": terminals[1].number, "card_identifier": new.identifier });
                    let quoted = terminals[1].ask(QUOTE, ask).1["amount_fen"].as_u64().expect("an amount");
                    let quoted = u32::try_from(quoted).expect("small");
                    if quoted > 0 {
                        loads += 1;
                        load(&mut terminals[1], &mut new, loads, quoted.div_ceil(2));
                    }
                }
                _ => {}
            }
            let [card, pending] = accounts(&centre);
            assert!(!has_moved || card == 0, "seed {seed}: what comes late follows at once, {card}");
            let on_new = centre.balance(&format!("card:{}", new.identifier));
            let owed = centre.balance("institution:P51330100001:payable");
            let pooled = centre.balance("fund:pooled");
            assert_eq!(card + pending + on_new + owed + pooled, 50_000, "seed {seed}");
            assert_eq!(centre.balance(""), 0, "seed {seed}: the ledger sums to zero");
        }
        if !is_replaced {
            replace(&centre);
        }
        for (of, body) in waiting {
            assert_eq!(terminals[of].send(BATCHES, &body).0, 200);
        }
        centre.ok("ma", &["account", "move-balances"]);
        let [card, pending] = accounts(&centre);
        let on_new = centre.balance(&format!("card:{}", new.identifier));
        assert_eq!(card, 0, "seed {seed}");
        assert_eq!(pending + on_new, 50_000 - spent, "seed {seed}");
        let again: Value = centre.ok("ma", &["account", "move-balances"]);
        assert_eq!(again["moved"], json!([]), "nothing moves twice");
        let shown = centre.ok("ma", &["window", "show", "--date", &centre.today().to_string()]);
        assert_eq!(shown["holds"], json!(true), "seed {seed}: {shown}");
    }
    assert!(late > 3, "some records came after the card: {late}");
}

#[test]
fn money_waits_for_its_days_and_that_of_the_dead_for_a_person() {
    let mut centre = Centre::with_cards(2);
    centre.serve();
    let mut terminal = centre.terminal(1);
    centre.allot(1, "500");
    let mut card = centre.card(1);
    load(&mut terminal, &mut card, 1, 50_000);
    let moved = |centre: &Centre| centre.ok("ma", &["account", "move-balances"])["sum_fen"].clone();
    assert_eq!(moved(&centre), json!(0), "the card is in use");
    replace(&centre);
    let now = "UPDATE card_move SET moved_at = '2099-01-01T00:00:00.000Z'";
    centre.ask(now).expect("row");
    assert_eq!(moved(&centre), json!(0), "its days are not over");
    centre.ask("UPDATE card_move SET moved_at = '2026-01-01T00:00:00.000Z'").expect("row");
    centre.ask("INSERT INTO person_death VALUES (1, '20260101', 'seen', 'li', '')").expect("row");
    assert_eq!(moved(&centre), json!(0), "heirs are for a person to settle with");
    centre.ask("DELETE FROM person_death").expect("row");
    assert_eq!(centre.run("wu", &["account", "move-balances"]).status.code(), Some(3));
    assert_eq!(moved(&centre), json!(50_000));
    assert_eq!(accounts(&centre), [0, 50_000]);
    // The old chip, handed in, still shows what its holder has got already: that is no difference.
    let date = centre.today().to_string();
    for (on_chip, differs) in [(50_000, false), (49_999, true)] {
        let readings = json!([{ "card_identifier": card.identifier, "balance_fen": on_chip, "card_sequence": 0 }]);
        let cards = centre.write("cards.json", &readings);
        let told = centre.run("ma", &["reconcile", "--date", &date, "--cards", &cards]).stdout;
        assert_eq!(String::from_utf8_lossy(&told).contains("BALANCE_DIFFERS"), differs, "{on_chip}");
    }
}
