"""Flags, environment and files become settings, or one sentence."""

import copy
import json
import pickle
from collections.abc import Mapping
from dataclasses import FrozenInstanceError, fields
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkjob.plan.guards import removals_allowed
from bulkjob.settings.reading import ReadText, survey
from bulkjob.settings.secret import Secret
from bulkjob.settings.table import SETTINGS, settings_of
from bulkjob.settings.values import Choices, MaxRemovals, Settings
from bulkjob.vocabulary import Exit, Stop
from tests.support.settings import settings_table

TOKEN = "tok-EN+secret/1"
CONNECTION = {"ROCKETCHAT_URL": "https://chat.example.com", "ROCKETCHAT_USER_ID": "u1", "ROCKETCHAT_AUTH_TOKEN": TOKEN}
#: A value that each setting takes, and what it becomes.
GOOD: dict[str, tuple[str, object]] = {
    "url": ("https://other.example.com/chat/", "https://other.example.com/chat"),
    "user_id": ("u2", "u2"),
    "auth_token": ("token-of-u2", Secret("token-of-u2")),
    "run_dir": ("runs/x", Path("runs/x")),
    "sheet_name": ("Umzug", "Umzug"),
    "max_rows": ("10", 10),
    "concurrency": ("3", 3),
    "retries": ("1", 1),
    "timeout": ("0.5", 0.5),
    "agents": ("mirror", "mirror"),
    "unit_route": ("department", "department"),
    "skip_invalid": ("on", True),
    "max_failures": ("0", 0),
    "max_removals": ("12.5%", MaxRemovals(percent=Fraction(25, 2))),
    "plan": ("plan.json", Path("plan.json")),
    "grace": ("0", 0.0),
    "lock_timeout": ("60", 60.0),
    "log_format": ("json", "json"),
    "ca_file": ("ca.pem", Path("ca.pem")),
    "create_units": ("on", True),
    "notify_url": ("https://hooks.example.com/T/secret", Secret("https://hooks.example.com/T/secret")),
    "publish": ("s3://bucket/runs", Secret("s3://bucket/runs")),
    "metrics_file": ("run.prom", Path("run.prom")),
    "pushgateway": ("https://me:pw@push.example.com", Secret("https://me:pw@push.example.com")),
}
#: Settings that no flag gives.
SECRET = {"user_id", "auth_token", "notify_url"}
SWITCHES = {"skip_invalid", "create_units"}
#: Texts that a setting does not take, as flag or as variable.
BAD = [
    *[
        ("url", text)
        for text in (
            "chat.example.com",
            "ftp://chat.example.com",
            "https://",
            "http://h:99999",
            "http://[::1",
            "https://a b.example",
            "//x",
        )
    ],
    *[
        ("url", text)
        for text in ("https://me:pw@chat.example.com", "https://me@chat.example.com", "https://h/?x=1", "https://h/#top", "https://h/?")
    ],
    *[("concurrency", text) for text in ("0", "-1", "1.5", "many", "1_0", "٣", "9" * 5000)],
    *[("retries", text) for text in ("0", "-1", "x")],
    *[("timeout", text) for text in ("0", "0.0", "-1", "nan", "inf", "1e999", "30s", "5.", "9" * 100_000 + "s")],
    *[("grace", text) for text in ("-1", "nan")],
    *[("lock_timeout", text) for text in ("-0.1", "never")],
    *[("agents", text) for text in ("remove", "ADD!", "add,mirror")],
    *[("unit_route", text) for text in ("units", "both")],
    *[("max_failures", text) for text in ("-1", "2%")],
    *[("max_removals", text) for text in ("-1", "101%", "-5%", "1.5", "%", "ten")],
    *[("max_rows", text) for text in ("0", "1e6")],
    *[("log_format", text) for text in ("xml", "JSON ish")],
    *[("publish", text) for text in ("bucket/key", "ftp://store.example.com/x")],
    *[("pushgateway", text) for text in ("push:9091", "s3://bucket")],
]


def settle(command: str, flags: Mapping[str, object], environ: Mapping[str, str], read_text: ReadText) -> Settings:
    """As `survey`, for a command that needs all of its settings. Raises `Stop` (2, 78), as `main` does."""
    found = survey(command, flags, environ, read_text)
    if found.stop:
        raise found.stop
    return found.settings


