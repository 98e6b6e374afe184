"""What a document says, and where: handling, remarks, voices, what is not known, recalls."""

import copy
from datetime import UTC, datetime
from typing import Any

import pytest

from broker.domain.codes import Milestone
from broker.domain.outstanding import Outstanding
from broker.inbox.document import document
from broker.inbox.document_values import Card, Document, LineKind, Row, StatementKind, Tone
from tests.unit.inbox.conftest import NOW, ORGANISATIONS, Make, full, rendered
from tests.unit.inbox.reading import read


def show(delivery: dict[str, Any], now: datetime = NOW, **options: Any) -> Document:
    return document(delivery, now=now, organisations=ORGANISATIONS, **options)


def card(shown: Document, heading: str) -> Card:
    (found,) = [
        each
        for section in shown.sections
        for each in section.cards
        if each.heading.startswith(heading)
    ]
    return found


def row(rows: tuple[Row, ...], label: str) -> Row:
    (found,) = [each for each in rows if each.label == label]
    return found


def only(document_: dict[str, Any], **parts: Any) -> dict[str, Any]:
    """Return a document with some of its parts replaced."""
    return {**copy.deepcopy(document_), **parts}


def defect(pointer: str, code: str, message: str = "This is wrong.", **more: Any) -> dict[str, Any]:
    return {"pointer": pointer, "code": code, "message": message, **more}


def test_the_embargo_is_one_sentence_with_whom_and_until_when(deliver: Make) -> None:
    block = show(deliver(full())).handling
    assert block is not None
    assert block.tone is Tone.STOP
    assert block.heading == (
        "No contact with the family, the school, the person who may pose a risk or their employer "
        "before tomorrow 12:00"
    )
    assert block.call is not None
    assert (block.call.kind, block.call.href) == (LineKind.LINK, "tel:01632960101")
    assert row(block.rows, "Do not tell").text == "The stepfather; The mother"
    assert row(block.rows, "The parents").text.startswith("Do not know of this referral")


def test_an_embargo_that_is_over_says_so_and_what_it_forbade(deliver: Make) -> None:
    block = show(deliver(full()), datetime(2026, 12, 28, 9, tzinfo=UTC)).handling
    assert block is not None
    assert block.tone is Tone.OVER
    assert block.heading == "The embargo ended on Wednesday 23 December, 12:00"
    assert "the family" in row(block.rows, "No contact was allowed with").text


def test_an_embargo_is_over_from_its_end_on(deliver: Make) -> None:
    block = show(deliver(full()), datetime(2026, 12, 23, 12, tzinfo=UTC)).handling
    assert block is not None
    assert (block.tone, block.heading) == (Tone.OVER, "The embargo ended today 12:00")


def test_an_embargo_in_words_alone_is_as_loud_and_names_the_officer(deliver: Make) -> None:
    sample = only(full(), handling={"instructions": "Do not contact the family before Friday."})
    warning = defect("/handling/instructions", "embargo-in-words", "Ask the officer.")
    block = show(deliver(sample, warnings=[warning])).handling
    assert block is not None
    assert block.tone is Tone.STOP
    assert block.call is not None
    assert "01632" in block.call.text
    (remark,) = row(block.rows, "Instructions").remarks
    assert (remark.text, remark.is_warning) == ("Ask the officer.", True)


def test_handling_without_an_embargo_forbids_nothing(deliver: Make) -> None:
    sample = only(full(), handling={"marking": "OFFICIAL", "instructions": "Ring in the evening."})
    shown = show(deliver(sample))
    assert shown.handling is not None
    assert shown.handling.tone is Tone.NOTE
    assert shown.handling.call is None
    assert shown.marking == "OFFICIAL"


def test_nothing_is_said_of_handling_where_nothing_was_written(deliver: Make) -> None:
    shown = show(deliver(only(full(), handling={"marking": "OFFICIAL"})))
    assert shown.handling is None


