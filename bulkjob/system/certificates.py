"""Which certificates are trusted: the system's, or those of the file that ``--ca-file`` names."""

import ssl
from pathlib import Path

from bulkjob.vocabulary import Exit, Stop


def trusted(ca_file: Path | None) -> ssl.SSLContext:
    """What a connection is checked with. Raises `Stop` (78) for a file that holds no certificates."""
    try:
        return ssl.create_default_context(cafile=str(ca_file) if ca_file is not None else None)
    except (OSError, ssl.SSLError):
        message = f"--ca-file {ca_file} is not a readable file of certificates (PEM). Name the file with your company's root certificate."
        raise Stop(Exit.BAD_SETTING, message) from None
