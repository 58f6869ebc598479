//! The heart of a gateway: restores an answer in Ollama's format on its way from the provider to the client.
//!
//! ```sh
//! curl -N http://localhost:11434/api/chat -d @request.json |
//!   cargo run -p holdback-core --example gateway -- map.json
//! ```
//!
//! `map.json` holds `{"<PERSON_1>": "Mira Okafor"}`. Every text of the answer is a stream of its own. The line with
//! `done` ends them all, and what they still hold back leaves on it, or on a line before; an answer that breaks off
//! gets a line for that.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, BufRead, Write};

use holdback_core::{Fed, Matcher, StreamBuffer};
use serde_json::{Value, json};

/// Where text stands in a line.
const TEXTS: [&str; 4] = ["/message/content", "/message/thinking", "/response", "/thinking"];

/// The texts of one answer, each restored by itself.
struct Answer<'a> {
    matcher: &'a Matcher,
    streams: HashMap<&'static str, StreamBuffer>,
}

impl<'a> Answer<'a> {
    fn new(matcher: &'a Matcher) -> Self {
        Self { matcher, streams: HashMap::new() }
    }

    /// Restore the text of a line; the last one takes along what is held back.
    fn restore(&mut self, line: &mut Value) {
        let is_last = line["done"] == true;
        for place in TEXTS {
            let Some(Value::String(text)) = line.pointer_mut(place) else { continue };
            let stream = self.streams.entry(place).or_insert_with(|| self.matcher.stream());
            let mut out = Vec::new();
            if stream.feed(text, &mut out) == Fed::Unchanged {
                out.extend_from_slice(text.as_bytes());
            }
            if is_last {
                stream.flush(&mut out);
            }
            *text = utf8(out);
        }
        // Arguments come whole, as a value: restored as their source, so that they stay JSON.
        if let Some(Value::Array(calls)) = line.pointer_mut("/message/tool_calls") {
            for arguments in calls.iter_mut().filter_map(|call| call.pointer_mut("/function/arguments")) {
                let source = arguments.to_string();
                if let Ok(restored) = serde_json::from_slice(&self.matcher.replace_json(&source)) {
                    *arguments = restored;
                }
            }
        }
    }

    /// A line for each text that still holds something back.
    fn rest(&mut self) -> Vec<Value> {
        let mut lines = Vec::new();
        for place in TEXTS {
            let mut out = Vec::new();
            if let Some(stream) = self.streams.get_mut(place) {
                stream.flush(&mut out);
            }
            if !out.is_empty() {
                let field = place.rsplit('/').next().unwrap_or_default();
                let said = json!({ field: utf8(out) });
                let is_message = place.starts_with("/message");
                let mut line = if is_message { json!({ "message": said }) } else { said };
                line["done"] = json!(false);
                lines.push(line);
            }
        }
        lines
    }
}

/// Keys, originals and text are UTF-8 here, so what leaves is.
fn utf8(out: Vec<u8>) -> String {
    String::from_utf8(out).expect("UTF-8 in, UTF-8 out")
}

/// Send an answer on, line by line, as it comes. What is no JSON passes as it is.
fn relay(provider: impl BufRead, mut client: impl Write, matcher: &Matcher) -> io::Result<()> {
    let mut answer = Answer::new(matcher);
    for line in provider.lines() {
        let line = match line {
            Ok(line) => line,
            Err(error) => {
                send(&mut client, &answer.rest())?;
                return Err(error); // behind what was held back
            }
        };
        match serde_json::from_str(&line) {
            Ok(mut value) => {
                answer.restore(&mut value);
                if value["done"] == true {
                    send(&mut client, &answer.rest())?; // of texts that have no place on this line
                }
                send(&mut client, &[value])?;
            }
            Err(_) => writeln!(client, "{line}")?,
        }
        client.flush()?; // nothing waits for the next line
    }
    send(&mut client, &answer.rest())
}

fn send(client: &mut impl Write, lines: &[Value]) -> io::Result<()> {
    lines.iter().try_for_each(|line| writeln!(client, "{line}"))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("usage: gateway MAP.json")?;
    let pairs: BTreeMap<String, String> = serde_json::from_slice(&std::fs::read(path)?)?;
    let matcher = Matcher::new(pairs)?; // compiled once, shared by all answers
    relay(io::stdin().lock(), io::stdout().lock(), &matcher)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn through(provider: &str) -> String {
        let matcher = Matcher::new([("<PERSON_1>", "Mira \"Mo\" Okafor")]).unwrap();
        let mut client = Vec::new();
        relay(provider.as_bytes(), &mut client, &matcher).unwrap();
        String::from_utf8(client).unwrap()
    }

    #[test]
    fn a_placeholder_is_restored_over_two_lines() {
        let provider = concat!(
            r#"{"done":false,"message":{"content":"Hi <PERS"}}"#,
            "\n",
            r#"{"done":false,"message":{"content":"ON_1>, <"}}"#,
            "\n",
            r#"{"done":true,"message":{"content":""}}"#,
            "\n",
        );
        let client = concat!(
            r#"{"done":false,"message":{"content":"Hi "}}"#,
            "\n",
            r#"{"done":false,"message":{"content":"Mira \"Mo\" Okafor, "}}"#,
            "\n",
            r#"{"done":true,"message":{"content":"<"}}"#,
            "\n",
        );
        assert_eq!(through(provider), client);
    }

    #[test]
    fn arguments_stay_json() {
        let calls = |name: &str| json!([{ "function": { "name": "mail", "arguments": { "to": name } } }]);
        let line = |name: &str| json!({ "done": false, "message": { "tool_calls": calls(name) } });
        let restored = through(&format!("{}\n", line("<PERSON_1>")));
        assert_eq!(serde_json::from_str::<Value>(&restored).unwrap(), line("Mira \"Mo\" Okafor"));
    }

    #[test]
    fn what_is_held_back_leaves_before_a_last_line_that_has_no_place_for_it() {
        let provider = "{\"done\":false,\"response\":\"Hi <PERS\"}\n{\"done\":true}\n";
        let client = "{\"done\":false,\"response\":\"Hi \"}\n{\"done\":false,\"response\":\"<PERS\"}\n{\"done\":true}\n";
        assert_eq!(through(provider), client);
    }

    #[test]
    fn an_answer_that_breaks_off_loses_nothing() {
        let provider = "{\"done\":false,\"response\":\"Hi <PERS\"}\nno JSON\n";
        let client =
            "{\"done\":false,\"response\":\"Hi \"}\nno JSON\n{\"done\":false,\"response\":\"<PERS\"}\n";
        assert_eq!(through(provider), client);
    }
}