@pytest.mark.parametrize("number", ["01632 960101 ext 4", "+44 1632 960101", "(01632) 960101"])
def test_a_number_that_can_be_dialled_is_a_link(deliver: Make, number: str) -> None:
    shown = show(deliver(only(full(), referrer={**full()["referrer"], "telephone": number})))
    police = next(section for section in shown.sections if section.id == "police")
    (line,) = row(police.rows, "Telephone").lines
    assert line.href in ("tel:01632960101", "tel:+441632960101")


def test_a_number_that_cannot_be_dialled_is_text(deliver: Make) -> None:
    shown = show(deliver(only(full(), referrer={**full()["referrer"], "telephone": "Not given."})))
    police = next(section for section in shown.sections if section.id == "police")
    (line,) = row(police.rows, "Telephone").lines
    assert (line.kind, line.href) == (LineKind.TEXT, "")


def test_deadlines_are_verbs_with_times_in_words(deliver: Make) -> None:
    why = show(deliver(full())).sections[0]
    assert row(why.rows, "Take it on").lines[0].text == "by today 14:00"
    assert row(why.rows, "Decide").lines[0].text == "by tomorrow 17:00"


def test_why_has_names_in_place_of_ids_and_codes(deliver: Make) -> None:
    why = (
        "A child lives here. child child-1: in E06000021, where the child lives. Stoke (E06000021)."
    )
    warning = defect("", "odd", "child child-9: look in E10000028 (E10000028).")
    shown = show(deliver(full(), why=why, warnings=[warning]))
    assert shown.sections[0].paragraphs == (
        "A child lives here. Isolde Fernsby: in Stoke-on-Trent, where the child lives. Stoke.",
    )
    assert "A child: look in Staffordshire." in read(shown)


def test_a_deadline_that_passed_was_due_and_one_that_was_met_is_done(deliver: Make) -> None:
    late = datetime(2026, 12, 22, 15, tzinfo=UTC)
    due = datetime(2026, 12, 22, 14, tzinfo=UTC)
    running = Outstanding({Milestone.ACKNOWLEDGE: due}, frozenset({Milestone.DECIDE}))
    why = show(deliver(full()), late, outstanding=running).sections[0]
    assert row(why.rows, "Take it on").lines[0].text == "was due today 14:00"
    assert row(why.rows, "Decide").lines[0].text == "The deadline is paused"
    ended = show(deliver(full(), state="returned"), late).sections[0]
    assert row(ended.rows, "Take it on").lines[0].text == "by today 14:00"
    why = show(deliver(full(), state="acknowledged"), late).sections[0]
    assert [line.text for line in row(why.rows, "Take it on").lines][:2] == [
        "by today 14:00",
        "Done",
    ]


def test_a_school_is_asked_to_read_and_its_page_is_short(deliver: Make) -> None:
    due = {"collect_by": None, "acknowledge_by": "2026-12-23T08:30:00Z", "decide_by": None}
    sample = only(full(), children=full()["children"][:1])
    shown = show(deliver(sample, "school", deadlines=due))
    assert shown.is_short
    assert row(shown.sections[0].rows, "Read it").lines[0].text == "by tomorrow 08:30"
    assert [section.heading for section in shown.sections] == [
        "Why you have it, and what is asked",
        "About the pupil",
        "What it is about",
        "Who to ask",
    ]
    assert "Lucian" not in read(shown)


def test_each_child_has_a_voice_also_where_nobody_asked(deliver: Make) -> None:
    sample = full()
    del sample["children"][2]["voice"]
    missing = [defect("/children/2/voice", "missing-voice", "Nothing says what the child said.")]
    shown = show(deliver(sample, defects=missing))
    isolde = card(shown, "Isolde").voice
    assert isolde is not None
    assert isolde.heading == "What Isolde said and showed"
    assert isolde.said == "“He said nobody else understands me.”"
    assert isolde.source == "Spoken to by PC Wilfred Noble, yesterday 13:00"
    unborn = card(shown, "Unborn baby, expected 10 April 2027").voice
    assert unborn is not None
    assert unborn.why_nothing == "Nobody asked. The reason given: Not born yet."
    ivor = card(shown, "Ivor, about 11").voice
    assert ivor is not None
    assert ivor.why_nothing == "Nobody recorded what the child said, showed or wants."
    assert ivor.remarks == ()


