"""Is this tree fit to be released? `make release-check`, after `make wheels` has built and tried the packages.

    python tools/release.py [--tag v1.2.3] [--quick]

What must always hold ends the program: one version everywhere, packages whose metadata and stable ABI are right, an
sdist that builds and passes its own tests elsewhere (with ``--quick``, as in CI, only a few of them: the suite takes
minutes), type checkers that agree with a user's program. What is left to do before a release (a date, entries under
Unreleased) is listed; with ``--tag``, which a release passes, it must be done.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"
BIN = Path(sys.executable).parent
USER_PROGRAM = (
    ROOT / "tools" / "user_program.py.txt"
)  # not .py: its wrong lines are none of our own linters' business


def toml(path: str) -> dict[str, Any]:
    """A file of this tree, parsed."""
    return tomllib.loads((ROOT / path).read_text(encoding="utf-8"))


def text(path: str) -> str:
    """A file of this tree."""
    return (ROOT / path).read_text(encoding="utf-8")


def run(*command: str | Path, cwd: Path = ROOT, **env: str) -> None:
    """Run a tool; its own words are the error message."""
    print("+", *command, flush=True)
    subprocess.run([str(part) for part in command], cwd=cwd, env=os.environ | env, check=True, timeout=1200)


# ---------------------------------------------------------------- versions and changelog


def versions() -> dict[str, str]:
    """Every place that names the version."""
    places = {
        "pyproject.toml": toml("pyproject.toml")["project"]["version"],
        "Cargo.toml": toml("Cargo.toml")["workspace"]["package"]["version"],
    }
    for package in toml("Cargo.lock")["package"]:
        if package["name"].startswith("holdback-"):
            places[f"Cargo.lock, {package['name']}"] = package["version"]
    named = re.search(r'^__version__ = "(.*)"$', text("python/holdback/__init__.py"), re.MULTILINE)
    places["__version__"] = named[1] if named else "none"
    return places


def wrong_versions(places: dict[str, str]) -> Iterator[str]:
    """A sentence if they are not all one."""
    if len(set(places.values())) != 1:
        yield "versions differ: " + ", ".join(f"{place} says {version}" for place, version in places.items())


def left_to_do(changelog: str, version: str, tag: str | None) -> Iterator[str]:
    """What the changelog still needs before ``version`` is released, and whether the tag is that version's."""
    sections = re.split(r"^## ", changelog, flags=re.MULTILINE)[1:]
    heads = {section.splitlines()[0].strip(): section for section in sections}
    entry = next((head for head in heads if head.startswith(f"[{version}]")), None)
    if entry is None:
        yield f"CHANGELOG.md has no entry for {version}: name the section after it"
    elif not re.fullmatch(rf"\[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d", entry):
        yield f"CHANGELOG.md gives {version} no date: write `## [{version}] - YYYY-MM-DD`"
    unreleased = heads.get("[Unreleased]", "")
    entries = len(re.findall(r"^- ", unreleased, re.MULTILINE))
    if entries:
        yield f"CHANGELOG.md has {entries} entries under Unreleased: move them to {version}, or raise the version"
    if tag is not None and tag != f"v{version}":
        yield f"the tag is {tag}, the version {version}"


# ---------------------------------------------------------------- packages


def packages() -> list[Path]:
    """What `make wheels` built."""
    found = sorted(DIST.glob("holdback-*"))
    if not any(path.suffix == ".whl" for path in found):
        sys.exit("release: dist/ is empty; run `make wheels`")
    return found


def check_packages(found: list[Path]) -> None:
    """What an index says of the metadata, and whether a wheel for every CPython keeps to the stable ABI."""
    run(BIN / "twine", "check", "--strict", *found)
    for wheel in found:
        if "-abi3-" in wheel.name:
            run(BIN / "abi3audit", "--strict", "--summary", wheel)


