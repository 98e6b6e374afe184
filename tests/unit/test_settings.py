"""What an operator may set, and what is refused."""

from datetime import timedelta
from pathlib import Path

import pytest

from broker.domain.codes import Right
from broker.settings import BadSettings, Settings

GIVEN = {
    "BROKER_DATABASE_URL": "postgresql://broker:hush@db.example.org/broker",
    "BROKER_WAKEUP_URL": "redis://:hush@wakeup.example.org/0",
    "BROKER_EXCHANGE_URL": "redis://:hush@exchange.example.org/0",
}


def refused(**more: str) -> dict[str, str]:
    with pytest.raises(BadSettings) as caught:
        Settings.from_environ(GIVEN | more)
    return {fault.pointer: fault.code for fault in caught.value.faults}


def test_three_addresses_are_enough() -> None:
    settings = Settings.from_environ(GIVEN | {"PATH": "/bin", "BROKER_LEASE_SECONDS": "90"})
    assert settings.database_url.endswith("/broker")
    assert settings.lease == timedelta(seconds=90)
    assert settings.clock_file is None


def test_no_address_ever_shows_in_the_repr() -> None:
    assert "hush" not in repr(Settings.from_environ(GIVEN))


def test_an_unknown_name_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(BadSettings, match="Did you mean BROKER_LOG_LEVEL"):
        Settings.from_environ(GIVEN | {"BROKER_LOGLEVEL": "info"})


def test_what_the_command_line_reads_is_no_fault() -> None:
    Settings.from_environ(GIVEN | {"BROKER_URL": "http://127.0.0.1:1", "BROKER_KEY": "rb_a_b"})


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(BadSettings) as caught:
        Settings.from_environ({"BROKER_HTTP_PORT": "70000"})
    assert len(caught.value.faults) == 4


@pytest.mark.parametrize("port", ["0", "65536", "-1", "8080.5", "", "²", "eight"])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    assert refused(BROKER_HTTP_PORT=port) == {"BROKER_HTTP_PORT": "not-in-range"}


def test_a_log_level_that_is_none_is_refused() -> None:
    assert refused(BROKER_LOG_LEVEL="loud") == {"BROKER_LOG_LEVEL": "unknown-word"}


NOTIFY = {
    "BROKER_NOTIFY_KEY": "the broker-8f4f1b1e-3c0b-4a43-9d6e-0a1b2c3d4e5f"
    "-11112222-3333-4444-8555-666677778888",
    "BROKER_NOTIFY_TEMPLATE": "aaaabbbb-cccc-4ddd-8eee-ffff00001111",
}


def test_text_messages_are_set_whole_or_not_at_all() -> None:
    notify = Settings.from_environ(GIVEN | NOTIFY).notify
    assert notify is not None
    assert notify.service == "8f4f1b1e-3c0b-4a43-9d6e-0a1b2c3d4e5f"
    assert notify.url == "https://api.notifications.service.gov.uk"
    assert notify.secret not in repr(Settings.from_environ(GIVEN | NOTIFY))
    assert Settings.from_environ(GIVEN).notify is None
    for name, value in NOTIFY.items():
        (missing,) = NOTIFY.keys() - {name}
        assert refused(**{name: value}) == {missing: "missing"}


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("BROKER_NOTIFY_KEY", "hush", "no-key"),
        ("BROKER_NOTIFY_TEMPLATE", "arrival", "wrong-form"),
        ("BROKER_NOTIFY_URL", "http://notify.example.org", "not-encrypted"),
    ],
)
def test_a_service_for_text_messages_that_cannot_work_is_refused(
    name: str, value: str, code: str
) -> None:
    assert refused(**NOTIFY | {name: value}) == {name: code}


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_text("redis://from-file.example.org/0\n")
    environ = GIVEN | {"BROKER_WAKEUP_URL_FILE": str(file)}
    del environ["BROKER_WAKEUP_URL"]
    assert Settings.from_environ(environ).wakeup_url == "redis://from-file.example.org/0"


def test_a_secret_given_twice_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_text("redis://from-file.example.org/0")
    assert refused(BROKER_WAKEUP_URL_FILE=str(file)) == {"BROKER_WAKEUP_URL": "twice"}


def test_a_file_that_is_not_there_is_refused_without_its_content(tmp_path: Path) -> None:
    environ = GIVEN | {"BROKER_WAKEUP_URL_FILE": str(tmp_path / "none")}
    del environ["BROKER_WAKEUP_URL"]
    with pytest.raises(BadSettings) as caught:
        Settings.from_environ(environ)
    assert [fault.code for fault in caught.value.faults] == ["unreadable"]


def test_the_key_of_marks_is_read_from_hex_and_shown_nowhere() -> None:
    settings = Settings.from_environ(GIVEN | {"BROKER_CHILD_KEY": "ab" * 32})
    assert settings.child_key == b"\xab" * 32
    assert "ab" * 32 not in repr(settings)
    assert "xab" not in repr(settings)
    assert Settings.from_environ(GIVEN).child_key is None


