"""The objects for Kubernetes: rendered by kubectl, checked by Kubernetes' own schemas and ours."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from broker import __version__, time_limits
from broker.bootstrap import read_settings
from broker.gateway.calls import CALLS
from tests.conftest import ROOT

FOLDER = ROOT / "deploy" / "kubernetes"
VERSIONS = ("1.31", "1.37")
"""The oldest and the newest Kubernetes whose schemas the objects are checked by."""
SECRETS = "/run/secrets/broker/"
KEDA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["scaleTargetRef", "triggers"],
    "properties": {
        "scaleTargetRef": {
            "type": "object",
            "additionalProperties": False,
            "required": ["name"],
            "properties": {"name": {"type": "string"}},
        },
        "pollingInterval": {"type": "integer"},
        "cooldownPeriod": {"type": "integer"},
        "minReplicaCount": {"type": "integer", "minimum": 1},
        "maxReplicaCount": {"type": "integer"},
        "fallback": {
            "type": "object",
            "additionalProperties": False,
            "required": ["failureThreshold", "replicas"],
            "properties": {
                "failureThreshold": {"type": "integer"},
                "replicas": {"type": "integer"},
            },
        },
        "advanced": {"type": "object"},
        "triggers": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["type", "metadata"],
                "properties": {
                    "type": {"const": "prometheus"},
                    "metricType": {"enum": ["AverageValue", "Value"]},
                    "metadata": {
                        "type": "object",
                        "required": ["serverAddress", "query", "threshold"],
                        "additionalProperties": {"type": "string"},
                    },
                },
            },
        },
    },
}
"""What KEDA 2 takes of a ScaledObject, as far as this one goes."""
Object = Mapping[str, Any]
pytestmark = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")


@cache
def objects() -> tuple[Object, ...]:
    """Return everything that ``kubectl apply -k`` would send."""
    rendered = subprocess.run(
        ["kubectl", "kustomize", FOLDER], capture_output=True, text=True, check=True
    )
    return tuple(yaml.safe_load_all(rendered.stdout))


def named(kind: str, name: str) -> Object:
    """Return the object of a kind and a name; the name of a map ends with a hash of its content."""
    (match,) = (
        object_
        for object_ in objects()
        if object_["kind"] == kind
        and re.fullmatch(f"{name}(-[a-z0-9]+)?", object_["metadata"]["name"])
    )
    return match


def pods() -> Iterator[tuple[str, Object]]:
    """Go through the templates of pods, by the name of what makes them."""
    for object_ in objects():
        if object_["kind"] in ("Deployment", "Job"):
            yield object_["metadata"]["name"], object_["spec"]["template"]


def test_every_object_is_one_of_kubernetes() -> None:
    kinds = [object_["kind"] for object_ in objects() if object_["kind"] != "ScaledObject"]
    assert len(kinds) == 10
    for object_ in objects():
        if object_["kind"] != "ScaledObject":
            for version in VERSIONS:
                kubernetes_validate.validate(object_, version, strict=True)


def test_workers_are_added_by_the_age_of_what_waits() -> None:
    spec = named("ScaledObject", "worker")["spec"]
    jsonschema.validate(spec, KEDA)
    named("Deployment", spec["scaleTargetRef"]["name"])
    (trigger,) = spec["triggers"]
    (metric,) = re.findall(r"broker_\w+", trigger["metadata"]["query"])
    figures = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert f"`{metric}`" in figures
    assert float(trigger["metadata"]["threshold"]) > 0
    assert "replicas" not in named("Deployment", "worker")["spec"], "two would decide how many"


@pytest.mark.parametrize("name", ["gateway", "worker", "migrate"])
def test_a_pod_can_do_no_more_than_it_must(name: str) -> None:
    spec = dict(pods())[name]["spec"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    user = re.search(r"^USER (\d+):", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.M)
    assert user is not None
    assert spec["securityContext"]["runAsUser"] == int(user[1])
    (container,) = spec["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["resources"]["limits"].keys() == {"memory"}
    assert container["image"] == f"referral-broker:{__version__}"


@pytest.mark.parametrize("name", ["gateway", "worker"])
def test_a_pod_has_the_settings_that_the_broker_reads(name: str, tmp_path: Path) -> None:
    """Each secret lies where the setting looks for it, and no name is one that nobody reads."""
    spec = dict(pods())[name]["spec"]
    (container,) = spec["containers"]
    secrets = {
        "database_url": "postgresql://broker_application:secret@database/broker",
        "wakeup_url": "redis://:secret@wakeup/0",
        "exchange_url": "redis://broker:secret@exchange/0",
        "smtp_url": "smtp://user:secret@mail.example.org:587",
        "child_key": "5a" * 32,
        "signing_key": "a key",
    }
    for secret, value in secrets.items():
        (tmp_path / secret).write_text(value, encoding="utf-8")
    environ = {
        entry["name"]: entry["value"].replace(SECRETS, f"{tmp_path}/") for entry in container["env"]
    }
    (source,) = container["envFrom"]
    environ |= named("ConfigMap", "broker")["data"]
    assert source["configMapRef"]["name"] == named("ConfigMap", "broker")["metadata"]["name"]
    settings = read_settings(environ)
    assert settings.database_url == secrets["database_url"]
    assert settings.child_key is not None
    assert settings.declared["BROKER_SIGNING_KEY"] == "a key"
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    assert secrets.keys() == set(compose["x-broker"]["secrets"])


@pytest.mark.parametrize("name", ["gateway", "worker"])
def test_a_pod_has_the_time_to_end_that_the_broker_needs(name: str) -> None:
    grace = dict(pods())[name]["spec"]["terminationGracePeriodSeconds"]
    assert grace >= time_limits.SUPERVISOR_GRACE


def test_probes_ask_what_there_is_and_wait_for_its_answer() -> None:
    (container,) = dict(pods())["gateway"]["spec"]["containers"]
    paths = {call.path for call in CALLS}
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"]["path"] in paths
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert container["readinessProbe"]["timeoutSeconds"] > time_limits.READY
    assert container["livenessProbe"]["httpGet"]["path"] == "/livez"


def test_what_selects_pods_finds_them() -> None:
    labels = {name: template["metadata"]["labels"] for name, template in pods()}
    for kind, name in (
        ("Service", "gateway"),
        ("PodDisruptionBudget", "gateway"),
        ("PodDisruptionBudget", "worker"),
        ("NetworkPolicy", "gateway"),
    ):
        spec = named(kind, name)["spec"]
        selector = spec.get("selector") or spec["podSelector"]
        wanted = selector.get("matchLabels", selector)
        assert wanted.items() <= labels[name].items()
        assert not any(
            wanted.items() <= others.items() for other, others in labels.items() if other != name
        )


def test_nobody_reaches_a_worker() -> None:
    policies = [object_["spec"] for object_ in objects() if object_["kind"] == "NetworkPolicy"]
    (worker,) = (template for name, template in pods() if name == "worker")
    applying = [
        spec
        for spec in policies
        if spec["podSelector"].get("matchLabels", {}).items()
        <= worker["metadata"]["labels"].items()
    ]
    assert [spec.get("ingress") for spec in applying] == [None]
