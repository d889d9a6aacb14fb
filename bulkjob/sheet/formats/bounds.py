"""How large a sheet may be. What is beyond ends in one sentence that names the bound; no honest sheet comes near one.

A few bytes can ask for gigabytes or hours (archives, repetitions, strings that are referred to often), so what a file asks for is counted
before it is made.
"""

from typing import Final

#: Of the file, in bytes.
LARGEST_FILE: Final = 2**30
#: Of an archive's parts together, in bytes: a million rows of ten columns unpack to about half of this.
LARGEST_UNPACKED: Final = 2**30
#: Of a part that is read as a whole (styles, relations, the list of worksheets), in bytes.
LARGEST_WHOLE_PART: Final = 16 * 2**20
#: Of an archive's list of parts, in bytes: a workbook has hundreds of parts, not millions.
LARGEST_DIRECTORY: Final = 4 * 2**20
#: XML elements: so many in any file, and so many more for each byte of the file as it is packed.
MOST_ELEMENTS: Final = 5_000_000
MOST_ELEMENTS_PER_BYTE: Final = 4
#: XML's references (``&#65;``) and Excel's (``_x0041_``) in all that is read, and as many more for each byte as there may be elements.
MOST_REFERENCES: Final = 10_000_000
#: XML elements of a part that is read as a whole: a workbook with as many styles as Excel allows has half of them.
MOST_ELEMENTS_OF_WHOLE_PART: Final = 1_000_000
#: Elements within elements.
DEEPEST_ELEMENT: Final = 250
#: The last column is XFD, as in Excel.
MOST_COLUMNS: Final = 16_384
#: The last row of a workbook's worksheet, as in Excel.
LAST_ROW: Final = 1_048_576
#: A million rows of twenty columns; about 2 GB of memory.
MOST_CELLS: Final = 20_000_000
#: Between the first and the last header, in rows that are not blank: a million rows with twenty columns that nobody fills.
MOST_BLANK_CELLS: Final = 20_000_000
#: Cells that are only said to be like another: repeated, merged.
MOST_REPEATED: Final = 4_000_000
#: Those of them that are remembered one by one: dates, errors, numbers that are shown in a format.
MOST_REPEATED_ODD: Final = 500_000
#: Merged areas, the same one counted as often as the file lists it.
MOST_MERGES: Final = 1_000_000
#: Blank rows of a CSV file; a workbook ends with its last row.
MOST_BLANK_ROWS: Final = 4_000_000
#: Cells right of the last header.
MOST_BEYOND: Final = 1_000_000
#: Of all cells together, in bytes of UTF-8.
MOST_TEXT: Final = 10**9
#: The same of a workbook of any size, and so much more for each byte of the file as it is packed: strings that cells share, and whatever
#: is said over and over, cost next to nothing there. What people have typed has three to ten bytes for each.
MOST_TEXT_ANYWHERE: Final = 10**8
MOST_TEXT_PER_BYTE: Final = 32
#: Of all headers together, in characters: each is compared with all that a header may mean.
MOST_OF_HEADERS: Final = 4 * 2**20
#: Cells of a workbook that are remembered one by one: dates, errors, numbers that are shown in a format.
MOST_ODD: Final = 10_000_000
#: Of a sheet, in the columns that are read: cells that no row may have, each of which becomes a problem.
MOST_FLAWS: Final = 500_000
#: In characters; Excel stops at 32,767.
LONGEST_CELL: Final = 2**20
#: Of XML or CSV, in bytes.
LONGEST_ROW: Final = 32 * 2**20
#: In characters; Excel stops at 255.
LONGEST_FORMAT: Final = 512
#: Of the formats beyond `ORDINARY_FORMAT` in which numbers are shown together, one for each cell, in characters.
MOST_OF_LONG_FORMATS: Final = 50_000_000
#: In characters; what Excel writes for an account has 80.
ORDINARY_FORMAT: Final = 128
