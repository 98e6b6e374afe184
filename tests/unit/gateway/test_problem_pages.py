"""Every kind of problem has a page, and every answer with a problem leads to it."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.testclient import TestClient

from broker import errors
from broker.errors import BrokerError
from broker.gateway import problem_pages, problems


@pytest.fixture
def client() -> TestClient:
    return TestClient(Starlette(routes=list(problem_pages.ROUTES)))


def kinds(root: type[BrokerError]) -> Iterator[type[BrokerError]]:
    """Go through the errors that the broker or its gateway defines."""
    for kind in root.__subclasses__():
        if kind.__module__ in (errors.__name__, problems.__name__):
            yield kind
        yield from kinds(kind)


def test_every_kind_of_problem_has_an_explanation_of_its_own() -> None:
    assert problem_pages.EXPLANATIONS.keys() == problems.KINDS.keys()
    assert {kind.code for kind in kinds(BrokerError)} <= problem_pages.EXPLANATIONS.keys()
    texts = problem_pages.EXPLANATIONS.values()
    assert len(set(texts)) == len(texts)
    assert all(len(text) > 40 and text.endswith(".") for text in texts)


@pytest.mark.parametrize("code", sorted(problems.KINDS))
def test_the_page_says_what_it_means_and_what_to_do(client: TestClient, code: str) -> None:
    answer = client.get(f"/problems/{code}")
    text = html.unescape(re.sub(r"<[^>]+>", " ", answer.text))
    means = problems.KINDS[code]
    assert answer.status_code == 200
    for part in (code, means.title, means.next_step, problem_pages.EXPLANATIONS[code]):
        assert part in text
    assert ("Yes, it may succeed later." in text) == means.retryable


def test_the_list_leads_to_every_page(client: TestClient) -> None:
    listed = re.findall(r'href="(/problems/[^"]+)"', client.get("/problems").text)
    assert {address.rpartition("/")[2] for address in listed} == problems.KINDS.keys()
    assert {client.get(address).status_code for address in listed} == {200}


def test_an_unknown_kind_gets_the_list_and_nothing_is_repeated(client: TestClient) -> None:
    answer = client.get("/problems/%3Cscript%3E")
    assert answer.status_code == 404
    assert "script" not in answer.text
    assert "/problems/invalid" in answer.text


@pytest.mark.parametrize("kind", [*kinds(BrokerError), ValueError], ids=lambda kind: kind.__name__)
def test_every_answer_leads_to_its_page(client: TestClient, kind: type[Exception]) -> None:
    error = kind.__new__(kind)
    code = problems.code_of(error)
    document_path = f"{problems.PATH}/{code}"
    if isinstance(error, errors.Throttled):
        error = errors.Throttled("", retry_after=timedelta(seconds=1))
    assert problems.headers_of(error)["Link"] == f'<{document_path}>; rel="help"'
    assert client.get(document_path).status_code == 200


def test_type_is_the_same_name_everywhere() -> None:
    request = Request({"type": "http", "state": {"request_id": "1"}})
    body = problems.respond(request, errors.NotFound("Nothing has this ID.")).body
    assert b'"https://referral-broker.example.org/problems/not-found"' in body


def test_the_style_is_the_one_that_the_page_may_have(client: TestClient) -> None:
    answer = client.get("/problems/invalid")
    policy = answer.headers["content-security-policy"]
    (style,) = re.findall(r"<style>(.*?)</style>", answer.text)
    assert style == problem_pages.STYLE
    assert policy == problem_pages.CONTENT_SECURITY_POLICY
