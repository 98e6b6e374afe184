"""The police side: publishes referrals and follows them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Self
from uuid import UUID

from referral_broker_client.errors import Problem
from referral_broker_client.http_client import HttpClient, Json, encode, version_seen
from referral_broker_client.results import (
    Event,
    Published,
    Recall,
    Receipt,
    Reconciled,
    Status,
)

Document = Mapping[str, Any] | bytes
"""A referral: as JSON values, or as the very bytes to send."""

BULK_LINES = 500
"""How many referrals go into one bulk request at most (the gateway takes 1,000)."""
BULK_BYTES = 4_000_000
"""About how many bytes go into one bulk request at most."""


class Publisher:
    """Publishes referrals to the broker. Safe to share between threads, and safe to repeat.

    A referral is named by its ``reference``: publishing the same document again, after a lost
    answer for example, returns the receipt of the first time. Other content under the same
    reference is a ``Conflict``, and changes nothing.
    """

    def __init__(self, url: str, key: str) -> None:
        self._http = HttpClient(url, key)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def publish(
        self,
        document: Document,
        *,
        idempotency_key: str | None = None,
        wait: float | None = None,
        traceparent: str | None = None,
        strict: bool = False,
    ) -> Receipt:
        """Publish one referral; when this returns, the broker has it for good.

        A field that cannot be read costs that field: it is among the ``defects`` of the receipt
        with ``wait``, and of the status. ``strict``: a fault raises ``Invalid`` with every fault.
        ``wait``: up to so many seconds for routing, so that the receipt's ``state`` and ``raw``
        say who gets it, and an invalid referral raises ``Invalid`` with every fault.
        ``traceparent``: your own span (W3C Trace Context), for a broker that sends traces.
        """
        headers = _traced(traceparent)
        if idempotency_key is not None:
            headers["Idempotency-Key"] = idempotency_key
        if preferences := _preferences(strict=strict, wait=wait):
            headers["Prefer"] = preferences
        reply = self._http.post("/v1/referrals", document, headers=headers, wait=wait or 0)
        return Receipt.from_json(reply.json())

    def publish_many(
        self,
        documents: Iterable[Document],
        *,
        traceparent: str | None = None,
        strict: bool = False,
    ) -> Iterator[Published]:
        """Publish any number of referrals in bulk; yield one result for each, in order.

        A document that is refused does not stop the others. Iterate to the end: a bulk request is
        sent only when its first result is asked for.
        """
        for lines in _bulks(documents):
            headers = {**_traced(traceparent), **_strictly(strict=strict)}
            yield from self._bulk(lines, headers)

    def _bulk(self, lines: Sequence[bytes], headers: dict[str, str]) -> Iterator[Published]:
        body = b"\n".join(lines) + b"\n"
        headers = {"Content-Type": "application/x-ndjson", **headers}
        reply = self._http.post("/v1/referrals/bulk", body, headers=headers)
        for line in reply.body.splitlines():
            yield _published(json.loads(line))

    def check(self, document: Document, *, strict: bool = False) -> Json:
        """Check a referral without sending it; nothing is stored.

        The result names who would get it, why, under which view and by when. Raises ``Invalid``
        with every fault when it would be rejected; ``strict``: when there is any fault.
        """
        headers = _strictly(strict=strict)
        return _object(self._http.post("/v1/referrals/check", document, headers=headers).json())

    def correct(
        self,
        document: Document,
        *,
        referral: str | UUID | None = None,
        idempotency_key: str | None = None,
        strict: bool = False,
    ) -> Receipt:
        """Publish the whole corrected document of a referral that you published before.

        ``referral``: its id; without it, the document's own reference names it. Everybody who
        has it gets the new version. The same document again is the same version; with a key of
        your own, also after a later one. Raises ``Invalid`` with every fault, and ``Conflict``
        when the referral was rejected or recalled. ``strict``: a field that cannot be read is
        such a fault, and does not only cost the field.
        """
        name = _reference(document) if referral is None else referral
        headers = {} if idempotency_key is None else {"Idempotency-Key": idempotency_key}
        headers |= _strictly(strict=strict)
        path = f"{self._path(name)}/corrections"
        return Receipt.from_json(self._http.post(path, document, headers=headers).json())

    def recall(
        self,
        referral: str | UUID,
        *,
        reason: str,
        by: str,
        expected_version: int | None = None,
    ) -> Recall:
        """Recall a referral, by its id or your own reference. Safe to repeat.

        The broker stops offering it, and every agency that has it must destroy it and confirm that.
        ``reason``: ``sent_in_error``, ``wrong_person``, ``inaccurate`` or ``unlawful``; ``by``:
        the person who recalls it; ``expected_version``: the version that the person saw. Raises
        ``Conflict`` when it was corrected since.
        """
        body = {"reason": reason, "by": by, **version_seen(expected_version)}
        return Recall.from_json(self._http.post(f"{self._path(referral)}/recall", body).json())

    def preview_recall(
        self,
        referral: str | UUID,
        *,
        reason: str,
        by: str,
        expected_version: int | None = None,
    ) -> Json:
        """Return what ``recall`` would write, its ``events`` and ``deliveries``; change nothing.

        Raises what ``recall`` raises.
        """
        body = {"reason": reason, "by": by, **version_seen(expected_version)}
        return _object(self._http.post(f"{self._path(referral)}/recall/preview", body).json())

    def status(self, referral: str | UUID) -> Status:
        """Return a referral's status, by its id or by your own reference."""
        return Status.from_json(self._http.get(*_address(referral)).json())

    def who_was_told(self, referral: str | UUID) -> Json:
        """Return each delivery of a referral: its agency, basis, version, times and decisions.

        No content, no notes and no people's names.
        """
        return _object(self._http.get(f"{self._path(referral)}/told").json())

    def who_was_told_csv(self, referral: str | UUID) -> str:
        """Return the same as CSV."""
        return self._http.get(f"{self._path(referral)}/told.csv").body.decode()

    def timeline(self, referral: str | UUID) -> Json:
        """Return everything that happened to a referral, oldest first, without content."""
        return _object(self._http.get(f"{self._path(referral)}/timeline").json())

    def events(self, *, after: str | None = None, wait: float = 0) -> Iterator[Event]:
        """Yield what happened to your referrals since ``after``, a cursor that you have stored.

        It ends when there is nothing more, after up to ``wait`` seconds. No event is ever skipped;
        go on with the ``cursor`` of the last event that you have dealt with. Raises ``CursorGone``
        when the broker cannot read on from ``after``, after a restore for example.
        """
        while True:
            query = {"wait": f"{wait:g}"} | ({"after": after} if after else {})
            page = self._http.get("/v1/events", query, wait=wait).json()
            if not page["events"]:
                return
            yield from map(Event.from_json, page["events"])
            after = page["next"]

    def reconcile(self, day: date, references: Iterable[str]) -> Reconciled:
        """Compare the references of a day's occurrences that concern a child, 5,000 at most.

        Each is looked for as a referral's reference and as its occurrence reference. Safe to
        repeat: the last list of a day counts.
        """
        listed = {"day": day.isoformat(), "references": list(references)}
        return Reconciled.from_json(self._http.post("/v1/reconciliations", listed).json())

    def questions(self, *, state: str = "open") -> list[Json]:
        """Return what agencies ask about your referrals, the latest first.

        ``state``: ``open`` for those that nobody has answered, or ``all``. Your feed says when
        there is a new one, with ``delivery.question_asked``.
        """
        answer = self._http.get("/v1/questions", {"state": state}).json()
        questions: list[Json] = answer["questions"]
        return questions

    def answer_question(
        self, question: str | UUID, *, by: str, text: str | None = None, version: int | None = None
    ) -> Json:
        """Answer a question of an agency; return it. Safe to repeat; the first answer stands.

        ``text``: the answer in words, for the agency that asked and no other. ``version``: the
        version of the referral that answers it, after you have sent the correction. One of them
        is needed. Raises ``Conflict`` when there is another answer.
        """
        given = {"by": by, "text": text, "version": version}
        body = {name: value for name, value in given.items() if value is not None}
        return _object(self._http.post(f"/v1/questions/{question}/answer", body).json())

    def _path(self, referral: str | UUID) -> str:
        """Return where a referral is, after looking its id up if a reference is given."""
        path, query = _address(referral)
        return f"/v1/referrals/{self.status(referral).id}" if query else path


