//! What `verify` looks at: pages, events as they were written, batches as they were sent.
//!
//! Owns: reading them. Never: judges.

use std::collections::BTreeMap;

use settlement::message::{BatchRequest, Request as _};

use super::{Store, StoreError, StoredBatch};
use crate::journal::EntryNumber;
use crate::letter::Letter;

/// Faults of the file that are listed before it is called damaged and no more.
const PAGE_FAULTS_MAX: u32 = 20;

/// An event as it stands in the journal, whatever it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// What happened.
    pub event: String,
    /// From which state.
    pub from: Option<String>,
    /// To which.
    pub to: String,
    /// Who.
    pub actor: String,
    /// Whether a reason stands there.
    pub has_reason: bool,
}

impl Store {
    /// What SQLite finds wrong with its own file, references among it.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot look.
    pub fn page_faults(&self) -> Result<Vec<String>, StoreError> {
        let fail = |source| self.failure(source);
        let mut statement =
            self.connection.prepare(&format!("PRAGMA integrity_check({PAGE_FAULTS_MAX})")).map_err(fail)?;
        let rows = statement.query_map([], |row| row.get::<_, String>(0)).map_err(fail)?;
        let mut faults = rows.collect::<Result<Vec<_>, _>>().map_err(fail)?;
        faults.retain(|line| line != "ok");
        let mut statement = self.connection.prepare("PRAGMA foreign_key_check").map_err(fail)?;
        let rows = statement.query_map([], |row| row.get::<_, String>(0)).map_err(fail)?;
        for table in rows {
            faults.push(format!("{}: a reference leads nowhere", table.map_err(fail)?));
        }
        Ok(faults)
    }

