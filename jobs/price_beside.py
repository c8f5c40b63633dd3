"""Prices beside ticks: the tick job asks and takes, the price job answers; neither waits.

tick job:   take the answer, tick, ask                    price job:  read, make, answer
"""

import logging
from datetime import datetime, timedelta

from data_io.price_desk import PriceDesk, PriceDeskError
from data_io.price_store import PriceQuestion
from data_io.store import Store
from jobs.config import Config
from jobs.price_settings import PriceConfig

log = logging.getLogger(__name__)


def take_answer(store: Store, config: Config, tick_at: datetime) -> None:
    """Write the newest answer into the store, unless it is there. Never raises: ticks go on.

    An answer that is of a later instant than the tick waits for it.
    """
    desk = PriceDesk(config.store.pricing)
    try:
        made_at, newest = desk.made_at(), store.prices.newest(tick_at)
        if made_at is None or made_at > tick_at or (newest is not None and newest >= made_at):
            return
        made = desk.read_answer()
        if made is not None:
            store.prices.take(made, tick_at)
    except PriceDeskError as error:  # of another release: the next answer takes its place
        log.warning("prices: the answer was dropped: %s", error)
        _drop(desk)
    except Exception:  # a tick without new prices is better than none
        log.exception("prices: the answer was not taken")


def ask_again(store: Store, config: Config, tick_at: datetime) -> None:
    """Ask for prices if somebody is there to make them and they are due. Never raises."""
    desk = PriceDesk(config.store.pricing)
    try:
        if not desk.is_manned() or not _is_due(store, config, tick_at):
            return
        desk.ask(ask_store(store, tick_at, config.prices))
    except Exception:  # a tick that asks for no prices has done its work
        log.exception("prices: nothing was asked")


def ask_store(store: Store, now: datetime, settings: PriceConfig) -> PriceQuestion:
    """The question as the store stands at `now`."""
    # A tick of this very instant has been decided: what it offered waits no longer.
    batch = store.read_batch(now, now + timedelta(microseconds=1))
    since = now - timedelta(days=settings.history_days)
    return PriceQuestion(batch, store.prices.read_memory(now, since))


def _drop(desk: PriceDesk) -> None:
    try:
        desk.drop_answer()
    except OSError:
        log.exception("prices: the answer could not be dropped")


def _is_due(store: Store, config: Config, tick_at: datetime) -> bool:
    newest = store.prices.newest(tick_at)
    every = timedelta(seconds=config.prices.fast_every_s)
    return newest is None or tick_at - newest >= every
