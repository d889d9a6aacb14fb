"""Feeds ``bulkjob validate`` files that nobody would write, and measures what that takes.

    python tests/sheet/fuzz.py bytes|workbooks [FILES [SEED]]

``bytes`` are random ones, behind the beginnings that decide which reader they go to; ``workbooks`` are real ones, damaged in the
archive or, in an intact archive, in their XML. Prints how many files were read and how many refused, and the peak of memory in MB
beyond what small good sheets take. Stops at the first file that ends neither in a list of problems nor in one sentence; it is left in
the folder that is then named.
"""

import contextlib
import io
import random
import resource
import sys
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from bulkjob.cli import main
from bulkjob.vocabulary import Exit

GOLDEN = Path(__file__).parent / "golden"
WORKBOOKS = (
    *("libreoffice.xlsx", "libreoffice.xls", "libreoffice.ods", "openpyxl.xlsx", "exceljs-stream.xlsx", "sheetjs-inline.xlsx"),
    *("sheetjs.xls", "sheetjs.ods", "xlsxwriter.xlsx"),
)

STARTS = (
    b"", b"PK\x03\x04", b"PK\x05\x06", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"\x09\x02\x06\x00", b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf",
    b"department,unit\n", b'department,unit\n"', b"sep=;\n", b"department\tunit\r", "department;unit\n".encode("utf-16"),
)  # fmt: skip
NAMES = ("s.csv", "s.xlsx", "s.xls", "s.ods", "s")
WORDS = (
    b'"', b"<", b">", b"-1", b"99999999999", b"1048576", b"1e999", b"nan", b"\xff", b"A1", b"&#0;", b"", b"<c/>", b"<row>", b's="7"',
    b't="s"', b"\x00", b'r="XFD1048576"', b' number-rows-repeated="1048576"',
)  # fmt: skip


def random_file(chance: random.Random) -> tuple[str, bytes]:
    """A name, and bytes of all kinds or of those kinds that CSV is made of."""
    alphabet = bytes(range(256)) if chance.random() < 0.5 else b"dep,;\t\"\n\r'= \xc3\xa40"
    return chance.choice(NAMES), chance.choice(STARTS) + bytes(chance.choices(alphabet, k=chance.randrange(2000)))


def damaged_workbook(chance: random.Random) -> tuple[str, bytes]:
    """A workbook with bytes changed, left out, doubled or replaced by something that means something."""
    name = chance.choice(WORKBOOKS)
    original = (GOLDEN / name).read_bytes()
    if name.endswith(".xls") or chance.random() < 0.3:
        return name, damaged(original, chance)
    with zipfile.ZipFile(io.BytesIO(original)) as archive:
        parts = {part: archive.read(part) for part in archive.namelist()}
    part = chance.choice([part for part in parts if part.endswith((".xml", ".rels")) and "theme" not in part])
    parts[part] = damaged(parts[part], chance)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for other, content in parts.items():
            archive.writestr(other, content)
    return name, packed.getvalue()


def damaged(original: bytes, chance: random.Random) -> bytes:
    data = bytearray(original)
    for _ in range(chance.randint(1, 6)):
        place = chance.randrange(len(data))
        end = place + chance.randint(0, 40)
        change = chance.randrange(4)
        if change == 0:
            data[place] = chance.randrange(256)
        elif change == 1:
            data[place:place] = data[place:end]
        else:
            data[place : end if change == 2 else place + chance.randrange(4)] = chance.choice(WORDS)
    return bytes(data)


def validated(path: Path) -> tuple[int, str, str]:
    """The exit code of ``bulkjob validate``, and what it said on standard output and standard error."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(["validate", str(path)])
    return code, out.getvalue(), err.getvalue()


def ending(code: int, out: str, err: str) -> str | None:
    """``read`` if a list of what is wrong came of it, ``refused`` if one sentence did; None for everything that nobody should see."""
    if code in {Exit.OK, Exit.BAD_SHEET} and out and not err and "Traceback" not in out:
        return "read"
    return "refused" if code == Exit.BAD_SHEET and not out and err.startswith("bulkjob: ") and err.count("\n") == 1 else None


def peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 2**20)


def fuzz(make: Callable[[random.Random], tuple[str, bytes]], files: int, seed: str, folder: Path) -> Counter[str]:
    endings = Counter[str]()
    for number in range(files):
        name, data = make(random.Random(f"{seed} {number}"))  # noqa: S311  # the same files in each run
        path = folder / name
        path.write_bytes(data)
        code, out, err = validated(path)
        if (end := ending(code, out, err)) is None:
            kept = Path(tempfile.mkdtemp(prefix="fuzz-")) / name
            kept.write_bytes(data)
            raise SystemExit(f"file {number} of seed {seed}, kept as {kept}, ended with {code}:\n{out}{err}")
        endings[end] += 1
    return endings


def run(kind: str, files: int = 500, seed: str = "1") -> None:
    """Prints one line, ``500 files: 12 read, 488 refused; peak 31 MB``."""
    with tempfile.TemporaryDirectory() as folder:
        for name in WORKBOOKS:
            validated(GOLDEN / name)
        before = peak_megabytes()
        endings = fuzz(damaged_workbook if kind == "workbooks" else random_file, files, seed, Path(folder))
        print(f"{files} files: {endings['read']} read, {endings['refused']} refused; peak {peak_megabytes() - before:.0f} MB")  # noqa: T201  # a program of its own


if __name__ == "__main__":
    run(sys.argv[1], *(kind(text) for kind, text in zip((int, str), sys.argv[2:], strict=False)))