@pytest.mark.parametrize(
    ("voice", "words"),
    [
        (
            {"refused": "Turned away.", "demeanour": "Withdrawn."},
            "The child was asked and did not want to speak: Turned away.",
        ),
        ({"unknown": "refused"}, "The child was asked, and did not say anything."),
        ({"unknown": "not_asked"}, "Nobody asked."),
        ({"unknown": "not_yet_known"}, "Not known yet: the police will send a correction."),
    ],
)
def test_why_a_child_said_nothing_is_said(deliver: Make, voice: dict[str, str], words: str) -> None:
    sample = full()
    sample["children"][2]["voice"] = voice
    ivor = card(show(deliver(sample)), "Ivor, about 11").voice
    assert ivor is not None
    assert ivor.why_nothing == words


def test_a_view_without_voices_has_no_place_for_them(deliver: Make) -> None:
    shown = show(deliver(full(), "designated-officer"))
    assert all(each.voice is None for section in shown.sections for each in section.cards)


def test_a_voice_that_says_not_applicable_keeps_its_remark(deliver: Make) -> None:
    sample = full()
    sample["children"][0]["voice"] = {"said": "N/A"}
    faults = [defect("/children/0/voice", "missing-voice", "Nothing says what the child said.")]
    voice = card(show(deliver(sample, defects=faults)), "Isolde").voice
    assert voice is not None
    assert voice.said == "N/A"
    assert [remark.text for remark in voice.remarks] == ["Nothing says what the child said."]


def test_the_four_kinds_of_not_known_are_told_apart(deliver: Make) -> None:
    sample = only(full(), children=[full()["children"][0]])
    child = sample["children"][0]
    child["ethnicity"] = {"unknown": "not_asked"}
    child["language"] = {"unknown": "not_yet_known"}
    del child["disability"]
    faults = [
        defect("/children/0/ethnicity", "ethnicity-not-asked"),
        defect("/children/0/disability", "missing-disability"),
    ]
    shown = show(deliver(sample, defects=faults))
    unknown = next(section for section in shown.sections if section.id == "unknown")
    gaps = {
        label: (gap.why, gap.coming)
        for gap in unknown.gaps
        for label in gap.what
        if gap.whose == "Isolde Fernsby"
    }
    assert gaps == {
        "Ethnicity": ("Nobody asked", "You can ask the police"),
        "First language": ("Not known yet", "Yes, the police will send a correction"),
        "Religion or belief": ("Asked, and did not say", "No"),
        "Disability": ("Nobody recorded this", "You can ask the police"),
    }
    assert "This is wrong." not in read(shown)


def test_codes_that_say_not_known_are_not_known(deliver: Make) -> None:
    sample = full()
    sample["children"][0] |= {"sex": "unknown", "ethnicity": {"code": "REFU"}}
    isolde = card(show(deliver(sample)), "Isolde")
    for label in ("Sex", "Ethnicity"):
        assert row(isolde.rows, label).lines[0].kind is LineKind.UNKNOWN


def test_a_defect_stands_beside_its_field_with_what_the_police_wrote(deliver: Make) -> None:
    sample = full()
    del sample["children"][0]["nhs_number"]
    fault = defect(
        "/children/0/nhs_number", "bad-check", "The last digit is wrong.", original="9990001064"
    )
    number = row(card(show(deliver(sample, defects=[fault])), "Isolde").rows, "NHS number")
    assert number.lines[0].text == "Could not be read as it was written"
    assert [(each.text, each.original) for each in number.remarks] == [
        ("The last digit is wrong.", "9990001064")
    ]


