"""What can be wrong with a study that its author can mend."""

from math import isfinite


class StudyError(ValueError):
    """A study that cannot be meant, or cannot be run; says what was found and what to do."""


def check(holds: bool, found: str, expected: str) -> None:
    """Raise StudyError unless it holds."""
    if not holds:
        raise StudyError(f"{found}; expected {expected}: mend it")


def check_positive(name: str, value: float) -> None:
    """Raise StudyError unless the value is above 0 and finite."""
    check(isfinite(value) and value > 0, f"{name} is {value}", "a number above 0")


def check_not_negative(name: str, value: float) -> None:
    """Raise StudyError unless the value is at least 0 and finite."""
    check(isfinite(value) and value >= 0, f"{name} is {value}", "a number of at least 0")
