"""A draft is saved as it is written; what cannot be read is shown again with what was typed."""

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import orjson
import pytest

from broker.domain.codes import DraftEnd
from broker.domain.ids import OrganisationCode
from broker.flow.context import Context
from broker.flow.sweep import Sweeper
from broker.ledger.drafts import EndedDraft
from broker.referral_form import draft_acts
from broker.referral_form.json_paths import get
from broker.referral_form.sections import LISTINGS
from tests.acceptance.conftest import World, sample
from tests.conftest import FixedClock
from tests.integration.inbox.conftest import Person
from tests.integration.referral_form.conftest import FORCE, REVISION, Sergeant, drafts, fill_needed
from tests.rows import rows


@pytest.fixture(autouse=True)
def in_december(world: World) -> None:
    world.at("2026-12-18 16:50")


def written(context: Context) -> dict[str, Any]:
    """Return the document of the only draft."""
    (body,) = rows(context, "select body from draft where ended_at is null")[0]
    document: dict[str, Any] = orjson.loads(body)
    return document


def test_a_draft_begins_with_a_reference_that_nobody_has_used(
    context: Context, sergeant: Sergeant
) -> None:
    for reference in ("", "née", "-1", "a" * 65):
        sergeant.post("/new", {"reference": reference}, 422)
    fill_needed(sergeant, "SP/1")
    again = sergeant.post("/new", {"reference": "SP/1"}, 422).text
    assert "has a draft under this reference" in again
    assert 'value="SP/1"' in again
    sergeant.send()
    assert "has sent a referral under" in sergeant.post("/new", {"reference": "SP/1"}, 422).text
    assert drafts(context) == [("SP/1", False, "sent")]
    assert rows(context, "select began_by, saved_by, ended_by from draft") == [
        (sergeant.person.id,) * 3
    ]


def test_a_mistake_keeps_what_was_typed_and_saves_nothing(
    context: Context, sergeant: Sergeant
) -> None:
    sergeant.begin("SP/1")
    form = {
        "grade-level": "high",
        "grade-reason": "She meets him tonight.",
        "times-first_known_at-day": "31",
        "times-first_known_at-month": "2",
        "times-first_known_at-year": "2026",
        "times-first_known_at-time": "9.05",
    }
    before = rows(context, "select body, revision from draft")
    shown = sergeant.fill("urgency", form, 422).text
    assert rows(context, "select body, revision from draft") == before
    assert 'href="#times-first_known_at-day"' in shown
    assert 'id="times-first_known_at-day"' in shown
    assert "She meets him tonight." in shown
    assert 'value="9.05"' in shown
    assert re.search(r'value="high"[^>]* checked', shown)
    for month in ("13", "99999999999999999999"):
        sergeant.fill("urgency", {**form, "times-first_known_at-month": month}, 422)
    future = {"times-first_known_at-month": "12", "times-first_known_at-year": "2027"}
    assert "This is in the future" in sergeant.fill("urgency", {**form, **future}, 422).text
    sergeant.fill("urgency", {**form, "times-first_known_at-day": "1"})
    assert written(context)["times"] == {"first_known_at": "2026-02-01T09:05:00Z"}


def test_what_is_needed_can_come_later_and_what_is_wrong_cannot(
    context: Context, sergeant: Sergeant
) -> None:
    sergeant.begin("SP/1")
    assert "Answer the question: Why?" in sergeant.fill("urgency", {}, 422).text
    sergeant.fill("urgency", {"grade-reason": "Later."}, later="yes")
    assert written(context)["grade"] == {"reason": "Later."}
    sergeant.fill("team", {"referrer-email": "nobody"}, 422, later="yes")
    assert written(context)["referrer"]["email"].endswith("@example.org")


