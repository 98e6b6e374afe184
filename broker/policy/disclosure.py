"""What an agency sees of a referral: what its view lists, of those people whom it may see.

Whatever is not listed is not shown, so a field that is added to the referral later is shown to
nobody until a view names it. The document is filtered as JSON, because it is shown as it was
received; its fields are named through ``name_of``, so that the type check knows each of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import field
from datetime import date, datetime
from typing import Any

from broker.errors import PolicyError
from broker.policy.language.recipient_words import RecipientWords
from broker.policy.language.views import Tree, View
from broker.policy.published.policy import Policy
from broker.policy.time.calendars import LONDON
from schemas.child import Child, Voice
from schemas.concern import ABOUT, BLOCKS, Concern
from schemas.defects import ADULT_AT, plausible_age
from schemas.handling import Times
from schemas.immutable import immutable
from schemas.links import SOMEBODY
from schemas.names import name_of
from schemas.online import Identity, Online
from schemas.person import ContactWithChild, HouseholdMember, PersonPosingRisk
from schemas.referral import HARMED, Referral

Json = Mapping[str, Any]

HANDLING = name_of(Referral, lambda referral: referral.handling)
TIMES = name_of(Referral, lambda referral: referral.times)
CHILDREN = name_of(Referral, lambda referral: referral.children)
HOUSEHOLD = name_of(Referral, lambda referral: referral.household)
PERSONS = name_of(Referral, lambda referral: referral.persons_posing_risk)
ONLINE = name_of(Referral, lambda referral: referral.online)
FIRST_KNOWN_AT = name_of(Times, lambda times: times.first_known_at)
CHILD_ID = name_of(Child, lambda child: child.id)
LIVES_WITH = name_of(Child, lambda child: child.lives_with)
PERSON_ID = name_of(PersonPosingRisk, lambda person: person.id)
BORN = name_of(PersonPosingRisk, lambda person: person.date_of_birth)
AGE = name_of(PersonPosingRisk, lambda person: person.age)
CONTACT = name_of(PersonPosingRisk, lambda person: person.contact)
CONTACT_CHILD = name_of(ContactWithChild, lambda contact: contact.child)
MEMBER_ID = name_of(HouseholdMember, lambda member: member.id)
MEMBER_CHILDREN = name_of(HouseholdMember, lambda member: member.children)
AT_RISK = name_of(HouseholdMember, lambda member: member.adult_at_risk)
CONCERN = name_of(Referral, lambda referral: referral.concern)
ACTION_TAKEN = name_of(Referral, lambda referral: referral.action_taken)
EXTENSIONS = name_of(Referral, lambda referral: referral.extensions)
SUMMARY = name_of(Concern, lambda concern: concern.summary)
VOICE = name_of(Child, lambda child: child.voice)
SHARE_WITH = name_of(Voice, lambda voice: voice.share_with)
LISTED = frozenset({CHILDREN, HOUSEHOLD, PERSONS, HARMED, ACTION_TAKEN})
"""The parts that are lists: where one is not in the content, nobody and nothing of it is shown."""
IDENTITIES = name_of(Online, lambda online: online.identities)
BELONGS_TO = name_of(Identity, lambda identity: identity.belongs_to)


@immutable
class Disclosed:
    """What an agency may see of a document, and where in it things stand."""

    content: dict[str, Any]
    """By the parts of a referral, how to handle it first."""
    _shows: Tree
    _places: Mapping[str, str | None]
    """For each item of a list that has moved its number now, or its whole place where that is in
    another part; None for an item that is not shown. Whatever is not named stands where it did."""
    hides: bool = False
    """Whether there is anybody in the document whom it does not show."""
    _known: dict[str, str | None] = field(default_factory=dict, repr=False, compare=False)
    """Places that were asked for already: several sentences rest on the same."""

    def pointer(self, original: str) -> str | None:
        """Return where something of the document stands in the content, None where it is hidden.

        A field that is shown wherever there is one has a place although this document lacks it.
        """
        if original not in self._known:
            self._known[original] = self._pointer(original)
        return self._known[original]

    def _pointer(self, original: str) -> str | None:
        steps = original.split("/")[1:]
        # In most documents nothing was left out and nothing has moved.
        tokens = self._moved(steps) if self._places else steps
        if tokens is None or not self._is_shown(tokens):
            return None
        return "/".join(["", *tokens])

    def _moved(self, steps: Sequence[str]) -> list[str] | None:
        """Return the steps to where something stands in the content, None where it is left out."""
        source, tokens = "", list[str]()
        for step in steps:
            source = f"{source}/{step}"
            place = self._places.get(source, step)
            if place is None:
                return None
            if place.startswith("/"):
                tokens = place.split("/")[1:]
            else:
                tokens.append(place)
        return tokens

    def shows(self, needs: Collection[Iterable[str]]) -> bool:
        """Tell whether what a sentence rests on is shown: all pointers of any of its grounds.

        What rests on nothing is shown to everybody.
        """
        if not needs:
            return True
        return any(None not in map(self.pointer, ground) for ground in needs)

    def _is_shown(self, tokens: Sequence[str]) -> bool:
        if tokens and tokens[0] in LISTED and tokens[0] not in self.content:
            return False
        if tokens and tokens[0] == EXTENSIONS:
            return len(tokens) > 1 and tokens[1] in _fields(self.content, EXTENSIONS)
        node: Any = self.content
        tree: Tree | None = self._shows
        for token in tokens:
            if isinstance(node, list):
                if not token.isdecimal() or int(token) >= len(node):
                    return False
                node = node[int(token)]
                continue
            if isinstance(node, dict) and token in node:
                node = node[token]
            elif tree and token not in tree:
                return False
            else:
                node = None
            tree = tree.get(token, {}) if tree else tree
        return True


@immutable
class _Narrowing:
    """Keeps what concerns the people in scope, and notes where the rest of each list has gone."""

    visible: frozenset[str]
    """The local ids of those whom the agency may see."""
    hidden: frozenset[str]
    known: frozenset[str]
    """The local ids of everybody in the document; an id of nobody says nothing."""
    places: dict[str, str | None] = field(default_factory=dict)

    def kept(self, items: Any, pointer: str, keep: Callable[[Json], bool]) -> list[Json]:
        """Return the items of a list that are kept."""
        shown: list[Json] = []
        for number, item in enumerate(items if isinstance(items, list) else ()):
            try:
                is_kept = isinstance(item, dict) and keep(item)
            except TypeError:  # as received, an id may be a list or an object
                is_kept = False
            if not is_kept:
                self.places[f"{pointer}/{number}"] = None
                continue
            if number != len(shown):
                self.places[f"{pointer}/{number}"] = str(len(shown))
            shown.append(item)
        return shown

    def concerns(self, block: Json) -> bool:
        """Tell whether a block is about nobody in particular, or about somebody in scope."""
        if ABOUT not in block:
            return True
        named = self.known.intersection(filter(_is_text, _listed(block, ABOUT)))
        return not named or not self.visible.isdisjoint(named)

    def may_name(self, id_: Any) -> bool:
        """Tell whether an id is that of somebody who is shown, or of nobody."""
        return id_ in self.visible or id_ not in self.known

    def covers(self, extension: Any) -> bool:
        """Tell whether everybody whom an extension is about is in scope.

        It may hold anything, so nothing of it can be left out for somebody else.
        """
        named = extension.get(ABOUT) if isinstance(extension, dict) else None
        if not isinstance(named, list) or not named:
            return not self.hidden
        return all(_is_text(id_) and id_ in self.visible for id_ in named)

    def told(self, block: Json) -> dict[str, Any]:
        """Return a block that names nobody outside the scope as whom it is about."""
        if ABOUT not in block:
            return dict(block)
        named = frozenset(filter(_is_text, _listed(block, ABOUT)))
        return _without(block, ABOUT, named - self.visible)


def disclose(
    view: str,
    *,
    document: Json,
    scope: Mapping[str, Sequence[str]],
    policy: Policy,
    agency: str = "",
) -> Disclosed:
    """Return what an agency may see of a validated document.

    ``scope`` names the ``children`` and ``persons`` that it may see, by their local ids;
    ``agency`` is its code, by which a child's voice may be shared with it. Raises PolicyError
    when the policy has no such view.
    """
    if view not in policy.views:
        raise PolicyError(f"The policy has no view {view!r}.")
    rules = policy.views[view]
    narrowed, narrowing = _of_scope(document, rules, scope)
    names = (HANDLING, *(name for name in rules.shows if name != HANDLING))
    shown = {name: _shown(narrowed[name], rules.shows[name]) for name in names if name in narrowed}
    if rules.voice_if_shared:
        _add_voices(shown, narrowed, policy.directory.words_for(agency))
    content = {name: value for name, value in shown.items() if value not in ({}, [])}
    hides = not narrowing.known <= narrowing.visible
    return Disclosed(content, rules.shows, narrowing.places, hides)


def render(
    view: str,
    *,
    document: Json,
    scope: Mapping[str, Sequence[str]],
    policy: Policy,
    agency: str = "",
) -> dict[str, Any]:
    """Return the content alone of what ``disclose`` returns. Raises as it does."""
    return disclose(view, document=document, scope=scope, policy=policy, agency=agency).content


def shows_whole(view: str, pointer: str, policy: Policy) -> bool:
    """Tell whether a view shows all that may stand at a place of its content."""
    part, *steps = pointer.split("/")[1:]
    shows = policy.views[view].shows
    return part in shows and _is_listed(shows[part], steps)


def _is_listed(tree: Tree, steps: Sequence[str]) -> bool:
    """Tell whether a field is listed, or something around it is shown whole."""
    for step in (step for step in steps if not step.isdecimal()):
        if not tree:
            return True
        if step not in tree:
            return False
        tree = tree[step]
    # What was set aside whole is shown whole, or not at all.
    return not tree


def _shown(value: Any, tree: Tree) -> Any:
    """Return a value without the fields that are not listed; an empty list of fields is all."""
    if not tree:
        return value
    if isinstance(value, list):
        return [_shown(item, tree) for item in value]
    if not isinstance(value, dict):
        return None
    return {
        name: _shown(value[name], below) if below else value[name]
        for name, below in tree.items()
        if name in value
    }


def _add_voices(shown: dict[str, Any], narrowed: Json, words: RecipientWords) -> None:
    """Show the voice of each child who lets this recipient, by kind, code or name, hear it."""
    for part in (CHILDREN, HARMED):
        for child, item in zip(narrowed[part], shown.get(part, ()), strict=False):
            voice = child.get(VOICE)
            if isinstance(voice, dict) and words.are_named_in(voice.get(SHARE_WITH, ())):
                item[VOICE] = {name: said for name, said in voice.items() if name != SHARE_WITH}


def _of_scope(
    document: Json, rules: View, scope: Mapping[str, Sequence[str]]
) -> tuple[dict[str, Any], _Narrowing]:
    """Return the document without anybody outside the scope, and without what points at them."""
    children, persons = frozenset(scope["children"]), frozenset(scope["persons"])
    everybody = {*_ids(document, CHILDREN, CHILD_ID), *_ids(document, PERSONS, PERSON_ID)}
    hidden = everybody - children - persons
    around = _household(document, children, rules) if HOUSEHOLD in rules.shows else frozenset()
    known = everybody.union(_ids(document, HOUSEHOLD, MEMBER_ID))
    if hidden:
        # What points at somebody who could not be read may be about them.
        hidden, known = hidden | {SOMEBODY}, known | {SOMEBODY}
    narrowing = _Narrowing(children | persons | around, frozenset(hidden), frozenset(known))
    return {
        **document,
        CHILDREN: [
            _without(child, LIVES_WITH, hidden)
            for child in narrowing.kept(
                document.get(CHILDREN),
                f"/{CHILDREN}",
                lambda child: child.get(CHILD_ID) in children,
            )
        ],
        **_persons(document, persons, narrowing, rules),
        HOUSEHOLD: [
            _without(member, MEMBER_CHILDREN, hidden)
            for member in narrowing.kept(
                document.get(HOUSEHOLD),
                f"/{HOUSEHOLD}",
                lambda member: _is_around(member, children, document, rules),
            )
        ],
        ONLINE: _online(_fields(document, ONLINE), narrowing),
        CONCERN: _concern(_fields(document, CONCERN), narrowing),
        ACTION_TAKEN: _blocks(document.get(ACTION_TAKEN), f"/{ACTION_TAKEN}", narrowing),
        EXTENSIONS: {
            namespace: extension
            for namespace, extension in _fields(document, EXTENSIONS).items()
            if narrowing.covers(extension)
        },
    }, narrowing


def _ids(document: Json, part: str, name: str) -> list[str]:
    return [
        item[name]
        for item in _listed(document, part)
        if isinstance(item, dict) and isinstance(item.get(name), str)
    ]


def _listed(record: Json, name: str) -> list[Any]:
    """Return a list of a document, which as received may hold something else in its place."""
    value = record.get(name)
    return value if isinstance(value, list) else []


def _hears_harmed(rules: View) -> bool:
    """Tell whether a view shows what a child said who is alleged to have harmed."""
    return HARMED in rules.shows and _is_listed(rules.shows[HARMED], [VOICE])


def _persons(
    document: Json, persons: Collection[str], narrowing: _Narrowing, rules: View
) -> dict[str, list[dict[str, Any]]]:
    """Return the persons posing risk, and apart from them the children who may have harmed.

    Who may be a child, because nobody said the age, is heard by those alone who hear a child.
    """
    parts: dict[str, list[dict[str, Any]]] = {PERSONS: [], HARMED: []}
    listed = _listed(document, PERSONS)
    if not listed:
        return parts
    day = _day(document)
    for number, person in enumerate(listed):
        place = f"/{PERSONS}/{number}"
        if not isinstance(person, dict) or str(person.get(PERSON_ID)) not in persons:
            narrowing.places[place] = None
            continue
        age = _age(person, day)
        part = HARMED if age is not None and age < ADULT_AT else PERSONS
        if part != PERSONS or number != len(parts[part]):
            narrowing.places[place] = f"/{part}/{len(parts[part])}"
        shown = _person(person, place, narrowing)
        if age is None and not _hears_harmed(rules):
            shown.pop(VOICE, None)
        parts[part].append(shown)
    return parts


def _household(document: Json, children: Collection[str], rules: View) -> frozenset[str]:
    return frozenset(
        member[MEMBER_ID]
        for member in _listed(document, HOUSEHOLD)
        if isinstance(member, dict)
        and isinstance(member.get(MEMBER_ID), str)
        and _is_around(member, children, document, rules)
    )


def _is_around(member: Json, children: Collection[str], document: Json, rules: View) -> bool:
    """Tell whether somebody of the household is shown beside these children."""
    if rules.adults_at_risk_only and not _is_adult_at_risk(member, document):
        return False
    return member.get(MEMBER_ID) in children or _belongs(member, children, document)


def _is_adult_at_risk(member: Json, document: Json) -> bool:
    age = _age({BORN: member.get(BORN)}, _day(document))
    return member.get(AT_RISK) is True and (age is None or age >= ADULT_AT)


def _concern(concern: Json, narrowing: _Narrowing) -> dict[str, Any]:
    """Return what happened as far as it is about people in scope."""
    shown = narrowing.told(concern)
    if not narrowing.concerns(concern):
        shown.pop(SUMMARY, None)
        narrowing.places[f"/{CONCERN}/{SUMMARY}"] = None
    for name in BLOCKS:
        if name in concern:
            shown[name] = _blocks(concern[name], f"/{CONCERN}/{name}", narrowing)
    return shown


def _blocks(items: Any, pointer: str, narrowing: _Narrowing) -> list[Json]:
    return [narrowing.told(item) for item in narrowing.kept(items, pointer, narrowing.concerns)]


def _day(document: Json) -> date:
    """Return the day on which the police knew: it never changes, so neither does what is shown."""
    return datetime.fromisoformat(document[TIMES][FIRST_KNOWN_AT]).astimezone(LONDON).date()


def _age(person: Json, day: date) -> int | None:
    """Return how old somebody is on a date, None where nobody said."""
    born = person.get(BORN)
    known = date.fromisoformat(born) if isinstance(born, str) else None
    return plausible_age(day, known, person.get(AGE))


def _person(person: Json, place: str, narrowing: _Narrowing) -> dict[str, Any]:
    if CONTACT not in person:
        return dict(person)
    shown = narrowing.kept(
        person[CONTACT],
        f"{place}/{CONTACT}",
        lambda contact: narrowing.may_name(contact.get(CONTACT_CHILD)),
    )
    return {**person, CONTACT: shown}


def _belongs(member: Json, children: Collection[str], document: Json) -> bool:
    """Tell whether somebody lives in the household of a child whom the agency may see."""
    named = set(filter(_is_text, _listed(member, MEMBER_CHILDREN)))
    if not named:
        named = {
            child[CHILD_ID]
            for child in _listed(document, CHILDREN)
            if isinstance(child, dict)
            and _is_text(child.get(CHILD_ID))
            and member.get(MEMBER_ID) in _listed(child, LIVES_WITH)
        }
    everybody = set(_ids(document, CHILDREN, CHILD_ID))
    is_of_somebody = not named or SOMEBODY in named
    return bool(named & set(children)) or (is_of_somebody and everybody <= set(children))


def _fields(document: Json, part: str) -> Json:
    value = document.get(part)
    return value if isinstance(value, dict) else {}


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _online(online: Json, narrowing: _Narrowing) -> dict[str, Any]:
    if IDENTITIES not in online:
        return dict(online)
    shown = narrowing.kept(
        online[IDENTITIES],
        f"/{ONLINE}/{IDENTITIES}",
        lambda identity: identity.get(BELONGS_TO) not in narrowing.hidden,
    )
    return {**online, IDENTITIES: shown}


def _without(record: Json, name: str, hidden: Collection[str]) -> dict[str, Any]:
    if name not in record:
        return dict(record)
    return {
        **record,
        name: [id_ for id_ in _listed(record, name) if _is_text(id_) and id_ not in hidden],
    }
