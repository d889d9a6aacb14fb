"""The shape of the program: imports go one way, packages are entered by their faces, nothing is too long to be read."""

import ast
import re
import sys
import tomllib
from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Final

import pytest

from tests.support.house import ROOT, TESTS, House, house, imports_in, tree_of

#: From top to bottom: a module may import from its own room and from those on lines above. Rooms on one line do not know each other.
DIRECTION: Final[tuple[tuple[str, ...], ...]] = (
    ("bulkjob",),
    ("vocabulary",),
    ("phrases",),
    ("records",),
    ("settings",),
    ("system",),
    ("sheet",),
    ("rocketchat.pacing",),
    ("rocketchat",),
    ("changes",),
    ("rundir",),
    ("plan",),
    ("execute",),
    ("report",),
    ("doctor", "export"),
    ("job",),
    ("commands",),
    ("cli",),
    ("__main__",),
)
#: A second reading of the same server, which imports nothing of the above; nobody but the table of commands imports it.
ALONE: Final = "sandbox"

#: Modules that are imported by their own names from outside their package, with the reason.
OPEN: Final[Mapping[str, str]] = {
    "commands.answer": "the package has no face, as that would have to load commands",
    "commands.meanings": "as above",
    "commands.table": "as above",
    "commands.usage": "as above",
    "sandbox.command": "a command is imported when it is called, and not before",
}

LONGEST_MODULE: Final = 400
LONGEST_FUNCTION: Final = 40
#: What may be longer, with the reason.
LONG: Final[Mapping[str, str]] = {
    "commands.plan.planned": "the whole of `plan` on one screen",
    "doctor.outlook.outlook_of": "one value after the other, each from those before it",
    "sandbox.routes._department_routes": "a table",
    "sandbox.routes._unit_routes": "a table",
    "settings.reading.survey": "every source of a setting, in the order in which they count",
}


def room_of(module: str) -> str:
    """The entry of `DIRECTION`, or `ALONE`, in which a module stands; blank for none."""
    rooms = [room for line in (*DIRECTION, (ALONE,)) for room in line if module == room or module.startswith(f"{room}.")]
    return max(rooms, key=len, default="")


def line_of(room: str) -> int:
    """The place of a room in `DIRECTION`, from the top; behind all of them for one that does not stand there."""
    return next((index for index, line in enumerate(DIRECTION) if room in line), len(DIRECTION))


def wrong_imports(program: House) -> list[str]:
    """One sentence for each import that goes against the direction."""
    wrong = []
    for module in program.modules:
        mine = room_of(module)
        if not mine:
            wrong.append(f"no line of DIRECTION names {module}")
        for target in sorted(program.reached(module)):
            its = room_of(target)
            if ALONE in (mine, its):
                if mine not in (its, "commands"):
                    wrong.append(f"{module} imports {target}: the sandbox shares nothing with the rest")
            elif mine != its and line_of(its) >= line_of(mine):
                wrong.append(f"{module} imports {target}, which does not stand above it in DIRECTION")
    return wrong


def cycles(program: House) -> list[str]:
    """A cycle of modules, and one of rooms, where there are any."""
    modules = {module: program.reached(module) for module in program.modules}
    rooms: dict[str, set[str]] = {}
    for module, targets in modules.items():
        rooms.setdefault(room_of(module), set()).update(map(room_of, targets))
    found = []
    for graph in (modules, {room: targets - {room} for room, targets in rooms.items()}):
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            found.append(" → ".join(error.args[1]))
    return found


def ways_past_faces(program: House) -> list[str]:
    """One sentence for each import from inside another package, and for each by which a package goes out at its own face."""
    wrong = []
    for module in program.modules:
        home = program.package_of(module)
        for each in program.imports(module):
            target = program.named(each)
            package = program.package_of(target)
            if target in program.packages:
                wrong += [f"{module} imports {each.name} by the face of its own package"] if home == target != module else []
                continue
            around = f"{home}.".startswith(f"{package}.") or room_of(module) == room_of(target)
            handed_on = each.target in program.packages and each.name in program.handed_on(each.target)
            if package and not around and not handed_on and target not in OPEN:
                wrong.append(f"{module} imports {each.name or 'all'} of {target}, past the face of {package}")
    return wrong


