"""The costs of labels in a run, from its settings; unmeasurable ones are refused."""

from __future__ import annotations

from typing import Any

from autoal.building import build, demand_class
from autoal.costs.by_row import ByRow
from autoal.costs.contract import Costs
from autoal.costs.learned import Learned
from autoal.costs.units import LABELS, MONEY, SECONDS
from autoal.cycle.hooks import StopRule
from autoal.cycle.plan import Plan
from autoal.cycle.spending import Budget
from autoal.errors import UserError
from autoal.oracles.asks import Asks
from autoal.oracles.question import Oracle, asks_people, layers, times_people
from autoal.settings import Settings

SIMULATED = "simulated"  # in the section of costs: their source when nobody takes any time


def costs_of(settings: Settings) -> Costs | None:
    """The costs of a run; None: a label costs one, or what the oracle reports."""
    section = {**(settings.get("costs") or {})}  # which older runs lack
    inner = section.pop(SIMULATED, None)
    simulated = _built(inner, f"costs.{SIMULATED}", settings) if inner else None
    return _built(section, "costs", settings, simulated=simulated) if section else None


def _built(section: Settings, where: str, settings: Settings, **facts: Any) -> Costs:
    demand_class(section, where, Costs)
    return build(section, where, seed=settings["seed"], **facts)


def demand_told(costs: Costs, oracle: Oracle, *, grows: bool) -> None:
    """Refuse costs that have no source, or two.

    Args:
        costs: of labels.
        oracle: answers.
        grows: whether rows are made, which no file knows.
    """
    if isinstance(costs, ByRow) and grows:
        raise UserError(
            "costs=column has prices only for rows of the data, and growth makes others"
        )
    if not isinstance(costs, Learned):
        return
    if costs.simulated is None and not times_people(oracle):
        raise UserError(
            "costs=learned learns from the seconds that people take: let them answer on a page, "
            "as in oracle=people, or give costs.simulated=words, column or class"
        )
    if costs.simulated is not None and asks_people(oracle):
        raise UserError("costs.simulated= is for simulations: people take their own time")


def demand_counted(stop: StopRule | None, costs: Costs | None, oracle: Oracle) -> None:
    """Refuse a rule that waits for something that nothing counts.

    Args:
        stop: the rule.
        costs: of labels.
        oracle: answers.
    """
    if not isinstance(stop, Budget):
        return
    told = costs and costs.unit
    if stop.unit == SECONDS != told and not times_people(oracle):
        raise UserError("stop.unit=seconds: nothing says how many a label takes; give costs=")
    if stop.unit == MONEY and told == SECONDS:
        raise UserError("stop.unit=money: these costs are seconds; give stop.unit=seconds")


def demand_labels(plan: Plan, oracle: Oracle) -> None:
    """Refuse to count labels for questions that may lead to none.

    Args:
        plan: what rounds may spend.
        oracle: the one that is asked, in full or not.
    """
    if plan.spend is not None and plan.unit == LABELS:
        for layer in layers(oracle):
            if isinstance(layer, Asks):
                raise UserError(
                    f"plan.spend={plan.spend:g} counts labels, and questions={layer.name} costs "
                    "where there is none: give plan.unit=money, in which a label costs 1, or "
                    "budget= questions"
                )
