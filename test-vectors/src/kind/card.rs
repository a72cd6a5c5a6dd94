//! Kinds of the conversation with a card: commands, answers, ATR, FCI, records.
//!
//! Owns: the words by which a case names a command. Never: builds bytes; `card_core::command` and the profile do.

use card_core::apdu::{Command, Protocol};
use card_core::atr::Atr;
use card_core::command::{self, Record};
use card_core::fci::Fci;
use card_core::security::{CityCode, Factors};
use card_core::session::Session;
use card_core::tlv;
use card_core::transport::replay::Replay;
use card_profiles::account::{Amounts, BalanceKind};

use super::{Computed, KindError, bytes, exactly};
use crate::case::Case;

/// `data` is a function of `card_core::command` and its arguments in hex; records are `tag:07`, `number:01`, `all-from:01`.
pub(super) fn apdu(case: &Case) -> Result<Computed, KindError> {
    let words: Vec<&str> = case.data.split_whitespace().collect();
    Computed::bytes(case, &build(&words)?.encode(Protocol::T0))
}

fn build(words: &[&str]) -> Result<Command, KindError> {
    let wrong = |command, usage| Err(KindError::Arguments { command, usage });
    Ok(match words {
        ["select_by_name", name] => command::select_by_name(&field(name)?),
        ["select_by_name", ..] => return wrong("select_by_name", "name"),
        ["select_by_fid", fid] => command::select_by_fid(u16::from_be_bytes(fixed(fid)?)),
        ["select_by_fid", ..] => return wrong("select_by_fid", "FID"),
        ["read_record", sfi, which, le] => command::read_record(byte(sfi)?, record(which)?, u16::from(byte(le)?)),
        ["read_record", ..] => return wrong("read_record", "SFI record Le"),
        ["update_record", sfi, which, data] => command::update_record(byte(sfi)?, record(which)?, &field(data)?),
        ["update_record", ..] => return wrong("update_record", "SFI record bytes"),
        ["read_binary", offset, le] => command::read_binary(u16::from_be_bytes(fixed(offset)?), u16::from(byte(le)?)),
        ["read_binary", ..] => return wrong("read_binary", "offset Le"),
        ["read_binary_sfi", sfi, offset, le] => {
            command::read_binary_sfi(byte(sfi)?, byte(offset)?, u16::from(byte(le)?))
        }
        ["read_binary_sfi", ..] => return wrong("read_binary_sfi", "SFI offset Le"),
        ["update_binary", offset, data] => command::update_binary(u16::from_be_bytes(fixed(offset)?), &field(data)?),
        ["update_binary", ..] => return wrong("update_binary", "offset bytes"),
        ["update_binary_sfi", sfi, offset, data] => {
            command::update_binary_sfi(byte(sfi)?, byte(offset)?, &field(data)?)
        }
        ["update_binary_sfi", ..] => return wrong("update_binary_sfi", "SFI offset bytes"),
        ["get_challenge", le] => command::get_challenge(u16::from(byte(le)?)),
        ["get_challenge", ..] => return wrong("get_challenge", "Le"),
        ["get_response", le] => command::get_response(u16::from(byte(le)?)),
        ["get_response", ..] => return wrong("get_response", "Le"),
        ["internal_authenticate", factor, data] => command::internal_authenticate(fixed(factor)?, fixed(data)?),
        ["internal_authenticate", ..] => return wrong("internal_authenticate", "factor data"),
        ["external_authenticate", key, auth, plain] => {
            command::external_authenticate(byte(key)?, fixed(auth)?, fixed(plain)?)
        }
        ["external_authenticate", ..] => return wrong("external_authenticate", "key auth plain"),
        ["external_authenticate_whole", key, auth] => command::external_authenticate_whole(byte(key)?, fixed(auth)?),
        ["external_authenticate_whole", ..] => return wrong("external_authenticate_whole", "key auth"),
        ["internal_authenticate_whole", p1, key, data] => {
            let (p1, none) = (byte(p1)?, KindError::Field { field: "data", expected: "P1 00, 01 or 02" });
            let what = command::Internal::ALL.into_iter().find(|what| what.p1() == p1).ok_or(none)?;
            command::internal_authenticate_whole(what, byte(key)?, &field(data)?)
        }
        ["internal_authenticate_whole", ..] => return wrong("internal_authenticate_whole", "P1 key data"),
        ["with_key_version", version, rest @ ..] if rest.len() <= 4 => {
            let command = build(rest)?;
            let room = command.data().len() < card_core::limits::COMMAND_DATA_MAX;
            let full = KindError::Length { field: "data", got: command.data().len(), expected: "at most 254" };
            command::with_key_version(room.then_some(command).ok_or(full)?, byte(version)?)
        }
        ["with_key_version", ..] => return wrong("with_key_version", "version command"),
        ["verify", pin] => command::verify(&field(pin)?),
        ["verify", ..] => return wrong("verify", "PIN"),
        ["ask_pin_tries"] => command::ask_pin_tries(),
        ["ask_pin_tries", ..] => return wrong("ask_pin_tries", "nothing"),
        ["change_pin", old, new] => command::change_pin(&half(old)?, &half(new)?),
        ["change_pin", ..] => return wrong("change_pin", "old new"),
        ["unblock_pin", mac] => command::unblock_pin(fixed(mac)?),
        ["unblock_pin", ..] => return wrong("unblock_pin", "MAC"),
        ["reload_pin", block, mac] => command::reload_pin(&field(block)?, fixed(mac)?),
        ["reload_pin", ..] => return wrong("reload_pin", "block MAC"),
        ["psam_derive", usage, id, rest] => command::psam_derive(byte(usage)?, byte(id)?, &field(rest)?),
        ["psam_derive", ..] => return wrong("psam_derive", "usage id factors-and-random"),
        ["psam_encipher", data] => command::psam_encipher(&field(data)?),
        ["psam_encipher", ..] => return wrong("psam_encipher", "data"),
        ["psam_mac", iv, padded] => command::psam_mac(&half(iv)?, &half(padded)?),
        ["psam_mac", ..] => return wrong("psam_mac", "IV padded"),
        ["psam_init_purchase", fields, factors @ ..] => {
            let factors: Vec<[u8; 8]> = factors.iter().map(|factor| fixed(factor)).collect::<Result<_, _>>()?;
            command::psam_init_purchase(
                &short(&field(fields)?, 28)?,
                factors.get(..factors.len().min(3)).unwrap_or(&[]),
            )
        }
        ["psam_init_purchase", ..] => return wrong("psam_init_purchase", "28 bytes, factors"),
        ["psam_authentication_code"] => command::psam_authentication_code(),
        ["psam_authentication_code", ..] => return wrong("psam_authentication_code", "nothing"),
        ["psam_credit_purchase", mac2] => command::psam_credit_purchase(fixed(mac2)?),
        ["psam_credit_purchase", ..] => return wrong("psam_credit_purchase", "MAC2"),
        [] => return Err(KindError::Field { field: "data", expected: "command" }),
        [other, ..] => return Err(KindError::UnknownCommand((*other).to_owned())),
    })
}

