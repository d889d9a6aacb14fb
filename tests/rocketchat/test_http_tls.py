"""Certificates and their errors."""

import asyncio
import ssl
from pathlib import Path

import aiohttp
import pytest

from bulkjob.rocketchat import endpoints
from bulkjob.rocketchat.call import Answer
from bulkjob.rocketchat.failures import Failure, Next
from bulkjob.vocabulary import Code, Exit, Stop
from tests.support.connections import BASE, CERTIFICATE, key, send, well
from tests.support.replies import Replies
from tests.support.sockets import listening


async def test_an_untrusted_certificate_ends_the_job(tls: ssl.SSLContext) -> None:
    """A certificate that nothing vouches for is not asked again, and nothing was sent to it."""
    async with listening(well, tls) as server:
        failed = await send(server.url)
    assert isinstance(failed, Failure)
    assert (failed.next, failed.code, failed.untrusted, failed.undecided) == (Next.JOB, Code.CONNECTION, True, False)
    assert "self-signed certificate" in failed.said
    assert "--ca-file" in failed.remedy
    assert server.requests == []


async def test_a_certificate_in_the_ca_file_is_trusted(tls: ssl.SSLContext) -> None:
    """``--ca-file`` makes a company's own certificate good."""
    async with listening(well, tls) as server:
        assert isinstance(await send(server.url, ca_file=CERTIFICATE), Answer)


async def test_a_certificate_for_another_name_ends_the_job(tls: ssl.SSLContext) -> None:
    """A certificate for another name is not trusted, whoever signed it."""
    async with listening(well, tls) as server:
        failed = await send(server.url.replace("127.0.0.1", "localhost"), ca_file=CERTIFICATE)
    assert isinstance(failed, Failure)
    assert (failed.next, failed.untrusted) == (Next.JOB, True)
    assert "another name" in failed.said
    assert "--ca-file" not in failed.remedy


@pytest.mark.parametrize(
    ("code", "said", "remedy"),
    [(10, "has expired", "renew"), (9, "not valid yet", "clock"), (62, "another name", "--url"), (64, "another name", "--url")]
    + [(code, "not trusted", "--ca-file") for code in (18, 19, 20, 21)],
)
async def test_each_flaw_of_a_certificate_has_its_remedy(*, replies: Replies, code: int, said: str, remedy: str) -> None:
    """``--ca-file`` is the remedy for an issuer that nobody knows, and for nothing else."""
    flaw = ssl.SSLCertVerificationError(1, "certificate verify failed")
    flaw.verify_code, flaw.verify_message = code, "what OpenSSL says of it."
    replies.add("GET", f"{BASE}/api/info", exception=aiohttp.ClientConnectorCertificateError(key(), flaw))
    failed = await send(BASE, endpoints.info())
    assert isinstance(failed, Failure)
    assert (failed.next, failed.untrusted, failed.undecided) == (Next.JOB, True, False)
    assert said in failed.said
    assert remedy in failed.remedy
    assert ("--ca-file" in failed.remedy) is (remedy == "--ca-file")


async def test_no_tls_at_all_is_no_question_of_trust() -> None:
    """A server that speaks no TLS is a connection that failed, nothing was carried; its certificate is not blamed."""

    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(plain, "127.0.0.1", 0) as server:
        failed = await send(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    assert isinstance(failed, Failure)
    assert (failed.next, failed.code, failed.untrusted, failed.undecided) == (Next.REPEAT, Code.CONNECTION, False, False)
    assert "certificate" not in failed.said


@pytest.mark.parametrize("content", [None, "", "no certificates"])
async def test_a_ca_file_without_certificates_is_a_wrong_setting(tmp_path: Path, content: str | None) -> None:
    """A ``--ca-file`` that is missing or holds no certificates ends the program with 78, naming it."""
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    with pytest.raises(Stop, match=r"ca\.pem") as stop:
        await send(BASE, ca_file=file)
    assert stop.value.exit_code == Exit.BAD_SETTING
