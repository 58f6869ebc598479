//! The example gateway, driven with recordings and with streams that end in the middle of a placeholder.

#[allow(dead_code, reason = "its main is for whoever runs it")]
#[path = "../examples/gateway.rs"]
mod gateway;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use gateway::{Answer, chat, relay};
use holdback_core::Matcher;
use serde_json::Value;

fn through(provider: &[u8], pairs: &BTreeMap<String, String>, size: usize) -> Vec<u8> {
    let mut client = Vec::new();
    let answer = Answer::new(Matcher::new(pairs).unwrap(), Arc::new(chat()));
    relay(provider, &mut client, answer, size).unwrap();
    client
}

fn example(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name)).unwrap()
}

fn map() -> BTreeMap<String, String> {
    serde_json::from_slice(&example("recordings/chat.map.json")).unwrap()
}

/// All text of a stream, joined: content and the like by choice, arguments by choice and call.
fn texts(stream: &[u8]) -> BTreeMap<String, String> {
    let mut texts: BTreeMap<String, String> = BTreeMap::new();
    for line in std::str::from_utf8(stream).unwrap().lines() {
        let Some(Ok(chunk)) = line.strip_prefix("data: ").map(serde_json::from_str::<Value>) else {
            continue;
        };
        for choice in chunk["choices"].as_array().into_iter().flatten() {
            let delta = &choice["delta"];
            let mut add = |name: String, text: &Value| {
                *texts.entry(name).or_default() += text.as_str().unwrap_or_default();
            };
            for name in ["content", "reasoning_content", "refusal"] {
                add(format!("{name} {}", choice["index"]), &delta[name]);
            }
            for call in delta["tool_calls"].as_array().into_iter().flatten() {
                add(format!("call {} {}", choice["index"], call["index"]), &call["function"]["arguments"]);
            }
        }
    }
    texts
}

/// The lines of a stream without what is text, and without those that have nothing else.
fn surroundings(stream: &[u8]) -> Vec<String> {
    let mut lines = Vec::new();
    for line in std::str::from_utf8(stream).unwrap().lines() {
        let mut value: Value = line
            .strip_prefix("data: ")
            .map_or(Value::Null, |data| serde_json::from_str(data).unwrap_or_else(|_| data.into()));
        let mut says = value.get("usage").is_some_and(Value::is_object)
            || !value.get("choices").is_some_and(Value::is_array);
        for choice in value.get_mut("choices").and_then(Value::as_array_mut).into_iter().flatten() {
            says |= choice["finish_reason"].is_string();
            for name in ["content", "reasoning_content", "refusal"] {
                if let Some(delta) = choice["delta"].as_object_mut() {
                    delta.remove(name);
                }
            }
            says |= choice["delta"]
                .as_object()
                .is_some_and(|delta| delta.keys().any(|name| name != "tool_calls"));
            for call in
                choice["delta"].get_mut("tool_calls").and_then(Value::as_array_mut).into_iter().flatten()
            {
                call["function"].as_object_mut().unwrap().remove("arguments");
                says |= call["id"].is_string();
            }
        }
        if says && !line.is_empty() {
            lines.push(value.to_string());
        }
    }
    lines
}

/// A recording: every text is that of the provider, restored as a whole, and everything else is as it was.
#[test]
fn recordings() {
    for name in ["recordings/chat.sse", "streams/openai-chat-tools.sse", "streams/openai-chat-azure.sse"] {
        let (provider, pairs) = (example(name), map());
        let matcher = Matcher::new(&pairs).unwrap();
        let client = through(&provider, &pairs, provider.len());
        let restored: BTreeMap<_, _> = texts(&provider)
            .into_iter()
            .map(|(name, text)| {
                let restored = if name.starts_with("call") {
                    matcher.replace_json(&text)
                } else {
                    matcher.replace(&text)
                };
                (name, String::from_utf8(restored.into_owned()).unwrap())
            })
            .collect();
        assert_eq!(texts(&client), restored, "{name}");
        assert_eq!(surroundings(&client), surroundings(&provider), "{name}");
        for size in [1, 7, 100, 4096] {
            assert!(through(&provider, &pairs, size) == client, "{name} in reads of {size}");
        }
        // An escape in arguments that an event cuts off waits for the rest, whatever the placeholders.
        let same = through(&provider, &BTreeMap::new(), 64);
        assert_eq!(texts(&same), texts(&provider), "{name} without a placeholder");
        assert!(same == provider || name.contains("tools"), "{name} without a placeholder");
    }
}

fn event(choice: &str) -> String {
    format!("data: {{\"id\": \"c1\",\"choices\":[{{\"index\":0,{choice}}}]}}\n\n")
}

#[test]
fn what_is_held_back_leaves_with_the_finish() {
    let pairs = BTreeMap::from([("<PERSON_1>".to_owned(), "Ada \"A\"".to_owned())]);
    let said = |text: &str| event(&format!("\"delta\":{{\"content\":\"{text}\"}}"));
    let stop = event(r#""delta":{},"finish_reason":"stop""#);
    let tail = "data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"<P\"},\"finish_reason\":null}]}\n\n";
    let last = |text: &str| event(&format!(r#""delta":{{"content":{text}}},"finish_reason":"stop""#));
    for (provider, client) in [
        (
            [said("Hi <PERSON"), said("_1>"), stop.clone()].concat(),
            [said("Hi "), said("Ada \\\"A\\\""), stop.clone()].concat(),
        ),
        ([said("Hi <P"), stop.clone()].concat(), [&*said("Hi "), tail, &stop].concat()),
        ([said("Hi <P"), last("null")].concat(), [said("Hi "), last("\"<P\"")].concat()),
        ([said("Hi <P"), last("\"ERSON_1> <\"")].concat(), [said("Hi "), last(r#""Ada \"A\" <""#)].concat()),
        (
            [said("Hi <P"), "data: [DONE]\n\n".to_owned()].concat(),
            [&*said("Hi "), tail, "data: [DONE]\n\n"].concat(),
        ),
        ([said("Hi <P"), "data: {".to_owned()].concat(), [&*said("Hi "), tail, "data: {"].concat()),
    ] {
        for size in [1, 1000] {
            assert_eq!(String::from_utf8(through(provider.as_bytes(), &pairs, size)).unwrap(), client);
        }
    }
}
