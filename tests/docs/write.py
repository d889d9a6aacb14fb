"""`make docs`: writes anew what the documents' commands print, and the tables that the program knows.

Where a block shows "…" it is left as it is, and said if it no longer fits.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.docs.documents import BLOCK, CARRIED_OUT, ROOT, Block, Typist, block_of, is_shown, text_of, typing, written
from tests.docs.generated import GENERATED
from tests.support.servers import serving
from tests.support.workspaces import sample_workspace


def with_consoles(text: str, typist: Typist) -> str:
    """The text with each block's output as it is now; where nothing is shown below a command, nothing will be."""

    def written_anew(found: re.Match[str]) -> str:
        block = block_of(found)
        if block.reason:
            return found[0]
        shown = "".join(f"$ {line}\n{output_of(block, line, output, typist)}" for line, output in block.commands)
        return found[0].replace(found["body"], shown)

    return BLOCK.sub(written_anew, text)


def output_of(block: Block, line: str, shown: str, typist: Typist) -> str:
    """What is to be shown below a command."""
    _, printed = typist.typed(line, shown)
    if not shown:
        return ""
    if block.varies and not is_shown(block, shown, printed):
        print(f"This no longer fits; correct it by hand:\n$ {line}\n{printed}")
    return shown if block.varies else printed


def with_tables(document: str, text: str) -> str:
    """The text with the tables of this document that the program knows."""
    for (place, name), table in GENERATED.items():
        if place == document:
            before, marker, after = text.partition(f"<!-- table: {name} -->\n")
            assert marker, f"{document} has no table marked {name}"
            _, blank, rest = after.partition("\n\n")
            text = f"{before}{marker}{written(table())}{blank[1:]}{rest}"
    return text


def main(documents: Iterable[str]) -> None:
    """Write the documents anew."""
    for document in documents:
        with (
            TemporaryDirectory() as folder,
            serving(sample_workspace()) as served,
            typing(Path(folder), served.url.partition("//")[2]) as typist,
        ):
            text = with_tables(document, with_consoles(text_of(document), typist))
        (ROOT / document).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(CARRIED_OUT)
