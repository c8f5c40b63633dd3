"""Ranges of the numbers of a policy, as part of their types: what nobody can mean is refused."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import Annotated, Any, get_args, get_origin, get_type_hints

MINUTE_S, HOUR_S, DAY_S = 60.0, 3600.0, 86_400.0
MONTH_S, YEAR_S = 30 * DAY_S, 365 * DAY_S
_LENGTHS = {YEAR_S: "year", DAY_S: "day", HOUR_S: "hour", MINUTE_S: "minute"}


@dataclass(frozen=True)
class Within:
    """Range of a number, both ends included; durations are in seconds."""

    least: float
    most: float
    unit: str = ""

    def __str__(self) -> str:
        """Such as `0 to 86,400 s (1 day)`."""
        unit = f" {self.unit}" if self.unit else ""
        return f"{_plain(self.least)} to {_plain(self.most)}{unit}{self._length()}"

    def _length(self) -> str:
        for seconds, name in _LENGTHS.items() if self.unit == "s" else ():
            if self.most >= seconds:
                number = self.most / seconds
                return f" ({number:g} {name}{'s' if number != 1 else ''})"
        return ""


Share = Annotated[float, Within(0, 1)]
"""A part of a whole, or a probability."""
Money = Annotated[float, Within(0, 1e6, "money")]
"""An amount for one contact: a million is more than any of them is worth."""
Weight = Annotated[float, Within(0, 100)]
UpToHour = Annotated[float, Within(0, HOUR_S, "s")]
UpToDay = Annotated[float, Within(0, DAY_S, "s")]
UpToMonth = Annotated[float, Within(0, MONTH_S, "s")]
UpToYear = Annotated[float, Within(0, YEAR_S, "s")]
Count = Annotated[int, Within(0, 1_000_000)]

USUAL_DURATIONS = {
    "target_answer_s": (Within(1, HOUR_S, "s"), Within(MINUTE_S, 7 * DAY_S, "s")),
    "mean_patience_s": (Within(5, DAY_S, "s"), Within(MINUTE_S, MONTH_S, "s")),
    "mean_handle_s": (Within(5, 4 * HOUR_S, "s"), Within(5, 4 * HOUR_S, "s")),
    "accept_timeout_s": (Within(3, 10 * MINUTE_S, "s"), Within(3, 8 * HOUR_S, "s")),
    "relax_after_s": (Within(5, HOUR_S, "s"), Within(5, 7 * DAY_S, "s")),
    "wrap_block_s": (Within(1, HOUR_S, "s"), Within(1, HOUR_S, "s")),
    "max_wait_s": (Within(10, DAY_S, "s"), Within(5 * MINUTE_S, MONTH_S, "s")),
}
"""What durations of a channel usually are, where the customer is on the line and elsewhere."""


def check_numbers(settings: object) -> None:
    """Check that every number lies in its range; whole numbers become floats where meant.

    Raises ValueError for the first that does not. Equal settings must have equal fingerprints, and
    JSON tells 5 from 5.0.
    """
    for name, hint in _ranged(type(settings)).items():  # type: ignore[arg-type]
        value = getattr(settings, name)
        for key, number, (kind, within) in _numbers(name, hint, value):
            if not within.least <= number <= within.most:
                raise ValueError(_refusal(key, number, kind, within))
        object.__setattr__(settings, name, _as_meant(hint, value))


def ranges_of(settings: type[object]) -> dict[str, Within]:
    """The range of every number of a dataclass, by field name; of its members, for a list."""
    ranged = _ranged(settings)  # type: ignore[arg-type]
    return {name: _innermost(hint)[1] for name, hint in ranged.items()}


@cache
def _ranged(settings: Any) -> dict[str, Any]:  # noqa: ANN401
    """Type of every field that is a number with a range, or a list or table of such numbers.

    Type checkers take the `__hash__` of a class for that of its instances, hence the ignores.
    """
    hints = get_type_hints(settings, include_extras=True)
    names = [item.name for item in fields(settings)]
    return {name: hints[name] for name in names if _innermost(hints[name]) is not None}


@cache
def _innermost(hint: Any) -> Any:  # noqa: ANN401
    """(type, range) of the numbers that a type holds, None where it holds none."""
    if get_origin(hint) is Annotated:
        kind, within = get_args(hint)
        return kind, within
    if get_origin(hint) is tuple:
        return _innermost(get_args(hint)[0])
    return _innermost(get_args(hint)[1]) if get_origin(hint) is Mapping else None


def _numbers(name: str, hint: Any, value: Any) -> Iterator[tuple[str, float, Any]]:  # noqa: ANN401
    """(key, number, (type, range)) of every number of a field."""
    found = _innermost(hint)
    if get_origin(hint) is tuple:
        yield from ((f"{name}[{place}]", number, found) for place, number in enumerate(value))
    elif get_origin(hint) is Mapping:
        yield from ((f"{name}.{key}", number, found) for key, number in value.items())
    else:
        yield name, value, found


def _as_meant(hint: Any, value: Any) -> Any:  # noqa: ANN401
    if _innermost(hint)[0] is not float:
        return value
    if get_origin(hint) is tuple:
        return tuple(float(number) for number in value)
    if get_origin(hint) is Mapping:
        return {key: float(number) for key, number in value.items()}
    return float(value)


def _refusal(key: str, number: float, kind: type, within: Within) -> str:
    word = "a number" if kind is float else "a whole number"
    remedy = "durations are in seconds: correct it" if within.unit == "s" else "correct it"
    return f"{key} is {_plain(number)}; expected {word} from {within}; {remedy}"


def _plain(number: float) -> str:
    return f"{number:,.0f}" if number == round(number, 0) and abs(number) < 1e15 else f"{number:g}"
