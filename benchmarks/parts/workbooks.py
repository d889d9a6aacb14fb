"""Reading workbooks of each kind and shape, over calamine."""

from typing import Final

from benchmarks.bench import Bench
from benchmarks.files import made, saved_by_libreoffice, write_by_xlsxwriter, write_like_excel, write_like_libreoffice
from benchmarks.pieces import Comparison
from benchmarks.results import Measured

#: An .xls has 65,536 rows at most.
_MOST_XLS: Final = 65_000


def measure(bench: Bench) -> Measured:
    """As Excel, XlsxWriter and, where it is installed, LibreOffice save them."""
    compared, folder, turns = Comparison(bench, "calamine"), bench.folder, bench.turns(3)
    rows, more, fewer = (bench.scaled(number, 1_000) for number in (100_000, 500_000, _MOST_XLS))
    excel = made(write_like_excel, folder / "excel.xlsx", rows)
    compared.add(f"XLSX as Excel saves it (imitated), {rows:,} rows", excel, "ours", "calamine", 1.3, turns=turns)
    written = made(write_by_xlsxwriter, folder / "xlsxwriter.xlsx", rows)
    compared.add(f"XLSX by XlsxWriter, {rows:,} rows", written, "ours", "calamine", 1.3, turns=turns)
    if saved := saved_by_libreoffice(written, folder, "xlsx", "Calc MS Excel 2007 XML"):
        compared.add(f"XLSX by LibreOffice, {rows:,} rows", saved, "ours", "calamine", 1.3, turns=turns)
    if ods := saved_by_libreoffice(written, folder, "ods", "calc8"):
        compared.add(f"ODS by LibreOffice, {rows:,} rows", ods, "ours", "calamine", 3, turns=turns)
    else:
        ods = made(write_like_libreoffice, folder / "libreoffice.ods", rows)
        compared.add(f"ODS as LibreOffice saves it (imitated), {rows:,} rows", ods, "ours", "calamine", 3, turns=turns)
    if xls := saved_by_libreoffice(made(write_by_xlsxwriter, folder / "old.xlsx", fewer), folder, "xls", "MS Excel 97"):
        compared.add(f"XLS by LibreOffice, {fewer:,} rows", xls, "ours", "calamine", None, turns=turns)
    large = made(write_like_excel, folder / "excel-large.xlsx", more)
    compared.add(f"XLSX as Excel saves it (imitated), {more:,} rows", large, "ours", "calamine", 1.3, turns=turns)
    return compared.measured
