//! The national centre as this terminal speaks with it: one message at a time, its number durable before it leaves.
//!
//! Source: `settlement::national`.
//! Owns: the envelope of every message, what an answer that does not come means, finishing by 2601, masking of the centre's texts.
//! Never: prints, knows SQL, speaks HTTP itself (`http`), decides amounts (the centre's count).

mod day;
mod mask;
mod person;
mod sale;
pub mod settings;

use card_counter::clock::Now;
use card_counter::error::{NationalError, TerminalError};
use card_counter::store::{NationalStore, StoredSale};
use settlement::national::amounts::Contradiction;
use settlement::national::envelope::Head;
use settlement::national::message::{
    Body, Call, DOWNLOAD, FileReference, FileRequest, Reversal, ReversalRequest, SIGN_IN, SIGN_OUT, SignIn,
    SignInRequest, SignOut, SignOutRequest,
};
use settlement::national::state::{Event, State};
use settlement::national::{FieldFault, Infno, MsgId, Request, Response, Text};

use crate::http::Peer;
use settings::NationalSettings;

pub use day::{Compared, Group};
pub use person::{Credential, Insured, Known};
pub use sale::{Asked, Judged, Outcome};

/// How a message that was not answered as asked ended.
#[derive(Debug)]
enum Failure {
    /// No answer, or one that cannot be read: what the centre did is unknown.
    Lost(TerminalError),
    /// The centre refused: it did nothing.
    Refused(TerminalError),
}

impl From<Failure> for TerminalError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Lost(error) | Failure::Refused(error) => error,
        }
    }
}

/// What became of one unanswered message.
#[derive(Debug)]
pub struct Finished {
    /// Bill.
    pub bill: String,
    /// The message.
    pub infno: Infno,
    /// Where the settlement stands now, or why the centre did not undo the message.
    pub now: Result<State, TerminalError>,
}

/// The centre, the journal, the settings.
#[derive(Debug)]
pub struct National<'a> {
    settings: &'a NationalSettings,
    /// 经办人姓名.
    operator: &'a str,
    peer: Peer,
    /// The journal.
    pub store: NationalStore,
    now: Now,
}

impl<'a> National<'a> {
    /// Everything that a message needs. Nothing is sent yet.
    ///
    /// # Errors
    /// [`TerminalError::Address`].
    pub fn of(
        settings: &'a NationalSettings,
        operator: &'a str,
        store: NationalStore,
        now: Now,
    ) -> Result<Self, TerminalError> {
        Ok(Self {
            settings,
            operator,
            peer: Peer::at(&settings.address, settings.within, settings.authority.as_deref())?,
            store,
            now,
        })
    }

    /// Signs in.
    ///
    /// # Errors
    /// [`TerminalError::National`].
    pub fn sign_in(&mut self) -> Result<String, TerminalError> {
        let NationalSettings { clerk, mac, ip, .. } = self.settings;
        let sign_in = SignIn { opter_no: Text::new(clerk), mac: Text::new(mac), ip: Text::new(ip) };
        let answer = self.ask(SIGN_IN, &SignInRequest { sign_in }, None, &[])?;
        let sign_no = answer.signinoutb.sign_no.as_str().to_owned();
        self.store.set_session(Some(&sign_no))?;
        Ok(sign_no)
    }

    /// Signs out. A centre that refuses knows of no session any more, as when the answer to an earlier 9002 was lost: ours ends too,
    /// and its refusal is the answer.
    ///
    /// # Errors
    /// [`TerminalError::National`].
    pub fn sign_out(&mut self) -> Result<Option<TerminalError>, TerminalError> {
        let sign_no = self.session(Infno::SIGN_OUT)?;
        let sign_out = SignOut { sign_no: Text::new(sign_no), opter_no: Text::new(&*self.settings.clerk) };
        let refusal = match self.ask(SIGN_OUT, &SignOutRequest { sign_out }, None, &[]) {
            Ok(_) => None,
            Err(Failure::Refused(error @ TerminalError::National(NationalError::Refused { .. }))) => Some(error),
            Err(failure) => return Err(failure.into()),
        };
        self.store.set_session(None)?;
        Ok(refusal)
    }

