"""Every sentence about a sheet that a person reads: what is wrong, and what to do about it."""

# ruff: noqa: D103  # each function is the sentence that it returns

from collections.abc import Sequence

from bulkjob.phrases import listed, quoted, rows_listed
from bulkjob.vocabulary import Code

_RETYPE = "Format the cell as Text in the spreadsheet program and type the value again."

#: What a cell of the six columns that is not what people typed is called, and the remedy.
_ODD_CELLS = {
    Code.EXCEL_DATE: "The spreadsheet program has turned this cell into a date or time ({value}). " + _RETYPE,
    Code.EXCEL_ERROR: "The cell shows the error {value} instead of a value. Correct its formula, or type the value itself.",
    Code.EXCEL_NUMBER: "The spreadsheet program has turned this cell into a number and lost digits of it ({value}). " + _RETYPE,
    Code.EXCEL_FORMULA: "The cell holds a formula whose result is not stored in the file ({value}). "
    "Open the file in a spreadsheet program, let it calculate and save it, or type the value itself.",
}


# The file as a whole: one sentence each.


def missing(name: str) -> str:
    return f"There is no file {name}; check the path and the spelling."


def is_directory(name: str) -> str:
    return f"{name} is a folder, not a file; name the spreadsheet inside it."


def no_permission(name: str) -> str:
    return f"The file {name} may not be read by this user; change its permissions and run again."


def unreadable(name: str, reason: str) -> str:
    return f"The file {name} cannot be read ({reason}); copy it to another place and run again."


def unfetched(address: str, reason: str) -> str:
    return f"The sheet {address} cannot be fetched: {reason}."


def store_fails(address: str, reason: str, attempts: int) -> str:
    tried = "at the only attempt" if attempts == 1 else f"also at the last of {attempts:,} attempts"
    return f"The sheet {address} cannot be fetched: {reason}, {tried}. Run the same command later."


def file_too_large(name: str, limit: int) -> str:
    return f"{name} is larger than {_size(limit)}, the most that a sheet may have; take out what the job does not need, or split it."


def unpacks_too_large(name: str, limit: int) -> str:
    return (
        f"{name} would unpack to more than {_size(limit)}, the most that a workbook may have; "
        "copy its cells to a new workbook, or split it."
    )


def too_many_parts(name: str, limit: int) -> str:
    return (
        f"The list of what the archive {name} holds is larger than {_size(limit)}, the most that a workbook may have; "
        "copy its cells to a new workbook."
    )


def too_many_elements(name: str) -> str:
    return f"{name} holds far more XML than a workbook of its size should; copy its cells to a new workbook."


def too_many_rows(name: str, max_rows: int) -> str:
    return f"{name} has more than {max_rows:,} rows; split it, or raise the limit with --max-rows."


def too_many_blank_rows(name: str, limit: int) -> str:
    return f"{name} has more than {limit:,} blank rows, the most that a sheet may have; delete them."


def too_many_row_elements(name: str, limit: int) -> str:
    return f"{name} has more than {limit:,} rows, blank ones included, the most that a workbook may have; copy its rows to a new workbook."


def too_many_columns(name: str, limit: int) -> str:
    return f"{name} has more than {limit:,} columns, the most that a sheet may have; copy the columns that the job needs to a new sheet."


def too_many_cells(name: str, limit: int) -> str:
    return f"{name} has more than {limit:,} cells, the most that a sheet may have; copy the columns that the job needs to a new sheet."


def too_wide(name: str, limit: int) -> str:
    return (
        f"{name} has too many columns for its number of rows (more than {limit:,} cells, counting blank ones); "
        "copy the columns that the job needs to a new sheet."
    )


def too_many_repeated(name: str, limit: int) -> str:
    return (
        f"More than {limit:,} cells of {name} are only said to repeat another (repeated or merged), more than a sheet may have; "
        "copy the rows that the job needs to a new sheet."
    )


def too_many_beyond(name: str, limit: int) -> str:
    return f"{name} has more than {limit:,} cells right of its last header; give their columns headers, or delete them."


def too_much_text(name: str, limit: int) -> str:
    return (
        f"The cells of {name} hold more than {_size(limit)} of text together, the most that a sheet may have; "
        "copy the columns that the job needs to a new sheet."
    )


def cell_too_long(name: str, limit: int) -> str:
    return f"{name} has a cell of more than {limit:,} characters, the most that a cell may have; shorten it, or remove its column."


def row_too_long(name: str, row: int, limit: int) -> str:
    return f"Row {row:,} of {name} is longer than {_size(limit)}, the most that a row may have; check that the file is a table of text."


def _size(limit: int) -> str:
    return f"{limit // 10**9:,} GB" if limit >= 10**9 else f"{limit // 2**20:,} MB"


def bad_reference(name: str, reference: str) -> str:
    return (
        f"In {name} it cannot be told where the cell {quoted(reference, 20)} belongs, so cells could end up in the wrong place; "
        "open it in a spreadsheet program and save it again."
    )


def cell_twice(name: str) -> str:
    return f"{name} holds two values for one cell; open it in a spreadsheet program, look which one is right, and save it again."


