"""Pods as a node runs them, from the manifests: namespaces and bubblewrap in the place of a container's runtime.

A pod here has the user, arguments, volumes and file system that its manifest says: a number without a name, a root that is read-only, the
program as process 1, files of Secrets and ConfigMaps behind ``..data``, and of the network the loopback alone. What it does not have is an
image: the Python and the packages are those of the tests.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.manifests import ROOT, Manifest, environment_of, expanded
from tests.support.states import State

_BUBBLEWRAP: Final = ("bwrap", "--die-with-parent", "--new-session")
#: What the loader, TLS and the interpreter need of this machine; /etc/passwd is not among it.
_MACHINE: Final = ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/ssl")
#: As a namespace with five hundred services has them when nothing turns them off.
SERVICE_LINKS: Final = {f"SERVICE_{number}_SERVICE_HOST": f"10.96.{number // 250}.{number % 250}" for number in range(500)}
_FIELDS: Final = {"metadata.labels['batch.kubernetes.io/job-name']": "bulkjob-run-89e7792bbf94"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A container that has ended."""

    exit: int
    out: str
    err: str
    termination_message: str
    memory: int
    """The most that the program had at once, in bytes."""
    processor_seconds: float


class Container:
    """A container that is running."""

    def __init__(self, process: subprocess.Popen[str], pid: int, message: Path, usage: Path) -> None:
        self.process = process
        self.pid = pid
        """Of the program, as this machine sees it."""
        self._message = message
        self._usage = usage

    def ended(self) -> Ended:
        """Wait for its end."""
        out, err = self.process.communicate(timeout=120)
        assert "Traceback" not in err, err
        usage = json.loads(self._usage.read_text(encoding="utf-8") or "{}")
        return Ended(
            exit=self.process.returncode,
            out=out,
            err=err,
            termination_message=self._message.read_text(encoding="utf-8"),
            memory=usage.get("memory", 0),
            processor_seconds=usage.get("processor_seconds", 0.0),
        )


class Node:
    """A machine with nothing but a loopback, on which a server is and pods come and go."""

    def __init__(self, server: int, url: str, folder: Path) -> None:
        self._server = server
        self._folder = folder
        self._count = 0
        self.url = url

    def _there(self) -> list[str]:
        return ["nsenter", f"--net=/proc/{self._server}/ns/net"]

    def _get(self, path: str) -> Any:
        script = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1], timeout=60).read().decode())"
        command = [*self._there(), sys.executable, "-I", "-c", script, f"{self.url}/_sandbox/{path}"]
        environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
        return json.loads(subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout)

    def state(self) -> State:
        """The server's workspace as it is."""
        state: State = self._get("state")
        return state

    def calls(self) -> list[dict[str, Any]]:
        """What the server was asked so far."""
        calls: list[dict[str, Any]] = self._get("calls")
        return calls

    @contextmanager
    def container(
        self, pod: Manifest, name: str, volumes: Mapping[str, Path], more: Mapping[str, str] | None = None
    ) -> Iterator[Container]:
        """A container of a pod; ``volumes`` has the folder behind each of the pod's volumes, but for those that begin empty."""
        self._count += 1
        place = self._folder / f"{self._count}-{name}"
        place.mkdir()
        (spec,) = [each for each in (*pod.get("initContainers", ()), *pod["containers"]) if each["name"] == name]
        message, usage = place / "termination-log", place / "usage.json"
        for file in (message, usage):
            file.touch()
            file.chmod(0o666)
        environment = {**_IMAGE, **(more or {}), **environment_of(spec, _FIELDS)}
        read, write = os.pipe()
        command = [
            *self._there(),
            *_BUBBLEWRAP,
            *("--unshare-pid", "--unshare-ipc", "--unshare-uts", "--as-pid-1", "--cap-add", "ALL", "--info-fd", str(write)),
            *_file_system(pod, spec, volumes, place),
            *("--bind", str(message), "/dev/termination-log", "--bind", str(usage), "/dev/usage.json"),
            *("--remount-ro", "/", "--chdir", "/", "--clearenv"),
            *(word for name, value in environment.items() for word in ("--setenv", name, value)),
            *_as_user(pod["securityContext"]),
            *_PROGRAM,
            *(expanded(argument, environment) for argument in spec["args"]),
        ]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, pass_fds=[write]) as process:
            os.close(write)
            with os.fdopen(read, encoding="utf-8") as info:
                text = info.read()
            try:
                assert text, process.communicate()
                yield Container(process, json.loads(text)["child-pid"], message, usage)
            finally:
                process.kill()

    def ran(self, pod: Manifest, name: str, volumes: Mapping[str, Path], more: Mapping[str, str] | None = None) -> Ended:
        """A container of a pod, from its beginning to its end."""
        with self.container(pod, name, volumes, more) as container:
            return container.ended()


