"""Part of step 6, deadlines: hand parts of referrals over when an office opens or closes.

A closing office hands to its team out of hours what is urgent and what nobody has acknowledged; the
team hands back to the office what it had, when the office opens. When that is due is a column with
an index, so a check costs the same however much waits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import orjson

from broker.domain.codes import Grade, NoticeRecipient
from broker.domain.delivery import Offer
from broker.domain.due_part import DuePart
from broker.domain.ids import DeliveryId
from broker.domain.notice import NewNotice, NoticePayload
from broker.domain.task import HAND_OVER_REFUSED, NewTask, Task
from broker.errors import PolicyError, RedirectRefused
from broker.flow.context import Context
from broker.flow.notice_recipients import notices_of
from broker.flow.policy_cache import HeldPolicies
from broker.flow.task_queues import DISPATCH
from broker.ledger.hand_overs import HandOverBatch
from broker.policy.language.directory import Organisation
from broker.policy.language.rules import RoutingRule
from broker.policy.published.policy import Policy
from broker.policy.routing.assignments import UNKNOWN_TURN
from broker.policy.routing.next_team import Done, Turn, successor, turn
from broker.policy.routing.redirect import check_recipient
from broker.telemetry import error_fields, logger
from schemas.tolerance import reload

KIND = "delivery.handed_over"
_REFUSED = "{} keeps its part, out of its hours, because {} must not have it. The history says why."
_log = logger("hand over")


def hand_over(context: Context, limit: int) -> int:
    """Hand over what is due, ``limit`` referrals at most; return how many parts were looked at."""
    now = context.clock()

    def look_at(held: HeldPolicies) -> int:
        with context.ledger.hand_overs.claim(limit, now=now) as batch:
            return _HandOver(context, batch, held, now).run() if batch.parts else 0

    count = context.policies.with_held(look_at)
    if count:
        context.wakeups.notify(DISPATCH)
        context.nudges.send()
    return count


@dataclass(frozen=True, slots=True)
class _HandOver:
    """The parts of one transaction that are looked at under the policy in force."""

    context: Context
    batch: HandOverBatch
    held: HeldPolicies
    now: datetime

    @property
    def policy(self) -> Policy:
        """The policy in force."""
        return self.held.in_force

    def run(self) -> int:
        """Hand over each part or keep it, and tell both teams; return how many.

        A part whose own policy is needed and not held stays due.
        """
        again: dict[DeliveryId, datetime | None] = {}
        notices: list[NewNotice] = []
        passed_over = 0
        for part in self.batch.parts:
            try:
                rule, is_held = self._rule(part)
                if not is_held:
                    passed_over += 1
                    continue
                next_turn = turn(part, rule, self.policy, self.now)
                to = self._move(part, next_turn, rule) if next_turn.to and rule else None
            except (PolicyError, KeyError, ValueError) as error:
                # One that cannot be read must not keep the others, or alarms, from their turn.
                _log.error("not handed over", delivery=str(part.id), **error_fields(error))
                again[part.id] = self.now + UNKNOWN_TURN
                continue
            if to is None:
                again[part.id] = next_turn.again_at
            else:
                notices += self._notices(part, next_turn, to)
        self.batch.keep(again)
        self.batch.finish(notices)
        return len(self.batch.parts) - passed_over

    def _rule(self, part: DuePart) -> tuple[RoutingRule | None, bool]:
        """Return the rule of a part: as it is now, or as it was under the policy of the part.

        The second is False where that policy is not held.
        """
        current = _named(part.row, self.policy)
        if current is not None:
            return current, True
        offer, _ = self.batch.offer(part)
        own = self.held.version(offer.policy_version)
        return (_named(part.row, own), True) if own else (None, False)

    def _move(self, part: DuePart, next_turn: Turn, rule: RoutingRule) -> DeliveryId | None:
        """Give a part to the next team; return its delivery there, or None where it stays.

        A team that has the part open already goes on with that.
        """
        assert next_turn.to is not None
        to = next_turn.to.code
        offer, latest = self.batch.offer(part)
        # The newest version decides, which may be newer than the one that this team was given.
        newest = self.batch.content(part) or latest.body
        if refusal := self._refusal(rule, next_turn.to, newest, latest.accepted_at):
            self.batch.refuse(part, to, refusal, self._task(part, next_turn.to, latest))
            _log.warning("not handed over", delivery=str(part.id), reason=refusal)
            return None
        if already := self.batch.open_part(part, to):
            return already if self.batch.hand_over(part, already, to) else None
        done = Done(offer, latest, self.batch.answers(part))
        id_ = DeliveryId(self.context.new_id())
        new = successor(done, next_turn, id_=id_, policy=self.policy, now=self.now)
        if not self.batch.hand_over(part, new.id, to):
            return None
        self.batch.add(part, new)
        return new.id

    def _refusal(
        self, rule: RoutingRule, to: Organisation, body: bytes, at: datetime
    ) -> str | None:
        """Return the code of the reason why the next team must not have it, if there is one."""
        referral = reload(orjson.loads(body), received_at=at)
        try:
            check_recipient(rule, to, referral, self.policy.directory, self.now)
        except RedirectRefused as refused:
            return refused.faults[0].code
        return None

    def _task(self, part: DuePart, to: Organisation, latest: Offer) -> NewTask:
        """Return the task about a part that stays where it is, though its office has closed."""
        team = self.policy.directory.organisation_name(part.agency)
        return NewTask(
            Task(
                HAND_OVER_REFUSED,
                f"/deliveries/{part.id}/to/{to.code}",
                _REFUSED.format(team, to.name),
            ),
            latest.referral,
            latest.publisher,
            latest.reference,
            latest.version,
            self.policy.task_deadline(Grade(latest.effective_grade), self.now),
            self.policy.version,
        )

    def _notices(self, part: DuePart, next_turn: Turn, to: DeliveryId) -> Iterator[NewNotice]:
        """Yield that it changed hands, to the duty contacts of both teams."""
        assert next_turn.to is not None
        teams = ((part.agency, part.id), (next_turn.to.code, to))
        data = {"agency": next_turn.to.code, "from": part.agency, "to": next_turn.to.code}
        for code, delivery in teams:
            payload = NoticePayload(KIND, part.referral, delivery, data)
            organisation = self.policy.directory.organisation(code)
            for step in self.policy.alarms.tell:
                if step.to is NoticeRecipient.AGENCY:
                    yield from notices_of(payload, step, organisation, self.context.new_id)


def _named(row: str, policy: Policy) -> RoutingRule | None:
    return next((rule for rule in policy.routing_rules if rule.id == row), None)
