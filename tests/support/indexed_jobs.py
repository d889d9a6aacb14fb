"""What the Job controller does with an Indexed Job, on this machine: an index is a pod, a pod a process.

Which pods run, what becomes of an index whose pod has failed, and when the Job is over follows the manifest: ``completions``,
``parallelism``, ``backoffLimitPerIndex`` and the rules of ``podFailurePolicy``, the first that fits. Only the waits between the pods of an
index (10, 20, 40 … seconds in a cluster) are shorter.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from tests.support.manifests import Manifest

#: The first wait of the controller, and its longest, in seconds.
_FIRST: Final = 10.0
_LONGEST: Final = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PodEnd:
    """How a pod ended."""

    exit: int
    conditions: Mapping[str, str] = field(default_factory=dict)
    """Type → status, of those that the cluster has set."""


@dataclass(slots=True, kw_only=True)
class JobStatus:
    """What has become of an Indexed Job."""

    ends: dict[int, list[PodEnd]] = field(default_factory=dict)
    """Index → the ends of its pods, in their order."""
    succeeded: set[int] = field(default_factory=set)
    failed: set[int] = field(default_factory=set)
    most_at_once: int = 0

    @property
    def complete(self) -> bool:
        """Whether each index has succeeded."""
        return not self.failed and self.succeeded == self.ends.keys()


#: Runs the pod of an index; the second number counts the pods of this index from 0.
RunPod = Callable[[int, int], Awaitable[PodEnd]]


def action_for(spec: Manifest, end: PodEnd) -> str:
    """What the first rule that fits says; ``Count`` where none does."""
    for rule in spec["podFailurePolicy"]["rules"]:
        if codes := rule.get("onExitCodes"):
            fits = end.exit != 0 and (end.exit in codes["values"]) == (codes["operator"] == "In")
        else:
            fits = any(end.conditions.get(each["type"]) == each["status"] for each in rule["onPodConditions"])
        if fits:
            return str(rule["action"])
    return "Count"


async def carried_out(spec: Manifest, run_pod: RunPod, *, shortened: float = 1.0) -> JobStatus:
    """The Job's status when all indexes are over. ``shortened``: of a second of waiting, so much is waited."""
    assert spec["completionMode"] == "Indexed"
    status, slots, running = JobStatus(), asyncio.Semaphore(spec["parallelism"]), 0

    async def pod_of(index: int, number: int) -> PodEnd:
        nonlocal running
        async with slots:
            running += 1
            status.most_at_once = max(status.most_at_once, running)
            try:
                return await run_pod(index, number)
            finally:
                running -= 1

    async def carry_out(index: int) -> None:
        ends = status.ends[index] = []
        failures = 0
        while True:
            ends.append(await pod_of(index, len(ends)))
            if ends[-1].exit == 0:
                status.succeeded.add(index)
                return
            action = action_for(spec, ends[-1])
            assert action in ("Count", "Ignore", "FailIndex"), action
            failures += action != "Ignore"
            if action == "FailIndex" or failures > spec["backoffLimitPerIndex"]:
                status.failed.add(index)
                return
            await asyncio.sleep(shortened * min(_FIRST * 2 ** (failures - 1), _LONGEST))

    async with asyncio.TaskGroup() as group:
        for index in range(spec["completions"]):
            group.create_task(carry_out(index))
    return status
