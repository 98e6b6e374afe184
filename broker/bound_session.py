"""A session of requests whose answers have a limit as a whole (``broker.conversations``)."""

from __future__ import annotations

from typing import Any

from requests import Session
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from broker.conversations import bound


class _Connection(HTTPConnection):
    def connect(self) -> None:
        super().connect()
        bound(self.sock)


class _EncryptedConnection(HTTPSConnection):
    def connect(self) -> None:
        super().connect()
        bound(self.sock)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _EncryptedPool(HTTPSConnectionPool):
    ConnectionCls = _EncryptedConnection


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _EncryptedPool}


def session() -> Session:
    """Return a session that takes no proxy from the environment and follows no redirect."""
    made = Session()
    made.trust_env = False
    made.max_redirects = 0
    for prefix in ("http://", "https://"):
        made.mount(prefix, _Adapter())
    return made
