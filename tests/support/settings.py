"""The settings as the table in docs/reference.md has to have them."""

from bulkjob.settings.table import SETTINGS


def settings_table() -> tuple[tuple[str, str, str, str], ...]:
    """One row per setting for the documentation: setting, environment, default, meaning."""
    return tuple(
        (
            f"{setting.flag} {setting.metavar or ''}".strip() or setting.words,
            f"{setting.variable} or {setting.variable}_FILE" if setting.or_file else setting.variable,
            setting.default,
            setting.help,
        )
        for setting in SETTINGS
    )
