"""The manifests, to be worked on."""

import shutil
from pathlib import Path

import pytest

from tests.support.manifests import KUBERNETES


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """The manifests, to be worked on."""
    return shutil.copytree(KUBERNETES, tmp_path / "kubernetes")
