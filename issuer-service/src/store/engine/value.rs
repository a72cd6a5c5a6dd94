//! Values on their way into a statement and out of a row.
//!
//! Owns: which types of the house go as which of the four kinds that both databases have. Never: a query.

use std::error::Error;

use bytes::BytesMut;
use postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use rusqlite::types::{ToSqlOutput, ValueRef};

/// A value of either database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Value<'a> {
    Null,
    /// BIGINT; a truth is 0 or 1.
    Integer(i64),
    /// TEXT.
    Text(&'a str),
    /// BYTEA.
    Bytes(&'a [u8]),
}

/// What can be given to a statement.
pub(in crate::store) trait Given {
    /// As the database takes it.
    fn value(&self) -> Value<'_>;
}

/// What can be read from a cell.
pub(in crate::store) trait Taken: Sized {
    /// `None` when the cell holds something else.
    fn take(value: Value<'_>) -> Option<Self>;
}

/// The values of a statement, `$1` first.
pub(in crate::store) trait Params {
    /// In order.
    fn values(&self) -> Vec<Value<'_>>;
}

macro_rules! integers {
    ($($integer:ty),*) => {$(
        impl Given for $integer {
            fn value(&self) -> Value<'_> {
                Value::Integer(i64::from(*self))
            }
        }
        impl Taken for $integer {
            fn take(value: Value<'_>) -> Option<Self> {
                match value {
                    Value::Integer(number) => Self::try_from(number).ok(),
                    _ => None,
                }
            }
        }
    )*};
}
integers!(i64, u32, u16, u8);

impl Given for bool {
    fn value(&self) -> Value<'_> {
        Value::Integer(i64::from(*self))
    }
}

impl Taken for bool {
    fn take(value: Value<'_>) -> Option<Self> {
        i64::take(value).map(|number| number != 0)
    }
}

impl Given for str {
    fn value(&self) -> Value<'_> {
        Value::Text(self)
    }
}

impl Given for String {
    fn value(&self) -> Value<'_> {
        Value::Text(self)
    }
}

impl Taken for String {
    fn take(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Text(text) => Some(text.to_owned()),
            _ => None,
        }
    }
}

impl Given for [u8] {
    fn value(&self) -> Value<'_> {
        Value::Bytes(self)
    }
}

impl Given for Vec<u8> {
    fn value(&self) -> Value<'_> {
        Value::Bytes(self)
    }
}

impl<const N: usize> Given for [u8; N] {
    fn value(&self) -> Value<'_> {
        Value::Bytes(self)
    }
}

impl Taken for Vec<u8> {
    fn take(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Bytes(bytes) => Some(bytes.to_vec()),
            _ => None,
        }
    }
}

impl<T: Given> Given for Option<T> {
    fn value(&self) -> Value<'_> {
        self.as_ref().map_or(Value::Null, Given::value)
    }
}

impl<T: Taken> Taken for Option<T> {
    fn take(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            value => T::take(value).map(Some),
        }
    }
}

impl<T: Given + ?Sized> Given for &T {
    fn value(&self) -> Value<'_> {
        (**self).value()
    }
}

impl Params for () {
    fn values(&self) -> Vec<Value<'_>> {
        Vec::new()
    }
}

impl<T: Given, const N: usize> Params for [T; N] {
    fn values(&self) -> Vec<Value<'_>> {
        self.iter().map(Given::value).collect()
    }
}

impl Params for &[&dyn Given] {
    fn values(&self) -> Vec<Value<'_>> {
        self.iter().map(|given| given.value()).collect()
    }
}

macro_rules! tuples {
    ($($name:ident),+ ; $($place:tt),+) => {
        impl<$($name: Given),+> Params for ($($name,)+) {
            fn values(&self) -> Vec<Value<'_>> {
                vec![$(self.$place.value()),+]
            }
        }
    };
}
tuples!(A, B; 0, 1);
tuples!(A, B, C; 0, 1, 2);
tuples!(A, B, C, D; 0, 1, 2, 3);
tuples!(A, B, C, D, E; 0, 1, 2, 3, 4);
tuples!(A, B, C, D, E, F; 0, 1, 2, 3, 4, 5);
tuples!(A, B, C, D, E, F, G; 0, 1, 2, 3, 4, 5, 6);
tuples!(A, B, C, D, E, F, G, H; 0, 1, 2, 3, 4, 5, 6, 7);
tuples!(A, B, C, D, E, F, G, H, I; 0, 1, 2, 3, 4, 5, 6, 7, 8);
tuples!(A, B, C, D, E, F, G, H, I, J; 0, 1, 2, 3, 4, 5, 6, 7, 8, 9);

impl rusqlite::ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

