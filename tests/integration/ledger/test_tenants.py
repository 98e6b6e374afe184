"""Each organisation reads its own and nothing of others, by every method that says whose it is."""

import inspect
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
import uuid_utils.compat as ids

from broker.domain.credential import Credential
from broker.domain.ids import CredentialId, DeliveryId, OrganisationCode, ReferralId
from broker.domain.referral import NewReferral, Refusal
from broker.ledger.database import Part
from broker.ledger.ledger import Ledger
from tests.integration.ledger.conftest import NOW, POLICE, SHROPSHIRE, STOKE, Book, by_ops
from tests.integration.ledger.test_guards import CASES

WEST_MERCIA = OrganisationCode("west-mercia-police")
TENANTS = ((POLICE, STOKE), (WEST_MERCIA, SHROPSHIRE))
"""Two publishers, each with an agency of its own."""
REFERENCE = "26/001"
"""Both publishers use it."""
ESCALATE = """
insert into escalation (id, ladder, policy_version, milestone, referral, delivery, organisation,
                        due_at, began_at, next_step_at)
select gen_random_uuid(), 'ladder', 'v1', 'acknowledge', referral, id, agency,
       available_at, available_at, available_at
from delivery
"""


@pytest.fixture
def book(book: Book) -> Book:
    """Two publishers and two agencies, each with one of everything."""
    ledger = book.ledger
    ledger.organisations.sync_organisations([(WEST_MERCIA, "West Mercia", "police", "mailbox")])
    for number, (publisher, agency) in enumerate(TENANTS):
        accept(book, publisher)
        book.route(agency)
        refusal = Refusal(publisher, bytes([number] * 32), 9, "invalid", NOW)
        ledger.referrals.record_refusals([(refusal, None)])
        listed = {f"26 {number}": f"26/{number}"}
        ledger.reconciliations.reconcile(
            publisher, date(2026, 12, 10), listed, now=NOW, actor="key:x"
        )
        id_, public = f"{number}" * 16, bytes([number] * 32)
        credential = Credential(
            CredentialId(id_), agency, frozenset({"collect"}), public, "x", NOW, None, None, None
        )
        ledger.credentials.add_credential(credential)
        ledger.queue_keys.register(agency, id_, public, NOW)
        ledger.queue_keys.register_encryption_key(agency, id_, id_, NOW)
    book.do(ESCALATE)
    return book


def accept(book: Book, publisher: OrganisationCode) -> None:
    id_, digest = ReferralId(ids.uuid7()), bytes([len(publisher)] * 32)
    new = NewReferral(id_, publisher, REFERENCE, None, digest, b"{}", NOW, "key:x")
    book.ledger.referrals.accept([new])


def only(book: Book, table: str, condition: str, *values: Any) -> Any:
    ((id_,),) = book.look(f"select id from {table} where {condition}", *values)
    return id_


def deliveries_of(book: Book, who: OrganisationCode) -> list[Any]:
    """Ask for every delivery that there is, as one agency."""
    every = [DeliveryId(id_) for (id_,) in book.look("select id from delivery")]
    found = [book.ledger.deliveries.delivery(who, id_) for id_ in every]
    return [offer.id for offer in found if offer]


def referrals_of(book: Book, who: OrganisationCode) -> list[Any]:
    """Ask for every referral that there is, as one publisher, by id and by reference."""
    every = [ReferralId(id_) for (id_,) in book.look("select id from referral")]
    by_id = [book.ledger.queries.referral(who, id=id_) for id_ in every]
    by_reference = book.ledger.queries.referral(who, reference=REFERENCE)
    assert [status for status in by_id if status] == [by_reference]
    return [by_reference]


def held(book: Book, who: OrganisationCode) -> list[Any]:
    book.do("update delivery set state = 'held'")
    return [delivery.delivery for delivery in book.ledger.embargoes.embargoes(who, limit=9)]


def acts(book: Book, who: OrganisationCode) -> list[Any]:
    for agency in (STOKE, SHROPSHIRE):
        book.ledger.operator_actions.suspend_agency(agency, by_ops(NOW))
    suspended = {code for (code,) in book.look("select organisation from stop")}
    assert suspended == {STOKE, SHROPSHIRE}
    book.ledger.operator_actions.resume_agency(who, by_ops(NOW))
    kinds = [act.kind for act in book.ledger.operator_actions.acts_of_agency(who, limit=9)]
    others = [code for code in suspended if code != who]
    (of_other,) = book.ledger.operator_actions.acts_of_agency(others[0], limit=9)
    assert sorted(kinds) == ["organisation.delivery_paused", "organisation.delivery_resumed"]
    assert of_other.kind == "organisation.delivery_paused"
    return [who]


def collected(book: Book, who: OrganisationCode) -> list[Any]:
    return [offer.id for offer in book.collect(who, now=NOW)]


