"""Words for the codes that reach a page: why something failed, what happened, where it stands.

Codes are for software and stay as they are in the API, in events and in logs. A code that is not
here is shown with spaces instead of its hyphens; a test holds this list against the closed lists.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from schemas import labels

FAILURES: Mapping[str, str] = {
    "answer_too_large": "the other system sent too long an answer",
    "bad_address": "the address in the directory is not a web address",
    "channel_not_set": "this way of sending is not set up here",
    "command_not_started": "the alert program on the broker’s server did not start",
    "command_took_too_long": "the alert program on the broker’s server took too long",
    "fault": "a fault in the broker",
    "mail_deferred": "the email server did not take the message; we try again",
    "mail_refused": "the email server refused the message",
    "mail_server_unavailable": "the email server did not respond",
    "no_address": "the directory has no address for this contact",
    "no_encryption_key": "the agency has not registered a key, so we cannot encrypt for it",
    "no_such_command": "the alert program is not on the broker’s server",
    "not_authenticated": "the email server did not accept the broker’s password",
    "not_encrypted": "the address does not use an encrypted connection",
    "private_address": "the address leads into a private network, which is not allowed",
    "queue_full": "the agency’s queue is full: its software does not collect",
    "recipient_deferred": "the email server did not take this address; we try again",
    "recipient_refused": "the email server refused this address",
    "refused_by_exchange": "the queue service refused the message",
    "render": "a fault in the broker: what the agency may see could not be put together",
    "sms_key_refused": "the text message service did not accept the broker’s key",
    "timed_out": "no answer in time",
    "too-large": "it is over the size limit",
    "unavailable": "no connection",
}
"""Why something was not sent, or is tried again."""
OVER: Mapping[str, str] = {
    "ended": "it was over before the alert was sent",
    "held": "it is held under an embargo",
    "met": "it was done before the alert was sent",
    "moved": "the deadline was moved",
    "passed": "the time that it was about had passed",
    "paused": "the deadline is paused",
    "settled": "somebody settled it before",
}
"""Why an alert was not needed any more."""
EVENTS: Mapping[str, str] = {
    "referral.accepted": "Referral accepted",
    "referral.areas_given": "Area added",
    "referral.closed": "Referral finished",
    "referral.content_revealed": "Content shown to a person",
    "referral.corrected": "Correction accepted",
    "referral.linked": "Link to another referral",
    "referral.postponed": "Routing tried again later",
    "referral.recalled": "Referral taken back by the police",
    "referral.regraded": "Grade changed",
    "referral.rejected": "Referral rejected",
    "referral.reopened": "Referral open again",
    "referral.rerouted": "Routing tried again",
    "referral.revised": "Correction sent to every recipient",
    "referral.routed": "Recipients worked out",
    "referral.task_opened": "Task for the broker’s team",
    "referral.task_settled": "Task settled",
    "referral.third_low": "Child referred as low risk again",
    "referral.unroutable": "No agency matched",
    "referral.withdrawn": "Recall finished",
    "delivery.acknowledged": "Taken on",
    "delivery.answered_late": "Answered after the hand over",
    "delivery.available": "Ready to collect",
    "delivery.breached": "Deadline missed",
    "delivery.cause_corrected": "Cause of a missed deadline corrected",
    "delivery.collected": "Collected",
    "delivery.decided": "Decided",
    "delivery.deferred": "Sending failed, tried again later",
    "delivery.embargo_ending": "Embargo about to end",
    "delivery.embargo_long": "Held for a long time",
    "delivery.hand_over_refused": "Stays with the team that has it",
    "delivery.handed_over": "Handed over to the team on duty",
    "delivery.held": "Held under an embargo",
    "delivery.hold_extended": "Embargo made longer",
    "delivery.hold_kept": "Kept under an embargo",
    "delivery.lapsed": "Collected but not confirmed in time, offered again",
    "delivery.leased": "Being collected",
    "delivery.paused": "Deadline paused",
    "delivery.question_answered": "Question answered",
    "delivery.question_asked": "Question to the police",
    "delivery.question_closed": "Question closed without an answer",
    "delivery.recalled": "Taken back",
    "delivery.released": "Embargo ended by a person",
    "delivery.replayed": "Sent again",
    "delivery.rescheduled": "Deadlines moved",
    "delivery.resumed": "Deadline runs again",
    "delivery.returned": "Returned",
    "delivery.revised": "Replaced by a newer version before it was collected",
    "delivery.sent": "Sent",
    "delivery.sent_on": "Redirected to another agency",
    "delivery.undeliverable": "Could not be delivered",
    "delivery.warned": "Deadline near",
    "organisation.broker_stopped": "The broker stopped working",
    "organisation.broker_works": "The broker works again",
    "organisation.changed": "Entry in the directory changed",
    "organisation.delivery_paused": "Delivery suspended",
    "organisation.delivery_resumed": "Delivery resumed",
    "organisation.dropped": "Sends much less than usual",
    "organisation.heard": "Connected again",
    "organisation.refused": "Planned change of the entry did not start",
    "organisation.replay_paused": "Sending again paused",
    "organisation.replay_planned": "Sending again planned",
    "organisation.replay_running": "Sending again started",
    "organisation.replay_stopped": "Sending again stopped",
    "organisation.send_on_paused": "Redirecting paused",
    "organisation.send_on_planned": "Redirecting planned",
    "organisation.send_on_running": "Redirecting started",
    "organisation.send_on_stopped": "Redirecting stopped",
    "organisation.sign_in_set": "Way to sign in changed",
    "organisation.silent": "Has not connected",
    "organisation.task_opened": "Task for the broker’s team",
    "organisation.task_settled": "Task settled",
    "organisation.unreferred": "Reference without a referral",
    "organisation.warned": "Deadline near",
    "inbox.answered": "Email: question answered",
    "inbox.arrived": "Email: new referral",
    "inbox.deadline_near": "Email: deadline near",
    "inbox.draft_expires": "Email: draft about to be deleted",
}
_OF_ALERTS: Mapping[str, str] = {
    "escalated": "Next person to be alerted",
    "escalation_acknowledged": "Somebody deals with it",
    "escalation_ended": "Alerts ended",
    "escalation_offered": "Hand over to a colleague offered",
    "escalation_reopened": "Alerts began again",
    "notice_dropped": "Alert no longer needed",
    "notice_failed": "Alert failed",
    "notice_sent": "Alert sent",
}
"""What happens to alerts about a referral, a delivery or an organisation alike."""
STATES: Mapping[str, str] = {
    "accepted": "waiting for its recipients",
    "routed": "sent to its recipients",
    "rejected": "rejected",
    "unroutable": "no agency matches",
    "closed": "finished",
    "available": "waiting to be collected",
    "leased": "being collected",
    "collected": "collected",
    "acknowledged": "taken on",
    "decided": "decided",
    "returned": "returned",
    "undeliverable": "could not be delivered",
    "recalled": "taken back",
    "handed_over": "handed over",
}
"""Where a referral or a delivery stands; ``held`` is in ``OVER``."""
CHANNELS: Mapping[str, str] = {
    "email": "email",
    "sms": "text message",
    "webhook": "their own system",
    "command": "the broker’s alert program",
}
"""How an alert goes out."""
_ANSWERS: Mapping[str, str] = {
    "no_further_action": "no further action",
    "advice": "advice and information",
    "early_help": "early help",
    "assessment": "assessment",
    "strategy_discussion": "strategy discussion",
    "already_open": "already open to them",
    "action_taken": "they have acted already",
    "destroyed": "every copy is destroyed",
    "wrong_area": "the child lives somewhere else",
    "not_ours": "it is for another service",
    "below_threshold": "below their threshold",
    "duplicate": "they have it already",
    "unreadable": "they cannot read it",
    "need_information": "they need more information",
    "no_longer_addressed": "a correction no longer goes to them",
    "information_requested": "information was asked for",
    "legal_hold": "held for legal reasons",
}
_ROLES: Mapping[str, str] = {"lead": "must act", "copy": "for information"}
_TASKS: Mapping[str, str] = {
    "refused": "what was sent was rejected and not stored",
    "known-for-long": "the police knew of it for a long time",
    "embargo-in-words": "an embargo that only the instructions name",
    "suspect-at-recipient": "a person who may pose a risk is at the recipient",
    "embargo-for-all": "an embargo that does not say who it is for",
    "handling-unread": "handling instructions that we could not read",
    "do-not-disclose-in-doubt": "a wish that may mean the recipient",
    "held-after-sharing": "held, but the recipient has an earlier version",
    "hand-over-refused": "the next team must not have it",
    "question-asked": "a question to the police",
}
_REFUSALS: Mapping[str, str] = {
    "prohibited-content": "a picture, a film or a link to one",
    "malformed": "it could not be read",
    "body-too-large": "it was over the size limit",
}
_CODES: Mapping[str, str] = {
    **{code: name.lower() for code, name in labels.GRADE_NAMES.items()},
    **{code: name[0].lower() + name[1:-1] for code, name in labels.RECALL_REASONS.items()},
    **{**_ANSWERS, **_ROLES, **_TASKS, **_REFUSALS, **OVER, **FAILURES, **CHANNELS, **STATES},
}
_HTTP = re.compile(r"(?:(sms|webhook)_)?http_(\d{3})")
_SENDERS: Mapping[str, str] = {"sms": "the text message service"}
_PREFIX = re.compile(r"(?:sms|webhook)_(.+)")


def in_words(code: object) -> str:
    """Return what a code says to people, as a phrase; a dash for none."""
    text = str(code or "")
    return words_for(text) or text.replace("_", " ").replace("-", " ") or "–"


def words_for(code: str) -> str:
    """Return what a code says to people; empty for what is no code of ours."""
    return _CODES.get(code) or _from_parts(code)


def event_in_words(kind: str) -> str:
    """Return what happened, by the kind of an event such as ``delivery.breached``."""
    return (
        EVENTS.get(kind)
        or _OF_ALERTS.get(kind.partition(".")[2])
        or in_words(kind.replace(".", " "))
    )


def _from_parts(code: str) -> str:
    """Return words for a code with a number or a sender in it; empty for another one."""
    if match := _HTTP.fullmatch(code):
        sender, status = _SENDERS.get(match[1] or "", "their system"), int(match[2])
        return f"{sender} {_answered(status)} (error {status})"
    if match := _PREFIX.fullmatch(code):
        sender = _SENDERS.get(code.partition("_")[0], "their system")
        return f"{sender}: {FAILURES[match[1]]}" if match[1] in FAILURES else ""
    if code.startswith("exit_"):
        return "the alert program on the broker’s server failed"
    return ""


def _answered(status: int) -> str:
    if status in (401, 403):
        return "did not accept the broker’s key"
    if status == 404:
        return "does not know the address"
    if status == 429:
        return "takes no more messages for now"
    return "has a fault of its own" if status >= 500 else "refused the message"
