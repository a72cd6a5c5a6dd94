//! The fields of commands and answers that touch no file.
//!
//! Source: LD/T 32.5 commands as published; the account commands of the profile's rows; the PBOC purse after a COS manual; PSAM
//! commands of deployed terminals.
//! Owns: one table a command; where the length decides, one function. Never: knows which command it is (`kind`).
//! Units: lengths in bytes; 0 is the rest.

use super::part::{Field, Guard, Label, Parts};
use crate::format::FormatKind;
use crate::format::FormatKind::{An, B, BAmount, BSequence, Cn};

const fn field(length: usize, zh: &'static str, en: &'static str, kind: FormatKind, guard: Guard) -> Field {
    Field { length, zh, en, kind, guard }
}

const KEY_INDEX: Field = field(1, "密钥索引", "key index", B, Guard::Open);
const KEY_VERSION: Field = field(1, "密钥版本", "key version", B, Guard::Open);
const ALGORITHM: Field = field(1, "算法标识", "algorithm", B, Guard::Open);
const AMOUNT: Field = field(4, "金额", "amount", BAmount, Guard::Personal);
const BALANCE: Field = field(4, "余额", "balance", BAmount, Guard::Personal);
const TERMINAL: Field = field(6, "终端机编号", "terminal", Cn, Guard::Open);
const SEQUENCE: Field = field(2, "卡交易序号", "card sequence", BSequence, Guard::Open);
const TERMINAL_SEQUENCE: Field = field(4, "终端交易序号", "terminal sequence", BSequence, Guard::Open);
const DATE_TIME: Field = field(7, "交易时间", "date and time", Cn, Guard::Personal);
const RANDOM: Field = field(4, "卡随机数", "card random", B, Guard::Cryptographic);
const MAC: Field = field(4, "MAC", "MAC", B, Guard::Cryptographic);
const MAC1: Field = field(4, "MAC1", "MAC1", B, Guard::Cryptographic);
const MAC2: Field = field(4, "MAC2", "MAC2", B, Guard::Cryptographic);
const TAC: Field = field(4, "TAC", "TAC", B, Guard::Cryptographic);
const LIMIT: Field = field(3, "透支限额", "overdraw limit", BAmount, Guard::Personal);
const TYPE: Field = field(1, "交易类型", "transaction type", B, Guard::Open);
const YEAR: Field = field(2, "年度", "year", Cn, Guard::Open);
const ACCOUNT: Field = field(4, "个人账户金额", "personal account", BAmount, Guard::Personal);
const SELF_PAID: Field = field(4, "个人自付金额", "self-paid", BAmount, Guard::Personal);
const POOLED: Field = field(4, "统筹支付金额", "pooled fund", BAmount, Guard::Personal);

pub(super) const EXTERNAL: &[Field] = &[
    field(8, "认证数据", "cryptogram", B, Guard::Cryptographic),
    field(8, "原始信息", "plain", B, Guard::Cryptographic),
    KEY_VERSION,
];
pub(super) const INTERNAL: &[Field] = &[
    field(8, "过程因子", "factor", B, Guard::Cryptographic),
    field(8, "原始信息", "plain", B, Guard::Cryptographic),
    KEY_VERSION,
];
/// Of a purse: what the card enciphers, deciphers or makes a MAC over is the terminal's affair.
pub(super) const INTERNAL_WHOLE: &[Field] = &[field(0, "运算数据", "data", B, Guard::Secret)];
pub(super) const INTERNAL_RESULT: &[Field] = &[field(0, "运算结果", "result", B, Guard::Secret)];
pub(super) const CRYPTOGRAM: &[Field] = &[field(8, "认证结果", "cryptogram", B, Guard::Cryptographic)];
pub(super) const ONLY_MAC: &[Field] = &[MAC];
pub(super) const WRAPPED_KEY: &[Field] = &[field(0, "密钥密文和 MAC", "wrapped key and MAC", B, Guard::Secret)];
pub(super) const PIN_CRYPTOGRAM: &[Field] = &[field(0, "口令密文", "enciphered PIN", B, Guard::Secret)];
pub(super) const PIN: Field = field(0, "口令", "PIN", Cn, Guard::Secret);
pub(super) const KEY_MATERIAL: Field = field(0, "密钥材料", "key material", B, Guard::Secret);

pub(super) const ACCOUNT_BALANCE: &[Field] = &[BALANCE, YEAR];
pub(super) const INIT_LOAD: &[Field] = &[KEY_INDEX, AMOUNT, TERMINAL];
pub(super) const LOAD_START: &[Field] = &[BALANCE, SEQUENCE, KEY_VERSION, ALGORITHM, RANDOM, MAC1];
pub(super) const CREDIT_LOAD: &[Field] = &[DATE_TIME, MAC2];
pub(super) const ONLY_TAC: &[Field] = &[TAC];
pub(super) const INIT_PURCHASE: &[Field] = &[KEY_INDEX, ACCOUNT, SELF_PAID, POOLED, TERMINAL];
pub(super) const PURCHASE_START: &[Field] = &[
    field(4, "个人账户余额", "personal account", BAmount, Guard::Personal),
    field(4, "个人自付累计", "self-paid total", BAmount, Guard::Personal),
    field(4, "统筹累计", "pooled-fund total", BAmount, Guard::Personal),
    YEAR,
    SEQUENCE,
    KEY_VERSION,
    ALGORITHM,
    RANDOM,
];
pub(super) const DEBIT: &[Field] = &[TERMINAL_SEQUENCE, DATE_TIME, MAC1];
pub(super) const TAC_MAC2: &[Field] = &[TAC, MAC2];
pub(super) const PROVE: &[Field] = &[SEQUENCE];
pub(super) const MAC2_TAC: &[Field] = &[MAC2, TAC];
pub(super) const DEBIT_START: &[Field] = &[BALANCE, SEQUENCE, LIMIT, KEY_VERSION, ALGORITHM, RANDOM];
pub(super) const MAC3: &[Field] = &[field(4, "MAC3", "MAC3", B, Guard::Cryptographic)];
pub(super) const INIT_OVERDRAW: &[Field] = &[KEY_INDEX, TERMINAL];
pub(super) const OVERDRAW_START: &[Field] = &[BALANCE, SEQUENCE, LIMIT, KEY_VERSION, ALGORITHM, RANDOM, MAC1];
pub(super) const UPDATE_OVERDRAW: &[Field] = &[LIMIT, DATE_TIME, MAC2];
pub(super) const ONLY_BALANCE: &[Field] = &[BALANCE];

