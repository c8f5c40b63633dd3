"""One run of the price job, from the store's state to prices: the whole story on one screen."""

from dataclasses import replace
from datetime import datetime

import numpy as np
import polars as pl

from data_io.price_store import MadePrices, PriceMemory, PriceQuestion
from data_io.store import Store
from jobs.clock import Stopwatch
from jobs.config import Config
from jobs.price_beside import ask_store
from jobs.price_classes import ContactClasses, build_classes
from jobs.price_future import HOUR_S, Outlook, build_outlook, look_of, rate_per_s
from jobs.price_guards import GuardCosts, guard_costs
from jobs.price_probe import Probed, probe
from jobs.price_settings import PriceConfig
from models.batch import Batch
from models.policy import Policy
from models.problem import Floats
from models.tables import AGENT_PRICE, PRICE_RUN, QUEUE_PRICE
from solver.pricing.book import PriceBook, PriceRecipe, empty_book, renewed
from solver.pricing.cost import CostParameters, charges_at
from solver.pricing.lever import Departures, next_head_worth
from solver.pricing.make import SlowRecipe, mean_window_s
from solver.pricing.slow import Signatures, SlowPrices, signatures

LEAST_WINDOW_S, MOST_WINDOW_S = 60.0, 1800.0
FEW_ROWS = 120
"""Classes times value buckets of the slow programme: with many classes, buckets tell little."""


def run_price(store: Store, config: Config, now: datetime) -> MadePrices | None:
    """Make prices of `now` from the store, and write them; None if it has them or newer ones."""
    newest = store.prices.newest(now)
    if newest is not None and newest >= now:
        return None
    made = make_prices(ask_store(store, now, config.prices), config.policy, config.prices)
    store.prices.take(made, now)
    return made


def make_prices(question: PriceQuestion, policy: Policy, settings: PriceConfig) -> MadePrices:
    """All prices of the instant of the batch; the same question gives the same prices.

    The fast price is always made anew, the slow one and what guard-rails cost where it is due.
    """
    watch = Stopwatch()
    with watch.stage("price"):
        batch, memory = question.batch, question.memory
        rng = np.random.default_rng([settings.seed, int(batch.now.timestamp())])
        classes = build_classes(batch, memory, policy, settings.most_classes)
        heads = _queue_price(batch, memory, policy)
        if not classes.number or batch.agents.is_empty():
            made = MadePrices(_run_row(batch, classes), AGENT_PRICE.empty(), heads)
        else:
            made = _priced(question, classes, heads, policy, settings, rng)
    row = made.price_run.with_columns(made_s=pl.lit(watch.seconds("price")))
    return replace(made, price_run=row)


def _priced(
    question: PriceQuestion,
    classes: ContactClasses,
    heads: pl.DataFrame,
    policy: Policy,
    settings: PriceConfig,
    rng: np.random.Generator,
) -> MadePrices:
    batch, memory = question.batch, question.memory
    probed = probe(batch, classes, policy)
    beliefs = probed.beliefs
    outlook = build_outlook(batch, classes, memory, probed, policy)
    look = look_of(batch, classes, probed, outlook)
    groups = signatures(beliefs.resolution, beliefs.handling_s, beliefs.allowed.astype(np.float64))
    recipe = recipe_of(settings, classes.number)
    window_s = mean_window_s(beliefs, rate_per_s(outlook, beliefs))
    window_s = float(np.clip(window_s, LEAST_WINDOW_S, MOST_WINDOW_S))
    book = _book(memory, probed, groups, recipe, batch.now)
    is_slow = book.slow_due_s <= 0.0
    new = renewed(book, 0.0, look, window_s, beliefs, groups, recipe, rng)
    costs = GuardCosts()
    if is_slow and settings.guards:
        costs = guard_costs(probed, look, recipe, settings.seed)
    prices = policy.prices
    parameters = CostParameters(
        window_s=window_s, fast_share=prices.fast_share, slow_share=prices.slow_share
    )
    fast = np.zeros(len(new.slow_of_agent)) if new.fast is None else new.fast
    charges = charges_at(fast, new.slow_of_agent, outlook.closing_in_s, parameters)
    agents = probed.agents.agents.select("agent_id").join(
        skills_of_agents(batch), on="agent_id", how="left", maintain_order="left"
    )
    rows = agents.with_columns(
        priced_at=pl.lit(batch.now),
        window_s=pl.lit(window_s),
        fast_price=charges.fast,
        slow_price=charges.slow,
        late_price=charges.late,
        fast_made=fast,
        slow_made=new.slow_of_agent,
        skills=pl.col("skills").fill_null(""),
    )
    rows = rows.select(AGENT_PRICE.schema().names()).cast(AGENT_PRICE.schema())
    row = _run_row(batch, classes, outlook, window_s, len(rows), costs, is_slow=is_slow)
    return MadePrices(row, rows, heads)


