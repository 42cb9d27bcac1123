//! What of an answer must be the same for every name: all but what is fresh in each answer.

use serde_json::Value;

use crate::load::Answer;

/// Members whose values are fresh, or belong to one user.
const FRESH: [&str; 7] = ["Session", "SRP_B", "SALT", "SECRET_BLOCK", "USER_ID_FOR_SRP", "USERNAME", "UserSub"];
/// Fields that vary by themselves. The length is that of a body with fresh values; the rest of the body is compared.
const VARYING: [&str; 3] = ["date", "x-amzn-requestid", "content-length"];

/// Status, fields and body of an answer, with the form of fresh values in their place.
pub fn of(answer: &Answer) -> String {
    let mut lines = answer.head.lines();
    let mut kept = vec![lines.next().unwrap_or_default().to_owned()];
    let mut fields: Vec<String> = lines.filter(|line| !varies(line)).map(str::to_owned).collect();
    fields.sort_unstable();
    kept.append(&mut fields);
    let body = match serde_json::from_slice::<Value>(&answer.body) {
        Ok(mut value) => {
            mask(&mut value);
            value.to_string()
        }
        Err(_) => String::from_utf8_lossy(&answer.body).into_owned(),
    };
    kept.push(body);
    kept.join("\n")
}

fn varies(line: &str) -> bool {
    let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
    // What is left of a quota changes with every request.
    name.is_empty() || VARYING.contains(&name.as_str()) || name.contains("ratelimit")
}

fn mask(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(text) if FRESH.contains(&name.as_str()) => *text = form(text),
                    other => mask(other),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(mask),
        _ => {}
    }
}

/// A UUID, a number in hex (whose leading zeros are not written), or a text of some length.
fn form(text: &str) -> String {
    if uuid::Uuid::try_parse(text).is_ok() {
        "a UUID".to_owned()
    } else if text.len() < 1024 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        "hex".to_owned()
    } else {
        format!("{} bytes", text.len())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn likeness(head: &str, body: &str) -> String {
        of(&Answer { status: 200, head: head.into(), body: body.into(), took: Duration::ZERO })
    }

    #[test]
    fn only_what_is_fresh_is_left_out() {
        const HEAD: &str = "HTTP/1.1 200 OK\r\ndate: a\r\nx-amzn-requestid: b\r\nx: y\r\n\r\n";
        let one = likeness(HEAD, r#"{"Session":"abcq","ChallengeParameters":{"SRP_B":"ab12"}}"#);
        let fresh = likeness(
            &HEAD.replace("date: a", "date: c"),
            r#"{"Session":"xyzq","ChallengeParameters":{"SRP_B":"ab1"}}"#,
        );
        assert_eq!(one, fresh);
        let others = [
            (HEAD.replace("200 OK", "400 Bad Request"), r#"{"Session":"abcq","ChallengeParameters":{"SRP_B":"ab12"}}"#),
            (HEAD.replace("x: y", "x: z"), r#"{"Session":"abcq","ChallengeParameters":{"SRP_B":"ab12"}}"#),
            (HEAD.to_owned(), r#"{"Session":"abcdq","ChallengeParameters":{"SRP_B":"ab12"}}"#),
            (HEAD.to_owned(), r#"{"Session":"abcq","ChallengeParameters":{"SRP_B":"jane"}}"#),
            (HEAD.to_owned(), r#"{"Session":"abcq"}"#),
        ];
        for (head, body) in others {
            assert_ne!(one, likeness(&head, body), "{head}{body}");
        }
    }
}