def no_files(path: Path) -> str:
    """The reader of a test in which no file is to be read."""
    raise AssertionError(f"{path} was read")


def settled(flags: Mapping[str, object] | None = None, environ: Mapping[str, str] | None = None, command: str = "run") -> Settings:
    """The settings of ``command`` with a connection in the environment, which ``environ`` adds to."""
    return settle(command, flags or {}, {**CONNECTION, **(environ or {})}, no_files)


def value_of(settings: Settings, name: str) -> object:
    """The value of a setting, wherever it lies."""
    return getattr(settings.choices, name) if hasattr(settings.choices, name) else getattr(settings, name)


def variable_of(name: str) -> str:
    """The environment variable of the setting ``name``."""
    return next(setting.variable for setting in SETTINGS if setting.name == name)


def flag_of(name: str) -> str:
    """The flag of the setting ``name``."""
    return next(setting.flag for setting in SETTINGS if setting.name == name)


class TestTable:
    """The one table."""

    def test_names_are_the_attributes(self) -> None:
        """Every attribute of Settings and Choices has one line in the table; every line but the settings file's own has an attribute."""
        attributes = {field.name for field in (*fields(Settings), *fields(Choices))} - {"choices", "proxies", "typed", "hidden"}
        assert sorted(setting.name for setting in SETTINGS if setting.name != "settings") == sorted(attributes)

    def test_words_of_defaults_are_the_defaults(self) -> None:
        """Where the documentation's default is a value, it is the one that holds."""
        for setting in SETTINGS[1:]:
            default = value_of(Settings(), setting.name)
            if isinstance(default, bool):
                assert setting.default == ("on" if default else "off")
            elif isinstance(default, int | float) or setting.name in {"agents", "unit_route"}:
                assert setting.parse(setting.default) == default

    def test_secrets_have_no_flag(self) -> None:
        """What is secret cannot be typed on a command line, where every process can read it."""
        assert {setting.name for setting in SETTINGS if not setting.flag} == SECRET

    def test_names_follow_one_rule(self) -> None:
        """A flag is the setting's name, a variable BULKJOB_ and the name, but for the connection; what is one call's only has none."""
        for setting in SETTINGS:
            assert setting.flag in {"", f"--{setting.name.replace('_', '-')}"}
            prefix = "ROCKETCHAT" if setting.required else "BULKJOB"
            assert setting.variable == ("" if setting.name in ("plan", "report") else f"{prefix}_{setting.name.upper()}")

    def test_documentation_has_every_setting(self) -> None:
        """The documentation's table has a line for each setting, and no blank where a reader would ask."""
        table = settings_table()
        assert len(table) == len(SETTINGS)
        assert all(setting and default and meaning for setting, _, default, meaning in table)


class TestPrecedence:
    """Flag, environment, default."""

    @pytest.mark.parametrize("name", [name for name in GOOD if name != "plan"])
    def test_environment_is_used(self, name: str) -> None:
        """A variable alone sets its setting."""
        text, value = GOOD[name]
        assert value_of(settled(environ={variable_of(name): text}), name) == value

    @pytest.mark.parametrize("name", [name for name in GOOD if name not in SECRET])
    def test_flag_wins(self, name: str) -> None:
        """A flag wins over its variable, even over one that is wrong."""
        text, value = GOOD[name]
        environ = {variable_of(name): "http://" if name == "url" else "-"} if variable_of(name) else {}
        assert value_of(settled({name: True if name in SWITCHES else text}, environ), name) == value

    @pytest.mark.parametrize("name", [name for name in GOOD if name not in {"url", "user_id", "auth_token", "plan"}])
    @pytest.mark.parametrize("blank", ["", "  "])
    def test_empty_variable_is_not_set(self, name: str, blank: str) -> None:
        """An empty variable leaves the default."""
        assert value_of(settled(environ={variable_of(name): blank}), name) == value_of(Settings(), name)

    @pytest.mark.parametrize(
        ("word", "value"),
        [("1", True), ("true", True), ("YES", True), (" On\n", True), ("0", False), ("False", False), ("no", False), ("off", False)],
    )
    def test_on_and_off(self, word: str, *, value: bool) -> None:
        """On and off may be said in four ways each, in any case."""
        assert settled(environ={"BULKJOB_SKIP_INVALID": word}).choices.skip_invalid is value

    def test_flag_switches_off(self) -> None:
        """--no-skip-invalid wins over a variable that is on."""
        assert not settled({"skip_invalid": False}, {"BULKJOB_SKIP_INVALID": "on"}).choices.skip_invalid

    def test_other_commands_settings_are_ignored(self) -> None:
        """validate needs no connection and does not mind a variable of a setting that it does not take."""
        settings = settle("validate", {}, {"BULKJOB_CONCURRENCY": "many", "BULKJOB_MAX_ROWS": "7"}, no_files)
        assert settings == Settings(max_rows=7)


