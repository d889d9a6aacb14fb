"""The settings file: what it may say, and what is said about the rest."""

from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkjob.settings.file import read_settings_file
from bulkjob.settings.reading import Survey, survey
from bulkjob.settings.secret import Secret
from bulkjob.settings.table import SETTINGS
from bulkjob.settings.values import MaxRemovals
from bulkjob.vocabulary import Exit, Stop

WHOLE = """
url = "https://chat.example.com/api/v1/"
user-id = "u1"
auth-token-file = "/secrets/token"
run-dir = "runs/x"
sheet-name = "Umzug"
max-rows = 10
concurrency = 3
retries = 1
timeout = 0.5
agents = "mirror"
unit-route = "department"
skip-invalid = false
create-units = true
max-failures = 0
max-removals = "12.5%"
grace = 0
lock-timeout = 60
notify-url-file = "/secrets/hook"
publish = "s3://bucket/runs"
metrics-file = "run.prom"
pushgateway = "https://push.example.com"
log-format = "json"
ca-file = "ca.pem"
"""
SECRETS = {"/secrets/token": "token-from-a-file\n", "/secrets/hook": "https://hooks.example.com/x", "/secrets/user": "u2"}
CONNECTION = 'url = "https://chat.example.com"\nuser-id = "u1"\nauth-token-file = "/secrets/token"\n'


def files(text: str) -> Callable[[Path], str]:
    """A reader of the settings file ``s.toml``, and of the secrets."""

    def read(path: Path) -> str:
        if str(path) == "s.toml":
            return text
        if str(path) in SECRETS:
            return SECRETS[str(path)]
        raise FileNotFoundError(2, "No such file or directory")

    return read


def surveyed(
    text: str, *, flags: Mapping[str, object] | None = None, environ: Mapping[str, str] | None = None, command: str = "run"
) -> Survey:
    return survey(command, {"settings": "s.toml", **(flags or {})}, environ or {}, files(text))


def refused(text: str, **more: Any) -> str:
    """What is said of a settings file that is wrong."""
    stop = surveyed(text, **more).stop
    assert stop is not None
    assert stop.exit_code is Exit.BAD_SETTING
    return stop.message


def test_it_may_hold_every_setting() -> None:
    """Every setting that is not a flag only can stand in the file, spelt like the flag; what it says is what holds."""
    keys = {line.partition(" = ")[0] for line in WHOLE.strip().splitlines()}
    assert {key.removesuffix("-file") for key in keys if key in ("auth-token-file", "notify-url-file")} | {
        key for key in keys if key not in ("auth-token-file", "notify-url-file")
    } == {setting.name.replace("_", "-") for setting in SETTINGS if not setting.flag_only}
    found = surveyed(WHOLE)
    assert (found.wrong, found.missing, len(found.notes)) == ((), (), 1)
    settings = found.settings
    assert (settings.url, settings.user_id, settings.auth_token) == ("https://chat.example.com", "u1", Secret("token-from-a-file"))
    assert (settings.timeout, settings.grace, settings.lock_timeout, settings.max_failures) == (0.5, 0.0, 60.0, 0)
    assert settings.max_removals == MaxRemovals(percent=Fraction(25, 2))
    assert (settings.choices.agents, settings.choices.create_units, settings.run_dir) == ("mirror", True, Path("runs/x"))
    assert settings.notify_url == Secret("https://hooks.example.com/x")


@pytest.mark.parametrize("command", ["validate", "plan", "run", "rollback", "export", "doctor"])
def test_one_file_serves_every_command(command: str) -> None:
    """A command passes over what it has no use for, and does not open the files that others need."""
    assert surveyed(WHOLE, command=command).stop is None


def test_a_flag_wins_over_a_variable_and_that_over_the_file() -> None:
    """The nearer to the person who types, the stronger."""
    text = f"{CONNECTION}retries = 1\ntimeout = 1\nconcurrency = 1"
    found = surveyed(text, environ={"BULKJOB_RETRIES": "2", "BULKJOB_TIMEOUT": "2"}, flags={"retries": "3"})
    assert (found.settings.retries, found.settings.timeout, found.settings.concurrency) == (3, 2.0, 1)


@pytest.mark.parametrize("variable", ["ROCKETCHAT_USER_ID", "ROCKETCHAT_USER_ID_FILE"])
@pytest.mark.parametrize("key", ["user-id", "user-id-file"])
def test_the_stronger_place_wins_in_whatever_form(variable: str, key: str) -> None:
    """A value in one place and a file in another are no contradiction."""
    text = 'url = "http://h"\nauth-token-file = "/secrets/token"\n' + f'{key} = "/secrets/none"'
    found = surveyed(text, environ={variable: "/secrets/user" if variable.endswith("FILE") else "u2"})
    assert (found.stop, found.settings.user_id) == (None, "u2")


def test_a_value_and_its_file_in_one_place_is_wrong() -> None:
    """Both forms in the file are a wrong setting, also where the environment says it, too."""
    assert "both user-id and user-id-file" in refused(f'{CONNECTION}user-id-file = "/secrets/user"', environ={"ROCKETCHAT_USER_ID": "u"})


