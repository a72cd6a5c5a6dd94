//! Composite purchases (复合消费): a record that a purchase brings with it is written with it, and by nothing that does not end in one.
//!
//! Source: COS manual of PBOC 1.0/2.0, UPDATE CAPP DATA CACHE: plain, with a MAC, or enciphered, as the profile says.
//! Owns: their cases. Never: says how a purchase is made (`deals`).

use std::rc::Rc;

use card_core::StatusWord;
use card_core::script::Step;
use card_core::security::KeyRef;

use super::account::{Till, leaves};
use super::deals::PurseDeal;
use super::workshop::{Draft, Workshop, done, read_first, sw};
use super::{Act, Deal, Expect, Move, Sealing, Text};
use crate::access::Access;
use crate::profile::{Ef, EfKind};
use crate::purse::{Purse, PurseRules};

/// The cases; none where no file takes such a record.
pub(super) fn drafts(
    shop: &Workshop<'_>,
    till: &Till<'_>,
    rules: &PurseRules,
    deal: &dyn Fn(PurseDeal, i64) -> Option<Rc<Deal>>,
) -> Option<Vec<Draft>> {
    let (composite, load) = (deal(PurseDeal::Composite, 1)?, deal(PurseDeal::Load(Purse::Purse), 1)?);
    let records = till.df.ef.iter().filter(|ef| ef.kind == EfKind::TlvRecords && shop.way(&ef.read).is_some());
    let protected = |ef: &Ef| match &ef.update {
        Access::Free | Access::Never => Some(None),
        Access::Mac(name) => Some(Some(shop.key(shop.profile.key(name)?))),
        Access::All(_) | Access::Any(_) => None,
    };
    let (file, key) = records.filter_map(|ef| Some((ef, protected(ef)?))).next()?;
    let purchase = deal(PurseDeal::Purchase(Purse::Purse), 1)?;
    let cache = Cache { shop, till, file, key, rules, composite, load, purchase };
    Some(cache.drafts())
}

/// A record that composite purchases write.
struct Cache<'c, 'p> {
    shop: &'c Workshop<'p>,
    till: &'c Till<'p>,
    file: &'p Ef,
    /// The key of its MAC, where it carries one.
    key: Option<KeyRef>,
    rules: &'p PurseRules,
    composite: Rc<Deal>,
    load: Rc<Deal>,
    /// What takes back the load of a case that completes no composite purchase.
    purchase: Rc<Deal>,
}

impl Cache<'_, '_> {
    fn drafts(&self) -> Vec<Draft> {
        let (shop, till) = (self.shop, self.till);
        let begin = || Act::Begin(Rc::clone(&self.composite));
        let read_proofs = || till.proofs(shop, &self.file.read);
        let (zh, en) = ("复合消费完成后记录写入", "a composite purchase writes the record that it was given");
        let written = self.of("cached", zh, en).then(begin(), [Expect::Started]).with(self.write(true, false));
        let written = written.then(self.complete(), [Expect::Proved]).with(read_proofs());
        let written = written.then(self.read(), [Expect::Altered]).restore(self.back());
        let (zh, en) = ("复合消费未完成时记录不变", "without its second half a composite purchase writes nothing");
        let ended = self.of("cached.not-completed", zh, en).then(begin(), [Expect::Started]);
        let ended = ended.with(self.write(true, false)).with(shop.fresh(till.df)).with(read_proofs());
        let ended = ended.then(self.read(), [Expect::Same]).restore(till.whole(shop, &self.purchase));
        let order = sw(&[StatusWord::NOT_ACCEPTED, StatusWord::CONDITIONS_OF_USE]);
        let early = self.of("cached.not-begun", "未初始化不能写缓存", "no record is taken without INITIALIZE");
        let early = early.with(refused(self.write(true, false), order.clone())).with(read_proofs());
        let early = early.then(self.read(), [Expect::Same]).restore(till.whole(shop, &self.purchase));
        let mut drafts = vec![written, ended, early];
        if self.key.is_some() {
            let wrong = sw(&[StatusWord::MAC_WRONG, StatusWord::SECURE_MESSAGING_WRONG]);
            let (zh, en) =
                ("记录的 MAC 错误时交易结束，记录不变", "a wrong MAC of the record ends the purchase, it stays");
            let forged = self.of("cached.wrong-mac", zh, en).then(begin(), [Expect::Started]);
            let forged = forged.with(refused(self.write(true, true), wrong)).then(self.complete(), [order]);
            let forged = forged.with(read_proofs()).then(self.read(), [Expect::Same]);
            // A right one gives the key its tries back.
            drafts.push(forged.restore(self.back()).restore(till.whole(shop, &self.purchase)));
        }
        drafts.into_iter().map(|draft| draft.rewrite(self.back())).collect()
    }

    /// A case with the record kept and the composite purchase permitted.
    fn of(&self, what: &str, zh: &str, en: &str) -> Draft {
        let (shop, till) = (self.shop, self.till);
        let draft = till.of_deal(shop, &self.composite, what, Text::new(zh, en)).effect(leaves());
        let draft = till.done_before(shop, draft, &self.load).with(till.proofs(shop, &self.file.read));
        let whole = read_first(self.file).1;
        draft.keep(self.read(), [whole]).with(till.proofs(shop, &self.composite.access))
    }

    fn read(&self) -> Act {
        Act::Do(Step::Send(read_first(self.file).0))
    }

    /// Record 1 of the file, as UPDATE RECORD names it; under its MAC after a challenge.
    fn write(&self, altered: bool, wrong: bool) -> Vec<Move> {
        let row = self.rules.commands.update_cache;
        let header = [row.cla, row.ins, 0x01, self.file.sfi() << 3 | 0x04];
        let sealing = |key: &KeyRef| Sealing { key: key.clone(), wrong, enciphered: self.rules.enciphers_cache };
        let mac = self.key.as_ref().map(sealing);
        let challenge = mac.is_some().then(|| done(Act::Challenge(4)));
        challenge.into_iter().chain([done(Act::Write { header, altered, mac })]).collect()
    }

    fn complete(&self) -> Act {
        Act::Complete { deal: Rc::clone(&self.composite), wrong: false }
    }

    /// Another composite purchase with the record as it was.
    fn back(&self) -> Vec<Move> {
        let (shop, till) = (self.shop, self.till);
        let mut back = shop.fresh(till.df);
        back.extend(till.proofs(shop, &self.load.access));
        let load = Act::Complete { deal: Rc::clone(&self.load), wrong: false };
        back.extend([done(Act::Begin(Rc::clone(&self.load))), done(load)]);
        back.extend(till.proofs(shop, &self.composite.access));
        back.push(done(Act::Begin(Rc::clone(&self.composite))));
        back.extend(self.write(false, false));
        back.push(done(self.complete()));
        back
    }
}

/// Moves of which the last is refused so.
fn refused(mut moves: Vec<Move>, expect: Expect) -> Vec<Move> {
    if let Some(last) = moves.last_mut() {
        last.expect = vec![expect];
    }
    moves
}
