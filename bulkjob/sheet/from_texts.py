"""A `Sheet` of texts that were a sheet's before."""

from collections.abc import Mapping, Sequence

import pandas as pd

from bulkjob.records import Sheet


def sheet_of_texts(
    columns: Sequence[Sequence[str]],
    *,
    rows: Sequence[int],
    positions: Mapping[str, int],
    headers: Sequence[str],
    letters: Sequence[str],
    name: str,
    sha256: str = "",
    sheet_name: str = "",
) -> Sheet:
    """The sheet whose cells are these texts, by column; ``rows`` are the numbers that a spreadsheet shows, the rest is as in `Sheet`."""
    return Sheet(
        name=name,
        sha256=sha256,
        sheet_name=sheet_name,
        headers=tuple(headers),
        letters=tuple(letters),
        positions=positions,
        cells=pd.DataFrame(dict(enumerate(columns)), index=pd.Index(list(rows), dtype="int64"), dtype="str"),
    )
