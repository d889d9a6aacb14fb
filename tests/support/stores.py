"""Stores of files on loopback: an S3 server, and a web server that takes files."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

import boto3  # type: ignore[import-untyped]  # moto brings it along; it ships no types
import pytest
from moto.server import ThreadedMotoServer

#: What no output may hold.
KEY_ID = "AKIAIOSFODNN7EXAMPLE"
KEY = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY"


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectStore:
    """An S3 server, and an account that may do everything there."""

    url: str

    def client(self, service: str = "s3") -> Any:
        return boto3.client(service, endpoint_url=self.url, region_name="eu-central-1", aws_access_key_id=KEY_ID, aws_secret_access_key=KEY)

    def make(self, bucket: str, files: Mapping[str, bytes]) -> None:
        """Makes a bucket with these files, and nothing else in it."""
        client = self.client()
        client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        for key, data in files.items():
            client.put_object(Bucket=bucket, Key=key, Body=data)

    def files(self, bucket: str) -> dict[str, bytes]:
        """What lies in a bucket, by key."""
        client = self.client()
        keys = [entry["Key"] for entry in client.list_objects_v2(Bucket=bucket).get("Contents", ())]
        return {key: client.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}

    def types(self, bucket: str) -> dict[str, str]:
        """The media type of each file in a bucket."""
        client = self.client()
        return {key: client.head_object(Bucket=bucket, Key=key)["ContentType"] for key in self.files(bucket)}

    def settings(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The usual AWS settings, for whoever works there."""
        for name, value in {
            "AWS_ACCESS_KEY_ID": KEY_ID,
            "AWS_SECRET_ACCESS_KEY": KEY,
            "AWS_ENDPOINT_URL": self.url,
            "AWS_REGION": "eu-central-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": "/nonexistent",
            "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
        }.items():
            monkeypatch.setenv(name, value)

    @contextmanager
    def only(self, monkeypatch: pytest.MonkeyPatch, *actions: str) -> Iterator[None]:
        """While open, the account of the settings may do nothing but these actions, and one without a right key nothing at all."""
        iam, name = self.client("iam"), f"only-{'-'.join(actions).replace(':', '-')}"
        iam.create_user(UserName=name)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        allowed = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]}
        iam.put_user_policy(UserName=name, PolicyName="only", PolicyDocument=json.dumps(allowed))
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
        self._told("reset-auth", b"0")
        try:
            yield
        finally:
            self._told("reset-auth", str(10**9).encode())

    def forget(self) -> None:
        """Takes away what another server of this process has left: they share all that they hold."""
        self._told("reset", b"")

    def _told(self, what: str, data: bytes) -> None:
        request = Request(f"{self.url}/moto-api/{what}", data=data, headers={"Content-Type": "text/plain"})  # noqa: S310
        build_opener(ProxyHandler({})).open(request, timeout=30).close()


@contextmanager
def object_store() -> Iterator[ObjectStore]:
    """An S3 server in a thread of its own."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        store = ObjectStore(url=f"http://{host}:{port}")
        store.forget()
        yield store
    finally:
        server.stop()


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A request, as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    """By their names in lower case."""
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class WebStore:
    """A web server on which files can be put, taken and removed."""

    url: str
    files: dict[str, bytes]
    """By path with query."""
    requests: list[Received]
    answers: dict[tuple[str, str], list[tuple[int, dict[str, str]]]] = field(default_factory=dict)
    """By method and path: what is answered instead, one after the other; the last one for good."""

    def instead(self, method: str, path: str, *answers: int | tuple[int, dict[str, str]]) -> None:
        """Has other answers given than would be right; 0 breaks the connection."""
        self.answers[method, path] = [answer if isinstance(answer, tuple) else (answer, {}) for answer in answers]


@contextmanager
def web_store(**files: bytes) -> Iterator[WebStore]:
    """A web server with files at ``/<name>``, where ``__`` stands for a dot."""
    store: WebStore

    class Handler(BaseHTTPRequestHandler):
        def do(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            store.requests.append(Received(method=self.command, path=self.path, headers=headers, body=body))
            instead = store.answers.get((self.command, self.path))
            status, more = (instead.pop(0) if len(instead) > 1 else instead[0]) if instead else (0, {})
            if instead and not status:
                self.close_connection = True
                return
            answer = b""
            if not instead:
                status, answer = self.right(body)
            self.send_response(status)
            for name, value in {**more, "Content-Length": str(len(answer))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer)

        def right(self, body: bytes) -> tuple[int, bytes]:
            match self.command:
                case "PUT" | "POST":
                    store.files[self.path] = body
                    return 201, b""
                case "DELETE":
                    return (404, b"") if store.files.pop(self.path, None) is None else (204, b"")
                case _:
                    return (200, store.files[self.path]) if self.path in store.files else (404, b"")

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do  # noqa: N815 - the names that the library looks for

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        at = f"http://127.0.0.1:{server.server_address[1]}"
        store = WebStore(url=at, files={f"/{name.replace('__', '.')}": data for name, data in files.items()}, requests=[])
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield store
        finally:
            server.shutdown()
            thread.join()
