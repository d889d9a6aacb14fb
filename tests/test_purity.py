"""What decides does nothing: it takes values and returns values, and needs neither the network's library nor the one for columns."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Final

import pytest

from tests.support.house import House, house, tree_of

#: The modules that act, each with what it acts on. Every other module is pure: it takes values and returns values.
EFFECTS: Final[Mapping[str, str]] = {
    "__main__": "the process",
    "cli": "the process",
    "commands.answer": "the environment, the log, and whatever the command does",
    "commands.doctor": "reads sheet and workspace, prints the table",
    "commands.export": "reads the workspace and writes the sheet",
    "commands.plan": "reads the workspace, prints and writes the plan",
    "commands.rollback": "the whole way back",
    "commands.run": "the whole run",
    "commands.summary": "reads the summaries, prints the table",
    "commands.table": "calls the commands",
    "commands.usage": "ends the process where the command line is wrong",
    "commands.validate": "prints and writes the list",
    "doctor.look": "reads sheet and workspace, tries the run directory",
    "execute.agents": "sends",
    "execute.department": "sends",
    "execute.executor": "sends, several at a time",
    "execute.listings": "asks the server",
    "execute.sender": "sends, and writes the journal",
    "execute.sending": "follows a call, and writes the journal",
    "execute.unit": "sends",
    "execute.unit_creation": "sends",
    "execute.unit_deletion": "sends",
    "execute.writing": "what these have in common",
    "job": "the whole run",
    "plan.approval": "reads an approved plan's file",
    "plan.dropped": "asks the server",
    "plan.preparation": "asks the server",
    "plan.undoing": "asks the server",
    "report.conclusion": "hands out what is known of the end",
    "report.ending": "writes the report",
    "report.approval": "writes what is to be approved",
    "report.files": "writes reports",
    "report.pages.page": "reads its templates",
    "report.progress": "the terminal and the log",
    "report.stopwatch": "hands calls on to the network",
    "rocketchat.attempts": "waits",
    "rocketchat.client": "waits, and sends through the network",
    "rocketchat.exchange": "waits, and sends through the network",
    "rocketchat.http": "the network",
    "rocketchat.inspect": "asks the server",
    "rocketchat.session": "opens the connection, the log",
    "rocketchat.turns": "waits",
    "rocketchat.call_group": "starts tasks, and waits for them",
    "rocketchat.workspace": "asks the server",
    "rundir.directory": "makes and locks the run directory",
    "rundir.history": "reads the journal",
    "rundir.journal": "writes the journal",
    "sandbox.command": "serves until it is stopped",
    "sandbox.web": "answers requests",
    "sheet.reading": "opens the sheet's file",
    "system.console": "the terminal",
    "sheet.source": "fetches the sheet",
    "system.certificates": "reads certificates",
    "system.connector": "the network",
    "system.fetching": "the network",
    "system.files": "the file system",
    "system.log": "the log",
    "system.scratch": "the file system",
    "system.posting": "the network",
    "system.publish": "the network",
    "system.signals": "the process's signals",
    "system.store": "the network",
    "system.streams": "standard output and error",
    "system.termination": "the file that Kubernetes reads",
}

#: What no pure module loads, not even by way of others.
HEAVY: Final = ("aiohttp", "numpy", "pandas", "pyarrow")
#: In the docstring of a package that has leave to load all of these but aiohttp.
LEAVE: Final = re.compile(r"columns with pandas")

#: Nothing in these can be used without an effect, or without a value that differs from call to call.
FORBIDDEN_MODULES: Final = frozenset(
    {
        *("aiohttp", "asyncio", "concurrent", "fcntl", "ftplib", "getpass", "glob", "http", "logging", "multiprocessing", "os", "platform"),
        *("secrets", "select", "selectors", "shutil", "signal", "socket", "ssl", "subprocess", "sys", "tempfile", "tenacity", "threading"),
        *("time", "urllib.request", "uuid"),
    }
)
FORBIDDEN_CALLS: Final = frozenset({"open", "print", "input", "exec", "eval", "breakpoint"})
#: Of paths; asked by name, in modules that know paths, as the kind of what stands before the dot cannot be seen.
FORBIDDEN_METHODS: Final = frozenset(
    {
        *("exists", "expanduser", "is_dir", "is_file", "iterdir", "mkdir", "open", "read_bytes", "read_text", "rmdir", "stat", "touch"),
        *("unlink", "write_bytes", "write_text"),
    }
)


def is_value(name: str, text: str) -> bool:
    """Whether the module with this ``text`` defines ``name`` as a frozen record, a list of words or a constant, which cannot act."""
    for node in tree_of(text).body:
        match node:
            case ast.ClassDef(name=defined, bases=bases, keywords=keywords, decorator_list=decorators) if defined == name:
                words = {ast.unparse(base) for base in bases}
                frozen = any("frozen=True" in ast.unparse(one) for one in [*decorators, *keywords])
                return frozen or bool(words & {"NamedTuple", "Enum", "StrEnum"})
            case ast.AnnAssign(target=ast.Name(id=defined)) if defined == name:
                return name.isupper()
            case _:
                continue
    return False


def late_imports(text: str) -> list[str]:
    """The top packages that functions of a module import when they are called, which importing the module does not show."""
    functions = [node for node in ast.walk(tree_of(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    found = []
    for node in (inner for function in functions for inner in ast.walk(function)):
        match node:
            case ast.Import(names=names):
                found += [alias.name.partition(".")[0] for alias in names]
            case ast.ImportFrom(module=str(origin), level=0):
                found.append(origin.partition(".")[0])
            case _:
                continue
    return found


def impurities(module: str, program: House) -> list[str]:
    """One sentence for each thing that a pure module may not do."""
    wrong = []
    for each in program.imports(module):
        origin = program.origin(each)
        if origin in EFFECTS and not is_value(each.name, program.modules.get(origin, "")):
            wrong.append(f"{module} imports {each.name or 'all'} of {origin}, which acts ({EFFECTS[origin]})")
    text = program.modules[module]
    wrong += [f"{module} imports {name} when it is called" for name in late_imports(text) if name in {*HEAVY} - may_load(module, program)]
    knows_paths = "pathlib" in text
    for node in ast.walk(tree_of(text)):
        match node:
            case ast.Import(names=names):
                wrong += _forbidden(module, node.lineno, [alias.name for alias in names])
            case ast.ImportFrom(module=str(origin), level=0, names=names):
                # Both spellings: ``from urllib import request``, and ``from random import choice``.
                wrong += _forbidden(module, node.lineno, [origin, *(f"{origin}.{alias.name}" for alias in names)])
            case ast.Call(func=ast.Name(id=name)) if name in FORBIDDEN_CALLS:
                wrong.append(f"{module}:{node.lineno} calls {name}()")
            case ast.Call(func=ast.Attribute(attr=name)) if knows_paths and name in FORBIDDEN_METHODS:
                wrong.append(f"{module}:{node.lineno} calls .{name}()")
            case ast.Attribute(
                value=ast.Name(id="datetime" | "date") | ast.Attribute(attr="datetime" | "date"), attr="now" | "utcnow" | "today"
            ):
                wrong.append(f"{module}:{node.lineno} looks at the clock")
            # `random.Random` is the kind of a generator that somebody hands in; all else in that module is a die of its own.
            case ast.Attribute(value=ast.Name(id="random"), attr=name) if name != "Random":
                wrong.append(f"{module}:{node.lineno} uses random.{name}")
            case _:
                continue
    return wrong


def _forbidden(module: str, line: int, taken: Iterable[str]) -> list[str]:
    return [
        f"{module}:{line} imports {name}"
        for name in taken
        if name in FORBIDDEN_MODULES
        or name.partition(".")[0] in FORBIDDEN_MODULES
        or (name.startswith("random.") and name != "random.Random")
    ]


#: Forks an interpreter that has loaded nothing of ours for each group of modules, which takes a tenth of the time of starting one.
_FORKS: Final = """
import asyncio, dataclasses, importlib, inspect, json, logging, msgspec, os, sys, typing
heavy, groups = json.loads(sys.argv[1])
assert not [name for name in sys.modules if name.partition(".")[0] in ("bulkjob", *heavy)]
for group in groups:
    if (child := os.fork()) == 0:
        try:
            for module in group:
                importlib.import_module(module)
            print(json.dumps([name for name in heavy if name in sys.modules]), flush=True)
        except BaseException as error:
            print(json.dumps([repr(error)]), flush=True)
        os._exit(0)
    os.waitpid(child, 0)
