//! What an explanation says, step by step, and its two forms: lines for people, JSON for machines.

use std::fmt::Write;

use common::reject::Reject;
use serde_json::{Map, Value, json};

/// The steps of a request, up to the verdict.
#[derive(Debug, Default, PartialEq)]
pub struct Story {
    steps: Vec<Step>,
}

#[derive(Debug, PartialEq)]
struct Step {
    name: &'static str,
    says: String,
    facts: Vec<(&'static str, String)>,
}

/// A whole explanation.
#[derive(Debug, PartialEq)]
pub struct Explanation {
    story: Story,
    verdict: Verdict,
}

#[derive(Debug, PartialEq)]
pub enum Verdict {
    Forward {
        upstream: String,
    },
    Refuse(Reject),
    /// The edge answers a preflight itself.
    Preflight,
    /// The edge answers with a resource's own document.
    Described,
    /// The edge answers on a path of its own.
    Own,
    /// Somebody else would be asked, who is not asked here.
    Depends(&'static str),
}

impl Story {
    /// What a step comes to.
    pub fn step(&mut self, name: &'static str, says: impl Into<String>) {
        self.steps.push(Step { name, says: says.into(), facts: Vec::new() });
    }

    /// What the last step went by.
    pub fn fact(&mut self, name: &'static str, value: impl Into<String>) {
        if let Some(step) = self.steps.last_mut() {
            step.facts.push((name, value.into()));
        }
    }

    pub fn forward(self, upstream: &str) -> Explanation {
        Explanation { story: self, verdict: Verdict::Forward { upstream: upstream.to_owned() } }
    }

    pub fn preflight(self) -> Explanation {
        Explanation { story: self, verdict: Verdict::Preflight }
    }

    pub fn described(self) -> Explanation {
        Explanation { story: self, verdict: Verdict::Described }
    }

    pub fn own(self) -> Explanation {
        Explanation { story: self, verdict: Verdict::Own }
    }

    pub fn depends(self, on: &'static str) -> Explanation {
        Explanation { story: self, verdict: Verdict::Depends(on) }
    }

    pub fn refuse(self, reject: Reject) -> Explanation {
        Explanation { story: self, verdict: Verdict::Refuse(reject) }
    }
}

impl Explanation {
    /// A line a step, facts below it, the verdict last.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for step in &self.story.steps {
            line(&mut text, step.name, &step.says);
            for (name, value) in &step.facts {
                line(&mut text, &format!("  {name}"), value);
            }
        }
        match &self.verdict {
            Verdict::Preflight => line(&mut text, "verdict", "204 preflight"),
            Verdict::Described => line(&mut text, "verdict", "200 resource_metadata"),
            Verdict::Own => line(&mut text, "verdict", "answered by the edge"),
            Verdict::Depends(on) => line(&mut text, "verdict", on),
            Verdict::Forward { .. } => line(&mut text, "verdict", "forward"),
            Verdict::Refuse(reject) => line(&mut text, "verdict", &format!("{} {}", reject.status(), reject.metric())),
        }
        text
    }

    /// `{"steps": [{"step", "says", "facts": {…}}], "verdict": {…}}`. Facts of one name are joined by a line feed.
    pub fn json(&self) -> Value {
        let steps: Vec<Value> = self.story.steps.iter().map(Step::json).collect();
        let verdict = match &self.verdict {
            Verdict::Preflight => json!({"forward": false, "status": 204, "answer": "preflight"}),
            Verdict::Described => json!({"forward": false, "status": 200, "answer": "resource_metadata"}),
            Verdict::Own => json!({"forward": false, "answer": "own"}),
            Verdict::Depends(on) => json!({"forward": null, "depends": on}),
            Verdict::Forward { upstream } => json!({"forward": true, "upstream": upstream}),
            Verdict::Refuse(reject) => json!({
                "forward": false,
                "status": reject.status(),
                "reason": reject.metric(),
                "error": reject.wire_code(),
                "error_description": reject.description(),
            }),
        };
        json!({"steps": steps, "verdict": verdict})
    }
}

impl Step {
    fn json(&self) -> Value {
        let mut facts = Map::new();
        for (name, value) in &self.facts {
            match facts.get_mut(*name) {
                Some(Value::String(known)) => *known = format!("{known}\n{value}"),
                _ => drop(facts.insert((*name).to_owned(), Value::from(value.as_str()))),
            }
        }
        json!({"step": self.name, "says": self.says, "facts": facts})
    }
}

fn line(text: &mut String, what: &str, says: &str) {
    let shown: String = says.chars().flat_map(shown).collect();
    let _ = writeln!(text, "{what:<10} {shown}"); // writing to a String does not fail
}

/// What moves a terminal is written out; quotes are left as they are.
fn shown(c: char) -> impl Iterator<Item = char> {
    let plain = matches!(c, '"' | '\'' | '\\').then_some(c);
    plain.into_iter().chain(plain.is_none().then(|| c.escape_debug()).into_iter().flatten())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn story() -> Story {
        let mut story = Story::default();
        story.step("token", "refuses: expired");
        story.fact("iss", "https://i\n\u{1b}[2J");
        story.fact("scope", "a");
        story.fact("scope", "b");
        story
    }

    #[test]
    fn lines_for_people_hold_no_control_characters() {
        let text = story().refuse(Reject::Expired).text();
        assert_eq!(
            text,
            "token      refuses: expired\n  iss      https://i\\n\\u{1b}[2J\n  scope    a\n  scope    b\nverdict    401 expired\n"
        );
    }

    #[test]
    fn json_for_machines_has_the_same() {
        let expected = json!({
            "steps": [{"step": "token", "says": "refuses: expired", "facts": {"iss": "https://i\n\u{1b}[2J", "scope": "a\nb"}}],
            "verdict": {"forward": false, "status": 401, "reason": "expired", "error": "invalid_token", "error_description": "expired"},
        });
        assert_eq!(story().refuse(Reject::Expired).json(), expected);
        assert_eq!(story().forward("u").json()["verdict"], json!({"forward": true, "upstream": "u"}));
    }
}
