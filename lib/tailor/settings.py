"""Settings: each one described once, on its field, from which form, validation, help and docs are derived."""

from dataclasses import dataclass
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo

from tailor.errors import WorkbenchError, did_you_mean


class Settings(BaseModel):
    """Base of every settings model: immutable, and refusing keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    @classmethod
    def unfold(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Values as a person may give them -> field -> value. A model with short forms overrides this."""
        return values

    def deciding(self) -> dict[str, Any]:
        """The settings, as JSON holds them, without those that change nothing that is made (`same_result`)."""
        fields = type(self).model_fields.items()
        free = {name for name, field in fields if (field.json_schema_extra or {}).get("same_result")}
        return self.model_dump(mode="json", exclude=free)


def setting(
    default: Any,
    explain: str,
    *,
    unit: str | None = None,
    source: str | None = None,
    label: str | None = None,
    log: bool = False,
    multiline: bool = False,
    advanced: bool = False,
    control: str | None = None,
    section: str | None = None,
    same_result: bool = False,
    **bounds: Any,
) -> Any:
    """Declare one setting.

    Args:
        default: used until a person chooses otherwise; `...` for a value that must be given.
        explain: one or two plain sentences: what it does, and what more or less of it brings.
        unit: what the number counts ("rows", "tokens", "share of rows").
        source: where the default comes from (paper and section, or the measurement).
        label: the form's label; the field's name with blanks otherwise.
        log: show a logarithmic slider (learning rates).
        multiline: show a text area.
        advanced: fold away under "more settings" in the form.
        control: a control of its own in the form ("history": a list of cleaning operations).
        section: fold away together with the other settings of this subject ("Augmentation").
        same_result: whatever its value, the same is made (where the work is done): it stands in no record, and a step
            is not stale for it.
        bounds: pydantic's own: ge, gt, le, lt, min_length, max_length, pattern.
    """
    extra = {
        "unit": unit,
        "source": source,
        "label": label,
        "log": log,
        "multiline": multiline,
        "advanced": advanced,
        "control": control,
        "section": section,
        "same_result": same_result,
    }
    kept = {key: value for key, value in extra.items() if value}
    factory = isinstance(default, (list, dict))
    shape = {"default_factory": lambda: type(default)(default)} if factory else {"default": default}
    return Field(description=explain, json_schema_extra=kept, **shape, **bounds)


@dataclass(frozen=True)
class Described:
    """One setting as forms, help and docs read it."""

    name: str
    label: str
    type: Any
    default: Any
    explain: str
    unit: str | None
    source: str | None
    low: float | None
    high: float | None
    choices: tuple[Any, ...]
    log: bool
    multiline: bool
    advanced: bool
    control: str | None
    section: str | None
    required: bool


def describe(model: type[Settings]) -> list[Described]:
    """List a settings model's fields with everything known about each."""
    return [_describe_field(name, field) for name, field in model.model_fields.items()]


def _describe_field(name: str, field: FieldInfo) -> Described:
    extra = field.json_schema_extra or {}
    limits = {
        key: getattr(item, key)
        for item in field.metadata
        for key in ("ge", "gt", "le", "lt")
        if hasattr(item, key)
    }
    return Described(
        name=name,
        label=extra.get("label") or name.replace("_", " "),
        type=field.annotation,
        default=None if field.is_required() else field.get_default(call_default_factory=True),
        explain=field.description or "",
        unit=extra.get("unit"),
        source=extra.get("source"),
        low=limits.get("ge", limits.get("gt")),
        high=limits.get("le", limits.get("lt")),
        choices=choices_of(field.annotation),
        log=bool(extra.get("log")),
        multiline=bool(extra.get("multiline")),
        advanced=bool(extra.get("advanced")),
        control=extra.get("control"),
        section=extra.get("section"),
        required=field.is_required(),
    )


def choices_of(annotation: Any) -> tuple[Any, ...]:
    """The values of a Literal (also inside `Literal | None`), or an empty tuple."""
    if str(get_origin(annotation)) == "typing.Literal":
        return get_args(annotation)
    for part in get_args(annotation):
        if found := choices_of(part):
            return found
    return ()


def make_settings(model: type[Settings], values: dict[str, Any], where: str) -> Any:
    """Validate `values` into `model`.

    Args:
        where: the step, technique or file the values belong to; named in the error ("03_clean_data").

    Raises:
        WorkbenchError: an unknown key (with "did you mean") or a value out of its type or bounds.
    """
    values = model.unfold(values)
    for key in values:
        if key not in model.model_fields:
            raise WorkbenchError(
                f"{where} has no setting '{key}'",
                f"one of: {', '.join(model.model_fields) or 'none, this step has no settings'}",
                f"correct the name.{did_you_mean(key, model.model_fields)}",
            )
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise _value_error(model, error, where) from None


def _value_error(model: type[Settings], error: ValidationError, where: str) -> WorkbenchError:
    first = error.errors(include_url=False)[0]
    path = ".".join(str(part) for part in first["loc"])
    field = model.model_fields.get(str(first["loc"][0])) if first["loc"] else None
    name = f"{where}.{path}" if path else where
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "missing":
        return WorkbenchError(f"{name} is not set", field.description or "a value", f"give {name} a value")
    fix = f"change {name}"
    if field is not None and (choices := choices_of(field.annotation)):
        fix += f".{did_you_mean(first['input'], choices)}"
    return WorkbenchError(f"{name} is {first['input']!r}", message[0].lower() + message[1:], fix)
