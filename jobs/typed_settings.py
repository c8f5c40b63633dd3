"""Nested mappings, as TOML or JSON gives them, to typed dataclasses of settings."""

import difflib
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from pathlib import Path
from types import UnionType
from typing import Any, cast, get_args, get_origin, get_type_hints

from models.channel_policy import ChannelPolicy, default_channels
from models.policy import ProfilePolicy, default_breach_penalties
from models.tables import Channel, Tier


class SettingError(ValueError):
    """A value that cannot be meant; the message says which, and what to write instead."""


class UnknownKeyError(SettingError):
    """A key that no setting of its section has."""

    def __init__(self, name: str, where: str, known: list[str]) -> None:
        """Say where it stands, and which known key is like it."""
        self.name, self.where = name, where
        place = f" in [{where}]" if where else ""
        self.found = f"unknown key {name!r}{place}"
        super().__init__(f"{self.found}; {_nearest(name, known)}")


def read_section(
    kind: type[Any], values: object, where: str, defaults: object | None = None
) -> Any:  # noqa: ANN401
    """An instance of dataclass `kind`; `defaults` is the instance whose values fill the gaps.

    Raises SettingError for what cannot be meant; `where` is the section that it stands in.
    """
    if not isinstance(values, Mapping):
        raise SettingError(f"[{where}] is {values!r}; expected a section")
    known = {item.name: item for item in fields(kind)}
    check_known(values, list(known), where)
    hints = get_type_hints(kind)
    given: dict[str, Any] = {}
    for name, item in known.items():
        key = f"{where}.{name}" if where else name
        if name in values:
            given[name] = _convert(hints[name], values[name], key)
        elif defaults is not None:
            given[name] = getattr(defaults, name)
        elif item.default is MISSING and item.default_factory is MISSING:
            raise SettingError(f"{key} is missing; expected a value")
    try:
        return kind(**given)
    except ValueError as error:
        raise SettingError(f"[{where}] {error}") from None


def check_known(values: Mapping[Any, Any], known: list[str], where: str) -> None:
    """Raise UnknownKeyError for the first key that is none of the known."""
    for name in values:
        if name not in known:
            raise UnknownKeyError(str(name), where, known)


def check_choice(value: object, choices: list[str], key: str) -> None:
    """Raise SettingError for a value that is none of the choices."""
    if value not in choices:
        raise SettingError(f"{key} has the value {value!r}; {_nearest(value, choices)}")


def _nearest(name: object, known: list[str]) -> str:
    near = difflib.get_close_matches(str(name), known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"expected one of {sorted(known)}"


def _convert(hint: Any, value: object, key: str) -> Any:  # noqa: ANN401, PLR0911
    if isinstance(hint, UnionType):
        # The configuration knows one kind of union: something, or nothing.
        return None if value is None else _convert(get_args(hint)[0], value, key)
    if is_dataclass(hint):
        return read_section(cast(type[Any], hint), value, key)
    if get_origin(hint) is Mapping:
        return _read_mapping(value, key)
    if get_origin(hint) is tuple:
        return tuple(_convert(get_args(hint)[0], item, key) for item in _expect(value, list, key))
    if isinstance(hint, type) and issubclass(hint, Enum):
        check_choice(value, [member.value for member in hint], key)
        return hint(value)
    if hint is Path:
        return Path(_expect(value, str, key))
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return _expect(value, hint, key)


def _read_mapping(value: object, key: str) -> Mapping[Any, Any]:
    """The five tables of the policy that are keyed by a name."""
    if key.endswith("channels"):
        given = _expect(value, dict, key)
        check_known(given, [channel.value for channel in Channel], key)
        standard = default_channels()
        return {
            channel: read_section(
                ChannelPolicy, given.get(channel.value, {}), f"{key}.{channel}", standard[channel]
            )
            for channel in Channel
        }
    if key.endswith("breach_penalties"):
        given = _expect(value, dict, key)
        check_known(given, [tier.value for tier in Tier], key)
        penalties = {
            tier: given.get(tier.value, default_breach_penalties()[tier]) for tier in Tier
        }
        return {
            tier: _convert(float, amount, f"{key}.{tier}") for tier, amount in penalties.items()
        }
    if key.endswith("profiles"):
        limits = _expect(value, dict, key)
        return {
            str(name): read_section(ProfilePolicy, limit, f"{key}.{name}")
            for name, limit in limits.items()
        }
    if key.endswith("abandonment_ceilings"):
        shares = _expect(value, dict, key)
        return {
            str(queue): _convert(float, share, f"{key}.{queue}") for queue, share in shares.items()
        }
    caps = _expect(value, dict, key)
    return {str(site): _expect(cap, int, f"{key}.{site}") for site, cap in caps.items()}


def _expect(value: object, kind: type[Any], key: str) -> Any:  # noqa: ANN401
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise SettingError(f"{key} is {value!r}; expected {_IN_WORDS[kind]}")
    return value


_IN_WORDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text in quotes",
    list: "a list in brackets",
    dict: "a section",
}
