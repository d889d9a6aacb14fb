"""A sheet and an ending to report on."""

from collections.abc import Callable, Sequence

import pandas as pd
import pytest

from bulkjob.records.sheet import Sheet
from bulkjob.report.summary import Ending, RunFigures
from bulkjob.vocabulary import SHEET_COLUMNS, Exit

MakeSheet = Callable[..., Sheet]
MakeEnding = Callable[..., Ending]


@pytest.fixture(scope="session")
def make_sheet() -> MakeSheet:
    """Return a maker of sheets from headers, rows of cells and row numbers (from 2 if not given)."""

    def make(headers: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[int] | None = None) -> Sheet:
        index = list(numbers) if numbers is not None else list(range(2, len(rows) + 2))
        return Sheet(
            name="reorg.csv",
            sha256="ab" * 32,
            sheet_name="",
            headers=tuple(headers),
            letters=tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ"[: len(headers)]),
            positions={name: headers.index(name) for name in SHEET_COLUMNS if name in headers},
            cells=pd.DataFrame(list(rows), index=index, columns=range(len(headers)), dtype=str),
        )

    return make


@pytest.fixture(scope="session")
def make_ending() -> MakeEnding:
    """Return a maker of endings of a run of ``reorg.csv``."""

    def make(exit_code: Exit, message: str = "", figures: RunFigures | None = None) -> Ending:
        return Ending(
            exit_code=exit_code,
            message=message,
            sheet_name="reorg.csv",
            sheet_sha256="ab" * 32,
            run_dir="runs/20261123T005400Z-reorg",
            bulkjob_version="0.1.0",
            figures=figures or RunFigures(duration_seconds=63.4),
        )

    return make