def idle_names(program: House, others: Mapping[Path, str]) -> list[str]:
    """One sentence for each name that a face hands on and nobody outside takes, and for each that somebody takes and is not there.

    ``others`` are the texts of what is outside of the program: tests, measurements.
    """
    taken = {(each.target, each.name) for text in others.values() for each in imports_in(text)}
    wrong = []
    for package in program.faces:
        inside = {module for module in program.modules if module == package or module.startswith(f"{package}.")}
        asked = {
            each.name
            for module in program.modules.keys() - inside
            for each in program.imports(module)
            if each.target == package and each.name
        }
        handed_on = program.handed_on(package)
        wanted = asked | {name for target, name in taken if target == package and name}
        modules = {name for name in wanted if f"{package}.{name}" in program.modules}
        wrong += [f"{package} hands on {name}, which nobody outside takes" for name in sorted(handed_on.keys() - wanted)]
        wrong += [f"{package} does not hand on {name}" for name in sorted(asked | (wanted - modules)) if name not in handed_on]
    return wrong


def ambiguous_names(program: House) -> list[str]:
    """One sentence for each name that a face hands on and one of its modules has, too: which of them comes depends on the order."""
    return [
        f"{package} hands on {name} of {target}, and has a module of that name"
        for package in program.faces
        for name, target in program.handed_on(package).items()
        if f"{package}.{name}" in program.modules and _taken_apart(program, package, name)
    ]


def _taken_apart(program: House, package: str, name: str) -> bool:
    """Whether the name comes out of a module, rather than being one."""
    return any(each.name == name and each.target != package for each in imports_in(program.faces[package], package))


