"""What people would use instead: installed from PyPI into a folder below `build/`, once, and never a dependency of the package."""

import hashlib
import shutil
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path
from typing import Final

from benchmarks.processes import ROOT

_FOLDER: Final = ROOT / "build" / "benchmarks" / "peers"


class Peers:
    """Folders with peers; those of one measurement share one, as one may bring other versions of much than another."""

    def __init__(self) -> None:
        self.named: list[str] = []
        """Those that were asked for, with their versions."""

    def folder(self, *requirements: str) -> Path:
        """Where these lie, installed if they are not yet."""
        folder = _FOLDER / hashlib.sha256("\n".join([sys.version, *requirements]).encode()).hexdigest()[:12]
        if not folder.exists():
            unfinished = folder.with_suffix(".unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", str(unfinished)]
            subprocess.run([*command, *requirements], check=True, stderr=subprocess.DEVNULL)
            unfinished.rename(folder)
        versions = {found.name.lower().replace("_", "-"): found.version for found in distributions(path=[str(folder)])}
        names = [requirement.partition("[")[0] for requirement in requirements]
        self.named += [f"{name} {versions[name.lower().replace('_', '-')]}" for name in names]
        return folder