"""


def loaded_by(groups: Sequence[Sequence[str]], heavy: Iterable[str] = HEAVY) -> list[set[str]]:
    """Those of ``heavy`` that are loaded once a group of modules is imported, each group in an interpreter that has nothing else."""
    command = [sys.executable, "-c", _FORKS, json.dumps([[*heavy], groups])]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [set(json.loads(line)) for line in done.stdout.splitlines()]


@cache
def pure_modules() -> tuple[str, ...]:
    """Those that are not in EFFECTS."""
    return tuple(sorted(house().modules.keys() - EFFECTS.keys()))


def may_load(module: str, program: House) -> set[str]:
    """What of HEAVY a pure module has leave to load."""
    face = program.modules.get(program.package_of(module), "")
    docstring = " ".join((ast.get_docstring(tree_of(face)) or "").split())
    return {*HEAVY} - {"aiohttp"} if LEAVE.search(docstring) else set()


@pytest.mark.parametrize("module", pure_modules())
def test_what_decides_does_nothing(module: str) -> None:
    """A module that is not in EFFECTS takes values and returns values: no clock, no dice, no files, no network, no log."""
    assert impurities(module, house()) == []


def test_what_acts_is_there() -> None:
    """EFFECTS names modules that there are."""
    assert EFFECTS.keys() <= house().modules.keys()


def test_what_decides_loads_little() -> None:
    """Importing a pure module loads no aiohttp, and pandas only where the package says that it checks columns with it."""
    # Those that may load pandas are tried together: each by itself, loading it again and again would take most of the time.
    together = [module for module in pure_modules() if may_load(module, house())]
    alone = [module for module in pure_modules() if module not in together]
    groups = [together, *([module] for module in alone)]
    first, *others = loaded_by([[f"bulkjob.{module}".removesuffix(".bulkjob") for module in group] for group in groups])
    assert first == {*HEAVY} - {"aiohttp"}
    unasked = {module: heavy for module, heavy in zip(alone, others, strict=True) if heavy}
    assert unasked == {}


class TestTheseTests:
    """The checks above see what they are meant to see."""

    @pytest.mark.parametrize(
        "text",
        [
            "import os",
            "import os.path",
            "from os import environ",
            "from urllib import request",
            "from urllib.request import urlopen",
            "def late():\n    import asyncio",
            "def late():\n    import pandas as pd",
            "def late():\n    from pyarrow import compute",
            "from random import choice",
            "import random\nrandom.random()",
            "from datetime import datetime\ndatetime.now()",
            "from pathlib import Path\nPath('x').read_text()",
            "open('x')",
            "print('x')",
            "from bulkjob.job import run",
            "from bulkjob.job import Job",
            "from bulkjob import job",
            "import bulkjob.job",
            "from bulkjob.rundir import Journal",
        ],
    )
    def test_impurity_is_seen(self, text: str) -> None:
        """Each way to act, or to get another value at each call, is found, also through a face."""
        modules = {
            "bulkjob": "",
            "job": "def run(): ...\nclass Job: ...",
            "plan": text,
            "rundir": "",
            "rundir.journal": "class Journal: ...",
        }
        assert len(impurities("plan", House(modules, {"rundir": "from .journal import Journal as Journal"}))) >= 1

    @pytest.mark.parametrize("definition", ["@dataclass(frozen=True)\nclass IT: ...", "class IT(NamedTuple): ...", "IT: Final = 1"])
    def test_values_are_left_alone(self, definition: str) -> None:
        """What an acting module defines as a value, a pure one may take."""
        assert impurities("plan", House({"bulkjob": "", "job": definition, "plan": "from bulkjob.job import IT"})) == []

    def test_purity_is_left_alone(self) -> None:
        """Kinds that only name an effect's values are allowed."""
        imports = "import random\nfrom pathlib import Path\nfrom urllib.parse import urlsplit\n"
        text = f"{imports}def f(at: Path, dice: random.Random): dice.random()"
        assert impurities("plan", House({"plan": text})) == []

    def test_what_is_loaded_is_seen(self) -> None:
        """A module that loads something is told from one that does not, whatever was imported before it; one that breaks is no pure one."""
        groups = [["xml.dom"], ["xml.dom.minidom"], ["xml.dom"], ["xml.dom", "xml.sax"], ["no_such_module"]]
        *loaded, broken = loaded_by(groups, ["xml.dom.minidom", "xml.sax"])
        assert loaded == [set(), {"xml.dom.minidom"}, set(), {"xml.sax"}]
        assert "ModuleNotFoundError" in str(broken)

    def test_leave_is_the_packages_own(self) -> None:
        """Leave to load pandas is given by the docstring of the package that a module lies in, and never for aiohttp."""
        program = House({"a": '"""Checks columns\nwith pandas."""', "a.b": "", "c": '"""Without pandas."""', "c.d": "", "e": ""})
        assert [may_load(module, program) for module in ("a.b", "c.d", "e")] == [{"numpy", "pandas", "pyarrow"}, set(), set()]
