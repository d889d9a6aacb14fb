"""The files of a directory, copied to a store below one address."""

from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from bulkjob.phrases import counted
from bulkjob.settings import Settings, without_secrets
from bulkjob.system.files import foreign_kind
from bulkjob.system.log import tell
from bulkjob.system.store import Store, as_sent, opened, persistently
from bulkjob.system.store_failures import StoreFailed
from bulkjob.vocabulary import Event, Exit


def below(address: str, name: PurePosixPath) -> str:
    """The address of something below another one, whose query stays at the end."""
    if address.startswith("s3://"):
        return f"{address.rstrip('/')}/{name}"
    path, question, query = as_sent(address).partition("#")[0].partition("?")
    return f"{path.rstrip('/')}/{quote(str(name))}{question}{query}"


async def published(directory: Path, name: PurePosixPath, settings: Settings, *, last: str, gone: Iterable[str] = ()) -> str:
    """Copies the files that lie in ``directory`` itself to ``--publish`` below ``name``; returns that address, to be shown.

    Each has ``--retries`` attempts. The file ``last`` goes last: where it is, all the others are. ``gone``: names of files that an earlier
    copy may have left there; where the account may not take them away, the log says so. Raises `StoreFailed`, and `Stop` (78).
    """
    address = settings.publish.reveal()
    shown = without_secrets(below(address, name))
    files = sorted(_files_in(directory), key=lambda file: (file.name == last, file.name))
    copied = {file.name for file in files}
    stale = [stale for stale in gone if stale not in copied]
    async with opened(address, settings) as store:
        for file in files:
            if file.name == last:
                await _taken_away(store, [below(address, name / other) for other in stale])
            await _copied(store, file, below(address, name / file.name), settings)
    tell(Event.PUBLISH_COPIED, f"{counted(len(files), 'file')} copied to {shown}", files=len(files))
    return shown


def _files_in(directory: Path) -> Iterable[Path]:
    """The ordinary files in a directory; not those that are hidden: locks, and files that are not whole."""
    try:
        return [path for path in directory.iterdir() if not path.name.startswith(".") and path.is_file() and foreign_kind(path) is None]
    except OSError as error:
        raise StoreFailed(Exit.CANNOT_CREATE, f"{directory} cannot be read ({error.strerror})") from None


async def _copied(store: Store, file: Path, address: str, settings: Settings) -> None:
    async def attempt() -> None:
        _refuse_unreadable(file)
        await store.write(file, address)

    await persistently(attempt, settings.retries, f"{file.name} could not be copied to {without_secrets(address)}")


def _refuse_unreadable(file: Path) -> None:
    """Seen here, where it cannot be taken for an error of the store's."""
    try:
        with file.open("rb") as there:
            there.read(1)
    except OSError as error:
        raise StoreFailed(Exit.CANNOT_CREATE, f"{file} cannot be read ({error.strerror})") from None


async def _taken_away(store: Store, addresses: Iterable[str]) -> None:
    """What an earlier copy has left. That this may not be allowed is no failure: all that is copied is right all the same."""
    for address in addresses:
        try:
            await store.remove(address)
        except StoreFailed as failed:
            where = without_secrets(address)
            told = f"What an earlier copy may have left of files that no longer exist ({where} …) was not removed: {failed}."
            tell(Event.PUBLISH_WARNING, told)
            return
