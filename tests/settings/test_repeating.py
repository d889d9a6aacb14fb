"""The flags of a command line, in a printed next step."""

import os
import subprocess
from typing import Any

import pytest

from bulkjob.settings.reading import survey
from bulkjob.settings.repeating import repeated


def next_step(flags: dict[str, Any], command: str = "run", **more: Any) -> str:
    """What a plan with these flags prints behind ``bulkjob run SHEET``."""
    environ = {"ROCKETCHAT_URL": "http://h", "ROCKETCHAT_USER_ID": "u", "ROCKETCHAT_AUTH_TOKEN": "s3cr3t-t0ken", "BULKJOB_RETRIES": "3"}
    return repeated(survey("plan", flags, environ, lambda _: "").settings.typed, command=command, **more)


def test_flags_are_repeated_as_they_were_typed() -> None:
    """Every flag that was given, none that was not, in the order of the documentation; nothing of the environment, and no secret."""
    flags = {"sheet_name": "Umzug 2", "url": "HTTPS://Chat.example.com/", "max_removals": "5%", "agents": "mirror", "retries": None}
    assert next_step(flags) == " --url HTTPS://Chat.example.com/ --sheet-name 'Umzug 2' --agents mirror --max-removals 5%"
    assert next_step({}) == ""


@pytest.mark.parametrize(("given", "said"), [(True, " --skip-invalid"), (False, " --no-skip-invalid")])
def test_switches(*, given: bool, said: str) -> None:
    """A switch is repeated as it was set."""
    assert next_step({"skip_invalid": given}) == said


@pytest.mark.parametrize("name", ["-x", "--url", "a'b", "$HOME", "a\nb", "ü", "*", "a\x1b[1mb'c\\d", "\u202eb", "\udcff"])
def test_any_value_survives_the_shell(name: str) -> None:
    """What is printed, typed again, is the same flag with the same value, also where the value cannot be printed as it is."""
    printed = next_step({"sheet_name": name})
    assert printed.isprintable()
    said = subprocess.run(["/bin/bash", "-c", f"printf '%s\\0' {printed}"], capture_output=True, check=True).stdout
    words = [os.fsdecode(word) for word in said.split(b"\0")[:-1]]
    assert words in (["--sheet-name", name], [f"--sheet-name={name}"])
    assert not name.startswith("-") or words == [f"--sheet-name={name}"]


def test_only_what_the_next_command_takes() -> None:
    """A flag that the next command does not have, or that the caller says itself, is left out."""
    flags = {"sheet_name": "A", "max_removals": "5", "url": "http://h"}
    assert next_step(flags, command="validate") == " --sheet-name A"
    assert next_step(flags, without={"url"}) == " --sheet-name A --max-removals 5"


def test_passwords_are_masked() -> None:
    """A password in an address is not printed."""
    typed = (("pushgateway", "https://me:hunter2@push.example.com"),)
    assert repeated(typed, command="run") == " --pushgateway 'https://***@push.example.com'"
