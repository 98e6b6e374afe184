"""Gives tests the shipped directory as rows: what a document says, one organisation at a time."""

import json
from collections.abc import Mapping
from typing import Any

import yaml

from broker.domain.ids import OrganisationCode
from broker.policy.language.directory_reader import OrganisationRow
from broker.policy.published.policy import documents_from
from tests.conftest import POLICIES


class Plain(yaml.SafeLoader):
    """Reads days as they are written, and only numbers, true and false as anything but text."""


Plain.yaml_implicit_resolvers = {
    first: [(tag, form) for tag, form in resolvers if tag.endswith((":bool", ":int"))]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def entries() -> dict[OrganisationCode, dict[str, Any]]:
    """Return every organisation of the shipped directory as JSON."""
    document = yaml.load(documents_from(POLICIES)["directory.yaml"], Loader=Plain)
    return json.loads(json.dumps(document["organisations"]))


def rules_alone() -> dict[str, str]:
    """Return the shipped documents without an organisation."""
    documents = documents_from(POLICIES)
    directory = yaml.load(documents["directory.yaml"], Loader=Plain) | {"organisations": {}}
    return {**documents, "directory.yaml": yaml.safe_dump(directory, sort_keys=False)}


def row(
    code: str, document: Mapping[str, Any] | None, *, version: int = 1, first: int = 1
) -> OrganisationRow:
    """Return a row of an organisation."""
    return OrganisationRow(OrganisationCode(code), version, first, document)


def all_rows() -> list[OrganisationRow]:
    """Return every organisation of the shipped directory as a row, in the order of the document."""
    return [
        row(code, document, first=number)
        for number, (code, document) in enumerate(entries().items(), start=1)
    ]
