"""A place for temporary files."""

from pathlib import Path

import pytest

from bulkjob.system import scratch_in


def test_it_goes_with_all_that_is_in_it(tmp_path: Path) -> None:
    """The folder is new and empty, and gone afterwards, also where the work in it fails."""
    with scratch_in(tmp_path) as scratch:
        assert list(scratch.iterdir()) == []
        (scratch / "file").write_bytes(b"x")
    with pytest.raises(OSError, match="full"), scratch_in(tmp_path):
        raise OSError("full")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["folder", "file", "link"])
def test_what_a_killed_process_left_goes(tmp_path: Path, kind: str) -> None:
    """What lies in its place is taken away; of a link the link alone."""
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").write_bytes(b"x")
    with scratch_in(tmp_path) as scratch:
        pass
    if kind == "folder":
        (scratch / "deep").mkdir(parents=True)
        (scratch / "deep" / "file").write_bytes(b"x")
    elif kind == "file":
        scratch.write_bytes(b"x")
    else:
        scratch.symlink_to(kept)
    with scratch_in(tmp_path) as scratch:
        assert not scratch.is_symlink()
        assert list(scratch.iterdir()) == []
    assert [path.name for path in tmp_path.rglob("*")] == ["kept", "file"]


def test_a_place_that_cannot_be_written_to(tmp_path: Path) -> None:
    """Where no folder can be made, it is an error of the operating system."""
    with pytest.raises(OSError, match="No such file"), scratch_in(tmp_path / "nowhere"):
        pass