/// `data` is a command of the profile's account and its arguments in hex; `key` names a built-in profile.
pub(super) fn account(case: &Case) -> Result<Computed, KindError> {
    let no_account = KindError::Field { field: "key", expected: "built-in profile with an account" };
    let rules = card_profiles::builtin(&case.key).and_then(|profile| profile.account).ok_or(no_account)?;
    let words: Vec<&str> = case.data.split_whitespace().collect();
    let wrong = |command, usage| Err(KindError::Arguments { command, usage });
    let command = match words.as_slice() {
        ["get_balance", "01"] => rules.get_balance(BalanceKind::PersonalAccount),
        ["get_balance", "02"] => rules.get_balance(BalanceKind::SelfPaidTotal),
        ["get_balance", "03"] => rules.get_balance(BalanceKind::PooledFundTotal),
        ["get_balance", ..] => return wrong("get_balance", "01, 02 or 03"),
        ["init_load", amount, terminal] => rules.init_load(u32::from_be_bytes(fixed(amount)?), fixed(terminal)?),
        ["init_load", ..] => return wrong("init_load", "amount terminal"),
        ["credit_load", date_time, mac2] => rules.credit_load(fixed(date_time)?, fixed(mac2)?),
        ["credit_load", ..] => return wrong("credit_load", "date-time MAC2"),
        ["init_purchase", amounts, terminal] => {
            rules.init_purchase(Amounts::from_bytes(fixed(amounts)?), fixed(terminal)?)
        }
        ["init_purchase", ..] => return wrong("init_purchase", "amounts terminal"),
        ["debit_purchase", sequence, date_time, mac1] => {
            rules.debit_purchase(u32::from_be_bytes(fixed(sequence)?), fixed(date_time)?, fixed(mac1)?)
        }
        ["debit_purchase", ..] => return wrong("debit_purchase", "terminal-sequence date-time MAC1"),
        ["prove", kind, sequence] => rules
            .prove(byte(kind)?, u16::from_be_bytes(fixed(sequence)?))
            .ok_or(KindError::Field { field: "key", expected: "profile with PROVE" })?,
        ["prove", ..] => return wrong("prove", "type card-sequence"),
        [] => return Err(KindError::Field { field: "data", expected: "command" }),
        [other, ..] => return Err(KindError::UnknownCommand((*other).to_owned())),
    };
    Computed::bytes(case, &command.encode(Protocol::T0))
}

