"""What each exit code says, for the help, the documentation and the summary of many runs."""

from typing import Final

from bulkjob.vocabulary import Exit

EXIT_MEANINGS: Final[dict[Exit, str]] = {
    Exit.OK: "every row is in place (validate: no problem found; doctor: nothing is missing)",
    Exit.ROWS_NOT_DONE: "finished, or stopped by --max-failures, with rows that are not in place: read the report",
    Exit.USAGE: "wrong usage of the command line",
    Exit.BAD_SHEET: "the sheet is invalid or cannot be read, a guard refused it, or an approved plan no longer fits; nothing was sent",
    Exit.NO_INPUT: "the sheet cannot be opened",
    Exit.UNAVAILABLE: "the server cannot be reached or keeps failing; try again later",
    Exit.DEFECT: "a defect in bulkjob itself",
    Exit.CANNOT_CREATE: "the run directory or another output cannot be written, or belongs to another run",
    Exit.INTERRUPTED: "interrupted with something left undone, or another run is working in the directory; run it again",
    Exit.NO_PERMISSION: "the server refuses this account: 401, a missing permission, no licence for units",
    Exit.BAD_SETTING: "a setting is missing or wrong",
}
