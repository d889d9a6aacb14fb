"""A secret that never shows itself in a text, a log or a traceback."""

from base64 import b64encode
from collections.abc import Iterator
from typing import Final, NoReturn


class Secret:
    """A text that prints as ``***``; only `reveal` gives it away."""

    __slots__ = ("__text",)

    def __init__(self, text: str) -> None:
        self.__text = text

    def reveal(self) -> str:
        """The text itself, for the request that needs it."""
        return self.__text

    def __repr__(self) -> str:
        return "***"

    def __format__(self, spec: str) -> str:
        return format("***", spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other.reveal() == self.__text

    def __hash__(self) -> int:
        return hash((Secret, self.__text))

    def __bool__(self) -> bool:
        return bool(self.__text)

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        # A pickle would hold the text in the clear.
        raise TypeError("a secret is not to be pickled or copied")


NO_SECRET: Final = Secret("")


#: Characters from which on a text is looked for everywhere; a shorter one is a word that texts hold for other reasons.
SHORTEST_HIDDEN: Final = 8


def basic_authorization(credentials: Secret) -> Secret:
    """What a header says for ``user:password``."""
    return Secret(f"Basic {b64encode(credentials.reveal().encode()).decode()}")


def secrets_of(credentials: Secret) -> Iterator[Secret]:
    """Every text that gives the password of ``user:password`` away; none if there is none."""
    whole = credentials.reveal()
    _, colon, password = whole.partition(":")
    if not colon or not password:
        return
    authorization = basic_authorization(credentials)
    if len(whole) < SHORTEST_HIDDEN:
        # Only where it stands as what it is: other texts may hold these few letters for other reasons.
        yield from (Secret(f"//{whole}@"), authorization)
        return
    yield from (credentials, Secret(authorization.reveal().removeprefix("Basic ")))
    if len(password) >= SHORTEST_HIDDEN:
        yield Secret(password)
