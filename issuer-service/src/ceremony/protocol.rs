//! The protocol (仪式记录) of a ceremony, for the screen and for paper: who did what, check values, room for signatures.
//!
//! Owns: its words in both languages, its HTML. Never: holds a secret; a check value is all that is shown of one.

use serde::Serialize;

use super::state::CeremonyState;
use super::{Ceremonies, Ceremony, SUPPLEMENT};
use crate::lang::Lang;
use crate::output::Show;
use crate::state::word;
use crate::vault::CheckValue;

/// Everything that is on record of a ceremony.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Protocol {
    /// The ceremony.
    #[serde(flatten)]
    pub ceremony: Ceremony,
    /// Check values of its key set.
    pub keys: Vec<CheckValue>,
    /// Receipts: body and signature of the centre.
    pub receipts: Vec<(String, String)>,
    /// Public key of the centre, hex.
    pub public_key: String,
}

fn title(ceremony: &Ceremony, lang: Lang) -> String {
    let rehearsal = if ceremony.kind == "rehearsal" {
        lang.pick("【演练——不得用于真卡】", "[REHEARSAL - never for real cards] ")
    } else {
        ""
    };
    let purpose = match ceremony.purpose.as_str() {
        "restore" => lang.pick("恢复密钥", "keys restored"),
        SUPPLEMENT => lang.pick("补充密钥", "missing keys added"),
        _ => lang.pick("生成密钥", "keys made"),
    };
    let (number, key_set) = (ceremony.number, ceremony.key_set);
    lang.pick(
        format!("{rehearsal}密钥仪式第 {number} 号：{purpose}，第 {key_set} 版"),
        format!("{rehearsal}key ceremony {number}: {purpose}, version {key_set}"),
    )
}

/// Label and value, in order.
fn facts(ceremony: &Ceremony, lang: Lang) -> Vec<(&'static str, String)> {
    let none = || "-".to_owned();
    vec![
        (lang.pick("状态", "state"), word(&CeremonyState::TABLE, &ceremony.state, lang)),
        (lang.pick("门限", "threshold"), format!("{} / {}", ceremony.threshold, ceremony.custodians.len())),
        (lang.pick("发起", "started by"), format!("{} {}", ceremony.started_by, ceremony.started_at)),
        (lang.pick("结束", "ended"), ceremony.ended_at.clone().unwrap_or_else(none)),
        (lang.pick("秘密校验值", "check value of the secret"), ceremony.check_value.clone().unwrap_or_else(none)),
    ]
}

impl Show for Ceremony {
    fn text(&self, lang: Lang) -> String {
        let mut lines = vec![title(self, lang)];
        lines.extend(facts(self, lang).into_iter().map(|(label, value)| format!("{label}: {value}")));
        for custodian in &self.custodians {
            let at = custodian.contributed_at.as_deref().unwrap_or("-");
            let value = custodian.check_value.as_deref().unwrap_or("-");
            lines.push(format!("{:>3}  {:<16} {value:<6}  {at}", custodian.place, custodian.name));
        }
        lines.join("\n")
    }
}

impl Show for Ceremonies {
    fn text(&self, lang: Lang) -> String {
        let line = |ceremony: &Ceremony| {
            let state = word(&CeremonyState::TABLE, &ceremony.state, lang);
            format!("{}  {state}  {}", title(ceremony, lang), ceremony.started_at)
        };
        self.ceremonies.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

impl Show for Protocol {
    fn text(&self, lang: Lang) -> String {
        let mut text = self.ceremony.text(lang);
        text.push_str(&format!("\n\n{}", lang.pick("密钥校验值", "check values of keys")));
        for key in &self.keys {
            let level = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
            text.push_str(&format!(
                "\n{:<10} {:>3}  {:<6}  {:<6}  {}",
                key.name,
                key.version,
                level(&key.national),
                level(&key.province),
                level(&key.city)
            ));
        }
        text.push_str(&format!("\n\n{} ({} {})", lang.pick("回执", "receipts"), "Ed25519", self.public_key));
        for (body, signature) in &self.receipts {
            text.push_str(&format!("\n{body}\n  {signature}"));
        }
        text
    }
}

impl Protocol {
    /// A page to print and sign.
    #[must_use]
    pub fn html(&self, lang: Lang) -> String {
        let title = escape(&title(&self.ceremony, lang));
        let mut page = format!(
            "<!doctype html>\n<html lang=\"{}\">\n<meta charset=\"utf-8\">\n<title>{title}</title>\n<style>{STYLE}</style>\n\
             <h1>{title}</h1>\n<table>\n",
            lang.pick("zh-CN", "en")
        );
        for (label, value) in facts(&self.ceremony, lang) {
            page.push_str(&row("th", &[label], &[&value]));
        }
        page.push_str(&format!("</table>\n<h2>{}</h2>\n<table>\n", lang.pick("保管人", "custodians")));
        let heads = lang
            .pick(["席位", "姓名", "校验值", "时间", "签字"], ["place", "name", "check value", "time", "signature"]);
        page.push_str(&row("th", &heads, &[]));
        for of in &self.ceremony.custodians {
            let (value, at) = (of.check_value.as_deref().unwrap_or("-"), of.contributed_at.as_deref().unwrap_or("-"));
            page.push_str(&row("td", &[&of.place.to_string(), &of.name, value, at], &[""]));
        }
        page.push_str(&format!("</table>\n<h2>{}</h2>\n<table>\n", lang.pick("密钥校验值", "check values of keys")));
        let heads = lang.pick(["密钥", "版本", "国家", "省", "市"], ["key", "version", "nation", "province", "city"]);
        page.push_str(&row("th", &heads, &[]));
        for key in &self.keys {
            let [national, province, city] =
                [&key.national, &key.province, &key.city].map(|value| value.as_deref().unwrap_or("-"));
            page.push_str(&row("td", &[&key.name, &key.version.to_string(), national, province, city], &[]));
        }
        page.push_str(&format!("</table>\n<h2>{}</h2>\n", lang.pick("回执", "receipts")));
        page.push_str(&format!("<p>Ed25519 {}</p>\n", escape(&self.public_key)));
        for (body, signature) in &self.receipts {
            page.push_str(&format!("<pre>{}\n{}</pre>\n", escape(body), escape(signature)));
        }
        page.push_str("</html>\n");
        page
    }
}

const STYLE: &str = "body{font:10pt sans-serif;margin:2cm}table{border-collapse:collapse;margin:.5em 0}\
    td,th{border:1px solid #888;padding:.2em .6em;text-align:left}pre{white-space:pre-wrap;word-break:break-all;font-size:7pt}";

fn row(tag: &str, first: &[&str], more: &[&str]) -> String {
    let cell = |tag: &str, text: &str| format!("<{tag}>{}</{tag}>", escape(text));
    let first: String = first.iter().map(|text| cell(tag, text)).collect();
    let more: String = more.iter().map(|text| cell("td", text)).collect();
    format!("<tr>{first}{more}</tr>\n")
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
