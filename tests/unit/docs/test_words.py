"""What people read is in the words of docs/words.md: templates, sentences, alerts and guides."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from jinja2 import Environment, nodes

from tests.conftest import ROOT

PLACES = ("all", "sentences", "pages")
"""Where a word must not be, from the widest place to the narrowest."""
GUIDES = sorted(set((ROOT / "docs").glob("*.md")) - {ROOT / "docs" / "words.md"})
OF_PAGES = (
    *("dashboard", "inbox", "web", "notices"),
    *("flow/notify.py", "flow/inbox_notices.py", "flow/embargoes.py", "flow/outage_notices.py"),
)
"""Modules below ``broker`` whose sentences are shown on pages or sent in emails."""
ALLOWED = {
    "'ladders'",  # the name of a section of the policy's files
    "Royal Mail",
    "Who looks after your referrals while you are away",
}
"""Where a word means something else."""
Sentence = tuple[str, str]
"""Where it is, and its text."""


@cache
def forbidden() -> dict[str, tuple[re.Pattern[str], str]]:
    """Return by place what must not be said there, and the row with what to say."""
    text = (ROOT / "docs" / "words.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (.+) \| (.+) \| (all|sentences|pages) \|$", text, re.MULTILINE)
    return {
        phrase: (re.compile(rf"(?<![\w-]){re.escape(phrase)}(?![\w-])", re.IGNORECASE), place)
        for phrases, _, place in rows
        for phrase in phrases.split(", ")
    }


def wrong(sentences: Iterable[Sentence], place: str) -> list[str]:
    """Return each sentence that says what must not be said at a place."""
    patterns = {phrase: rule[0] for phrase, rule in forbidden().items() if rule[1] in wider(place)}
    return [
        f"{where}: {phrase!r} in {text.strip()[:120]!r}"
        for where, text in sentences
        for judged in [without_allowed(text)]
        if any_of(place).search(judged)
        for phrase, pattern in patterns.items()
        if pattern.search(judged)
    ]


def wider(place: str) -> tuple[str, ...]:
    """Return a place with those that it is a part of."""
    return PLACES[: PLACES.index(place) + 1]


@cache
def any_of(place: str) -> re.Pattern[str]:
    """Return what finds any phrase at once: most sentences have none."""
    phrases = [re.escape(phrase) for phrase, rule in forbidden().items() if rule[1] in wider(place)]
    return re.compile(rf"(?<![\w-])(?:{'|'.join(phrases)})(?![\w-])", re.IGNORECASE)


def without_allowed(text: str) -> str:
    for allowed in ALLOWED:
        text = text.replace(allowed, "")
    return text


def templates() -> Iterator[Sentence]:
    """Go through the text of every template, and the texts within its expressions."""
    for path in sorted((ROOT / "broker").glob("**/templates/*.html")):
        tree = Environment(autoescape=True).parse(path.read_text(encoding="utf-8"))
        for node in tree.find_all((nodes.TemplateData, nodes.Const)):
            text = node.data if isinstance(node, nodes.TemplateData) else node.value
            if isinstance(text, str):
                yield f"{path.name}:{node.lineno}", shown(text)


def shown(text: str) -> str:
    """Return the text of a piece of HTML, and the attributes that are read out."""
    read_out = re.findall(r'(?:aria-label|title|alt)="([^"{]*)"', text)
    return " ".join([re.sub(r"<[^>]*>|<[^>]*$|^[^<]*>", " ", text), *read_out])


def sentences(paths: list[Path]) -> Iterator[Sentence]:
    """Go through the texts of modules that have a space in them: phrases, not codes.

    Docstrings are for engineers, save those of commands; so are the texts of logs.
    """
    for path in paths:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        silent = set(docstrings(tree)) | set(logged(tree))
        for node in ast.walk(tree):
            match node:
                case ast.Constant(str(text)) if " " in text and id(node) not in silent:
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", text


def docstrings(tree: ast.Module) -> Iterator[int]:
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        for statement in body if isinstance(body, list) and not is_command(node) else []:
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                yield id(statement.value)


def is_command(node: ast.AST) -> bool:
    decorators = getattr(node, "decorator_list", [])
    return any(re.search(r"\b(command|group)\b", ast.unparse(item)) for item in decorators)


def logged(tree: ast.Module) -> Iterator[int]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name("_log"))):
                yield from (id(part) for part in ast.walk(node))


def modules(*folders: str) -> list[Path]:
    """Return the modules of folders, or single ones."""
    paths = [ROOT / folder for folder in folders]
    return sorted(
        module
        for path in paths
        for module in ([path] if path.suffix else path.rglob("*.py"))
        if "devstack" not in module.parts
    )


def test_templates_say_nothing_of_the_list() -> None:
    written = list(templates())
    assert len(written) > 500
    assert wrong(written, "pages") == []


def test_pages_and_emails_are_made_of_no_such_sentences() -> None:
    paths = modules(*(f"broker/{name}" for name in OF_PAGES))
    assert len(paths) > 40
    assert wrong(sentences(paths), "pages") == []


def test_messages_errors_and_commands_say_nothing_of_the_list() -> None:
    paths = modules("broker", "schemas", "sdk", "workers")
    written = list(sentences(paths))
    assert len(written) > 2000
    assert wrong(written, "sentences") == []


def test_alerts_and_the_board_say_nothing_of_the_list() -> None:
    rules = yaml.safe_load((ROOT / "deploy" / "prometheus" / "alerts.yml").read_text())
    board = yaml.safe_load((ROOT / "deploy" / "grafana" / "deadlines.json").read_text())
    assert wrong(texts_of([rules, board]), "sentences") == []


def texts_of(value: Any, where: str = "deploy") -> Iterator[Sentence]:
    """Go through the phrases of a document."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield from texts_of(member, str(name))
    elif isinstance(value, list):
        for member in value:
            yield from texts_of(member, where)
    elif isinstance(value, str) and " " in value and where != "expr":
        yield where, value


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.name)
def test_guides_say_nothing_of_the_list(guide: Path) -> None:
    lines = enumerate(guide.read_text(encoding="utf-8").splitlines(), 1)
    texts = ((f"{guide.name}:{n}", re.sub(r"`[^`]*`", "", line)) for n, line in lines)
    assert wrong(texts, "all") == []


def test_the_list_is_read_whole() -> None:
    text = (ROOT / "docs" / "words.md").read_text(encoding="utf-8").partition("| not |")[2]
    assert len(re.findall(r"^\| [^-]", text, re.MULTILINE)) >= 30
    assert len(forbidden()) > 60
    assert {place for _, place in forbidden().values()} == set(PLACES)


@pytest.mark.parametrize(
    ("text", "place", "is_wrong"),
    [
        ("You see to this escalation.", "all", True),
        ("Whoever runs the broker", "pages", True),
        ("Several recordings", "pages", False),
        ("No worker: nothing claimable.", "pages", True),
        ("No worker: nothing claimable.", "sentences", False),
        ("A step of 'ladders' is missing.", "sentences", False),
    ],
)
def test_what_must_not_be_said_is_seen(text: str, place: str, is_wrong: bool) -> None:
    assert bool(wrong(iter([("here", text)]), place)) == is_wrong
