"""One TOML file to typed settings: unknown keys are refused with a suggestion."""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime
from pathlib import Path
from types import UnionType
from typing import Any, cast, get_args, get_type_hints

from jobs.price_settings import PriceConfig
from jobs.switchback import Switchback
from jobs.typed_settings import (
    SettingError,
    UnknownKeyError,
    check_choice,
    check_known,
    read_section,
)
from models.channel_policy import ChannelPolicy
from models.policy import Boost, Policy, ProfilePolicy
from models.policy_check import Severity, check_policy
from models.price_policy import PricePolicy
from models.solution import SolveOptions
from models.tables import Channel

DEFAULT_FILE = Path("omniassign.toml")
READY_MADE = Path(__file__).parent / "policies"
"""Policies that behave like other routers, one file each; `base` in [policy] names one."""


class ConfigError(Exception):
    """The configuration cannot be used; the message says which key and what to write instead."""


@dataclass(frozen=True)
class StoreConfig:
    """Where the store and what leaves it are, and how long it keeps."""

    home: Path = Path("var")
    """Folder of the database, the published tables and the archives."""
    keep_days: float = 30.0
    """Assignments older than this move to Parquet; must exceed the longest life of a contact."""
    checkpoint_every: int = 12
    """Ticks between checkpoints."""

    def __post_init__(self) -> None:
        """Check ranges."""
        if not self.keep_days > 0 or self.checkpoint_every < 1:
            raise ValueError("keep_days must be above 0 and checkpoint_every at least 1")

    @property
    def database(self) -> Path:
        """The DuckDB file."""
        return self.home / "omniassign.duckdb"

    @property
    def published(self) -> Path:
        """Folder of the published tables."""
        return self.home / "published"

    @property
    def history(self) -> Path:
        """Folder of assignments that left the store."""
        return self.home / "history"

    @property
    def pricing(self) -> Path:
        """Folder in which ticks and the price job meet."""
        return self.home / "pricing"

    @property
    def suspects(self) -> Path:
        """Folder of batches whose plan failed the audit."""
        return self.home / "suspects"


@dataclass(frozen=True)
class PublishConfig:
    """What integrations can read."""

    window_s: float = 900.0
    """Assignments and ticks of this long are in the published tables."""
    keep: int = 12
    """Published batches kept for slow readers."""
    certificate: bool = True
    """Whether each tick's proof is published beside its tables (`docs/certificate.md`)."""

    def __post_init__(self) -> None:
        """Check ranges."""
        if not self.window_s > 0 or self.keep < 2:
            raise ValueError("window_s must be above 0 and keep at least 2")


@dataclass(frozen=True)
class SourceConfig:
    """Where snapshots come from."""

    folder: Path | None = None
    """Folder that the platform writes the input tables to (`docs/tables.md`)."""


@dataclass(frozen=True)
class Config:
    """All settings of a job."""

    store: StoreConfig = field(default_factory=StoreConfig)
    publish: PublishConfig = field(default_factory=PublishConfig)
    source: SourceConfig = field(default_factory=SourceConfig)
    solver: SolveOptions = field(default_factory=SolveOptions)
    policy: Policy = field(default_factory=Policy)
    prices: PriceConfig = field(default_factory=PriceConfig)
    switchback: Switchback | None = None
    """Another policy that decides by turns with [policy]; none unless the section is there."""

    def at(self, now: datetime) -> "Config":
        """The settings with the policy whose turn it is."""
        if self.switchback is None:
            return self
        return replace(self, policy=self.switchback.policy_at(now, self.policy))

    def to_json(self) -> str:
        """The settings as JSON text, keys sorted."""
        return json.dumps(asdict(self), sort_keys=True, default=str)