def test_the_variable_names_a_file_and_the_flag_wins() -> None:
    """``BULKJOB_SETTINGS`` is used where there is no flag; an empty one counts as not set."""
    read = files(f"{CONNECTION}retries = 2")
    assert survey("run", {}, {"BULKJOB_SETTINGS": "s.toml"}, read).settings.retries == 2
    assert survey("run", {"settings": "s.toml"}, {"BULKJOB_SETTINGS": "none.toml"}, read).stop is None
    assert "Missing settings" in str(survey("run", {}, {"BULKJOB_SETTINGS": " "}, read).stop)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("run_dir = 'x'", '"run_dir" in s.toml is not a setting. Did you mean run-dir?'),
        ("concurency = 3", '"concurency" in s.toml is not a setting. Did you mean concurrency?'),
        ("[run]\nretries = 3", '"run" in s.toml is not a setting'),
        ("qqqq = 1", "the nearest one is "),
        ("auth-token = 'hunter2-hunter2'", "write auth-token-file"),
        ("notify-url = 'https://hunter2'", "write notify-url-file"),
        ("plan = 'p.json'", "only be given on the command line, as --plan"),
        ("settings = 's.toml'", "only be given on the command line, as --settings"),
        ("out = 'p.json'", "is not a setting"),
        ("'a\\u001bb' = 1", "is not a setting"),
        ("concurrency = '8'", '"concurrency" in s.toml is of the wrong kind: write a whole number without quotes.'),
        ("concurrency = 8.0", '"concurrency" in s.toml is of the wrong kind'),
        ("concurrency = true", '"concurrency" in s.toml is of the wrong kind'),
        ("concurrency = 0", '"concurrency" in s.toml cannot be 0: write a whole number from 1 up.'),
        ("timeout = '30'", "of the wrong kind: write a number of seconds without quotes."),
        ("timeout = nan", '"timeout" in s.toml cannot be nan'),
        ("timeout = inf", '"timeout" in s.toml cannot be inf'),
        ("skip-invalid = 'yes'", "write true or false, without quotes"),
        ("skip-invalid = 1", "write true or false, without quotes"),
        ("max-removals = '10'", '"max-removals" in s.toml is of the wrong kind'),
        ("max-removals = 1.5", '"max-removals" in s.toml is of the wrong kind'),
        ("max-removals = '101%'", "from 0% to 100%"),
        ("run-dir = ''", "write a text that is not blank"),
        ("run-dir = ['x']", "of the wrong kind"),
        ("run-dir = 2026-11-23", "of the wrong kind"),
        ("ca-file = {a = 1}", "of the wrong kind"),
        ("user-id-file = 7", "path of a file"),
        ("agents = 'remove'", 'cannot be "remove": write add or mirror.'),
        ("publish = 'ftp://me:hunter2@h'", "an address that starts with"),
    ],
)
def test_what_is_wrong_is_said_by_name(line: str, said: str) -> None:
    """An unknown key, a value of another kind, one that is out of bounds: a wrong setting that names the key, and no secret."""
    message = refused(f"{CONNECTION if 'user-id-file' not in line else ''}{line}")
    assert said in message
    assert "hunter2" not in message
    assert message.isprintable() or "Missing" in message


def test_all_that_is_wrong_is_said_at_once() -> None:
    """Each mistake has a line, also one in a setting that the command does not take or that a flag gives."""
    lines = refused("max-failures = -1\nretries = 0\ncolour = 1", flags={"retries": "3"}, command="validate")
    assert [line.split(" ")[0] for line in lines.splitlines()] == ['"max-failures"', '"retries"', '"colour"']


@pytest.mark.parametrize("text", ["a = ", "= 3", "a = 1\na = 2", "[[", "a = " + "9" * 5000, "a = " + "[" * 50_000, "\0", 'a = "\\ud800"'])
def test_what_is_no_toml(text: str) -> None:
    """A file that is no TOML is a wrong setting that names it, and where it stops being one."""
    assert "The settings file s.toml (--settings) is not TOML" in refused(text)


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (FileNotFoundError(2, "No such file or directory"), "cannot be read: No such file or directory"),
        (IsADirectoryError(21, "Is a directory"), "cannot be read: Is a directory"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"), "not text in UTF-8"),
    ],
)
def test_what_cannot_be_read(problem: Exception, said: str) -> None:
    """A file that is missing or not to be read is the one thing that is said: what stands in it is not known to be missing."""

    def read(_: Path) -> str:
        raise problem

    stop = survey("run", {"settings": "s.toml"}, {}, read).stop
    assert stop is not None
    assert said in stop.message
    assert "Missing" not in stop.message


def test_a_key_of_many_parts() -> None:
    """A key whose parts the parser would take gigabytes for is told as what it is."""
    assert "too large or too deep" in refused(CONNECTION + "a." * 30_000 + "a = 1\n")


def test_a_secret_in_a_file_that_is_no_use() -> None:
    """A key that names a file which is missing is a wrong setting that names the key."""
    message = refused(CONNECTION.replace("/secrets/token", "/secrets/none"))
    assert 'auth-token-file in s.toml names "/secrets/none", which cannot be read (No such file or directory)' in message


def test_contradictions() -> None:
    """``skip-invalid`` with ``mirror`` is a wrong setting in the file, wrong usage with a flag, and nothing to commands without them."""
    text = f"{CONNECTION}skip-invalid = true\nagents = 'mirror'\n"
    assert "cannot be combined" in refused(text)
    assert surveyed(text, command="export").stop is None
    with pytest.raises(Stop) as stop:
        surveyed(f"{CONNECTION}skip-invalid = true", flags={"agents": "mirror"})
    assert stop.value.exit_code is Exit.USAGE


@given(st.text())
def test_any_text_is_settings_or_a_sentence(text: str) -> None:
    """Whatever a settings file holds, reading it is no accident."""
    found = read_settings_file(Path("s.toml"), "--settings", lambda _: text)
    assert all(isinstance(sentence, str) for sentence in found.wrong.values())
