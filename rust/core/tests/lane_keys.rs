//! Which keys lead to which channels, and which say nothing new: with few keys, and with so many that they are in
//! tables.

mod lines;
mod table;

use holdback_core::wire::{Address, ChannelId, Lane, LaneError, SlotId};
use lines::{assert_declined, assert_taken, buffer, content, line, with_channels};
use table::{ARGUMENTS, CONTENT, FINISH, REASONING};

/// The same lane twice; the second has many more keys.
fn lanes(slots: &[SlotId]) -> [(Lane, Vec<ChannelId>); 2] {
    [0, 100].map(|more| {
        let (mut lane, ids) = with_channels(slots);
        let other = lane.open(buffer(true));
        for call in 0..more {
            lane.register(other, ARGUMENTS, &[Address::Integer(9), Address::Integer(call)]).unwrap();
        }
        (lane, ids)
    })
}

#[test]
fn a_channel_of_any_address() {
    for (mut lane, _) in lanes(&[]) {
        let [any, one] = [lane.open(buffer(true)), lane.open(buffer(true))];
        let call = |index: &str, text: &str| {
            line(&format!("\"calls\":[{{\"index\":{index},\"arguments\":\"{text}\"}}]"))
        };
        lane.register(any, ARGUMENTS, &[Address::Integer(0), Address::Any]).unwrap();
        lane.register(one, ARGUMENTS, &[Address::Integer(0), Address::Text(b"x".into())]).unwrap();
        let held = call(r#""y""#, "<");
        assert_taken(&mut lane, &held, "");
        assert_taken(&mut lane, &call(r#""x""#, "P>"), &call(r#""x""#, "P>"));
        assert_taken(&mut lane, &call("7", "P>"), &call("7", "Ada"));
        assert_declined(&mut lane, &call("7", "P>").replace("{\"delta\"", "{\"index\":1,\"delta\""));
        lane.forget(any).unwrap();
        assert_declined(&mut lane, &held);
        let opened = lane.register(any, ARGUMENTS, &[Address::Any, Address::Any]);
        assert_eq!(opened, Err(LaneError::TooOpen));
    }
}

#[test]
fn registrations() {
    for (mut lane, ids) in lanes(&[CONTENT, REASONING]) {
        let key = [Address::Integer(0)];
        // The later registration of the same text counts, and is not dropped with the earlier channel.
        lane.register(ids[1], CONTENT, &key).unwrap();
        lane.register(ids[1], CONTENT, &key).unwrap();
        lane.forget(ids[0]).unwrap();
        assert_taken(&mut lane, &content("x"), &content("x"));
        // Both registrations of a channel go to another one, one after the other.
        let reasoning = line(r#""reasoning":"x""#);
        lane.register(ids[0], CONTENT, &key).unwrap();
        lane.register(ids[0], REASONING, &key).unwrap();
        lane.register(ids[1], CONTENT, &key).unwrap();
        lane.register(ids[1], REASONING, &key).unwrap();
        lane.forget(ids[0]).unwrap();
        assert_taken(&mut lane, &content("x"), &content("x"));
        assert_taken(&mut lane, &reasoning, &reasoning);
        lane.close(ids[1]).unwrap();
        assert_declined(&mut lane, &content("x"));
        assert_declined(&mut lane, &line(r#""reasoning":"x""#));
        for refused in
            [lane.close(ids[1]), lane.forget(ids[1]), lane.link(ids[0], ids[1]), lane.link(ids[1], ids[0])]
        {
            assert_eq!(refused, Err(LaneError::NoChannel));
        }
        assert_eq!(lane.register(ids[1], CONTENT, &key), Err(LaneError::NoChannel));
        let next = lane.open(buffer(false));
        assert_ne!(next, ids[1]);
        assert_eq!(lane.register(next, CONTENT, &[]), Err(LaneError::Addresses));
        assert_eq!(lane.register(next, 99, &key), Err(LaneError::NoSlot));
        assert_eq!(lane.note(99, b"", true), Err(LaneError::NoSlot));
        assert_eq!(LaneError::NoSlot.to_string(), "the table has no such slot");
    }
}

#[test]
fn events_that_are_known() {
    for (mut lane, _) in lanes(&[CONTENT]) {
        let stop = "{\"choices\":[{\"index\":0,\"finish\":\"stop\"}]}\n";
        let other = "{\"choices\":[{\"index\":1,\"finish\":\"stop\"}]}\n";
        lane.know(FINISH, &[Address::Integer(0)]).unwrap();
        assert_taken(&mut lane, stop, stop);
        assert_declined(&mut lane, other);
        lane.know(FINISH, &[Address::Any]).unwrap();
        assert_taken(&mut lane, other, other);
    }
}

/// One more key at a time, from few keys to many: none is lost on the way, and all of them can be dropped.
#[test]
fn keys_that_become_many() {
    let (mut lane, _) = with_channels(&[]);
    let [one, other] = [lane.open(buffer(true)), lane.open(buffer(true))];
    let call = |call: i64| line(&format!("\"calls\":[{{\"index\":{call},\"arguments\":\"x\"}}]"));
    for last in 0..60 {
        let id = if last % 2 == 0 { one } else { other };
        lane.register(id, ARGUMENTS, &[Address::Integer(0), Address::Integer(last)]).unwrap();
        lane.know(FINISH, &[Address::Integer(last)]).unwrap();
        for before in 0..=last {
            assert_taken(&mut lane, &call(before), &call(before));
        }
        assert_declined(&mut lane, &call(last + 1));
    }
    lane.forget(one).unwrap();
    for number in 0..60 {
        if number % 2 == 0 {
            assert_declined(&mut lane, &call(number));
        } else {
            assert_taken(&mut lane, &call(number), &call(number));
        }
        let stop = format!("{{\"choices\":[{{\"index\":{number},\"finish\":\"stop\"}}]}}\n");
        assert_taken(&mut lane, &stop, &stop);
    }
}

/// Of two keys that leave an address open, the one that leaves the first open counts.
#[test]
fn keys_that_both_fit() {
    for (mut lane, _) in lanes(&[]) {
        let [by_choice, by_call] = [lane.open(buffer(true)), lane.open(buffer(true))];
        lane.register(by_choice, ARGUMENTS, &[Address::Integer(0), Address::Any]).unwrap();
        lane.register(by_call, ARGUMENTS, &[Address::Any, Address::Integer(7)]).unwrap();
        let call = |text: &str| line(&format!("\"calls\":[{{\"index\":7,\"arguments\":\"{text}\"}}]"));
        assert_taken(&mut lane, &call("<"), "");
        lane.forget(by_choice).unwrap();
        assert_taken(&mut lane, &call("P>"), &call("Ada"));
    }
}