@pytest.mark.parametrize("key", ["ab" * 31, "not hex", "xy" * 32])
def test_a_short_or_wrong_key_of_marks_is_refused(key: str) -> None:
    assert refused(BROKER_CHILD_KEY=key) == {"BROKER_CHILD_KEY": "no-key"}


def test_proxies_are_named_by_address_and_network_alone() -> None:
    proxies = " 192.0.2.7, 2001:db8::/32"
    settings = Settings.from_environ(GIVEN | {"BROKER_TRUSTED_PROXIES": proxies})
    assert list(map(str, settings.trusted_proxies)) == ["192.0.2.7/32", "2001:db8::/32"]
    assert Settings.from_environ(GIVEN).trusted_proxies == ()
    for wrong in ("*", "proxy.example.org", "192.0.2.7/24"):
        assert refused(BROKER_TRUSTED_PROXIES=wrong) == {"BROKER_TRUSTED_PROXIES": "wrong-form"}


PROVIDER = {
    "BROKER_PUBLIC_URL": "https://broker.example.org",
    "BROKER_OIDC_ISSUER": "https://login.example.org/realm/",
    "BROKER_OIDC_CLIENT_ID": "broker",
    "BROKER_OIDC_CLIENT_SECRET": "a-secret-that-is-long",
}


def test_a_provider_is_read_and_its_secret_shown_nowhere() -> None:
    given = {"BROKER_OIDC_RIGHTS": "desk=view+act; CN=Leads,OU=Ops = all ;"}
    settings = Settings.from_environ(GIVEN | PROVIDER | given)
    assert settings.provider is not None
    assert settings.provider.issuer == PROVIDER["BROKER_OIDC_ISSUER"]
    assert settings.provider.rights == {
        "desk": {Right.VIEW, Right.ACT},
        "CN=Leads,OU=Ops": set(Right),
    }
    assert "a-secret" not in repr(settings)
    assert Settings.from_environ(GIVEN).provider is None


@pytest.mark.parametrize("name", PROVIDER)
def test_half_a_provider_is_refused(name: str) -> None:
    given = {key: value for key, value in PROVIDER.items() if key != name}
    assert name in refused(**given)


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("BROKER_OIDC_CLIENT_SECRET", "short", "no-key"),
        ("BROKER_OIDC_ISSUER", "http://login.example.org", "not-encrypted"),
        ("BROKER_OIDC_ISSUER", "https://login.example.org?a=b", "not-encrypted"),
        ("BROKER_OIDC_ISSUER", "https://jo:secret@login.example.org", "not-encrypted"),
        ("BROKER_OIDC_ISSUER", "https://[login", "not-encrypted"),
        ("BROKER_OIDC_ISSUER", "https://login.example.org/\nx", "not-encrypted"),
        ("BROKER_PUBLIC_URL", "http://broker.example.org", "not-encrypted"),
        ("BROKER_OIDC_SCOPE", "profile", "wrong-form"),
        ("BROKER_OIDC_RIGHTS", "desk", "wrong-form"),
        ("BROKER_OIDC_RIGHTS", "desk=fly", "wrong-form"),
        ("BROKER_OIDC_RIGHTS", "=view", "wrong-form"),
        ("BROKER_OIDC_RIGHTS", "desk=", "wrong-form"),
    ],
)
def test_a_provider_that_cannot_be_used_is_refused(name: str, value: str, code: str) -> None:
    assert refused(**(PROVIDER | {name: value})) == {name: code}


def test_a_provider_on_this_machine_may_be_plain() -> None:
    given = {
        "BROKER_OIDC_ISSUER": "http://127.0.0.1:9000",
        "BROKER_PUBLIC_URL": "http://localhost:8080",
    }
    assert Settings.from_environ(GIVEN | PROVIDER | given).provider is not None


@pytest.mark.parametrize("url", ["collector:4318", "grpc://collector.example.org:4317", "/traces"])
def test_a_collector_that_is_none_is_refused(url: str) -> None:
    assert refused(BROKER_TRACES_URL=url) == {"BROKER_TRACES_URL": "wrong-form"}


@pytest.mark.parametrize("percent", ["0", "101", "some"])
def test_a_share_that_is_none_is_refused(percent: str) -> None:
    assert refused(BROKER_TRACES_PERCENT=percent) == {"BROKER_TRACES_PERCENT": "not-in-range"}


def test_a_collectors_address_may_hold_a_password_and_never_shows() -> None:
    url = "https://broker:hush@collector.example.org/v1/traces"
    settings = Settings.from_environ(GIVEN | {"BROKER_TRACES_URL": url})
    assert settings.traces_url == url
    assert "hush" not in repr(settings)
