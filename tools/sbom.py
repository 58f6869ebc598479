"""Write what a release is made of, as CycloneDX, into build/sbom/: a document for the package, one for each crate.

    .venv-sbom/bin/python tools/sbom.py [--cargo-cyclonedx PATH]

The Python one describes a fresh environment in which the pure wheel of dist/ is installed: the package and what it
needs at run time. The Rust ones come from Cargo.lock, by cargo-cyclonedx, and are left out with a word where it is not
there. No folder of this machine is named in any of them.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "build" / "sbom"
BIN = Path(sys.executable).parent
SUFFIX = ".cdx.json"


def python_document(wheel: Path) -> str:
    """What the package needs at run time, by cyclonedx-py."""
    with tempfile.TemporaryDirectory(prefix="holdback-") as folder:
        environment = Path(folder) / "env"
        venv.create(environment, with_pip=False)
        python = environment / BIN.name / "python"
        install = ["-m", "pip", "--python", str(python), "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([sys.executable, *install, str(wheel)], check=True)
        command = [str(BIN / "cyclonedx-py"), "environment", "--output-reproducible", str(python)]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout


def rust_documents(tool: Path) -> Iterator[tuple[str, str]]:
    """The name of each crate, and what it is built from, by cargo-cyclonedx, which writes beside the manifests."""
    command = [str(tool), "cyclonedx", "--format", "json", "--override-filename", "sbom.cdx"]
    subprocess.run(
        [*command, "--manifest-path", str(ROOT / "rust" / "py" / "Cargo.toml")], check=True, cwd=ROOT
    )
    for path in sorted((ROOT / "rust").glob("*/sbom.cdx.json")):
        yield path.parent.name, path.read_text(encoding="utf-8")
        path.unlink()


def without_folders(text: str) -> str:
    """The document without the folders of this machine."""
    for folder in (ROOT.as_uri(), str(ROOT)):
        text = text.replace(folder, "file:///holdback" if folder.startswith("file:") else "holdback")
    return text


def problems(document: Any, text: str) -> Iterator[str]:
    """What is wrong with a document."""
    if document.get("bomFormat") != "CycloneDX" or not document.get("components"):
        yield "is no CycloneDX document with components"
    for folder in (str(ROOT), str(Path.home()), tempfile.gettempdir() + os.sep):
        if folder != os.sep and folder in text:
            yield "names a folder of this machine"


def main() -> None:
    """Write all, then look into all."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cargo-cyclonedx", type=Path, help="where it is")
    arguments = parser.parse_args()
    wheels = list((ROOT / "dist").glob("holdback-*-py3-none-any.whl"))
    if len(wheels) != 1:
        sys.exit("sbom: expected one pure wheel in dist/; run `make wheels`")
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    documents = {"python": python_document(wheels[0])}
    tool: Path | None = arguments.cargo_cyclonedx
    if tool is not None and tool.is_file():
        documents |= {f"rust-{name}": text for name, text in rust_documents(tool)}
    else:
        print("-- cargo-cyclonedx is not here: no bill of materials of the crates --")
    for name, text in documents.items():
        shown = without_folders(text)
        for problem in problems(json.loads(shown), shown):
            sys.exit(f"sbom: {name} {problem}")
        (OUT / f"holdback-{name}{SUFFIX}").write_text(shown, encoding="utf-8")
    print(f"sbom: {', '.join(sorted(path.name for path in OUT.iterdir()))} in build/sbom")


if __name__ == "__main__":
    main()
