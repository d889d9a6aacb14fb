"""The manifests of samples/kubernetes against the code, the schemas of two Kubernetes versions, and what schemas do not know."""

import itertools
import subprocess
import warnings
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import kubernetes_validate

from bulkjob.settings.table import SETTINGS
from tests.support.job_rules import faults_of, insecurities
from tests.support.manifests import (
    KUBERNETES,
    OVERLAYS,
    ROOT,
    SECRETS,
    Manifest,
    built,
    built_from,
    containers,
    environment_of,
    expanded,
    files_of,
    instructions,
    job_of,
    kubectl,
    of_kind,
    pods,
    typed,
)

#: The oldest version that knows all of it without a feature gate, and the newest that there is a schema of.
VERSIONS: Final = ("1.33", kubernetes_validate.latest_version())
INDEX: Final = {"JOB_COMPLETION_INDEX": "1"}
FIELDS: Final = {"metadata.labels['batch.kubernetes.io/job-name']": "bulkjob-run-89e7792bbf94"}
#: Variables that are not bulkjob's own, with who reads them.
OTHERS: Final = {
    "LINES": "the size of the page",
    "COLUMNS": "as above",
    "JOB_NAME": "the arguments",
    "AWS_SHARED_CREDENTIALS_FILE": "the S3 client",
    "AWS_REGION": "as above",
    "AWS_ENDPOINT_URL": "as above",
}
SHEET: Final = ROOT / "samples" / "reorganisation.csv"


def of(overlay: str) -> list[tuple[Manifest, Manifest, dict[str, Any]]]:
    """Every container of bulkjob in an overlay with its pod, and what bulkjob understands of its arguments."""
    found = []
    for pod in pods(built(overlay)):
        for container in containers(pod):
            if "args" not in container:
                continue
            environment = environment_of(container, FIELDS)
            arguments = [expanded(argument, environment | INDEX) for argument in container["args"]]
            assert not any("$(" in argument for argument in arguments), arguments
            found.append((pod, container, dict(typed(arguments, environment, files_of(pod, built(overlay), SECRETS)))))
    return found