    /// The events of every entry, in order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn told(&self) -> Result<BTreeMap<EntryNumber, Vec<Told>>, StoreError> {
        let fail = |source| self.failure(source);
        let mut statement = self
            .connection
            .prepare(
                "SELECT entry, coalesce(event, ''), from_state, coalesce(to_state, ''), coalesce(actor, ''), reason IS NOT NULL
                 FROM event ORDER BY entry, step",
            )
            .map_err(fail)?;
        let rows = statement
            .query_map([], |row| {
                let told = Told {
                    event: row.get(1)?,
                    from: row.get(2)?,
                    to: row.get(3)?,
                    actor: row.get(4)?,
                    has_reason: row.get(5)?,
                };
                Ok((EntryNumber(row.get::<_, i64>(0)?.unsigned_abs()), told))
            })
            .map_err(fail)?;
        let mut told: BTreeMap<EntryNumber, Vec<Told>> = BTreeMap::new();
        for row in rows {
            let (entry, event) = row.map_err(fail)?;
            told.entry(entry).or_default().push(event);
        }
        Ok(told)
    }

    /// Every batch that was written, in order, as it was or will be sent.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn batches(&self) -> Result<Vec<StoredBatch>, StoreError> {
        let fail = |source| self.failure(source);
        let query =
            "SELECT batch.sequence, letter.body FROM batch JOIN letter USING (request_id) ORDER BY batch.sequence";
        let mut statement = self.connection.prepare(query).map_err(fail)?;
        let rows = statement
            .query_map([], |row| {
                let letter = Letter { path: BatchRequest::PATH, body: row.get(1)? };
                Ok(StoredBatch { sequence: row.get(0)?, letter })
            })
            .map_err(fail)?;
        rows.collect::<Result<_, _>>().map_err(fail)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use card_profiles::account::Amounts;
    use ring::signature::Ed25519KeyPair;
    use settlement::batch::SignedBatch;
    use settlement::fen::Fen;
    use settlement::id::{
        BillId, CardFactor, CardIdentifier, CardRandom, Digest, LoadId, Mac, RequestId, SaleId, Signature, Tac,
        TerminalNumber,
    };
    use settlement::journal::Event;
    use settlement::message::Version1;
    use settlement::record::Evidence;
    use settlement::refund::{Original, RefundAct};
    use settlement::sale::{Consent, Sale, SaleRequest};
    use settlement::signing::TerminalKey;
    use settlement::{BusinessDate, DateTime};
    use zeroize::Zeroizing;

    use super::*;
    use crate::journal::{Done, Draft, Entry, Journal as _, Sent, Subject};
    use crate::refund::{self, Asked};
    use crate::verify::{FaultKind, Verdict, verify};

    const TERMINAL: TerminalNumber = TerminalNumber([0x99, 0, 0, 0, 0, 1]);

    fn key() -> TerminalKey {
        TerminalKey::from_seed(&Zeroizing::new([7; 32]))
    }

    fn sold(store: &mut Store, number: u16) -> Entry {
        let amounts = Amounts { personal_account: 100, self_paid: 20, pooled_fund: 3 };
        let bill_id = BillId::parse(&format!("B-{number}")).expect("a word");
        let draft = Draft {
            terminal: TERMINAL,
            card_identifier: CardIdentifier::parse("513300D156000005000000133A05F2E3").expect("hex"),
            card_factor: CardFactor::parse("8650430200000013").expect("hex"),
            business_date: BusinessDate::parse("2026-01-05").expect("a date"),
            subject: Subject::Purchase { amounts, bill_id, bill_hash: Digest([7; 32]), sale_id: None },
            paper: String::new(),
        };
        finish(store, &draft, number, 1_000, 900)
    }

    fn finish(store: &mut Store, draft: &Draft, number: u16, before: u32, after: u32) -> Entry {
        let entry = store.prepare(draft).expect("prepared");
        let sent = Sent {
            balance_before: before,
            card_sequence: number,
            terminal_sequence: number.into(),
            date_time: DateTime::parse("20260105120000").expect("real"),
            random: CardRandom([1; 4]),
            key_version: 1,
            algorithm: 0,
            mac: Mac([2; 4]),
        };
        store.send(entry.number, &sent).expect("sent");
        let done = Done { balance_after: after, evidence: Evidence::Answered { tac: Tac([3; 4]), number: None } };
        store.confirm(entry.number, Event::CardAnswered, &done).expect("confirmed")
    }

    fn seal(store: &mut Store, entries: &[Entry], id: u8) {
        let records = entries.iter().filter_map(Entry::to_record).collect();
        let batch = SignedBatch::seal(&key(), TERMINAL, &store.chain().expect("read"), records).expect("whole");
        let request = BatchRequest { version: Version1, request_id: RequestId([id; 16]), batch };
        store.write_batch(&request.batch, request.request_id, &Letter::of(&request).expect("JSON")).expect("written");
    }

    /// The centre was asked about this sale, and agreed.
    fn agreed(store: &mut Store, entry: &Entry) {
        store.set_centre_key(&key().public_key()).expect("written");
        let amount = |fen: u32| Fen::from_card(fen);
        let amounts = entry.draft.subject.amounts();
        let sale = Sale {
            sale_id: SaleId([5; 16]),
            terminal: TERMINAL,
            card_identifier: entry.draft.card_identifier,
            card_factor: entry.draft.card_factor,
            card_sequence: 1,
            balance_fen: Fen::new(1_000),
            personal_account_fen: amount(amounts.personal_account),
            self_paid_fen: amount(amounts.self_paid),
            pooled_fund_fen: amount(amounts.pooled_fund),
            bill_id: BillId::parse("B-1").expect("a word"),
            bill_hash: Digest([0; 32]),
            business_date: entry.draft.business_date,
        };
        let request = SaleRequest { version: Version1, request_id: RequestId([0xC; 16]), sale };
        store
            .write_letter(request.request_id, &Letter::of(&request).expect("JSON"), Some(entry.number))
            .expect("written");
        let at = DateTime::parse("20260105120000").expect("real");
        let consent = Consent::sign(&request.sale, at, |bytes| {
            let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("any 32 bytes");
            Signature(pair.sign(bytes).as_ref().try_into().expect("64 bytes"))
        });
        store.letter_agreed(request.request_id, &consent).expect("written");
    }

    /// Three sales and a refused one, a refund; two batches of them are signed, the last sale is in none.
    fn journal() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().expect("a folder");
        let mut store = Store::open(folder.path()).expect("a store");
        let first = sold(&mut store, 1);
        agreed(&mut store, &first);
        let second = sold(&mut store, 2);
        seal(&mut store, &[first.clone(), second], 1);
        let order =
            refund::agree(&mut store, &first, Asked::Total(Fen::new(50)), RefundAct::Refund, "").expect("agreed");
        let amounts = order.parts.to_card().expect("small");
        let original = Original { terminal: TERMINAL, terminal_sequence: 1, card_sequence: Some(9) };
        let subject =
            Subject::Refund { load_id: LoadId([9; 16]), refund: order.number, act: order.act, original, amounts };
        let draft = Draft { subject, ..first.draft.clone() };
        let back = finish(&mut store, &draft, 1, 900, 900 + amounts.personal_account);
        seal(&mut store, &[back], 2);
        let refused = store.prepare(&first.draft).expect("prepared");
        store.close(refused.number, Event::CardRefused, "9401").expect("closed");
        sold(&mut store, 3);
        (folder, store)
    }

    fn look(store: &Store) -> Verdict {
        verify(store, TERMINAL, &key().public_key()).expect("readable")
    }

    #[test]
    fn a_journal_as_the_program_writes_it_is_whole() {
        let (_folder, store) = journal();
        let verdict = look(&store);
        assert_eq!(verdict.faults, []);
        assert_eq!((verdict.entries, verdict.events, verdict.records, verdict.batches), (5, 14, 4, 2));
        let other = TerminalKey::from_seed(&Zeroizing::new([8; 32])).public_key();
        let faults = verify(&store, TERMINAL, &other).expect("readable").faults;
        assert_eq!(faults.iter().map(|fault| fault.kind).collect::<Vec<_>>(), [FaultKind::BatchAltered]);
    }

    #[test]
    fn every_gap_edit_and_cut_that_the_file_can_show_is_found() {
        let free =
            "DROP TRIGGER entry_is_not_removed; DROP TRIGGER history_only_grows; DROP TRIGGER state_has_its_event;
            DROP TRIGGER refund_is_withdrawn_once; DROP TRIGGER refund_is_not_removed; PRAGMA foreign_keys = OFF;";
        let cases: [(&str, &str, &[FaultKind]); 17] = [
            ("an entry taken out", "DELETE FROM entry WHERE number = 4", &[FaultKind::EntryGap]),
            (
                "a finished sale taken out",
                "DELETE FROM entry WHERE number = 2",
                &[FaultKind::EntryGap, FaultKind::RecordGap, FaultKind::RecordDiffers],
            ),
            ("the last signed sale cut off", "DELETE FROM entry WHERE number >= 3", &[FaultKind::RecordDiffers]),
            (
                "an amount edited",
                "UPDATE entry SET personal_account = 99 WHERE number = 2",
                &[FaultKind::RecordDiffers],
            ),
            (
                "a card edited",
                "UPDATE entry SET card_identifier = '513300D156000005000000143A05F2E3' WHERE number = 2",
                &[FaultKind::RecordDiffers],
            ),
            (
                "an amount that no card holds",
                "UPDATE entry SET balance_after = 4294967295 WHERE number = 5",
                &[FaultKind::RecordContradictory],
            ),
            ("a state edited", "UPDATE entry SET state = 'REVERSED' WHERE number = 4", &[FaultKind::History]),
            (
                "a refusal called confirmed",
                "UPDATE entry SET state = 'CONFIRMED' WHERE number = 4",
                &[FaultKind::History, FaultKind::RecordState],
            ),
            (
                "a move that the table does not have",
                "UPDATE entry SET state = 'CONFIRMED', history = history || ',' || json_array('t', 'CardAnswered', 'REFUSED', 'CONFIRMED', 'Card', NULL) WHERE number = 4",
                &[FaultKind::History, FaultKind::RecordState],
            ),
            (
                "an event taken out",
                "UPDATE entry SET history = substr(history, instr(history, '],[') + 2) WHERE number = 5",
                &[FaultKind::History],
            ),
            ("a record numbered otherwise", "UPDATE entry SET record = 9 WHERE number = 5", &[FaultKind::RecordGap]),
            ("a batch taken out", "DELETE FROM batch WHERE sequence = 1", &[FaultKind::BatchAltered]),
            (
                "a batch edited",
                "UPDATE letter SET body = replace(body, '\"self_paid_fen\":20', '\"self_paid_fen\":21')",
                &[FaultKind::BatchAltered],
            ),
            ("a batch that is none", "UPDATE letter SET body = '{}'", &[FaultKind::BatchMalformed]),
            (
                "a consent of another moment",
                "UPDATE letter SET consent = replace(consent, '20260105', '20260106') WHERE consent IS NOT NULL",
                &[FaultKind::ConsentAltered],
            ),
            ("a refund raised", "UPDATE refund SET self_paid = 21", &[FaultKind::RefundSum]),
            ("a number used twice", "UPDATE entry SET card_sequence = 2 WHERE number = 5", &[FaultKind::NumberTwice]),
        ];
        let mut found = BTreeSet::new();
        for (what, edit, expected) in cases {
            let (_folder, store) = journal();
            store.connection.execute_batch(free).expect(what);
            assert!(store.connection.execute(edit, []).expect(what) > 0, "{what}");
            let kinds: BTreeSet<FaultKind> = look(&store)
                .faults
                .into_iter()
                // What is cut off leaves references that lead nowhere beside what is asked here.
                .filter(|fault| fault.kind != FaultKind::Pages)
                .map(|fault| fault.kind)
                .collect();
            let expected: BTreeSet<FaultKind> = expected.iter().copied().collect();
            assert!(expected.is_subset(&kinds), "{what}: {kinds:?}");
            found.extend(kinds);
        }
        let (_folder, store) = journal();
        store.connection.execute_batch(free).expect("free");
        store.connection.execute("DELETE FROM refund", []).expect("cut");
        assert!(
            look(&store).faults.iter().any(|fault| fault.kind == FaultKind::Pages),
            "an entry names a refund that is gone"
        );
        found.insert(FaultKind::Pages);
        assert_eq!(found, FaultKind::ALL.into_iter().collect(), "every kind has a case");
    }
}
