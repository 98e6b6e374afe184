"""Notices by mail (RFC 5321), one connection for each: they are few."""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import format_datetime
from urllib.parse import unquote, urlsplit

from broker.domain.ids import Clock
from broker.notices import Message, Never, NotNow, Result, Told

SECONDS = 10.0
_FOR_GOOD = range(500, 600)


class Email:
    """Sends by the mail server at ``smtp://user:password@host:port`` or ``smtps://…``.

    On ``smtp://`` the connection is encrypted whenever the server offers it, and always before a
    password is sent.
    """

    def __init__(self, url: str, *, sender: str, clock: Clock) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "localhost", parts.port
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        self._encrypted = parts.scheme == "smtps"
        self._sender = sender
        self._clock = clock

    def tell(self, address: str, message: Message) -> Result:
        """Send one mail."""
        try:
            with self._connected() as server:
                server.send_message(self._written(address, message), self._sender, [address])
        except smtplib.SMTPRecipientsRefused as error:
            (code, _), *_ = error.recipients.values()
            return Never("recipient_refused") if code in _FOR_GOOD else NotNow("recipient_deferred")
        except smtplib.SMTPAuthenticationError:
            return NotNow("not_authenticated")
        except smtplib.SMTPResponseException as error:
            return (
                Never("mail_refused") if error.smtp_code in _FOR_GOOD else NotNow("mail_deferred")
            )
        except (smtplib.SMTPException, OSError):
            return NotNow("mail_server_away")
        return Told()

    def _connected(self) -> smtplib.SMTP:
        if self._encrypted:
            context = ssl.create_default_context()
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                self._host, self._port or 465, timeout=SECONDS, context=context
            )
        else:
            server = smtplib.SMTP(self._host, self._port or 25, timeout=SECONDS)
            server.ehlo()
            if server.has_extn("starttls") or self._user:
                server.starttls(context=ssl.create_default_context())
                server.ehlo()
        if self._user:
            server.login(self._user, self._password)
        return server

    def _written(self, address: str, message: Message) -> EmailMessage:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = self._sender, address, message.subject
        mail["Date"] = format_datetime(self._clock())
        mail["Message-ID"] = f"<{message.id}@{self._sender.rpartition('@')[2]}>"
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no absence notes in answer
        mail.set_content(message.text)
        return mail