def lengths(program: House) -> dict[str, int]:
    """Module, or function as ``module.name``, → its lines, of those that are longer than may be without a reason."""
    found = {}
    for module, text in program.modules.items():
        if (lines := text.count("\n")) > LONGEST_MODULE:
            found[module] = lines
        for node in ast.walk(tree_of(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > LONGEST_FUNCTION:
                    found[f"{module}.{node.name}"] = lines
    return found


def silences(program: House) -> list[str]:
    """The packages whose docstring does not say what comes in, what goes out, or what they may touch."""
    wrong = []
    for package in sorted(program.packages - {"bulkjob"}):
        docstring = ast.get_docstring(tree_of(program.modules.get(package, ""))) or ""
        said = {"what comes in": r"\bIn\b[^.]*:", "what goes out": r"\b[Oo]ut\b[^.]*:", "what it may touch": r"\b[Tt]ouch"}
        wrong += [f"{package} does not say {what}" for what, words in said.items() if not re.search(words, docstring)]
    return wrong


def test_imports_go_one_way() -> None:
    """Nothing is imported from a room below, rooms side by side do not know each other, and the sandbox stands alone."""
    assert wrong_imports(house()) == []


def test_no_cycles() -> None:
    """Neither modules nor packages import each other in a cycle."""
    assert cycles(house()) == []


def test_packages_are_entered_by_their_faces() -> None:
    """What a package offers is imported from the package; inside of it, its modules import each other."""
    assert ways_past_faces(house()) == []


def test_faces_offer_what_is_taken() -> None:
    """A face hands on every name that somebody outside takes, and no other."""
    outside = [*TESTS.rglob("*.py"), *(ROOT.parent / "benchmarks").rglob("*.py"), *(ROOT.parent / "samples").rglob("*.py")]
    assert idle_names(house(), {path: path.read_text(encoding="utf-8") for path in outside}) == []


def test_faces_are_not_ambiguous() -> None:
    """What a face hands on has the name of no module beside it."""
    assert ambiguous_names(house()) == []


def test_nothing_is_too_long_without_a_reason() -> None:
    """No module has over 400 lines, no function over 40, but for those in LONG; and what is there has not become shorter."""
    assert lengths(house()).keys() == LONG.keys()


def test_packages_say_what_they_are_for() -> None:
    """Each package says in its docstring what comes in, what goes out, and what it may touch."""
    assert silences(house()) == []


def test_dependencies_are_those_that_are_imported() -> None:
    """What is imported is declared, and what is declared is imported: a wheel installs what it needs and no more."""
    declared = tomllib.loads((ROOT.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    imported = set[str]()
    for text in house().modules.values():
        for node in ast.walk(tree_of(text)):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                imported.add(node.module.partition(".")[0])
    assert {re.split(r"[^A-Za-z0-9_.-]", one)[0].replace("-", "_") for one in declared} == imported - sys.stdlib_module_names - {"bulkjob"}


@pytest.mark.parametrize("path", sorted(TESTS.rglob("test_*.py")), ids=lambda path: str(path.relative_to(TESTS)))
def test_every_test_states_a_promise(path: Path) -> None:
    """Each test says in its docstring what it holds the program to."""
    functions = [
        node for node in ast.walk(tree_of(path.read_text(encoding="utf-8"))) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert [test.name for test in functions if test.name.startswith("test_") and not ast.get_docstring(test)] == []


class TestTheseTests:
    """The checks above see what they are meant to see."""

    MODULES: Final = dict.fromkeys(
        [
            "bulkjob",
            "vocabulary",
            "system.log",
            "sheet.text",
            "rocketchat.call",
            "plan",
            "plan.decide",
            "report",
            "report.rows",
            "job",
            "cli",
        ],
        "",
    )

    def house(self, **changes: str) -> House:
        """A house in which these modules, ``__`` for a dot, are otherwise."""
        return House({**self.MODULES, **{name.replace("__", "."): text for name, text in changes.items()}})

    @pytest.mark.parametrize(
        ("module", "text"),
        [
            ("plan__decide", "from bulkjob.job import run"),
            ("plan__decide", "import bulkjob.job"),
            ("plan__decide", "from bulkjob import job"),
            ("plan__decide", "from .. import job"),
            ("plan__decide", "from ..report import rows"),
            ("plan__decide", "def late():\n    from bulkjob.cli import main"),
            ("vocabulary", "from bulkjob.plan import Plan"),
            ("vocabulary", "from bulkjob.report.rows import Row"),
            ("settings__table", "from bulkjob.system import log"),
            ("export__rows", "from bulkjob.doctor import Facts"),
            ("job", "from bulkjob import cli"),
            ("sandbox__web", "from bulkjob.vocabulary import Code"),
            ("job", "from bulkjob.sandbox import Sandbox"),
            ("unheard_of", ""),
        ],
    )
    def test_wrong_import_is_seen(self, module: str, text: str) -> None:
        """Every spelling of an import against the direction is found."""
        assert len(wrong_imports(self.house(sandbox__server="", **{module: text}))) == 1

    def test_wrong_import_is_seen_through_a_face(self) -> None:
        """A name counts as taken from the room that it is from, whoever hands it on."""
        program = House(
            {"records.plan": "from bulkjob.plan import Plan", "records": "", "plan": "", "plan.decide": ""},
            {"plan": "from .decide import Plan as Plan"},
        )
        assert wrong_imports(program) == ["records.plan imports plan.decide, which does not stand above it in DIRECTION"]

    @pytest.mark.parametrize(
        ("module", "text"),
        [
            ("cli", "from bulkjob import __version__, job"),
            ("commands__table", "from bulkjob.sandbox import server"),
            ("job", "from bulkjob.plan import decide"),
            ("plan__order", "from bulkjob.plan import decide\nfrom .decide import Plan"),
            ("sandbox__web", "from bulkjob.sandbox.server import Sandbox"),
        ],
    )
    def test_right_import_is_left_alone(self, module: str, text: str) -> None:
        """What goes upwards, and neighbours, are no finding."""
        assert wrong_imports(self.house(sandbox__server="", **{module: text})) == []

    def test_cycles_are_seen(self) -> None:
        """Two modules that import each other are a cycle, and two packages of which different modules do."""
        assert len(cycles(self.house(plan__a="from .b import x", plan__b="from .a import y"))) == 1
        apart = self.house(plan__a="from bulkjob.report.rows import x", report__b="from bulkjob.plan.decide import y")
        assert cycles(apart) in (["plan → report → plan"], ["report → plan → report"])
        assert cycles(self.house(plan__a="from .decide import x", report__b="from bulkjob.plan.decide import y")) == []

    @pytest.mark.parametrize(
        ("module", "text"),
        [
            ("job", "from bulkjob.plan.decide import Plan"),
            ("job", "import bulkjob.plan.decide"),
            ("job", "from bulkjob.plan import decide"),
            ("report__rows", "from ..plan.decide import Plan"),
            ("plan__order", "from bulkjob.plan import Plan"),
            ("rocketchat__client", "from bulkjob.rocketchat.pacing.gate import Gate"),
        ],
    )
    def test_ways_past_a_face_are_seen(self, module: str, text: str) -> None:
        """Every spelling of an import from another package's inside is found, and a package that comes in at its own door."""
        assert len(ways_past_faces(self.house(rocketchat__pacing__gate="", **{module: text}))) == 1

    @pytest.mark.parametrize(
        ("module", "text"),
        [
            ("job", "from bulkjob.plan import Plan"),
            ("plan__order", "from .decide import Plan\nfrom bulkjob.plan.decide import Plan"),
            ("rocketchat__pacing__gate", "from bulkjob.rocketchat.call import Route"),
            ("job", "from bulkjob import vocabulary"),
        ],
    )
    def test_doors_are_left_alone(self, module: str, text: str) -> None:
        """Faces, neighbours, what is around a package, and what lies at the top may be imported."""
        assert ways_past_faces(self.house(**{module: text})) == []

    def test_idle_and_missing_names_are_seen(self) -> None:
        """A name that nobody takes is found, and one that is taken and not there."""
        face = {"plan": "from . import order as order\nfrom .decide import Plan as Plan\nfrom .decide import old as old"}
        program = House(
            {
                "plan": "",
                "plan.decide": "",
                "plan.order": "",
                "job": "from bulkjob.plan import Plan, new",
                "cli": "from bulkjob.plan import order",
            },
            face,
        )
        assert idle_names(program, {}) == ["plan hands on old, which nobody outside takes", "plan does not hand on new"]
        assert ways_past_faces(program) == []
        assert idle_names(program, {Path("test.py"): "from bulkjob.plan import old, decide"}) == ["plan does not hand on new"]

    def test_ambiguous_names_are_seen(self) -> None:
        """A function with the name of its module, where the face hands it on; a module that is handed on itself is none."""
        face = {"plan": "from . import order as order\nfrom .decide import decide as decide"}
        program = House({"plan": "", "plan.decide": "", "plan.order": ""}, face)
        assert ambiguous_names(program) == ["plan hands on decide of plan.decide, and has a module of that name"]

    def test_length_is_seen(self) -> None:
        """A long module, and a long function in it or in a class of it."""
        body = "    x = 1\n" * 41
        program = House(
            {"a": f"def f():\n{body}", "b": f"class C:\n    async def g():\n{body.replace('    ', '        ')}", "c": "\n" * 401}
        )
        assert lengths(program) == {"a.f": 42, "b.g": 42, "c": 401}
        assert lengths(House({"a": f"def f():\n{body[:-20]}", "c": "\n" * 400})) == {}

    def test_silence_is_seen(self) -> None:
        """A docstring that lacks one of the three is found."""
        assert silences(House({"a": '"""In: x. Out: y. Touches nothing."""', "a.b": ""})) == []
        assert silences(House({"a": '"""In: x. Out: y."""', "a.b": ""})) == ["a does not say what it may touch"]
        assert len(silences(House({"a.b": ""}))) == 3
