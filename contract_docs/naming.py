"""Gives a name to each object and each list of values that stands in a field: generators make types of them."""

from typing import Any

Json = dict[str, Any]

OF_FIELDS = {
    "AuditRecorded.code": "Code",
    "Error.code": "Code",
    "FieldError.problem": "Problem",
    "Result.type": "CommandType",
    "Reply.type": "RequestType",
    "Result.status": "Status",
    "Reply.status": "Status",
    "ProfileAnswer.status": "AccountStatus",
    "Entry.kind": "EntryKind",
    "BalanceChangedV1.kind": "EntryKind",
    "Deposit.metadata": "Metadata",
    "Withdraw.metadata": "Metadata",
    "Entry.metadata": "PublishedMetadata",
    "BalanceChangedV1.metadata": "PublishedMetadata",
    "Balances.balances": "BalancesByCurrency",
}
"""Where several fields have the same, or its name says more than its model's and the field's together."""

OPEN_LIST = "x-extensible-enum"


def named(schemas: dict[str, Json], prefix: str) -> dict[str, Json]:
    """Return *schemas* with each such value as a schema of its own, which its field refers to."""
    found = dict(schemas)
    for model, schema in schemas.items():
        for field, each in schema.get("properties", {}).items():
            if not _needs_a_name(each):
                continue
            name = OF_FIELDS.get(f"{model}.{field}", model + _camel(field))
            whole = {key: value for key, value in each.items() if key != "default"}
            if "const" in whole:
                whole["enum"] = [whole.pop("const")]  # not every generator knows a single value
            assert found.setdefault(name, whole) == whole, f"{model}.{field} is another {name}"
            beside = {"default": each["default"]} if "default" in each else {}
            schema["properties"][field] = {"$ref": prefix + name, **beside}
    return found


def _needs_a_name(schema: Json) -> bool:
    return bool({"enum", "const", OPEN_LIST, "additionalProperties"} & schema.keys())


def _camel(field: str) -> str:
    return "".join(part.capitalize() for part in field.split("_"))
