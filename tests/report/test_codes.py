"""Every code with a message as people get it. Read aloud, somebody who has never seen a terminal can act on each."""

# ruff: noqa: E501, ISC004  # each sentence as people read it

from pathlib import Path
from typing import Final

import pytest

from bulkjob.changes.department_agent import DepartmentAgent
from bulkjob.changes.department_unit import DepartmentUnit
from bulkjob.plan.resolve import resolve_names
from bulkjob.records.naming import Naming
from bulkjob.records.workspace import Agent, Department, Monitor, Unit, Workspace
from bulkjob.report.messages import Evidence, failure_message, unsent_message
from bulkjob.sheet import check, with_contradictions
from bulkjob.sheet.reading import parse
from bulkjob.vocabulary import Code

MONITORS: Final = {identifier: Monitor(id=identifier, username=name) for identifier, name in (("a1", "anna"), ("a2", "Ben"), ("a3", "bEn"))}
THERE: Final = Workspace(
    departments={
        "d1": Department(id="d1", name="Sales", parent_id="u1", archived=False),
        "d2": Department(id="d2", name="Care", parent_id="u1", archived=False),
        "d3": Department(id="d3", name="care ", parent_id=None, archived=False),
    },
    units={
        "u1": Unit(id="u1", name="EMEA", visibility="public"),
        "u2": Unit(id="u2", name="APAC", visibility="public"),
        "u3": Unit(id="u3", name="apac", visibility="public"),
    },
    agents={
        "a1": Agent(id="a1", username="anna", department_ids=frozenset()),
        "a2": Agent(id="a2", username="Ben", department_ids=frozenset()),
        "a3": Agent(id="a3", username="bEn", department_ids=frozenset()),
    },
    monitors={"u1": {"a1": MONITORS["a1"]}},
    role_holders=MONITORS,
)
HEAD: Final = "department,unit,agent,count,order,action\n"
WIDE: Final = "department,unit,agent,action,unit monitor,unit visibility,new unit name,new department name,department email\n"
#: A sheet that has the mistake, in its second row, for each code that a sheet or the names in it can have; and what is said of it.
INVALID: Final = {
    Code.MISSING_DEPARTMENT: (
        HEAD + ",EMEA,,,,\n",
        "The row does not say which department it is about. Fill in the department, or delete the row.",
    ),
    Code.NOTHING_TO_DO: (
        HEAD + "Sales,,,,,\n",
        "The row names neither a unit nor an agent, so there is nothing to do. Fill in one of them, or delete the row.",
    ),
    Code.BAD_NUMBER: (
        HEAD + 'Sales,,anna,"1,5",,\n',
        '"1,5" cannot be the count. Write a whole number from 0 to 2147483647 in plain digits, or leave the cell blank.',
    ),
    Code.BAD_ACTION: (
        HEAD + "Sales,,anna,,,delete\n",
        '"delete" is not an action. Write add or remove, or leave it blank (which means add).',
    ),
    Code.AGENT_NEEDED: (
        HEAD + "Sales,EMEA,,1,2,\n",
        "The row has a count and an order but no agent. Fill in the agent, or clear the count and order.",
    ),
    Code.CONFLICTING_UNIT: (
        HEAD + "Sales,EMEA,,,,\nSales,APAC,,,,\n",
        'A department can be in one unit only, but rows 2 and 3 ask for different ones for "Sales": "EMEA", "APAC". '
        "Keep one of them in all these rows.",
    ),
    Code.CONFLICTING_AGENT: (
        HEAD + "Sales,,anna,1,,\nSales,,anna,2,,\n",
        'Rows 2 and 3 ask for different things for agent "anna" in department "Sales": count 1 or 2. '
        "Keep one of these rows, or make them agree.",
    ),
    Code.CONFLICTING_MONITOR: (
        WIDE + "Sales,EMEA,,,anna,,,,\nSales,EMEA,,remove,anna,,,,\n",
        'Rows 2 and 3 both add and remove "anna" as a monitor of unit "EMEA" (in a row with an agent, the action is about the agent, and the monitor is added). Keep one of these rows, or make them agree.',
    ),
    Code.CONFLICTING_VALUE: (
        WIDE + "Sales,EMEA,,,,private,,,\nSales,EMEA,,,,public,,,\n",
        'Rows 2 and 3 ask for different values of unit visibility for unit "EMEA": "private", "public". Keep one of them in all these rows.',
    ),
    Code.UNIT_NEEDED: (
        WIDE + "Sales,,,,anna,,,,\n",
        "The row has a value in unit monitor, but does not say which unit it is about. Fill in the unit, or clear it.",
    ),
    Code.BAD_VALUE: (
        WIDE + "Sales,EMEA,,,,secret,,,\n",
        '"secret" does not fit in unit visibility. Write public or private, or leave the cell blank (then it stays as it is).',
    ),
    Code.UNKNOWN_MONITOR: (
        WIDE + "Sales,EMEA,,,greta.lang,,,,\n",
        'Nobody called "greta.lang" has the role of a monitor (livechat-monitor), without which Rocket.Chat ignores them. Check the spelling of the username, or make this user a monitor first (Omnichannel → Monitors).',
    ),
    Code.AMBIGUOUS_MONITOR: (WIDE + "Sales,EMEA,,,ben,,,,\n", '"ben" fits 2 monitors. Write the id of the one you mean: a2, a3.'),
    Code.NAME_TAKEN: (
        WIDE + "Sales,EMEA,,,,,APAC,,\n",
        'The new name "APAC" is taken: unit "APAC" (u2) has it (row 2). Choose another name; to exchange names, write the ids of both instead of their names.',
    ),
    Code.RAGGED_ROW: (
        HEAD + "Sales,EMEA\n",
        "The row has 2 cells where the headers have 6. Find out which one is missing and put it in, blank if need be "
        "(in a CSV file: one more separator).",
    ),
    Code.EXCEL_ERROR: (
        HEAD + "Sales,#N/A,,,,\n",
        "The cell shows the error #N/A instead of a value. Correct its formula, or type the value itself.",
    ),
    Code.UNKNOWN_DEPARTMENT: (
        HEAD + "Saless,EMEA,,,,\n",
        'There is no department "Saless" on the server. Did you mean Sales? Correct the name, or create the department in Rocket.Chat (Omnichannel → Departments).',
    ),
    Code.UNKNOWN_UNIT: (
        HEAD + "Sales,EMAE,,,,\n",
        'There is no unit "EMAE" on the server. Did you mean EMEA? Correct the name, or create the unit in Rocket.Chat (Omnichannel → Units).',
    ),
    Code.UNKNOWN_AGENT: (
        HEAD + "Sales,,greta.lang,,,\n",
        '"greta.lang" is not a live-chat agent (agents are named by username), and nobody of that name is in the department. '
        "Check the spelling of the username, or make this user an agent first (Omnichannel → Agents).",
    ),
    Code.AMBIGUOUS_DEPARTMENT: (HEAD + "CARE,EMEA,,,,\n", '"CARE" fits 2 departments. Write the id of the one you mean: d2, d3.'),
    Code.AMBIGUOUS_UNIT: (HEAD + "Sales,Apac,,,,\n", '"Apac" fits 2 units. Write the id of the one you mean: u2, u3.'),
    Code.AMBIGUOUS_AGENT: (HEAD + "Sales,,ben,,,\n", '"ben" fits 2 agents. Write the id of the one you mean: a2, a3.'),
}
#: Of workbooks only; said by the same module, see tests/sheet.
OF_WORKBOOKS: Final = {Code.EXCEL_DATE, Code.EXCEL_NUMBER, Code.EXCEL_FORMULA}

