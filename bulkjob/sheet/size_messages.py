"""The sentences about files that take more memory than there is, or than they should; `messages` has those about parts of a file."""

# ruff: noqa: D103  # each function is the sentence that it returns


def no_memory(name: str) -> str:
    return (
        f"There is not enough memory to read {name}; copy the columns and rows that the job needs to a new sheet, "
        "or run it where there is more memory."
    )


def too_many_odd(name: str, limit: int) -> str:
    return (
        f"More than {limit:,} cells of {name} hold a date, an error or a number in a format, more than a sheet may have; "
        "copy the columns that the job needs to a new sheet."
    )


def too_many_flaws(name: str, limit: int) -> str:
    return (
        f"More than {limit:,} cells of {name} in the columns that are read hold a date, an error or a number that lost digits; "
        "correct them in the spreadsheet program, as text."
    )