def test_the_four_kinds_of_not_known(context: Context, sergeant: Sergeant) -> None:
    sergeant.begin("SP/1")
    sergeant.fill("children/new", {"given_name": "Wren"})
    sergeant.fill(
        "children/0/about",
        {
            "ethnicity-unknown": "not_asked",
            "disability-unknown": "not_yet_known",
            "religion-unknown": "refused",
            "missing-unknown": "",
            "language": "English",
        },
    )
    (child,) = written(context)["children"]
    assert child == {
        "id": "child-1",
        "given_name": "Wren",
        "ethnicity": {"unknown": "not_asked"},
        "disability": {"unknown": "not_yet_known"},
        "religion": {"unknown": "refused"},
        "language": "English",
    }
    known = {"ethnicity-unknown": "known", "ethnicity-code": "", "disability-unknown": "known"}
    shown = unescape(sergeant.fill("children/0/about", known, 422).text)
    assert shown.count("Enter what you know, or choose why you do not know it.") >= 2
    known |= {"ethnicity-code": "WBRI", "ethnicity-basis": "self_defined", "disability-AUT": "yes"}
    sergeant.fill("children/0/about", known)
    (child,) = written(context)["children"]
    assert child["ethnicity"] == {"code": "WBRI", "basis": "self_defined"}
    assert child["disability"] == ["AUT"]
    assert "religion" not in child


def test_a_wrong_nhs_number_is_sent_as_it_was_written(
    context: Context, world: World, sergeant: Sergeant
) -> None:
    fill_needed(sergeant, "SP/1")
    sergeant.fill("children/0/about", {"nhs_number": "999 000 1064"})
    assert written(context)["children"][0]["nhs_number"] == "999 000 1064"
    assert "The last digit does not fit the others" in sergeant.page("/check")
    sergeant.send()
    world.drain()
    codes = {
        code
        for (code,) in rows(
            context, "select jsonb_array_elements(defects)->>'code' from referral_finding"
        )
    }
    assert "nhs-number-check-digit" in codes


def test_a_postcode_is_looked_up(sergeant: Sergeant, context: Context) -> None:
    sergeant.begin("SP/1")
    sergeant.fill("children/new", {"given_name": "Wren"})
    answer = sergeant.fill("children/0/where", {"address-postcode": "st4 1ly"}, find="yes")
    assert answer.headers["location"].endswith("/children/0/where")
    shown = unescape(sergeant.page("/children/0/where"))
    assert "ST4 1LY is in Stoke-on-Trent." in shown
    assert "Stoke-on-Trent children's social care (sample) will get it." in shown
    sergeant.fill("children/0/where", {"address-postcode": "ZZ9 9ZZ"}, find="yes")
    assert "We do not know ZZ9 9ZZ." in sergeant.page("/children/0/where")
    shown = unescape(sergeant.fill("children/0/where", {"area": "Staff"}, 422).text)
    assert "Staffordshire" in shown
    sergeant.fill("children/0/where", {"area": "Staffordshire"})
    assert written(context)["children"][0]["area"] == "E10000028"


@pytest.mark.parametrize(
    ("form", "voice"),
    [
        ({"spoken": "yes", "said": "He said that.\r\nTwice."}, {"said": "He said that.\nTwice."}),
        ({"spoken": "no", "not_asked": "She is asleep."}, {"not_asked": "She is asleep."}),
        ({"spoken": "refused"}, {"unknown": "refused"}),
        (
            {"spoken": "refused", "refused": "By an officer.", "demeanour": "Tearful."},
            {"refused": "By an officer.", "demeanour": "Tearful."},
        ),
        ({"spoken": "not_yet"}, {"unknown": "not_yet_known"}),
    ],
)
def test_the_childs_voice(
    context: Context, sergeant: Sergeant, form: dict[str, str], voice: dict[str, Any]
) -> None:
    sergeant.begin("SP/1")
    sergeant.fill("children/new", {"given_name": "Wren"})
    sergeant.fill("children/0/voice", form)
    assert written(context)["children"][0]["voice"] == voice
    shown = sergeant.page("/children/0/voice")
    assert re.search(rf'value="{form["spoken"]}"[^>]* checked', shown)
    sergeant.fill("children/0/voice", {"spoken": "not_yet"})
    assert written(context)["children"][0]["voice"] == {"unknown": "not_yet_known"}


