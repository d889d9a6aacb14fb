"""What is done with the end of a run or a rollback, whatever end it is: files are copied to a store, figures given out, people told.

Report → `Conclusion.reported` (``--publish``) → `Conclusion.tell` (termination message, metrics, webhook). Only the first can change the
exit code; an end before there is a report is told of, too.
"""

import asyncio
import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path, PurePosixPath

from bulkjob import __version__
from bulkjob.phrases import printable
from bulkjob.records import RowResult
from bulkjob.report.notice import Notice, render_notice, termination_text, verdict_on
from bulkjob.report.summary import Ending, RunFigures, render_summary, row_counts
from bulkjob.rundir import REPORT_FILES, ROLLBACK, SUMMARY_FILE, RunDirectory
from bulkjob.settings import Settings, without_secrets
from bulkjob.system import TERMINATION_LOG, StoreFailed, open_ordinary, sent, tell, warn, write_termination, write_whole
from bulkjob.vocabulary import Event, Exit, Stop

_NO_ROWS = row_counts(())


class Conclusion:
    """The end of one run or rollback, and what becomes of it."""

    def __init__(self, settings: Settings, *, undoes: bool = False, clock: Callable[[], float] = time.time) -> None:
        """``undoes``: of a rollback. ``clock``: seconds since the epoch."""
        self._settings = settings
        self._undoes = undoes
        self._clock = clock
        self._started = clock()
        self._notice: Notice | None = None
        self._publishing: asyncio.Task[str] | None = None

    # -------------------------------------------------------------------------------------------------- after the report

    async def reported(
        self, directory: RunDirectory, ending: Ending, results: Mapping[int, RowResult], *, interrupted: bool = False
    ) -> Exit:
        """Copies the run directory's files if that is wanted; the exit code, which is 73 where only that has failed.

        ``interrupted``: a signal has come, so that whoever sent it does not wait longer than another ``--grace``.
        """
        rows = row_counts(results.values())
        self._notice = Notice(ending=ending, rows=rows, verdict=verdict_on(ending, rows))
        if self._settings.publish:
            try:
                shown = await self._published(directory.path, self._settings.grace if interrupted else None)
                self._notice = replace(self._notice, published=shown)
            except (StoreFailed, Stop) as failed:
                self._unpublished(directory.path, failed.said if isinstance(failed, StoreFailed) else failed.message.rstrip("."), results)
        return self._notice.ending.exit_code

    def interrupt(self, times: int) -> None:
        """A signal, the first or another one: copying goes on for the time of grace, or ends at once."""
        if self._publishing is not None:
            asyncio.get_running_loop().call_later(self._settings.grace if times == 1 else 0, self._publishing.cancel)

    async def _published(self, directory: Path, seconds: float | None) -> str:
        from bulkjob.system import published  # noqa: PLC0415 - few publish, and the libraries of stores take their time to load

        copying = published(directory, published_name(directory), self._settings, last=SUMMARY_FILE, gone=REPORT_FILES)
        self._publishing = asyncio.ensure_future(asyncio.wait_for(copying, seconds))
        try:
            return await self._publishing
        except TimeoutError:
            raise StoreFailed(Exit.INTERRUPTED, "bulkjob was told to end before all of it was copied") from None
        except asyncio.CancelledError:
            if (task := asyncio.current_task()) is not None and task.cancelling():
                raise
            raise StoreFailed(Exit.INTERRUPTED, "bulkjob was told to end before all of it was copied") from None
        finally:
            self._publishing = None

    def _unpublished(self, directory: Path, why: str, results: Mapping[int, RowResult]) -> None:
        notice = self._notice
        if notice is None:
            return
        told = f"The files of {directory} could not be copied to {without_secrets(self._settings.publish.reveal())}: {why}."
        tell(Event.PUBLISH_FAILED, told, level=logging.ERROR)
        ending = notice.ending
        if ending.exit_code is Exit.OK:
            ending = replace(ending, exit_code=Exit.CANNOT_CREATE, message=told)
            try:
                # So that it says what the program leaves with, for whoever adds up many runs.
                write_whole(directory / SUMMARY_FILE, render_summary(ending, results.values()))
            except Stop as unwritable:
                warn(Event.PUBLISH_WARNING, unwritable.message)
        self._notice = replace(notice, ending=ending, unpublished=told)

    # ----------------------------------------------------------------------------------------------------- at the very end

    def tell(self, stop: Stop | None = None) -> None:
        """Tells everybody who is to know, once; none of it can fail the job. ``stop``: what ended it before there was a report."""
        notice = self._notice or self._without_report(stop)
        write_termination(TERMINATION_LOG, termination_text(notice))
        if (file := self._settings.metrics_file) is not None:
            self._write_metrics(file, notice)
        if gateway := self._settings.pushgateway.reveal():
            self._push_metrics(gateway, notice)
        if self._settings.notify_url:
            self._say("webhook", sent(self._settings.notify_url.reveal(), render_notice(notice), "application/json", self._settings))

    def _without_report(self, stop: Stop | None) -> Notice:
        ending = Ending(
            exit_code=stop.exit_code if stop else Exit.DEFECT,
            message=stop.message if stop else "bulkjob itself failed; this is a defect.",
            sheet_name="",
            sheet_sha256="",
            run_dir="",
            bulkjob_version=__version__,
            figures=RunFigures(duration_seconds=self._clock() - self._started),
            undoes=self._undoes,
            reported=False,
        )
        return Notice(ending=ending, rows=_NO_ROWS, verdict=verdict_on(ending, _NO_ROWS))

    def _push_metrics(self, gateway: str, notice: Notice) -> None:
        # So does the library of metrics.
        from bulkjob.report.metrics import METRICS_TYPE, gateway_address, render_metrics  # noqa: PLC0415

        figures = render_metrics(notice.ending, notice.rows, now=self._clock())
        self._say("pushgateway", sent(gateway_address(gateway), figures, METRICS_TYPE, self._settings))

    def _write_metrics(self, file: Path, notice: Notice) -> None:
        from bulkjob.report.metrics import METRICS_BEGIN, render_metrics  # noqa: PLC0415 - as above

        try:
            earlier = _beginning_of(file)
        except OSError as error:
            said = printable(f"{file}: {error.strerror or error}")
            warn(Event.NOTICE_FAILED, f"The metrics were not written to {said}. Name a file.")
            return
        if earlier.strip() and not earlier.startswith(METRICS_BEGIN):
            warn(Event.NOTICE_FAILED, f"The metrics were not written: {printable(str(file))} holds something else. Name another file.")
            return
        figures = render_metrics(notice.ending, notice.rows, now=self._clock(), earlier=earlier)
        try:
            write_whole(file, figures)
        except Stop as unwritable:
            warn(Event.NOTICE_FAILED, f"The metrics were not written: {unwritable.message}")

    def _say(self, whom: str, why_not: str) -> None:
        if why_not:
            warn(Event.NOTICE_FAILED, f"The {whom} could not be told of the end: {why_not}.")


