"""Which calls does the control API have?"""

from __future__ import annotations

from collections import Counter
from typing import Any

from litestar import Litestar, Request, Router, get
from litestar.connection import ASGIConnection
from litestar.di import NamedDependency, Provide
from litestar.handlers import BaseRouteHandler
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.params import SkipValidation

from pointsman.adapters.http.control import alertmanager
from pointsman.adapters.http.control.access import PREFIX
from pointsman.adapters.http.control.administering import audit, forget_agent, log_level
from pointsman.adapters.http.control.alert_settings import (
    add_silence,
    change_silence,
    end_silence,
    remove_rule,
    rule,
    rule_metrics,
    rules,
    silence,
    silences,
    switch_rule,
    try_rule,
    write_rule,
)
from pointsman.adapters.http.control.alerting import (
    acknowledge,
    active_alerts,
    alert,
    alert_filter,
    alert_history,
    alerts,
    unacknowledge,
)
from pointsman.adapters.http.control.assigning import (
    agent_assignment,
    assign,
    assignment_query,
    assignments,
    assignments_table,
    auto_assign_all,
    change_assignment,
    remove_assignment,
)
from pointsman.adapters.http.control.assignment_runs import (
    apply_run,
    run,
    run_inputs,
    run_query,
    runs,
    runs_table,
    undo_run,
)
from pointsman.adapters.http.control.bodies import ConfigBody, OriginBody
from pointsman.adapters.http.control.charting import ranking, timeseries, wanted_members
from pointsman.adapters.http.control.deciding import again, decision, feedback, route
from pointsman.adapters.http.control.decision_bodies import DecisionsBody
from pointsman.adapters.http.control.decision_pages import (
    PAGED,
    Wanted,
    decisions_of,
    wanted_decisions,
    wanted_stretch,
)
from pointsman.adapters.http.control.delivering import channels, outbox, resend, try_channel
from pointsman.adapters.http.control.document import openapi_document
from pointsman.adapters.http.control.draining import drain, drains, undrain
from pointsman.adapters.http.control.errors import EXCEPTION_HANDLERS, without_zeros
from pointsman.adapters.http.control.explaining import decision_summary
from pointsman.adapters.http.control.exporting import (
    export,
    export_alerts,
    export_notifications,
)
from pointsman.adapters.http.control.fleet_calls import (
    add_agent,
    add_model,
    agent,
    agents,
    change_agent,
    change_model,
    model,
    models,
    put_agent,
    put_model,
    remove_agent,
    remove_model,
    wanted_ends,
)
from pointsman.adapters.http.control.flowing import flows
from pointsman.adapters.http.control.measured_calls import metrics, stats
from pointsman.adapters.http.control.outlooks import heatmap, outlook_call
from pointsman.adapters.http.control.overview_calls import overview
from pointsman.adapters.http.control.slashes import put_back
from pointsman.adapters.http.control.source import ControlSource
from pointsman.adapters.http.control.weighing import preview_weights
from pointsman.core.errors import RequestError

MAX_BODY_BYTES = 4_096

Source = NamedDependency[SkipValidation[ControlSource]]


@get("/decisions", query_parameters=PAGED)
async def decisions(
    source: Source,
    wanted: NamedDependency[SkipValidation[Wanted]],
) -> DecisionsBody:
    """Decisions, newest first, a page at a time.

    A page of a search may hold fewer than `limit` though `next_cursor` is not null: it goes on
    from there.
    """
    found, cursor = await decisions_of(source, wanted)
    page = [decision_summary(stored) for stored in found]
    return DecisionsBody(decisions=page, count=len(page), next_cursor=cursor)


@get("/config")
async def config(source: Source) -> ConfigBody:
    """The configuration in force, secrets masked."""
    view = source.config()
    return ConfigBody(
        config_version=view.version,
        config=view.settings,
        source=view.source,
        origins={
            path: OriginBody(origin=each.kind, line=each.line, variables=list(each.variables))
            for path, each in view.origins.items()
        },
        rejected=view.rejected or None,
    )


@get("/openapi.json", include_in_schema=False, media_type="application/vnd.oai.openapi+json")
async def openapi(request: Request[Any, Any, Any]) -> dict[str, Any]:
    return openapi_document(request.app)


def known_parameters_only(
    connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler
) -> None:
    """A misspelt filter that is ignored would show decisions that were not asked for."""
    known = handler.opt.get("query_parameters", ())
    counts = Counter(name for name, _ in connection.query_params.multi_items())
    for name, count in counts.items():
        if name not in known:
            hint = f"known here: {', '.join(known)}" if known else "this call has none"
            raise RequestError(
                f"{name}: no such query parameter; {hint}.", param=name, code="unknown_parameter"
            )
        if count > 1:
            raise RequestError(f"{name}: given {count} times.", param=name, code="invalid_value")


async def prepared(request: Request[Any, Any, Any]) -> None:
    """See to what each request goes through before its call is made."""
    put_back(request.scope["path_params"])
    await without_zeros(request)


def application(source: ControlSource, version: str) -> Litestar:
    """The control API as an ASGI application that knows all its paths in full."""
    calls = [
        *(agents, agent, add_agent, put_agent, change_agent, remove_agent),
        *(models, model, add_model, put_model, change_model, remove_model),
        *(drains, drain, undrain),
        *(decisions, decision, again, feedback, route, preview_weights),
        *(assignments, assignments_table, assign, change_assignment, remove_assignment),
        *(auto_assign_all, agent_assignment),
        *(runs, runs_table, run, run_inputs, apply_run, undo_run),
        *(stats, metrics, overview, flows, timeseries, ranking, heatmap, outlook_call),
        *(channels, try_channel, outbox, resend),
        *(alerts, active_alerts, alert_history, alert, acknowledge, unacknowledge),
        *(silences, silence, add_silence, change_silence, end_silence),
        *(rules, rule, write_rule, switch_rule, remove_rule, try_rule, rule_metrics),
        *(config, log_level, openapi),
        *(audit, forget_agent, export, export_alerts, export_notifications),
    ]
    router = Router(
        PREFIX,
        route_handlers=calls,
        dependencies={
            "source": Provide(lambda: source, sync_to_thread=False, use_cache=True),
            "ends": Provide(wanted_ends),
            "stretch": Provide(wanted_stretch),
            "members": Provide(wanted_members),
            "wanted": Provide(wanted_decisions),
            "wanted_assignments": Provide(assignment_query),
            "wanted_runs": Provide(run_query),
            "wanted_alerts": Provide(alert_filter),
        },
        guards=[known_parameters_only],
    )
    tools = alertmanager.router({"source": router.dependencies["source"]})
    return Litestar(
        [router, tools],
        exception_handlers=EXCEPTION_HANDLERS,
        before_request=prepared,
        logging_config=None,
        # Litestar serves pages of its own beside the document and answers 404 there in HTML; that
        # corner lies outside PREFIX, where nothing is ever sent. Ours is `openapi` above.
        openapi_config=OpenAPIConfig(
            title="pointsman control API",
            version=version,
            path="/unserved",
            render_plugins=[JsonRenderPlugin()],
            use_handler_docstrings=True,
        ),
        request_max_body_size=MAX_BODY_BYTES,
    )