def recipe_of(settings: PriceConfig, num_classes: int) -> PriceRecipe:
    """How prices are made; buckets of value as far as the slow programme stays small."""
    buckets = int(np.clip(FEW_ROWS // max(num_classes, 1), 1, 4))
    return PriceRecipe(
        slow_every_s=settings.slow_every_s,
        horizon_s=settings.horizon_s,
        slow=SlowRecipe(buckets=buckets, scenarios=settings.scenarios),
        fast_every_s=settings.fast_every_s,
        fast_scenarios=settings.scenarios,
    )


def skills_of_agents(batch: Batch) -> pl.DataFrame:
    """(agent_id, skills): the names of all that an agent can do, sorted, comma-separated."""
    listed = batch.agent_skills.sort("agent_id", "skill")
    return listed.group_by("agent_id", maintain_order=True).agg(
        skills=pl.col("skill").str.join(",")
    )


def _book(
    memory: PriceMemory,
    probed: Probed,
    groups: Signatures,
    recipe: PriceRecipe,
    now: datetime,
) -> PriceBook:
    """The prices of the last run in the agents and groups of this one, on a clock that is 0 now.

    Agents come and go between runs; who is new begins at the mean of their group, or of all.
    """
    number = len(probed.agents.agents)
    slow_at = memory.instant("slow_at")
    if memory.agent_price.is_empty() or slow_at is None:
        return empty_book(number)
    old = probed.agents.agents.select("agent_id").join(
        memory.agent_price, on="agent_id", how="left", maintain_order="left"
    )
    slow = _filled(old["slow_made"], groups)
    by_group = np.bincount(groups.of_agent, slow) / np.bincount(groups.of_agent)
    contact = np.zeros((1, len(probed.money_fixed)))
    return PriceBook(
        slow=SlowPrices(by_group[None, :], contact, 0.0),
        slow_of_agent=slow,
        fast=_filled(old["fast_made"], groups),
        slow_due_s=recipe.slow_every_s - (now - slow_at).total_seconds(),
    )


def _filled(old: pl.Series, groups: Signatures) -> Floats:
    """(A,) old prices; of agents without one the mean of their group's, else of all."""
    frame = pl.DataFrame({"old": old, "group": groups.of_agent})
    mean = pl.col("old").mean()
    filled = frame.select(pl.coalesce("old", mean.over("group"), mean)).to_series()
    prices: Floats = filled.fill_null(0.0).to_numpy()
    return prices


def _queue_price(batch: Batch, memory: PriceMemory, policy: Policy) -> pl.DataFrame:
    """Rows of `queue_price`: the lever of every queue, one step on."""
    prices = policy.prices
    before = memory.queue_price.select("queue_id", "head_worth")
    rows = (
        batch.queues.select("queue_id")
        .join(before, on="queue_id", how="left", maintain_order="left")
        .join(memory.departures, on="queue_id", how="left", maintain_order="left")
        .with_columns(
            pl.col("head_worth").fill_null(policy.head_worth),
            pl.col("num_gone", "num_left").fill_null(0),
            ceiling=pl.col("queue_id").replace_strict(
                dict(prices.abandonment_ceilings),
                default=prices.abandonment_ceiling,
                return_dtype=pl.Float64,
            ),
        )
    )
    priced_at = memory.instant("priced_at")
    departures = Departures(
        left=rows["num_left"].cast(pl.Float64).to_numpy(),
        gone=rows["num_gone"].cast(pl.Float64).to_numpy(),
    )
    worth = next_head_worth(
        rows["head_worth"].to_numpy(),
        departures,
        rows["ceiling"].to_numpy(),
        prices.most_head_worth,
        0.0 if priced_at is None else (batch.now - priced_at).total_seconds(),
    )
    rows = rows.with_columns(priced_at=pl.lit(batch.now), head_worth=worth)
    return rows.select(QUEUE_PRICE.schema().names()).cast(QUEUE_PRICE.schema())


def _run_row(
    batch: Batch,
    classes: ContactClasses,
    outlook: Outlook | None = None,
    window_s: float = LEAST_WINDOW_S,
    num_agents: int = 0,
    costs: GuardCosts | None = None,
    *,
    is_slow: bool = False,
) -> pl.DataFrame:
    per_h = 0.0 if outlook is None else float(outlook.expected(HOUR_S).sum() * outlook.factor)
    row = {
        "priced_at": batch.now,
        "is_slow": is_slow,
        "window_s": window_s,
        "num_classes": classes.number,
        "num_contacts": len(batch.contacts),
        "num_agents": num_agents,
        "expected_per_h": per_h,
        "day_factor": 1.0 if outlook is None else outlook.factor,
        "floor_cost_per_h": None if costs is None else costs.floor_per_h,
        "member_cost_per_h": None if costs is None else costs.member_per_h,
        "skill_cost_per_h": None if costs is None else costs.skill_per_h,
        "made_s": 0.0,
    }
    return pl.DataFrame([row], schema=PRICE_RUN.schema())
