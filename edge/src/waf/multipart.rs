//! Multipart bodies (RFC 7578) as lists of values: the names of fields, the names of files, and the contents of fields. What a file holds is data, no
//! argument, and is left out; rules about it inspect `Body`. A part that can't be read is one value as it stands.

use std::borrow::Cow;

use memchr::memmem;

/// Parts of one body that are read apart; what follows is one value.
const MAX_PARTS: usize = 200;

/// Adds what is found in `body`.
pub fn values<'b>(body: &'b [u8], content_type: &[u8], found: &mut Vec<Cow<'b, [u8]>>) {
    let Some(mark) = boundary(content_type) else {
        found.push(Cow::Borrowed(body));
        return;
    };
    let mark = [b"--", mark].concat();
    let finder = memmem::Finder::new(&mark);
    let mut rest = body;
    for count in 0.. {
        let end = if count < MAX_PARTS { finder.find(rest) } else { None };
        part(rest.get(..end.unwrap_or(rest.len())).unwrap_or_default(), found);
        match end {
            Some(end) => rest = rest.get(end + mark.len()..).unwrap_or_default(),
            None => return,
        }
    }
}

/// The parameter of the content type.
fn boundary(content_type: &[u8]) -> Option<&[u8]> {
    parameters(content_type)
        .find(|(name, _)| name.eq_ignore_ascii_case(b"boundary"))
        .map(|(_, value)| value)
        .filter(|mark| !mark.is_empty())
}

/// Behind the first semicolon: names and values, without their quotes. A semicolon in quotes parts nothing.
fn parameters(field: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut rest = memchr::memchr(b';', field).and_then(|at| field.get(at + 1..));
    std::iter::from_fn(move || {
        let text = rest?;
        let mut quoted = false;
        let end = text.iter().position(|byte| {
            quoted ^= *byte == b'"';
            *byte == b';' && !quoted
        });
        rest = end.and_then(|end| text.get(end + 1..));
        let one = text.get(..end.unwrap_or(text.len()))?;
        let equals = memchr::memchr(b'=', one).unwrap_or(one.len());
        let value = one.get(equals + 1..).unwrap_or_default().trim_ascii();
        let value = value.strip_prefix(b"\"").map_or(value, |inner| inner.strip_suffix(b"\"").unwrap_or(inner));
        Some((one.get(..equals)?.trim_ascii(), value))
    })
}

fn part<'b>(part: &'b [u8], found: &mut Vec<Cow<'b, [u8]>>) {
    let trimmed = part.trim_ascii();
    if trimmed.is_empty() || trimmed == b"--" {
        return;
    }
    let head =
        memmem::find(part, b"\r\n\r\n").map(|at| (at, 4)).or_else(|| memmem::find(part, b"\n\n").map(|at| (at, 2)));
    let Some((end, gap)) = head else {
        found.push(Cow::Borrowed(part));
        return;
    };
    let lines = part.get(..end).unwrap_or_default().split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let mut is_file = false;
    for line in lines.filter(|line| !line.is_empty()) {
        let disposition = line.get(..20).is_some_and(|start| start.eq_ignore_ascii_case(b"content-disposition:"));
        if !disposition {
            found.push(Cow::Borrowed(line));
            continue;
        }
        for (name, value) in parameters(line) {
            is_file |= name.get(..8).is_some_and(|start| start.eq_ignore_ascii_case(b"filename"));
            found.push(Cow::Borrowed(value));
        }
    }
    if !is_file {
        let content = part.get(end + gap..).unwrap_or_default();
        let content = content.strip_suffix(b"\n").unwrap_or(content);
        found.push(Cow::Borrowed(content.strip_suffix(b"\r").unwrap_or(content)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(body: &str, content_type: &str) -> Vec<String> {
        let mut found = Vec::new();
        values(body.as_bytes(), content_type.as_bytes(), &mut found);
        found.into_iter().map(|value| String::from_utf8_lossy(&value).into_owned()).collect()
    }

    #[test]
    fn names_and_contents_of_fields_and_names_of_files() {
        let body = "--b;1\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx\r\ny\r\n--b;1\r\ncontent-disposition: form-data; name=f; \
                    filename=\"p;q.txt\"\r\nContent-Type: text/plain\r\n\r\n<script>\r\n--b;1--\r\n";
        assert_eq!(
            of(body, "multipart/form-data; boundary=\"b;1\""),
            ["a", "x\r\ny", "f", "p;q.txt", "Content-Type: text/plain"]
        );
    }

    #[test]
    fn what_is_no_part_is_a_value() {
        assert_eq!(of("abc", "multipart/form-data"), ["abc"]);
        assert_eq!(of("--b\nname=x", "multipart/mixed;boundary=b"), ["\nname=x"]);
        assert_eq!(of("before--b--", "multipart/form-data; charset=utf-8; BOUNDARY=b"), ["before"]);
    }
}
