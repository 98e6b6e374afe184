"""One agency's part of a referral under a lease, and the answers that the agency can give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Any, Protocol, Self

from referral_broker_client.errors import Invalid
from referral_broker_client.results import deadlines_from

COLLECTED = "collected"
ACKNOWLEDGED = "acknowledged"
DECIDED = "decided"
DESTROYED = "destroyed"
RETURNED = "returned"
NO_LONGER_ADDRESSED = "no_longer_addressed"


@dataclass(frozen=True, slots=True)
class Lease:
    """A claim on a delivery, which lapses by itself at ``until`` (the broker's clock)."""

    id: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Answer:
    """What an agency says about one delivery.

    ``stage`` is ``collected`` (our software has it), ``acknowledged`` (a person here has taken
    it), ``decided`` (with ``outcome``) or ``returned`` (with ``reason``). A later stage implies
    the earlier ones. Without a ``lease`` it is a person's answer, given at any later time.
    """

    delivery: str
    stage: str
    by: str
    lease: str | None = None
    outcome: str | None = None
    reason: str | None = None
    note: str | None = field(default=None, repr=False)
    area: str | None = None
    views_considered: str | None = None
    """With ``decided``: whether the child's views were: ``yes``, ``no`` or ``not_applicable``."""
    child_told: str | None = None
    """With ``decided``: whether the child was told of it: ``yes``, ``no`` or ``not_yet``."""

    def to_json(self) -> dict[str, str]:
        """Return the receipt as the gateway takes it; fields that are None are left out."""
        members = {name: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in members.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Settled:
    """The result of one answer."""

    delivery: str
    result: str
    """``recorded``, ``already``, ``not_found``, ``lease_lost``, ``conflict``, ``wrong_kind``,
    ``handed_over``: another team has it now, or ``lost_in_restore``: you had it before the broker
    was restored; answer again when its publisher has sent it again."""
    state: str | None
    at: datetime | None
    changed: bool = False
    """Whether a decision takes the place of an earlier one."""

    @property
    def ok(self) -> bool:
        """Whether the broker holds this answer, from now or from before."""
        return self.result in {"recorded", "already"}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Settled:
        """Read one element of the gateway's ``results``."""
        at = value.get("at")
        return cls(
            delivery=value["delivery"],
            result=value["result"],
            state=value.get("state"),
            at=datetime.fromisoformat(at) if at else None,
            changed=bool(value.get("changed")),
        )


class DeliveryHolder(Protocol):
    """Holds deliveries until they are answered or released."""

    def settle(self, delivery: Delivery, answer: Answer) -> None:
        """Send the answer to the broker in a batch; a failure is logged or raised."""

    def release(self, delivery: Delivery) -> None:
        """Release the delivery, so that the broker offers it again at once."""


@dataclass(slots=True, eq=False)
class Delivery:
    """What your agency must act on: ``content`` is your part of the referral and nothing else.

    Use it as a context manager. A clean exit answers that your software has it (*collected*), or
    sends the answer that ``acknowledge``, ``decide``, ``destroyed`` or ``return_`` set. An
    exception releases it. The same delivery may come twice, always under the same ``id``:
    storing it must be safe to repeat.
    """

    id: str
    referral: str
    reference: str
    publisher: str
    agency: str
    attempt: int
    role: str
    """``lead``: you must act. ``copy``: you must know; another agency leads."""
    grade: str | None
    effective_grade: str | None
    handling: Mapping[str, Any] | None = field(repr=False)
    """Read this first: the embargo, whom to call before acting, who must not know."""
    why: Any = field(repr=False)
    """Why your agency has this delivery."""
    deadlines: Mapping[str, datetime]
    """``collect_by``, ``acknowledge_by`` and ``decide_by``, as far as there is one."""
    defects: Sequence[Mapping[str, Any]] = field(repr=False)
    warnings: Sequence[Mapping[str, Any]] = field(repr=False)
    content: Mapping[str, Any] = field(repr=False)
    lease: Lease | None = field(repr=False)
    raw: Mapping[str, Any] = field(repr=False)
    """The whole delivery as the broker sent it."""
    _holder: DeliveryHolder = field(repr=False)
    _by: str = field(repr=False)
    kind: str = "referral"
    """``referral``; ``correction``: the whole of your part again; ``recall``: destroy it."""
    version: int = 1
    """Which version of the referral this is."""
    follows: str | None = None
    """The delivery of yours that this corrects or recalls."""
    recall_reason: str | None = None
    """Why it was recalled; ``no_longer_addressed`` recalls the deliveries in ``recalls`` alone."""
    asks: Mapping[str, bool] = field(default_factory=dict)
    """What a decision should say: ``views_considered`` and ``child_told``."""
    recalls: Sequence[str] | None = None
    """For a recall the deliveries of yours that it takes back; None: all of its referral."""
    changed: Sequence[str] = ()
    """Which parts of ``content`` and ``handling`` a correction changes."""
    _answer: Answer | None = field(default=None, repr=False)

    @classmethod
    def from_json(cls, value: Any, *, holder: DeliveryHolder, by: str) -> Delivery:
        """Read a delivery; raises ValueError when the value is not a delivery."""
        try:
            return cls._from_json(value, holder=holder, by=by)
        except (AttributeError, KeyError, TypeError):
            raise ValueError("not a delivery") from None

    @classmethod
    def _from_json(cls, value: Mapping[str, Any], *, holder: DeliveryHolder, by: str) -> Delivery:
        lease = value.get("lease")
        return cls(
            id=value["delivery"],
            referral=value["referral"],
            reference=value["reference"],
            publisher=value["publisher"],
            agency=value["agency"],
            attempt=int(value["attempt"]),
            role=value["role"],
            grade=value.get("grade"),
            effective_grade=value.get("effective_grade"),
            handling=value.get("handling"),
            why=value.get("why"),
            deadlines=deadlines_from(value.get("deadlines")),
            defects=tuple(value.get("defects") or ()),
            warnings=tuple(value.get("warnings") or ()),
            content=value["content"],
            lease=Lease(lease["id"], datetime.fromisoformat(lease["until"])) if lease else None,
            raw=value,
            _holder=holder,
            _by=by,
            kind=value.get("kind", "referral"),
            version=int(value.get("version", 1)),
            follows=value.get("follows"),
            recall_reason=value.get("recall_reason"),
            asks=dict(value.get("asks") or {}),
            recalls=_recalled_by(value),
            changed=tuple(value.get("changed") or ()),
        )

    def collected(self) -> None:
        """On exit answer that your software has it, as a clean exit does by itself."""
        self._answer = self._answer_at(COLLECTED)

    def acknowledge(self, *, by: str) -> None:
        """On exit answer that a person has taken it: ``by``, who works there and knows of it.

        Raises Invalid when ``by`` is empty or is the consumer's own name: software takes no
        child's case on.
        """
        self._answer = self._answer_at(ACKNOWLEDGED, by=self._person(by))

    def decide(
        self,
        outcome: str,
        *,
        by: str,
        note: str | None = None,
        views_considered: str | None = None,
        child_told: str | None = None,
    ) -> None:
        """On exit answer with what a person, ``by``, has decided.

        Say ``views_considered`` and ``child_told`` where ``asks`` does; see ``Answer``.

        docs/glossary.md lists the outcomes. A decision acknowledges too, so ``by`` is judged as in
        ``acknowledge``.
        """
        self._answer = self._answer_at(
            DECIDED,
            by=self._person(by),
            outcome=outcome,
            note=note,
            views_considered=views_considered,
            child_told=child_told,
        )

    def destroyed(self) -> None:
        """On exit confirm that every copy of what was recalled is destroyed (kind ``recall``)."""
        self._answer = self._answer_at(DECIDED, outcome=DESTROYED)

    def return_(self, reason: str, *, note: str | None = None, area: str | None = None) -> None:
        """On exit return it for good, with a coded reason and the area it belongs to, if known."""
        self._answer = self._answer_at(RETURNED, reason=reason, note=note, area=area)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self._holder.settle(self, self._answer or self._answer_at(COLLECTED))
        else:
            self._holder.release(self)

    def _person(self, by: str) -> str:
        name = " ".join(by.split())
        if not any(letter.isalpha() for letter in name):
            raise Invalid("Give the name of the person who has taken the delivery.")
        if name.casefold() == " ".join(self._by.split()).casefold():
            raise Invalid("Give a person's name: this is the name under which software collects.")
        return name

    def _answer_at(self, stage: str, *, by: str | None = None, **details: str | None) -> Answer:
        return Answer(
            delivery=self.id,
            stage=stage,
            by=by or self._by,
            lease=self.lease.id if self.lease else None,
            **details,
        )


def _recalled_by(value: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return the deliveries that a recall takes back; None for all of its referral.

    An agency that a correction does not address any more may have the referral in another role.
    """
    if value.get("recall_reason") != NO_LONGER_ADDRESSED:
        return None
    had = value.get("recalls") or filter(None, [value.get("follows")])
    return tuple(map(str, had))
