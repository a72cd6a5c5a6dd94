//! What becomes of what card and centre answer: it is kept, and shown where somebody waits for it.
//!
//! Owns: those two functions of the machine. Never: asks anew but for what an answer makes out of date.

use card_core::tries::TriesLeft;
use card_counter::error::{Code, TerminalError};
use card_counter::language::Words;
use settlement::query::LossAct;

use super::super::screen::{Digits, Screen, Wait};
use super::super::visit::{AtCentre, Certified, Made, Print, Said, Told, Undone};
use super::{Effect, Machine, NOT_DONE, wrong_pin};

impl Machine {
    /// What the card said; it is shown where it is waited for.
    pub(super) fn card_said(&mut self, said: Said) -> Option<Effect> {
        let visit = self.visit.as_mut()?;
        let waits = match &self.screen {
            Screen::Working(_, wait) => Some(*wait),
            _ => None,
        };
        let (wait, screen) = match said {
            // The watch says that the card is out.
            Said::Opened(Err(error)) | Said::Foreign(error) if error.code() == Code::CardRemoved => return None,
            Said::Foreign(error) => {
                self.go(Screen::Fault(error));
                return None;
            }
            Said::Here(facts) => {
                visit.facts = Some(facts);
                self.go(Screen::Pin { digits: Digits::default(), wrong: None });
                return None;
            }
            Said::Opened(Ok(opened)) => {
                visit.opened = Some(opened);
                if waits == Some(Wait::Open) {
                    self.go(Screen::Home);
                }
                return self.overview();
            }
            Said::Opened(Err(TerminalError::PinWrong { left })) => {
                if let Some(facts) = &mut visit.facts {
                    facts.tries = TriesLeft::Known(left);
                }
                (Wait::Open, Screen::Pin { digits: Digits::default(), wrong: Some(wrong_pin(left)) })
            }
            Said::Opened(Err(error)) => (Wait::Open, Screen::Fault(error)),
            Said::Log(Ok(log)) => {
                visit.log = Some(log);
                let is_unasked = matches!(visit.centre, AtCentre::Unasked);
                if waits == Some(Wait::Log) {
                    self.go(Screen::Transactions { part: 0, at_centre: false });
                }
                return if is_unasked { self.overview() } else { None };
            }
            Said::Log(Err(error)) => {
                // Without the log nothing is explained, but all else is told.
                if matches!(visit.centre, AtCentre::Unasked) {
                    visit.centre = AtCentre::Away((&error).into());
                    self.changed = true;
                }
                match waits {
                    Some(Wait::Overview(function)) => (Wait::Overview(function), Screen::Away(function)),
                    _ => (Wait::Log, Screen::Refused(error)),
                }
            }
            Said::Holder(Ok(items)) => {
                visit.holder = Some(items);
                (Wait::Holder, Screen::Holder { shown: false })
            }
            Said::Holder(Err(error)) => (Wait::Holder, Screen::Refused(error)),
            Said::PinChanged(Ok(())) => {
                if let Some(opened) = &mut visit.opened {
                    opened.is_initial = false;
                }
                // What the holder may do depends on it.
                visit.centre = AtCentre::Unasked;
                let words =
                    Words::new("密码已修改，下次请用新密码。", "The PIN is changed. Use the new one from now on.");
                if waits == Some(Wait::NewPin) {
                    self.go(Screen::Notice(words));
                }
                return self.overview();
            }
            Said::PinChanged(Err(error @ TerminalError::PinBlocked)) => (Wait::NewPin, Screen::Fault(error)),
            Said::PinChanged(Err(error)) => (Wait::NewPin, Screen::Refused(error)),
        };
        if waits == Some(wait) {
            self.go(screen);
        }
        None
    }

    /// What the centre told; it is shown where it is waited for.
    pub(super) fn centre_told(&mut self, told: Told) -> Option<Effect> {
        let visit = self.visit.as_mut()?;
        let number = visit.number;
        let waits = match &self.screen {
            Screen::Working(_, wait) => Some(*wait),
            _ => None,
        };
        let done = match told {
            Told::Overview(answer) => {
                let is_there = answer.is_ok();
                visit.centre = match answer {
                    Ok(page) => AtCentre::There(page),
                    Err(error) => AtCentre::Away((&error).into()),
                };
                match waits {
                    Some(Wait::Overview(function)) if is_there => self.show_told(function),
                    Some(Wait::Overview(function)) => self.go(Screen::Away(function)),
                    // The first page shows it beside what the card says.
                    _ => self.changed = true,
                }
                return None;
            }
            Told::Loss(act, Ok(())) => {
                // What the holder may do now, a certificate too, depends on it.
                visit.centre = AtCentre::Unasked;
                if waits == Some(Wait::Act) {
                    self.go(Screen::Notice(moved(act)));
                }
                return self.overview();
            }
            Told::Ticket(Ok(number)) => Screen::Notice(Words::of(
                format!("已登记，编号 {number}。凭编号可在窗口或 12333 查询。"),
                format!("Noted under number {number}. Ask for it at a counter or by 12333."),
            )),
            Told::Certificate(Ok(made)) if waits == Some(Wait::Act) => {
                let Made { answer, address, is_printed } = *made;
                let print = if is_printed { Print::Waits } else { Print::Nowhere };
                let (certificate, left) = (answer.number, answer.left_this_month);
                let code = answer.code.to_string();
                self.go(Screen::Certified(Box::new(Certified { number: certificate, code, address, left, print })));
                return is_printed.then(|| Effect::Print(number, Box::new(answer)));
            }
            // Nobody waits for it: it is printed at a counter.
            Told::Certificate(Ok(_)) => return None,
            Told::Loss(_, Err(error)) | Told::Certificate(Err(error)) | Told::Ticket(Err(error)) => {
                match Undone::of(&error) {
                    Undone::ForNow => Screen::Notice(NOT_DONE),
                    Undone::Refused => Screen::Refused(error),
                    Undone::NotKnown if waits == Some(Wait::Act) => return self.not_known(),
                    Undone::NotKnown => return None,
                }
            }
        };
        if waits == Some(Wait::Act) {
            self.go(done);
        }
        None
    }
}

/// What is said of a loss that was noted, or taken back.
const fn moved(act: LossAct) -> Words {
    match act {
        LossAct::Report => Words::new(
            "已临时挂失。中心和联网的终端拒收此卡；没有联网的终端收到新名单后拒收。",
            "The card is reported lost for now. The centre and connected tills refuse it; a till without a line will with \
             its next list.",
        ),
        LossAct::Release => Words::new(
            "已解除挂失，卡可以使用；没有联网的终端收到新名单后恢复受理。",
            "The report is taken back. The card works again, at a till without a line with its next list.",
        ),
    }
}