/// A value that the server's type does not take: a mistake of ours.
#[derive(Debug, thiserror::Error)]
#[error("a value does not fit its place, which is {asked}")]
struct Unfit {
    asked: Type,
}

impl ToSql for Value<'_> {
    fn to_sql(&self, asked: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match (*self, asked) {
            (Self::Null, _) => Ok(IsNull::Yes),
            (Self::Integer(number), &Type::INT8) => number.to_sql(asked, out),
            (Self::Integer(number), &Type::INT4) => i32::try_from(number)?.to_sql(asked, out),
            (Self::Integer(number), &Type::BOOL) => (number != 0).to_sql(asked, out),
            (Self::Text(text), &Type::TEXT | &Type::VARCHAR) => text.to_sql(asked, out),
            (Self::Bytes(bytes), &Type::BYTEA) => bytes.to_sql(asked, out),
            _ => Err(Box::new(Unfit { asked: asked.clone() })),
        }
    }

    fn accepts(_asked: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Value<'a> {
    fn from_sql(found: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(match *found {
            Type::INT8 => Self::Integer(i64::from_sql(found, raw)?),
            Type::INT4 => Self::Integer(i64::from(i32::from_sql(found, raw)?)),
            Type::BOOL => Self::Integer(i64::from(bool::from_sql(found, raw)?)),
            Type::NUMERIC => Self::Integer(whole(raw).ok_or_else(|| Unfit { asked: found.clone() })?),
            Type::BYTEA => Self::Bytes(raw),
            _ => Self::Text(std::str::from_utf8(raw)?),
        })
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self::Null)
    }

    fn accepts(found: &Type) -> bool {
        matches!(
            *found,
            Type::INT8 | Type::INT4 | Type::BOOL | Type::NUMERIC | Type::BYTEA | Type::TEXT | Type::VARCHAR
        )
    }
}

/// A NUMERIC that is a whole number, as the sum of BIGINTs is: count of digits to base 10,000, weight of the first,
/// sign, scale (each 16 bits, big-endian), digits.
fn whole(raw: &[u8]) -> Option<i64> {
    const BASE: i128 = 10_000;
    let mut words = raw.chunks_exact(2).map(|pair| i16::from_be_bytes([pair[0], pair[1]]));
    let (count, weight, sign, _scale) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let digits: Vec<i16> = words.collect();
    if digits.len() != usize::try_from(count).ok()? || digits.len() > 8 || (count > 0 && !(0..6).contains(&weight)) {
        return None;
    }
    let mut number: i128 = 0;
    for place in 0..=usize::try_from(weight.max(0)).ok()? {
        number = number * BASE + i128::from(digits.get(place).copied().unwrap_or(0));
    }
    let fraction = digits.iter().skip(usize::try_from(weight.max(0)).ok()? + 1).any(|digit| *digit != 0);
    let number = match (sign, fraction) {
        (0, false) => number,
        (0x4000, false) => -number,
        _ => return None,
    };
    i64::try_from(number).ok()
}

/// A text of a SQLite file, which does not promise that it is UTF-8.
pub(super) fn of_file(value: ValueRef<'_>) -> Option<Value<'_>> {
    Some(match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Text(text) => Value::Text(std::str::from_utf8(text).ok()?),
        ValueRef::Blob(bytes) => Value::Bytes(bytes),
        ValueRef::Real(_) => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numeric(weight: i16, sign: i16, digits: &[i16]) -> Vec<u8> {
        let count = i16::try_from(digits.len()).expect("few");
        [count, weight, sign, 0].iter().chain(digits).flat_map(|word| word.to_be_bytes()).collect()
    }

    #[test]
    fn sums_of_a_server_are_whole_numbers_of_both_signs() {
        assert_eq!(whole(&numeric(0, 0, &[])), Some(0));
        assert_eq!(whole(&numeric(0, 0, &[42])), Some(42));
        assert_eq!(whole(&numeric(1, 0, &[3])), Some(30_000), "trailing zero digits are left out");
        assert_eq!(whole(&numeric(2, 0x4000, &[1, 0, 7])), Some(-100_000_007));
        assert_eq!(whole(&numeric(4, 0, &[922, 3372, 368, 5477, 5807])), Some(i64::MAX));
    }

    #[test]
    fn a_sum_that_is_no_amount_is_refused() {
        let beyond = numeric(4, 0, &[922, 3372, 368, 5477, 5808]);
        for raw in [numeric(0, 0, &[1, 5000]), numeric(-1, 0, &[5000]), numeric(0, -0x4000, &[]), beyond, vec![0; 7]] {
            assert_eq!(whole(&raw), None, "{raw:?}");
        }
    }
}
