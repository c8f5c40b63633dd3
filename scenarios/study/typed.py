"""Sections of a TOML file to frozen dataclasses, strictly: nothing is guessed, nothing ignored."""

import difflib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

from scenarios.study.errors import StudyError

T = TypeVar("T")


def read_section(kind: type[T], values: object, where: str) -> T:
    """An instance of dataclass `kind` from a section of TOML.

    Raises StudyError for unknown keys, missing ones, wrong types and values that the dataclass
    refuses; `where` is the section that the message names.
    """
    given = expect(values, dict, where)
    known = {item.name: item for item in fields(kind)}  # type: ignore[arg-type]
    check_known(given, known, where)
    hints = get_type_hints(kind)
    read: dict[str, Any] = {}
    for name, item in known.items():
        if name in given:
            read[name] = _convert(hints[name], given[name], f"{where}.{name}")
        elif item.default is MISSING and item.default_factory is MISSING:
            raise StudyError(f"{where}.{name} is missing; expected a value: add it")
    try:
        return kind(**read)
    except StudyError as error:
        raise StudyError(f"[{where}] {error}") from None


def check_known(names: Iterable[object], known: Collection[str], where: str) -> None:
    """Raise StudyError for the first name that is none of the known."""
    for name in names:
        if name not in known:
            raise StudyError(f"unknown key {name!r} in [{where}]; {nearest(name, known)}")


def nearest(name: object, known: Iterable[str]) -> str:
    """What to write instead: the known name that is like it, or all of them."""
    names = sorted(known)
    near = difflib.get_close_matches(str(name), names, n=1)
    return f"did you mean {near[0]!r}?" if near else f"expected one of {', '.join(names)}: mend it"


def expect(value: object, kind: type[Any], where: str) -> Any:  # noqa: ANN401
    """The value, if it is of that type; a whole number is a number, true and false are not."""
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise StudyError(f"{where} is {value!r}; expected {_IN_WORDS[kind]}: mend it")
    return value


def _convert(hint: Any, value: object, where: str) -> Any:  # noqa: ANN401
    if isinstance(hint, UnionType):
        # TOML cannot write None, so only the other part of `something | None` is ever given.
        (given,) = (part for part in get_args(hint) if part is not NoneType)
        return _convert(given, value, where)
    if is_dataclass(hint):
        return read_section(cast(type[Any], hint), value, where)
    if get_origin(hint) is tuple:
        items = expect(value, list, where)
        return tuple(
            _convert(get_args(hint)[0], item, f"{where}[{place}]")
            for place, item in enumerate(items)
        )
    if get_origin(hint) is Mapping:
        kind = get_args(hint)[1]
        section = expect(value, dict, where)
        return {name: _convert(kind, item, f"{where}.{name}") for name, item in section.items()}
    return expect(value, hint, where)


_IN_WORDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text in quotes",
    list: "a list in brackets",
    dict: "a section",
}