@pytest.mark.parametrize(
    "form",
    [
        {"spoken": "no", "said": "He said that."},
        {"spoken": "not_yet", "said": "He said that."},
        {"said": "He said that."},
        {"spoken": "yes"},
        {"spoken": "no"},
        {"spoken": "refused", "views": "Wants it to stop."},
    ],
)
def test_what_a_child_said_is_not_lost_by_a_wrong_answer(
    context: Context, sergeant: Sergeant, form: dict[str, str]
) -> None:
    sergeant.begin("SP/1")
    sergeant.fill("children/new", {"given_name": "Wren"})
    shown = sergeant.fill("children/0/voice", form, 422).text
    for text in (form.get("said"), form.get("views")):
        assert text is None or text in shown
    assert "voice" not in written(context)["children"][0]


def test_the_voice_of_a_suspect_under_18(
    context: Context, sergeant: Sergeant, world: World
) -> None:
    fill_needed(sergeant, "SP/1")
    born = {"date_of_birth-day": "1", "date_of_birth-month": "6", "date_of_birth-year": "2012"}
    sergeant.fill("people/new", {"given_name": "Ivor", **born})
    sergeant.fill("people/0/where", {"area": "Stoke-on-Trent"})
    risk = sergeant.fill("people/0/risk", {})
    assert risk.headers["location"].endswith("/people/0/voice")
    assert "alleged to have harmed" in sergeant.page("/voices")
    shown = sergeant.page("/people/0/voice")
    assert "heard as one" in unescape(shown)
    refused = sergeant.fill("people/0/voice", {"spoken": "no", "not_asked": ""}, 422).text
    assert "Say why the child was not spoken to." in refused
    said = "He says that somebody older made him do it."
    sergeant.fill("people/0/voice", {"spoken": "yes", "said": said})
    (ivor,) = written(context)["persons_posing_risk"]
    assert ivor["voice"] == {"said": said}
    sergeant.send()
    world.drain()
    agency, id_ = rows(
        context,
        "select agency, id from delivery where role = 'lead' and view = 'social-care' order by id",
    )[0]
    headers = world.headers(agency, "collect")
    lead = world.client.get(f"/v1/deliveries/{id_}", headers=headers).json()
    (harmed,) = lead["content"]["children_alleged_to_have_harmed"]
    assert harmed["voice"]["said"] == said
    assert lead["asks"]["views_considered"]


def test_an_adult_is_not_asked_for_a_voice(context: Context, sergeant: Sergeant) -> None:
    sergeant.begin("SP/1")
    born = {"date_of_birth-day": "1", "date_of_birth-month": "6", "date_of_birth-year": "1980"}
    sergeant.fill("people/new", {"given_name": "Lucian", **born})
    risk = sergeant.fill("people/0/risk", {})
    assert risk.headers["location"].endswith("/people")
    assert "alleged to have harmed" not in sergeant.page("/voices")
    sergeant.begin("SP/2")
    sergeant.fill("people/new", {"given_name": "Somebody"})
    assert sergeant.fill("people/0/risk", {}).headers["location"].endswith("/people")


def test_nobody_overwrites_what_a_colleague_saved(
    context: Context, sergeant: Sergeant, enter: Callable[..., Person]
) -> None:
    sergeant.begin("SP/1")
    colleague = Sergeant(enter(FORCE, "Kim Example", "publish"), sergeant.draft)
    shown = sergeant.page("/what-happened")
    form = {"concern-category": "grooming", "concern-summary": "Mine."}
    colleague.fill("what-happened", {**form, "concern-summary": "Theirs."})
    refused = sergeant.resend("what-happened", shown, form, 422)
    assert "Kim Example saved this draft" in refused.text
    assert "Mine." in refused.text
    assert written(context)["concern"]["summary"] == "Theirs."
    sergeant.resend("what-happened", refused.text, form, 303)
    assert written(context)["concern"]["summary"] == "Mine."


