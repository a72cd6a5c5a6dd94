//! `journal states`: the published tables of the terminal's journal, made from the program's own.
//!
//! Owns: their form. Never: the tables (`settlement::journal`, `card_counter::journal`).

use settlement::journal::{Actor, Event, MOVES, State};

use card_counter::journal::{RefundState, TowardsCentre};

/// The page: `docs/journal-states.md`.
pub(super) fn markdown() -> String {
    let mut out = String::from(
        "# States of a terminal's journal\n\nEvery state that a transaction or a refund has at a terminal, and the only moves between them. \
         Made from the program's own\ntables by `sscard journal states`; a test compares.\n\n## Transaction\n\n\
         A purchase, a load, or one try of a refund. A restarted terminal moves what it finds as the last column says; a card\n\
         with a transaction that blocks it pays nothing at this terminal before that is settled.\n\n\
         | state | 状态 | means | final | blocks its card | after a restart |\n|---|---|---|---|---|---|\n",
    );
    for state in State::ALL {
        let (zh, means) = of_state(state);
        let restart = state.event_at_restart().and_then(|event| settlement::journal::next(state, event).ok());
        let restart = restart.map_or_else(|| "stays".to_owned(), |next| format!("`{next}`"));
        let yes = |is: bool| if is { "yes" } else { "no" };
        let (ends, blocks) = (yes(state.is_final()), yes(state.blocks_card()));
        out.push_str(&format!("| `{state}` | {zh} | {means} | {ends} | {blocks} | {restart} |\n"));
    }
    out.push_str("\n| move | from | to | by | reason needed | when |\n|---|---|---|---|---|---|\n");
    for row in MOVES {
        let by = match row.actor {
            Actor::Terminal => "terminal",
            Actor::Card => "card",
            Actor::Supervisor => "supervisor",
        };
        let reason = if row.reason_needed { "yes" } else { "no" };
        out.push_str(&format!(
            "| {:?} | `{}` | `{}` | {by} | {reason} | {} |\n",
            row.event,
            row.from,
            row.to,
            of_event(row.event)
        ));
    }
    out.push_str(
        "\n## Refund\n\nWhat was agreed at the counter. It is read off its tries, each a transaction of its own.\n\n\
         | state | 状态 | means |\n|---|---|---|\n",
    );
    for state in [RefundState::Open, RefundState::Done, RefundState::Withdrawn] {
        let (zh, means) = of_refund(state);
        out.push_str(&format!("| `{}` | {zh} | {means} |\n", state.as_str()));
    }
    out.push_str(
        "\nOne try of a refund at a time is alive (PREPARED, SENT, UNCERTAIN, CONTRADICTED or CONFIRMED). A refund with such a try is not withdrawn.\n",
    );
    out.push_str(
        "\n## Towards the centre\n\nA purchase that the centre is asked about before the card is debited. Its state above is about the card; this is read off\n\
         its letters. `UNCERTAIN` ends by itself: the batch, or the word that it was not done, is sent until it is answered.\n\n\
         | state | 状态 | means | next |\n|---|---|---|---|\n",
    );
    for state in TowardsCentre::ALL {
        let (zh, means, next) = of_standing(state);
        let next: Vec<String> = next.iter().map(|next| format!("`{}`", next.as_str())).collect();
        let next = if next.is_empty() { "–".to_owned() } else { next.join(", ") };
        out.push_str(&format!("| `{}` | {zh} | {means} | {next} |\n", state.as_str()));
    }
    out
}

const fn of_standing(state: TowardsCentre) -> (&'static str, &'static str, &'static [TowardsCentre]) {
    use TowardsCentre::{Asked, Authorised, Cleared, Declined, NotPosted, Released, Uncertain};
    match state {
        Asked => ("已询问", "The question is stored; no answer is known.", &[Authorised, Declined, Uncertain]),
        Authorised => ("已同意", "The centre agreed; the card's part is not over.", &[Uncertain]),
        Declined => ("已拒绝", "The centre refused; nothing was sent to the card.", &[]),
        Uncertain => (
            "待告知",
            "The card's part is over; the centre did not answer yet what it was told of it.",
            &[Cleared, NotPosted, Released],
        ),
        Cleared => ("已入账", "The batch with its record was answered, and the centre posted it.", &[]),
        NotPosted => ("未入账", "The centre has its record and did not post it; two people there decide.", &[]),
        Released => ("已解除", "The centre knows that the card was not debited.", &[]),
    }
}

const fn of_state(state: State) -> (&'static str, &'static str) {
    match state {
        State::Prepared => ("已准备", "Amounts are stored; the card has changed nothing."),
        State::Sent => {
            ("已发送", "Everything that goes into DEBIT or CREDIT is stored; it may have left the terminal.")
        }
        State::Confirmed => ("已确认", "The card did it; a record for the centre exists."),
        State::Uncertain => ("结果未知", "No usable answer: the card may have done it."),
        State::Reversed => ("已冲正", "No answer, and the card showed later that it did not do it."),
        State::Refused => ("已拒绝", "The card refused, or nothing was sent."),
        State::Contradicted => ("与判定相反", "A person judged and the card shows the opposite; the card settles it."),
    }
}

const fn of_event(event: Event) -> &'static str {
    match event {
        Event::Sending => "DEBIT or CREDIT is about to be sent.",
        Event::Abandoned => "The terminal gave up before anything was sent.",
        Event::CardAnswered => "The card answered 9000 with its proof.",
        Event::CardRefused => "The card answered a refusal.",
        Event::AnswerLost => "Card pulled, power lost, reader gone, or terminal restarted.",
        Event::ShownDone => "The next tap shows that the card did it.",
        Event::ShownNotDone => "The next tap shows that the card did not do it.",
        Event::JudgedDone => "A person decided so, with evidence from elsewhere.",
        Event::JudgedNotDone => "A person decided so, with evidence from elsewhere.",
        Event::Contradicts => "Only of what a person judged: the next tap shows the opposite.",
    }
}

const fn of_refund(state: RefundState) -> (&'static str, &'static str) {
    match state {
        RefundState::Open => ("未完成", "Agreed; no try is confirmed. It waits in `sscard refund list`."),
        RefundState::Done => ("已完成", "A try is confirmed: the card has the money."),
        RefundState::Withdrawn => {
            ("已撤回", "Given up by a person, or refused for good by the centre. Nothing went back.")
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_published_page_is_the_program_s() {
        let page = include_str!("../../../docs/journal-states.md");
        assert!(page == super::markdown(), "sscard journal states > docs/journal-states.md");
    }
}
