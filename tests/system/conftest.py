"""A certificate that nobody but its own file vouches for."""

import ssl

import pytest

from tests.support.connections import CERTIFICATE


@pytest.fixture
def tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context