def test_what_is_written_about_one_child_is_never_saved_for_another(
    context: Context, sergeant: Sergeant, enter: Callable[..., Person]
) -> None:
    sergeant.begin("SP/1")
    for name in ("Wren", "Robin", "Martin"):
        sergeant.fill("children/new", {"given_name": name})
    colleague = Sergeant(enter(FORCE, "Kim Example", "publish"), sergeant.draft)
    shown = sergeant.page("/children/1/voice")
    colleague.fill("children/0/remove", {})
    form = {"spoken": "yes", "said": "Robin said this."}
    refused = sergeant.resend("children/1/voice", shown, form, 422)
    assert "Kim Example saved this draft" in refused.text
    assert "SP/1 · Robin" in refused.text
    saved = sergeant.resend("children/1/voice", refused.text, form, 303)
    assert saved.headers["location"].endswith("/children")
    robin, martin = written(context)["children"]
    assert robin["voice"] == {"said": "Robin said this."}
    assert martin == {"id": "child-3", "given_name": "Martin"}
    colleague.fill("children/0/remove", {})
    before = rows(context, "select body, revision from draft")
    sergeant.resend("children/0/voice", refused.text, form, 404)
    assert rows(context, "select body, revision from draft") == before


ACTION = re.compile(r'<form method="post" action="/inbox/referrals/drafts/[^/]+/([^"]+)"')


@pytest.mark.parametrize(
    ("listing", "field"), [("facts", "text"), ("reports", "text"), ("actions", "details")]
)
def test_what_is_written_about_one_entry_is_never_saved_over_another(
    context: Context, sergeant: Sergeant, enter: Callable[..., Person], listing: str, field: str
) -> None:
    path = LISTINGS[listing].path
    sergeant.begin("SP/1")
    for text in ("First.", "Second.", "Third."):
        sergeant.fill(f"{listing}/new", {field: text}, later="yes")
    colleague = Sergeant(enter(FORCE, "Kim Example", "publish"), sergeant.draft)
    shown = sergeant.page(f"/{listing}/1")
    colleague.fill(f"{listing}/0/remove", {})
    form = {field: "Second, corrected.", "later": "yes"}
    warned = sergeant.resend(f"{listing}/1", shown, form, 422).text
    assert "Kim Example saved this draft" in warned
    (address,) = ACTION.findall(warned)
    sergeant.resend(address, warned, form, 303)
    assert [item[field] for item in get(written(context), path)] == ["Second, corrected.", "Third."]


def test_an_entry_that_was_removed_meanwhile_is_added_anew_and_overwrites_nothing(
    context: Context, sergeant: Sergeant, enter: Callable[..., Person]
) -> None:
    listing, field = "facts", "text"
    path = LISTINGS[listing].path
    sergeant.begin("SP/1")
    for text in ("First.", "Second."):
        sergeant.fill(f"{listing}/new", {field: text}, later="yes")
    colleague = Sergeant(enter(FORCE, "Kim Example", "publish"), sergeant.draft)
    shown = sergeant.page(f"/{listing}/0")
    colleague.fill(f"{listing}/0/remove", {})
    form = {field: "First, corrected.", "later": "yes"}
    refused = sergeant.resend(f"{listing}/0", shown, form, 422).text
    assert "changed or removed this after you opened the page" in refused
    assert "First, corrected." in refused
    assert [item[field] for item in get(written(context), path)] == ["Second."]
    (address,) = ACTION.findall(refused)
    assert address == f"{listing}/new"
    sergeant.resend(address, refused, form, 303)
    texts = [item[field] for item in get(written(context), path)]
    assert texts == ["Second.", "First, corrected."]