@pytest.mark.parametrize("overlay", OVERLAYS)
class TestOverlay:
    @pytest.mark.parametrize("version", VERSIONS)
    def test_fits_the_schema(self, overlay: str, version: str) -> None:
        """Every object is what that version of Kubernetes takes, without a field that it does not know."""
        for each in built(overlay):
            kubernetes_validate.validate(each, version, strict=True)

    def test_arguments_are_understood(self, overlay: str) -> None:
        """Arguments, settings file and secrets are read by bulkjob's own code, and nothing is wrong or missing."""
        understood = of(overlay)
        assert bool(understood) == ("reader" not in overlay)
        for _, container, given in understood:
            if container["name"] == "doctor":
                assert given["command"] == "doctor"
            assert given["settings"].url.startswith("https://chat")
            assert given["settings"].auth_token.reveal() == "token-of-the-job"

    def test_environment_is_known(self, overlay: str) -> None:
        """Every variable is a setting of bulkjob, or one of the few that somebody else reads."""
        known = {setting.variable for setting in SETTINGS} | {f"{setting.variable}_FILE" for setting in SETTINGS if setting.or_file}
        names = {variable["name"] for pod in pods(built(overlay)) for each in containers(pod) for variable in each.get("env", ())}
        assert names <= known | OTHERS.keys()

    def test_paths_are_mounted(self, overlay: str) -> None:
        """What is read lies on a volume, what is written on one that can be written to: nothing goes into the image."""
        for _, container, given in of(overlay):
            mounts = {mount["mountPath"]: mount.get("readOnly", False) for mount in container["volumeMounts"]}
            written = [given["settings"].run_dir, given["directory"], *(Path(text) for text in after(container["args"], "--out"))]
            for path in filter(None, written):
                assert mounts[f"/{path.parts[1]}"] is False, path
            for text in filter(None, [given["sheet"], *after(container["args"], "--settings", "--plan")]):
                assert text.startswith("s3:") or f"/{Path(text).parts[1]}" in mounts, text

    def test_containers_of_a_pod_see_the_same(self, overlay: str) -> None:
        """The doctor looks at what the run will use: the same image, volumes, variables and rights."""
        for pod in pods(built(overlay)):
            first, *others = containers(pod)
            for other in others:
                for key in ("image", "volumeMounts", "securityContext"):
                    assert first[key] == other[key], key
                lines = [each for each in other.get("env", ()) if each["name"] not in ("LINES", "COLUMNS")]
                assert first.get("env", []) == lines

    def test_references_lead_somewhere(self, overlay: str) -> None:
        """Every name in an object is that of another one of the same namespace, but for Secrets, which no manifest holds."""
        objects = built(overlay)
        assert {each["metadata"].get("namespace") for each in objects} == {"bulkjob"}
        names = {(each["kind"], each["metadata"]["name"]) for each in objects}
        for pod in pods(objects):
            for volume in pod["volumes"]:
                if "configMap" in volume:
                    assert ("ConfigMap", volume["configMap"]["name"]) in names
                if "secret" in volume:
                    assert volume["secret"]["secretName"] in SECRETS
                if "persistentVolumeClaim" in volume and "reader" not in overlay:
                    assert ("PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"]) in names
            if "serviceAccountName" in pod:
                assert ("ServiceAccount", pod["serviceAccountName"]) in names

    def test_jobs_keep_the_rules(self, overlay: str) -> None:
        """Retries follow the exit-code table, and the times add up."""
        graces = [given["settings"].grace for _, _, given in of(overlay)]
        for job in of_kind("Job", built(overlay)):
            assert faults_of(job, grace=max(graces)) == []

    def test_pods_are_restricted(self, overlay: str) -> None:
        """Every pod keeps to the pod security standard that the namespace asks for, and has no secret in its environment."""
        assert [insecurities(pod) for pod in pods(built(overlay))] == [[] for _ in pods(built(overlay))]
        (namespace,) = yaml.safe_load_all((KUBERNETES / "namespace.yaml").read_text(encoding="utf-8"))
        assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"

    def test_pods_reach_names_and_the_server_only(self, overlay: str) -> None:
        """A policy selects every pod, nobody may come in, and going out is spelt out by port."""
        policies = of_kind("NetworkPolicy", built(overlay))
        assert any(set(policy["spec"]["policyTypes"]) == {"Ingress", "Egress"} and "ingress" not in policy["spec"] for policy in policies)
        for policy in policies:
            assert policy["spec"]["podSelector"] == {"matchLabels": {"app.kubernetes.io/name": "bulkjob"}}
            for way in policy["spec"]["egress"]:
                assert way["to"]
                assert {port["port"] for port in way["ports"]} in ({53}, {443})
        templates = [job["spec"]["template"] for job in of_kind("Job", built(overlay))] + of_kind("Pod", built(overlay))
        assert {each["metadata"]["labels"]["app.kubernetes.io/name"] for each in templates} == {"bulkjob"}

    def test_image_fits(self, overlay: str) -> None:
        """The pod's user is the image's, and the image's entry point is left as it is."""
        words = dict(instructions((ROOT / "Dockerfile").read_text(encoding="utf-8")))
        for pod in pods(built(overlay)):
            security = pod["securityContext"]
            assert words["USER"] == f"{security['runAsUser']}:{security['runAsGroup']}"
            assert security["fsGroup"] == security["runAsGroup"]
            for container in containers(pod):
                assert container["image"] == "registry.example.org/tools/bulkjob:0.1.0"
                assert "args" in container or container["command"] == ["sleep", "3600"]


def after(arguments: list[str], *flags: str) -> list[str]:
    """What stands behind these flags."""
    return [value for flag, value in itertools.pairwise(arguments) if flag in flags]


class TestPlan:
    def test_run_waits_for_approval(self) -> None:
        """The run is suspended and sends the plan that the other Job has made; both are about the same sheet and volume."""
        plan, run = job_of("plan", "plan"), job_of("plan")
        assert "suspend" not in plan["spec"]
        assert run["spec"]["suspend"] is True
        (out,) = after(containers(plan["spec"]["template"]["spec"])[-1]["args"], "--out")
        assert after(containers(run["spec"]["template"]["spec"])[-1]["args"], "--plan") == [out]
        assert plan["spec"]["template"]["spec"]["volumes"] == run["spec"]["template"]["spec"]["volumes"]

    def test_log_is_the_whole_plan(self) -> None:
        """The page is larger than any plan, so that nothing is left out and nothing cut off."""
        (_, plan) = containers(job_of("plan", "plan")["spec"]["template"]["spec"])
        assert environment_of(plan, {}) == {"LINES": "1000000", "COLUMNS": "1000"}

    def test_approving_is_one_patch(self, tmp_path: Path) -> None:
        """The patch that docs/cluster.md shows starts the run and changes nothing else."""
        before = job_of("plan")
        (tmp_path / "job.yaml").write_text(yaml.safe_dump(dict(before)), encoding="utf-8")
        command = [kubectl(), "patch", "--local", "--filename", str(tmp_path / "job.yaml"), "--patch", '{"spec": {"suspend": false}}']
        done = subprocess.run([*command, "--output", "yaml"], capture_output=True, text=True, check=True)
        after_it = yaml.safe_load(done.stdout)
        assert after_it["spec"] == {**before["spec"], "suspend": False}


