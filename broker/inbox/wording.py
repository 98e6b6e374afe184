"""Words of the inbox: what people have to do, what decisions and reasons mean."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from broker.domain.codes import DeliveryKind, Milestone, Role
from broker.domain.outstanding import is_past
from broker.ledger.inbox import InboxCounts, InboxItem
from broker.policy.time.moments import by_when, length, moment, time_left

GRADES: Mapping[str, str] = {
    "immediate": "Immediate",
    "very_high": "Very high",
    "high": "High",
    "medium": "Medium",
    "low": "Low",
}
KINDS: Mapping[str, str] = {
    "referral": "Referrals",
    "correction": "Corrections",
    "recall": "Taken back by the police",
}
OUTCOMES: Mapping[str, tuple[str, str]] = {
    "strategy_discussion": (
        "Strategy discussion",
        "You think a child is likely to suffer significant harm. Section 47.",
    ),
    "assessment": ("Assessment", "You will assess the child’s needs. Section 17."),
    "early_help": ("Early help", "Support for the family, without an assessment."),
    "already_open": ("Already open to us", "It goes to the team that works with the child now."),
    "action_taken": ("We have acted already", "Say in the note what you did."),
    "advice": ("Advice and information", "You gave advice. Nothing more is planned."),
    "no_further_action": (
        "No further action",
        "You looked at it and will do nothing more. Say why in the note.",
    ),
    "other": ("Something else", "Say what in the note."),
}
"""What can be decided, from most to least action: a name, and what it means."""
VIEWS_CONSIDERED: Mapping[str, tuple[str, str]] = {
    "yes": ("Yes", ""),
    "no": ("No", "Say why in the note."),
    "not_applicable": ("There are no views to consider", "For example, the child is not born yet."),
}
CHILD_TOLD: Mapping[str, tuple[str, str]] = {
    "yes": ("Yes", ""),
    "not_yet": ("Not yet, we will", "For example because nobody may speak to the child now."),
    "no": ("No", "Say why in the note."),
}
TOPICS: Mapping[str, tuple[str, str]] = {
    "identity": ("Who somebody is", ""),
    "whereabouts": ("Where a child lives or is now", ""),
    "contact": ("Whom we may speak to, and what about", ""),
    "what_happened": ("What happened", ""),
    "police_action": ("What the police do", ""),
    "other": ("Something else", ""),
}
"""What a question to the police is about."""
QUESTION_ENDS: Mapping[str, str] = {
    "returned": "This referral was returned.",
    "recalled": "The police took this referral back.",
    "handed_over": "Another team has this referral now: tell them what you wanted to know.",
}
"""Why a question was closed without an answer, for the agency that asked."""
RETURN_REASONS: Mapping[str, tuple[str, str]] = {
    "wrong_area": ("The child lives somewhere else", "It goes to the right council."),
    "not_ours": ("It is for another service", "The broker’s team finds the right one."),
    "duplicate": ("We have it already", "You got the same referral in another way."),
    "unreadable": ("We cannot read it", "Something in it is broken."),
    "need_information": (
        "We cannot continue without more information",
        "You can also keep it and ask the police.",
    ),
    "below_threshold": (
        "It is below our threshold",
        "You can also decide on no further action, or give advice.",
    ),
}
RIGHTS: Mapping[str, tuple[str, str]] = {
    "read": ("Read", "Sees what the organisation gets."),
    "answer": ("Answer", "Takes on, decides, returns, hands over and asks the police."),
    "publish": ("Send", "Sends referrals for the organisation."),
    "administer": ("Look after this inbox", "Invites colleagues and changes what they may do."),
}
STATES: Mapping[str, str] = {
    "acknowledged": "You have it",
    "decided": "Decided",
    "returned": "Returned",
    "recalled": "Taken back by the police",
    "handed_over": "Another team has it",
}
"""What became of something that is done."""
MILESTONES: Mapping[str, str] = {
    "collect": "Has to get it",
    "acknowledge": "Has to take it on",
    "decide": "Has to decide",
}
EMPTY: Mapping[str, str] = {
    "todo": "New referrals appear here. People who have chosen it get an email as well.",
    "mine": "You deal with nothing at the moment.",
    "unread": "Everything has been read.",
    "done": "Nothing was finished here yet.",
}
LINK_FAULTS: Mapping[str, str] = {
    "channel_not_set": "Email is not set up here. Ask the broker’s team for a link.",
    "too_many": "Too many emails were on their way. Try again in an hour.",
    "recipient_refused": "The email server refused the address. Check it.",
}
"""Why an email with a link was not sent, for what people can do something about."""
PAUSED = "the deadline is paused"
DESTROYED = "Every copy is destroyed"
LOOKS: Mapping[str, str] = {"opened": "Opened it", "printed": "Printed it"}


def task(item: InboxItem) -> str:
    """Return what is to be done next, as a verb."""
    if item.kind is DeliveryKind.RECALL:
        return "Confirm it is destroyed"
    if item.milestone is Milestone.COLLECT:
        return "Open it"
    if item.is_acknowledged or item.milestone is Milestone.DECIDE:
        return "Decide"
    if item.role is Role.COPY:
        return "Read it"
    return "Read the correction" if item.kind is DeliveryKind.CORRECTION else "Take it on"


def is_late(item: InboxItem, now: datetime) -> bool:
    """Tell whether the next deadline has passed."""
    return is_past(item.due_at, now)


def due(item: InboxItem, now: datetime) -> str:
    """Return by when the next thing is to be done."""
    if item.due_at is None:
        return "no deadline" if not item.is_paused else PAUSED
    return by_when(item.due_at, now)


def margin(item: InboxItem, now: datetime) -> str:
    """Return how much time is left, where that is less than a day, or how late it is."""
    if item.due_at is None:
        return ""
    is_near = abs((item.due_at - now).total_seconds()) < 24 * 3600
    return time_left(item.due_at, now) if is_near or is_late(item, now) else ""


def sentence(counts: InboxCounts, now: datetime) -> str:
    """Return one sentence for the whole inbox: what is late, or what is due next."""
    coming = ""
    if due_at := counts.next_due_at:
        coming = f" The next deadline is {moment(due_at, now)}, in {length(due_at - now)}."
    if counts.late:
        number = "1 referral is" if counts.late == 1 else f"{counts.late:,} referrals are"
        return f"{number} late.{coming}"
    if not counts.todo:
        return "There is nothing to do."
    return f"Nothing is late.{coming}"


def outcome(code: str) -> str:
    """Return a decision in words."""
    return OUTCOMES[code][0] if code in OUTCOMES else DESTROYED


def link_fault(code: str) -> str:
    """Return why an email with a link was not sent, and what to do."""
    return LINK_FAULTS.get(code, "The email server did not take it. Try again later.")


def listed(names: Sequence[str]) -> str:
    """Return names as a sentence has them: ``A``, ``A and B``, ``A, B and C``."""
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def rights(of: Collection[str]) -> str:
    """Return what a member may do, in words."""
    return ", ".join(texts[0].lower() for right, texts in RIGHTS.items() if right in of)
