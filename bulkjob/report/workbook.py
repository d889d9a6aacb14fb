"""What an .xlsx file can hold, and cells that are text whatever they begin with."""

from typing import Final

import xlsxwriter

MOST_ROWS: Final = 1_048_576


MOST_COLUMNS: Final = 16_384


#: Characters of a cell.
LONGEST_TEXT: Final = 32_767


_CUT: Final = " … (cut here: a cell holds no more)"


class TextFormats:
    """The formats of a workbook of texts. "Text" keeps what people type there later as they type it: 007, 1-2, 1e5."""

    def __init__(self, workbook: xlsxwriter.Workbook) -> None:
        self.text = workbook.add_format({"num_format": "@"})
        self.bad = workbook.add_format({"num_format": "@", "bg_color": "#FFC7CE", "border": 1, "border_color": "#C00000"})
        self.head = workbook.add_format({"num_format": "@", "bold": True, "bg_color": "#D9E2EC", "bottom": 1})
        self.wrapped = workbook.add_format({"num_format": "@", "text_wrap": True, "valign": "top"})
        self.link = workbook.add_format({"font_color": "#0563C1", "underline": 1, "valign": "top"})


def fitting(text: str) -> str:
    """The text as a cell can hold it: cut, and saying so, where it is too long; without halves of characters, which no file can hold."""
    whole = text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - len(_CUT)] + _CUT
    return whole if whole.isascii() else whole.encode(errors="replace").decode()
