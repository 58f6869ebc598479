"""Does an installed holdback work, and is it the backend it should be?

    python tools/smoke.py native|pure

Runs wherever holdback is importable, also far from the source tree. Each backend switch is tried in an
interpreter of its own, because the choice is made once, at import.
"""

from __future__ import annotations

import os
import subprocess
import sys

PLACEHOLDERS = {
    "<PERSON_1>": "Ada Lovelace",
    "<PERSON_10>": "Łukasz \N{GRINNING FACE}",
    "Ann": "Bo",
    "Ann Lee": "Cy",
}
PIECES = ["Hi <PERS", "ON_1", ">, <PERSON_10", "> and An", "n Le", "o, Ann Lee! <PERSON_"]
RESTORED = "Hi Ada Lovelace, Łukasz \N{GRINNING FACE} and Bo Leo, Cy! <PERSON_"


def probe() -> None:
    """Restore a stream cut at nasty places, then say which backend did it."""
    import holdback

    stream = holdback.TrieMatcher(PLACEHOLDERS).stream()
    sent = [stream.feed(piece) for piece in PIECES]
    assert sent[0] == "Hi "
    assert stream.pending == "<PERSON_"
    assert "".join(sent) + stream.flush() == RESTORED
    print(holdback.BACKEND)


def backend_with(**switches: str) -> str:
    """The backend a fresh interpreter picks under these variables, or the name of the error it ends with."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("HOLDBACK_")} | switches
    command = [sys.executable, "-I", __file__, "probe"]  # -I: the installed package, not what lies in the cwd
    run = subprocess.run(command, env=env, capture_output=True, encoding="utf-8", timeout=60, check=False)
    if run.returncode == 0:
        return run.stdout.strip()
    return run.stderr.strip().splitlines()[-1].split(":")[0]


def main(expected: str) -> None:
    """Check all three ways of choosing a backend."""
    without_native = "native" if expected == "native" else "ImportError"
    checks = [
        ({}, expected),
        ({"HOLDBACK_PURE": "1"}, "pure"),
        ({"HOLDBACK_REQUIRE_NATIVE": "1"}, without_native),
    ]
    for switches, want in checks:
        got = backend_with(**switches)
        if got != want:
            sys.exit(f"smoke: with {switches or 'no switches'} expected {want}, got {got}")
    print(f"smoke: {expected} backend, switches and restoring as promised")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["probe"]:
            probe()
        case ["native" | "pure" as expected]:
            main(expected)
        case _:
            sys.exit(__doc__)
