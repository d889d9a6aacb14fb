"""Monitors whom the server will drop when a plan writes their unit, said before anybody approves the plan."""

from bulkjob.changes import UnitPost
from bulkjob.plan.prepared import Prepared
from bulkjob.records import MANAGE_MONITORS, Monitor, Naming
from bulkjob.rocketchat import CallFailed, Client, NeverComplete, monitors_without_role


async def warnings_of_dropped_monitors(client: Client, prepared: Prepared, *, always: bool) -> list[str]:
    """One sentence for each unit that will lose monitors because they no longer hold the role (since 6.6, ``LivechatEnterprise.ts``).

    ``always``: also where it costs more calls than a window lets through. Nobody is warned where the lists cannot be read: a run says the
    same before each write.
    """
    # One that is written twice is looked up once.
    units = dict.fromkeys(operation.unit_id for operation in prepared.plan.operations if isinstance(operation, UnitPost))
    affordable = always or prepared.limit is None or len(units) <= prepared.limit.calls
    if not units or not affordable or not prepared.server.drops_monitors or not prepared.server.may(MANAGE_MONITORS):
        return []
    try:
        dropped = await monitors_without_role(client, units)
    except (CallFailed, NeverComplete):
        return []
    naming = Naming(prepared.workspace)
    return [dropped_text(naming, unit_id, monitors) for unit_id, monitors in dropped.items()]


def dropped_text(naming: Naming, unit_id: str, monitors: tuple[Monitor, ...]) -> str:
    """That writing a unit drops these monitors."""
    names = ", ".join(naming.agent(monitor.id, monitor.username) for monitor in monitors)
    return (
        f"Writing unit {naming.unit(unit_id)} removes monitors who no longer have the role livechat-monitor: {names}. "
        "Rocket.Chat does this by itself; give the role back first to anyone who should stay."
    )
