"""What a server or an operation asks of whoever connects."""

from dataclasses import dataclass
from typing import Any

from contract_docs.page.extensions import Extension, extensions
from contract_docs.page.fields import schema_name
from contract_docs.schemas import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownSecurity:
    """One way to prove who one is."""

    name: str
    type: str
    description: str
    extensions: list[Extension]


def security(document: Json, node: Json) -> list[ShownSecurity]:
    """Return what *node* asks for; any one of them is enough."""
    schemes: dict[str, Any] = document["components"].get("securitySchemes", {})
    found: list[ShownSecurity] = []
    for each in node.get("security", []):
        name = schema_name(each["$ref"]) if "$ref" in each else ""
        scheme = schemes[name] if name else each
        found.append(
            ShownSecurity(
                name=name,
                type=scheme["type"],
                description=scheme.get("description", ""),
                extensions=extensions(scheme),
            )
        )
    return found
