"""The shape of the program: imports go one way, and what decides does nothing."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Final

import pytest

import bulkjob

#: The drawing: a module may import only from lines above its own, and inside a package from its neighbours. The words of `bulkjob` itself
#: (``__version__``) are everybody's. A new module gets a line, or a place in one, where somebody who reads from the top would expect it.
LAYERS: Final[tuple[tuple[str, ...], ...]] = (
    ("bulkjob",),
    ("vocabulary",),
    ("records",),
    ("settings",),
    ("interruptions", "logs", "streams"),
    ("sheet", "sheet.*"),
    ("rocketchat", "rocketchat.call"),
    ("rocketchat.readers",),
    ("rocketchat.answers",),
    ("rocketchat.wire",),
    ("rocketchat.clock",),
    ("rocketchat.windows",),
    ("rocketchat.pace",),
    ("rocketchat.http",),
    ("rocketchat.client",),
    ("session",),
    ("server",),
    ("workspace",),
    ("resolve",),
    ("report", "report.words"),
    ("naming",),
    ("operations",),
    ("order",),
    ("plan",),
    ("compose",),
    ("verify",),
    # (Words come early, as `verify` and `rows` speak; what is written with them comes after the work.)
    ("report.workbook",),
    ("report.annotated", "report.files", "report.progress", "report.results", "report.retry", "report.summary", "report.terminal"),
    ("rows",),
    ("problems",),
    ("journal",),
    ("resume",),
    ("send",),
    ("execute",),
    ("rundir",),
    ("guards",),
    ("forecast",),
    ("share",),
    ("plan_document",),
    ("drift",),
    ("plan_listing",),
    ("prepare",),
    ("ending",),
    ("job",),
    ("rollback",),
    ("export",),
    ("export_files",),
    ("doctor", "doctor.*"),
    ("validate_command", "plan_command", "export_command", "doctor_command", "rollback_command"),
    # Independent: a second reading of the same contract, which imports nothing else of bulkjob.
    ("sandbox", "sandbox.*"),
    ("cli",),
    ("__main__",),
)

#: The modules that act, each with what it acts on. Every other module is pure: it takes values and returns values.
EFFECTS: Final[Mapping[str, str]] = {
    "interruptions": "the process's signals",
    "logs": "the log",
    "streams": "standard output and error",
    "sheet": "hands on sheet.reading",
    "sheet.reading": "opens the sheet's file",
    "rocketchat.http": "the network",
    "rocketchat.client": "waits, and sends through the network",
    "session": "opens the connection, the log",
    "server": "asks the server",
    "workspace": "asks the server",
    "report.files": "writes files",
    "report.progress": "the terminal and the log",
    "journal": "writes the journal",
    "send": "sends",
    "execute": "sends",
    "rundir": "makes and locks the run directory",
    "prepare": "reads the workspace, and an approved plan's file",
    "ending": "writes the report and prints its summary",
    "job": "the whole run",
    "validate_command": "prints and writes the list",
    "rollback_command": "the whole way back",
    "plan_command": "reads the workspace, prints and writes the plan",
    "export_command": "reads the workspace and writes the sheet",
    "doctor_command": "reads the workspace, tries the run directory, prints the table",
    "sandbox.command": "serves until it is stopped",
    "sandbox.web": "answers requests",
    "cli": "the process",
    "__main__": "the process",
}

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


def sources() -> dict[str, str]:
    """Every module of the package, ``sheet.reading`` → its text; a package's own name stands for its ``__init__``."""
    root = Path(bulkjob.__file__).parent
    return {_name(path.relative_to(root)): path.read_text(encoding="utf-8") for path in sorted(root.rglob("*.py"))}


def _name(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts) or "bulkjob"


def imports_of(module: str, modules: Mapping[str, str]) -> set[str]:
    """The modules of the package that ``module`` imports anywhere in it; a name that a package hands on counts as its origin."""
    return {origin for target, name in _imported(module, modules) for origin in _origins(module, target, name, modules)}


def _origins(module: str, target: str, name: str, modules: Mapping[str, str]) -> set[str]:
    """The module that ``from target import name`` in ``module`` reaches in the end; none if that is ``module`` itself."""
    submodule = f"{target}.{name}".removeprefix("bulkjob.")
    if submodule in modules:
        target = submodule
    elif name and _is_package(target, modules) and target not in {"bulkjob", module}:
        target = next((origin for origin, handed_on in _imported(target, modules) if handed_on == name), target)
    return {target} - {module}