def test_a_defect_within_a_field_says_what_it_is_about(deliver: Make) -> None:
    faults = [
        defect("/children/0/address/postcode", "bad-postcode", original="ST1"),
        defect("/children/0/shoe_size", "unknown-field", original="38"),
        defect("/children/9", "same-child-twice"),
        defect("", "name-outside-view", "Look at the text."),
    ]
    shown = show(deliver(full(), defects=faults))
    isolde = card(shown, "Isolde")
    (remark,) = row(isolde.rows, "Lives at").remarks
    assert (remark.about, remark.original) == ("Postcode", "ST1")
    assert [each.about for each in isolde.remarks] == ["Shoe size"]
    children = next(section for section in shown.sections if section.id == "children")
    assert len(children.remarks) == 1
    rest = next(section for section in shown.sections if section.id == "rest")
    assert [each.text for each in rest.remarks] == ["Look at the text."]


def test_every_remark_is_shown_exactly_once(deliver: Make) -> None:
    places = ["", "/concern/summary", "/concern/facts/0/at", "/online", "/online/hashes/0/value"]
    places += ["/times/graded_at", "/referrer", "/grade/level", "/handling/embargo/until"]
    places += ["/action_taken/0/by", "/household/0/date_of_birth", "/persons_posing_risk/1"]
    places += ["/online/identities/2/email", "/extensions/x", "/concern", "/nowhere/at/all"]
    places += ["/children/0/voice/said", "/children/1", "/handling/do_not_disclose_to/0"]
    faults = [defect(place, "odd", f"Remark {n:02}.") for n, place in enumerate(places)]
    text = read(show(deliver(full(), defects=faults)))
    assert [text.count(f"Remark {n:02}.") for n in range(len(places))] == [1] * len(places)


def test_a_child_without_a_name_is_said_by_age_and_sex(deliver: Make) -> None:
    children = [
        {"id": "a", "approximate_age": 11, "sex": "female"},
        {"id": "b", "approximate_age": 11, "sex": "female", "lives_with": ["a"]},
    ]
    shown = show(deliver(only(full(), children=children)))
    assert shown.heading == "A girl, about 11, and a girl, about 11"
    second = next(each for each in shown.sections if each.id == "children").cards[1]
    assert second.heading == "A girl, about 11 (2)"
    assert row(second.rows, "Lives with").text == "a girl, about 11 (1)"


def test_who_lives_with_a_child_and_may_pose_a_risk_is_said_so(deliver: Make) -> None:
    sample = full()
    sample["children"][0]["lives_with"] = ["mother", "suspect-1", "somebody-else"]
    lines = row(card(show(deliver(sample)), "Isolde").rows, "Lives with").lines
    assert [line.text for line in lines] == [
        "Delphine Fernsby (mother)",
        "Lucian Marchbanks, who may pose a risk",
        "1 person who is not shown to you",
    ]


def test_a_child_alleged_to_have_harmed_stands_among_children(deliver: Make) -> None:
    sample = full()
    sample["persons_posing_risk"] = [
        {"id": "boy", "age": 15, "sex": "male", "voice": {"said": "I am sorry."}}
    ]
    shown = show(deliver(sample))
    harmed = next(section for section in shown.sections if section.id == "harmed")
    (boy,) = harmed.cards
    assert boy.heading == "A boy, about 15"
    assert boy.voice is not None
    assert boy.voice.said == "I am sorry."
    assert not [section for section in shown.sections if section.id == "risk"]


def test_statements_of_four_kinds_are_four_kinds(deliver: Make) -> None:
    shown = show(deliver(full()))
    happened = next(section for section in shown.sections if section.id == "happened")
    assert [each.kind for each in happened.statements] == list(StatementKind)
    intelligence = happened.statements[-1]
    assert intelligence.heading == "Intelligence, shared under conditions"
    assert "Conditions: Not to be told to the school." in intelligence.notes


def test_an_account_of_somebody_who_is_not_shown_is_not_called_nobodys(deliver: Make) -> None:
    online = next(
        each for each in show(deliver(full(), "national")).sections if each.id == "online"
    )
    accounts = [each.label for each in online.rows if "account" in each.label.lower()]
    assert accounts == ["Accounts of somebody who is not shown to you"]
    assert row(online.rows, "Not linked to anybody").text.startswith("second_invented")


