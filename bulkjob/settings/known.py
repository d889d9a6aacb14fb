"""The secrets that a process was started with, whichever command it is: none of its outputs has one of them in it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from bulkjob.settings.address import secrets_in
from bulkjob.settings.secret import SHORTEST_HIDDEN, Secret
from bulkjob.settings.table import SETTINGS, Setting

#: What the environment says of an account with an S3 store; its library reads these by itself.
_AWS_KEYS: Final = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


_PROXIES: Final = ("HTTPS_PROXY", "HTTP_PROXY")


def known_secrets(words: Iterable[str], environ: Mapping[str, str], read_text: Callable[[Path], str]) -> Iterator[Secret]:
    """Each of them, whether the command takes the setting or not, and whether the value can be used or not.

    ``words``: the command line, in which an address may hold a password. ``read_text`` is asked for the files that hold secrets; one that
    it cannot read holds none.
    """
    for setting in SETTINGS:
        for text in _texts(setting, environ, read_text):
            if setting.secret:
                yield from _whole(text)
            yield from _in_address(text)
    for name in _AWS_KEYS:
        yield from _whole(environ.get(name, "").strip())
    for name in _PROXIES:
        for spelling in (name, name.lower()):
            yield from secrets_in(environ.get(spelling, "").strip())
    for word in words:
        yield from _in_address(word)


def _whole(text: str) -> Iterator[Secret]:
    if len(text) >= SHORTEST_HIDDEN:
        yield Secret(text)


def _in_address(text: str) -> Iterator[Secret]:
    if "://" in text:
        yield from secrets_in(text)


def _texts(setting: Setting, environ: Mapping[str, str], read_text: Callable[[Path], str]) -> Iterator[str]:
    if not setting.variable:
        return
    yield environ.get(setting.variable, "").strip()
    if setting.or_file and (file := environ.get(f"{setting.variable}_FILE", "").strip()):
        with suppress(OSError, ValueError):
            yield read_text(Path(file)).strip()
