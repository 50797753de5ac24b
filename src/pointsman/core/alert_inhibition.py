"""Which alerts are not told because a graver one says the same?

When no model is left for a set of capabilities, that each of them fails is no news; when a provider
is in trouble, so are its models. What is hidden is judged and recorded as ever, and told when what
hid it is over first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pointsman.core.alert import AlertType, Severity
from pointsman.core.alert_log import Alert
from pointsman.core.alert_metrics import ScopeKind

Members = Mapping[str, frozenset[str]]
"""The ids of the models that serve each set of capabilities, where they are well."""


_PROVIDER = ScopeKind.PROVIDER
_THAT_HIDE = (_PROVIDER, ScopeKind.CAPABILITIES)


class Hiding:
    """What the open alerts hide at one moment."""

    def __init__(self, alerts: Iterable[Alert], members: Members) -> None:
        self._providers: dict[str, Alert] = {}
        self._models: dict[str, Alert] = {}
        self._members = members
        self.note(alerts)

    def note(self, alerts: Iterable[Alert]) -> None:
        """These alerts may hide others, too."""
        # Most alerts are of kinds that hide nothing, so that is asked first.
        for alert in [each for each in alerts if each.scope.kind in _THAT_HIDE]:
            if not alert.is_open:
                continue
            if alert.scope.kind is _PROVIDER:
                before = self._providers.get(alert.scope.id)
                if before is None or alert.severity > before.severity:
                    self._providers[alert.scope.id] = alert
            elif _leaves_none(alert):
                for model_id in self._members.get(alert.scope.id, ()):
                    self._models[model_id] = alert

    @property
    def hides_any(self) -> bool:
        return bool(self._providers or self._models)

    def by(self, alert: Alert) -> Alert | None:
        """The alert that hides this one, if any does."""
        if alert.scope.kind is not ScopeKind.MODEL:
            return None
        none_left = self._models.get(alert.scope.id)
        if none_left is not None:
            return none_left
        of_provider = self._providers.get(alert.scope.id.partition("/")[0])
        if of_provider is not None and of_provider.severity >= alert.severity:
            return of_provider
        return None


def _leaves_none(alert: Alert) -> bool:
    return (
        alert.type is AlertType.NO_MODELS_AVAILABLE
        and alert.scope.kind is ScopeKind.CAPABILITIES
        and alert.severity is Severity.CRITICAL
    )
