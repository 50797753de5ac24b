"""Which rule is written in this document, and what is wrong with it?

Rules that come through the API are read as those of the configuration file are, so that they mean
the same and are refused for the same reasons, in the same words, all at once.
"""

from __future__ import annotations

import json

from pointsman.app.alerting import rule_of
from pointsman.app.checks import check_rules
from pointsman.app.mistakes import Findings, settings_of
from pointsman.app.yamltree import read_tree
from pointsman.core.alert_rules import Rule


def rule_document(name: str, document: str) -> Rule:
    """The rule in a JSON document. Raises `ValueError` with everything that is wrong with it."""
    try:
        content = json.loads(document)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"this is no JSON: {error}") from error
    tree = read_tree(json.dumps({"alerts": {"rules": {name: content}}}))
    findings = Findings(tree)
    entries = settings_of(tree.value or {}, findings).alerts.rules
    check_rules(entries, findings)
    if findings.problems:
        told = "; ".join(str(problem) for problem in findings.problems)
        raise ValueError(told.replace(f"alerts.rules.{name}", "rule").replace(" (line 1)", ""))
    return rule_of(name, entries[name])