MOVE: Final = DepartmentUnit(department_id="d1", unit_id="u2", rows=(2,))
ADD: Final = DepartmentAgent(department_id="d1", agent_id="a1", username="anna", present=True, count=None, order=None, rows=(2,))
MOVED: Final = 'Department "Sales" (d1) was not moved to unit "APAC" (u2) from "EMEA" (u1): '
ADDED: Final = 'Agent @anna (a1) was not added to department "Sales" (d1): '
#: What is said of a move (or, for the codes about agents, of an addition) that failed.
FAILED: Final = {
    Code.NOT_APPLIED: (
        Evidence(http_status=200, attempts=1, seen='it is in unit "EMEA" (u1)'),
        MOVED
        + 'the server said yes, but afterwards it is in unit "EMEA" (u1). Either the account may not change that unit (that takes the '
        "role admin or livechat-manager), or the licence for units has ended, or somebody changed it at the same moment: look at it in "
        "Rocket.Chat, then run the same sheet again.",
    ),
    Code.AGENTS_NOT_PERMITTED: (
        Evidence(),
        ADDED + "the account lacks the permission add-livechat-department-agents, without which the server silently ignores agents, so "
        "nothing was sent. Have an administrator give that permission to one of the account's roles, then run the same sheet again.",
    ),
    Code.DEPARTMENT_NOT_PERMITTED: (
        Evidence(http_status=403),
        MOVED + "the account may not change departments, so the server did nothing (HTTP 403). Have an administrator give the account the "
        "permission manage-livechat-departments, then run the same sheet again.",
    ),
    Code.UNIT_NOT_PERMITTED: (
        Evidence(said="the account is not a monitor of this unit"),
        MOVED + "the account may not change it: the account is not a monitor of this unit, so nothing was sent. Have an administrator give "
        "the account the permissions manage-livechat-units and manage-livechat-monitors, or manage-livechat-departments together with the "
        "role livechat-manager, then run the same sheet again.",
    ),
    Code.LAST_DEPARTMENT_IN_UNIT: (
        Evidence(),
        MOVED + "it is the last department of its unit, and departments that are moved one at a time may not leave a unit "
        "empty, so nothing was sent. Put another department into that unit first, or use an account with the permissions "
        "manage-livechat-units and manage-livechat-monitors, then run the same sheet again.",
    ),
    Code.DEPARTMENT_ARCHIVED: (
        Evidence(),
        MOVED
        + "the department is archived, so nothing was sent. Unarchive the department in Rocket.Chat, then run the same sheet again; or "
        "leave the row out of the sheet.",
    ),
    Code.DEPARTMENT_GONE: (
        Evidence(http_status=404),
        MOVED
        + "the department no longer exists (probably deleted). Leave the row out of the sheet, or name the department that replaces it.",
    ),
    Code.REJECTED: (
        Evidence(http_status=400, said="Invalid email"),
        MOVED + "the server refused it (HTTP 400): “Invalid email”. Fix the problem named here, then run the same sheet again.",
    ),
    Code.RATE_LIMITED: (
        Evidence(http_status=429, attempts=5, said="HTTP 429, text/html, 44 bytes: <html>"),
        MOVED + 'the server (or a proxy in front of it) still said "too many requests" after 5 attempts (HTTP 429). Wait a while, then run '
        "the same sheet again.",
    ),
    Code.TIMEOUT: (
        Evidence(attempts=5),
        MOVED + "Rocket.Chat did not answer in time after 5 attempts. Check that Rocket.Chat is up, then run the same sheet again; if this "
        "repeats, show this message to whoever runs Rocket.Chat.",
    ),
    Code.CONNECTION: (
        Evidence(attempts=5, looked_up=False),
        MOVED.replace("was not", "may not have been") + "the connection to the server broke or could not be made after 5 attempts, and "
        "bulkjob could not check whether it took effect. Check that Rocket.Chat is up, then run the same sheet again; if this repeats, show "
        "this message to whoever runs the network.",
    ),
    Code.SERVER_ERROR: (
        Evidence(http_status=502, attempts=5, said="HTTP 502, text/html, 44 bytes: <html>"),
        MOVED
        + "the server answered with an error after 5 attempts (502 Bad Gateway). Wait a while, then run the same sheet again; if this "
        "repeats, show this message and the time to whoever runs Rocket.Chat.",
    ),
    Code.BAD_RESPONSE: (
        Evidence(http_status=200, attempts=2, said="a web page"),
        MOVED + "the answer did not come from Rocket.Chat after 2 attempts (HTTP 200): “a web page”. Wait a while, then run the same sheet "
        "again; if this repeats, ask whoever runs the proxy in front of Rocket.Chat what it answered.",
    ),
    Code.CHANGED_MEANWHILE: (
        Evidence(seen="it is in no unit now"),
        MOVED + "somebody has changed it since the run: it is in no unit now; it was left alone. Look at it in Rocket.Chat, and change it "
        "there by hand if it should still be put back.",
    ),
}
UNSENT: Final = {
    Code.REFUSED: "Nothing was sent for this row: the job was refused before its first change. Fix what stopped the job first.",
    Code.UNAVAILABLE: "Nothing was sent for this row: Rocket.Chat could not be reached or kept failing. When it answers again, run the same sheet again.",
    Code.INTERRUPTED: "Nothing was sent for this row: the job was interrupted. To send it, run the same sheet again.",
    Code.STOPPED: "Nothing was sent for this row: too many other rows had failed before its turn. Fix the cause of the other "
    "failures, then run the same sheet again.",
}


def test_every_code_is_here() -> None:
    """No code is without a sentence in these tables."""
    assert {*INVALID, *OF_WORKBOOKS, *FAILED, *UNSENT} == set(Code)


@pytest.mark.parametrize("code", INVALID)
def test_invalid(code: Code, tmp_path: Path) -> None:
    """What is wrong with the cell, and what to type."""
    text, message = INVALID[code]
    checked = with_contradictions(check(parse(text.encode(), "s.csv")))
    problems = [*checked.problems, *resolve_names(checked, THERE, ()).problems]
    assert [(problem.code, problem.message) for problem in problems if problem.row == 2] == [(code, message)]


@pytest.mark.parametrize("code", FAILED)
def test_failed(code: Code) -> None:
    """What should have been done to what, what happened instead, and what to do now."""
    evidence, message = FAILED[code]
    change, prior = (ADD, None) if code is Code.AGENTS_NOT_PERMITTED else (MOVE, "u1")
    assert failure_message(code, change.part, change.words(prior, Naming(THERE)), evidence) == message


@pytest.mark.parametrize("code", UNSENT)
def test_unsent(code: Code) -> None:
    """Why nothing was sent, and how it is sent."""
    assert unsent_message(code) == UNSENT[code]