def _imported(module: str, modules: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """(module of the package, name taken from it or blank) of each import."""
    package = module if _is_package(module, modules) else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(modules.get(module, ""))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.partition(".")[0] == "bulkjob":
                    yield alias.name.removeprefix("bulkjob."), ""
        elif isinstance(node, ast.ImportFrom):
            target = node.module or ""
            if node.level:
                parents = package.split(".")[: len(package.split(".")) - node.level + 1]
                target = ".".join(filter(None, ["bulkjob", *parents, target]))
            if target.partition(".")[0] == "bulkjob":
                for alias in node.names:
                    yield target.removeprefix("bulkjob."), alias.name


def _is_package(module: str, modules: Mapping[str, str]) -> bool:
    return module == "bulkjob" or any(other.startswith(f"{module}.") for other in modules)


def layer_of(module: str) -> int | None:
    """The line of `LAYERS` in which ``module`` stands."""
    return next((index for index, patterns in enumerate(LAYERS) if any(fnmatchcase(module, pattern) for pattern in patterns)), None)


def wrong_imports(modules: Mapping[str, str]) -> list[str]:
    """One sentence for each import that goes against the drawing."""
    wrong = []
    for module in modules:
        for target in sorted(imports_of(module, modules)):
            mine, its = layer_of(module), layer_of(target)
            neighbours = mine == its and "." in module + target and module.partition(".")[0] == target.partition(".")[0]
            if mine is None or its is None or its > mine or (its == mine and not neighbours):
                wrong.append(f"{module} imports {target}, which does not stand above it in LAYERS")
            elif module.partition(".")[0] == "sandbox" != target.partition(".")[0]:
                wrong.append(f"{module} imports {target}: the sandbox imports nothing else of bulkjob")
    return wrong


def is_value(name: str, text: str) -> bool:
    """Whether the module with this ``text`` defines ``name`` as a frozen record, a list of words or a constant, which cannot act."""
    for node in ast.parse(text).body:
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


def impurities(module: str, modules: Mapping[str, str]) -> list[str]:
    """One sentence for each thing that a pure module may not do."""
    wrong = [
        f"{module} imports {name or 'all'} of {origin}, which acts ({EFFECTS[origin]})"
        for target, name in _imported(module, modules)
        for origin in sorted(_origins(module, target, name, modules) & EFFECTS.keys())
        if not is_value(name, modules.get(origin, ""))
    ]
    knows_paths = "pathlib" in modules[module]
    for node in ast.walk(ast.parse(modules[module])):
        match node:
            case ast.Import(names=names):
                taken = [alias.name for alias in names]
            case ast.ImportFrom(module=str(origin), level=0, names=names):
                # Both spellings: ``from urllib import request``, and ``from random import choice``.
                taken = [origin, *(f"{origin}.{alias.name}" for alias in names)]
            case ast.Call(func=ast.Name(id=name)) if name in FORBIDDEN_CALLS:
                wrong.append(f"{module}:{node.lineno} calls {name}()")
                continue
            case ast.Call(func=ast.Attribute(attr=name)) if knows_paths and name in FORBIDDEN_METHODS:
                wrong.append(f"{module}:{node.lineno} calls .{name}()")
                continue
            case ast.Attribute(
                value=ast.Name(id="datetime" | "date") | ast.Attribute(attr="datetime" | "date"), attr="now" | "utcnow" | "today"
            ):
                wrong.append(f"{module}:{node.lineno} looks at the clock")
                continue
            # `random.Random` is the kind of a generator that somebody hands in; all else in that module is a die of its own.
            case ast.Attribute(value=ast.Name(id="random"), attr=name) if name != "Random":
                wrong.append(f"{module}:{node.lineno} uses random.{name}")
                continue
            case _:
                continue
        wrong += [
            f"{module}:{node.lineno} imports {name}"
            for name in taken
            if name in FORBIDDEN_MODULES
            or name.partition(".")[0] in FORBIDDEN_MODULES
            or (name.startswith("random.") and name != "random.Random")
        ]
    return wrong


def test_every_module_has_its_place() -> None:
    """Every module stands in exactly one line of the drawing."""
    places = {module: sum(any(fnmatchcase(module, pattern) for pattern in patterns) for patterns in LAYERS) for module in sources()}
    astray = [module for module, count in places.items() if count != 1]
    assert not astray, (
        f"{', '.join(astray)}: no line of LAYERS in {Path(__file__).name} names this module, or more than one does. Give it exactly one, "
        "below everything it imports and above everything that imports it; if it reads or writes anything, say so in EFFECTS."
    )


def test_imports_go_one_way() -> None:
    """Nothing is imported from a line below, nobody imports the command line, and the sandbox stands alone."""
    assert wrong_imports(sources()) == []


def test_no_circles() -> None:
    """Neighbours in a package do not import each other in a circle either."""
    modules = sources()
    try:
        TopologicalSorter({module: imports_of(module, modules) for module in modules}).prepare()
    except CycleError as error:
        pytest.fail(f"imports in a circle: {' → '.join(error.args[1])}")


@pytest.mark.parametrize("module", sorted(sources().keys() - EFFECTS.keys()))
def test_what_decides_does_nothing(module: str) -> None:
    """A module that is not in EFFECTS takes values and returns values: no clock, no dice, no files, no network, no log."""
    assert impurities(module, sources()) == []


def test_dependencies_are_those_that_are_imported() -> None:
    """What is imported is declared, and what is declared is imported: a wheel installs what it needs and no more."""
    declared = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    imported = set[str]()
    for text in sources().values():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                imported.add(node.module.partition(".")[0])
    assert {re.split(r"[^A-Za-z0-9_.-]", one)[0] for one in declared} == imported - sys.stdlib_module_names - {"bulkjob"}


@pytest.mark.parametrize("path", sorted(Path(__file__).parent.rglob("test_*.py")), ids=lambda path: path.name)
def test_every_test_states_a_promise(path: Path) -> None:
    """Each test says in its docstring what it holds the program to."""
    functions = [
        node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert [test.name for test in functions if test.name.startswith("test_") and not ast.get_docstring(test)] == []


class TestTheseTests:
    """The checks above see what they are meant to see."""

    @pytest.mark.parametrize(
        ("module", "text"),
        [
            ("plan", "from bulkjob.job import run"),
            ("plan", "import bulkjob.job"),
            ("plan", "from bulkjob import job"),
            ("plan", "from . import job"),
            ("plan", "def late():\n    from bulkjob.cli import main"),
            ("sheet.xlsx", "from ..cli import main"),
            ("sheet.xlsx", "from bulkjob.plan import Plan"),
            ("job", "from bulkjob import cli"),
            ("sandbox.web", "from bulkjob.vocabulary import Code"),
            ("logs", "from bulkjob import streams"),
            ("unheard_of", "from bulkjob import vocabulary"),
        ],
    )
    def test_wrong_import_is_seen(self, module: str, text: str) -> None:
        """Every spelling of an import against the drawing is found."""
        modules = dict.fromkeys(["bulkjob", "vocabulary", "streams", "sheet", "plan", "job", "cli", "sandbox"], "") | {module: text}
        assert len(wrong_imports(modules)) == 1

    @pytest.mark.parametrize(
        ("module", "text"),
        [
            ("cli", "from bulkjob import __version__, job"),
            ("job", "from bulkjob.sheet import check"),
            ("sheet.xlsx", "from bulkjob.sheet import grid\nfrom .grid import Grid"),
            ("sandbox.web", "from bulkjob.sandbox.state import State"),
        ],
    )
    def test_right_import_is_left_alone(self, module: str, text: str) -> None:
        """What goes upwards, and neighbours, are no finding."""
        modules = dict.fromkeys(["bulkjob", "job", "sandbox", "sandbox.state", "sheet.grid", "sheet.checks"], "")
        modules |= {"sheet": "from bulkjob.sheet.checks import check", module: text}
        assert wrong_imports(modules) == []

    @pytest.mark.parametrize(
        "text",
        [
            "import os",
            "import os.path",
            "from os import environ",
            "from urllib import request",
            "from urllib.request import urlopen",
            "def late():\n    import asyncio",
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
        ],
    )
    def test_impurity_is_seen(self, text: str) -> None:
        """Each way to act, or to get another value at each call, is found."""
        assert impurities("plan", {"bulkjob": "", "job": "def run(): ...\nclass Job: ...", "plan": text})

    @pytest.mark.parametrize("definition", ["@dataclass(frozen=True)\nclass IT: ...", "class IT(NamedTuple): ...", "IT: Final = 1"])
    def test_values_are_left_alone(self, definition: str) -> None:
        """What an acting module defines as a value, a pure one may take."""
        assert impurities("plan", {"bulkjob": "", "job": definition, "plan": "from bulkjob.job import IT"}) == []

    def test_purity_is_left_alone(self) -> None:
        """Kinds that only name an effect's values are allowed."""
        imports = "import random\nfrom pathlib import Path\nfrom urllib.parse import urlsplit\n"
        text = f"{imports}def f(at: Path, dice: random.Random): dice.random()"
        assert impurities("plan", {"plan": text}) == []

    def test_name_that_a_package_hands_on_is_followed(self) -> None:
        """Taking a name from a package counts as taking it from the module that made it."""
        modules = {
            "sheet": "from bulkjob.sheet.text import comparable",
            "sheet.text": "",
            "resolve": "from bulkjob.sheet import comparable",
        }
        assert imports_of("resolve", modules) == {"sheet.text"}
