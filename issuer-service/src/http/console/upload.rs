//! Files in a form: `multipart/form-data`, as browsers send it.
//!
//! Source: RFC 7578, RFC 2046 5.1.1; WHATWG HTML, multipart/form-data encoding algorithm.
//! Owns: the parts of a body in memory. Never: keeps the name of a file, which may be a person's; guesses at a body that is not whole.

/// Most parts of a form.
const PARTS_MAX: usize = 32;
/// Most bytes of the head of a part.
const HEAD_BYTES_MAX: usize = 2048;

/// A part: the field's name, whether it is a file, what it holds.
pub(super) struct Part<'a> {
    pub(super) name: &'a str,
    pub(super) is_file: bool,
    pub(super) content: &'a [u8],
}

/// The boundary in a content type; none when it is no such form.
pub(super) fn boundary(content_type: &str) -> Option<&str> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let value = parameters.split(';').find_map(|one| one.trim().strip_prefix("boundary="))?;
    let value = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value);
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=?".contains(&byte);
    ((1..=70).contains(&value.len()) && value.bytes().all(fits)).then_some(value)
}

/// Every part of a body; none when it is not whole.
pub(super) fn parts<'a>(boundary: &str, body: &'a [u8]) -> Option<Vec<Part<'a>>> {
    let between = format!("\r\n--{boundary}").into_bytes();
    let mut parts = Vec::new();
    let mut rest = body.strip_prefix(&between[2..])?;
    loop {
        if rest.starts_with(b"--") {
            return Some(parts);
        }
        rest = rest.strip_prefix(b"\r\n")?;
        let head_end = find(rest.get(..HEAD_BYTES_MAX.min(rest.len()))?, b"\r\n\r\n")?;
        let (head, after) = (std::str::from_utf8(rest.get(..head_end)?).ok()?, rest.get(head_end + 4..)?);
        let end = find(after, &between)?;
        let (name, is_file) = disposition(head)?;
        parts.push(Part { name, is_file, content: after.get(..end)? });
        if parts.len() > PARTS_MAX {
            return None;
        }
        rest = after.get(end + between.len()..)?;
    }
}

/// Name of the field, and whether a file's name stands beside it.
fn disposition(head: &str) -> Option<(&str, bool)> {
    let line = head.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-disposition").then_some(value.trim())
    })?;
    let (mut rest, mut name, mut is_file) = (line.strip_prefix("form-data")?, None, false);
    while !rest.is_empty() {
        let (key, value) = rest.strip_prefix(';')?.trim_start().split_once("=\"")?;
        let (value, after) = value.split_once('"')?;
        match key {
            "name" if name.is_none() => name = Some(value),
            "filename" => is_file = true,
            _ => return None,
        }
        rest = after;
    }
    Some((name?, is_file))
}

/// Where `wanted` begins.
fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    let first = *wanted.first()?;
    let mut at = 0;
    loop {
        at += text.get(at..)?.iter().position(|byte| *byte == first)?;
        if text.get(at..)?.starts_with(wanted) {
            return Some(at);
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = b"--xyz\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\nc5\r\n--xyz\r\n\
        Content-Disposition: form-data; name=\"file\"; filename=\"a;name=%22b%22.csv\"\r\nContent-Type: text/csv\r\n\r\n\
        1\r\n--xy\r\n2\r\n--xyz--\r\n";

    #[test]
    fn parts_are_what_a_browser_sent_byte_for_byte() {
        assert_eq!(boundary("multipart/form-data; boundary=xyz"), Some("xyz"));
        assert_eq!(boundary("Multipart/Form-Data; charset=utf-8; boundary=\"xyz\""), Some("xyz"));
        let parts = parts("xyz", BODY).expect("whole");
        let told: Vec<_> = parts.iter().map(|part| (part.name, part.is_file, part.content)).collect();
        assert_eq!(told, [("csrf", false, b"c5".as_slice()), ("file", true, b"1\r\n--xy\r\n2")]);
    }

    #[test]
    fn what_is_cut_off_or_of_another_form_is_no_form() {
        for (end, _) in BODY.iter().enumerate().take(BODY.len() - 4) {
            assert!(parts("xyz", &BODY[..end]).is_none(), "cut at {end}");
        }
        assert!(parts("other", BODY).is_none());
        for wrong in
            ["text/plain", "multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=a b"]
        {
            assert_eq!(boundary(wrong), None, "{wrong}");
        }
        let many = b"--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\r\n".repeat(40);
        let whole = [many.as_slice(), b"--x--\r\n"].concat();
        assert!(parts("x", &whole).is_none(), "more parts than a form has");
        for head in ["form-data", "form-data; name=a", "form-data; name=\"a\"; name=\"b\"", "attachment; name=\"a\""] {
            let body = format!("--x\r\nContent-Disposition: {head}\r\n\r\n1\r\n--x--\r\n");
            assert!(parts("x", body.as_bytes()).is_none(), "{head}");
        }
    }
}