def _preferences(*, strict: bool, wait: float | None = None) -> str:
    """Return the preferences of a request (RFC 7240)."""
    handling = ["handling=strict"] if strict else []
    return ", ".join([*handling, *([f"wait={wait:g}"] if wait is not None else [])])


def _strictly(*, strict: bool) -> dict[str, str]:
    return {"Prefer": _preferences(strict=strict)} if strict else {}


def _traced(traceparent: str | None) -> dict[str, str]:
    return {} if traceparent is None else {"traceparent": traceparent}


def _reference(document: Document) -> str:
    """Return the reference in a document. Raises ValueError when there is none."""
    value = json.loads(document) if isinstance(document, bytes) else document
    reference = value.get("reference") if isinstance(value, Mapping) else None
    if not isinstance(reference, str):
        raise ValueError("The document has no reference: say which referral it corrects.")
    return reference


def _bulks(documents: Iterable[Document]) -> Iterator[Sequence[bytes]]:
    """Cut the documents into requests that are neither too long nor too large."""
    lines: list[bytes] = []
    size = 0
    for document in documents:
        line = _line(document)
        if lines and (len(lines) == BULK_LINES or size + len(line) > BULK_BYTES):
            yield lines
            lines, size = [], 0
        lines.append(line)
        size += len(line)
    if lines:
        yield lines


def _line(document: Document) -> bytes:
    """Return the document as one line: JSON holds no newline that means anything."""
    if isinstance(document, bytes):
        return document.replace(b"\r", b" ").replace(b"\n", b" ")
    return encode(document)


def _published(result: Json) -> Published:
    receipt, problem = result.get("receipt"), result.get("problem")
    return Published(
        receipt=Receipt.from_json(receipt) if receipt else None,
        problem=Problem.from_json({"status": result["status"], **problem}) if problem else None,
    )


def _address(referral: str | UUID) -> tuple[str, dict[str, str] | None]:
    """Return path and query for an id, or for anything else: a reference."""
    try:
        return f"/v1/referrals/{UUID(str(referral))}", None
    except ValueError:
        return "/v1/referrals", {"reference": str(referral)}


def _object(value: Any) -> Json:
    return value if isinstance(value, Mapping) else {"value": value}
