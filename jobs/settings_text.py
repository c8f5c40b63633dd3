"""Settings one by one: every value with its key as in the file, and its range where it has one."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass

from models.number_ranges import Within, ranges_of


@dataclass(frozen=True)
class Setting:
    """One value of the settings; key as in the file, sections before it."""

    key: str
    value: object
    within: Within | None = None

    def __str__(self) -> str:
        """As a line of the file, with the range behind it."""
        value = "none" if self.value is None else json.dumps(self.value, default=str)
        return f"{self.key} = {value}" + (f"  # {self.within}" if self.within else "")


def each_setting(
    settings: object, key: str = "", within: Within | None = None
) -> Iterator[Setting]:
    """Every value of a dataclass of settings, in the order of its fields."""
    if is_dataclass(settings) and not isinstance(settings, type):
        ranges = ranges_of(type(settings))
        for item in fields(settings):
            name = f"{key}.{item.name}".removeprefix(".")
            yield from each_setting(getattr(settings, item.name), name, ranges.get(item.name))
    elif isinstance(settings, Mapping):
        for name, below in settings.items():
            yield from each_setting(below, f"{key}.{name}", within)
    elif isinstance(settings, tuple) and any(is_dataclass(item) for item in settings):
        for place, item in enumerate(settings):
            yield from each_setting(item, f"{key}[{place}]")
    else:
        yield Setting(key, settings, within)
