"""Where the service is, and what it asks of whoever connects or sends."""

from dataclasses import dataclass

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


def schemes(document: Json) -> list[ShownSecurity]:
    """Return those that have a name."""
    named: dict[str, Json] = document["components"].get("securitySchemes", {})
    return [_shown(name, scheme) for name, scheme in named.items()]


def security(document: Json, node: Json) -> list[ShownSecurity]:
    """Return what *node* asks for; any one of them is enough."""
    named = {each.name: each for each in schemes(document)}
    return [
        named[schema_name(each["$ref"])] if "$ref" in each else _shown("", each)
        for each in node.get("security", [])
    ]


def _shown(name: str, scheme: Json) -> ShownSecurity:
    return ShownSecurity(
        name=name,
        type=scheme["type"],
        description=scheme.get("description", ""),
        extensions=extensions(scheme),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownServer:
    """A server."""

    name: str
    protocol: str
    address: str
    """With the defaults of what differs from place to place."""
    description: str
    variables: list[tuple[str, str]]
    security: list[ShownSecurity]
    extensions: list[Extension]


def servers(document: Json) -> list[ShownServer]:
    """Return every server."""
    return [_server(document, name, said) for name, said in document["servers"].items()]


def _server(document: Json, name: str, said: Json) -> ShownServer:
    address = said["host"] + said.get("pathname", "")
    variables: dict[str, Json] = said.get("variables", {})
    for variable, described in variables.items():
        address = address.replace(f"{{{variable}}}", described.get("default", f"{{{variable}}}"))
    return ShownServer(
        name=name,
        protocol=said["protocol"],
        address=address,
        description=said.get("description", ""),
        variables=[
            (variable, described["description"])
            for variable, described in variables.items()
            if "description" in described
        ],
        security=security(document, said),
        extensions=extensions(said),
    )