def test_the_id_of_somebody_who_was_removed_is_never_given_again(
    context: Context, sergeant: Sergeant, enter: Callable[..., Person]
) -> None:
    sergeant.begin("SP/1")
    for name in ("Wren", "Robin"):
        sergeant.fill("children/new", {"given_name": name})
    shown = sergeant.page("/children/1/voice")
    colleague = Sergeant(enter(FORCE, "Kim Example", "publish"), sergeant.draft)
    colleague.fill("children/1/remove", {})
    colleague.fill("children/new", {"given_name": "Martin"})
    form = {"spoken": "yes", "said": "Robin said this."}
    sergeant.resend("children/1/voice", shown, form, 404)
    wren, martin = written(context)["children"]
    assert (wren["id"], martin) == ("child-1", {"id": "child-3", "given_name": "Martin"})


def test_people_are_removed_only_when_nothing_is_about_them(
    context: Context, sergeant: Sergeant
) -> None:
    sergeant.begin("SP/1")
    sergeant.fill("children/new", {"given_name": "Wren"})
    sergeant.fill("children/new", {"given_name": "Robin"})
    sergeant.fill("household/new", {"given_name": "Delphine", "children-child-1": "yes"})
    sergeant.fill("facts/new", {"text": "Seen.", "about-child-1": "yes"})
    refused = sergeant.fill("children/0/remove", {}, 409)
    assert "This person is named in: Facts." in refused.text
    sergeant.fill("facts/0/remove", {})
    sergeant.fill("children/0/remove", {})
    document = written(context)
    assert [child["given_name"] for child in document["children"]] == ["Robin"]
    assert document["household"] == [{"id": "adult-3", "given_name": "Delphine"}]
    assert "concern" not in document
    sergeant.page("/children/1/who", 404)
    sergeant.page(f"/children/{'9' * 5000}/remove", 404)


def test_an_old_draft_is_erased_and_a_saved_one_stays(
    context: Context, clock: FixedClock, sergeant: Sergeant, enter: Callable[..., Person]
) -> None:
    sergeant.begin("SP/OLD")
    clock.advance(days=1)
    tomorrow = Sergeant(enter(FORCE, "Sam Example", "publish"))
    tomorrow.begin("SP/FRESH")
    clock.now += draft_acts.DRAFT_FOR
    clock.advance(hours=-1)
    assert Sweeper(context, "test").sweep()
    assert drafts(context) == [("SP/OLD", False, "expired"), ("SP/FRESH", True, None)]
    later = Sergeant(enter(FORCE, "Sam Example", "publish"), sergeant.draft)
    assert "it was too old" in later.page("", 404)


def test_a_deleted_draft_is_erased(context: Context, sergeant: Sergeant) -> None:
    sergeant.begin("SP/1")
    sergeant.resend("delete", sergeant.page("/urgency"), {}, 303)
    assert drafts(context) == [("SP/1", False, "deleted")]
    sergeant.page("", 404)
    sergeant.begin("SP/1")


def test_nobody_deletes_what_a_colleague_has_saved_since(
    context: Context, sergeant: Sergeant, enter: Callable[..., Person]
) -> None:
    sergeant.begin("SP/1")
    asked = sergeant.page("/delete")
    colleague = Sergeant(enter(FORCE, "Kim Example", "publish"), sergeant.draft)
    colleague.fill("children/new", {"given_name": "Wren"})
    assert "Somebody saved this draft" in sergeant.resend("delete", asked, {}, 409).text
    assert drafts(context) == [("SP/1", True, None)]
    assert written(context)["children"] == [{"id": "child-1", "given_name": "Wren"}]
    sergeant.resend("delete", sergeant.page("/delete"), {}, 303)
    assert drafts(context) == [("SP/1", False, "deleted")]


