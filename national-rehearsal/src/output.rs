//! The only file that prints. Owns: one line a message, errors in both languages. Never: a person's data.

use std::io::Write as _;

use settlement::Language;
use settlement::national::json::Json;

use crate::arguments::Form;
use crate::server::Told;

/// Where and how things are told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    pub(crate) form: Form,
    pub(crate) language: Language,
}

impl Output {
    /// Where it listens.
    pub(crate) fn listening(self, address: &str) {
        let text = match (self.form, self.language) {
            (Form::Json, _) => Json::of("address", Json::text(address)).to_string(),
            (Form::Text, Language::Zh) => format!("演练用的国家医保中心:{address}(内有虚构人员;Ctrl-C 结束)"),
            (Form::Text, Language::En) => {
                format!("national centre for rehearsal: {address} (invented people; Ctrl-C ends it)")
            }
        };
        line(&text);
    }

    /// One message.
    pub(crate) fn told(self, told: &Told) {
        let Told { at, infno, msgid, refused, fault } = told;
        let outcome = refused.unwrap_or("OK");
        let fault = fault.map_or("", crate::Fault::word);
        let text = match self.form {
            Form::Json => Json::Object(vec![
                ("at".to_owned(), Json::text(&**at)),
                ("infno".to_owned(), Json::text(format!("{infno:04}"))),
                ("msgid".to_owned(), Json::text(&**msgid)),
                ("outcome".to_owned(), Json::text(outcome)),
                ("fault".to_owned(), Json::text(fault)),
            ])
            .to_string(),
            Form::Text => format!("{at}  {infno:04}  {msgid:30}  {outcome:20}  {fault}").trim_end().to_owned(),
        };
        line(&text);
    }

    /// What went wrong and what to do.
    pub(crate) fn error(self, code: &str, (zh, en): (&str, &str), place: &str, (next_zh, next_en): (&str, &str)) {
        let text = match (self.form, self.language) {
            (Form::Json, language) => {
                let (what, next) = if language == Language::Zh { (zh, next_zh) } else { (en, next_en) };
                let member = |name: &str, text: &str| (name.to_owned(), Json::text(text));
                Json::Object(vec![
                    member("code", code),
                    member("what", what),
                    member("where", place),
                    member("next", next),
                ])
                .to_string()
            }
            (Form::Text, Language::Zh) => format!("错误 {code}:{zh}\n  位置:{place}\n  处理:{next_zh}"),
            (Form::Text, Language::En) => format!("error {code}: {en}\n  where: {place}\n  next: {next_en}"),
        };
        let _ = std::io::stderr().write_all(format!("{text}\n").as_bytes());
    }
}

/// A reader that has gone is no reason to stop answering.
fn line(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(format!("{text}\n").as_bytes()).and_then(|()| out.flush());
}
