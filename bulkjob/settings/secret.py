"""A secret that never shows itself in a text, a log or a traceback."""

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
