"""README.md and docs/ show what the program prints: every console block is carried out, or says why it cannot be."""

import re
from pathlib import Path

import pytest

from tests.docs.documents import ADDRESS, CARRIED_OUT, CLUSTER, DOCUMENTS, TOOLS, Block, blocks, is_shown, text_of, typing
from tests.support.servers import serving
from tests.support.workspaces import sample_workspace

#: What may stand in a block of another kind; whatever is typed is a console.
LANGUAGES = {"console", "csv", "json", "text", "toml"}


@pytest.mark.parametrize("document", CARRIED_OUT)
def test_every_console_block_is_carried_out(document: str, tmp_path: Path) -> None:
    """In their order, in one folder like a fresh checkout, the commands end as they should and print what is shown below them."""
    with serving(sample_workspace()) as served, typing(tmp_path, served.url.partition("//")[2]) as typist:
        for block in blocks(text_of(document)):
            for line, shown in block.commands if not block.reason else ():
                code, printed = typist.typed(line, shown)
                assert code == block.code, f"{line} ended with {code}: {printed}"
                assert not shown or is_shown(block, shown, printed), f"{line} printed:\n{printed}"


def test_what_is_not_carried_out_says_why() -> None:
    """A reason is a reason; nothing that this machine could do is excused but what installs from a network or needs somebody's account."""
    excused = [
        (block.reason, line)
        for document in CARRIED_OUT
        for block in blocks(text_of(document))
        if block.reason
        for line, _ in block.commands
    ]
    for reason, line in excused:
        assert len(reason.split()) >= 4
        assert re.match(r"python3 -m venv |export |kubectl |samples/kubernetes/", line), line


def test_nothing_else_is_typed() -> None:
    """Commands stand in console blocks only: every fence names what it holds, and none is a shell script."""
    for document in DOCUMENTS:
        fences = re.findall(r"^```(.*)$", text_of(document), flags=re.MULTILINE)
        assert set(fences[::2]) <= LANGUAGES
        assert set(fences[1::2]) <= {""}
        assert sum(fence == "console" for fence in fences) == len(list(blocks(text_of(document))))


def test_the_rehearsal_is_what_is_named() -> None:
    """The documents that start a sandbox of their own, and those that speak to the one that is there, have it at one address."""
    assert all(ADDRESS in text_of(document) for document in ("docs/sandbox.md", "docs/reference.md"))
    assert CLUSTER not in CARRIED_OUT
    assert not {"curl", "git", "pip"} & set(TOOLS)


@pytest.mark.parametrize(
    ("varies", "shown", "printed", "fits"),
    [
        ("", "a\n", "a\n", True),
        ("", "a …\n", "a b\n", False),
        ("", "", "a\n", False),
        ("times", "took … s\n", "took 1.5 s\n", True),
        ("times", "took … s\n", "took 1.5 s\nb\n", False),
        ("times", "…\nend\n", "a\nb\nend\n", True),
        ("times", "…\nend\n", "a\nb\n", False),
        ("times", "a.c\n", "abc\n", False),
    ],
)
def test_is_shown(varies: str, shown: str, printed: str, *, fits: bool) -> None:
    """Output is compared to the letter; "…" stands for something else only where the block says so."""
    assert is_shown(Block(commands=(), varies=varies), shown, printed) == fits