def empty(name: str) -> str:
    return f"{name} is empty; its first row must hold the headers, one of them department."


def garbage(name: str) -> str:
    return f"{name} is neither a spreadsheet nor a table of text, or it is damaged; save it again as .xlsx or as CSV UTF-8."


def not_a_workbook(name: str) -> str:
    return f"{name} is damaged or incomplete, or not a workbook at all; open it in a spreadsheet program and save it as .xlsx."


def lock_file(name: str) -> str:
    workbook = name.removeprefix("~$").removeprefix(".~lock.").removesuffix("#")
    return f"{name} is only the lock file that marks {quoted(workbook)} as open in a spreadsheet program; name the spreadsheet itself."


def packed(name: str, kind: str) -> str:
    return f"{name} is a packed file ({kind}); unpack it and name the spreadsheet inside it."


def zip_archive(name: str, sheets: Sequence[str]) -> str:
    inside = f"it and name the sheet inside it, {quoted(sheets[0])}" if len(sheets) == 1 else "it and name one of the sheets inside it"
    return (
        f"{name} is a zip archive; unpack {inside}."
        if sheets
        else f"{name} is a zip archive that holds no spreadsheet; name the spreadsheet."
    )


def other_kind(name: str, kind: str) -> str:
    return f"{name} is {kind}; name a spreadsheet, saved as .xlsx or as CSV UTF-8."


def web_page(name: str) -> str:
    ending = " with the name of a workbook" if name.lower().endswith((".xls", ".xlsx")) else ""
    return f"{name} is a web page (HTML){ending}; open it in a spreadsheet program and save it as .xlsx, or download the sheet itself."


def xml_workbook(name: str, kind: str) -> str:
    return f"{name} is {kind}, which cannot be read; open it in a spreadsheet program and save it as .xlsx."


def numbers_workbook(name: str) -> str:
    return f"{name} is a spreadsheet of Apple Numbers, which cannot be read; open it in Numbers and export it as Excel (.xlsx)."


def binary_workbook(name: str) -> str:
    return f"{name} is a binary Excel workbook (.xlsb), which cannot be read reliably; open it in Excel and save it as .xlsx."


def encrypted(name: str) -> str:
    return f"{name} is protected with a password; open it in the spreadsheet program, remove the password and save it again."


def not_utf8(name: str, rows: Sequence[int]) -> str:
    are, them = ("is", "it") if len(rows) == 1 else ("are", "them")
    return (
        f"{name} is UTF-8, but {rows_listed(rows)} {are} not: letters outside ASCII would come out wrong; "
        f"type {them} again and save the file as CSV UTF-8."
    )


def other_delimiter(name: str, delimiter: str) -> str:
    return (
        f"The cells of {name} are separated by {delimiter}, which is not read; save it with commas, semicolons or tabs between the cells."
    )


def endless_cell(name: str, row: int, limit: int) -> str:
    return (
        f"The cell near row {row:,} of {name} is longer than {limit:,} characters, the most that a cell may have; "
        'a closing " may be missing there.'
    )


def broken_quotes(name: str, row: int) -> str:
    return (
        f'The quotation marks near row {row:,} of {name} do not match; put a closing " where it is missing, '
        'or save the file again as "CSV UTF-8" from a spreadsheet program.'
    )


def no_worksheet(name: str, wanted: str, present: Sequence[str]) -> str:
    return f"{name} has no worksheet {quoted(wanted)}; it has {listed(map(quoted, present)) if present else 'none'}. Correct --sheet-name."


def csv_has_no_worksheets(name: str, wanted: str) -> str:
    return f"{name} is a text file and has no worksheet {quoted(wanted)}; leave out --sheet-name, or name a workbook."


def no_visible_worksheet(name: str) -> str:
    return f"All worksheets of {name} are hidden; show the one to be read, or name it with --sheet-name."


def no_department(name: str, headers: Sequence[str], row: int, near: str | None) -> str:
    seen = [header for header in headers if header]
    shown = ", ".join(quoted(header, 40) for header in seen[:8]) + (f" and {len(seen) - 8:,} more" if len(seen) > 8 else "")
    hint = f'Did you mean {quoted(near)}? If so, rename it to "department". ' if near else ""
    return f'{name} has no "department" column. {hint}Headers found in row {row}: {shown}.'


def headers_further_down(name: str, row: int) -> str:
    above = f"rows 1 to {row - 1}" if row > 2 else "row 1"
    return f"The headers of {name} seem to be in row {row}; delete {above}, so that they come first."


def same_column_twice(name: str, column: str, first: tuple[str, str], second: tuple[str, str]) -> str:
    return (
        f"{name} has two columns for {column}: {quoted(first[1])} in column {first[0]} and {quoted(second[1])} in column {second[0]}; "
        "rename or remove the one that is not meant."
    )


def plural_header(name: str, header: str, column: str, letter: str) -> str:
    return (
        f'{name} has a column {quoted(header)} (column {letter}) but none called "{column}". '
        f'If this is the {column} column, rename it to "{column}"; otherwise give it another name.'
    )


