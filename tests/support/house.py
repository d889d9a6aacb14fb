"""The program's modules as text, and what each of them imports: for the tests that hold its shape."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import bulkjob

ROOT = Path(bulkjob.__file__).parent
TESTS = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """One name that a module takes from one of the program's."""

    target: str
    """The module or package that the statement names, without ``bulkjob.``."""
    name: str
    """What is taken from it; blank for ``import target``."""


class House:
    """Modules by their names without ``bulkjob.``, each with its text; a package's own name stands for its ``__init__``.

    ``faces`` are the stubs of the packages whose names are loaded when they are asked for; other packages hand on what they import.
    """

    def __init__(self, modules: Mapping[str, str], faces: Mapping[str, str] | None = None) -> None:
        self.modules = modules
        self.faces = faces or {}
        self._imports: dict[str, list[Import]] = {}
        self.packages = {"bulkjob", *self.faces} | {module.rpartition(".")[0] for module in modules if "." in module}

    def package_of(self, module: str) -> str:
        """The package that a module lies in, itself if it is one; blank at the top."""
        return module if module in self.packages else module.rpartition(".")[0]

    def imports(self, module: str) -> list[Import]:
        """Everything that a module imports of the program, wherever in it."""
        if module not in self._imports:
            self._imports[module] = list(imports_in(self.modules.get(module, ""), self.package_of(module)))
        return self._imports[module]

    def handed_on(self, package: str) -> dict[str, str]:
        """Name → module that it is from, of everything that a package hands on; a module that is handed on is from itself."""
        face = self.faces.get(package) or self.modules.get(package, "")
        return {each.name: self.named(each) for each in imports_in(face, package) if each.name}

    def named(self, each: Import) -> str:
        """The module or package that an import reaches for: what it takes may be a module, too."""
        submodule = f"{each.target}.{each.name}".removeprefix("bulkjob.")
        return submodule if submodule in self.modules else each.target

    def origin(self, each: Import) -> str:
        """The module that an import reaches in the end, by way of faces."""
        target = self.named(each)
        if target not in self.packages or target == "bulkjob":
            return target
        return self.handed_on(target).get(each.name, target)

    def reached(self, module: str) -> set[str]:
        """The modules that a module imports."""
        return {self.origin(each) for each in self.imports(module)} - {module}


def imports_in(text: str, package: str = "") -> Iterator[Import]:
    """What a text imports of the program; ``package`` is where its relative imports begin."""
    for node in ast.walk(tree_of(text)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.partition(".")[0] == "bulkjob":
                    yield Import(target=alias.name.removeprefix("bulkjob."), name="")
        elif isinstance(node, ast.ImportFrom):
            target = node.module or ""
            if node.level:
                parents = package.split(".")[: len(package.split(".")) - node.level + 1]
                target = ".".join(filter(None, ["bulkjob", *parents, target]))
            if target.partition(".")[0] == "bulkjob":
                for alias in node.names:
                    yield Import(target=target.removeprefix("bulkjob."), name=alias.name)


@cache
def tree_of(text: str) -> ast.Module:
    """The syntax tree of a module's text."""
    return ast.parse(text)


@cache
def house() -> House:
    """The program."""
    return House(
        {_name(path): path.read_text(encoding="utf-8") for path in sorted(ROOT.rglob("*.py"))},
        {_name(path): path.read_text(encoding="utf-8") for path in sorted(ROOT.rglob("__init__.pyi"))},
    )


def _name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts) or "bulkjob"
