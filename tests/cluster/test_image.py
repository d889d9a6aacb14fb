"""The Dockerfile: what it is made of, and what it leaves to the pod. That its steps work needs an image builder, which is not had here."""

import fnmatch
import json
import re
from typing import Final

import bulkjob
from tests.support.manifests import ROOT, instructions

STEPS: Final = list(instructions((ROOT / "Dockerfile").read_text(encoding="utf-8")))


def stages() -> list[list[tuple[str, str]]]:
    """The instructions of each stage, its FROM first; what stands before the first is left out."""
    starts = [place for place, (word, _) in enumerate(STEPS) if word == "FROM"]
    return [STEPS[start:end] for start, end in zip(starts, [*starts[1:], len(STEPS)], strict=True)]


def test_base_is_an_argument() -> None:
    """Each stage is made from the base that whoever builds names; there is no default that could grow old."""
    assert STEPS[0] == ("ARG", "BASE")
    assert [stage[0][1] for stage in stages()] == ["${BASE} AS build", "${BASE}"]


def test_only_hashed_wheels_are_installed() -> None:
    """What comes from an index is held to its hash and compiled nowhere; what comes from this repository asks no index."""
    (build, final) = stages()
    commands = [json.loads(rest) for word, rest in build if word == "RUN"]
    installing = [command for command in commands if "install" in command or "wheel" in command]
    assert len(installing) == 4
    for command in installing:
        assert {"--require-hashes", "--only-binary"} <= set(command) or {"--no-index", "--no-deps"} <= set(command), command
    assert {word for word, _ in final} == {"FROM", "ARG", "LABEL", "COPY", "ENV", "USER", "WORKDIR", "ENTRYPOINT", "CMD"}
    assert [rest for word, rest in final if word == "COPY"] == ["--from=build /opt/bulkjob /opt/bulkjob"]
    assert not re.search(r"apt|gcc|build-essential", " ".join(rest for word, rest in STEPS if word in ("RUN", "COPY")))


def test_every_instruction_is_in_exec_form() -> None:
    """No shell stands between the container's runtime and the program: signals reach it."""
    for word, rest in STEPS:
        if word in ("RUN", "CMD", "ENTRYPOINT"):
            assert all(isinstance(each, str) for each in json.loads(rest))
    words = dict(STEPS)
    assert json.loads(words["ENTRYPOINT"]) == ["bulkjob"]
    assert json.loads(words["CMD"]) == ["--help"]


def test_user_is_a_number() -> None:
    """Kubernetes can see that it is not root, and it owns nothing in the image."""
    (_, final) = stages()
    words = [word for word, _ in final]
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", dict(final)["USER"])
    assert words.index("COPY") < words.index("USER")
    assert "--chown" not in " ".join(rest for _, rest in final)


def test_labels_say_what_it_is() -> None:
    """Title, licence, version, commit and base, by the names of the Open Container Initiative; the version is the program's."""
    (_, final) = stages()
    labels = set(re.findall(r"org\.opencontainers\.image\.([a-z.]+)=", dict(final)["LABEL"]))
    assert labels == {"title", "description", "licenses", "version", "revision", "base.name"}
    assert ("ARG", f"VERSION={bulkjob.__version__}") in final


def test_everything_that_is_copied_is_there() -> None:
    """What the build copies lies in the repository and gets through .dockerignore, and nothing else does."""
    (build, _) = stages()
    sources = {name for word, rest in build if word == "COPY" for name in rest.split()[:-1]}
    assert all((ROOT / name).exists() for name in sources)
    everything, *exceptions = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()[1:]
    assert everything == "*"
    assert {line.removeprefix("!") for line in exceptions if line.startswith("!")} == sources
    assert any(fnmatch.fnmatch("bulkjob/__pycache__", line) for line in exceptions if not line.startswith("!"))
