"""How long reading and checking large sheets takes, as ratios to what people would use instead.

    python benchmarks/sheets.py [PART ...] [--scale SHARE] [--turns N] [--out FILE]

Each piece of work runs in a process of its own, bulkjob and its peer in turns, so that each pair gives one ratio; told are the median and
the middle half of them. Seconds are the processor's, of all threads, pinned to one core: the clock says what else the machine does. Peers
are installed from PyPI into a folder that is thrown away; the package needs none of them. The table goes to standard output, or to FILE.
"""

import argparse
import json
import math
import multiprocessing
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

from sheet_bench.files import saved_by_libreoffice, write_by_xlsxwriter, write_csv, write_like_excel

T = TypeVar("T")
ROOT: Final = Path(__file__).resolve().parents[1]
WORK: Final = Path(__file__).parent / "sheet_bench" / "work.py"
PEERS: Final = ("frictionless", "pandera[pandas]", "pydantic", "python-calamine")
#: Work that is theirs alone.
OF_PEERS: Final = ("calamine", "frictionless", "pandera", "pydantic")
#: Rows of the steps from 1,000 to 300,000.
GROWTH: Final = (1_000, 3_000, 10_000, 30_000, 100_000, 300_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Took:
    """What a piece of work took."""

    clock: float
    processor: float
    memory: float
    """In bytes, at the peak, beyond what the imports took; of a command, all of it."""


@dataclass(slots=True, kw_only=True)
class Bench:
    """Where everything lies, how often it is measured, and the lines of the table so far."""

    folder: Path
    turns: int
    lines: list[str] = field(default_factory=list)

    def environment(self, *, peers: bool) -> dict[str, str]:
        """Of the processes that are measured: with bulkjob from this source tree, or with the peers, which bring other versions of much."""
        return {**os.environ, "PYTHONPATH": str(self.folder / "peers" if peers else ROOT)}

    def work(self, name: str, path: Path) -> Took:
        """One piece of work, done once in its own process."""
        command = [sys.executable, str(WORK), name, str(path)]
        said = subprocess.run(command, env=self.environment(peers=name in OF_PEERS), check=True, capture_output=True, text=True)
        return Took(**json.loads(said.stdout))

    def command(self, *arguments: str) -> Took:
        """A command line from its start to its end."""
        child = subprocess.Popen(
            [sys.executable, *arguments], env=self.environment(peers=False), stdout=subprocess.DEVNULL, cwd=self.folder
        )
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode not in (0, 65):
            raise RuntimeError(f"{arguments} ended with {child.returncode}")
        return Took(clock=0, processor=used.ru_utime + used.ru_stime, memory=used.ru_maxrss * 1024)

    def compare(self, title: str, path: Path, mine: str, peer: str, aim: str, *, turns: int | None = None) -> None:
        """A line on our work over a peer's on the same file."""
        pairs = [(self.work(mine, path), self.work(peer, path)) for _ in range(turns or self.turns)]
        self._line(title, peer, pairs, aim)

    def compare_commands(self, title: str, mine: Sequence[str], aim: str) -> None:
        """A line on a command of ours over an interpreter that does nothing."""
        pairs = [(self.command("-m", "bulkjob", *mine), self.command("-c", "pass")) for _ in range(2 * self.turns)]
        self._line(title, "python -c pass", pairs, aim)

    def _line(self, title: str, peer: str, pairs: Sequence[tuple[Took, Took]], aim: str) -> None:
        seconds = [statistics.median(one.processor for one in side) for side in zip(*pairs, strict=True)]
        memory = [statistics.median(one.memory for one in side) for side in zip(*pairs, strict=True)]
        told = f"{_seconds(seconds[0])} / {_seconds(seconds[1])}", _spread([one.processor / other.processor for one, other in pairs])
        self.add(title, peer, *told, f"{memory[0] / 1e6:.0f} / {memory[1] / 1e6:.0f} MB", aim)

    def add(self, *cells: str) -> None:
        """A line of the table."""
        self.lines.append(f"| {' | '.join(cells)} |")
        print(self.lines[-1], file=sys.stderr, flush=True)


def made(write: Callable[..., T], *arguments: object, **options: object) -> T:
    """What a function that writes a file returns, in a process of its own: who starts one hands its own peak of memory down."""
    with ProcessPoolExecutor(max_workers=1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(write, *arguments, **options).result()


def _seconds(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"


def _spread(ratios: Sequence[float]) -> str:
    """The median in bold, and the middle half."""
    low, median, high = statistics.quantiles(ratios, n=4, method="inclusive") if len(ratios) > 1 else [ratios[0]] * 3
    return f"**{median:.2f}** ({low:.2f} to {high:.2f})"


def workbooks(bench: Bench, rows: int, more: int) -> None:
    """Workbooks of each shape against calamine."""
    folder = bench.folder
    first = made(write_by_xlsxwriter, folder / "xlsxwriter.xlsx", rows)
    shapes: dict[str, Path | None] = {
        "XLSX as Excel saves it (imitated)": made(write_like_excel, folder / "excel.xlsx", rows),
        "XLSX by XlsxWriter": first,
        "XLSX by LibreOffice": saved_by_libreoffice(first, folder, "xlsx", "Calc MS Excel 2007 XML"),
        "ODS by LibreOffice": saved_by_libreoffice(first, folder, "ods", "calc8"),
    }
    for title, path in shapes.items():
        if path is not None:
            aim = "≤ 3" if path.suffix == ".ods" else "≤ 1.3"
            bench.compare(f"{title}, {rows:,} rows of 7 columns, read", path, "ours", "calamine", aim)
    if old := saved_by_libreoffice(made(write_by_xlsxwriter, folder / "old.xlsx", min(rows, 65_000)), folder, "xls", "MS Excel 97"):
        bench.compare(f"XLS by LibreOffice, {min(rows, 65_000):,} rows, read", old, "ours", "calamine", "")
    large = made(write_like_excel, folder / "excel-large.xlsx", more)
    bench.compare(f"XLSX as Excel saves it (imitated), {more:,} rows, read", large, "ours", "calamine", "≤ 1.3")


def tables_of_text(bench: Bench, rows: int, fewer: int) -> None:
    """CSV against the csv module and against what checks tables."""
    plain = made(write_csv, bench.folder / "plain.csv", rows)
    bench.compare(f"CSV, {rows:,} rows, read and checked", plain, "ours, checked", "bare csv", "≤ 1.5")
    quoted = made(write_csv, bench.folder / "quoted.csv", rows, quoted=True)
    bench.compare("the same, every cell quoted", quoted, "ours, checked", "bare csv", "≤ 1.5")
    some = made(write_csv, bench.folder / "some.csv", fewer)
    for peer in ("pandera", "pydantic", "frictionless"):
        turns = 1 if peer == "frictionless" else None
        bench.compare(f"CSV, {fewer:,} rows, read and checked", some, "ours, checked", peer, "≤ 0.3", turns=turns)


def marked_copy(bench: Bench, rows: int) -> None:
    """``validate --out`` of a sheet in which every tenth row has a problem."""
    made(write_csv, bench.folder / "bad.csv", rows, bad=10)
    taken = [bench.command("-m", "bulkjob", "validate", "bad.csv", "--out", "out") for _ in range(bench.turns)]
    seconds = [one.processor for one in taken]
    told = f"{statistics.median(seconds):.2f} s ({min(seconds):.2f} to {max(seconds):.2f})"
    title = f"`validate --out`, {rows:,} rows, {rows // 10:,} problems, start included"
    bench.add(title, "", told, "", f"{max(one.memory for one in taken) / 1e6:.0f} MB", "≤ 3 s")


def growth(bench: Bench, steps: Sequence[int]) -> None:
    """How time and memory of ``validate`` grow with the rows: both less what ten rows take."""
    start = _validated(bench, 10)
    points = [(rows, _validated(bench, rows)) for rows in steps]
    beyond = [(rows, taken.processor - start.processor) for rows, taken in points]
    # What is less than the noise of starting tells nothing.
    telling = [(math.log(rows), math.log(seconds)) for rows, seconds in beyond if seconds > 0.05]
    exponent = f"exponent **{statistics.linear_regression(*zip(*telling, strict=True)).slope:.2f}**" if len(telling) > 1 else ""
    each = ", ".join(f"{seconds:.2f}" for _, seconds in beyond)
    memory = f"{(points[-1][1].memory - start.memory) / steps[-1]:.0f} B a row"
    bench.add(f"`validate` of CSV, {steps[0]:,} to {steps[-1]:,} rows", "ten rows", f"{each} s more", exponent, memory, "≤ 1.1")


def _validated(bench: Bench, rows: int) -> Took:
    path = str(made(write_csv, bench.folder / f"{rows}.csv", rows))
    taken = [bench.command("-m", "bulkjob", "validate", path) for _ in range(bench.turns)]
    return sorted(taken, key=lambda one: one.processor)[len(taken) // 2]


def suggestions(bench: Bench) -> None:
    """A thousand names that are not there among ten thousand; difflib's part of it is scaled up."""
    pairs = [(bench.work("nearest", ROOT), bench.work("nearest of all", ROOT)) for _ in range(bench.turns)]
    mine, its = (statistics.median(one.processor for one in side) for side in zip(*pairs, strict=True))
    bench.add(
        "1,000 names that are not there among 10,000",
        "difflib over all",
        f"{mine:.2f} s / {its * 50:.0f} s",
        f"**{mine / its / 50:.3f}**",
        "",
        "< 1 s",
    )


def starting(bench: Bench) -> None:
    """What it costs to start."""
    ten = made(write_csv, bench.folder / "10.csv", 10)
    bench.compare_commands("`--help`", ["--help"], "≤ 5")
    bench.compare_commands("`validate` of ten rows", ["validate", str(ten)], "≤ 35")


def install_peers(folder: Path) -> str:
    """Installs the peers into the folder; returns what they are."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", str(folder / "peers"), *PEERS]
    subprocess.run(command, check=True, capture_output=True)
    found = sorted(path.name.removesuffix(".dist-info") for path in (folder / "peers").glob("*.dist-info"))
    wanted = {peer.partition("[")[0].replace("-", "_") for peer in PEERS}
    return ", ".join(name.replace("-", " ") for name in found if name.rpartition("-")[0] in wanted)


def machine(peers: str) -> str:
    """What it ran on, and how busy that was."""
    model = next((line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line), "")
    busy = ", ".join(f"{load:.1f}" for load in os.getloadavg())
    return f"{model or platform.machine()}, {os.cpu_count()} cores (load {busy}), Python {platform.python_version()}; {peers}."


def main() -> None:
    """Makes the sheets, measures, prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help="workbooks, csv, out, names, growth, start; all of them without one")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the rows, for a quick look")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    # The first core is the one that is most often interrupted.
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})

    def scaled(rows: int) -> int:
        return max(int(rows * given.scale), 1_000)

    parts: dict[str, Callable[[Bench], None]] = {
        "workbooks": lambda bench: workbooks(bench, scaled(100_000), scaled(500_000)),
        "csv": lambda bench: tables_of_text(bench, scaled(1_000_000), scaled(100_000)),
        "out": lambda bench: marked_copy(bench, scaled(100_000)),
        "names": suggestions,
        "growth": lambda bench: growth(bench, [rows for rows in GROWTH if rows <= scaled(GROWTH[-1])]),
        "start": starting,
    }
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(folder=Path(folder), turns=given.turns)
        peers = install_peers(bench.folder)
        bench.add("what", "against", "processor's time", "ratio", "peak memory", "aim")
        bench.add(*["---"] * 6)
        for name in given.parts or parts:
            parts[name](bench)
        text = "\n".join([*bench.lines, "", machine(peers), ""])
    if given.out is None:
        print(text)
    else:
        given.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