def test_drafts_of_a_publisher_are_bounded(
    context: Context, sergeant: Sergeant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(draft_acts, "MOST_DRAFTS", 2)
    sergeant.begin("SP/1")
    sergeant.begin("SP/2")
    assert "2 drafts" in sergeant.post("/new", {"reference": "SP/3"}, 409).text
    deleted = EndedDraft(
        publisher=OrganisationCode(FORCE),
        id=rows(context, "select id from draft where reference = 'SP/1'")[0][0],
        because=DraftEnd.DELETED,
        member=sergeant.person.id,
    )
    assert context.ledger.drafts.end(deleted, now=context.clock())
    sergeant.begin("SP/3")


def test_the_list_names_nobody(sergeant: Sergeant) -> None:
    fill_needed(sergeant, "SP/1")
    assert "Applegarth" in sergeant.page()
    assert "SP/1" in sergeant.get("/")
    assert "Applegarth" not in sergeant.get("/")
    sergeant.send()
    assert "SP/1" in sergeant.get("/?show=all")
    assert "Applegarth" not in sergeant.get("/?show=all")


def test_what_was_typed_survives_the_end_of_a_session(
    context: Context, clock: FixedClock, sergeant: Sergeant, enter: Callable[..., Person]
) -> None:
    sergeant.begin("SP/1")
    shown = sergeant.page("/what-happened")
    clock.advance(hours=1)
    form = {"concern-category": "grooming", "concern-summary": "Line one.\nLine two."}
    signed_out = sergeant.resend("what-happened", shown, form, 401).text
    assert "You are signed out" in signed_out
    assert "Line one.\nLine two." in signed_out
    again = Sergeant(enter(FORCE, "Sam Example", "publish"), sergeant.draft)
    restored = again.resend("what-happened", shown, form, 422).text
    assert "Line one.\nLine two." in restored
    assert "concern" not in written(context)
    again.resend("what-happened", restored, form, 303)
    assert written(context)["concern"]["summary"] == "Line one.\nLine two."


def test_who_signs_in_again_is_told_what_a_colleague_saved_meanwhile(
    context: Context, clock: FixedClock, sergeant: Sergeant, enter: Callable[..., Person]
) -> None:
    sergeant.begin("SP/1")
    shown = sergeant.page("/what-happened")
    clock.advance(hours=1)
    form = {"concern-category": "grooming", "concern-summary": "Mine."}
    signed_out = sergeant.resend("what-happened", shown, form, 401).text
    colleague = Sergeant(enter(FORCE, "Kim Example", "publish"), sergeant.draft)
    colleague.fill("what-happened", {**form, "concern-summary": "Theirs."})
    again = Sergeant(enter(FORCE, "Sam Example", "publish"), sergeant.draft)
    held = {**form, "revision": REVISION.findall(signed_out)[0]}
    restored = again.resend("what-happened", shown, held, 422).text
    assert "Kim Example saved this draft" in restored
    assert "Mine." in restored
    assert written(context)["concern"]["summary"] == "Theirs."


def test_a_picture_in_a_text_is_never_stored(context: Context, sergeant: Sergeant) -> None:
    sergeant.begin("SP/1")
    picture = "data:image/png;base64,iVBORw0KGgo" + "A" * 200
    before = rows(context, "select body from draft")
    form = {"concern-category": "grooming", "concern-summary": picture}
    assert "There is a problem" in sergeant.fill("what-happened", form, 422).text
    assert rows(context, "select body from draft") == before


def test_a_correction_and_a_new_draft_of_one_reference_are_kept_apart(
    context: Context, world: World, sergeant: Sergeant
) -> None:
    sergeant.begin("SP-2026-0001")
    receipt = world.routed(sample(1))
    path = f"/sent/{receipt['id']}/correct"
    assert "Delete that one first" in sergeant.post(path, {}, 409).text
    sergeant.resend("delete", sergeant.page("/urgency"), {}, 303)
    sergeant.post(path, {})
    assert rows(context, "select corrects::text, version from draft where ended_at is null") == [
        (receipt["id"], 1)
    ]
