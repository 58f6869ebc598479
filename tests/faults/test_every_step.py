"""A fault at every step of a stream, through every shell, and what must hold whatever it is.

The steps are where a shell waits: for its upstream's next item, for its client to take a piece, for its upstream to
close. At each the upstream fails, or the client does, or the run is cancelled. Whatever happens: what was to leave by
then has left, once and in order; after an error of the upstream the held text as well, after anything else nothing
more; the error is the same object; the upstream is closed exactly once and asked for nothing more.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from itertools import chain
from typing import Any

import pytest

from faults.plan import Left, Lost, Plan, Response, Source, drive
from faults.shells import EVERY_SHELL, Content, Run, Sent, Shell, invented, recorded
from streams import PAIRS, STOP, call, say, text

pytestmark = [pytest.mark.usefixtures("hosted"), pytest.mark.faults]

PIECES = ["Hi <PERS", "ON_1", "> and", " <PERSON_10", ">! Ann", " Lee", " <PERS"]
CHAT = invented(
    [
        *map(say, PIECES[:4]),
        call('{"a": "<PERS'),
        say("<PE", index=1),
        *map(say, PIECES[4:]),
    ],
    PAIRS,
)
ENDED = invented([*CHAT.chunks, STOP, say(" and <PER")], PAIRS)
TEXTS = invented(list(map(text, PIECES)), PAIRS, "openai-text")
KINDS = {"source": Source, "response": Response}


def contents(shell: Shell) -> Iterator[Content]:
    """What a shell is to be tried with."""
    return filter(shell.fits, (CHAT, ENDED, TEXTS))


def kinds(shell: Shell) -> list[type[Source]]:
    """An iterator that is a thing of its own is closed by us; a host takes care of what it made itself."""
    return [Source] if shell.pushes or shell.closes_early else [Source, Response]


def interrupt(shell: Shell) -> BaseException:
    return asyncio.CancelledError() if shell.is_async else KeyboardInterrupt()


def closed_once(run: Run) -> bool:
    """Whether every part of the upstream was closed, once; what comes apart is closed from the inside out."""
    return run.source.closed == (["iterator", "source"] if isinstance(run.source, Response) else ["source"])


def is_the_same(shell: Shell, error: BaseException | None, expected: Exception) -> bool:
    """Whether an error of the stream came through, with nothing hanging on it."""
    if error is None or error.__cause__ or error.__context__ or hasattr(error, "__notes__"):
        return False
    return type(error).__name__ == "PIIProcessingError" if shell.wraps_errors else error is expected


def left_by(sent: Sent, taken: int) -> list[Any]:
    return list(chain(*sent.pieces[:taken]))


def whole(sent: Sent) -> list[Any]:
    return [*chain(*sent.pieces), *sent.tails[-1], *sent.end]


def steps_of(sent: Sent) -> list[str]:
    """The steps of a run without faults: an item is asked for when all that left for the last one was taken."""
    ends = [*sent.tails[-1], *sent.end]
    return [
        *chain.from_iterable(("next", *["client"] * len(pieces)) for pieces in sent.pieces),
        "next",
        *["client"] * len(ends),
        "close",
    ]


def check(shell: Shell, content: Content, kind: type[Source], *, upstream_only: bool = False) -> None:
    """Every fault at every step of one stream, or at those of the upstream."""
    sent = shell.sent(content, shell.items(content))
    sound = shell.run(content, Plan(), kind)
    assert sound.error is None
    assert sound.out == whole(sent)
    assert closed_once(sound)
    steps = [name for name in sound.trace if name != "close"]
    assert steps == [name for name in steps_of(sent) if name != "close"]
    if not shell.closes_early:
        assert "close" not in sound.trace[: len(steps)]
    for at, name in enumerate(sound.trace):
        if upstream_only and name != "next":
            continue
        taken = sound.trace[:at].count("next")
        seen = sound.trace[:at].count("client")
        for fault in (Lost() if name != "client" else Left(), interrupt(shell)):
            run = shell.run(content, Plan({at: fault}), kind)
            where = f"{type(fault).__name__} at step {at}, {name}"
            assert closed_once(run), where
            assert "next" not in run.trace[at + 1 :], where
            if name == "next" and isinstance(fault, Exception):
                assert run.out == left_by(sent, taken) + sent.tails[taken], where
                assert is_the_same(shell, run.error, fault), where
            elif name == "close" and isinstance(fault, Exception):
                assert run.out == sound.out, where
                may_show = shell.closes_early or shell.pushes
                assert run.error is None or (may_show and run.error is fault), where
            else:
                assert run.out == sound.out[:seen], where
                assert run.error is fault, where


# ---------------------------------------------------------------- one fault


@EVERY_SHELL
def test_a_fault_at_every_step(shell: Shell, backend: str) -> None:
    for content in contents(shell):
        for kind in kinds(shell):
            check(shell, content, kind)


@EVERY_SHELL
def test_the_upstream_of_a_recording_dies_at_every_item(shell: Shell) -> None:
    if shell.closes_early:  # what is inside is ``restore_bytes``
        return
    for content in filter(shell.fits, recorded()):
        check(shell, content, Source, upstream_only=True)


# ---------------------------------------------------------------- one fault on top of another


@EVERY_SHELL
def test_a_second_fault_while_the_first_is_answered(shell: Shell, backend: str) -> None:
    """The upstream failed, its tail is on the way: now the client fails, or closing does, or all is cancelled."""
    for content in contents(shell):
        sent = shell.sent(content, shell.items(content))
        for kind in kinds(shell):
            for at, name in enumerate(shell.run(content, Plan(), kind).trace):
                if name == "next":
                    check_second(shell, content, kind, sent, at)


def check_second(shell: Shell, content: Content, kind: type[Source], sent: Sent, at: int) -> None:
    trace = shell.run(content, Plan({at: Lost()}), kind).trace
    taken = trace[:at].count("next")
    everything = left_by(sent, taken) + sent.tails[taken]
    for second in range(at + 1, len(trace)):
        for fault in (Left(), interrupt(shell)):
            first = Lost()
            run = shell.run(content, Plan({at: first, second: fault}), kind)
            where = f"{type(fault).__name__} at step {second}, {trace[second]}, after Lost at {at}"
            assert closed_once(run), where
            assert "next" not in run.trace[at + 1 :], where
            if trace[second] == "client":
                assert run.out == everything[: trace[:second].count("client")], where
            if isinstance(fault, asyncio.CancelledError | KeyboardInterrupt):
                assert run.error is fault, where
            elif trace[second] == "close" and (shell.closes_early or shell.pushes):
                assert run.error in (first, fault), where
            elif trace[second] == "close":
                assert run.out == everything, where
                assert is_the_same(shell, run.error, first), where
            elif shell.pushes:  # the client of a server is nobody's error
                assert run.error is first, where
            else:
                assert run.error is fault, where


# ---------------------------------------------------------------- the client leaves


@EVERY_SHELL
def test_a_client_that_stops_after_any_piece(shell: Shell, backend: str) -> None:
    if shell.pushes:
        return
    for content in contents(shell):
        sent = shell.sent(content, shell.items(content))
        for kind in kinds(shell):
            for stop in range(1, len(whole(sent)) + 1):
                run = shell.run(content, Plan(), kind, stop)
                assert run.error is None
                assert run.out == whole(sent)[:stop]
                assert closed_once(run)
                if (
                    not shell.closes_early
                ):  # an error of its closing is a matter between the host and its client
                    check_closing(shell, content, kind, stop, run)


def check_closing(shell: Shell, content: Content, kind: type[Source], stop: int, sound: Run) -> None:
    """The same client, and closing fails or is cancelled."""
    for at, name in enumerate(sound.trace):
        if name == "close":
            for fault in (Lost(), interrupt(shell)):
                run = shell.run(content, Plan({at: fault}), kind, stop)
                assert closed_once(run)
                assert run.out == sound.out
                assert run.error is (None if isinstance(fault, Exception) else fault)


@EVERY_SHELL
def test_a_client_that_drops_the_stream(shell: Shell, backend: str) -> None:
    """Nobody closes it: it goes with its last reference."""
    if shell.pushes or shell.closes_early:
        return
    content = next(contents(shell))
    plan = Plan()
    source = Source(shell.items(content), plan)

    async def take() -> None:
        await anext(shell.open(source, content))
        gc.collect()

    if shell.is_async:
        drive(take())
    else:
        next(shell.open(source, content))
        gc.collect()
    assert source.closed == ["source"]
    assert plan.trace[-1] == "close"


@EVERY_SHELL
def test_a_client_that_throws_an_error_into_the_stream(shell: Shell, backend: str) -> None:
    """As a generator around it does: it gets this error back, at once, and nothing more."""
    if shell.pushes or shell.closes_early:
        return
    for content in contents(shell):
        sent = shell.sent(content, shell.items(content))
        for stop in range(1, len(whole(sent)) + 1):
            source = Source(shell.items(content), Plan())
            stream, error = shell.open(source, content), Left()
            with pytest.raises(Exception) as caught:  # noqa: PT011, PT012 - which one is looked at
                if shell.is_async:
                    for _ in range(stop):
                        drive(anext_of(stream))
                    drive(thrown_into(stream, error))
                else:
                    for _ in range(stop):
                        next(stream)
                    stream.throw(error)
            assert is_the_same(shell, caught.value, error)
            assert source.closed == ["source"]


async def anext_of(stream: Any) -> Any:
    return await anext(stream)


async def thrown_into(stream: Any, error: Exception) -> Any:
    return await stream.athrow(error)