def read_config(path: Path | None, *, lenient: bool = False) -> Config:
    """Settings from a TOML file; defaults where it is silent, or where there is no file.

    Raises ConfigError for a missing named file, broken TOML, an unknown key, a bad value, and,
    unless `lenient`, a policy that contradicts itself.
    """
    if path is None:
        return read_config(DEFAULT_FILE, lenient=lenient) if DEFAULT_FILE.exists() else Config()
    try:
        # Editors of Windows write a byte order mark, which TOML does not know.
        text = path.read_text(encoding="utf-8-sig")
        settings = parse_settings(tomllib.loads(text))
        if not lenient:
            refuse_contradictions(settings.policy)
            if settings.switchback is not None:
                refuse_contradictions(settings.switchback.policy)
    except FileNotFoundError:
        raise ConfigError(f"{path}: not found; expected a TOML file") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not UTF-8 text; expected it; save the file as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not TOML: {error}") from None
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None
    return settings


def parse_settings(values: Mapping[str, Any]) -> Config:
    """Settings from nested mappings, as TOML or JSON gives them; raises ConfigError.

    `base` in [policy] names a ready-made policy, whose numbers hold where the rest is silent. In
    [switchback.policy] those of [policy] do, unless it has a base of its own.
    """
    policy = _with_base(values.get("policy", {}))
    found = {**values, "policy": policy}
    turns = values.get("switchback")
    if isinstance(turns, Mapping):
        other = turns.get("policy", {})
        if isinstance(policy, Mapping) and isinstance(other, Mapping) and "base" not in other:
            other = over(policy, other)
        found["switchback"] = {**turns, "policy": _with_base(other)}
    try:
        return cast(Config, read_section(Config, found, ""))
    except UnknownKeyError as error:
        home = _home_of(error.name, error.where)
        told = f"{error.found}; it belongs in {home}" if home else str(error)
        raise ConfigError(told) from None
    except SettingError as error:
        raise ConfigError(str(error)) from None


def _with_base(given: object) -> object:
    """The numbers of a policy over those of the ready-made one that it names as its base."""
    if not isinstance(given, Mapping) or "base" not in given:
        return given
    own = {key: value for key, value in given.items() if key != "base"}
    return over(read_ready_made(given["base"]), own)


def refuse_contradictions(policy: Policy) -> None:
    """Raise ConfigError for a policy with errors; `omniassign policy check` lists them all."""
    errors = [one for one in check_policy(policy) if one.severity is Severity.ERROR]
    if errors:
        more = f" (and {len(errors) - 1} more: omniassign policy check)" if errors[1:] else ""
        raise ConfigError(f"[policy] {errors[0]}{more}")


def over(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """The base with the values of `own` in their place, table by table."""
    merged = dict(base)
    for key, value in own.items():
        below = merged.get(key)
        both = isinstance(value, Mapping) and isinstance(below, Mapping)
        merged[key] = over(cast(Mapping[str, Any], below), value) if both else value
    return merged


def ready_made() -> list[str]:
    """Names of the ready-made policies, sorted."""
    return sorted(path.stem for path in READY_MADE.glob("*.toml"))


def read_ready_made(name: object) -> Mapping[str, Any]:
    """The numbers of a ready-made policy; raises ConfigError for an unknown name."""
    try:
        check_choice(name, ready_made(), "policy.base")
        values = tomllib.loads((READY_MADE / f"{name}.toml").read_text(encoding="utf-8"))
        check_known(values, ["policy"], str(name))
    except SettingError as error:
        raise ConfigError(str(error)) from None
    numbers: Mapping[str, Any] = values["policy"]
    return numbers


def _home_of(name: str, where: str) -> str:
    """The section that a key belongs in, for one written in another; empty for a strange key."""
    homes: tuple[tuple[str, type[Any]], ...] = (
        *((f"[{section}]", _section(kind)) for section, kind in get_type_hints(Config).items()),
        ("[policy.channels.CHANNEL], such as [policy.channels.voice]", ChannelPolicy),
        ("[policy.profiles.PROFILE]", ProfilePolicy),
        ("[policy.prices]", PricePolicy),
        ("[[policy.boosts]]", Boost),
    )
    found = [home for home, kind in homes if name in {item.name for item in fields(kind)}]
    found += ["[policy.channels]"] if name in list(Channel) else []
    return " or ".join(home for home in found if home != f"[{where}]")


def _section(hint: Any) -> type[Any]:  # noqa: ANN401
    """The dataclass of a section, which may be left out."""
    kind: type[Any] = get_args(hint)[0] if isinstance(hint, UnionType) else hint
    return kind
