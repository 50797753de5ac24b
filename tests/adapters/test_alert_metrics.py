"""Does Prometheus see alerts, and whether anybody still looks?"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest

from pointsman.adapters.metrics.alerting import alerted, delivered, known_as
from pointsman.app.clock import SystemClock
from pointsman.app.config import parse
from pointsman.app.wiring import Wired, wired
from pointsman.core.decision import Outcome
from pointsman.core.errors import FailureKind
from pointsman.engine.aside import ThreadAside

TAKES = "pointsman_alert_notification_delivery_seconds"
ROOT = Path(__file__).parents[2]
FLEET = """
providers: {sim: {type: simulated}}
models: {sim/a: {}}
agents: {coder: {}}
alerts: {channels: {hook: {type: webhook, url: "https://hooks.example/1"}}}
"""


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Wired]:
    clock = SystemClock()
    found = wired(parse(FLEET, {"HOME": str(tmp_path)}), clock, ThreadAside(clock))
    yield found
    found.store.close()


async def samples(parts: Wired) -> dict[str, float]:
    told = chain(alerted(parts.watching.desk), known_as(), delivered(parts.deliverer))
    found = [family for family in told if family is not None]
    return {
        f"{sample.name}{sorted(sample.labels.values())}": sample.value
        for family in found
        for sample in family.samples
    }


async def test_open_alerts_and_looks_are_counted(parts: Wired) -> None:
    before = await samples(parts)
    assert before["pointsman_alert_last_look_timestamp_seconds[]"] == 0.0
    assert before["pointsman_alerts['critical', 'firing']"] == 0
    for _ in range(30):
        now, failure = parts.clock.now(), FailureKind.SERVER_ERROR
        parts.service._ledger.ended(Outcome("d", 1, "sim/a", "coder", now, failure, False, 0.1))
    await parts.watching.watch.look()
    after = await samples(parts)
    assert after["pointsman_alerts['critical', 'firing']"] >= 5
    assert after["pointsman_alerts['critical', 'pending']"] == 0
    assert after["pointsman_alert_looking_seconds_total[]"] > 0
    assert after["pointsman_alert_looks_total[]"] == 1
    assert after["pointsman_alert_series[]"] == 4
    assert after["pointsman_alert_last_look_timestamp_seconds[]"] > 0
    assert after["pointsman_alert_unkept[]"] == 0


async def test_every_metric_of_alerts_is_in_the_reference(parts: Wired) -> None:
    reference = (ROOT / "docs" / "reference" / "metrics.md").read_text("utf-8")
    for name in {key.partition("[")[0] for key in await samples(parts)}:
        kind = "counter" if name.endswith("_total") else "gauge"
        kind = "histogram" if name.startswith(TAKES) else kind
        assert f"| `{TAKES if name.startswith(TAKES) else name}` | {kind} |" in reference


@pytest.mark.parametrize("name", ["prometheus-rules.yaml", "grafana-dashboard.json"])
def test_the_examples_ask_for_metrics_that_there_are(name: str) -> None:
    reference = (ROOT / "docs" / "reference" / "metrics.md").read_text("utf-8")
    known = set(re.findall(r"^\| `(pointsman_[a-z_]+)` \|", reference, re.MULTILINE))
    asked = set(re.findall(r"pointsman_[a-z_]+", (ROOT / "examples" / name).read_text("utf-8")))
    assert asked
    assert {each.removesuffix("_bucket") for each in asked} <= known


OF_HOOK = 'job="pointsman",instance="a",channel="hook"'
OF_ALL = 'job="pointsman",instance="a",severity="critical"'
SEEN = {
    "evaluation_interval": "1m",
    "tests": [
        {
            "interval": "1m",
            "input_series": [
                {
                    "series": f'pointsman_alert_notifications_kept{{{OF_HOOK},state="pending"}}',
                    "values": "3x40",
                },
                {
                    "series": f"pointsman_alert_notifications_delivered_total{{{OF_HOOK}}}",
                    "values": "5x40",
                },
                {"series": f'pointsman_alerts{{{OF_ALL},state="firing"}}', "values": "2x40"},
                {"series": f'pointsman_alerts{{{OF_ALL},state="pending"}}', "values": "9x40"},
            ],
            "alert_rule_test": [
                {
                    "eval_time": "30m",
                    "alertname": "PointsmanIsNotHeard",
                    "exp_alerts": [
                        {
                            "exp_labels": {
                                "job": "pointsman",
                                "instance": "a",
                                "channel": "hook",
                                "state": "pending",
                                "severity": "error",
                            },
                            "exp_annotations": {
                                "summary": "a reaches nobody through hook: 3 notifications wait"
                            },
                        }
                    ],
                },
                {
                    "eval_time": "30m",
                    "alertname": "PointsmanAlerts",
                    "exp_alerts": [
                        {
                            "exp_labels": {"instance": "a", "severity": "critical"},
                            "exp_annotations": {
                                "summary": "2 open alerts on a: pointsman alerts list"
                            },
                        }
                    ],
                },
            ],
        }
    ],
}


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_prometheus_takes_the_rules_and_they_fire(tmp_path: Path) -> None:
    def promtool(*words: str) -> str:
        command = [shutil.which("promtool") or "", *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    rules = str(ROOT / "examples" / "prometheus-rules.yaml")
    assert "6 rules found" in promtool("check", "rules", rules)
    seen = tmp_path / "seen.yaml"
    seen.write_text(json.dumps({"rule_files": [rules], **SEEN}), "utf-8")
    assert "SUCCESS" in promtool("test", "rules", str(seen))
