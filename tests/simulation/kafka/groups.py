"""A consumer group as its broker sees it: who is in it, and until when."""

# aiokafka annotates only a part of its interface:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportPrivateUsage=false

import asyncio
from dataclasses import dataclass, field
from typing import Any

from aiokafka.errors import (
    IllegalGenerationError,
    InconsistentGroupProtocolError,
    MemberIdRequired,
    RebalanceInProgressError,
    UnknownMemberIdError,
)
from aiokafka.protocol.group import JoinGroupResponse_v5, SyncGroupResponse_v3

from tests.simulation.kafka.members import Held, Member, Protocols, State, fail, later, now_s, tell


@dataclass(slots=True)
class Group:
    """One group. All of it happens at a moment; what has to wait is a future."""

    name: str
    state: State = State.EMPTY
    generation: int = 0
    protocol: str = ""
    leader: str = ""
    members: dict[str, Member] = field(default_factory=dict[str, Member])
    offsets: dict[tuple[str, int], tuple[int, str]] = field(
        default_factory=dict[tuple[str, int], tuple[int, str]]
    )
    """What is committed, by topic and partition: an offset, and what was said with it."""
    _named: dict[str, float] = field(default_factory=dict[str, float])
    """Ids that were given out and not used yet, and until when they may be."""
    _ids: int = 0
    _deadline: asyncio.TimerHandle | None = None

    # -- what a member asks for

    def join(self, request: Any) -> JoinGroupResponse_v5 | Held:
        """Let a member in, or in again; it hears of it once all others are there.

        Raises:
            KafkaError: It may not come in.
        """
        member_id, protocols = request._member_id, request._group_protocols
        if not self._agrees(protocols):
            raise InconsistentGroupProtocolError
        session_s = request._session_timeout / 1000
        if not member_id:
            self._ids += 1
            member_id = f"{self.name}-member-{self._ids:04}"
            self._named[member_id] = now_s() + session_s
            later(session_s, self._forget_name, member_id)
            return JoinGroupResponse_v5(0, MemberIdRequired.errno, -1, "", "", member_id, [])
        member = self.members.get(member_id)
        if member is None:
            if self._named.pop(member_id, None) is None:
                raise UnknownMemberIdError
            member = Member(
                member_id=member_id,
                protocols=protocols,
                session_s=session_s,
                rebalance_s=request._rebalance_timeout / 1000,
                alive_until_s=now_s() + session_s,
            )
            self.members[member_id] = member
            later(session_s, self._watch, member)
        elif self._unchanged(member, protocols):
            return self._joined(member)
        member.protocols = protocols
        return self._waits_for_others(member)

    def _unchanged(self, member: Member, protocols: Protocols) -> bool:
        """Return whether *member* asks once more for what it has."""
        if list(member.protocols) != list(protocols):
            return False
        if self.state is State.COMPLETING:
            return True
        return self.state is State.STABLE and member.member_id != self.leader

    def _waits_for_others(self, member: Member) -> Held:
        if member.joining is not None and not member.joining.done():
            member.joining.cancel()
        member.joining = waits = asyncio.get_running_loop().create_future()
        if self.state is State.PREPARING:
            self._complete_if_all_are_there()
        else:
            self._prepare()
        return waits

    def sync(self, request: Any) -> SyncGroupResponse_v3 | Held:
        """Take the leader's word on who reads what; return a member's part of it.

        Raises:
            KafkaError: It is no member of this generation.
        """
        member = self._member(request._member_id, request._generation_id)
        if self.state is State.PREPARING:
            raise RebalanceInProgressError
        if self.state is State.STABLE:
            return SyncGroupResponse_v3(0, 0, member.assignment)
        member.syncing = waits = asyncio.get_running_loop().create_future()
        if member.member_id == self.leader:
            given = dict(request._group_assignment)
            self.state = State.STABLE
            for each in self.members.values():
                each.assignment = bytes(given.get(each.member_id, b""))
                self._see(each)
                tell(each.syncing, SyncGroupResponse_v3(0, 0, each.assignment))
                each.syncing = None
        return waits

    def heartbeat(self, member_id: str, generation: int) -> None:
        """Know that a member is there.

        Raises:
            KafkaError: It is none of this generation, or has to join again.
        """
        self._see(self._member(member_id, generation))
        if self.state is State.PREPARING:
            raise RebalanceInProgressError

    def leave(self, member_id: str) -> None:
        """Do without a member.

        Raises:
            UnknownMemberIdError: It is none.
        """
        if member_id not in self.members:
            raise UnknownMemberIdError
        self._remove(self.members[member_id])

    def may_commit(self, member_id: str, generation: int) -> None:
        """Return if these offsets may be committed.

        Raises:
            KafkaError: Who asks is no member, or not any more.
        """
        if generation < 0 and not self.members:
            return  # somebody who reads without the group, or moves it while nobody reads
        member = self._member(member_id, generation)
        if self.state is State.COMPLETING:
            raise RebalanceInProgressError
        self._see(member)

    # -- what happens to it

    def _member(self, member_id: str, generation: int) -> Member:
        member = self.members.get(member_id)
        if member is None:
            raise UnknownMemberIdError
        if generation != self.generation:
            raise IllegalGenerationError
        return member

    def _agrees(self, protocols: Protocols) -> bool:
        return not self.members or any(name in self._spoken_by_all() for name, _ in protocols)

    def _spoken_by_all(self) -> list[str]:
        spoken = [[name for name, _ in member.protocols] for member in self.members.values()]
        return [name for name in spoken[0] if all(name in others for others in spoken)]

    def _prepare(self) -> None:
        """Have all members join again."""
        self.state = State.PREPARING
        for member in self.members.values():
            if member.syncing is not None:
                fail(member.syncing, RebalanceInProgressError())
                member.syncing = None
        longest_s = max(member.rebalance_s for member in self.members.values())
        self._deadline = later(longest_s, self._go_on_without)
        self._complete_if_all_are_there()

    def _complete_if_all_are_there(self) -> None:
        if self.state is not State.PREPARING or self._named:
            return
        if all(member.joining is not None for member in self.members.values()):
            self._complete()

    def _go_on_without(self) -> None:
        """Do without those who did not join in time."""
        self._named.clear()
        self.members = {name: each for name, each in self.members.items() if each.joining}
        self._complete()

    def _complete(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        self.generation += 1
        if not self.members:
            self.state = State.EMPTY
            return
        self.state = State.COMPLETING
        self.protocol = self._spoken_by_all()[0]
        if self.leader not in self.members:
            self.leader = next(iter(self.members))
        for member in self.members.values():
            self._see(member)
            tell(member.joining, self._joined(member))
            member.joining = None

    def _joined(self, member: Member) -> JoinGroupResponse_v5:
        told = [
            (each.member_id, None, dict(each.protocols)[self.protocol])
            for each in self.members.values()
            if member.member_id == self.leader
        ]
        return JoinGroupResponse_v5(
            0, 0, self.generation, self.protocol, self.leader, member.member_id, told
        )

    def _remove(self, member: Member) -> None:
        del self.members[member.member_id]
        for held in (member.joining, member.syncing):
            if held is not None:
                fail(held, UnknownMemberIdError())
        if self.state is State.PREPARING:
            self._complete_if_all_are_there()
        elif self.members:
            self._prepare()
        else:
            self._complete()

    def _see(self, member: Member) -> None:
        member.alive_until_s = now_s() + member.session_s

    def _watch(self, member: Member) -> None:
        """Remove *member* once it was silent for too long."""
        if self.members.get(member.member_id) is not member:
            return
        if member.joining is not None or member.syncing is not None:
            self._see(member)  # who waits for the others cannot be late
        left_s = member.alive_until_s - now_s()
        if left_s > 0:
            later(left_s, self._watch, member)
        else:
            self._remove(member)

    def _forget_name(self, member_id: str) -> None:
        if self._named.pop(member_id, None) is not None:
            self._complete_if_all_are_there()
