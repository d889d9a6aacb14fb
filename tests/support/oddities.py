"""Answers as no server should give them, and a transport that gives them: from a grammar of oddities, for hypothesis.

`odd_answers` are answers out of nothing. An `Oddity` is what happens to one call: an odd answer instead of the server's, before or after
the work is done, the server's own answer garbled, or none. `Odd` puts them before any other transport, a whole job's too::

    oddities = data.draw(st.lists(oddities_of_calls, max_size=40))
    transport = Odd(InProcess(sandbox, ...), oddities)

Nothing odd tells what a write has stored, and nothing that says by contract that a write was refused before its first change is told of one
that was carried out. So no oddity lies: what a job reports as done must be so, and what it reports as certainly not done must not.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from bulkjob.rocketchat import Answer, Failure, Next, NoAnswer, Request, Transport, answers
from bulkjob.vocabulary import Code

#: Texts that are no trouble to say and some to write, compare, cut, show or put in a path.
ODD_TEXTS = [
    "",
    " ",
    "\x00",
    "\x1b[31m",
    "\u202e",
    "\ud83d",
    "\ude00 x",
    "x" * 10_000,
    "=1+1",
    "../..",
    "%2F",
    "null",
    "9" * 400,
    "Error, too many requests. You must wait 0 seconds before trying this endpoint again.",
    "You must wait 99999999999 seconds before trying this endpoint again.",
    "You must wait " + "9" * 400 + " seconds",
    "wait",
    "not primary",
    "Match error: Missing key 'x'",
    "connection 7 to 10.0.0.5:27017 timed out",
]


#: Numbers as they stand in JSON, some in no other language.
ODD_NUMBERS = ["0", "-0", "-1", "1.5", "1e400", "-1e400", "1e-400", "NaN", "Infinity", "-Infinity", "9" * 30, "9" * 4_000, "9" * 5_000]


#: Keys that somebody reads.
KEYS = [
    *("success", "status", "error", "errorType", "message", "statusCode", "body", "total", "count", "offset", "update", "license"),
    *("activeModules", "department", "departments", "agents", "units", "users", "monitors", "version", "info", "_id", "agentId"),
    *("monitorId", "username", "name", "roles", "order", "parentId", "archived", "visibility", "numMonitors", "type", "_updatedAt"),
]


#: Bodies that are no JSON at all, or only nearly.
ODD_BODIES = [
    b"",
    b" ",
    b"null",
    b"1",
    b"[]",
    b"{}",
    b"<html>\xff</html>",
    b"\xef\xbb\xbf{}",
    '{"success":true}'.encode("utf-16"),
    b"[" * 100_000,
    b"[" * 600 + b"]" * 600,
    b'{"a":' * 600 + b"1" + b"}" * 600,
    b'{"success":true',
    b'{"error":"\\ud83d"}',
    b'{"error":"\xed\xa0\xbd"}',
    b'{"success":false,"error":"No such name: \\ud83d [error-x]","errorType":"\\ude00"}',
    b'{"error":{"code":403}}',
    b'{"\\ud83d":"\\ud83d"}',
]


_numbers = st.sampled_from(ODD_NUMBERS)
_texts = st.sampled_from(ODD_TEXTS) | st.text(max_size=20)
_leaves = st.sampled_from(["null", "true", "false"]) | _numbers | _texts.map(json.dumps) | st.integers().map(str)
_keys = st.sampled_from(KEYS) | _texts


def _list(items: list[str]) -> str:
    return f"[{','.join(items)}]"


def _object(items: list[tuple[str, str]]) -> str:
    return "{" + ",".join(f"{json.dumps(key)}:{value}" for key, value in items) + "}"


odd_json = st.recursive(
    _leaves,
    lambda inner: st.lists(inner, max_size=3).map(_list) | st.lists(st.tuples(_keys, inner), max_size=5).map(_object),
    max_leaves=6,
)
"""JSON of any shape, as text; with the keys that Rocket.Chat's has."""


odd_bodies = st.sampled_from(ODD_BODIES) | odd_json.map(str.encode) | st.binary(max_size=40)


