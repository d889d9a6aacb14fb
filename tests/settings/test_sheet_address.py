"""What is an address of a sheet, how it shows itself, and what it is called."""

from pathlib import Path

import pytest

from bulkjob.settings.sheet_address import SheetAddress, sheet_source


def address(text: str) -> SheetAddress:
    """The address that a text is."""
    found = sheet_source(text)
    assert isinstance(found, SheetAddress)
    return found


@pytest.mark.parametrize("text", ["a.csv", "-", "./x", "/a/b.xlsx", "C:\\a.csv", "s3:a", "a//b.csv"])
def test_a_path_stays_one(text: str) -> None:
    """Whatever has no scheme is a path."""
    assert sheet_source(text) == Path(text)


@pytest.mark.parametrize(
    ("text", "whole", "shown", "name"),
    [
        ("https://h/a/reorg.xlsx", None, None, "reorg.xlsx"),
        ("HTTPS://h/reorg.xlsx", "https://h/reorg.xlsx", "https://h/reorg.xlsx", "reorg.xlsx"),
        ("https://h", None, None, "sheet"),
        ("https://h/a/", None, None, "a"),
        ("https://h/My%20Sheet%2B.csv?X-Sig=a%2Fb", None, "https://h/My%20Sheet%2B.csv?***", "My Sheet+.csv"),
        ("https://h/Ä b.csv", "https://h/%C3%84%20b.csv", "https://h/%C3%84%20b.csv", "Ä b.csv"),
        ("http://bücher.example:81/x.csv", "http://xn--bcher-kva.example:81/x.csv", "http://xn--bcher-kva.example:81/x.csv", "x.csv"),
        ("https://me:hunter2hunter2@h/x.csv", None, "https://***@h/x.csv", "x.csv"),
        ("http://[::1]:8/x.csv", None, None, "x.csv"),
        ("s3://bucket/My Sheet.xlsx", None, None, "My Sheet.xlsx"),
        ("s3://bucket/a/b%20c.csv", None, None, "b%20c.csv"),
    ],
)
def test_an_address_says_what_it_is_called(text: str, whole: str | None, shown: str | None, name: str) -> None:
    """It is sent as somebody has signed it, shown without password and query, and called by the last part of its path."""
    found = address(text)
    assert (found.whole.reveal(), str(found), found.name) == (whole or text, shown or text, name)


@pytest.mark.parametrize(
    "text",
    [
        "ftp://h/x",
        "file:///x.csv",
        "https://",
        "https://h:99999/x",
        "http://[::1",
        "https://a b/c",
        "s3://",
        "s3://b",
        "s3://b/",
        "s3://k:s@b/x",
        "s3://b/x.csv?versionId=abc",
        "https://h/a\x00b",
        "s3://b/a\nb",
    ],
)
def test_an_address_that_cannot_be_used(text: str) -> None:
    """It is said what to write instead."""
    with pytest.raises(ValueError, match="write the "):
        sheet_source(text)


def test_a_password_is_not_repeated() -> None:
    """Nothing of an address that cannot be used is said, as a password may stand in it."""
    with pytest.raises(ValueError, match="cannot be used") as said:
        sheet_source("https://me:hunter2@h:99999/x")
    assert "hunter2" not in str(said.value)


def test_what_is_kept_secret() -> None:
    """The password and the signature are known to whoever hides secrets; a name in the query is a word like any other."""
    secrets = {secret.reveal() for secret in address("https://me:hunter2hunter2@h/x.csv?file=Umzug&sig=" + "0aB" * 20).secrets}
    assert {"hunter2hunter2", "me:hunter2hunter2", "0aB" * 20} <= secrets
    assert not secrets & {"Umzug", "me"}
