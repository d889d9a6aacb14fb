"""``bulkjob validate``: reads and checks a sheet, and shows what is wrong with it; no server is needed."""

import json
import shutil
from pathlib import Path

from bulkjob.problems import listing, problems_document, render_problems
from bulkjob.report.files import write_whole
from bulkjob.settings import Settings
from bulkjob.sheet import check, read_sheet
from bulkjob.vocabulary import Exit, Stop


def validate(settings: Settings, path: Path, *, out: Path | None, as_json: bool) -> Exit:
    """Print every problem of the sheet at ``path`` and, with ``out``, write them there as problems.csv; BAD_SHEET if there is one.

    Raises `Stop` where the sheet cannot be read at all, or ``out`` cannot be written.
    """
    checked = check(read_sheet(path, sheet_name=settings.sheet_name, max_rows=settings.max_rows))
    if out is not None:
        _make(out)
        write_whole(out / "problems.csv", render_problems(checked.problems))
    if as_json:
        print(json.dumps(problems_document(checked), indent=2))
    else:
        # Off a terminal a page of forty lines: long enough to see each kind of mistake, short enough for a build log.
        size = shutil.get_terminal_size((120, 40))
        print("\n".join(listing(checked, width=size.columns, height=size.lines)))
    return Exit.BAD_SHEET if checked.problems else Exit.OK


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Stop(Exit.CANNOT_CREATE, f"{folder} cannot be made: {error.strerror}.") from error
