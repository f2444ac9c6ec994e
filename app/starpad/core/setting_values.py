"""What suits a setting: values from a file or a dialog are checked against its declaration."""

from dataclasses import replace
from enum import StrEnum
from typing import Any

from starpad.core.errors import SettingsError
from starpad.core.setting_field import SettingField, Value
from starpad.core.settings import FIELDS, Settings


def checked(name: str, value: object) -> Value:
    """Return `value` in the type of the setting `name`.

    Takes what JSON gives: lists for tuples, plain texts for choices, whole numbers for
    fractions. Raises SettingsError if there is no such setting or the value does not suit it.
    """
    field = FIELDS.get(name)
    if field is None:
        raise SettingsError(f"There is no setting “{name}”.")
    result = _converted(field, value)
    if result is None:
        raise SettingsError(
            f"The setting “{field.about.label}” cannot be {_short(value)}.",
            f"It must be {_what_suits(field)}.",
        )
    return result


def with_values(settings: Settings, **values: Any) -> Settings:
    """Return `settings` with other values, each checked as `checked` does."""
    suited: dict[str, Any] = {name: checked(name, value) for name, value in values.items()}
    return replace(settings, **suited)


def _converted(field: SettingField, value: Any) -> Value | None:
    """Return `value` in the setting's type, or None if it does not suit."""
    low, high = field.about.minimum, field.about.maximum
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    match field.default:
        case bool():
            return value if isinstance(value, bool) else None
        case int():
            return value if is_number and isinstance(value, int) and low <= value <= high else None
        case float():
            # Compared before it is converted: a whole number can be too large for a fraction.
            return float(value) if is_number and low <= value <= high else None
        case StrEnum() as choice:
            return type(choice)(value) if value in list(type(choice)) else None
        case str():
            suits = not field.about.choices or value in [each for each, _ in field.about.choices]
            return str(value) if isinstance(value, str) and suits else None
        case tuple():
            is_list = isinstance(value, list | tuple)
            return tuple(value) if is_list and all(isinstance(v, str) for v in value) else None


def _what_suits(field: SettingField) -> str:
    bounds = f"from {field.about.minimum:,} to {field.about.maximum:,}"
    match field.default:
        case bool():
            return "true or false"
        case int():
            return f"a whole number {bounds}"
        case float():
            return f"a number {bounds}"
        case StrEnum() as choice:
            return "one of " + ", ".join(type(choice))
        case str() if field.about.choices:
            return "one of " + ", ".join(dict(field.about.choices))
        case str():
            return "a text"
        case tuple():
            return "a list of texts"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:39]}…"