    fn session(&self, infno: Infno) -> Result<String, TerminalError> {
        let session = self.store.session()?.ok_or(NationalError::NotSignedIn(infno))?;
        Ok(session.sign_no)
    }

    /// Undoes every message that was not answered, oldest first.
    ///
    /// # Errors
    /// [`NationalError::Unanswered`] when the centre does not answer: what is left is tried again next time. What the centre refuses
    /// to undo is no error here.
    pub fn finish(&mut self) -> Result<Vec<Finished>, TerminalError> {
        let mut finished = Vec::new();
        let open: Vec<StoredSale> =
            self.store.sales()?.into_iter().filter(|sale| sale.state.undoes().is_some()).collect();
        if !open.is_empty() {
            self.session(Infno::REVERSE)?;
        }
        for sale in open {
            let Some((infno, msgid)) = sale.unanswered().map(|(infno, msgid)| (infno, msgid.to_owned())) else {
                continue;
            };
            let bill = sale.bill_id.clone();
            let now = match self.undo(&sale, infno, &msgid) {
                Ok(state) => Ok(state),
                Err(Failure::Refused(error @ TerminalError::National(NationalError::Refused { .. }))) => Err(error),
                Err(Failure::Lost(TerminalError::National(_))) => {
                    return Err(NationalError::Unanswered { infno, bill, msgid }.into());
                }
                Err(failure) => return Err(failure.into()),
            };
            finished.push(Finished { bill, infno, now });
        }
        Ok(finished)
    }

    fn undo(&mut self, sale: &StoredSale, infno: Infno, msgid: &str) -> Result<State, Failure> {
        let data = Reversal {
            psn_no: Text::new(&*sale.psn_no),
            omsgid: Text::new(msgid),
            oinfno: Text::new(infno.to_string()),
        };
        let call = settlement::national::message::REVERSE;
        self.ask(call, &ReversalRequest { data }, sale.region.as_deref(), &[&sale.psn_no])?;
        let moved = self.store.move_sale(sale, Event::Reversed, None);
        moved.map_err(|error| Failure::Lost(error.into()))
    }

    /// One message under a new number. `about`: values of a person that its answer may repeat.
    fn ask<I: Body, O: Body>(
        &mut self,
        call: Call<I, O>,
        input: &I,
        region: Option<&str>,
        about: &[&str],
    ) -> Result<O, Failure> {
        let numbering = self.settings.numbering.clone();
        let msgid = self.store.next_message(&numbering, call.infno, self.now);
        let msgid = msgid.map_err(|error| Failure::Refused(error.into()))?;
        self.ask_as(call, &msgid, input, region, about)
    }

    /// One message under a number that was stored before.
    fn ask_as<I: Body, O: Body>(
        &mut self,
        call: Call<I, O>,
        msgid: &MsgId,
        input: &I,
        region: Option<&str>,
        about: &[&str],
    ) -> Result<O, Failure> {
        let infno = call.infno;
        let text = self.letter(infno, msgid, input, region).map_err(Failure::Refused)?;
        let bytes = self.post(infno, msgid, &text)?;
        let response = self.response(infno, msgid, &bytes, about)?;
        let body = response.body();
        body.map_err(|fault| Failure::Lost(NationalError::Answer { infno, fault }.into()))
    }

