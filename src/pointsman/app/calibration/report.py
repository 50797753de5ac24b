"""What is said of a calibration, to people and to programs?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pointsman.app.calibration.estimate import estimated, unpriced
from pointsman.app.calibration.run import Calibration, Plan, Standing
from pointsman.core.posterior import deviation as posterior_deviation
from pointsman.core.posterior import shrunk

ENOUGH = 100
"""With fewer prompts chance says more than the models do."""

UNKNOWING = 2.0
"""Whoever knows nothing of a share believes in it as after one yes and one no."""


def before(plan: Plan) -> Iterator[str]:
    """What is going to happen, and what it will cost."""
    answers = len(plan.cases) * len(plan.models)
    cost = estimated(plan.cases, plan.models, plan.pricing)
    yield f"{len(plan.cases)} prompts × {len(plan.models)} models: {answers} answers"
    yield f"about {cost.likely_usd:.4f} USD, at most {cost.most_usd:.4f} USD for all of them"
    unknown = unpriced(plan.cases, plan.models, plan.pricing)
    if unknown:
        yield f"not counted, since what they cost is unknown: {', '.join(unknown)}"
    if len(plan.cases) < ENOUGH:
        yield f"fewer than {ENOUGH} prompts: expect differences of a few points to be chance"
    judge = plan.pricing.judge
    if judge is not None and any(judge.id == model.id for model in plan.models):
        yield f"{judge.id} judges its own answers too, probably too kindly"


def progress(calibration: Calibration) -> str:
    """One line on how far it has come."""
    failed = sum(each.failed for each in calibration.standings.values())
    words = f", {failed} failed" if failed else ""
    spent = f"{calibration.spent_usd:.4f} USD"
    return f"{calibration.done} of {calibration.total} done{words}, {spent} spent"


def ranked(calibration: Calibration) -> list[Standing]:
    """Best first; models of which nothing is known come last."""
    standings = calibration.standings.values()
    return sorted(standings, key=lambda each: 1.0 if each.quality is None else -each.quality)


def table(calibration: Calibration) -> Iterator[str]:
    """One line per model: how good its answers were, and what kept them from being judged."""
    width = max(len(model_id) for model_id in calibration.standings)
    yield f"{'model':{width}}  quality          judged  failed  unfit  unjudged    cost USD"
    for each in ranked(calibration):
        quality = "-" if each.quality is None else f"{each.quality:.3f} ± {deviation(each):.3f}"
        counts = f"{len(each.marks):6}  {each.failed:6}  {each.unfit:5}  {each.unjudged:8}"
        yield f"{each.model_id:{width}}  {quality:15}  {counts}  {each.cost_usd:10.4f}"
    for each in ranked(calibration):
        if each.last_words:
            left_out = "left out after failing in a row: " if each.left_out else ""
            yield f"{each.model_id}: {left_out}{each.last_words[:300]}"


def deviation(standing: Standing) -> float:
    """How far the quality may be off: one standard deviation of what can be believed of it.

    Where nothing was believed before (a Beta posterior of a uniform prior), so that three right
    answers out of three are no certainty. Marks count as yes or no; ratings say more.
    """
    good, count = sum(mark.quality for mark in standing.marks.values()), len(standing.marks)
    believed = shrunk(good, count, prior=0.5, weight=UNKNOWING)
    return posterior_deviation(believed, count + UNKNOWING)


def as_document(calibration: Calibration) -> dict[str, Any]:
    """The same for programs."""
    return {
        "complete": calibration.complete,
        "stopped_by_budget": calibration.stopped,
        "spent_usd": float(calibration.spent_usd),
        "models": [
            {
                "model_id": each.model_id,
                "quality": each.quality,
                "judged": len(each.marks),
                "judged_earlier": each.earlier,
                "failed": each.failed,
                "unfit": each.unfit,
                "unjudged": each.unjudged,
                "left_out": each.left_out,
                "cost_usd": float(each.cost_usd),
                "last_words": each.last_words,
            }
            for each in ranked(calibration)
        ],
    }
