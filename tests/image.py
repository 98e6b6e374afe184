"""The image, looked at and run as a site runs it: read-only, as its own user, without rights.

    python -m tests.image NAME      NAME: an image in buildah's store; needs root

A referral is handed in at its gateway and routed by its worker, on the devstack's engines. Prints
what is wrong and ends with 1, or ends with 0.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from urllib.error import URLError
from urllib.parse import quote

from broker.devstack.engines import Engines
from tests.conftest import ROOT
from tests.faults.processes import _free_port

LARGEST = 450
"""MiB that the whole image may have."""
START_SECONDS = 90.0
ROUTED_SECONDS = 30
"""How long the gateway waits for the worker before it answers: 201 where it routed, 202 else."""
LAST_LINES = 20
"""Of a log that are shown when something is wrong."""
ENTER = """
set -eu
mount --bind "$1" "$1"
mount -o remount,bind,ro "$1"
mount --rbind /dev "$1/dev"
mount --rbind /proc "$1/proc"
mount -t tmpfs tmpfs "$1/tmp"
mount --rbind "$2" "$1/mnt"
root=$1
shift 2
exec chroot "$root" setpriv --reuid 10001 --regid 10001 --clear-groups --no-new-privs \
  --bounding-set=-all env --ignore-environment --chdir=/srv/broker "$@"
"""
"""A container by hand: nothing but /tmp and /dev/shm can be written."""


def buildah(*arguments: str) -> str:
    """Run buildah; return what it prints."""
    ran = subprocess.run(["buildah", *arguments], capture_output=True, text=True, check=True)
    return ran.stdout.strip()


class Image:
    """An image whose files are mounted."""

    def __init__(self, name: str, stack: ExitStack) -> None:
        container = buildah("from", name)
        stack.callback(buildah, "rm", container)
        self.root = Path(buildah("mount", container))
        inspected = json.loads(buildah("inspect", "--type", "image", name))
        self.config: Mapping[str, object] = inspected["OCIv1"]["config"]

    def command(self, folder: Path, settings: Mapping[str, str], *words: str) -> list[str]:
        """Return the command that runs ``words`` in it; it sees ``folder`` as /mnt."""
        variables = self.config["Env"]
        assert isinstance(variables, Sequence)
        given = [*variables, *(f"{name}={value}" for name, value in settings.items())]
        enter = ["unshare", "--mount", "sh", "-c", ENTER, "enter", str(self.root), str(folder)]
        return [*enter, *given, *words]


def looks(image: Image) -> Iterator[str]:
    """Go through what is wrong with the image as it lies there."""
    if image.config.get("User") != "10001:10001":
        yield f"it runs as {image.config.get('User')}"
    size = 0
    for folder, _, files in os.walk(image.root):
        for name in files:
            path = Path(folder, name)
            status, place = path.lstat(), path.relative_to(image.root)
            size += status.st_size
            if status.st_mode & 0o6000 and not path.is_symlink():
                yield f"/{place} changes its user"
            if name in ("pip", "pip3", "gcc", "cc", "apt-get") or (
                name == "__init__.py" and path.parent.name in ("pip", "ensurepip", "devstack")
            ):
                yield f"/{place} has no business here"
    if size > LARGEST << 20:
        yield f"it has {size >> 20} MiB, more than {LARGEST}"


@contextmanager
def running(command: Sequence[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command beside; end it at the end."""
    with log.open("wb") as stream:
        process = subprocess.Popen(command, stdout=stream, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(60)
        process.kill()
        process.wait()


def call(url: str, key: str = "", body: bytes | None = None) -> tuple[int, bytes]:
    """Call the gateway; return the status and the body, or status 0 where nothing answers."""
    headers = {
        "Content-Type": "application/json",
        "Idempotency-Key": "image",
        "Prefer": f"wait={ROUTED_SECONDS}",
    }
    if key:
        headers["Authorization"] = f"Bearer {key}"
    request = urllib.request.Request(url, body, headers)
    try:
        with urllib.request.urlopen(request, timeout=ROUTED_SECONDS + 10) as response:
            return response.status, response.read()
    except URLError as error:
        return getattr(error, "code", 0), b""


def runs(image: Image) -> Iterator[str]:
    """Go through what goes wrong when it runs: from an empty ledger to a routed referral."""
    with ExitStack() as stack:
        engines = stack.enter_context(Engines(durable=False))
        engines.postgres.folder.chmod(0o711)
        folder, port = engines.folder, _free_port()
        owner, application = (
            url.replace(quote(str(folder)), "/mnt")
            for url in (engines.database_url, engines.application_url)
        )
        settings = {
            "BROKER_DATABASE_URL": owner,
            "BROKER_WAKEUP_URL": engines.wakeup_url,
            "BROKER_EXCHANGE_URL": engines.exchange_url,
            "BROKER_SMTP_URL": "smtp://127.0.0.1:9",
            "BROKER_CHILD_KEY": secrets.token_hex(32),
            "BROKER_HTTP_HOST": "127.0.0.1",
            "BROKER_HTTP_PORT": str(port),
        }

        def run(*words: str) -> subprocess.CompletedProcess[str]:
            command = image.command(folder, settings, *words)
            return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)

        if run("touch", "/srv/broker/written").returncode == 0:
            yield "its files can be written"
        for words in (["migrate"], ["policy", "publish", "policies/england"]):
            ran = run("broker", *words)
            if ran.returncode:
                yield f"broker {' '.join(words)}: {ran.stderr or ran.stdout}"
                return
            settings["BROKER_DATABASE_URL"] = application
        key = run("broker", "keys", "issue", "staffordshire-police", "--scope", "publish", "--json")
        if key.returncode:
            yield f"broker keys issue: {key.stderr}"
            return
        for part in ("serve", "worker"):
            command = image.command(folder, settings, "broker", part)
            stack.enter_context(running(command, folder / f"{part}.log"))
        for fault in _referral(f"http://127.0.0.1:{port}", json.loads(key.stdout)["key"]):
            yield fault
            yield from _last_lines(folder)


def _last_lines(folder: Path) -> Iterator[str]:
    """Go through the end of each log, while its folder is there."""
    for log in sorted(folder.glob("*.log")):
        yield f"{log.name}:"
        yield from log.read_text(encoding="utf-8", errors="replace").splitlines()[-LAST_LINES:]


def _referral(url: str, key: str) -> Iterator[str]:
    """Hand in the README's first referral, and wait until it is routed."""
    until = time.monotonic() + START_SECONDS
    while call(f"{url}/readyz")[0] != 200:
        if time.monotonic() > until:
            yield "the gateway is not ready"
            return
        time.sleep(0.5)
    sample = (ROOT / "samples" / "first-referral.json").read_bytes()
    status, _ = call(f"{url}/v1/referrals", key, sample)
    if status == 202:
        yield f"the worker did not route the referral within {ROUTED_SECONDS} seconds"
    elif status != 201:
        yield f"the referral was answered with {status}"


def main() -> int:
    """Look at an image and run it; 1 when something is wrong."""
    with ExitStack() as stack:
        image = Image(sys.argv[1], stack)
        findings = [*looks(image), *runs(image)]
    print("\n".join(findings) or "The image holds what it must, and routes a referral.")
    return bool(findings)


if __name__ == "__main__":
    sys.exit(main())