class TestWrongValues:
    """One sentence, the right exit code."""

    @pytest.mark.parametrize(("name", "text"), [*BAD, ("run_dir", " "), ("sheet_name", ""), ("plan", "")])
    def test_wrong_flag(self, name: str, text: str) -> None:
        """A bad value of a flag is wrong usage, and the sentence names the flag."""
        with pytest.raises(Stop, match=flag_of(name)) as stop:
            settled({name: text})
        assert stop.value.exit_code is Exit.USAGE

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            *BAD,
            ("skip_invalid", "maybe"),
            ("user_id", "a b"),
            ("auth_token", "a\nb"),
            ("auth_token", "tökén-tökén"),
            ("auth_token", "seven77"),
            ("notify_url", "hook"),
        ],
    )
    def test_wrong_variable(self, name: str, text: str) -> None:
        """A bad value of a variable is a wrong setting, and the sentence names the variable."""
        with pytest.raises(Stop, match=variable_of(name)) as stop:
            settled(environ={variable_of(name): text})
        assert stop.value.exit_code is Exit.BAD_SETTING

    def test_command_line_is_judged_first(self) -> None:
        """With a bad flag and a bad variable it is the flag that is said."""
        with pytest.raises(Stop) as stop:
            settled({"retries": "0"}, {"BULKJOB_CONCURRENCY": "0"})
        assert stop.value.exit_code is Exit.USAGE

    @pytest.mark.parametrize("name", ["url", "user_id", "auth_token"])
    @pytest.mark.parametrize("command", ["run", "plan", "rollback", "export", "doctor"])
    def test_missing(self, command: str, name: str) -> None:
        """Each part of the connection is required of every command that talks to the server."""
        with pytest.raises(Stop, match=variable_of(name)) as stop:
            settled(environ={variable_of(name): ""}, command=command)
        assert stop.value.exit_code is Exit.BAD_SETTING

    def test_all_that_is_missing_is_said_at_once(self) -> None:
        """Nobody has to try three times: a line for each setting, with every place where it may be given."""
        with pytest.raises(Stop) as stop:
            settle("run", {}, {}, no_files)
        assert stop.value.message.splitlines() == [
            "Missing settings:",
            "  address: --url or ROCKETCHAT_URL",
            "  user id: ROCKETCHAT_USER_ID or ROCKETCHAT_USER_ID_FILE",
            "  auth token: ROCKETCHAT_AUTH_TOKEN or ROCKETCHAT_AUTH_TOKEN_FILE",
        ]

    def test_all_that_is_wrong_is_said_at_once(self) -> None:
        """One line for each variable that is wrong, and then what is missing."""
        with pytest.raises(Stop) as stop:
            settle("run", {}, {"BULKJOB_TIMEOUT": "soon", "BULKJOB_RETRIES": "0"}, no_files)
        assert [line.split(" ")[0] for line in stop.value.message.splitlines()[:3]] == ["BULKJOB_RETRIES", "BULKJOB_TIMEOUT", "Missing"]

    @pytest.mark.parametrize(
        ("flags", "environ", "code"),
        [
            ({"skip_invalid": True, "agents": "mirror"}, {}, Exit.USAGE),
            ({"skip_invalid": True}, {"BULKJOB_AGENTS": "mirror"}, Exit.USAGE),
            ({"agents": "mirror"}, {"BULKJOB_SKIP_INVALID": "on"}, Exit.USAGE),
            ({}, {"BULKJOB_SKIP_INVALID": "on", "BULKJOB_AGENTS": "mirror"}, Exit.BAD_SETTING),
        ],
    )
    def test_skip_invalid_with_mirror(self, flags: dict[str, object], environ: dict[str, str], code: Exit) -> None:
        """The two never go together, wherever they come from."""
        with pytest.raises(Stop, match="--skip-invalid") as stop:
            settled(flags, environ)
        assert stop.value.exit_code is code

    @pytest.mark.parametrize(
        "text", ["https://me:hunter2@chat.example.com", "https://chat.example.com/?token=hunter2", "https://h:hunter2@x"]
    )
    def test_password_in_an_address_is_not_repeated(self, text: str) -> None:
        """An address with a password in it is refused without repeating it."""
        with pytest.raises(Stop) as stop:
            settled({"url": text})
        assert "hunter2" not in stop.value.message


