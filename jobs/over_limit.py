"""Who holds more than their limits, by the kept batch of a tick."""

import json
from datetime import datetime
from pathlib import Path

import polars as pl

from data_io.batch_files import read_batch_files
from jobs.config import parse_settings
from jobs.kept_batches import batch_of
from models.over_limit import build_over_limit


def agents_over_limit(archive: Path, tick_at: datetime) -> pl.DataFrame | None:
    """(agent_id, limit, held, most) by agent, None where the batch of that tick was not kept."""
    folder = batch_of(archive, tick_at)
    if folder is None:
        return None
    batch, text, _ = read_batch_files(folder)
    return build_over_limit(batch, parse_settings({"policy": json.loads(text)["policy"]}).policy)


def told_limits(rows: pl.DataFrame) -> str:
    """Limits of one agent that are broken, in plain words: `voice 2 of 1, units 200 of 100`."""
    return ", ".join(f"{limit} {held:g} of {most:g}" for _, limit, held, most in rows.rows())
