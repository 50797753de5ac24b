"""What is to be watched, and who is to be told?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pointsman.core.alert_budget import Budget
from pointsman.core.alert_defaults import DEFAULT_RULES
from pointsman.core.alert_routes import Route
from pointsman.core.alert_rules import Rule
from pointsman.core.alert_wishes import Grouping

USUAL_GROUPING = Grouping()


class Origin(StrEnum):
    """Who wrote a rule: nobody, the configuration file, or somebody through the API."""

    DEFAULT = "default"
    CONFIGURATION = "configuration"
    API = "api"


@dataclass(frozen=True, slots=True)
class AlertPlan:
    """How a gateway watches itself.

    A look is taken every `interval_s` seconds. `rules` are those of the configuration file, which
    take the place of shipped ones of the same name.
    """

    enabled: bool = True
    interval_s: float = 10.0
    rules: Mapping[str, Rule] = field(default_factory=dict)
    budgets: tuple[Budget, ...] = ()
    grouping: Grouping = USUAL_GROUPING
    routes: tuple[Route, ...] = ()
    dashboard: str = ""

    def in_force(self, written: Mapping[str, Rule]) -> dict[str, tuple[Rule, Origin]]:
        """All rules with who wrote them; `written` are those of the API.

        What the file says cannot be overruled through the API.
        """
        found = {name: (rule, Origin.DEFAULT) for name, rule in DEFAULT_RULES.items()}
        found.update({name: (rule, Origin.API) for name, rule in written.items()})
        found.update({name: (rule, Origin.CONFIGURATION) for name, rule in self.rules.items()})
        return found


WATCHED_AS_SHIPPED = AlertPlan()
