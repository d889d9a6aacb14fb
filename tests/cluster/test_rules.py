"""The rules that the manifests are held to see what they are meant to see."""

import copy
from typing import Any

import pytest

from tests.support.job_rules import faults_of, insecurities
from tests.support.manifests import Manifest, job_of


class TestTheseRules:
    """The rules see what they are meant to see."""

    @pytest.mark.parametrize(
        ("path", "value", "said"),
        [
            ("spec.template.spec.restartPolicy", "OnFailure", "needs restartPolicy Never"),
            ("spec.podReplacementPolicy", "TerminatingOrFailed", "needs podReplacementPolicy Failed"),
            ("spec.podFailurePolicy.rules.2.action", "FailIndex", "FailIndex needs backoffLimitPerIndex"),
            ("spec.backoffLimitPerIndex", 6, "needs completionMode Indexed"),
            ("spec.backoffLimit", 0, "replaced six times"),
            ("spec.completionMode", "Indexed", "needs completions"),
            ("spec.ttlSecondsAfterFinished", 600, "made anew"),
            ("spec.podFailurePolicy.rules.1.onExitCodes.values", [75, 69], "not in order"),
            ("spec.podFailurePolicy.rules.1.onExitCodes.values", [69], "not those of the table"),
            ("spec.podFailurePolicy.rules.1.onExitCodes.values", [1, 69, 75], "not those of the table"),
            ("spec.podFailurePolicy.rules.1.onExitCodes.values", [0, 69, 75], "0 is no failure"),
            ("spec.podFailurePolicy.rules.1.onExitCodes.operator", "NotIn", "are listed"),
            ("spec.podFailurePolicy.rules.1.onExitCodes.containerName", "job", "there is no container job"),
            ("spec.podFailurePolicy.rules.0.action", "Ignore", "disruption is counted"),
            ("spec.template.spec.terminationGracePeriodSeconds", 40, "s to end"),
            ("spec.activeDeadlineSeconds", 3600, "do not fit"),
            ("metadata.name", "bulkjob-run-" + "x" * 52, "too long"),
        ],
    )
    def test_fault_of_a_job_is_seen(self, path: str, value: object, said: str) -> None:
        """Each of these alone is told."""
        assert any(said in fault for fault in faults_of(changed(job_of("run"), path, value), grace=20))

    def test_limits_of_many_are_seen(self) -> None:
        """A limit for all workspaces together, and an action that ends them all, are told."""
        job = job_of("many-workspaces")
        assert any("together" in fault for fault in faults_of(changed(job, "spec.backoffLimit", 6), grace=20))
        assert any("for one" in fault for fault in faults_of(changed(job, "spec.podFailurePolicy.rules.2.action", "FailJob"), grace=20))

    @pytest.mark.parametrize(
        ("path", "value"),
        [
            ("securityContext.runAsNonRoot", False),
            ("securityContext.seccompProfile", {"type": "Unconfined"}),
            ("automountServiceAccountToken", True),
            ("enableServiceLinks", True),
            ("hostNetwork", True),
            ("containers.0.securityContext.allowPrivilegeEscalation", True),
            ("containers.0.securityContext.capabilities", {"drop": ["NET_RAW"]}),
            ("containers.0.securityContext.readOnlyRootFilesystem", False),
            ("containers.0.resources", {}),
            (
                "containers.0.env",
                [{"name": "ROCKETCHAT_AUTH_TOKEN", "valueFrom": {"secretKeyRef": {"name": "bulkjob", "key": "auth-token"}}}],
            ),
            ("volumes.0", {"name": "settings", "hostPath": {"path": "/"}}),
        ],
    )
    def test_insecurity_of_a_pod_is_seen(self, path: str, value: object) -> None:
        """Each of these alone is told."""
        assert len(insecurities(changed(job_of("run")["spec"]["template"]["spec"], path, value))) == 1


def changed(manifest: Manifest, path: str, value: object) -> Manifest:
    """A copy in which one thing is otherwise."""
    copy_of_it: dict[str, Any] = copy.deepcopy(dict(manifest))
    *way, last = path.split(".")
    place: Any = copy_of_it
    for step in way:
        place = place[int(step)] if step.isdigit() else place[step]
    place[int(last) if last.isdigit() else last] = value
    return copy_of_it
