"""The example alerts: PromQL that a parser takes, about metrics that there are, going off when they should."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import promql_parser
import pytest
import yaml

from bulkjob.vocabulary import Exit
from tests.support.manifests import KUBERNETES
from tests.support.processes import ran, served
from tests.support.turns import Turn, workspace

ALERTS: Final = KUBERNETES / "alerts.yaml"
CASES: Final = Path(__file__).with_name("alerts_test.yaml")
RULES: Final[list[dict[str, Any]]] = [
    rule for group in yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"] for rule in group["rules"]
]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names of the metrics that a run leaves."""
    folder = tmp_path_factory.mktemp("metrics")
    with served(workspace(), folder, "--rate-limit", "off") as sandbox:
        sheet = Turn(1).sheet(folder)
        done = ran(sandbox.url, "run", sheet, "--run-dir", folder / "run", "--metrics-file", folder / "metrics", "--max-removals", "100%")
    assert done.exit == Exit.OK, done.out + done.err
    return set(re.findall(r"^(bulkjob_\w+)", (folder / "metrics").read_text(encoding="utf-8"), flags=re.MULTILINE))


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
class TestAlert:
    def test_expression_is_promql(self, rule: dict[str, Any]) -> None:
        """The parser takes it."""
        promql_parser.parse(rule["expr"])

    def test_metrics_are_those_of_the_program(self, rule: dict[str, Any], written: set[str]) -> None:
        """Each bulkjob_… in it is one that bulkjob writes, of the group that it pushes to."""
        assert set(re.findall(r"\bbulkjob_\w+", rule["expr"])) <= written
        assert all('job="bulkjob"' in labels for labels in re.findall(r"\bbulkjob_\w+(\{.*?\})", rule["expr"]))

    def test_says_what_happened_and_what_to_do(self, rule: dict[str, Any]) -> None:
        """Both are there, and it is tried in alerts_test.yaml."""
        assert rule["annotations"].keys() == {"summary", "description"}
        assert f"alertname: {rule['alert']}\n    exp_alerts:\n" in CASES.read_text(encoding="utf-8")


def test_alerts_go_off_when_they_should(tmp_path: Path) -> None:
    """Prometheus' own tool says that the rules are valid, and that each goes off in its case and in no other."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("needs promtool (Debian: prometheus)")
    for file in (ALERTS, CASES):
        shutil.copy(file, tmp_path)
    for command in (("check", "rules", ALERTS.name), ("test", "rules", CASES.name)):
        done = subprocess.run([promtool, *command], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
