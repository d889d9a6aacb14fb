"""The sentences about a sheet as a whole, its headers, and what there is to know of it; `row_messages` has those about single rows."""

# ruff: noqa: D103  # each function is the sentence that it returns

from collections.abc import Mapping, Sequence

from bulkjob.phrases import listed, quoted, rows_listed

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


def other_packing(name: str) -> str:
    return (
        f"{name} is packed in another way (bzip2, LZMA) than spreadsheet programs do; "
        "copy its cells to a new workbook, or export it again from where it comes from."
    )


def too_many_parts(name: str, limit: int) -> str:
    return (
        f"The list of what the archive {name} holds is larger than {_size(limit)}, the most that a workbook may have; "
        "copy its cells to a new workbook."
    )


def too_many_elements(name: str) -> str:
    return f"{name} holds far more XML than a workbook of its size should; copy its cells to a new workbook."


def too_many_elements_of_part(name: str, limit: int) -> str:
    return (
        f"The list of worksheets, styles or relations of {name} holds more than {limit:,} XML elements, the most that it may have; "
        "copy its cells to a new workbook."
    )


def too_deep(name: str, limit: int) -> str:
    return f"{name} holds XML elements more than {limit:,} deep in each other, the most that a workbook may have; save it again as .xlsx."


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


def too_many_blank_cells(name: str, limit: int) -> str:
    return (
        f"{name} has too many columns for what they hold (more than {limit:,} cells below its headers are blank); "
        "copy the columns that the job needs to a new sheet."
    )


def too_many_repeated(name: str, limit: int) -> str:
    return (
        f"More than {limit:,} cells of {name} are only said to repeat another (repeated or merged), more than a sheet may have; "
        "copy the rows that the job needs to a new sheet."
    )


def too_many_repeated_odd(name: str, limit: int) -> str:
    return (
        f"More than {limit:,} cells of {name} are only said to repeat a date, an error or a number in a format (repeated or merged), "
        "more than a sheet may have; copy the rows that the job needs to a new sheet."
    )


def too_much_format(name: str, limit: int) -> str:
    return (
        f"The numbers of {name} are shown in formats of more than {limit:,} characters together, more than a sheet may have; "
        "give the cells an ordinary format."
    )


def too_many_merges(name: str, limit: int) -> str:
    return f"{name} lists more than {limit:,} merged areas, the most that a sheet may have; copy its cells to a new workbook."


def too_many_beyond(name: str, limit: int) -> str:
    return f"{name} has more than {limit:,} cells right of its last header; give their columns headers, or delete them."


def too_much_text(name: str, limit: int, whose: str) -> str:
    return (
        f"The cells of {name} hold more than {_size(limit)} of text together, the most that {whose} may have; "
        "copy the columns that the job needs to a new sheet."
    )


def cell_too_long(name: str, limit: int) -> str:
    return f"{name} has a cell of more than {limit:,} characters, the most that a cell may have; shorten it, or remove its column."


def row_too_long(name: str, row: int, limit: int, whose: str = "a row") -> str:
    return f"Row {row:,} of {name} is longer than {_size(limit)}, the most that {whose} may have; check that the file is a table of text."


def _size(limit: int) -> str:
    return f"{limit // 10**9:,} GB" if limit >= 10**9 else f"{limit // 2**20:,} MB"


def bad_reference(name: str, reference: str) -> str:
    return (
        f"In {name} it cannot be told where the cell {quoted(reference, 20)} belongs, so cells could end up in the wrong place; "
        "open it in a spreadsheet program and save it again."
    )


def uncertain_value(name: str, place: str) -> str:
    return (
        f"In {name} it cannot be told what {place} shows, as it is written in a way that programs read differently; "
        "open it in a spreadsheet program and save it again."
    )


def cell_twice(name: str) -> str:
    return f"{name} holds two values for one cell; open it in a spreadsheet program, look which one is right, and save it again."


def part_twice(name: str) -> str:
    return (
        f"{name} holds two versions of one of its parts, so it cannot be told what its cells show; "
        "open it in a spreadsheet program, look whether the cells are right, and save it again."
    )


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


def unread_kind(name: str, kind: str) -> str:
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
        f"The cells of {name} are separated by {delimiter}, which bulkjob does not read; "
        "save it with commas, semicolons or tabs between the cells."
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


def no_department(name: str, headers: Sequence[str], row: int, near: str | None, *, units_only: str = "") -> str:
    """``near`` is a header that may mean it; ``units_only`` the column that a sheet without departments would still need."""
    seen = [header for header in headers if header]
    shown = ", ".join(quoted(header, 40) for header in seen[:8]) + (f" and {len(seen) - 8:,} more" if len(seen) > 8 else "")
    hint = f'Did you mean {quoted(near)}? If so, rename it to "department". ' if near else ""
    units = f'A sheet about units only needs the column "{units_only}". ' if units_only else ""
    return f'{name} has no "department" column. {hint}{units}Headers found in row {row}: {shown}.'


def perhaps_department(name: str, header: str, letter: str) -> str:
    return (
        f'{name} has no "department" column, but {quoted(header)} (column {letter}). If this is the department column, '
        'rename it to "department"; otherwise give it another name, and the sheet is read as one about units only.'
    )


def headers_further_down(name: str, row: int) -> str:
    above = f"rows 1 to {row - 1}" if row > 2 else "row 1"
    return f"The headers of {name} seem to be in row {row}; delete {above}, so that they come first."


def headers_in_one_cell(name: str, header: str, row: int) -> str:
    return (
        f"The headers of {name} stand together in one cell of row {row}: {quoted(header)}. Give each a cell of its own, and likewise "
        "in the rows below (in a spreadsheet program: Data, Text to Columns), then save the sheet again."
    )


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


def telling_header(header: str, letter: str, columns: Sequence[str], read_from: Mapping[str, str]) -> str:
    """``columns`` are those that the header reminds of; ``read_from`` has the letters of those that are read."""
    carried = f"Column {letter}, {quoted(header)}, is only carried into the report; nothing is read from it."
    if missing := [column for column in columns if column not in read_from]:
        return f"{carried} If this is the {' or '.join(missing)} column, rename it to {' or '.join(map(quoted, missing))}."
    return " ".join((carried, *(f"The {column} is read from column {read_from[column]}." for column in columns)))


def columns_read(read: Sequence[str], carried: Sequence[str]) -> str:
    shown = [quoted(header, 40) if header else "one without a header" for header in carried[:8]]
    rest = f" and {len(carried) - 8:,} more" if len(carried) > 8 else ""
    only = f"only carried into the report: {', '.join(shown)}{rest}" if carried else "there are no others"
    return f"columns read: {', '.join(read)}; {only}"


def text_in_spite_of_name(name: str) -> str:
    return f"{name} is a text file, not the workbook that its name promises, and was read as text"


def guessed_encoding(name: str, encoding: str) -> str:
    return (
        f"{name} is not UTF-8 and was read as {encoding}. Check the names with letters such as é, ü or ß; "
        "if they look wrong, save the file again as CSV UTF-8."
    )


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


def other_dash_as_description(rows: Sequence[int]) -> str:
    return f"The department description in {rows_listed(rows)} is a long dash, which is taken as it is; type a plain - for no description."


def dash_as_monitor(rows: Sequence[int]) -> str:
    return (
        f"The unit monitor in {rows_listed(rows)} is a dash, which is read as a username. To take monitors out of a unit, "
        "give each a row with the action remove, or do it in Rocket.Chat (Omnichannel → Units)."
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
