"""The findings as people read them: one table, and one sentence that sums it up."""

from collections.abc import Sequence
from typing import Final

from bulkjob.doctor.finding import Finding, State
from bulkjob.doctor.findings import RATE_LIMIT, exit_code_of
from bulkjob.doctor.rights import MANAGERS_PAGE, PERMISSIONS_PAGE
from bulkjob.phrases import wrapped

_PAINT: Final = {State.OK: "\x1b[32m", State.MISSING: "\x1b[31m", State.HINT: "\x1b[33m"}


_PLAIN: Final = "\x1b[0m"


def findings_table(findings: Sequence[Finding], *, with_sheet: bool, width: int = 120, colour: bool = False) -> list[str]:
    """The lines to print. ``width`` is in characters; on a narrow terminal the table is wider than it."""
    heads = ("", "what", "needed" if with_sheet else "needed for", "")
    cells = [(str(finding.state), finding.what, finding.needed) for finding in findings]
    first, second, third = (max(len(head), *(len(row[column]) for row in cells)) for column, head in enumerate(heads[:3]))
    indent = first + second + third + 6
    lines = [f"{heads[0]:<{first}}  {heads[1]:<{second}}  {heads[2]:<{third}}".rstrip()]
    for finding in findings:
        said, *rest = wrapped(finding.said, width - indent) or [""]
        state = f"{finding.state:<{first}}"
        painted = f"{_PAINT[finding.state]}{state}{_PLAIN}" if colour else state
        lines.append(f"{painted}  {finding.what:<{second}}  {finding.needed:<{third}}  {said}")
        remedy = wrapped(f"To do: {finding.remedy}", width - indent) if finding.remedy else []
        lines += [" " * indent + line for line in (*rest, *remedy)]
    return [*lines, "", *wrapped(_summary(findings), width), *_notes(findings, width)]


def _summary(findings: Sequence[Finding]) -> str:
    missing = dict.fromkeys(finding.what for finding in findings if finding.state is State.MISSING)
    if not missing:
        return "Nothing is missing."
    first = ", for the first of them" if len(missing) > 1 else ""
    return f"Missing: {', '.join(missing)}. Exit code {int(exit_code_of(findings))}{first}."


def _notes(findings: Sequence[Finding], width: int) -> list[str]:
    """What several remedies would otherwise repeat."""
    remedies = [(finding.what, finding.remedy) for finding in findings if "Administration > " in finding.remedy]
    if not remedies:
        return []
    notes = ["Administration is called Manage in newer releases of Rocket.Chat."]
    if any(PERMISSIONS_PAGE in remedy and what != RATE_LIMIT for what, remedy in remedies):
        notes.append(
            "The role livechat-manager has every permission named here but api-bypass-rate-limit, unless somebody changed that: "
            f"{MANAGERS_PAGE} gives it to an account. Do not tick them for user, or everybody has them."
        )
    return [line for note in notes for line in wrapped(note, width)]
