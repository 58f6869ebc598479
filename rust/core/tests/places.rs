//! The cases of `tests/vectors/places/places.json`, which the Python suite runs on both twins too.

use std::path::Path;

use holdback_core::wire::places::{AllowedHost, JsonPlaces, Places};
use serde::Deserialize;
use serde_bytes::ByteBuf; // reads a JSON string with lone surrogates as WTF-8

#[derive(Deserialize)]
struct Vectors {
    places: Vec<Place>,
    json: Vec<Source>,
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
struct Place {
    name: String,
    chunks: Vec<ByteBuf>,
    in_address: Vec<bool>,
    address: Vec<Option<ByteBuf>>,
}

#[derive(Deserialize)]
struct Source {
    name: String,
    chunks: Vec<ByteBuf>,
    in_address: Vec<bool>,
}

#[derive(Deserialize)]
struct Rule {
    name: String,
    hosts: Vec<String>,
    text: ByteBuf,
    value: ByteBuf,
    keeps: bool,
}

fn vectors() -> Vectors {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/places/places.json");
    serde_json::from_slice(&std::fs::read(file).expect("the file")).expect("vectors")
}

fn allowed(host: &str) -> AllowedHost {
    let (name, prefix) = host.find('/').map_or((host, ""), |at| host.split_at(at));
    let below = name.strip_prefix("*.");
    AllowedHost { host: below.unwrap_or(name).into(), is_wildcard: below.is_some(), prefix: prefix.into() }
}

#[test]
fn every_place() {
    let places = vectors().places;
    assert!(places.len() > 50, "only {} vectors", places.len());
    for Place { name, chunks, in_address, address } in places {
        let mut machine = Places::new([]);
        // A byte at a time, so that characters are cut too.
        let mut bytes = Places::new([]);
        for ((chunk, in_address), address) in chunks.iter().zip(in_address).zip(address) {
            machine.feed(chunk);
            chunk.iter().for_each(|&byte| bytes.feed(&[byte]));
            for machine in [&machine, &bytes] {
                assert_eq!(machine.in_address(), in_address, "{name}");
                assert_eq!(machine.address(), address.as_ref().map(|address| &address[..]), "{name}");
            }
        }
    }
}

#[test]
fn every_json() {
    for Source { name, chunks, in_address } in vectors().json {
        let (mut machine, mut bytes) = (JsonPlaces::new([]), JsonPlaces::new([]));
        for (chunk, in_address) in chunks.iter().zip(in_address) {
            machine.feed(chunk);
            chunk.iter().for_each(|&byte| bytes.feed(&[byte]));
            assert_eq!((machine.in_address(), bytes.in_address()), (in_address, in_address), "{name}");
        }
    }
}

#[test]
fn every_rule() {
    for Rule { name, hosts, text, value, keeps } in vectors().rules {
        let mut places = Places::new(hosts.iter().map(|host| allowed(host)).collect::<Vec<_>>());
        places.feed(&text);
        assert_eq!(places.keeps(&value), keeps, "{name}");
    }
}

#[test]
fn a_copy_goes_on_by_itself_and_a_reset_begins_anew() {
    let mut first = Places::new([allowed("example.org")]);
    first.feed(b"[a](https://example.org/");
    let mut second = first.clone();
    second.feed(b") ");
    assert!(first.in_address() && !second.in_address());
    first.reset();
    assert!(!first.in_address());
    first.feed(b"https://example.org/");
    assert!(first.in_address() && !first.keeps(b"Ada"));
}
