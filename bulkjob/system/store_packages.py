"""Whether what is installed is enough for a store, seen without loading any of it."""

from importlib.util import find_spec
from typing import Final

from bulkjob.settings import without_secrets
from bulkjob.vocabulary import Exit, Stop

#: What people type to get what s3:// needs.
INSTALL_S3: Final = 'python3 -m pip install "bulkjob[s3]"'


def refuse_unusable_store(address: str) -> None:
    """Raises `Stop` (78) for an address whose store needs a package that is not installed."""
    if address.startswith("s3://") and find_spec("s3fs") is None:
        raise Stop(Exit.BAD_SETTING, f"{without_secrets(address)} needs an extra package. Install it: {INSTALL_S3}")
