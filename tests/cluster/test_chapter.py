"""docs/cluster.md: every command that this machine can execute is executed; of the others, all that can be known without a cluster.

What is not had here: an API server (kubectl is asked for what it can do without one), an image builder and a registry, and Amazon's client.
"""

import itertools
import re
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest
import yaml

from bulkjob.cli import main
from bulkjob.commands.usage import parser_of_commands
from bulkjob.vocabulary import Exit
from tests.support.indexed_jobs import PodEnd, action_for
from tests.support.manifests import KUBERNETES, OVERLAYS, ROOT, SECRETS, built, built_from, instructions, job_of, kubectl

TEXT: Final = (ROOT / "docs" / "cluster.md").read_text(encoding="utf-8")
#: Each command of the chapter, with what it shows below it.
SHOWN: Final = [
    (shlex.split(command), output)
    for block in re.findall(r"^```console\n(.*?)^```$", TEXT, flags=re.MULTILINE | re.DOTALL)
    for call in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
    for command, _, output in [call.partition("\n")]
]
#: What kubectl cannot do, not even in part, without an API server.
ASKED_OF_A_SERVER: Final = ("wait", "logs", "describe", "cp", "delete", "get", "exec")


def shown(*beginning: str) -> list[list[str]]:
    """The commands that begin so."""
    return [command for command, _ in SHOWN if tuple(command[: len(beginning)]) == beginning]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a copy of the samples, in which commands are typed."""
    shutil.copytree(ROOT / "samples", tmp_path / "samples")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_command_is_looked_at() -> None:
    """No kind of command is in the chapter that no test here knows of."""
    known = {"bulkjob", "kubectl", "samples/kubernetes/name-job.sh", "docker", "aws"}
    assert {command[0] for command, _ in SHOWN} == known
    verbs = {command[1] for command in shown("kubectl")}
    assert verbs == {"apply", "create", "patch", *ASKED_OF_A_SERVER}


def test_name_job_says_what_is_shown(checkout: Path) -> None:
    """Its output is the chapter's, and the names that follow are those that it gives."""
    told = [(command, output) for command, output in SHOWN if command[0].endswith("name-job.sh")]
    assert len(told) == 2
    for command, output in told:
        assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == output


def test_what_is_applied_can_be_built(checkout: Path) -> None:
    """Every overlay that the chapter applies is there, and it applies every one but the way back of many."""
    named = set()
    for command in shown("kubectl", "apply"):
        option, path = command[2:]
        if option == "--kustomize":
            assert built_from(checkout / path)
            named.add(Path(path).name)
        else:
            assert list(yaml.safe_load_all((checkout / path).read_text(encoding="utf-8")))
    assert named | {"many-workspaces-rollback"} == set(OVERLAYS)
    assert "overlays/many-workspaces-rollback" in TEXT


def test_secrets_are_those_of_the_manifests(checkout: Path) -> None:
    """kubectl makes Secrets of the files whose keys the manifests and the settings look for."""
    for secret, content in SECRETS.items():
        place = checkout / "secrets" if secret.endswith("workspaces") else checkout
        place.mkdir(exist_ok=True)
        for name, text in content.items():
            (place / name).write_text(text, encoding="utf-8")
    made = {}
    for command in shown("kubectl", "create", "secret"):
        done = subprocess.run([kubectl(), *command[1:], "--dry-run=client", "--output", "yaml"], capture_output=True, text=True, check=True)
        secret = yaml.safe_load(done.stdout)
        assert secret["metadata"]["namespace"] == "bulkjob"
        made[secret["metadata"]["name"]] = secret["data"].keys()
    assert made == {name: content.keys() for name, content in SECRETS.items()}


def test_approving_starts_the_run(tmp_path: Path) -> None:
    """The patch that is shown makes of the suspended Job one that runs, and changes nothing else."""
    (command,) = shown("kubectl", "patch")
    before = job_of("plan")
    assert command[2:6] == ["job", before["metadata"]["name"], "--namespace", "bulkjob"]
    (tmp_path / "job.yaml").write_text(yaml.safe_dump(dict(before)), encoding="utf-8")
    local = [kubectl(), "patch", "--local", "--filename", str(tmp_path / "job.yaml"), "--output", "yaml", *command[6:]]
    done = subprocess.run(local, capture_output=True, text=True, check=True)
    assert yaml.safe_load(done.stdout)["spec"] == {**before["spec"], "suspend": False}


@pytest.mark.parametrize(
    "command", [command for command, _ in SHOWN if command[0] == "kubectl" and command[1] in ASKED_OF_A_SERVER], ids=" ".join
)
def test_what_needs_a_server_is_well_formed(checkout: Path, command: Sequence[str]) -> None:
    """kubectl understands it and gets as far as asking for the server; what it names is what the manifests make."""
    place = command.index("--") if "--" in command else len(command)
    asking = [kubectl(), *command[1:place], "--server", "http://127.0.0.1:1", "--request-timeout", "2s", *command[place:]]
    done = subprocess.run(asking, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode != 0
    assert re.search(r"connection refused|was refused", done.stderr), done.stderr
    names = {each["metadata"]["name"] for overlay in OVERLAYS for each in built(overlay)}
    for word in command:
        if found := re.search(r"\bbulkjob(?:-[a-z]+)+(?:-[0-9a-f]{12})?(?![\w-])", word):
            assert found[0] in names, word


def test_bulkjob_understands_its_own(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The sample sheet is valid; what is asked of a server, and of a pod, is taken by the command line."""
    for command in shown("bulkjob", "validate"):
        assert main(command[1:]) == Exit.OK
    (exec_,) = shown("kubectl", "exec")
    for command in [*shown("bulkjob"), exec_[exec_.index("--") + 1 :]]:
        parser_of_commands().parse_args(command[1:])
        assert all(not part.startswith("samples/") or (checkout / part).exists() for part in command)


def test_the_build_gives_what_the_dockerfile_asks_for() -> None:
    """Each argument of the build is one of the Dockerfile's, and the image is tagged as the manifests have it."""
    (build,) = shown("docker", "build")
    arguments = {rest.partition("=")[0] for word, rest in instructions((ROOT / "Dockerfile").read_text(encoding="utf-8")) if word == "ARG"}
    given = {value.partition("=")[0] for option, value in itertools.pairwise(build) if option == "--build-arg"}
    assert "BASE" in given <= arguments
    (site,) = yaml.safe_load_all((KUBERNETES / "site" / "kustomization.yaml").read_text(encoding="utf-8"))
    (image,) = site["images"]
    assert build[build.index("--tag") + 1] == f"{image['newName']}:{image['newTag']}" == shown("docker", "push")[0][2]


def test_table_of_exit_codes_is_the_manifests() -> None:
    """It has a row for each code, and says what Kubernetes does by the manifest's own rules."""
    table = TEXT.partition("<!-- table: what to do -->\n")[2].split("\n\n")[0].splitlines()[2:]
    rows = {int(code): kubernetes for code, _, kubernetes, _ in (re.findall(r"\| ((?:[^|])*?) (?=\|)", line) for line in table)}
    words = {"FailJob": "gives up", "Count": "tries again"}
    spec = job_of("run")["spec"]
    assert rows == {int(code): words[action_for(spec, PodEnd(exit=code))] if code else "is done" for code in Exit}
