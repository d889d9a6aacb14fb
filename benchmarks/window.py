"""How long somebody else's edit of a unit can be lost: from the reading that a unit's body is made from to its writing.

Runs the job on a workspace of 60 units against a sandbox in another process, and prints how long before each unit was written the list
of its departments had been asked for, by the sandbox's own clock.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

UNITS, DEPARTMENTS = 60, 600


def workspace() -> dict[str, object]:
    """Sixty units of ten departments each, and an administrator."""
    departments = [
        {
            "_id": f"d{number}",
            "name": f"Department {number}",
            "email": "d@example.org",
            "enabled": True,
            "showOnRegistration": True,
            "showOnOfflineForm": True,
            "type": "d",
            "numAgents": 0,
            "parentId": f"u{number % UNITS}",
            "ancestors": [f"u{number % UNITS}"],
        }
        for number in range(DEPARTMENTS)
    ]
    units = [
        {"_id": f"u{number}", "name": f"Unit {number}", "visibility": "public", "type": "u", "numMonitors": 0, "numDepartments": 10}
        for number in range(UNITS)
    ]
    users = [{"_id": "u-admin", "username": "admin", "name": "Admin", "roles": ["admin"]}]
    return {"license": ["livechat-enterprise"], "users": users, "departments": departments, "units": units}


def gaps(calls: list[dict[str, object]]) -> list[float]:
    """Milliseconds between each unit's writing and the latest list of departments before it."""
    found, listed = [], 0.0
    for call in calls:
        if (call["method"], call["route"]) == ("GET", "livechat/department"):
            listed = float(str(call["time"]))
        elif (call["method"], call["route"]) == ("POST", "livechat/units/:id"):
            found.append(1000 * (float(str(call["time"])) - listed))
    return found


def fetched(url: str) -> object:
    """The JSON at an address of the sandbox."""
    with urllib.request.urlopen(url) as answer:  # noqa: S310 - the address is the sandbox's own
        return json.loads(answer.read())


def measure(folder: Path, latency: int) -> None:
    """One run at one latency, in milliseconds for each call."""
    state, sheet = folder / "workspace.json", folder / "moves.csv"
    state.write_text(json.dumps(workspace()))
    sheet.write_text("department,unit\n" + "".join(f"d{number},u{(number + 1) % UNITS}\n" for number in range(UNITS)))
    command = [sys.executable, "-m", "bulkjob"]
    served = [*command, "sandbox", "--port", "0", "--state", str(state), "--latency", str(latency)]
    with subprocess.Popen(served, stdout=subprocess.PIPE, text=True) as sandbox:
        try:
            assert sandbox.stdout is not None
            url = sandbox.stdout.readline().split()[-1]
            account = {
                "ROCKETCHAT_URL": url,
                "ROCKETCHAT_USER_ID": "u-admin",
                "ROCKETCHAT_AUTH_TOKEN": "token-admin",
                "NO_PROXY": "127.0.0.1",
            }
            run = [*command, "run", str(sheet), "--run-dir", str(folder / f"run-{latency}")]
            subprocess.run(run, env=account, check=True, capture_output=True)
            calls = fetched(f"{url}/_sandbox/calls")
        finally:
            sandbox.terminate()
    assert isinstance(calls, list)
    found = gaps(calls)
    print(f"{latency:>4} ms a call: {len(found)} units, {statistics.median(found):.0f} ms median, {max(found):.0f} ms at most")


def main() -> None:
    """Measures at three latencies."""
    with tempfile.TemporaryDirectory() as folder:
        for latency in (0, 20, 100):
            measure(Path(folder), latency)


if __name__ == "__main__":
    main()
