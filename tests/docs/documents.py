"""README.md and docs/: their console blocks, carried out as they are typed, and their tables.

A comment on the line above a console block says what is special about it, in items separated by "; ":

* ``not run: REASON``: this machine cannot carry it out, for that reason.
* ``exits CODE``: its commands end with this code instead of 0.
* ``"…" is WHAT``: where the block shows "…", the output differs each time by what is named; a line that is nothing else stands for any
  lines.
"""

import re
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
#: Each document, by its path from the top.
DOCUMENTS: Final = ("README.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")))
#: Has tests of its own: most of what it shows needs a cluster.
CLUSTER: Final = "docs/cluster.md"
#: Documents whose console blocks are carried out.
CARRIED_OUT: Final = tuple(document for document in DOCUMENTS if document != CLUSTER)
#: Where documents say that a sandbox answers.
ADDRESS: Final = "127.0.0.1:3000"

#: What a shell and a Makefile have everywhere. A block that needs more than these, make and bulkjob says so, or does not pass.
TOOLS: Final = ("bash", "sh", "cat", "head", "make", "mkdir", "mktemp", "rm", "sed", "sleep", "touch")

BLOCK: Final = re.compile(r"^(?:<!-- (?P<note>[^\n]*) -->\n)?```console\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)


def text_of(document: str) -> str:
    """What a document holds."""
    return (ROOT / document).read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A console block."""

    commands: tuple[tuple[str, str], ...]
    """What is typed, and what is shown below it."""
    reason: str = ""
    """Why it is not carried out; blank: it is."""
    code: int = 0
    varies: str = ""
    """What "…" stands for; blank: for itself."""


def block_of(found: re.Match[str]) -> Block:
    """The block that a match of the pattern is."""
    body = found["body"]
    assert body.startswith("$ "), f"a console block begins with a command: {body}"
    commands = tuple(
        (line, output) for call in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:] for line, _, output in [call.partition("\n")]
    )
    reason, code, varies = "", 0, ""
    for item in filter(None, (found["note"] or "").split("; ")):
        if item.startswith("not run: "):
            reason = item.removeprefix("not run: ")
        elif item.startswith("exits "):
            code = int(item.removeprefix("exits "))
        else:
            assert item.startswith('"…" is '), f"nobody knows what this says of a console block: {item}"
            varies = item.removeprefix('"…" is ')
    return Block(commands=commands, reason=reason, code=code, varies=varies)


def blocks(text: str) -> Iterator[Block]:
    """The console blocks of a document."""
    return map(block_of, BLOCK.finditer(text))


def is_shown(block: Block, shown: str, printed: str) -> bool:
    """Whether a command printed what its block shows."""
    if not block.varies:
        return shown == printed
    lines = ["(?:.*\n)*" if line == "…\n" else ".*".join(map(re.escape, line.split("…"))) for line in shown.splitlines(keepends=True)]
    return re.fullmatch("".join(lines), printed) is not None


@dataclass(slots=True, kw_only=True)
class Typist:
    """A folder like a fresh checkout, in which commands are typed one after the other."""

    folder: Path
    server: str
    """Where the sandbox answers that the documents have at `ADDRESS`."""
    stack: ExitStack
    exports: list[str] = field(default_factory=list)

    def typed(self, line: str, shown: str) -> tuple[int, str]:
        """The exit code and standard output of one command."""
        line = line.replace(ADDRESS, self.server)
        if line.startswith("export "):
            self.exports.append(line)
        if line.startswith("bulkjob sandbox ") and "--faults help" not in line:
            return 0, self._sandbox(line, shown.count("\n"))
        script = "\n".join([*self.exports, line])
        done = subprocess.run(["bash", "-c", script], cwd=self.folder, env=self._environment(), capture_output=True, text=True, check=False)
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, done.stdout.replace(self.server, ADDRESS)

    def _sandbox(self, line: str, lines: int) -> str:
        """Starts another server on a port of its own, which ends with the document; returns what it printed."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.server = f"127.0.0.1:{port}"
        command = shlex.split(re.sub(r"--port \d+", f"--port {port}", line))
        assert str(port) in command
        process = subprocess.Popen(command, cwd=self.folder, env=self._environment(), stdout=subprocess.PIPE, text=True)
        self.stack.callback(process.communicate)
        self.stack.callback(process.kill)
        assert process.stdout is not None
        said = [process.stdout.readline()]
        said += [process.stdout.readline() for _ in range(lines - 1)]
        return "".join(said).replace(self.server, ADDRESS)

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": str(self.folder / ".tools"),
            "PYTHONPATH": str(ROOT),
            "HOME": str(self.folder),
            "COLUMNS": "120",
            "LINES": "40",
            "LC_ALL": "C.UTF-8",
            "ROCKETCHAT_URL": f"http://{self.server}",
            "ROCKETCHAT_USER_ID": "u-admin",
            "ROCKETCHAT_AUTH_TOKEN": "token-admin",
        }


@contextmanager
def typing(folder: Path, server: str) -> Iterator[Typist]:
    """Makes the folder: the samples, the Makefile, a virtual environment that is there already; on the path nothing but `TOOLS`."""
    shutil.copytree(ROOT / "samples", folder / "samples")
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy2(ROOT / name, folder / name)
    tools, binaries = folder / ".tools", folder / ".venv" / "bin"
    for place in (tools, binaries):
        place.mkdir(parents=True)
        (place / "bulkjob").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m bulkjob "$@"\n', encoding="utf-8")
        (place / "bulkjob").chmod(0o755)
    (binaries.parent / ".installed").touch()
    for tool in TOOLS:
        if found := shutil.which(tool):
            (tools / tool).symlink_to(found)
    (tools / "python3").symlink_to(sys.executable)
    with ExitStack() as stack:
        yield Typist(folder=folder, server=server, stack=stack)


def section(document: str, title: str) -> str:
    """The text under a heading of a document, up to the next one of the same or a higher level."""
    found = re.search(rf"^(##+) {re.escape(title)}\n(.*?)(?=^##? |\Z)", text_of(document), flags=re.MULTILINE | re.DOTALL)
    assert found, f"{document} has no section {title}"
    return found[2]


def table(document: str, name: str) -> list[list[str]]:
    """The rows of the table behind the marker ``<!-- table: name -->``, its header first, as the cells are written."""
    _, marker, after = text_of(document).partition(f"<!-- table: {name} -->\n")
    assert marker, f"{document} has no table marked {name}"
    lines = after.split("\n\n", maxsplit=1)[0].splitlines()
    rows = [[cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    assert set(rows[1]) == {"---"}
    return [rows[0], *rows[2:]]


def written(rows: list[list[str]]) -> str:
    """A table as documents hold it."""
    cells = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    header, *lines = ["".join(f"| {cell} " if cell else "| " for cell in row) + "|" for row in cells]
    return "\n".join([header, "|" + "---|" * len(rows[0]), *lines, ""])
