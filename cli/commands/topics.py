"""`accounts topics`: create the topics, or show how they are."""

import asyncio
from typing import Annotated

import typer

from cli.groups import a_group
from cli.screen.output import output
from contracts.topics import TOPICS
from workers.config.settings import Settings, load_settings
from workers.kafka.connection import kafka_admin
from workers.kafka.topic_plan import Action, TopicChange, apply_topics
from workers.kafka.topics import TopicState, read_topics

FLAGS = {Action.ADD_PARTITIONS: "--add-partitions", Action.ALTER: "--alter"}
DONE = {Action.CREATE: "created", Action.ADD_PARTITIONS: "added", Action.ALTER: "changed"}


def register(app: typer.Typer) -> None:
    """Add the command."""
    topics = a_group("Create the topics, or show how they differ from what is needed.")
    topics.command("apply")(apply)
    topics.command("show")(show)
    app.add_typer(topics, name="topics")


def apply(
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Change nothing, only say.")] = False,
    add_partitions: Annotated[
        bool,
        typer.Option(
            "--add-partitions",
            help="Also raise partition counts; moves users: stop the senders, let lag reach zero.",
        ),
    ] = False,
    alter: Annotated[bool, typer.Option("--alter", help="Also change differing settings.")] = False,
) -> None:
    """Create missing topics; repeat it as often as you like."""
    allowed = {Action.CREATE}
    allowed |= {Action.ADD_PARTITIONS} if add_partitions else set[Action]()
    allowed |= {Action.ALTER} if alter else set[Action]()
    carried_out = frozenset[Action]() if dry_run else frozenset(allowed)
    changes = asyncio.run(apply_topics(load_settings(), allowed=carried_out))
    if changes or output().is_json:
        output().table(
            ("topic", "setting", "now", "wanted", "result"),
            [
                (one.topic, one.setting, one.now, one.wanted, _result(one, allowed, dry_run))
                for one in changes
            ],
        )
    else:
        output().record({}, f"All {len(TOPICS)} topics are as they should be.")


def _result(change: TopicChange, allowed: set[Action], dry_run: bool) -> str:  # noqa: FBT001
    if change.action is Action.NONE:
        return "left: Kafka cannot change it"
    if change.action not in allowed:
        return f"left: say {FLAGS[change.action]}"
    return f"would be {DONE[change.action]}" if dry_run else DONE[change.action]


def show() -> None:
    """Show every topic as Kafka has it."""
    settings = load_settings()
    states = asyncio.run(_read(settings))
    rows = [
        (name, str(spec.kind), *_columns(states.get(name)))
        for spec in TOPICS
        for name in [settings.topic_prefix + spec.name]
    ]
    output().table(("topic", "kind", "partitions", "replication", "own settings"), rows)


async def _read(settings: Settings) -> dict[str, TopicState]:
    async with kafka_admin(settings) as admin:
        return await read_topics(admin, [settings.topic_prefix + spec.name for spec in TOPICS])


def _columns(state: TopicState | None) -> tuple[str, str, str]:
    if state is None:
        return "missing", "", ""
    own = ", ".join(f"{name}={value}" for name, value in sorted(state.overrides.items()))
    return str(state.partitions), str(state.replication), own