class TestSecretFiles:
    """Variables that name a mounted file."""

    @pytest.mark.parametrize(("variable", "name"), [("ROCKETCHAT_USER_ID", "user_id"), ("ROCKETCHAT_AUTH_TOKEN", "auth_token")])
    def test_file_is_read_and_stripped(self, variable: str, name: str) -> None:
        """The file's text counts, without the line break at its end."""
        files = {Path("/secrets/it"): " from-file\r\n"}
        settings = settle("run", {}, CONNECTION | {variable: "", f"{variable}_FILE": "/secrets/it"}, files.__getitem__)
        value = getattr(settings, name)
        assert (value.reveal() if isinstance(value, Secret) else value) == "from-file"

    def test_value_is_stripped(self) -> None:
        """White space around a token in a variable does not count either."""
        assert settled(environ={"ROCKETCHAT_AUTH_TOKEN": "\ttok-tok-tok \n"}).auth_token.reveal() == "tok-tok-tok"

    @pytest.mark.parametrize("variable", ["ROCKETCHAT_USER_ID", "ROCKETCHAT_AUTH_TOKEN"])
    def test_both_set(self, variable: str) -> None:
        """A value and its file both set is a wrong setting that names both."""
        with pytest.raises(Stop, match=f"{variable} and {variable}_FILE") as stop:
            settled(environ={f"{variable}_FILE": "/secrets/it"})
        assert stop.value.exit_code is Exit.BAD_SETTING

    @pytest.mark.parametrize(
        "outcome", [FileNotFoundError(2, "No such file or directory"), UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"), " \n", "a b"]
    )
    def test_file_that_is_no_use(self, outcome: Exception | str) -> None:
        """A file that is missing, binary, blank or holds more than a token is a wrong setting."""

        def read(_path: Path) -> str:
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        with pytest.raises(Stop, match="ROCKETCHAT_AUTH_TOKEN") as stop:
            settle("run", {}, CONNECTION | {"ROCKETCHAT_AUTH_TOKEN": "", "ROCKETCHAT_AUTH_TOKEN_FILE": "/secrets/it"}, read)
        assert stop.value.exit_code is Exit.BAD_SETTING


class TestMaxRemovals:
    """How many assignments may end."""

    @pytest.mark.parametrize(
        ("limit", "assignments", "allowed"),
        [
            (None, 0, 20),
            (None, 209, 20),
            (None, 210, 21),
            (MaxRemovals(count=0), 500, 0),
            (MaxRemovals(count=7), 500, 7),
            (MaxRemovals(percent=Fraction(10)), 99, 9),
            (MaxRemovals(percent=Fraction(0)), 99, 0),
            (MaxRemovals(percent=Fraction(100)), 99, 99),
        ],
    )
    def test_allowed(self, limit: MaxRemovals | None, assignments: int, allowed: int) -> None:
        """A number is taken as it is, a percentage is rounded down, the default is the larger of 20 and a tenth."""
        assert removals_allowed(limit, assignments) == allowed

    @pytest.mark.parametrize("text", ["0", "7", "10%", "12.5%", "0.1%"])
    def test_prints_as_typed(self, text: str) -> None:
        """A message can say the limit as the person wrote it."""
        assert str(settled({"max_removals": text}).max_removals) == text


class TestSecret:
    """The token's wrapping."""

    @given(st.text(min_size=4).filter(lambda text: "***" not in text))
    def test_never_shown(self, text: str) -> None:
        """No way of printing a secret, or settings that hold it, shows it."""
        secret = Secret(text)
        assert {repr(secret), str(secret), f"{secret}", f"{secret!r}", "%s" % (secret,), "{:>3}".format(secret)} == {"***"}  # noqa: UP031, UP032
        assert f"auth_token={secret!r}" in repr(Settings(auth_token=secret))
        assert secret.reveal() == text

    @pytest.mark.parametrize("leak", [pickle.dumps, copy.deepcopy, json.dumps, vars])
    def test_not_serialised(self, leak: Any) -> None:
        """A secret cannot end up in a pickle, a copy or a JSON document by accident."""
        with pytest.raises(TypeError):
            leak(Secret(TOKEN))

    def test_equality(self) -> None:
        """Secrets of one text are equal, and none equals its text."""
        assert Secret("a") == Secret("a")
        assert hash(Secret("a")) == hash(Secret("a"))
        assert Secret("a") != Secret("b")
        assert Secret("a") != "a"

    def test_settings_cannot_be_changed(self) -> None:
        """Settings stay as they were settled."""
        with pytest.raises(FrozenInstanceError):
            settled().retries = 9  # type: ignore[misc]


@pytest.mark.parametrize(("name", "text"), [case for case in BAD if case[0] != "url"])
def test_sentences_say_what_to_write(name: str, text: str) -> None:
    """A refusal names the value as it was given (cut if it is long) and ends with what to write instead."""
    with pytest.raises(Stop) as stop:
        settled({name: text})
    assert text[:60] in stop.value.message or (name == "plan" and not text)
    assert ": write " in stop.value.message
    assert len(stop.value.message) < 250


def test_validate_takes_no_connection() -> None:
    """A sheet can be checked by somebody who has no account; what says how one is fetched is taken all the same."""
    names = [setting.name for setting in settings_of("validate")]
    assert names == ["settings", "sheet_name", "max_rows", "retries", "timeout", "log_format", "ca_file"]


def test_secrets_are_known() -> None:
    """Whatever hides secrets gets every one of them: the token, the webhook, passwords of addresses and proxies; no word of its own."""
    environ = {
        "BULKJOB_NOTIFY_URL": "https://hooks.example.com/T/abc",
        "BULKJOB_PUSHGATEWAY": "https://me:correct-horse@push.example.com",
        "HTTPS_PROXY": "http://proxy-user:short@proxy:3128",
    }
    told = {secret.reveal() for secret in settled(environ=environ).secrets}
    assert {TOKEN, "https://hooks.example.com/T/abc", "correct-horse", "me:correct-horse", "proxy-user:short"} <= told
    assert not told & {"short", "me", "proxy-user"}


@pytest.mark.parametrize("url", ["https://chat.example.com/api/v1", "https://chat.example.com/chat/api/v1/"])
@pytest.mark.parametrize("flag", [True, False])
def test_the_api_path_is_dropped_with_a_note(*, url: str, flag: bool) -> None:
    """``/api/v1`` behind an address is dropped, wherever the address comes from, and whoever wrote it is told."""
    environ = CONNECTION | ({} if flag else {"ROCKETCHAT_URL": url})
    found = survey("run", {"url": url} if flag else {}, environ, no_files)
    assert found.settings.url == url.rstrip("/").removesuffix("/api/v1")
    assert ["/api/v1" in note for note in found.notes] == [True]
    assert survey("run", {}, CONNECTION, no_files).notes == ()


@pytest.mark.parametrize(("url", "variable"), [("https://chat.example.com", "HTTPS_PROXY"), ("http://chat.example.com", "HTTP_PROXY")])
def test_a_proxy_that_cannot_be_used_is_a_wrong_setting(url: str, variable: str) -> None:
    """A proxy that is needed and cannot be used is said before anything is done; one that is not needed is nobody's business."""
    environ = {"HTTPS_PROXY": "socks5://proxy:1080", "HTTP_PROXY": "https://me:hunter2@proxy:3128"}
    with pytest.raises(Stop, match=variable) as stop:
        settled({"url": url}, environ)
    assert stop.value.exit_code is Exit.BAD_SETTING
    assert "hunter2" not in stop.value.message
    assert settled({"url": url}, environ | {"NO_PROXY": "example.com"}).url == url
    assert settle("validate", {}, environ, no_files).max_rows == Settings().max_rows