    /// A file that waits at the centre.
    fn fetch(&mut self, file_qury_no: &str, filename: &str) -> Result<Vec<u8>, Failure> {
        let infno = DOWNLOAD.infno;
        let numbering = self.settings.numbering.clone();
        let msgid = self.store.next_message(&numbering, infno, self.now);
        let msgid = msgid.map_err(|error| Failure::Refused(error.into()))?;
        let file = FileReference {
            file_qury_no: Text::new(file_qury_no),
            filename: Text::new(filename),
            fixmedins_code: Text::new(numbering.institution.as_str()),
        };
        let text = self.letter(infno, &msgid, &FileRequest { file }, None).map_err(Failure::Refused)?;
        let bytes = self.post(infno, &msgid, &text)?;
        // An envelope instead of the file is a refusal.
        if bytes.trim_ascii_start().starts_with(b"{") {
            self.response(infno, &msgid, &bytes, &[])?;
        }
        let unpacked = settlement::national::archive::unpack(&bytes);
        unpacked.map_err(|fault| Failure::Lost(NationalError::File { infno, what: fault.to_string() }.into()))
    }

    fn letter(
        &self,
        infno: Infno,
        msgid: &MsgId,
        input: &impl Body,
        region: Option<&str>,
    ) -> Result<String, TerminalError> {
        let settings = self.settings;
        let sign_no = if infno == Infno::SIGN_IN { None } else { Some(Text::new(self.session(infno)?)) };
        let head = Head {
            infno: Text::new(infno.to_string()),
            msgid: Text::new(msgid.as_str()),
            mdtrtarea_admvs: Text::new(&*settings.region),
            insuplc_admdvs: region.map(Text::new),
            recer_sys_code: Text::new(&*settings.receiver),
            dev_no: settings.device.as_deref().map(Text::new),
            dev_safe_info: None,
            cainfo: None,
            signtype: None,
            infver: Text::new(&*settings.version),
            opter_type: Text::new(&*settings.operator_type),
            opter: Text::new(&*settings.clerk),
            opter_name: Text::new(self.operator),
            inf_time: msgid.at().unwrap_or_else(|| self.now.date_time()),
            fixmedins_code: Text::new(settings.numbering.institution.as_str()),
            fixmedins_name: Text::new(&*settings.institution_name),
            sign_no,
        };
        let fail = |fault: FieldFault| TerminalError::from(NationalError::Field { infno, fault });
        Request::write(infno, &head, input, settings.unit).map_err(fail)
    }

    fn post(&mut self, infno: Infno, msgid: &MsgId, text: &str) -> Result<Vec<u8>, Failure> {
        let answer = self.peer.post(text);
        let address = self.peer.address().to_owned();
        match answer {
            Some(bytes) => Ok(bytes),
            None => {
                self.store.answered(msgid, "LOST").map_err(|error| Failure::Lost(error.into()))?;
                Err(Failure::Lost(NationalError::Unreachable { infno, address }.into()))
            }
        }
    }

    fn response(&mut self, infno: Infno, msgid: &MsgId, bytes: &[u8], about: &[&str]) -> Result<Response, Failure> {
        let lost = |error: TerminalError| Failure::Lost(error);
        let read = Response::read(bytes).map_err(|fault| lost(NationalError::Answer { infno, fault }.into()));
        let word = match &read {
            Ok(response) if response.is_done() => "OK",
            Ok(_) => "REFUSED",
            Err(_) => "LOST",
        };
        self.store.answered(msgid, word).map_err(|error| lost(error.into()))?;
        let response = read?;
        if let Some(theirs) = &response.outcome.inf_refmsgid {
            let is_new = self.store.answer_is_new(msgid, theirs.as_str()).map_err(|error| lost(error.into()))?;
            // A centre that numbers its answers carelessly is believed where nothing moves.
            if !is_new && infno.is_reversible() {
                let identity = Contradiction::Repeated;
                return Err(lost(NationalError::Amounts { infno, identity, undone: false }.into()));
            }
        }
        if response.is_done() {
            return Ok(response);
        }
        let said = response.outcome.err_msg.as_ref().map_or("", |text| text.as_str());
        let code = mask::plain(response.outcome.infcode.as_str(), &[]);
        Err(Failure::Refused(
            NationalError::Refused { infno, code, text: mask::plain(said, about), undone: false }.into(),
        ))
    }
}
