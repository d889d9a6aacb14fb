"""The lock files hold what pyproject.toml asks for, with its hashes, and name no place to get it from. None of this needs the network."""

import re
import tomllib
from importlib import metadata
from typing import Final

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.support.manifests import ROOT

PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
#: Lock file → what is asked for. The image has every extra but the one for developers.
ASKED: Final = {
    "requirements.lock": [
        *PROJECT["project"]["dependencies"],
        *(line for extra, lines in PROJECT["project"]["optional-dependencies"].items() if extra != "dev" for line in lines),
    ],
    "requirements-build.lock": PROJECT["build-system"]["requires"],
}
#: The environments that the image may have, as markers see them.
ENVIRONMENTS: Final = [
    {
        "python_version": version,
        "python_full_version": f"{version}.0",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "platform_machine": machine,
        "os_name": "posix",
        "extra": "",
    }
    for version in ("3.11", "3.12", "3.13", "3.14")
    for machine in ("x86_64", "aarch64")
]


def pins(lock: str) -> list[tuple[Requirement, list[str]]]:
    """Each line of a lock file, with its hashes."""
    text = re.sub(r"\\\n", " ", (ROOT / lock).read_text(encoding="utf-8"))
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(Requirement(line.partition(" --hash")[0]), re.findall(r"--hash=(\S+)", line)) for line in lines]


def pinned(lock: str, environment: dict[str, str]) -> dict[str, Version]:
    """Name → version that is installed in an environment."""
    chosen: dict[str, Version] = {}
    for pin, _ in pins(lock):
        (specifier,) = pin.specifier
        assert specifier.operator == "==", pin
        if pin.marker is None or pin.marker.evaluate(environment):
            assert canonicalize_name(pin.name) not in chosen, pin
            chosen[canonicalize_name(pin.name)] = Version(specifier.version)
    return chosen


@pytest.mark.parametrize("lock", ASKED)
class TestLock:
    def test_holds_what_is_asked_for(self, lock: str) -> None:
        """Every dependency is there, in a version that fits, wherever the image runs. If not: make lock."""
        for environment in ENVIRONMENTS:
            chosen = pinned(lock, environment)
            for wanted in map(Requirement, ASKED[lock]):
                if wanted.marker is None or wanted.marker.evaluate(environment):
                    assert canonicalize_name(wanted.name) in chosen, f"{lock} lacks {wanted}: run make lock"
                    assert chosen[canonicalize_name(wanted.name)] in wanted.specifier, f"{lock} does not fit {wanted}: run make lock"

    def test_holds_what_these_ask_for(self, lock: str) -> None:
        """So is everything that a pinned package needs, as far as the same version is installed here."""
        for environment in ENVIRONMENTS:
            chosen = pinned(lock, environment)
            for name, version in chosen.items():
                for wanted in map(Requirement, needs_of(name, version)):
                    if wanted.marker is None or wanted.marker.evaluate(environment):
                        assert canonicalize_name(wanted.name) in chosen, f"{lock} lacks {wanted}, which {name} needs"
                        assert chosen[canonicalize_name(wanted.name)] in wanted.specifier, f"{name} needs {wanted}"

    def test_every_file_is_known_by_its_hash(self, lock: str) -> None:
        """Nothing is installed that is not what it was when it was chosen."""
        for pin, hashes in pins(lock):
            assert hashes, pin
            assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", each) for each in hashes), pin

    def test_names_no_place(self, lock: str) -> None:
        """From where the files come is for whoever builds to say: no address, no index, no option."""
        text = (ROOT / lock).read_text(encoding="utf-8")
        assert "://" not in text
        assert re.findall(r"^\s*-.*", re.sub(r"^\s+--hash=.*", "", text, flags=re.MULTILINE), flags=re.MULTILINE) == []
        assert "make lock" in text.splitlines()[1]


def needs_of(name: str, version: Version) -> list[str]:
    """What a package says it needs, if this version of it is installed here."""
    try:
        found = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return []
    return list(found.requires or ()) if Version(found.version) == version else []