def check_sdist(sdist: Path, here: Path, python: Path, *, suite: bool) -> None:
    """Build a wheel from the unpacked sdist, install it, and run the sdist's own tests against it, all or few."""
    with tarfile.open(sdist) as archive:
        archive.extractall(here, filter="data")
    source = here / sdist.name.removesuffix(".tar.gz")
    run(python, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", here / "built", source, cwd=here)
    run(python, "-m", "pip", "install", "--quiet", "--group", f"{source}/pyproject.toml:test", cwd=here)
    run(python, "-m", "pip", "install", "--quiet", *(here / "built").glob("*.whl"), cwd=here)
    where = "import holdback, sys; sys.exit('site-packages' not in holdback.__file__)"
    run(python, "-I", "-c", where, cwd=here)
    # All that its tests import by name, except the package itself: that is installed.
    folders = [path for path in toml("pyproject.toml")["tool"]["pytest"]["pythonpath"] if path != "python"]
    options = ["-q", "-p", "no:cacheprovider", "-o", f"pythonpath={' '.join(folders)}"]
    options += ["-m", "not litellm and not sdk and not privaite and not heavy"]
    few = [] if suite else ["tests/test_vectors.py", "tests/test_surface.py", "tests/test_demo.py"]
    run(python, "-P", "-m", "pytest", *options, *few, cwd=source, HOLDBACK_REQUIRE_NATIVE="1")


# ---------------------------------------------------------------- types, as a user sees them


def said(*command: str | Path, cwd: Path) -> str:
    """What a checker prints; it ends with an error, since there are some to find."""
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, check=False, stdout=subprocess.PIPE, text=True
    )
    return done.stdout


def check_types(here: Path, python: Path) -> list[str]:
    """Where mypy or pyright sees an error and should not, or sees none and should."""
    program = here / "program.py"
    program.write_text(USER_PROGRAM.read_text(encoding="utf-8"), encoding="utf-8")
    lines = program.read_text(encoding="utf-8").splitlines()
    wrong = {number for number, line in enumerate(lines, 1) if line.endswith("# wrong")}
    mypy = said(BIN / "mypy", "--strict", "--python-executable", python, program.name, cwd=here)
    pyright = said(BIN / "pyright", "--pythonpath", python, "--outputjson", program.name, cwd=here)
    seen = {
        "mypy": {int(line) for line in re.findall(r"^program\.py:(\d+): error:", mypy, re.MULTILINE)},
        "pyright": {
            found["range"]["start"]["line"] + 1
            for found in json.loads(pyright)["generalDiagnostics"]
            if found["severity"] == "error"
        },
    }
    return [
        f"{checker} {'misses' if number in wrong else 'complains about'} line {number}: {lines[number - 1]}"
        for checker, numbers in seen.items()
        for number in sorted(numbers ^ wrong)
    ]


def main() -> None:
    """Check all; say what is wrong, and what is left to do."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tag", help="the tag of the release: nothing may be left to do")
    parser.add_argument("--quick", action="store_true", help="only a few of the sdist's own tests")
    arguments = parser.parse_args()

    places = versions()
    version = places["pyproject.toml"]
    wrong = list(wrong_versions(places))
    to_do = list(left_to_do(text("CHANGELOG.md"), version, arguments.tag))
    found = packages()
    check_packages(found)
    with tempfile.TemporaryDirectory(prefix="holdback-") as folder:
        here = Path(folder)
        venv.create(here / "env", with_pip=True)
        python = here / "env" / BIN.name / "python"
        run(python, "-m", "pip", "install", "--quiet", "pip>=25.1")
        sdist = next(path for path in found if path.name.endswith(".tar.gz"))
        check_sdist(sdist, here, python, suite=not arguments.quick)
        wrong += check_types(here, python)

    for sentence in to_do:
        print("release: to do:", sentence)
    if wrong or (to_do and arguments.tag):
        sys.exit("\n".join(["release: not fit to be released", *wrong]))
    print(f"release: {version} is sound" + (", with the above to do first" if to_do else " and ready"))


if __name__ == "__main__":
    main()
