"""What holds of a Job beyond its schema: what the API server refuses, and what would be wrong all the same. One sentence for each fault."""

from collections.abc import Iterator
from typing import Final

from bulkjob.vocabulary import Exit
from tests.support.manifests import Manifest, containers

#: What the exit-code table has as worth a retry by the scheduler.
AGAIN: Final = frozenset({Exit.UNAVAILABLE, Exit.INTERRUPTED})
#: A webhook may take so long at the end, beside `grace`.
WEBHOOK_SECONDS: Final = 10
#: The rest of a pod's end: the report, and its copies.
REPORT_SECONDS: Final = 15
#: After so long without a call that gets through, the job ends with 69.
PATIENCE_SECONDS: Final = 15 * 60


def faults_of(job: Manifest, *, grace: float) -> list[str]:
    """Everything that is wrong with a Job whose pods have so many seconds to end."""
    return [*_retries(job["spec"]), *_exit_codes(job["spec"]), *_times(job["spec"], grace), *_names(job)]


def _retries(spec: Manifest) -> Iterator[str]:
    per_index = "backoffLimitPerIndex" in spec
    actions = {rule["action"] for rule in spec["podFailurePolicy"]["rules"]}
    if spec["template"]["spec"].get("restartPolicy") != "Never":
        yield "podFailurePolicy needs restartPolicy Never"
    if spec.get("podReplacementPolicy", "Failed") != "Failed":
        yield "podFailurePolicy needs podReplacementPolicy Failed"
    if per_index and spec.get("completionMode") != "Indexed":
        yield "backoffLimitPerIndex needs completionMode Indexed"
    if per_index and "backoffLimit" in spec:
        yield "backoffLimit would end all workspaces after so many failures together"
    if "FailIndex" in actions and not per_index:
        yield "FailIndex needs backoffLimitPerIndex"
    if "FailJob" in actions and per_index:
        yield "FailJob would end all workspaces for one"
    if spec.get("completionMode") == "Indexed" and not 0 < spec.get("completions", 0) <= 100_000:
        yield "an Indexed Job needs completions"
    if spec.get("backoffLimitPerIndex", spec.get("backoffLimit")) != 6:
        yield "a pod is replaced six times"
    if "ttlSecondsAfterFinished" in spec:
        yield "a Job that cleans itself away is made anew by a GitOps controller"


def _exit_codes(spec: Manifest) -> Iterator[str]:
    told: dict[int, str] = {}
    names = {container["name"] for container in containers(spec["template"]["spec"])}
    rules = spec["podFailurePolicy"]["rules"]
    for rule in rules:
        if ("onExitCodes" in rule) == ("onPodConditions" in rule):
            yield "a rule has either exit codes or conditions"
        codes = rule.get("onExitCodes")
        if codes is None:
            continue
        values = codes["values"]
        if values != sorted(set(values)) or not 0 < len(values) <= 255:
            yield f"the values {values} are not in order, or stand there twice"
        if codes["operator"] != "In" or 0 in values:
            yield "exit codes are listed, and 0 is no failure"
        if codes.get("containerName", next(iter(names))) not in names:
            yield f"there is no container {codes['containerName']}"
        told |= {value: rule["action"] for value in values if value not in told}
    wanted = {int(code): "Count" if code in AGAIN else "Fail" for code in Exit if code != Exit.OK}
    if {code: action.removesuffix("Job").removesuffix("Index") for code, action in told.items()} != wanted:
        yield f"the exit codes {told} are not those of the table"
    disrupted = {"action": "Count", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
    if disrupted not in rules or rules.index(disrupted) != 0:
        yield "a disruption is counted, whatever the exit code"


def _times(spec: Manifest, grace: float) -> Iterator[str]:
    # What is in flight ends within the grace, and so does what is copied to a store; then the Pushgateway and the webhook are told.
    least = 2 * grace + 2 * WEBHOOK_SECONDS + REPORT_SECONDS
    if spec["template"]["spec"].get("terminationGracePeriodSeconds", 30) < least:
        yield f"a pod needs {least:g} s to end"
    limit = spec.get("backoffLimitPerIndex", spec.get("backoffLimit", 6))
    waits = sum(min(10 * 2**number, 600) for number in range(limit))
    turns = -(-spec.get("completions", 1) // spec.get("parallelism", 1))
    if spec.get("activeDeadlineSeconds", 0) < turns * (waits + (limit + 1) * PATIENCE_SECONDS):
        yield f"{limit + 1} attempts of {PATIENCE_SECONDS} s and the waits between them do not fit into activeDeadlineSeconds"


def _names(job: Manifest) -> Iterator[str]:
    # A pod is named by its Job, its index and five letters; a host name has 63 of them.
    if len(job["metadata"]["name"]) > 63 - len("-100000-abcde"):
        yield "the name is too long for the pods' names"


def insecurities(pod: Manifest) -> list[str]:
    """Where a pod does not keep to the pod security standard "restricted", or could be used for more than its work."""
    found = [*_of_pod(pod)]
    for container in containers(pod):
        security, name = container.get("securityContext", {}), container["name"]
        if security.get("allowPrivilegeEscalation") is not False:
            found.append(f"{name} may gain privileges")
        if security.get("capabilities") != {"drop": ["ALL"]}:
            found.append(f"{name} has capabilities")
        if security.get("readOnlyRootFilesystem") is not True:
            found.append(f"{name} can write to its image")
        if not {"requests", "limits"} <= container.get("resources", {}).keys():
            found.append(f"{name} does not say what it needs")
        if any(name_of_secret(variable) for variable in container.get("env", ())):
            found.append(f"{name} has a secret in its environment")
    return found


def name_of_secret(variable: Manifest) -> str:
    """The Secret that a variable is taken from; blank for none."""
    return str(variable.get("valueFrom", {}).get("secretKeyRef", {}).get("name", ""))


def _of_pod(pod: Manifest) -> Iterator[str]:
    security = pod.get("securityContext", {})
    if security.get("runAsNonRoot") is not True or not security.get("runAsUser"):
        yield "it may run as root"
    if security.get("seccompProfile") != {"type": "RuntimeDefault"}:
        yield "it may make any system call"
    if pod.get("automountServiceAccountToken") is not False:
        yield "it gets a token of the cluster"
    if pod.get("enableServiceLinks") is not False:
        yield "it gets a variable for every service"
    if pod.keys() & {"hostNetwork", "hostPID", "hostIPC", "hostUsers"}:
        yield "it is on its host"
    allowed = {"configMap", "secret", "persistentVolumeClaim", "emptyDir"}
    if any(not (volume.keys() - {"name"}) <= allowed for volume in pod["volumes"]):
        yield "it has a volume of a kind that is not allowed"
