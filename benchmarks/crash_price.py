"""Kill -9 the price job at random moments beside the job that ticks, which must not notice.

    python -m benchmarks.crash_price --kills 20 [--json]

The platform and the settings are those of `crash_run`. Checked: ticks went on, none failed; every
run of prices in the store is whole and there once; some ticks used prices.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from random import Random

from benchmarks.crash_run import SETTINGS, platform, read_tick_line
from data_io.price_desk import PriceDesk
from data_io.store import Store
from models.tables import EARLIEST

PRICES = """
[prices]
fast_every_s = 1
slow_every_s = 1
scenarios = 1
guards = false
"""
START_LIMIT_S = 120.0
SCRIPT = "import omniassign; omniassign.main()"


@dataclass(frozen=True)
class PriceCrashReport:
    """What the kills did; `findings` is empty when nothing went wrong."""

    kills: int
    ticks: int
    ticks_with_prices: int
    runs: int
    findings: tuple[str, ...]


def crash_prices(folder: Path, kills: int, rng: Random, longest_life_s: float) -> PriceCrashReport:
    """Start the price job and kill it within `longest_life_s`, `kills` times; check the store."""
    config = folder / "omniassign.toml"
    config.write_text(SETTINGS.format(folder=folder) + PRICES)
    command = (sys.executable, "-c", SCRIPT)
    log, prices = folder / "ticks.log", folder / "prices.log"
    with platform(folder / "inbox"), log.open("wb") as output, prices.open("wb") as told:
        run = (*command, "run", "--every", "500ms", "--json", "--config", str(config))
        ticks = subprocess.Popen(run, stdout=output, stderr=subprocess.STDOUT)
        try:
            _wait_for(log, '{"tick_at"', ticks)
            for number in range(kills + 1):
                price = (*command, "price", "--json", "--config", str(config))
                job = subprocess.Popen(price, stdout=told, stderr=subprocess.STDOUT)
                if number == 0:  # the last run of the loop may be dead before its first prices
                    _wait_for(prices, '"priced_at"', job)
                time.sleep(rng.uniform(0.0, longest_life_s))
                job.kill()
                job.wait()
            seen = len(log.read_bytes())
            time.sleep(5.0)
            findings = [] if len(log.read_bytes()) > seen else ["ticks stopped"]
        finally:
            ticks.terminate()
            ticks.wait()
    return check(folder, kills, findings)


def check(folder: Path, kills: int, findings: list[str]) -> PriceCrashReport:
    """Everything that is wrong with what is left."""
    lines = (folder / "ticks.log").read_text(encoding="utf-8").splitlines()
    reports = [json.loads(line) for line in lines if read_tick_line(line) is not None]
    findings += failures(lines)
    desk = PriceDesk(folder / "home" / "pricing")
    desk.read_question()
    desk.read_answer()
    with Store.open(folder / "home" / "omniassign.duckdb", "crash check", EARLIEST) as store:
        runs = store.prices.runs_after(None)
        findings += [f"run {at} twice" for at in runs["priced_at"].filter(runs.is_duplicated())]
        for at, number in runs.select("priced_at", "num_agents").iter_rows():
            memory = store.prices.read_memory(at + timedelta(seconds=1), at).agent_price
            newest = memory["priced_at"].max() == at
            if newest and memory.height != number:
                findings.append(f"run {at} has {memory.height} of {number} agents")
    used = sum(report["priced_at"] is not None for report in reports)
    if not used:
        findings.append("no tick used prices")
    return PriceCrashReport(kills, len(reports), used, runs.height, tuple(findings))


def failures(lines: list[str]) -> list[str]:
    """Ticks that the log says failed, each with the last line of its traceback."""
    found: list[str] = []
    is_traceback = False
    for line in lines:
        if line.endswith(" failed"):
            found.append(line)
            is_traceback = True
        elif line.startswith("{") or " ERROR " in line or " WARNING " in line:
            is_traceback = False
        elif is_traceback and line and not line.startswith((" ", "Traceback")):
            found[-1] += f": {line}"
    return found


def _wait_for(log: Path, word: str, process: subprocess.Popen[bytes]) -> None:
    limit = time.perf_counter() + START_LIMIT_S
    while word not in log.read_text(encoding="utf-8"):
        if process.poll() is not None or time.perf_counter() > limit:
            raise RuntimeError(f"crash: {log} has no {word}: {log.read_text()[-2000:]}")
        time.sleep(0.1)


def main() -> int:
    """Run the command; 1 when there are findings."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--longest-life", type=float, default=8.0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        rng = Random(options.seed)
        report = crash_prices(Path(name), options.kills, rng, options.longest_life)
    told = (
        json.dumps(asdict(report))
        if options.json
        else "\n".join(f"{key:>20} {value}" for key, value in asdict(report).items())
    )
    print(told)
    return 1 if report.findings else 0


if __name__ == "__main__":
    sys.exit(main())