/// Sends the commands of `data` through a session to the recorded card and joins its whole answers.
pub(super) fn trace(case: &Case) -> Result<Computed, KindError> {
    let malformed = |field, expected| KindError::Field { field, expected };
    let replay = Replay::parse(&case.trace.join("\n")).map_err(|_| malformed("trace", "conversation"))?;
    let mut session = Session::new(Box::new(replay));
    let mut answers = Vec::new();
    for word in case.data.split_whitespace() {
        let command = parse(&bytes("data", word)?).ok_or_else(|| malformed("data", "short command"))?;
        answers.push(match session.send(&command) {
            Ok(answer) => format!("{}{}", hex::encode_upper(answer.data), answer.sw),
            Err(error) => error.to_string(),
        });
    }
    let sent = session.wire().exchanges;
    let recorded = case.trace.iter().filter(|line| line.trim_start().starts_with('>')).count();
    if u64::try_from(recorded).is_ok_and(|recorded| recorded != sent) {
        answers.push(format!("{sent} of {recorded} exchanges used"));
    }
    Ok(Computed::text(case, answers.join(" ")))
}

/// A short command APDU from its bytes: header, then nothing, Le, Lc and data, or Lc, data and Le.
fn parse(bytes: &[u8]) -> Option<Command> {
    let ([cla, ins, p1, p2], rest) = bytes.split_first_chunk()?;
    let command = Command::new(*cla, *ins, *p1, *p2);
    match rest {
        [] => Some(command),
        [le] => Some(command.with_le(u16::from(*le))),
        [lc, rest @ ..] => {
            let (data, le) = rest.split_at_checked(usize::from(*lc))?;
            let command = command.with_data(data);
            match le {
                [] => Some(command),
                [le] => Some(command.with_le(u16::from(*le))),
                _ => None,
            }
        }
    }
}