pub(super) const PSAM_PURCHASE: &[Field] =
    &[RANDOM, SEQUENCE, ACCOUNT, SELF_PAID, POOLED, TYPE, DATE_TIME, KEY_VERSION, ALGORITHM];
pub(super) const PSAM_PURCHASE_PBOC: &[Field] = &[RANDOM, SEQUENCE, AMOUNT, TYPE, DATE_TIME, KEY_VERSION, ALGORITHM];
pub(super) const PSAM_START: &[Field] = &[TERMINAL_SEQUENCE, MAC1];
pub(super) const PSAM_CREDIT: &[Field] = &[MAC2];

pub(super) const CITY_FACTOR: Field = field(8, "市级分散因子", "city factor", An, Guard::Open);
pub(super) const PROVINCE_FACTOR: Field = field(8, "省级分散因子", "province factor", An, Guard::Open);
pub(super) const CARD_FACTOR: Field = field(8, "卡分散因子", "card factor", B, Guard::CardFactor);
pub(super) const BLOCK: Field = field(8, "数据", "data", B, Guard::Cryptographic);

/// `old FF new`: the first FF after an old PIN of at least two bytes.
pub(super) fn change_pin(parts: &mut Parts<'_>, data: &[u8]) {
    let separator = data.iter().skip(2).position(|byte| *byte == 0xFF).map_or(data.len(), |at| at + 2);
    parts.take(separator, Label::new("原口令", "old PIN"), Cn, Guard::Secret);
    parts.structure(1);
    let rest = parts.rest().len();
    parts.take(rest, Label::new("新口令", "new PIN"), Cn, Guard::Secret);
}

/// Eight-byte factors of a card, a city, a province, in any order; with a challenge after them, and zeros where SM4 wants them.
pub(super) fn factors(parts: &mut Parts<'_>, challenge: bool) {
    while let Some((factor, after)) = parts.rest().split_first_chunk::<8>() {
        let is_last = after.is_empty() || (after.len() == 8 && after.iter().all(|byte| *byte == 0));
        let field = match factor {
            [0, 0, 0, 0, 0, 0, 0, 0] => return parts.structure(8),
            _ if challenge && is_last => BLOCK,
            [digits @ .., b's', b'x'] if digits.iter().all(u8::is_ascii_digit) => CITY_FACTOR,
            [digits @ .., b's', b'h'] if digits.iter().all(u8::is_ascii_digit) => PROVINCE_FACTOR,
            _ => CARD_FACTOR,
        };
        parts.fields(&[field]);
    }
}

/// `80 FA`: blocks to encipher, or an initial value and blocks to compute a MAC over.
///
/// A PSAM enciphers challenges, PIN blocks and keys alike, and makes MACs over new PINs in clear: only what is a challenge, as
/// `is_random` knows, is no secret.
pub(super) fn psam_cipher(parts: &mut Parts<'_>, p1: u8, is_wide: bool, is_random: impl Fn(&[u8]) -> bool) {
    match p1 {
        0 if is_random(parts.rest()) => blocks(parts),
        0 if is_pin_block(parts.rest()) => parts.fields(PIN_CRYPTOGRAM),
        5 => {
            let length = if is_wide { 16 } else { 8 };
            parts.take(length, Label::new("初始值", "initial value"), B, Guard::Cryptographic);
            let rest = parts.rest().len();
            parts.take(rest, Label::new("计算 MAC 的数据", "data under the MAC"), B, Guard::Secret);
        }
        _ => {
            let rest = parts.rest().len();
            parts.take(rest, Label::new("待加密的数据", "data to encipher"), B, Guard::Secret);
        }
    }
}

/// Count of BCD bytes, the PIN, `80`, zeros.
fn is_pin_block(block: &[u8]) -> bool {
    let [count @ 2..=6, rest @ ..] = block else { return false };
    match rest.split_at_checked(usize::from(*count)) {
        Some((_, [0x80, zeros @ ..])) => zeros.iter().all(|byte| *byte == 0),
        _ => false,
    }
}

pub(super) fn blocks(parts: &mut Parts<'_>) {
    while parts.rest().len() > 8 {
        parts.fields(&[BLOCK]);
    }
    let rest = parts.rest().len();
    parts.take(rest, Label::new("数据", "data"), B, Guard::Cryptographic);
}
