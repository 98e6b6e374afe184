"""Notices by mail (RFC 5321), one connection for each: they are few."""

from __future__ import annotations

import smtplib
import socket
import ssl
import threading
from contextlib import suppress
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from broker.domain.ids import Clock
from broker.notices.base import Deferred, Message, NoticeOutcome, Refused, Sent

SECONDS = 10.0
"""For each wait for the mail server."""
TOTAL_SECONDS = 20.0
"""For one mail, however slowly the server sends its answers."""
_FOR_GOOD = range(500, 600)


class Email:
    """Sends by the mail server at ``smtp://user:password@host:port`` or ``smtps://…``.

    On ``smtp://`` the connection is encrypted whenever the server offers it, and always before a
    password is sent.
    """

    def __init__(
        self, url: str, *, sender: str, clock: Clock, total_seconds: float = TOTAL_SECONDS
    ) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "localhost", parts.port
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        self._encrypted = parts.scheme == "smtps"
        self._sender = sender
        self._clock = clock
        self._total_seconds = total_seconds

    def send(self, address: str, message: Message) -> NoticeOutcome:
        """Send one mail."""
        try:
            with self._connected() as server:
                server.send_message(self._mail(address, message), self._sender, [address])
        except (smtplib.SMTPException, OSError) as error:
            return _outcome(error)
        return Sent()

    def _connected(self) -> smtplib.SMTP:
        """Connect, encrypt where that is possible, and sign in where there is a user."""
        total = self._total_seconds
        if self._encrypted:
            server: smtplib.SMTP = _EncryptedClient(total, self._host, self._port or 465)
        else:
            server = _Client(total, self._host, self._port or 25)
            server.ehlo()
            if server.has_extn("starttls") or self._user:
                server.starttls(context=ssl.create_default_context())
                server.ehlo()
        if self._user:
            server.login(self._user, self._password)
        return server

    def _mail(self, address: str, message: Message) -> EmailMessage:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = self._sender, address, message.subject
        mail["Date"] = format_datetime(self._clock())
        mail["Message-ID"] = f"<{message.id}@{self._sender.rpartition('@')[2]}>"
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no absence notes in answer
        mail.set_content(message.text)
        return mail


class _Client(smtplib.SMTP):
    """Cuts its connection when the total time is up.

    ``smtplib`` limits each wait alone, and a server may send one byte within each.
    """

    def __init__(self, total_seconds: float, host: str, port: int, **options: Any) -> None:
        self._timer = threading.Timer(total_seconds, self._cut)
        self._timer.daemon = True
        self._timer.start()
        try:
            super().__init__(host, port, timeout=SECONDS, **options)
        except BaseException:
            self._timer.cancel()
            raise

    def close(self) -> None:
        self._timer.cancel()
        super().close()

    def _cut(self) -> None:
        # An encrypted socket's own shutdown would take its state from under the thread that waits.
        if isinstance(self.sock, socket.socket):
            with suppress(OSError):
                socket.socket.shutdown(self.sock, socket.SHUT_RDWR)


class _EncryptedClient(_Client, smtplib.SMTP_SSL):
    """Is encrypted from the first byte."""

    def __init__(self, total_seconds: float, host: str, port: int) -> None:
        super().__init__(total_seconds, host, port, context=ssl.create_default_context())


def _outcome(error: Exception) -> NoticeOutcome:
    """Return what an error of ``smtplib`` means; a server that is silent is tried again."""
    match error:
        case smtplib.SMTPRecipientsRefused(recipients=recipients):
            (code, _), *_ = recipients.values()
            return _by_code(code, "recipient")
        case smtplib.SMTPAuthenticationError():
            return Deferred("not_authenticated")
        case smtplib.SMTPConnectError():
            return Deferred("mail_server_unavailable", is_unavailable=True)
        case smtplib.SMTPResponseException(smtp_code=code):
            return _by_code(code, "mail")
        case _:
            return Deferred("mail_server_unavailable", is_unavailable=True)


def _by_code(code: int, subject: str) -> NoticeOutcome:
    return Refused(f"{subject}_refused") if code in _FOR_GOOD else Deferred(f"{subject}_deferred")
