"""Build every package into dist/, look inside, install each into a fresh environment and try it there.

    .venv/bin/python tools/wheels.py [--pure-only]

Three roads lead to a user and each is walked: the native abi3 wheel, the pure wheel, and the sdist, which is
built by pip from scratch as it would be on a machine no wheel fits. Without Rust only the pure wheel is made.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import venv
import zipfile
from email import message_from_bytes
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"
PACKAGE = ROOT / "python" / "holdback"
BIN = Path(sys.executable).parent  # not resolved: the environment's bin, where the builders are
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
VERSION = PROJECT["version"]
OWN_FOLDERS = (str(ROOT).encode() + b"/", str(Path.home() / ".cargo").encode())
NATIVE_MODULE = ("_native.abi3.so", "_native.pyd")
SDIST_NEEDS = (
    "pyproject.toml",
    "Cargo.toml",
    "Cargo.lock",
    "LICENSE",
    "README.md",
    "CHANGELOG.md",
    "Makefile",
    "rust/core/Cargo.toml",
    "rust/core/src/lib.rs",
    "rust/py/Cargo.toml",
    "rust/py/src/lib.rs",
    "python/holdback/__init__.py",
    "tests/conftest.py",
    "tests/test_surface.py",
    "tools/smoke.py",
)
SDIST_FOLDERS = ("tests/vectors", "examples")


def run(*command: str | Path, cwd: Path = ROOT, **env: str) -> None:
    """Run a builder; its own words are the error message."""
    print("+", *command, flush=True)
    subprocess.run([str(part) for part in command], cwd=cwd, env=os.environ | env, check=True, timeout=1200)


def build_native() -> None:
    """The abi3 wheel, without the folders of this machine in its panic messages."""
    cargo_home = os.environ.get("CARGO_HOME", str(Path.home() / ".cargo"))
    hidden = f"--remap-path-prefix={cargo_home}=cargo --remap-path-prefix={ROOT}=holdback"
    flags = f"{os.environ.get('RUSTFLAGS', '')} {hidden}".strip()
    target = (
        ROOT / "target" / "wheel"
    )  # its own: other flags would make `maturin develop` start over each time
    run(
        BIN / "maturin",
        "build",
        "--release",
        "--locked",
        "--out",
        DIST,
        RUSTFLAGS=flags,
        CARGO_TARGET_DIR=str(target),
    )


def need(holds: bool, what: str) -> None:  # noqa: FBT001  an assertion that -O cannot remove
    """Stop with a sentence unless it holds."""
    if not holds:
        sys.exit(f"wheels: {what}")


def one(pattern: str) -> Path:
    """The only file in dist/ of this name."""
    found = list(DIST.glob(pattern))
    need(len(found) == 1, f"expected one {pattern} in dist/, found {[path.name for path in found]}")
    return found[0]


def check_wheel(wheel: Path, *, native: bool) -> None:
    """Exactly the package's own files, the right tag, the licence, and pydantic as the only run-time need."""
    with zipfile.ZipFile(wheel) as archive:
        names = {PurePosixPath(name) for name in archive.namelist() if not name.endswith("/")}
        info = PurePosixPath(f"holdback-{VERSION}.dist-info")
        metadata = message_from_bytes(archive.read(str(info / "METADATA")))
        tag = message_from_bytes(archive.read(str(info / "WHEEL")))["Tag"]
        telling = [
            name for name in archive.namelist() if any(folder in archive.read(name) for folder in OWN_FOLDERS)
        ]

    sources = {
        PurePosixPath(path.relative_to(PACKAGE.parent).as_posix())
        for path in PACKAGE.rglob("*")
        if path.is_file() and path.suffix not in {".so", ".pyd", ".pyc"}
    }
    shipped = {name for name in names if name.parts[0] == "holdback"}
    extensions = {name for name in shipped if name.name in NATIVE_MODULE}
    stray = {str(name) for name in names - shipped if name.parts[0] != info.name}
    differ = {str(name) for name in (shipped - extensions) ^ sources}

    need(not stray, f"stray files in {wheel.name}: {sorted(stray)}")
    need(not telling, f"{wheel.name} names folders of this machine in {telling}")
    need(not differ, f"{wheel.name} differs from python/holdback in {sorted(differ)}")
    need(len(extensions) == native, f"{wheel.name} holds {len(extensions)} extension modules")
    for name in ("py.typed", "_native.pyi"):
        need(PurePosixPath("holdback", name) in names, f"{wheel.name} lacks {name}")
    need(info / "licenses" / "LICENSE" in names, f"{wheel.name} lacks its licence")
    need(tag.startswith("cp311-abi3-") if native else tag == "py3-none-any", f"{wheel.name} is tagged {tag}")
    need(metadata["License-Expression"] == "MIT", f"{wheel.name} does not say MIT")
    required = [line for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line]
    need(len(required) == 1 and required[0].startswith("pydantic"), f"{wheel.name} requires {required}")


def check_sdist(sdist: Path) -> None:
    """Everything needed to build and to test is there, and nothing that a build left behind."""
    with tarfile.open(sdist) as archive:
        names = {str(PurePosixPath(*PurePosixPath(name).parts[1:])) for name in archive.getnames()}
    missing = [name for name in SDIST_NEEDS if name not in names]
    missing += [
        folder for folder in SDIST_FOLDERS if not any(name.startswith(folder + "/") for name in names)
    ]
    need(not missing, f"{sdist.name} lacks {missing}")
    stray = [
        name
        for name in names
        if name.endswith((".so", ".pyd", ".pyc")) or name.startswith(("target", ".venv"))
    ]
    need(not stray, f"stray files in {sdist.name}: {stray}")


def try_out(package: Path, expected: str) -> None:
    """Install into a fresh environment; run the smoke test and the command there, far from the sources."""
    with tempfile.TemporaryDirectory(prefix="holdback-") as folder:
        here = Path(folder)
        venv.create(here / "env", with_pip=True)
        bin_ = here / "env" / BIN.name
        shutil.copy(ROOT / "tools" / "smoke.py", here)
        run(
            bin_ / "python",
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            package,
            cwd=here,
        )
        run(bin_ / "python", "smoke.py", expected, cwd=here)
        run(bin_ / "holdback", "info", cwd=here)


def main() -> None:
    """Build all, then check all."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pure-only", action="store_true", help="there is no Rust: only the pure wheel")
    pure_only = parser.parse_args().pure_only

    shutil.rmtree(DIST, ignore_errors=True)
    run(BIN / "hatchling", "build", "-t", "wheel", "-d", DIST)
    check_wheel(one("*-py3-none-any.whl"), native=False)
    if not pure_only:
        build_native()
        run(BIN / "maturin", "sdist", "--out", DIST)
        check_wheel(one("*-cp311-abi3-*.whl"), native=True)
        check_sdist(one("*.tar.gz"))

    try_out(one("*-py3-none-any.whl"), "pure")
    if not pure_only:
        try_out(one("*-cp311-abi3-*.whl"), "native")
        try_out(one("*.tar.gz"), "native")
    print(f"wheels: {len(list(DIST.iterdir()))} packages built, installed and tried")


if __name__ == "__main__":
    main()
