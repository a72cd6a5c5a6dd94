//! Receipts handed out: on standard output, and in a file or to a printer where one is named.
//!
//! Owns: that everything a receipt needs is there before the card pays; that a receipt which fails afterwards is told as that.
//! Never: overwrites a file.

use std::path::PathBuf;

use card_core::security::psam::Psam;
use card_profiles::read::HOLDER;
use settlement::receipt::{Check, Copy, MaskedName, Paper, ReceiptCode, Sold};
use settlement::signing::TerminalKey;

use super::Setting;
use crate::arguments::ReceiptArguments;
use crate::paper::{Form, Press};
use crate::receipt::{self, Beside, Printout};
use card_counter::error::TerminalError;
use card_counter::journal::{Entry, Purchased, Subject};
use card_counter::language::Words;
use card_counter::read::{self, Keys};
use card_counter::store::Store;
use card_counter::tap::Tapped;
use card_counter::terminal;

/// Where receipts of a command go.
#[derive(Debug)]
pub(super) struct Handout {
    paper: Paper,
    key: Option<TerminalKey>,
    check: Option<String>,
    printer: Option<(Press, PathBuf)>,
}

impl Handout {
    /// The paper that is printed on.
    pub(super) const fn paper(&self) -> Paper {
        self.paper
    }

    /// The code of a sale, where the terminal has a key.
    pub(super) fn code(&self, sold: Sold) -> Option<ReceiptCode> {
        Some(ReceiptCode::sign(sold, self.key.as_ref()?))
    }

    /// A code with the address that checks it.
    pub(super) fn check<'a>(&'a self, code: &'a ReceiptCode) -> Check<'a> {
        Check { code, address: self.check.as_deref() }
    }
}

impl Setting<'_> {
    /// Makes ready what the receipts of a command need.
    ///
    /// # Errors
    /// A form that is not known, a font that is missing, a file that is there.
    pub(super) fn handout(&self, arguments: &ReceiptArguments) -> Result<Handout, TerminalError> {
        let paper = arguments.paper.unwrap_or(self.configuration.paper);
        // Without a key nothing was ever sold here that could be signed.
        let key = match terminal::key(&self.configuration.data) {
            Ok(key) => Some(key),
            Err(TerminalError::NotEnrolled) => None,
            Err(error) => return Err(error),
        };
        let printer = match &arguments.receipt {
            None => None,
            Some(path) => {
                let form = arguments.receipt_form.or_else(|| Form::of_file(path));
                let form = form.ok_or_else(|| TerminalError::Configuration {
                    place: "--receipt".to_owned(),
                    reason: Words::new(
                        "文件后缀不是 .txt、.escpos、.png、.pdf；请用 --receipt-form 指明",
                        "the file's ending is none of .txt, .escpos, .png, .pdf; name the form with --receipt-form",
                    ),
                })?;
                if path.is_file() {
                    let source = std::io::ErrorKind::AlreadyExists.into();
                    return Err(TerminalError::File { path: path.display().to_string(), source });
                }
                let (font, check) = (self.configuration.font.as_deref(), self.configuration.receipt_check.as_deref());
                Some((Press::new(paper, form, font, check)?, path.clone()))
            }
        };
        let check = self.configuration.receipt_check.clone();
        Ok(Handout { paper, key, check, printer })
    }

    /// Hands out the receipt of a purchase, or the slip of a refund, with the holder on it; `false` when the entry is none that the card
    /// did.
    ///
    /// # Errors
    /// [`TerminalError::Output`], [`TerminalError::ReceiptUnwritten`]; [`TerminalError::Store`]: nothing went out.
    pub(super) fn hand_out(
        &self,
        (entry, copy): (&Entry, Copy),
        store: &Store,
        handout: &Handout,
        holder: Option<&MaskedName>,
    ) -> Result<bool, TerminalError> {
        let beside = Beside { holder, ..Beside::default() };
        let Some(printout) = self.printout((entry, copy), store, handout, beside)? else { return Ok(false) };
        self.hand(&printout, handout, &entry.number.to_string())?;
        Ok(true)
    }

    /// Hands out a paper that is made.
    ///
    /// # Errors
    /// As [`Self::hand_out`].
    pub(super) fn hand(&self, printout: &Printout, handout: &Handout, id: &str) -> Result<(), TerminalError> {
        self.output.paper(&printout.text)?;
        if let Some((press, path)) = &handout.printer {
            let bytes = press.print(&printout.rows, &printout.text);
            self.output.receipt(&bytes, path).map_err(|source| TerminalError::ReceiptUnwritten {
                id: id.to_owned(),
                path: path.display().to_string(),
                source,
            })?;
        }
        Ok(())
    }

    /// Hands out the paper of what a tap settled: the original once, whatever was killed over it, and a reprint from then on.
    ///
    /// # Errors
    /// As [`Self::hand_out`]; [`TerminalError::Store`]: nothing went out.
    pub(super) fn hand_out_settled(
        &self,
        entry: &Entry,
        store: &mut Store,
        handout: &Handout,
        holder: Option<&MaskedName>,
    ) -> Result<bool, TerminalError> {
        if self.printout((entry, Copy::Original), store, handout, Beside::default())?.is_none() {
            return Ok(false);
        }
        let copy = store.next_copy(entry.number)?;
        self.hand_out((entry, copy), store, handout, holder)
    }

    /// The receipt of a purchase, or the slip of a refund, that the card did; `beside` without what the terminal itself knows.
    ///
    /// # Errors
    /// [`TerminalError::Store`].
    pub(super) fn printout(
        &self,
        (entry, copy): (&Entry, Copy),
        store: &Store,
        handout: &Handout,
        beside: Beside<'_>,
    ) -> Result<Option<Printout>, TerminalError> {
        let purchase = match &entry.draft.subject {
            Subject::Refund { refund, .. } => match store.refund(*refund)?.map(|order| order.original) {
                Some(Purchased::Here(number)) => store.find_entry(number)?,
                Some(Purchased::Elsewhere { .. }) | None => None,
            },
            Subject::Purchase { .. } | Subject::Load { .. } => None,
        };
        let (key, check) = (handout.key.as_ref(), handout.check.as_deref());
        let beside = Beside { key, check, purchase: purchase.as_ref(), ..beside };
        Ok(receipt::printout(entry, copy, handout.paper, self.output.language, beside))
    }

    /// The holder of the card in the reader as a receipt may show it, where one is printed and the card tells the name to this PSAM:
    /// read after the money has moved, kept nowhere, and missed by no receipt that cannot have it.
    pub(super) fn holder(
        &self,
        tapped: &mut Tapped<'_>,
        psam: Option<&mut Psam>,
        handout: &Handout,
    ) -> Option<MaskedName> {
        if self.output.form != crate::arguments::Form::Text && handout.printer.is_none() {
            return None;
        }
        read::files(tapped, &HOLDER, Keys { psam, consent: false });
        tapped.reading().values.text("SSSE.EF06.name").filter(|name| !name.is_empty()).map(MaskedName::of)
    }
}
