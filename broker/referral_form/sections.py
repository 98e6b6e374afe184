"""The task list: sections, and the pages and lists that they are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from broker.referral_form.questions import Path, Question, ask
from schemas.immutable import immutable

MOST_ROLES = 2
"""Kinds of work of one person that the form offers; more that a document holds stay in it."""


@immutable
class Page:
    """Questions that are answered together."""

    key: str
    title: str
    questions: tuple[Question, ...]
    lead: str = ""
    """What is said before the questions."""

    @property
    def is_voice(self) -> bool:
        """Whether it asks what a child said, with a template of its own."""
        return self.key == "voice"


@immutable
class Listing:
    """A list of the document, whose items are written one by one."""

    key: str
    path: Path
    title: str
    noun: str
    """One item, as "Add a child" names it."""
    pages: tuple[Page, ...]
    prefix: str = ""
    """What the ids of its items begin with; empty where they have none."""
    limit: int = 20
    """Items that the form lets people add; fewer than the schema allows."""


@immutable
class Section:
    """A row of the task list."""

    key: str
    title: str
    parts: tuple[Page | Listing, ...]

    @property
    def page(self) -> Page | None:
        """The only page of the section, where it is one."""
        only = self.parts[0]
        return only if len(self.parts) == 1 and isinstance(only, Page) else None


def _page(key: str, title: str, base: Path, fields: str, *, lead: str = "") -> Page:
    """Return a page about fields of an object: names with dots between steps, blanks between."""
    questions = tuple(ask(base, *_steps(field)) for field in fields.split())
    return Page(key, title, questions, lead)


def _steps(field: str) -> Path:
    return tuple(int(step) if step.isdigit() else step for step in field.split("."))


def _listed(
    key: str, path: Path, title: str, noun: str, fields: str, *, prefix: str = ""
) -> Listing:
    """Return a list whose items have one page."""
    page = _page("item", f"{noun[:1].upper()}{noun[1:]}", (*path, 0), fields)
    return Listing(key, path, title, noun, (page,), prefix)


_CHILD, _PERSON, _MEMBER = ("children", 0), ("persons_posing_risk", 0), ("household", 0)

_VOICE_FIELDS = (
    "said views concerns demeanour behaviour spoken_to_at spoken_to_by refused not_asked share_with"
)
VOICE = _page("voice", "What the child said and showed", (*_CHILD, "voice"), _VOICE_FIELDS)
"""A page of its own, with its own template: the answers depend on whether the child was asked."""
PERSON_VOICE = _page(
    VOICE.key,
    "What this person said and showed, if under 18",
    (*_PERSON, "voice"),
    _VOICE_FIELDS,
    lead=(
        "Only for somebody under 18: a child who is alleged to have harmed is a child too, and is "
        "heard as one. Leave everything empty for an adult."
    ),
)

CHILDREN = Listing(
    "children",
    ("children",),
    "Children",
    "a child",
    (
        _page(
            "who",
            "Name and age",
            _CHILD,
            "given_name family_name aliases date_of_birth approximate_age expected_date_of_birth "
            "sex gender",
            lead="Enter what you know. A child without a name can be sent as well.",
        ),
        _page(
            "where",
            "Where the child lives",
            _CHILD,
            "address.postcode area address.lines address.country found_area",
        ),
        _page(
            "care",
            "Family, school and care",
            _CHILD,
            "lives_with school.name school.urn looked_after placing_authority protection_plan "
            "open_case.area open_case.team",
        ),
        _page(
            "about",
            "About the child",
            _CHILD,
            "ethnicity disability language interpreter_needed religion missing health.needs "
            "health.details nhs_number upn",
            lead=(
                "If you do not know something, say why. The agency then knows whether to ask "
                "again. It never stops you from sending."
            ),
        ),
        VOICE,
    ),
    "child",
)


def _work() -> Page:
    """Return the page about the work of somebody, with the same questions for each kind of work."""
    fields = ("kind", "title", "organisation", "urn", "area", "works_with_children")
    names = [f"roles.{number}.{field}" for number in range(MOST_ROLES) for field in fields]
    page = _page(
        "work",
        "Work and volunteering",
        _PERSON,
        " ".join(names),
        lead="Enter paid work, voluntary work and foster care. You can enter two.",
    )
    questions = [
        replace(question, label=f"Second work: {question.label[:1].lower()}{question.label[1:]}")
        if 1 in question.path
        else question
        for question in page.questions
    ]
    return replace(page, questions=tuple(questions))


PERSONS = Listing(
    "people",
    ("persons_posing_risk",),
    "People who may pose a risk",
    "a person",
    (
        _page(
            "who",
            "Name and age",
            _PERSON,
            "given_name family_name date_of_birth age sex contact",
        ),
        _page(
            "where",
            "Where this person lives",
            _PERSON,
            "address.postcode area address.lines address.country",
        ),
        _work(),
        _page(
            "risk",
            "Risk",
            _PERSON,
            "management.status management.managed_by management.area offence_history",
        ),
        PERSON_VOICE,
    ),
    "person",
)
HOUSEHOLD = Listing(
    "household",
    ("household",),
    "Household",
    "a member of the household",
    (
        _page(
            "who",
            "Household member",
            _MEMBER,
            "given_name family_name date_of_birth children relationship parental_responsibility "
            "adult_at_risk",
        ),
    ),
    "adult",
)


def _alone(key: str, title: str, fields: str, *, lead: str = "") -> Section:
    """Return a section that is one page about the document."""
    return Section(key, title, (_page(key, title, (), fields, lead=lead),))


URGENCY = _alone(
    "urgency",
    "How urgent it is",
    "grade.level grade.reason times.first_known_at grade.graded_by grade.tool times.graded_at "
    "times.child_identified_at",
)
HAPPENED = _alone(
    "what-happened",
    "What happened",
    "concern.category concern.summary concern.domestic_abuse concern.about",
)
WHO_MUST_NOT_KNOW = _alone(
    "handling",
    "Who must not know, and until when",
    "handling.embargo.until handling.embargo.reason handling.embargo.no_contact_with "
    "handling.embargo.call_first.name handling.embargo.call_first.telephone "
    "handling.do_not_disclose_to handling.parents_informed.informed "
    "handling.parents_informed.reason handling.instructions handling.marking",
    lead="Leave everything empty if there is nothing to keep from anybody.",
)
TEAM = _alone(
    "team",
    "You and your team",
    "referrer.name referrer.role referrer.telephone referrer.email referrer.unit "
    "referrer.occurrence_reference referrer.officer_in_case referrer.supervisor",
)
STATEMENTS = Section(
    "statements",
    "Facts, reports and judgements",
    (
        _listed("facts", ("concern", "facts"), "Facts", "a fact", "text at source about"),
        _listed(
            "reports",
            ("concern", "third_party_reports"),
            "What others said",
            "a report",
            "text reported_by at about",
        ),
        _listed(
            "judgements",
            ("concern", "judgements"),
            "Judgements",
            "a judgement",
            "text made_by about",
        ),
        _listed(
            "intelligence",
            ("concern", "intelligence"),
            "Intelligence",
            "intelligence",
            "text source_evaluation information_evaluation handling conditions about",
        ),
    ),
)
ONLINE = Section(
    "online",
    "Accounts and reports online",
    (
        _listed(
            "accounts",
            ("online", "identities"),
            "Accounts",
            "an account",
            "platform username display_name email telephone belongs_to",
            prefix="account",
        ),
        _listed(
            "online-reports",
            ("online", "reports"),
            "Reports",
            "a report",
            "source id source_name incident_type priority received_at",
        ),
        _listed("services", ("online", "platforms"), "Services", "a service", "name kind"),
        _page(
            "images",
            "How many images were found",
            (),
            "online.image_counts.a online.image_counts.b online.image_counts.c",
            lead="Enter numbers only. Never describe or attach an image.",
        ),
    ),
)
DONE = Section(
    "done",
    "What police have done",
    (
        _listed(
            "actions",
            ("action_taken",),
            "What police have done",
            "an action",
            "action at by details about",
        ),
    ),
)
NEEDED = (URGENCY, Section("children", "Children", (CHILDREN,)), HAPPENED, WHO_MUST_NOT_KNOW, TEAM)
"""What is needed to send it, or must at least be looked at."""
HELPFUL = (
    Section("people", "People who may pose a risk", (PERSONS,)),
    STATEMENTS,
    Section("household", "Household", (HOUSEHOLD,)),
    ONLINE,
    DONE,
)
"""What helps agencies to act."""
SECTIONS: Mapping[str, Section] = {section.key: section for section in (*NEEDED, *HELPFUL)}
LISTINGS: Mapping[str, Listing] = {
    part.key: part
    for section in SECTIONS.values()
    for part in section.parts
    if isinstance(part, Listing)
}
PAGES: Mapping[str, Page] = {
    part.key: part
    for section in SECTIONS.values()
    for part in section.parts
    if isinstance(part, Page)
}
"""The pages that are about the document itself, by their key."""
SECTION_OF: Mapping[str, Section] = {
    part.key: section for section in SECTIONS.values() for part in section.parts
}
"""The section of each page and list."""