@contextmanager
def concluding(settings: Settings, *, undoes: bool = False) -> Iterator[Conclusion]:
    """While open, a run or a rollback goes on; however it ends, whoever is to know is told of it afterwards."""
    conclusion = Conclusion(settings, undoes=undoes)
    stop: Stop | None = None
    try:
        yield conclusion
    except Stop as reason:
        stop = reason
        raise
    except KeyboardInterrupt:
        stop = Stop(Exit.INTERRUPTED, "Interrupted. Nothing was sent.")
        raise
    finally:
        conclusion.tell(stop)


def published_name(directory: Path) -> PurePosixPath:
    """What a run directory is called below ``--publish``: its name; that of a rollback lies in its run's."""
    path = directory.resolve()
    name = PurePosixPath(path.name or "run")
    while path.name == ROLLBACK and path.parent.name:
        path = path.parent
        name = PurePosixPath(path.name) / name
    return name


#: Of a file of metrics, in bytes; ours has a tenth of it.
_MOST_METRICS = 2**16


def _beginning_of(file: Path) -> bytes:
    """What an earlier run has left there, as far as it can be one's; nothing where nothing is.

    Raises `OSError`, also for what is no ordinary file: a device or a link is not replaced.
    """
    try:
        with os.fdopen(open_ordinary(file, os.O_RDONLY), "rb") as there:
            return there.read(_MOST_METRICS)
    except FileNotFoundError:
        return b""
