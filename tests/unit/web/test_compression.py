"""Pages are compressed where no other site had opened them: their length would tell of secrets."""

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from broker.web.compression import Compression
from tests.conftest import ROOT


async def page(_: Request) -> PlainTextResponse:
    return PlainTextResponse("token=5f2d " * 200)


@pytest.mark.parametrize(
    ("site", "is_compressed"),
    [
        (None, False),
        ("", False),
        ("a word of tomorrow", False),
        ("none", True),
        ("same-origin", True),
        ("same-site", False),
        ("cross-site", False),
    ],
)
def test_only_what_no_other_site_had_opened_is_compressed(
    site: str | None, *, is_compressed: bool
) -> None:
    app = Starlette(routes=[Route("/", page)], middleware=[Middleware(Compression)])
    headers = {"Accept-Encoding": "gzip"} | ({} if site is None else {"Sec-Fetch-Site": site})
    answer = TestClient(app).get("/", headers=headers)
    assert answer.text == "token=5f2d " * 200
    assert ("content-encoding" in answer.headers) is is_compressed


def test_no_page_is_compressed_otherwise() -> None:
    compressing = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "broker").rglob("*.py")
        if "GZipMiddleware" in path.read_text(encoding="utf-8")
    }
    assert compressing == {"broker/web/compression.py"}
