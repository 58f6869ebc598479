"""Build every package into dist/, look inside, install each into a fresh environment and try it there.

    .venv/bin/python tools/wheels.py [--pure-only | --native-only [--target TRIPLE]]

Three roads lead to a user and each is walked: the native abi3 wheel, the pure wheel, and the sdist, which is
built by pip from scratch as it would be on a machine no wheel fits. Without Rust only the pure wheel is made.

On Linux zig links the native wheel against an old C library, so that it is a manylinux (or musllinux) wheel wherever it
is built; maturin looks whether it is. A free-threaded Python has no stable ABI yet: run by one, the native wheel is one
for its version. The release workflow builds the other platforms with ``--native-only``; a wheel for another processor
is looked into and not tried.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import sysconfig
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
FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
VERSION_TAG = f"cp{sys.version_info[0]}{sys.version_info[1]}"
NATIVE_TAG = f"{VERSION_TAG}-{VERSION_TAG}t-" if FREE_THREADED else "cp311-abi3-"
LINUX_TAGS = ("manylinux", "musllinux")  # a plain "linux" tag is one that no index takes
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


def host() -> str:
    """The platform Rust compiles for when nothing is said."""
    said = subprocess.run(["rustc", "-vV"], check=True, stdout=subprocess.PIPE, text=True).stdout
    return next(line.split()[1] for line in said.splitlines() if line.startswith("host: "))


def build_native(target: str) -> None:
    """The native wheel, without the folders of this machine in its panic messages."""
    cargo_home = os.environ.get("CARGO_HOME", str(Path.home() / ".cargo"))
    hidden = f"--remap-path-prefix={cargo_home}=cargo --remap-path-prefix={ROOT}=holdback"
    flags = f"{os.environ.get('RUSTFLAGS', '')} {hidden}".strip()
    folder = (
        ROOT / "target" / "wheel"
    )  # its own: other flags would make `maturin develop` start over each time
    options = ["--release", "--locked", "--target", target, "--out", str(DIST)]
    if "linux" in target:
        options += ["--zig", "--compatibility", "musllinux_1_2" if "musl" in target else "manylinux2014"]
    if FREE_THREADED:
        options += ["--interpreter", f"python{sys.version_info[0]}.{sys.version_info[1]}t"]
    # maturin asks the first python3 on the path for zig.
    path = os.pathsep.join((str(BIN), os.environ.get("PATH", "")))
    run(BIN / "maturin", "build", *options, RUSTFLAGS=flags, CARGO_TARGET_DIR=str(folder), PATH=path)


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
        tags = message_from_bytes(archive.read(str(info / "WHEEL"))).get_all("Tag", [])
        telling = [
            name for name in archive.namelist() if any(folder in archive.read(name) for folder in OWN_FOLDERS)
        ]

    sources = {
        PurePosixPath(path.relative_to(PACKAGE.parent).as_posix())
        for path in PACKAGE.rglob("*")
        if path.is_file() and path.suffix not in {".so", ".pyd", ".pyc"}
    }
    shipped = {name for name in names if name.parts[0] == "holdback"}
    extensions = {
        name for name in shipped if name.match("holdback/_native*") and name.suffix in {".so", ".pyd"}
    }
    stray = {str(name) for name in names - shipped if name.parts[0] != info.name}
    differ = {str(name) for name in (shipped - extensions) ^ sources}

    need(not stray, f"stray files in {wheel.name}: {sorted(stray)}")
    need(not telling, f"{wheel.name} names folders of this machine in {telling}")
    need(not differ, f"{wheel.name} differs from python/holdback in {sorted(differ)}")
    need(len(extensions) == native, f"{wheel.name} holds {len(extensions)} extension modules")
    for name in ("py.typed", "_native.pyi"):
        need(PurePosixPath("holdback", name) in names, f"{wheel.name} lacks {name}")
    need(info / "licenses" / "LICENSE" in names, f"{wheel.name} lacks its licence")
    right = all(tag.startswith(NATIVE_TAG) for tag in tags) if native else tags == ["py3-none-any"]
    need(bool(tags) and right, f"{wheel.name} is tagged {tags}")
    plain = [tag for tag in tags if "linux" in tag and not tag.split("-")[2].startswith(LINUX_TAGS)]
    need(not plain, f"{wheel.name} is for this Linux only: {plain}")
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
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--pure-only", action="store_true", help="there is no Rust: only the pure wheel")
    only.add_argument("--native-only", action="store_true", help="only the native wheel")
    parser.add_argument(
        "--target", help="the platform of the native wheel, as Rust calls it; this one if not given"
    )
    arguments = parser.parse_args()

    shutil.rmtree(DIST, ignore_errors=True)
    if not arguments.native_only:
        run(BIN / "hatchling", "build", "-t", "wheel", "-d", DIST)
        check_wheel(one("*-py3-none-any.whl"), native=False)
        try_out(one("*-py3-none-any.whl"), "pure")
    if not arguments.pure_only:
        target = arguments.target or host()
        build_native(target)
        check_wheel(one(f"*-{NATIVE_TAG}*.whl"), native=True)
        if target == host():
            try_out(one(f"*-{NATIVE_TAG}*.whl"), "native")
    if not arguments.native_only and not arguments.pure_only:
        run(BIN / "maturin", "sdist", "--out", DIST)
        check_sdist(one("*.tar.gz"))
        try_out(one("*.tar.gz"), "native")
    print(f"wheels: {len(list(DIST.iterdir()))} packages built, looked into, and tried where they can run")


if __name__ == "__main__":
    main()
