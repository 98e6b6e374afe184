"""Conditions of the policy: CEL over facts that each have a closed list of values.

CEL, the Common Expression Language, has no loops over unknown lengths and no side effects, so a
condition always ends. A condition is tried on every combination of the facts that it names when it
is read: one that never holds is refused, and the answers are kept, so using it is a look-up.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from operator import attrgetter, itemgetter
from typing import Any

from cel_expr_python import cel

from broker.errors import PolicyError
from broker.policy.language.vocabulary import FACTS, SUBJECTS, Value
from broker.policy.places.gazetteer import UNKNOWN

Reader = Callable[[object], tuple[Any, ...]]
_LONGEST = 1000
_MOST_CASES = 20_000
"""A condition over more combinations than this is for two rows."""
_MOST_NAMED = 30
_LITERAL = re.compile(r"'[^']*'|\"[^\"]*\"")
_NAME = re.compile(r"\b[a-z_]+\.[a-z_]+\b")


@dataclass(frozen=True, slots=True)
class Condition:
    """When a row counts."""

    text: str
    names: tuple[str, ...]
    """The facts that it names."""
    holding: frozenset[tuple[Value, ...]]
    """Every combination of their values for which it holds."""
    _paths: tuple[tuple[str, str], ...] = field(init=False, repr=False, compare=False)
    _readers: tuple[tuple[str, Reader], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        paths = [name.split(".") for name in self.names]
        object.__setattr__(self, "_paths", tuple((owner, fact) for owner, fact in paths))
        object.__setattr__(self, "_readers", tuple(_readers(self._paths)))

    def holds(self, subjects: Mapping[str, object]) -> bool:
        """Tell whether it holds for what is known about a subject."""
        return self._case(subjects) in self.holding

    def undecided_by(self, subjects: Mapping[str, object]) -> tuple[str, ...]:
        """Return the unknown facts because of which it does not hold, though it might.

        A subject names its unknown facts in ``unknown``; what is known is taken as it is.
        """
        unknown = [
            number
            for number, (owner, fact) in enumerate(self._paths)
            if fact in getattr(subjects[owner], "unknown", ())
        ]
        case = self._case(subjects) if unknown else ()
        if not unknown or case in self.holding:
            return ()
        known = [number for number in range(len(case)) if number not in unknown]
        might = any(all(holds[at] == case[at] for at in known) for holds in self.holding)
        return tuple(self.names[number] for number in unknown) if might else ()

    def reasons(self, subjects: Mapping[str, object]) -> list[tuple[str, str]]:
        """Return the facts because of which it holds, each with its words."""
        case = zip(self.names, self._case(subjects), strict=True)
        return [(name, _said(name, value)) for name, value in case if value is not False]

    def _case(self, subjects: Mapping[str, object]) -> tuple[Value, ...]:
        case: tuple[Any, ...] = ()
        for owner, read in self._readers:
            case += read(subjects[owner])
        if None in case:
            case = tuple([UNKNOWN if value is None else value for value in case])
        return case


def by_owner(paths: Iterable[tuple[str, str]]) -> Iterator[tuple[str, list[str]]]:
    """Go through owners, in order, with those of their facts that are named."""
    for owner, group in itertools.groupby(paths, key=itemgetter(0)):
        yield owner, [fact for _, fact in group]


def _readers(paths: Sequence[tuple[str, str]]) -> Iterator[tuple[str, Reader]]:
    """Yield what reads all facts of an owner at once."""
    for owner, facts in by_owner(paths):
        yield owner, attrgetter(*facts) if len(facts) > 1 else _alone(attrgetter(*facts))


def _alone(read: Callable[[object], Any]) -> Reader:
    return lambda subject: (read(subject),)


def read_condition(text: str, subject: str) -> Condition:
    """Read the condition of a row about a kind of subject.

    Raises PolicyError when it is no CEL, names an unknown fact or value, or can never hold.
    """
    if len(text) > _LONGEST:
        raise PolicyError(f"A condition has at most {_LONGEST} characters; write two rows.")
    expression = _compiled(text, subject)
    mentioned = set(_NAME.findall(_LITERAL.sub("''", text)))
    names = tuple(name for name in FACTS if name in mentioned)
    _check_literals(text, names)
    holding = frozenset(case for case in _cases(names) if _holds(expression, names, case))
    if not holding:
        raise PolicyError("This condition can never hold, so its row would never match.")
    return Condition(text, names, holding)


def _compiled(text: str, subject: str) -> Any:
    try:
        expression = _environment(subject).compile(text)
    except RuntimeError as error:
        raise PolicyError(f"The condition cannot be used: {_complaint(error)}.") from error
    if expression.return_type() != cel.Type.BOOL:
        raise PolicyError("A condition must say true or false.")
    return expression


@cache
def _environment(subject: str) -> Any:
    owners = SUBJECTS[subject]
    known = {name: fact for name, fact in FACTS.items() if name.partition(".")[0] in owners}
    types = {
        name: cel.Type.BOOL if fact.values == (False, True) else cel.Type.STRING
        for name, fact in known.items()
    }
    return cel.NewEnv(variables=types)


def _complaint(error: RuntimeError) -> str:
    """Return CEL's first complaint without its position in a text that it calls ``<input>``."""
    first = str(error).splitlines()[0].rpartition("ERROR: ")[2]
    return re.sub(r"^<input>:\d+:\d+: ", "", first)[:200]


def _check_literals(text: str, names: Sequence[str]) -> None:
    known = {value for name in names for value in FACTS[name].values}
    for literal in _LITERAL.findall(text):
        if literal[1:-1] not in known:
            values = sorted(value for value in known if isinstance(value, str))
            listed = ", ".join(values[:_MOST_NAMED]) + (", …" if len(values) > _MOST_NAMED else "")
            raise PolicyError(f"{literal} is no value of the facts named here; known: {listed}.")


def _cases(names: Sequence[str]) -> list[tuple[Value, ...]]:
    domains = [FACTS[name].values for name in names]
    count = 1
    for domain in domains:
        count *= len(domain)
    if count > _MOST_CASES:
        raise PolicyError("The condition names too many facts at once; write two rows.")
    return list(itertools.product(*domains))


def _holds(expression: Any, names: Sequence[str], case: Sequence[Value]) -> bool:
    data = dict(zip(names, case, strict=True))
    return expression.eval(data=data).plain_value() is True


@cache
def _said(name: str, value: Value) -> str:
    fact = FACTS[name]
    if value is True:
        return fact.words
    return f"{fact.words} is {fact.names.get(str(value)) or str(value).replace('_', ' ')}"
