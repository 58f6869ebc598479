"""What is an event, and what is not and passes unread: values beside a placeholder, and whole events."""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """An event with a placeholder in it, and whether it is understood."""

    name: str
    source: bytes
    is_event: bool


def beside(value: bytes, name: bytes = b'"x"') -> bytes:
    """A chat event that says the placeholder, with another member before it."""
    text = b'"choices":[{"index":0,"delta":{"content":"Hi <PERSON_1>"},"finish_reason":null}]'
    return b'{"object":"chat.completion.chunk",' + name + b":" + value + b"," + text + b"}"


def nested(depth: int) -> bytes:
    """Beside it so many containers, one in the other; the event is one more."""
    return b"[" * depth + b"]" * depth


USUAL = beside(b"1")

VALUES = {
    "a number": b"1",
    "zero": b"0",
    "minus zero": b"-0",
    "a fraction": b"-0.50",
    "an exponent": b"1E+05",
    "a small exponent": b"1e-999999999999",
    "more than a float": b"1e400",
    "an integer of 5,000 digits": b"1" * 5000,
    "a fraction of 5,000 digits": b"0." + b"1" * 5000,
    "NaN": b"NaN",
    "Infinity": b"Infinity",
    "-Infinity": b"-Infinity",
    "literals": b"[true,false,null]",
    "every escape": rb'"\"\\\/\b\f\n\r\t\u00e9\uD83D\uDE00"',
    "an escaped NUL": rb'"\u0000"',
    "a lone high half": rb'"\ud83d"',
    "a lone low half": rb'"\ude00 x"',
    "halves in the wrong order": rb'"\ude00\ud83d"',
    "a name that is half a pair": rb'{"\ud83d":1}',
    "an empty name": b'{"":{}}',
    "characters that only look like controls": '"\x7f\x85\u2028\u2029\ufeff\U0010ffff"'.encode(),
    "blanks": b" [ \t1 , {} ,[ ] ] ",
    "empty containers": b"[{},[]]",
    "as deep as may be": nested(199),
    "as deep as may be, objects": b'{"a":' * 199 + b"1" + b"}" * 199,
    "wide and flat": b"[" + b"[]," * 300 + b"1]",
}
NO_VALUES = {
    "nothing": b"",
    "a leading zero": b"01",
    "a minus alone": b"-",
    "a plus": b"+1",
    "a point first": b".5",
    "a point last": b"1.",
    "an exponent without digits": b"1e",
    "an exponent with a sign alone": b"1e+",
    "two minuses": b"--1",
    "hexadecimal": b"0x10",
    "underscores": b"1_000",
    "-NaN": b"-NaN",
    "nan": b"nan",
    "inf": b"inf",
    "+Infinity": b"+Infinity",
    "half a literal": b"tru",
    "True": b"True",
    "undefined": b"undefined",
    "single quotes": b"'a'",
    "a bare word": b"a",
    "an escape that is none": rb'"\x41"',
    "an escaped line end": b'"\\\r"',
    "a short escape": rb'"\u12"',
    "an escape with a sign": rb'"\u+123"',
    "a tab in a string": b'"a\tb"',
    "a NUL in a string": b'"\x00"',
    "a control in a string": b'"\x1f"',
    "a control in a name": b'{"\x01":1}',
    "a NUL between": b"\x001",
    "a trailing comma in a list": b"[1,]",
    "a trailing comma in an object": b'{"a":1,}',
    "a comma alone": b"[,]",
    "no comma": b"[1 2]",
    "no colon": b'{"a" 1}',
    "no value": b'{"a":}',
    "a name that is no string": b"{a:1}",
    "a number as a name": b"{1:1}",
    "closed by the other bracket": b"[1}",
    "a string that does not end": b'"a',
    "invalid UTF-8": b'"\xff"',
    "invalid UTF-8 in a name": b'{"\xff":1}',
    "an overlong form": b'"\xc0\x80"',
    "a surrogate in UTF-8": b'"\xed\xa0\xbd"',
    "beyond Unicode": b'"\xf4\x90\x80\x80"',
    "half a character": b'"\xe2\x82"',
    "a byte order mark": b"\xef\xbb\xbf1",
    "another blank": b"\xc2\xa01",
    "a form feed": b"\x0c1",
    "a comment": b"1/*x*/",
    "too deep": nested(200),
    "too deep, objects": b'{"a":' * 200 + b"1" + b"}" * 200,
    "much too deep": nested(5000),
    "too deep and not closed": b"[" * 5000,
}

ROWS = [
    Row("an ordinary event", USUAL, is_event=True),
    *(Row(f"value: {name}", beside(value), is_event=True) for name, value in VALUES.items()),
    *(Row(f"no value: {name}", beside(value), is_event=False) for name, value in NO_VALUES.items()),
    Row("blanks around it", b" \t " + USUAL + b" \t ", is_event=True),
    Row("a name twice", beside(b"1").replace(b'"x":1', b'"x":1,"x":"y"'), is_event=True),
    Row("a name in escapes", USUAL.replace(b'"content"', rb'"\u0063ontent"'), is_event=True),
    Row(
        "a placeholder in escapes", USUAL.replace(b"<PERSON_1>", rb"\u003CPERSON\u005f1\u003e"), is_event=True
    ),
    Row("garbage behind it", USUAL + b" x", is_event=False),
    Row("a bracket behind it", USUAL + b"}", is_event=False),
    Row("a comma behind it", USUAL + b",", is_event=False),
    Row("another event behind it", USUAL + USUAL, is_event=False),
    Row("a NUL behind it", USUAL + b"\x00", is_event=False),
    Row("garbage before it", b"x" + USUAL, is_event=False),
    Row("another byte order mark before it", b"\xef\xbb\xbf" + USUAL, is_event=False),
    Row("cut off", USUAL[:-1], is_event=False),
    Row("in a list", b"[" + USUAL + b"]", is_event=False),
    Row("in a string", b'"' + USUAL.replace(b'"', rb"\"") + b'"', is_event=False),
    Row("no colon behind its text", USUAL.replace(b'"finish_reason":', b'"finish_reason"'), is_event=False),
    Row("wrong only at its end", USUAL[:-1] + b',"y":01}', is_event=False),
]
