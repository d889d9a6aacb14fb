"""What the program was started with is known whole, whichever command it is."""

from pathlib import Path

import pytest

from bulkjob.settings import Mask, known_secrets
from bulkjob.settings.secret import Secret


def files(path: Path) -> str:
    """The reader of a test in which one file is there."""
    if path != Path("/secrets/one"):
        raise FileNotFoundError(2, "No such file or directory", str(path))
    return "s3cr3t-t0ken\n"


@pytest.mark.parametrize(
    ("environ", "words", "known"),
    [
        ({"ROCKETCHAT_AUTH_TOKEN": " s3cr3t-t0ken "}, [], "s3cr3t-t0ken"),
        ({"ROCKETCHAT_AUTH_TOKEN_FILE": "/secrets/one"}, [], "s3cr3t-t0ken"),
        ({"BULKJOB_NOTIFY_URL": "https://hooks.example.org/T/s3cr3t"}, [], "https://hooks.example.org/T/s3cr3t"),
        ({"BULKJOB_PUBLISH": "ftp://me:correct-horse@store.example.org"}, [], "correct-horse"),
        ({"BULKJOB_PUSHGATEWAY": "https://me:correct-horse@push.example.org"}, [], "me:correct-horse"),
        ({"ROCKETCHAT_URL": "https://me:correct-horse@chat.example.org"}, [], "correct-horse"),
        ({"https_proxy": "me:correct-horse@proxy:3128", "HTTPS_PROXY": "proxy"}, [], "correct-horse"),
        ({"AWS_SECRET_ACCESS_KEY": "correct-horse"}, [], "correct-horse"),
        ({}, ["run", "--publish=https://me:correct-horse@store.example.org"], "correct-horse"),
        ({}, ["plan", "https://store.example.org/a.csv?signature=s3cr3t"], "signature=s3cr3t"),
        ({}, ["plan", f"https://store.example.org/a.csv?a=1&sig={'x' * 40}%2B%3D"], "x" * 40 + "+="),
    ],
)
def test_every_secret_is_known(environ: dict[str, str], words: list[str], known: str) -> None:
    """From the environment, from the files that it names, and from the addresses that were typed; also where no command can use it."""
    assert Secret(known) in {*known_secrets(words, environ, files)}


def test_words_are_no_secrets() -> None:
    """What is short, or no secret, is none; nor is what cannot be read."""
    environ = {
        "ROCKETCHAT_AUTH_TOKEN": "short",
        "ROCKETCHAT_AUTH_TOKEN_FILE": "/secrets/none",
        "ROCKETCHAT_URL": "https://chat.example.org",
        "BULKJOB_SHEET_NAME": "you:and@me",
        "AWS_ACCESS_KEY_ID": "x",
    }
    assert [*known_secrets(["run", "a:b@c.csv"], environ, files)] == []


@pytest.mark.parametrize("text", ["menu:pause", "u:p", "dTpwa", "adata:bot YTpi", "a/u:p"])
def test_a_short_password_does_not_maim_other_words(text: str) -> None:
    """Of a proxy's ``u:p`` only what is certain to be it is hidden: its address, and the header that it makes."""
    mask = Mask(known_secrets([], {"HTTP_PROXY": "http://u:p@proxy:3128", "https_proxy": "http://a:b@proxy:3128"}, files))
    assert mask.text(text) == text
    assert mask.text("http://u:p@proxy, Basic dTpw, http://a:b@proxy") == "http:***proxy, ***, http:***proxy"
