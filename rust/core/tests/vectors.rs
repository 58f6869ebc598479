//! The cases of `tests/vectors/*.json` and `tests/vectors/steps/*.json`, which the Python suite runs on both twins too.

use std::path::Path;

use holdback_core::{Fed, Matcher, StreamBuffer};
use serde::Deserialize;
use serde_bytes::ByteBuf; // reads a JSON string with lone surrogates as WTF-8

#[derive(Deserialize)]
struct Vector {
    name: String,
    json: bool,
    pairs: Vec<(ByteBuf, ByteBuf)>,
    chunks: Vec<ByteBuf>,
    feeds: Vec<ByteBuf>,
    pending: Vec<ByteBuf>,
    flush: ByteBuf,
}

fn feed(stream: &mut StreamBuffer, text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    match stream.feed_wtf8(text, &mut out) {
        Fed::Written => out,
        Fed::Unchanged => text.to_vec(),
    }
}

fn flush(stream: &mut StreamBuffer) -> Vec<u8> {
    let mut out = Vec::new();
    stream.flush(&mut out);
    out
}

fn concat(pieces: &[ByteBuf]) -> Vec<u8> {
    pieces.iter().flat_map(|piece| piece.iter().copied()).collect()
}

fn check(vector: &Vector) {
    let matcher = Matcher::new(vector.pairs_as_bytes()).expect(&vector.name);
    let open = || if vector.json { matcher.stream_json() } else { matcher.stream() };

    let mut stream = open();
    for ((chunk, expected), pending) in vector.chunks.iter().zip(&vector.feeds).zip(&vector.pending) {
        assert_eq!(feed(&mut stream, chunk), **expected, "feed in {}", vector.name);
        assert_eq!(stream.pending(), **pending, "pending in {}", vector.name);
    }
    assert_eq!(flush(&mut stream), *vector.flush, "flush in {}", vector.name);

    let source = concat(&vector.chunks);
    let restored = [concat(&vector.feeds), vector.flush.to_vec()].concat();
    let whole = if vector.json { matcher.replace_json(&source) } else { matcher.replace(&source) };
    assert_eq!(*whole, restored, "whole in {}", vector.name);

    let mut byte_by_byte = open();
    let mut out = Vec::new();
    if let Ok(source) = std::str::from_utf8(&source) {
        for character in source.chars() {
            out.extend(feed(&mut byte_by_byte, character.encode_utf8(&mut [0; 4]).as_bytes()));
        }
        out.extend(flush(&mut byte_by_byte));
        assert_eq!(out, restored, "one character at a time in {}", vector.name);
    }
}

impl Vector {
    fn pairs_as_bytes(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        self.pairs.iter().map(|(key, original)| (key.to_vec(), original.to_vec())).collect()
    }
}

#[test]
fn every_vector() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors");
    let mut count = 0;
    for name in ["plain.json", "json.json"] {
        let file = std::fs::read(folder.join(name)).expect(name);
        let vectors: Vec<Vector> = serde_json::from_slice(&file).expect(name);
        vectors.iter().for_each(check);
        count += vectors.len();
    }
    assert!(count > 50, "only {count} vectors");
}

/// A stream that is settled or flushed in the middle: what is done, with what, what leaves, what is pending then.
#[derive(Deserialize)]
struct Steps {
    name: String,
    json: serde_json::Value,
    pairs: Vec<(ByteBuf, ByteBuf)>,
    steps: Vec<(String, ByteBuf, ByteBuf, ByteBuf)>,
}

#[test]
fn every_step() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/steps");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let file = std::fs::read(entry.unwrap().path()).unwrap();
        for Steps { name, json, pairs, steps } in serde_json::from_slice::<Vec<Steps>>(&file).unwrap() {
            let matcher = Matcher::new(pairs.iter().map(|(key, original)| (&**key, &**original))).unwrap();
            let mut stream = if json == true { matcher.stream_json() } else { matcher.stream() };
            for (verb, text, leaves, pending) in steps {
                let mut out = Vec::new();
                match &*verb {
                    "feed" => out = feed(&mut stream, &text),
                    "settle" => stream.settle(&mut out),
                    _ => stream.flush(&mut out),
                }
                assert_eq!(out, *leaves, "{verb} in {name}");
                assert_eq!(stream.pending(), *pending, "pending in {name}");
            }
            count += 1;
        }
    }
    assert!(count > 10, "only {count} vectors");
}