#: The image's variables, but for the path to a Python that it alone has, and what leads to the code under test.
_IMAGE: Final = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1", "PATH": "/usr/bin:/bin", "PYTHONPATH": "/opt/checkout"}
#: The image's entry point, and a note of what it has used when it ends.
_PROGRAM: Final = (
    f"/opt/bulkjob/bin/{Path(sys.executable).name}",
    "-c",
    """
import atexit, json, resource, sys

def note():
    used = resource.getrusage(resource.RUSAGE_SELF)
    with open("/dev/usage.json", "w") as file:
        json.dump({"memory": used.ru_maxrss * 1024, "processor_seconds": used.ru_utime + used.ru_stime}, file)

atexit.register(note)
from bulkjob.cli import main
sys.exit(main())
""",
)


def _file_system(pod: Manifest, container: Manifest, volumes: Mapping[str, Path], place: Path) -> list[str]:
    """The mounts of a container: the machine's and the program's for an image, read-only; then the volumes."""
    words: list[str] = []
    for path in _MACHINE:
        if Path(path).is_symlink():
            words += ["--symlink", str(Path(path).readlink()), path]
        elif Path(path).exists():
            words += ["--ro-bind", path, path]
    for parent in (*reversed(Path(sys.base_prefix).parents[:-1]), Path("/opt")):
        words += ["--perms", "0755", "--dir", str(parent)]
    words += ["--ro-bind", sys.base_prefix, sys.base_prefix]
    words += ["--ro-bind", sys.prefix, "/opt/bulkjob", "--ro-bind", str(ROOT), "/opt/checkout"]
    words += ["--proc", "/proc", "--dev", "/dev"]
    for mount in container["volumeMounts"]:
        (volume,) = [each for each in pod["volumes"] if each["name"] == mount["name"]]
        if "emptyDir" in volume:
            folder = place / volume["name"]
            folder.mkdir()
            folder.chmod(0o777)
        else:
            folder = volumes[volume["name"]]
        read_only = mount.get("readOnly") or not volume.keys() & {"emptyDir", "persistentVolumeClaim"}
        words += ["--ro-bind" if read_only else "--bind", str(folder), mount["mountPath"]]
    return words


def _as_user(security: Manifest) -> list[str]:
    user, group = security["runAsUser"], security["runAsGroup"]
    assert security["fsGroup"] == group
    return ["setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs"]


def projected(folder: Path, files: Mapping[str, str | bytes], group: int) -> Path:
    """A volume of a Secret or a ConfigMap as the kubelet writes it: each name a link through ``..data`` to a file of root's."""
    written = folder / "..2026_11_29_09_38_42.1234567890"
    written.mkdir(parents=True)
    for name, content in files.items():
        (written / name).write_bytes(content.encode() if isinstance(content, str) else content)
        os.chown(written / name, 0, group)
        (written / name).chmod(0o440)
        (folder / name).symlink_to(f"..data/{name}")
    (folder / "..data").symlink_to(written.name)
    return folder


def claimed(folder: Path, group: int) -> Path:
    """A volume that was claimed and is empty, of the pods' group as ``fsGroup`` makes it."""
    folder.mkdir()
    os.chown(folder, 0, group)
    folder.chmod(0o2775)
    return folder


@contextmanager
def node(state: State, folder: Path, *options: str) -> Iterator[Node]:
    """A node with a sandbox on it; passes over the test where this machine allows none."""
    _refuse_where_it_cannot_be()
    file = folder / "workspace.json"
    file.write_text(json.dumps(state), encoding="utf-8")
    place = folder / "node"
    place.mkdir()
    # Pods of another user reach their volumes.
    for path in (place, folder, *folder.parents[:3]):
        path.chmod(path.stat().st_mode | 0o011)
    sandbox = [sys.executable, "-m", "bulkjob", "sandbox", "--port", "0", "--state", str(file), *options]
    read, write = os.pipe()
    whole: Sequence[str] = (*_BUBBLEWRAP, "--dev-bind", "/", "/", "--unshare-net", "--info-fd", str(write))
    with subprocess.Popen([*whole, *sandbox], stdout=subprocess.PIPE, text=True, pass_fds=[write]) as process:
        os.close(write)
        try:
            with os.fdopen(read, encoding="utf-8") as info:
                child = json.loads(info.read())["child-pid"]
            assert process.stdout is not None
            yield Node(child, process.stdout.readline().strip().removeprefix("listening on "), place)
        finally:
            process.kill()


def _refuse_where_it_cannot_be() -> None:
    """Passes over the test, with the reason, where no pod can be made."""
    for tool in ("bwrap", "nsenter", "setpriv"):
        if shutil.which(tool) is None:
            pytest.skip(f"needs {tool} (Debian: bubblewrap, util-linux)")
    if os.geteuid() != 0:
        pytest.skip("needs root, to be the node that makes pods of other users")
    command = [*_BUBBLEWRAP, "--dev-bind", "/", "/", "--unshare-net", "--unshare-pid", "true"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"needs the right to make namespaces: {done.stderr.strip()}")
