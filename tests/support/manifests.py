"""The manifests of samples/kubernetes as kubectl builds them, and what they say of a pod."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from bulkjob.commands.usage import parser_of_commands
from bulkjob.settings import survey

ROOT: Final = Path(__file__).parents[2]
KUBERNETES: Final = ROOT / "samples" / "kubernetes"
OVERLAYS: Final = sorted(path.name for path in (KUBERNETES / "overlays").iterdir())

#: Made by commands that docs/cluster.md shows.
SECRETS: Final = {
    "bulkjob": {"user-id": "u-job", "auth-token": "token-of-the-job"},
    "bulkjob-workspaces": {f"{number}-{name}": "token-of-the-job" for number in range(3) for name in ("user-id", "auth-token")},
    "bulkjob-store": {"credentials": "[default]"},
}
#: One object as Kubernetes takes it.
Manifest = Mapping[str, Any]


@cache
def kubectl() -> str:
    """The kubectl of this machine; passes over the test where there is none that can build the overlays."""
    path = shutil.which("kubectl")
    if path is None:
        pytest.skip("needs kubectl, whose kustomize builds the overlays")
    done = subprocess.run([path, "version", "--client", "--output", "json"], capture_output=True, text=True, check=False)
    version = json.loads(done.stdout or "{}").get("kustomizeVersion", "")
    if not (found := re.match(r"v(\d+)\.", version)) or int(found[1]) < 5:
        pytest.skip(f"needs a kubectl with kustomize 5 or newer, and {path} has {version or 'none that it tells of'}")
    return path


def built_from(folder: Path) -> tuple[Manifest, ...]:
    """What a kustomization makes."""
    done = subprocess.run([kubectl(), "kustomize", str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not done.stderr, done.stderr
    return tuple(yaml.safe_load_all(done.stdout))


@cache
def built(overlay: str) -> tuple[Manifest, ...]:
    """What an overlay makes of the samples."""
    return built_from(KUBERNETES / "overlays" / overlay)


def of_kind(kind: str, objects: Sequence[Manifest]) -> list[Manifest]:
    """The objects of a kind."""
    return [each for each in objects if each["kind"] == kind]


def job_of(overlay: str, component: str = "run") -> Manifest:
    """The Job of an overlay, by its label."""
    jobs = [job for job in of_kind("Job", built(overlay)) if job["metadata"]["labels"]["app.kubernetes.io/component"] == component]
    assert len(jobs) == 1
    return jobs[0]


def pods(objects: Sequence[Manifest]) -> list[Manifest]:
    """The specification of every pod that objects make."""
    return [
        *(job["spec"]["template"]["spec"] for job in of_kind("Job", objects)),
        *(pod["spec"] for pod in of_kind("Pod", objects)),
    ]


def containers(pod: Manifest) -> list[Manifest]:
    """The containers of a pod in the order in which they run."""
    return [*(pod.get("initContainers") or ()), *pod["containers"]]


def environment_of(container: Manifest, known: Mapping[str, str]) -> dict[str, str]:
    """The variables of a container; ``known`` has the values that Kubernetes takes from elsewhere, by the path of the field."""
    found: dict[str, str] = {}
    for variable in container.get("env", ()):
        value = variable["value"] if "value" in variable else known[variable["valueFrom"]["fieldRef"]["fieldPath"]]
        found[variable["name"]] = expanded(value, found)
    return found


def expanded(text: str, variables: Mapping[str, str]) -> str:
    """A text with ``$(NAME)`` replaced as Kubernetes does it: a name that is not known stays as it stands."""
    return re.sub(r"\$\(([A-Za-z_]\w*)\)", lambda name: variables.get(name[1], name[0]), text)


def typed(arguments: Sequence[str], environment: Mapping[str, str], files: Mapping[str, str]) -> Mapping[str, Any]:
    """What bulkjob understands of a container's arguments, by the names of its own settings; nothing of it is wrong or missing.

    ``files`` are those that the pod finds, by path.
    """
    given = vars(parser_of_commands().parse_args(list(arguments)))

    def read(path: Path) -> str:
        if str(path) not in files:
            raise FileNotFoundError(2, "No such file or directory", str(path))
        return files[str(path)]

    found = survey(given["command"].name, given, environment, read)
    assert found.stop is None, found.stop
    sheet = str(given["sheet"]) if given.get("sheet") else ""
    return {"command": given["command"].name, "settings": found.settings, "sheet": sheet, "directory": given.get("directory")}


def files_of(pod: Manifest, objects: Sequence[Manifest], secrets: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """The files of a pod's ConfigMaps and Secrets, by the path under which its containers see them."""
    maps = {
        each["metadata"]["name"]: each.get("data", {}) | dict.fromkeys(each.get("binaryData", ()), "")
        for each in of_kind("ConfigMap", objects)
    }
    mounts = {mount["name"]: mount["mountPath"] for container in containers(pod) for mount in container["volumeMounts"]}
    found = {}
    for volume in pod["volumes"]:
        content: Mapping[str, str] = {}
        if "configMap" in volume:
            content = maps[volume["configMap"]["name"]]
        elif "secret" in volume:
            content = secrets[volume["secret"]["secretName"]]
        found.update({f"{mounts[volume['name']]}/{key}": text for key, text in content.items()})
    return found


def instructions(dockerfile: str) -> Iterator[tuple[str, str]]:
    """Each instruction of a Dockerfile with what stands behind it, lines put together."""
    text = re.sub(r"\\\n", " ", "\n".join(line for line in dockerfile.splitlines() if not line.lstrip().startswith("#")))
    for line in filter(str.strip, text.splitlines()):
        word, _, rest = line.partition(" ")
        yield word, " ".join(rest.split())
