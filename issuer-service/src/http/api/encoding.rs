//! Texts as they stand behind the question mark.
//!
//! Source: RFC 3986, the forms of WHATWG HTML. Never: reads a half of a character or of an escape, or the character zero,
//! which a database need not keep.

/// Percent-encoding (RFC 3986) and the `+` of forms.
pub(in crate::http) fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        match first {
            b'%' => {
                let (digits, after) = after.split_at_checked(2)?;
                bytes.extend(hex::decode(digits).ok()?);
                rest = after;
            }
            b'+' => {
                bytes.push(b' ');
                rest = after;
            }
            other => {
                bytes.push(*other);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))
}
