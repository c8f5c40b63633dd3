"""The price job as a process of its own, beside the one that ticks: read, make, answer."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from data_io.price_desk import PriceDesk, PriceDeskError
from data_io.price_store import MadePrices
from jobs.clock import Clock
from jobs.config import Config
from jobs.price import make_prices

log = logging.getLogger(__name__)

LOOK_EVERY = timedelta(milliseconds=500)


@dataclass(frozen=True)
class PriceSummary:
    """What a price job did."""

    num_runs: int
    num_failed: int
    """Runs that failed; each is in the log."""


def answer_questions(
    config: Config,
    clock: Clock,
    stop: threading.Event,
    *,
    most: int | None = None,
    until: datetime | None = None,
    on_made: Callable[[MadePrices], None] = lambda _: None,
) -> PriceSummary:
    """Answer every new question until `stop` is set, `until` is reached or `most` are answered.

    A run that fails is logged and counted, and the next question gets its chance. Raises
    LeaseTakenError when another process answers already.
    """
    desk = PriceDesk(config.store.pricing)
    look = _Look()
    seat = desk.take_seat("omniassign price", clock.now())
    done = failed = 0
    try:
        # What was answered before this process is answered; what failed is not tried again.
        last = look(desk.made_at)
        while not stop.is_set() and (most is None or done + failed < most):
            asked_at = look(desk.asked_at)
            # Not "later than": a new store, or a clock set back, asks of earlier instants.
            if asked_at is None or asked_at == last:
                if until is not None and clock.now() >= until:
                    break
                clock.wait_until(clock.now() + LOOK_EVERY, stop)
                continue
            last = asked_at
            try:
                on_made(_answer(desk, config))
            except Exception:  # the job outlives one run: the next question is another
                log.exception("prices of %s failed", asked_at.isoformat())
                failed += 1
                continue
            done += 1
    finally:
        seat.release()
    return PriceSummary(done, failed)


class _Look:
    """Instants of files; one that cannot be read counts as none, and is logged once."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def __call__(self, instant: Callable[[], datetime | None]) -> datetime | None:
        try:
            return instant()
        except PriceDeskError as error:
            # The seat is kept: a tick asks, and so replaces the file, only where somebody answers.
            if str(error) not in self._told:
                log.warning("%s", error)
                self._told.add(str(error))
            return None


def _answer(desk: PriceDesk, config: Config) -> MadePrices:
    question = desk.read_question()
    if question is None:
        raise FileNotFoundError("prices: the question is gone, expected it to stay; ask again")
    at = question.batch.now
    made = make_prices(question, config.at(at).policy, config.prices)
    desk.answer(made)
    return made
