"""Late commits: writes that get no answer, or one that proves nothing, and are carried out later, or never.

That may be after the look, after the write was sent again, after the process was killed or has ended, and while a rollback runs.
"""

import asyncio
import json
import random
from collections.abc import Iterator

from bulkjob.rocketchat import Answer, Failure, Next, NoAnswer
from bulkjob.sandbox.kinds import WORDS
from bulkjob.vocabulary import Code
from tests.simulation.history import Call
from tests.support.in_process import TIMEOUT

#: The share of them that is never carried out.
NEVER = 0.2

_ENDS = (Code.TIMEOUT, Code.TIMEOUT, Code.CONNECTION, 502, 504, 400, 400)


class Delays:
    """The writes that are still on their way; it draws from a stream of its own, so that all else is drawn as without it."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(f"bulkjob delays {seed}")  # noqa: S311 - must be the same again for the same seed
        self._haste = self._chance.choice([0.02, 0.1, 0.3])
        """How probable it is that one of them is carried out before the next call."""
        self._waiting: list[Call] = []

    def take(self, call: Call, share: float) -> bool:
        """Whether a call that comes in is put off, as one write of ``share`` is."""
        if not (share and call.request.writes and self._chance.random() < share):
            return False
        call.done = call.late = True
        if self._chance.random() >= NEVER:
            self._waiting.append(call)
        return True

    async def answered(self) -> Answer:
        """What its sender gets. Raises `NoAnswer`."""
        end = self._chance.choice(_ENDS)
        if isinstance(end, Code):
            await asyncio.sleep(TIMEOUT if end is Code.TIMEOUT else 0.0)
            raise NoAnswer(Failure(next=Next.REPEAT, code=end, said="no answer", undecided=True))
        if end != 400:
            return Answer(status=end, headers={"content-type": "text/html"}, body=b"<html><body>Gateway</body></html>")
        words = self._chance.choice([each for sentences in WORDS.values() for each in sentences])
        body = json.dumps({"success": False, "error": words}).encode()
        return Answer(status=end, headers={"content-type": "application/json"}, body=body)

    def due(self, *, all_of_them: bool) -> Iterator[Call]:
        """Those that are carried out now, in the order in which they were sent."""
        while self._waiting and (all_of_them or self._chance.random() < self._haste):
            yield self._waiting.pop(0)