/// Name, SFI, algorithm; and back to the same bytes when nothing else was in it.
pub(super) fn fci(case: &Case) -> Result<Computed, KindError> {
    let data = bytes("data", &case.data)?;
    let got = Fci::parse(&data).map_or_else(
        |error| error.to_string(),
        |fci| {
            let hex = |value: Option<u8>| value.map_or("-".to_owned(), |value| format!("{value:02X}"));
            let algorithm = fci.algorithm.map(|algorithm| algorithm.0);
            format!("{}/{}/{}", hex::encode_upper(&fci.df_name), hex(fci.sfi), hex(algorithm))
        },
    );
    Ok(Computed::text(case, got))
}

/// Historical bytes and card factor.
pub(super) fn atr(case: &Case) -> Result<Computed, KindError> {
    let data = bytes("data", &case.data)?;
    let read = Atr::parse(&data).and_then(|atr| Ok((hex::encode_upper(atr.historical()), atr.card_factor()?)));
    let got = read.map_or_else(
        |error| error.to_string(),
        |(historical, factor)| format!("{historical}/{}", hex::encode_upper(factor)),
    );
    Ok(Computed::text(case, got))
}

/// Tag and value of each record.
pub(super) fn tlv(case: &Case) -> Result<Computed, KindError> {
    let data = bytes("data", &case.data)?;
    let items: Vec<String> = tlv::items(&data)
        .map(|item| {
            item.map_or_else(
                |error| error.to_string(),
                |item| format!("{:02X}:{}", item.tag, hex::encode_upper(item.value)),
            )
        })
        .collect();
    Ok(Computed::text(case, items.join(" ")))
}

/// Province, city and card factor.
pub(super) fn factors(case: &Case) -> Result<Computed, KindError> {
    let city = CityCode::parse(&case.key).ok_or(KindError::Field { field: "key", expected: "city code" })?;
    let path = Factors::of(city, exactly("data", &case.data, "8")?).path();
    Computed::bytes(case, path.as_flattened())
}

fn field(text: &str) -> Result<Vec<u8>, KindError> {
    bytes("data", text).and_then(|bytes| short(&bytes, 200))
}

/// One of two fields that share a short APDU.
fn half(text: &str) -> Result<Vec<u8>, KindError> {
    bytes("data", text).and_then(|bytes| short(&bytes, 100))
}

/// Bounded, so that no command can outgrow a short APDU.
fn short(bytes: &[u8], most: usize) -> Result<Vec<u8>, KindError> {
    if bytes.len() > most {
        return Err(KindError::Length { field: "data", got: bytes.len(), expected: "a short APDU's" });
    }
    Ok(bytes.to_vec())
}

fn fixed<const N: usize>(text: &str) -> Result<[u8; N], KindError> {
    exactly("data", text, "as many as the argument has")
}

fn byte(text: &str) -> Result<u8, KindError> {
    fixed(text).map(|[byte]| byte)
}

fn record(text: &str) -> Result<Record, KindError> {
    match text.split_once(':') {
        Some(("tag", tag)) => byte(tag).map(Record::Tag),
        Some(("number", number)) => byte(number).map(Record::Number),
        Some(("all-from", number)) => byte(number).map(Record::AllFrom),
        _ => Err(KindError::Field { field: "data", expected: "record (tag:XX, number:XX, all-from:XX)" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_too_long_for_a_short_apdu_are_an_error() {
        let long = "00".repeat(201);
        for command in ["select_by_name", "verify", "psam_encipher", "psam_init_purchase"] {
            assert!(matches!(build(&[command, &long]), Err(KindError::Length { .. })), "{command}");
        }
        let half = "00".repeat(101);
        for command in ["change_pin", "psam_mac"] {
            assert!(matches!(build(&[command, &half, &half]), Err(KindError::Length { .. })), "{command}");
        }
        assert!(matches!(build(&["reload_pin", &long, "00000000"]), Err(KindError::Length { .. })));
        assert!(matches!(build(&["psam_derive", "48", "12", &long]), Err(KindError::Length { .. })));
        assert!(matches!(build(&["verify"]), Err(KindError::Arguments { .. })));
        assert!(matches!(build(&["erase"]), Err(KindError::UnknownCommand(_))));
    }
}