def test_a_raised_grade_is_said_beside_the_grade_of_the_police(deliver: Make) -> None:
    short = show(deliver(full(), effective_grade="very_high")).sections[1]
    assert row(short.rows, "Police grade").lines[0].text == "High"
    assert row(short.rows, "Deadlines follow").text.startswith("Very high")


def test_who_had_it_before_is_said_with_what_they_did(deliver: Make) -> None:
    answer = {"stage": "acknowledged", "at": "2026-12-21T22:10:00Z", "by": "Ada Night"}
    answer |= {"outcome": None, "reason": None, "note": "Child is with her aunt tonight."}
    before = {"from": "edt", "from_name": "Emergency duty team", "at": "2026-12-22T09:00:00Z"}
    why = show(deliver(full(), handed_over={**before, "answers": [answer]})).sections[0]
    assert row(why.rows, "Emergency duty team").text == (
        "Had it until today 09:00; Taken on, by Ada Night, yesterday 22:10; "
        "Note: Child is with her aunt tonight."
    )


def test_a_recall_shows_no_content_and_what_to_destroy() -> None:
    due = {"collect_by": None, "acknowledge_by": "2026-12-22T14:00:00Z", "decide_by": None}
    delivery = rendered({}, kind="recall", recall_reason="wrong_person", deadlines=due)
    shown = show(delivery)
    assert shown.heading == "Destroy every copy of SP/2026/4471"
    assert shown.recall is not None
    assert shown.recall.why == "It is about the wrong person."
    assert shown.recall.destroy
    assert [section.id for section in shown.sections] == ["why"]
    assert row(shown.sections[0].rows, "Confirm that you know").lines[0].text == "by today 14:00"


def test_what_was_replaced_says_that_there_is_nothing_to_show() -> None:
    shown = show(rendered({}, state="collected"))
    assert shown.recall is None
    assert shown.sections == ()
    assert shown.notices[0].startswith("Nothing of this referral can be shown")


def test_a_child_who_is_missing_now_is_named_at_the_top(deliver: Make) -> None:
    sample = full()
    sample["children"][0]["missing"]["status"] = "missing"
    sample["children"][1]["missing"] = {"status": "absent"}
    assert show(deliver(sample)).notices == (
        "Isolde Fernsby: missing now",
        "The unborn baby: not where expected, and no apparent risk",
    )


def test_an_old_version_sends_its_reader_to_the_new_one(deliver: Make) -> None:
    assert "newer version" in show(deliver(full(), latest_version=2)).notices[0]
    corrected = show(deliver(full(), kind="correction", version=2, latest_version=2))
    assert "corrected" in corrected.notices[0]
    assert len(corrected.notices) == 1


def test_an_embargo_that_was_extended_is_announced(deliver: Make) -> None:
    shown = show(deliver(full(), kind="correction", changed=["handling", "children"]))
    assert shown.notices[-1] == "How it must be handled has changed."


def test_a_referral_that_says_next_to_nothing_has_no_empty_heading() -> None:
    shown = show(rendered({"referrer": {"name": "DC Ashgrove"}}))
    assert [section.id for section in shown.sections] == ["why", "summary", "police"]
    assert all(not section.is_empty for section in shown.sections)


def test_local_additions_are_shown_with_whose_they_are() -> None:
    added = {"staffordshire-police": {"queue": "OCAT-3", "flags": ["wellbeing-call", 2, None]}}
    shown = show(rendered({"extensions": added}))
    extensions = next(section for section in shown.sections if section.id == "extensions")
    assert [(each.label, each.text) for each in extensions.rows] == [
        ("Staffordshire Police: queue", "OCAT-3"),
        ("Staffordshire Police: flags", "wellbeing-call"),
        ("Staffordshire Police: flags", "2"),
        ("Staffordshire Police: flags", "No value"),
    ]


def test_paper_says_as_of_when_it_is_true(deliver: Make) -> None:
    shown = show(deliver(full()), is_paper=True)
    assert shown.true_at == "Tuesday 22 December 2026, 10:25"
    assert shown.handling is not None
    assert shown.handling.heading.endswith("before Wednesday 23 December 2026, 12:00")