# What a person may want to know.


def near_header(header: str, column: str, letter: str) -> str:
    return (
        f'Column {letter}, {quoted(header)}, is one letter off "{column}" and was not read. '
        f'If this is the {column} column, rename it to "{column}".'
    )


def telling_header(header: str, letter: str, column: str, read_from: str | None) -> str:
    """``column`` is the one that the header reminds of, if there is such; ``read_from`` the letter of the column read as that."""
    carried = f"Column {letter}, {quoted(header)}, is only carried into the report; nothing is read from it."
    if not column:
        return carried
    if read_from:
        return f"{carried} The {column} is read from column {read_from}."
    return f'{carried} If this is the {column} column, rename it to "{column}".'


def columns_read(read: Sequence[str], carried: Sequence[str]) -> str:
    shown = [quoted(header, 40) if header else "one without a header" for header in carried[:8]]
    rest = f" and {len(carried) - 8:,} more" if len(carried) > 8 else ""
    only = f"only carried into the report: {', '.join(shown)}{rest}" if carried else "there are no others"
    return f"columns read: {', '.join(read)}; {only}"


def text_in_spite_of_name(name: str) -> str:
    return f"{name} is a text file, not the workbook that its name promises, and was read as text"


CONTROL_Z = "a Ctrl-Z at the end of the file, by which old programs mark the end, was left out"


def hidden_rows(rows: Sequence[int]) -> str:
    are, were = ("is", "was") if len(rows) == 1 else ("are", "were")
    return f"{rows_listed(rows).capitalize()} {are} hidden or filtered out in the spreadsheet, and {were} read all the same."


def hidden_columns(letters: Sequence[str]) -> str:
    columns, are = ("Column", "is") if len(letters) == 1 else ("Columns", "are")
    return f"{columns} {listed(letters)} {are} hidden in the spreadsheet, and read all the same."


def other_dash(rows: Sequence[int]) -> str:
    return (
        f"The unit in {rows_listed(rows)} is a long dash, which is read as a name; type a plain - to take the department out of its unit."
    )


def scientific_text(rows: Sequence[int]) -> str:
    return (
        f"{rows_listed(rows).capitalize()}: a name like 1.23E+15 is usually a long number that a spreadsheet program has shortened; "
        "it is read as a name."
    )


def dropped_columns(headers: Sequence[str]) -> str:
    return f"not read, because a report writes columns of that name: {', '.join(map(quoted, headers))}"


def other_worksheets(read: str, skipped: Sequence[str]) -> str:
    return f"read the worksheet {quoted(read)}; not read: {', '.join(map(quoted, skipped))}"


# One row or cell.


def odd_cell(code: Code, value: str) -> str:
    return _ODD_CELLS[code].format(value=quoted(value)[1:-1])


def too_short(cells: int, headers: int) -> str:
    return (
        f"The row has {cells} cell{'s' if cells != 1 else ''} where the headers have {headers}. "
        "Find out which one is missing and put it in, blank if need be (in a CSV file: one more separator)."
    )


def beyond(value: str) -> str:
    return (
        f"There is something right of the last header ({quoted(value)}). "
        "If it belongs to a column, give that column a header. If cells have slipped to the right, move them back; in a CSV file, a cell "
        "that holds the separator must stand in quotation marks. Else delete it."
    )


MISSING_DEPARTMENT = "The row does not say which department it is about. Fill in the department, or delete the row."
NOTHING_TO_DO = "The row names neither a unit nor an agent, so there is nothing to do. Fill in one of them, or delete the row."
ONLY_AT_SIGN = "The agent is only an @ without a name. Type the username, or clear the cell."


def bad_number(column: str, value: str) -> str:
    return f"{column} must be a whole number from 0 to 2147483647, written with the digits 0 to 9 only, or blank; {quoted(value)} is not."


def bad_action(value: str) -> str:
    return f"action must be add or remove, or blank (which means add); {quoted(value)} is neither."


def agent_needed(columns: Sequence[str]) -> str:
    them = "it" if len(columns) == 1 else "them"
    return (
        f"The row has a value in {listed(columns)}, which only an agent can have, but names no agent. Fill in the agent, or clear {them}."
    )


def conflicting_unit(department: str, units: Sequence[str], rows: Sequence[int]) -> str:
    named = [quoted(unit) if unit != "-" else "- (no unit)" for unit in units[:5]]
    more = f" and {len(units) - 5} more" if len(units) > 5 else ""  # as many as are named above
    return (
        f"A department can be in one unit only, but {rows_listed(rows)} ask for different ones for {quoted(department)}: "
        f"{', '.join(named)}{more}. Keep one of them in all these rows."
    )


def conflicting_agent(agent: str, department: str, column: str, values: Sequence[str], rows: Sequence[int]) -> str:
    return (
        f"{rows_listed(rows).capitalize()} ask for different things for agent {quoted(agent)} in department {quoted(department)}: "
        f"{column} {' or '.join(values[:5])}. Keep one of these rows, or make them agree."
    )
