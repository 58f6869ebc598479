//! Frames: any cutting finds the same ones, and they are those of a reader that looks at whole lines.

use holdback_core::wire::{Data, Frames, Framing};
use proptest::prelude::*;

/// What is known of a frame: its bytes, the values of its data lines, whether it has other lines.
type Found = (Vec<u8>, Vec<Vec<u8>>, bool);

/// The lines of a stream, each with its end; the last one may have none.
fn lines(mut stream: &[u8]) -> Vec<(&[u8], &[u8])> {
    let mut lines = Vec::new();
    while !stream.is_empty() {
        let end = stream.iter().position(|byte| b"\r\n".contains(byte)).unwrap_or(stream.len());
        let length = match &stream[end..] {
            [b'\r', b'\n', ..] => 2,
            [] => 0,
            _ => 1,
        };
        lines.push((&stream[..end], &stream[end..end + length]));
        stream = &stream[end + length..];
    }
    lines
}

/// The complete frames of a stream, line by line.
fn by_lines(stream: &[u8], framing: Framing) -> Vec<Found> {
    let mut frames = Vec::new();
    if framing == Framing::Lines {
        for line in stream.split_inclusive(|&byte| byte == b'\n').filter(|line| line.ends_with(b"\n")) {
            frames.push((line.to_vec(), vec![line[..line.len() - 1].to_vec()], false));
        }
        return frames;
    }
    let mut frame: Found = (Vec::new(), Vec::new(), false);
    let mut has_lines = false;
    for (line, end) in lines(stream) {
        frame.0.extend([line, end].concat());
        if end.is_empty() {
            break;
        }
        let is_comment = line.starts_with(b":");
        if line == b"data" {
            frame.1.push(Vec::new());
        } else if let Some(value) = line.strip_prefix(b"data:") {
            frame.1.push(value.strip_prefix(b" ").unwrap_or(value).to_vec());
        } else {
            frame.2 |= !line.is_empty();
        }
        if line.is_empty() || (is_comment && !has_lines) {
            frames.push(std::mem::take(&mut frame));
            has_lines = false;
        } else {
            has_lines = true;
        }
    }
    frames
}

/// The same, found in pieces; a LF that comes behind a frame's last CR is part of it.
fn in_pieces(stream: &[u8], framing: Framing, cuts: &[usize]) -> Vec<Found> {
    let mut frames = Frames::new(framing, 1);
    let mut found: Vec<Found> = Vec::new();
    let (mut begin, mut takes_line_feed) = (0, false);
    for &end in cuts.iter().chain([&stream.len()]) {
        while begin < end {
            if std::mem::take(&mut takes_line_feed) && stream[begin] == b'\n' {
                found.last_mut().unwrap().0.push(b'\n');
                begin += 1;
                continue;
            }
            let Some(frame) = frames.next(&stream[begin..end]) else { break };
            let bytes = &stream[begin..begin + frame.length];
            let size = bytes.iter().rposition(|byte| !b"\r\n".contains(byte)).map_or(0, |last| last + 1);
            assert!(framing == Framing::Lines || frame.size == size);
            let values = match frame.data {
                Data::None => Vec::new(),
                Data::One(data) => vec![bytes[data].to_vec()],
                Data::Several => vec![Vec::new(); 2],
            };
            found.push((bytes.to_vec(), values, !frame.only_data));
            begin += frame.length;
            takes_line_feed = frame.takes_line_feed;
        }
    }
    found
}

/// The values of several lines are not told by the frames.
fn without_several(frames: Vec<Found>) -> Vec<Found> {
    let of = |(bytes, values, other): Found| {
        let values = if values.len() > 1 { vec![Vec::new(); 2] } else { values };
        (bytes, values, other)
    };
    frames.into_iter().map(of).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    #[test]
    fn any_cutting(
        stream in r"(data|data: ?x?|:|:c|event: e|id|\r\n|\n|\r|\n\n| |d){0,30}",
        places in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let stream = stream.as_bytes();
        let mut cuts: Vec<usize> = places.iter().map(|place| place.index(stream.len() + 1)).collect();
        cuts.sort_unstable();
        for framing in [Framing::Events, Framing::Lines] {
            let expected = without_several(by_lines(stream, framing));
            prop_assert_eq!(&in_pieces(stream, framing, &cuts), &expected);
            let bytewise: Vec<usize> = (0..stream.len()).collect();
            prop_assert_eq!(&in_pieces(stream, framing, &bytewise), &expected);
        }
    }
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_first_line() {
    for framing in [Framing::Events, Framing::Lines] {
        let stream = if framing == Framing::Events { "\u{feff}data: 1\n\n" } else { "\u{feff}1\n" };
        let frame = Frames::new(framing, 0).next(stream.as_bytes()).unwrap();
        assert_eq!(frame.length, stream.len());
        let Data::One(data) = frame.data else { panic!("one value") };
        assert_eq!(&stream[data], "1");
    }
    let frame = Frames::new(Framing::Events, 7).next("\u{feff}data: 1\n\n".as_bytes()).unwrap();
    assert_eq!(frame.data, Data::None);
}

#[test]
fn the_size_is_known_before_the_end() {
    let mut frames = Frames::new(Framing::Events, 0);
    for (came, size) in [("d", 1), ("data: 1", 7), ("data: 1\r", 7), ("data: 1\r\nid", 11)] {
        assert_eq!(frames.next(came.as_bytes()), None);
        assert_eq!(frames.size(), size);
    }
}