class TestOtherOverlays:
    def test_one_volume_for_one_sheet(self) -> None:
        """Plan, run, way back and reader of one sheet use one volume; no two pods at a time, but for the many workspaces."""
        claims = {
            overlay: {
                volume["persistentVolumeClaim"]["claimName"]
                for pod in pods(built(overlay))
                for volume in pod["volumes"]
                if "persistentVolumeClaim" in volume
            }
            for overlay in OVERLAYS
        }
        one = {overlay: claim for overlay, claim in claims.items() if not overlay.startswith("many")}
        many = {overlay: claim for overlay, claim in claims.items() if overlay.startswith("many")}
        assert len(set().union(*one.values())) == 1
        assert len(set().union(*many.values())) == 1
        modes = {
            overlay: [claim["spec"]["accessModes"] for claim in of_kind("PersistentVolumeClaim", built(overlay))] for overlay in claims
        }
        assert all(
            mode == [["ReadWriteMany" if overlay in many else "ReadWriteOncePod"]]
            for overlay, mode in modes.items()
            if "reader" not in overlay
        )

    @pytest.mark.parametrize(("back", "there"), [("rollback", "run"), ("many-workspaces-rollback", "many-workspaces")])
    def test_rollback_finds_the_run(self, back: str, there: str) -> None:
        """The way back is asked for with the run's own directory and server, under another name, and without the doctor."""
        ((_, _, undone),) = of(back)
        run = of(there)[-1][2]
        assert undone["command"] == "rollback"
        assert undone["directory"] == run["settings"].run_dir
        assert undone["settings"].url == run["settings"].url
        names = {job_of(back, "rollback")["metadata"]["name"], job_of(there)["metadata"]["name"]}
        assert len(names) == 2
        assert len({name.rpartition("-")[2] for name in names}) == 1

    def test_object_storage_is_bound_to_the_sheet(self) -> None:
        """The sheet is read from the Job's own prefix, which bears the sheet's hash, and the report goes there, too."""
        (_, _, doctor), (_, container, run) = of("object-storage")
        assert container["args"][1].startswith("s3://bulkjob/$(JOB_NAME)/")
        assert doctor["sheet"] == run["sheet"]
        assert run["settings"].publish.reveal() == f"s3://bulkjob/{job_of('object-storage')['metadata']['name']}"

    def test_many_workspaces_have_a_completion_each(self) -> None:
        """There are as many completions as sheets and as settings, and each index has a directory of its own."""
        job = job_of("many-workspaces")
        sizes = {
            each["metadata"]["name"].rpartition("-")[0]: len(each.get("data", {})) + len(each.get("binaryData", {}))
            for each in of_kind("ConfigMap", built("many-workspaces"))
        }
        assert job["spec"]["completions"] == sizes["bulkjob-sheets"] == sizes["bulkjob-workspaces"] == 3
        arguments = containers(job["spec"]["template"]["spec"])[-1]["args"]
        assert arguments[:4] == ["run", "/sheets/$(JOB_COMPLETION_INDEX).xlsx", "--settings", "/settings/$(JOB_COMPLETION_INDEX).toml"]
        assert after(arguments, "--run-dir") == ["/runs/workspaces/$(JOB_COMPLETION_INDEX)"]

    def test_sheet_from_a_volume(self, copied: Path) -> None:
        """With the one component in place of the other the sheet comes from a volume that is there already."""
        file = copied / "overlays" / "plan" / "kustomization.yaml"
        file.write_text(file.read_text(encoding="utf-8").replace("- ../../sheet\n", "- ../../sheet-from-volume\n"), encoding="utf-8")
        objects = built_from(file.parent)
        for pod in pods(objects):
            (sheet,) = [volume for volume in pod["volumes"] if volume["name"] == "sheet"]
            assert sheet["persistentVolumeClaim"] == {"claimName": "bulkjob-sheets", "readOnly": True}
        for each in objects:
            kubernetes_validate.validate(each, VERSIONS[0], strict=True)
        assert [each for each in of_kind("ConfigMap", objects) if "sheet" in each.get("data", {})] == []

    def test_nothing_lies_idle(self) -> None:
        """Every kustomization is part of an overlay, but for the one that takes the place of another."""
        used = {"sheet-from-volume", *(f"overlays/{overlay}" for overlay in OVERLAYS)}
        for path in KUBERNETES.rglob("kustomization.yaml"):
            content = yaml.safe_load(path.read_text(encoding="utf-8"))
            for name in (*content.get("resources", ()), *content.get("components", ())):
                if (path.parent / name).is_dir():
                    used.add(str((path.parent / name).resolve().relative_to(KUBERNETES)))
        assert {str(path.parent.relative_to(KUBERNETES)) for path in KUBERNETES.rglob("kustomization.yaml")} == used
