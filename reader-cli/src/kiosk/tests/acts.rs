//! What is said of an act that the centre did, did not, or did not answer, and of a certificate that nobody gets.

use super::*;

#[test]
fn an_act_that_nobody_answered_is_not_called_done_or_undone() {
    let mut stand = Stand::at(Place::Acting);
    let asked = stand.centre(Told::Loss(
        LossAct::Report,
        Err(TerminalError::CentreUnreachable { address: String::new(), sent: true }),
    ));
    let Screen::Notice(words) = stand.machine.screen() else { panic!("said") };
    assert_eq!(*words, super::super::machine::NOT_KNOWN);
    // What the centre told before does not stand: it is asked, and what it tells now is shown.
    assert!(matches!(asked, Some(Effect::Centre(7, Question { what: Asked::Overview(_), .. }))), "{asked:?}");
    stand.touch(Act::Back);
    stand.touch(Act::Open(Function::Loss));
    assert_eq!(stand.place(), Place::Working);
    // The same where the page's time ended first.
    let mut stand = Stand::at(Place::Acting);
    let asked = stand.pass(60);
    assert!(matches!(asked, Some(Effect::Centre(7, Question { what: Asked::Overview(_), .. }))), "{asked:?}");
}

#[test]
fn an_act_that_never_left_the_kiosk_or_that_a_busy_centre_did_not_do_is_called_not_done() {
    let path = "/terminal/v1/holder/loss";
    let refused = |code| TerminalError::CentreRefused { path, code };
    let not_done = [
        TerminalError::CentreUnreachable { address: String::new(), sent: false },
        TerminalError::Line(LineFault::Expired),
        refused(ErrorCode::StoreUnavailable),
    ];
    for error in not_done {
        let mut stand = Stand::at(Place::Acting);
        assert!(stand.centre(Told::Loss(LossAct::Report, Err(error))).is_none(), "nothing to ask after");
        let Screen::Notice(words) = stand.machine.screen() else { panic!("said") };
        assert_eq!(*words, super::super::machine::NOT_DONE);
    }
    for error in [refused(ErrorCode::CentreDefect), TerminalError::CentreAnswer { path }] {
        let mut stand = Stand::at(Place::Acting);
        stand.centre(Told::Certificate(Err(error)));
        assert!(matches!(stand.machine.screen(), Screen::Notice(words) if *words == super::super::machine::NOT_KNOWN));
    }
    let mut stand = Stand::at(Place::Acting);
    stand.centre(Told::Certificate(Err(refused(ErrorCode::CertificateLimit))));
    assert!(matches!(stand.machine.screen(), Screen::Refused(_)), "the centre's own reason");
}

#[test]
fn only_an_error_of_before_the_letter_was_sent_is_called_a_refusal() {
    let unwritten = TerminalError::Store(StoreError::Busy { place: String::new() });
    for (error, known) in [
        (unwritten, Undone::Refused),
        (TerminalError::Bug("a message has a JSON form"), Undone::Refused),
        (TerminalError::Interrupted, Undone::NotKnown),
    ] {
        assert_eq!(Undone::of(&error), known, "{error}");
    }
}

#[test]
fn who_gets_no_certificate_reads_the_one_reason_and_what_to_do() {
    let none = |change: &dyn Fn(&mut OverviewAnswer), is_initial| {
        let mut stand = Stand::at(Place::Working);
        let balances = Balances { personal_account: 50_000, self_paid_total: 0, pooled_fund_total: 0, year: 0x2026 };
        stand.event(Event::Card(7, Said::Opened(Ok(Opened { balances, is_initial }))));
        stand.log();
        let mut page = page();
        page.may.retain(|may| *may != SelfService::Certificate);
        page.benefits = Some(Benefits { insurances: Vec::new() });
        change(&mut page);
        stand.centre(Told::Overview(Ok(page)));
        stand.touch(Act::Open(Function::Certificate));
        assert!(stand.touch(Act::Agree).is_none(), "nothing is asked for");
        html::screen(&stand.machine, "", "")
    };
    let pages = [
        (none(&|_| {}, false), "本月的份数已经用完"),
        (none(&|_| {}, true), "先修改密码"),
        (none(&|page| page.card.state = CardState::TemporaryLoss, false), "不在正常状态"),
        (
            none(
                &|page| {
                    page.card.state = CardState::TemporaryLoss;
                    page.may = vec![SelfService::Release];
                },
                false,
            ),
            "请先回首页，在“临时挂失”中解除",
        ),
        (none(&|page| page.benefits = None, false), "没有收到您的参保数据"),
    ];
    for (page, reason) in &pages {
        let said = pages.iter().filter(|(_, other)| page.contains(other)).count();
        assert!(page.contains(reason) && said == 1, "{reason}: {page}");
    }
}

#[test]
fn after_a_loss_is_taken_back_a_certificate_is_made_as_the_centre_now_says() {
    let mut stand = Stand::new();
    stand.home();
    stand.log();
    let mut lost = page();
    lost.card.state = CardState::TemporaryLoss;
    lost.may = vec![SelfService::Release];
    lost.benefits = Some(Benefits { insurances: Vec::new() });
    stand.centre(Told::Overview(Ok(lost)));
    stand.touch(Act::Open(Function::Loss));
    let Some(Effect::Centre(7, question)) = stand.touch(Act::Agree) else { panic!("it is asked for") };
    assert!(matches!(question.what, Asked::Loss(LossAct::Release)));
    let asked = stand.centre(Told::Loss(LossAct::Release, Ok(())));
    assert_eq!(stand.place(), Place::Notice);
    assert!(matches!(asked, Some(Effect::Centre(7, Question { what: Asked::Overview(_), .. }))), "{asked:?}");
    let mut normal = page();
    normal.may.push(SelfService::Certificate);
    normal.benefits = Some(Benefits { insurances: Vec::new() });
    stand.touch(Act::Back);
    stand.touch(Act::Open(Function::Certificate));
    assert_eq!(stand.place(), Place::Working, "the answer of before does not stand");
    stand.centre(Told::Overview(Ok(normal)));
    assert_eq!(stand.place(), Place::Certificate);
    let Some(Effect::Centre(7, question)) = stand.touch(Act::Agree) else { panic!("it is made") };
    assert!(matches!(question.what, Asked::Certificate));
}
