"""One TOML file to typed settings: unknown keys are refused with a suggestion."""

import difflib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields, is_dataclass, replace
from datetime import datetime
from enum import Enum
from pathlib import Path
from types import UnionType
from typing import Any, cast, get_args, get_origin, get_type_hints

from jobs.switchback import Switchback
from models.channel_policy import ChannelPolicy, default_channels
from models.policy import Boost, Policy, ProfilePolicy, default_breach_penalties
from models.policy_check import Severity, check_policy
from models.solution import SolveOptions
from models.tables import Channel, Tier

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
    return cast(Config, _read(Config, found, ""))


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
    _check_choice(name, ready_made(), "policy.base")
    values = tomllib.loads((READY_MADE / f"{name}.toml").read_text(encoding="utf-8"))
    _check_known(values, ["policy"], str(name))
    numbers: Mapping[str, Any] = values["policy"]
    return numbers


def _read(kind: type[Any], values: object, where: str, defaults: object | None = None) -> Any:  # noqa: ANN401
    """An instance of dataclass `kind`; `defaults` is the instance whose values fill the gaps."""
    if not isinstance(values, Mapping):
        raise ConfigError(f"[{where}] is {values!r}; expected a section")
    known = {item.name: item for item in fields(kind)}
    _check_known(values, list(known), where)
    hints = get_type_hints(kind)
    given: dict[str, Any] = {}
    for name, item in known.items():
        key = f"{where}.{name}" if where else name
        if name in values:
            given[name] = _convert(hints[name], values[name], key)
        elif defaults is not None:
            given[name] = getattr(defaults, name)
        elif item.default is MISSING and item.default_factory is MISSING:
            raise ConfigError(f"{key} is missing; expected a value")
    try:
        return kind(**given)
    except ValueError as error:
        raise ConfigError(f"[{where}] {error}") from None


def _check_known(values: Mapping[Any, Any], known: list[str], where: str) -> None:
    for name in values:
        if name not in known:
            place = f" in [{where}]" if where else ""
            elsewhere = _home_of(str(name), where)
            hint = f"it belongs in {elsewhere}" if elsewhere else _nearest(name, known)
            raise ConfigError(f"unknown key {name!r}{place}; {hint}")


def _check_choice(value: object, choices: list[str], key: str) -> None:
    if value not in choices:
        raise ConfigError(f"{key} has the value {value!r}; {_nearest(value, choices)}")


def _nearest(name: object, known: list[str]) -> str:
    near = difflib.get_close_matches(str(name), known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"expected one of {sorted(known)}"


def _home_of(name: str, where: str) -> str:
    """The section that a key belongs in, for one written in another; empty for a strange key."""
    homes: tuple[tuple[str, type[Any]], ...] = (
        *((f"[{section}]", _section(kind)) for section, kind in get_type_hints(Config).items()),
        ("[policy.channels.CHANNEL], such as [policy.channels.voice]", ChannelPolicy),
        ("[policy.profiles.PROFILE]", ProfilePolicy),
        ("[[policy.boosts]]", Boost),
    )
    found = [home for home, kind in homes if name in {item.name for item in fields(kind)}]
    found += ["[policy.channels]"] if name in list(Channel) else []
    return " or ".join(home for home in found if home != f"[{where}]")


def _section(hint: Any) -> type[Any]:  # noqa: ANN401
    """The dataclass of a section, which may be left out."""
    kind: type[Any] = get_args(hint)[0] if isinstance(hint, UnionType) else hint
    return kind


def _convert(hint: Any, value: object, key: str) -> Any:  # noqa: ANN401, PLR0911
    if isinstance(hint, UnionType):
        # The configuration knows one kind of union: something, or nothing.
        return None if value is None else _convert(get_args(hint)[0], value, key)
    if is_dataclass(hint):
        return _read(cast(type[Any], hint), value, key)
    if get_origin(hint) is Mapping:
        return _read_mapping(value, key)
    if get_origin(hint) is tuple:
        return tuple(_convert(get_args(hint)[0], item, key) for item in _expect(value, list, key))
    if isinstance(hint, type) and issubclass(hint, Enum):
        _check_choice(value, [member.value for member in hint], key)
        return hint(value)
    if hint is Path:
        return Path(_expect(value, str, key))
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return _expect(value, hint, key)


def _read_mapping(value: object, key: str) -> Mapping[Any, Any]:
    """The four tables of the policy that are keyed by a name."""
    if key.endswith("channels"):
        given = _expect(value, dict, key)
        _check_known(given, [channel.value for channel in Channel], key)
        standard = default_channels()
        return {
            channel: _read(
                ChannelPolicy, given.get(channel.value, {}), f"{key}.{channel}", standard[channel]
            )
            for channel in Channel
        }
    if key.endswith("breach_penalties"):
        given = _expect(value, dict, key)
        _check_known(given, [tier.value for tier in Tier], key)
        penalties = {
            tier: given.get(tier.value, default_breach_penalties()[tier]) for tier in Tier
        }
        return {
            tier: _convert(float, amount, f"{key}.{tier}") for tier, amount in penalties.items()
        }
    if key.endswith("profiles"):
        limits = _expect(value, dict, key)
        return {
            str(name): _read(ProfilePolicy, limit, f"{key}.{name}")
            for name, limit in limits.items()
        }
    caps = _expect(value, dict, key)
    return {str(site): _expect(cap, int, f"{key}.{site}") for site, cap in caps.items()}


def _expect(value: object, kind: type[Any], key: str) -> Any:  # noqa: ANN401
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise ConfigError(f"{key} is {value!r}; expected {_IN_WORDS[kind]}")
    return value


_IN_WORDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text in quotes",
    list: "a list in brackets",
    dict: "a section",
}
