"""`.xls` files that say a thing more often than there is of it: a few kilobytes that xlrd by itself would never be done with."""

import struct
from collections.abc import Callable
from typing import Any

Look = Callable[..., Any]

#: Beyond any sector of a file: nothing follows, and the table of sectors itself (MS-CFB 2.2).
_END, _TABLE = -2, -3
#: Nothing is there.
_NONE = -1


def entry(name: str, kind: int, left: int, right: int, below: int) -> bytes:
    """An entry of a container's directory (MS-CFB 2.6.1)."""
    text = f"{name}\0".encode("utf-16-le")
    return struct.pack("<64sHBBiii36siII", text, len(text), kind, 1, left, right, below, b"", _END, 0, 0)


def container(entries: list[bytes]) -> bytes:
    """An OLE container with these entries, which hold nothing (MS-CFB 2.2)."""
    sectors = -(-len(entries) // 4)
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + struct.pack("<16sHHHHH10x", b"", 0x3E, 3, 0xFFFE, 9, 6)
    header += struct.pack("<Ii4xIiIiI", 1, 1, 4096, _END, 0, _END, 0) + struct.pack("<109i", 0, *[_NONE] * 108)
    follows = [_TABLE, *range(2, sectors + 1), _END]
    return header + struct.pack("<128i", *follows, *[_NONE] * (128 - len(follows))) + b"".join(entries).ljust(512 * sectors, b"\0")


def test_an_entry_that_is_named_twice_is_damage(look: Look) -> None:
    """Where each entry of the container names the next one twice, the way through all of them would double with each."""
    last = 60
    following = [entry(f"s{place}", 2, place + 1, place + 1, _NONE) for place in range(1, last)]
    data = container([entry("Root Entry", 5, _NONE, _NONE, 1), *following, entry("Workbook", 2, _NONE, _NONE, _NONE)])
    assert "damaged" in look(data, "p.xls").stop.message


def test_a_chain_without_an_end_is_damage(look: Look) -> None:
    """Where a short sector of the container is said to follow itself, all memory would not hold what comes of it."""
    root, workbook = entry("Root Entry", 5, _NONE, _NONE, 1), entry("Workbook", 2, _NONE, _NONE, _NONE)
    data = bytearray(
        container([root[:120] + struct.pack("<I", 64) + root[124:], workbook[:116] + struct.pack("<II", 0, 100) + workbook[124:]])
    )
    # A second sector behind the directory's: the table of short sectors, of which the first one follows itself.
    data[60:68] = struct.pack("<iI", 2, 1)
    data[512 + 8 : 512 + 12] = struct.pack("<i", _END)
    assert "damaged" in look(bytes(data) + bytes(512), "p.xls").stop.message


def record(kind: int, data: bytes) -> bytes:
    """A record of a worksheet (MS-XLS 2.1.4)."""
    return struct.pack("<HH", kind, len(data)) + data


def label(row: int, column: int, text: str) -> bytes:
    """A cell of text as Excel 4 wrote it."""
    return record(0x0204, struct.pack("<HHHH", row, column, 0, len(text)) + text.encode())


def test_links_are_passed_over(look: Look) -> None:
    """A link and its tip that are said to be at four billion cells are at none."""
    area = struct.pack("<HHHH", 0, 0xFFFF, 0, 0xFFFF)
    link = record(0x01B8, area + bytes.fromhex("d0c9ea79f9bace118c8200aa004ba90b") + struct.pack("<II", 2, 0))
    tip = record(0x0800, struct.pack("<H", 0x0800) + area + "tip\0".encode("utf-16-le"))
    cells = label(0, 0, "department") + label(0, 1, "unit") + label(1, 0, "Sales") + label(1, 1, "North")
    data = record(0x0409, struct.pack("<HHH", 4, 0x10, 0)) + cells + link + tip + record(0x0A, b"")
    assert look(data, "p.xls").rows == {2: ["Sales", "North"]}