Read = Callable[[Book, OrganisationCode], list[Any]]
OF_PUBLISHERS: dict[str, Read] = {
    "alarms.escalations": lambda book, who: book.ledger.alarms.escalations(visible_to=who),
    "embargoes.embargoes": held,
    "queries.feed": lambda book, who: book.ledger.queries.feed(who, after="", limit=99)[0],
    "queries.referral": referrals_of,
    "queries.refusals": lambda book, who: book.ledger.queries.refusals(who, limit=9),
    "reconciliations.reconciliations": lambda book, who: (
        book.ledger.reconciliations.reconciliations(who, limit=9)
    ),
}
OF_AGENCIES: dict[str, Read] = {
    "alarms.escalations of an agency": lambda book, who: book.ledger.alarms.escalations(agency=who),
    "alarms.escalations": lambda book, who: book.ledger.alarms.escalations(visible_to=who),
    "credentials.credentials": lambda book, who: book.ledger.credentials.credentials(who),
    "deliveries.collect": collected,
    "deliveries.delivery": deliveries_of,
    "operator_actions.acts_of_agency": acts,
    "queries.waiting": lambda book, who: [*book.ledger.queries.waiting([who])],
    "queue_keys.agency_keys": lambda book, who: book.ledger.queue_keys.agency_keys(who),
    "queue_keys.encryption_keys": lambda book, who: book.ledger.queue_keys.encryption_keys(who),
    "queue_keys.newest_encryption_keys": lambda book, who: [
        *book.ledger.queue_keys.newest_encryption_keys([who], NOW + timedelta(hours=1)).values()
    ],
}
ELSEWHERE = {
    "operator_actions.suspend_agency": "acts, above, looks at whom it suspends",
    "queue_keys.register": "it writes a key of the organisation that is given",
    "queue_keys.register_encryption_key": "it writes a key of the organisation that is given",
    "reconciliations.reconcile": "test_a_list_is_compared_with_its_own_publishers_referrals",
    "members.members": "test_access.py of the inbox",
    **dict.fromkeys(
        (
            *(f"inbox.{name}" for name in ["done", "give", "handlers", "items", "looks", "offers"]),
            *(f"inbox.{name}" for name in ["counts", "find", "kinds_with"]),
            *(f"members.{name}" for name in ["change_rights", "disable", "set_cover", "set_mail"]),
        ),
        "test_access.py of the inbox",
    ),
    **dict.fromkeys(
        (f"drafts.{name}" for name in ["draft", "end", "open_of", "save", "sent"]),
        "test_nobody_sees_what_another_force_writes_or_sent",
    ),
    **dict.fromkeys(
        (f"drafts.{name}" for name in ["begin_sending", "end_sending"]),
        "test_nobody_else_sends_a_draft",
    ),
    **dict.fromkeys(
        (f"directory.{name}" for name in ["documents_of", "record", "start_due", "versions"]),
        "for ops alone: the directory has no owners",
    ),
    **dict.fromkeys(
        (f"members.{name}" for name in ["set_sign_in", "sign_in_of"]),
        "test_provider_sign_in.py of the inbox, and ops",
    ),
    "members.set_mobile": "it writes the number of the member who is signed in",
    "health.add_test_organisation": "in a transaction that is rolled back",
    **dict.fromkeys(
        (f"questions.{name}" for name in ["answer", "ask", "questions"]),
        "test_nobody_else_reads_or_answers_a_question",
    ),
    **dict.fromkeys(
        (f"pictures.{name}" for name in ["area_states", "daily_deadlines"]),
        "for ops alone: test_picture_figures.py counts each agency's rows",
    ),
    **dict.fromkeys(
        (
            f"inspection_reports.{name}"
            for name in ["decisions", "missing", "promptness", "quality", "voice"]
        ),
        "test_inspection_reports.py",
    ),
}


@pytest.mark.parametrize(
    ("place", "name"),
    [*((0, name) for name in OF_PUBLISHERS), *((1, name) for name in OF_AGENCIES)],
)
@pytest.mark.parametrize("reader", [0, 1])
def test_a_tenant_reads_its_own_alone(book: Book, place: int, name: str, reader: int) -> None:
    read = (OF_PUBLISHERS, OF_AGENCIES)[place][name]
    mine, other = TENANTS[reader], TENANTS[1 - reader]
    found = read(book, mine[place])
    assert found
    text = repr(found)
    theirs = {
        *other,
        str(only(book, "referral", "publisher = %s", other[0])),
        str(only(book, "delivery", "agency = %s", other[1])),
    }
    assert {word for word in theirs if word in text} == set()


def test_a_list_is_compared_with_its_own_publishers_referrals(book: Book) -> None:
    book.accept("26/777")
    listed = {"26777": "26/777"}
    day = {"now": NOW, "actor": "key:x"}
    reconcile = book.ledger.reconciliations.reconcile
    assert reconcile(POLICE, date(2026, 12, 11), listed, **day).missing == ()
    assert reconcile(WEST_MERCIA, date(2026, 12, 11), listed, **day).missing == ("26/777",)
    assert book.look(
        "select publisher, missing from reconciliation where day = '2026-12-11' order by 1"
    ) == [(POLICE, []), (WEST_MERCIA, ["26/777"])]


NAMES_WHOSE = (
    *("OrganisationCode", "LeaseId", "Attempt", "Withdrawal", "NewVersion", "Held"),
    *("ChangedDraft", "EndedDraft"),
)


def methods_that_say_whose(ledger: Ledger) -> set[str]:
    """Return the methods of the ledger's parts that take an organisation or a lease."""
    parts = {name: part for name, part in vars(ledger).items() if isinstance(part, Part)}
    return {
        f"{name}.{method}"
        for name, part in parts.items()
        for method, function in inspect.getmembers(type(part), inspect.isfunction)
        if not method.startswith("_")
        for parameter in inspect.signature(function).parameters.values()
        if parameter.name == "force"
        or any(kind in str(parameter.annotation) for kind in NAMES_WHOSE)
    }


def test_every_method_that_says_whose_it_is_is_among_those_that_are_tried(book: Book) -> None:
    tried_ones = {name.split(" ")[0] for name in (*CASES, *OF_PUBLISHERS, *OF_AGENCIES)}
    assert methods_that_say_whose(book.ledger) - tried_ones == {*ELSEWHERE}
