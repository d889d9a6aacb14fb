"""How long it takes to read and check large sheets, as ratios to bare readers measured in the same run.

    python benchmarks/sheet.py [ROWS_OF_CSV [ROWS_OF_XLSX]]

CSV: reading and checking all rows against the standard library's csv module reading the same file into a pandas frame of
text, in time and in peak memory. XLSX: reading against calamine's bare read. Each is measured in a process of its own,
in turns, and the best of a few counts; the machine's speed falls out of the ratio. Beside the time that passed stands the
processors' time, of all threads: the ratio to look at while the machine has other things to do.
"""

import csv
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

TURNS = 5
HEADERS = ("department", "unit", "agent", "count", "order", "action", "note")


def make_csv(path: Path, rows: int, quoted: bool) -> None:  # noqa: FBT001
    """Writes a sheet without problems: 20 agents a department, 60 units."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL)
        writer.writerow(HEADERS)
        writer.writerows(_rows(rows))


def make_xlsx(path: Path, rows: int) -> None:
    """Writes the same as a workbook."""
    import xlsxwriter  # noqa: PLC0415  # the measured processes do not pay for it

    book = xlsxwriter.Workbook(path)
    sheet = book.add_worksheet()
    for number, row in enumerate([HEADERS, *_rows(rows)]):
        sheet.write_row(number, 0, row)
    book.close()


def _rows(rows: int) -> list[tuple[object, ...]]:
    return [
        (
            f"Department {row // 20}",
            f"Unit {row // 20 % 60}",
            f"agent{row}",
            row % 7 if row % 2 else "",
            row % 3,
            "add" if row % 5 else "remove",
            f"cost centre {row % 90}",
        )
        for row in range(rows)
    ]


def bare_csv(path: Path) -> int:
    """The standard library's csv module into a pandas frame of text."""
    import pandas as pd  # noqa: PLC0415

    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.reader(file)
        headers = next(reader)
        return len(pd.DataFrame(list(reader), columns=headers, dtype="str"))


def bare_xlsx(path: Path) -> int:
    """Calamine's cells as Python values."""
    import python_calamine  # noqa: PLC0415 - each process of a measurement loads what it measures

    return len(python_calamine.load_workbook(path).get_sheet_by_index(0).to_python())


def ours(path: Path) -> int:
    """The sheet, read."""
    from bulkjob.sheet import read_sheet  # noqa: PLC0415 - as above

    return len(read_sheet(path).cells)


def ours_checked(path: Path) -> int:
    """The sheet, read and checked."""
    from bulkjob.sheet import check, read_sheet  # noqa: PLC0415 - as above

    return len(check(read_sheet(path)).assignments)


def _measured(work: Callable[[Path], int], path: Path) -> tuple[float, float, float]:
    """Seconds, the processors' seconds, and MB of memory at the peak beyond what the imports took."""
    import bulkjob.sheet  # noqa: F401, PLC0415  # imports are not what is measured

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start, processors_start = time.perf_counter(), time.process_time()
    work(path)
    seconds, processors = time.perf_counter() - start, time.process_time() - processors_start
    return seconds, processors, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def in_own_process(work: Callable[..., T], *arguments: object) -> T:
    """What the work returns, done in a fresh process."""
    with ProcessPoolExecutor(max_workers=1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def compare(title: str, path: Path, bare: Callable[[Path], int], mine: Callable[[Path], int], limit: float) -> None:
    """Prints the best of both, measured in turns, and their ratios."""
    pairs = [(in_own_process(_measured, bare, path), in_own_process(_measured, mine, path)) for _ in range(TURNS)]
    seconds, processors, memory = ([min(pair[side][figure] for pair in pairs) for side in (0, 1)] for figure in range(3))
    print(
        f"{title}: {seconds[1]:.2f} s against {seconds[0]:.2f} s = {seconds[1] / seconds[0]:.2f} (at most {limit}); "
        f"processors {processors[1]:.2f} s against {processors[0]:.2f} s = {processors[1] / processors[0]:.2f}; "
        f"peak {memory[1]:.0f} MB against {memory[0]:.0f} MB = {memory[1] / max(memory[0], 1):.2f}",
        flush=True,
    )


def main() -> None:
    """Makes the sheets, measures, prints."""
    csv_rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    xlsx_rows = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        plain, quoted, book = Path(folder, "plain.csv"), Path(folder, "quoted.csv"), Path(folder, "book.xlsx")
        # In processes of their own, too: a process starts with its parent's peak of memory.
        in_own_process(make_csv, plain, csv_rows, False)  # noqa: FBT003
        in_own_process(make_csv, quoted, csv_rows, True)  # noqa: FBT003
        in_own_process(make_xlsx, book, xlsx_rows)
        compare(f"CSV, {csv_rows:,} rows, read and checked", plain, bare_csv, ours_checked, 1.5)
        compare(f"CSV, all cells quoted, {csv_rows:,} rows, read and checked", quoted, bare_csv, ours_checked, 1.5)
        compare(f"XLSX, {xlsx_rows:,} rows, read", book, bare_xlsx, ours, 1.3)


if __name__ == "__main__":
    main()