odd_header_values = {
    "date": st.sampled_from(
        [
            *("", "yesterday", "Fri, 31 Dec 2026 23:59:59 +99999999999999999999", "Fri, 99 Jan 2027 08:00:00 GMT", "0", "Thu, 01 Jan 0001"),
            *("Thu, 01 Jan 0001 00:00:00 +2359", "Fri, 31 Dec 9999 23:59:59 -2359", "Fri, 15 Jan 2027 07:50:00 GMT", "\udcff"),
            "Fri, 15 Jan 2027 08:10:00 GMT",
        ]
    ),
    "x-ratelimit-limit": st.sampled_from(["0", "1", "10", "-1", "ten", "9" * 400, "1e3", "", "\u0661", "10, 10;w=60"]),
    "x-ratelimit-remaining": st.sampled_from(["0", "9", "-1", "none", "9" * 400, "0.5", ""]),
    "x-ratelimit-reset": st.sampled_from(
        ["0", "60", "-1", "soon", "9" * 400, "9" * 15, "1800000060", "1800000060000", "1799999000000", "1831536000000", "1e400", ""]
    ),
    "retry-after": st.sampled_from(["0", "-1", "7", "9" * 400, "99999999999", "1e9", "Wed, 21 Oct 2026 07:28:00 GMT", "\udcff"]),
    "location": st.sampled_from(["", "https://elsewhere.example/", "x" * 9_000, "\udcff\x1b[2J", "//"]),
    "content-type": st.sampled_from(["", "application/json", "text/html", "json" * 3_000, "\udcff", "application/json; charset=utf-16"]),
}


odd_headers = st.fixed_dictionaries({}, optional=odd_header_values)


STATUSES = [
    *(200, 201, 204, 206, 226, 300, 301, 304, 307, 400, 401, 403, 404, 405, 408, 409, 413, 418, 422, 425, 429, 431, 451, 499),
    *(500, 501, 502, 503, 504, 520, 599),
]


odd_answers = st.builds(Answer, status=st.sampled_from(STATUSES), headers=odd_headers, body=odd_bodies)
"""Answers out of nothing."""


# -------------------------------------------------------------------------------------------------------------- transport


def _refuses_before_the_work(request: Request[Any], answer: Answer) -> bool:
    result = answers.interpret(request, answer)
    return isinstance(result, Failure) and not result.undecided


@dataclass(frozen=True, slots=True, kw_only=True)
class Oddity:
    """What happens to one call; with neither answer, cut nor headers it gets none."""

    works: bool
    """Whether the server gets the call, and does what it asks for."""
    answer: Answer | None = None
    """Given in the place of the server's."""
    cut: float | None = None
    """So much of the server's body is given, from 0 to 1; 1 for all of it."""
    headers: tuple[tuple[str, str], ...] = ()
    """Given beside the server's own, in the place of those of the same name."""


oddities_of_calls = st.one_of(
    st.none(),
    st.builds(Oddity, works=st.booleans(), answer=odd_answers),
    st.builds(Oddity, works=st.just(value=True), cut=st.floats(0, 1), headers=odd_headers.map(dict.items).map(tuple)),
    st.builds(Oddity, works=st.just(value=True), cut=st.just(1.0), headers=odd_headers.map(dict.items).map(tuple)),
    st.builds(Oddity, works=st.booleans()),
)
"""What happens to a call: None for nothing odd."""


@dataclass(slots=True)
class Odd:
    """A transport before another one: the first calls meet these oddities in turn, or all calls again and again."""

    inner: Transport
    oddities: Sequence[Oddity | None]
    for_ever: bool = False
    calls: int = 0
    _left: Iterator[Oddity | None] = field(init=False)

    def __post_init__(self) -> None:
        self._left = iter(self.oddities)

    async def send(self, request: Request[Any]) -> Answer:
        """See `Transport`."""
        self.calls += 1
        oddity = self._next()
        if oddity is None:
            return await self.inner.send(request)
        works = oddity.works and not (oddity.answer and _refuses_before_the_work(request, oddity.answer))
        given = await self.inner.send(request) if works else None
        if oddity.answer is not None:
            return oddity.answer
        if given is None or oddity.cut is None:
            said = "no answer within the time limit"
            raise NoAnswer(Failure(next=Next.REPEAT, code=Code.TIMEOUT, said=said, undecided=request.route.method != "GET"))
        body = given.body[: round(len(given.body) * oddity.cut)]
        return Answer(status=given.status, headers={**given.headers, **dict(oddity.headers)}, body=body)

    def _next(self) -> Oddity | None:
        try:
            return next(self._left)
        except StopIteration:
            if not self.for_ever or not self.oddities:
                return None
            self._left = iter(self.oddities)
            return next(self._left)
