//! The texts that callers give: card, file addresses, values, amounts, answers of an HSM.
//!
//! Source: parameters of the driver interface: fields ended by `|`, files by `$`, hex digits.
//! Owns: their grammar and bounds. Never: knows what is on a card.
//! Units: amounts in fen; records and instances from 1, the newest record first.

use card_profiles::account::Amounts;
use settlement::DateTime;
use settlement::fen::Fen;

use crate::failure::Failure;

/// Most files of one address, and most items of one file.
const FILES_MAX: usize = 32;
const ITEMS_MAX: usize = 64;

/// `卡识别码|卡号|`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardInfo<'a> {
    /// 32 hex digits.
    pub identifier: &'a str,
    /// Nine characters, or empty.
    pub number: &'a str,
}

/// One file and the items wanted of it: `DF01EF05|20|21|$`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileAddress {
    /// `DF01`.
    pub df: String,
    /// `EF05`.
    pub ef: String,
    /// Record of a cyclic file.
    pub record: Option<u8>,
    /// Items; none means all.
    pub items: Vec<ItemAddress>,
}

/// One item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ItemAddress {
    /// Tag.
    pub tag: u8,
    /// Which of several with this tag.
    pub instance: u8,
}

/// What is paid, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PayInfo {
    /// The three amounts.
    pub amounts: Amounts,
    /// Date and time of the caller.
    pub date_time: DateTime,
}

/// Fields ended by `|`; the last one may lack its end.
pub fn fields(text: &str) -> Vec<&str> {
    text.strip_suffix('|').unwrap_or(text).split('|').collect()
}

impl<'a> CardInfo<'a> {
    /// Reads the text of `pCardInfo`.
    ///
    /// # Errors
    /// [`Failure::Argument`].
    pub fn parse(text: &'a str) -> Result<Self, Failure> {
        let wrong = Failure::Argument { name: "pCardInfo", expected: "卡识别码(32 hex)|卡号|" };
        match fields(text).as_slice() {
            [identifier, rest @ ..] if rest.len() <= 1 && is_hex(identifier, 16) => {
                Ok(Self { identifier, number: rest.first().copied().unwrap_or_default() })
            }
            _ => Err(wrong),
        }
    }
}

/// Reads the text of `pFileAddr`.
///
/// # Errors
/// [`Failure::Argument`].
pub fn addresses(text: &str) -> Result<Vec<FileAddress>, Failure> {
    let files: Vec<&str> = text.split('$').filter(|file| !file.is_empty()).collect();
    if files.is_empty() || files.len() > FILES_MAX {
        return Err(wrong_address());
    }
    files.into_iter().map(FileAddress::parse).collect()
}

fn wrong_address() -> Failure {
    Failure::Argument { name: "pFileAddr", expected: "DFxxEFxx|tag|…|$" }
}

impl FileAddress {
    fn parse(text: &str) -> Result<Self, Failure> {
        let mut parts = fields(text).into_iter();
        let name = parts.next().unwrap_or_default().trim().to_ascii_uppercase();
        let (name, record) = match name.split_once(':') {
            Some((name, record)) => (name.to_owned(), Some(counted(record).ok_or_else(wrong_address)?)),
            None => (name, None),
        };
        let cut = name.rfind("EF").ok_or_else(wrong_address)?;
        let (df, ef) = (name.get(..cut).unwrap_or_default(), name.get(cut..).unwrap_or_default());
        let df = match df {
            "SSSE" | "MF" | "3F00" => "SSSE".to_owned(),
            other if other.len() == 4 && other.starts_with("DF") => other.to_owned(),
            _ => return Err(wrong_address()),
        };
        if ef.len() != 4 || !name.is_ascii() {
            return Err(wrong_address());
        }
        let items: Vec<ItemAddress> = parts.map(ItemAddress::parse).collect::<Result<_, _>>()?;
        if items.len() > ITEMS_MAX {
            return Err(wrong_address());
        }
        Ok(Self { df, ef: ef.to_owned(), record, items })
    }
}

impl ItemAddress {
    fn parse(text: &str) -> Result<Self, Failure> {
        let (tag, instance) = text.trim().split_once(':').map_or((text.trim(), None), |(tag, n)| (tag, Some(n)));
        let parsed = (tag.len() == 2).then(|| u8::from_str_radix(tag, 16).ok()).flatten();
        let instance = instance.map_or(Some(1), counted);
        parsed.zip(instance).map(|(tag, instance)| Self { tag, instance }).ok_or_else(wrong_address)
    }
}

/// A number from 1 of one or two digits.
fn counted(text: &str) -> Option<u8> {
    let is_number = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten().filter(|number| *number > 0)
}

/// Reads the text of `pWriteData`: the name of the address again, then the values.
///
/// # Errors
/// [`Failure::Argument`]; two files are refused, one file is written a call.
pub fn values<'a>(text: &'a str, address: &FileAddress) -> Result<Vec<&'a str>, Failure> {
    let wrong =
        || Failure::Argument { name: "pWriteData", expected: "DFxxEFxx|value|…|$ of the one file of pFileAddr" };
    let body = text.strip_suffix('$').unwrap_or(text);
    if body.contains('$') {
        return Err(wrong());
    }
    let mut parts = fields(body).into_iter();
    let named = FileAddress::parse(parts.next().unwrap_or_default()).map_err(|_| wrong())?;
    if (&named.df, &named.ef) != (&address.df, &address.ef) {
        return Err(wrong());
    }
    Ok(parts.collect())
}

