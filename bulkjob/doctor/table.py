"""The findings as people read them: what to do first, one table, and one sentence that sums it up."""

from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bulkjob.doctor.finding import Finding, State, Use
from bulkjob.doctor.findings import RATE_LIMIT, exit_code_of
from bulkjob.doctor.rights import MANAGERS_PAGE, PERMISSIONS_PAGE
from bulkjob.phrases import printable
from bulkjob.report import rows_of, sentence, spaced

_PAINT: Final = {State.OK: "green", State.MISSING: "bold red", State.HINT: "yellow"}


#: On a narrower screen a finding is one text, so that what there is to say has room.
_WIDE: Final = 110


#: What is said then of the need for a thing.
_NEEDS: Final = {
    "no": " (not needed by this sheet)",
    str(Use.UNITS): " (for units)",
    str(Use.AGENTS): " (for agents)",
    str(Use.COMFORT): " (for speed)",
}


def findings_lines(console: Console, findings: Sequence[Finding], *, with_sheet: bool) -> list[Text]:
    """What to show, as wide as the screen: the act that would mend most, the findings, how it ends."""
    return spaced(
        [
            _first_act(console, findings),
            rows_of(console, _table(console, findings, with_sheet=with_sheet)),
            [*sentence(console, _summary(findings), style="bold"), *_notes(console, findings)],
        ]
    )


def _table(console: Console, findings: Sequence[Finding], *, with_sheet: bool) -> Table:
    wide = console.width >= _WIDE
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=wide, header_style="dim")
    table.add_column("", no_wrap=True)
    if wide:
        table.add_column("what", no_wrap=True)
        table.add_column("needed" if with_sheet else "needed for")
    table.add_column("", ratio=1)
    for finding in findings:
        state = Text(str(finding.state), style=_PAINT[finding.state])
        what, said = printable(finding.what), Text(printable(finding.said))
        if finding.remedy:
            said.append(f"\nTo do: {printable(finding.remedy)}", style="bold" if finding.state is State.MISSING else "")
        if wide:
            table.add_row(state, what, finding.needed, said)
        else:
            table.add_row(state, Text(what, style="bold").append(f"{_NEEDS.get(finding.needed, '')}: ", style="not bold").append(said))
    return table


def _first_act(console: Console, findings: Sequence[Finding]) -> list[Text]:
    """The one thing to do that mends most of what is missing."""
    missing = [finding for finding in findings if finding.state is State.MISSING and finding.remedy]
    if not missing:
        return []
    granted = [finding for finding in missing if _is_granted_by_role(finding)]
    act = missing[0].remedy
    if len(granted) > 1:
        rest = "everything that is missing" if len(granted) == len(missing) else f"{len(granted)} of {len(missing)} things that are missing"
        act = f"Give the account the role livechat-manager ({MANAGERS_PAGE}). That should mend {rest}."
    return sentence(console, f"Do this first: {printable(act)}", style="bold")


def _is_granted_by_role(finding: Finding) -> bool:
    return finding.what != RATE_LIMIT and (PERMISSIONS_PAGE in finding.remedy or MANAGERS_PAGE in finding.remedy)


def _summary(findings: Sequence[Finding]) -> str:
    missing = dict.fromkeys(finding.what for finding in findings if finding.state is State.MISSING)
    if not missing:
        return "Nothing is missing."
    first = ", for the first of them" if len(missing) > 1 else ""
    return f"Missing: {', '.join(missing)}. Exit code {int(exit_code_of(findings))}{first}."


def _notes(console: Console, findings: Sequence[Finding]) -> list[Text]:
    """What several remedies would otherwise repeat."""
    remedies = [finding for finding in findings if "Administration > " in finding.remedy]
    if not remedies:
        return []
    notes = ["Administration is called Manage in newer releases of Rocket.Chat."]
    if any(PERMISSIONS_PAGE in finding.remedy and finding.what != RATE_LIMIT for finding in remedies):
        notes.append(
            "The role livechat-manager has every permission named here but api-bypass-rate-limit, unless somebody changed that: "
            f"{MANAGERS_PAGE} gives it to an account. Do not tick them for user, or everybody has them."
        )
    return [line for note in notes for line in sentence(console, note)]