impl PayInfo {
    /// Reads the text of `pPayInfo`: `个人自付|统筹支付|YYYYMMDDHHMMSS|` in yuan; with four fields the first is 个人账户.
    ///
    /// # Errors
    /// [`Failure::Argument`]; amounts that are negative, of nothing at all, or more than a card can take.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let wrong = || Failure::Argument { name: "pPayInfo", expected: "金额|金额|YYYYMMDDHHMMSS|" };
        let fields = fields(text);
        let (account, self_paid, pooled, time) = match fields.as_slice() {
            [self_paid, pooled, time] => ("0", *self_paid, *pooled, *time),
            [account, self_paid, pooled, time] => (*account, *self_paid, *pooled, *time),
            _ => return Err(wrong()),
        };
        let fen = |text: &str| Fen::parse_yuan(text).ok().and_then(|fen| fen.to_card().ok()).ok_or_else(wrong);
        let amounts =
            Amounts { personal_account: fen(account)?, self_paid: fen(self_paid)?, pooled_fund: fen(pooled)? };
        if amounts == Amounts::default() {
            return Err(wrong());
        }
        Ok(Self { amounts, date_time: DateTime::parse(time).map_err(|_| wrong())? })
    }
}

/// Hex fields of exactly these lengths in bytes.
///
/// # Errors
/// [`Failure::Argument`].
pub fn hex_fields(name: &'static str, text: &str, lengths: &[usize]) -> Result<Vec<Vec<u8>>, Failure> {
    let wrong = || Failure::Argument { name, expected: "the hex fields that the step before asked for" };
    let fields = fields(text);
    if fields.len() != lengths.len() || fields.iter().zip(lengths).any(|(field, bytes)| !is_hex(field, *bytes)) {
        return Err(wrong());
    }
    fields.into_iter().map(|field| hex::decode(field).map_err(|_| wrong())).collect()
}

fn is_hex(text: &str, bytes: usize) -> bool {
    text.len() == bytes * 2 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn item(tag: u8, instance: u8) -> ItemAddress {
        ItemAddress { tag, instance }
    }

    #[test]
    fn addresses_have_the_published_spellings() {
        let parsed = addresses("SSSEEF05|01|07|$SSSEEF06|08|09|$").expect("the published example");
        assert_eq!(parsed.len(), 2);
        let [first, second] = parsed.as_slice() else { panic!("two files") };
        assert_eq!(
            (first.df.as_str(), first.ef.as_str(), first.items.as_slice()),
            ("SSSE", "EF05", &[item(1, 1), item(7, 1)][..])
        );
        assert_eq!((second.df.as_str(), second.ef.as_str()), ("SSSE", "EF06"));
        for other in ["3F00EF06|08|", "MFEF06|08|$", "sssEef06|08|$"] {
            assert_eq!(
                addresses(other).expect(other).first().map(|file| (file.df.clone(), file.ef.clone())),
                Some(("SSSE".into(), "EF06".into()))
            );
        }
        assert_eq!(addresses("DF02EF07:01$").expect("a record").first().and_then(|file| file.record), Some(1));
        assert_eq!(
            addresses("DF03EF19|99:02|$").expect("an instance").first().map(|file| file.items.clone()),
            Some(vec![item(0x99, 2)])
        );
        for wrong in
            ["", "$", "EF05|01|", "DF1EF05|01|", "SSSEEF05|1|", "SSSEEF05|0G|", "DF02EF07:0$", "SSSEEF05|01|é|"]
        {
            assert!(addresses(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn amounts_are_yuan_and_the_published_example_has_no_personal_account() {
        let info = PayInfo::parse("0.1|0.2|20151118185001|").expect("the published example");
        assert_eq!(info.amounts, Amounts { personal_account: 0, self_paid: 10, pooled_fund: 20 });
        assert_eq!(PayInfo::parse("1|0.1|0.2|20151118185001|").expect("four fields").amounts.personal_account, 100);
        for wrong in [
            "",
            "0|0|20151118185001|",
            "-1|2|20151118185001|",
            "1|2|20151318185001|",
            "1|2|",
            "1|2|3|4|20151118185001|",
            "99999999999|0|20151118185001|",
            "0.001|0|20151118185001|",
        ] {
            assert!(PayInfo::parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn values_are_of_the_one_file_of_the_address() {
        let address = addresses("SSSEEF05|06|07|$").expect("an address").remove(0);
        assert_eq!(values("SSSEEF05|20360104|B12345674|$", &address).expect("values"), ["20360104", "B12345674"]);
        assert!(values("SSSEEF06|a|$", &address).is_err() && values("SSSEEF05|a|$SSSEEF06|b|$", &address).is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_a_parser_panic(text in ".{0,80}") {
            let _ = addresses(&text);
            let _ = PayInfo::parse(&text);
            let _ = CardInfo::parse(&text);
            let _ = hex_fields("pKey", &text, &[16, 16]);
        }
    }
}
