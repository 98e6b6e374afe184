"""A virtual environment that holds exactly what its distributions ask for, made without a network.

Libraries are linked from the environment that runs the tests, one distribution at a time: each
that a wheel declares, and what those declare in turn. A library that is used and not declared is
therefore missing here, as it would be after ``pip install``.
"""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from collections.abc import Iterable, Mapping
from importlib.metadata import Distribution, PathDistribution, distribution
from importlib.util import cache_from_source
from pathlib import Path
from zipfile import Path as ZipPath
from zipfile import ZipFile

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


class FreshVenv:
    """An environment in a folder of its own; wheels of ours are installed by pip."""

    def __init__(self, folder: Path) -> None:
        venv.create(folder, with_pip=False, symlinks=True)
        self.folder = folder
        self.python = folder / "bin" / "python"
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        self._packages = folder / "lib" / version / "site-packages"
        self._linked: set[tuple[str, str]] = set()

    def install(self, wheel: Path, *extras: str, ours: Iterable[str] = ()) -> None:
        """Install a wheel and the libraries that it asks for, except wheels of ``ours``."""
        command = ["-m", "pip", "--python", str(self.python), "install", "--no-index", "--no-deps"]
        # What is imported is compiled then: most modules never are.
        quiet = ["--no-compile", "--quiet", "--disable-pip-version-check"]
        subprocess.run(
            [sys.executable, *command, *quiet, str(wheel)],
            check=True,
        )
        for requirement in _required(_metadata(wheel), extras):
            if requirement.name not in set(ours):
                self._link(requirement)

    def run(
        self, *command: str, environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a program of this environment, from its own folder and with nothing of ours set."""
        program, *arguments = command
        return subprocess.run(
            [self.folder / "bin" / program, *arguments],
            cwd=self.folder,
            env={"PATH": os.defpath, "HOME": str(self.folder), **(environment or {})},
            capture_output=True,
            text=True,
            check=False,
        )

    def _link(self, requirement: Requirement) -> None:
        """Link a library's files, then those of what it asks for."""
        for extra in ("", *sorted(requirement.extras)):
            key = (canonicalize_name(requirement.name), extra)
            if key in self._linked:
                continue
            self._linked.add(key)
            library = distribution(requirement.name)
            self._link_files(library)
            for further in _required(library, (extra,)):
                self._link(further)

    def _link_files(self, library: Distribution) -> None:
        for file in library.files or ():
            if ".." in file.parts or "__pycache__" in file.parts:
                continue
            link, source = self._packages / file, Path(str(library.locate_file(file)))
            _link(link, source)
            if file.suffix == ".py":
                # Otherwise each environment would compile every library anew.
                compiled = Path(cache_from_source(str(source)))
                if compiled.exists():
                    _link(Path(cache_from_source(str(link))), compiled)


def _link(link: Path, target: Path) -> None:
    if not link.exists():
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(target)


def _metadata(wheel: Path) -> Distribution:
    with ZipFile(wheel) as archive:
        (name,) = {n.split("/")[0] for n in archive.namelist() if ".dist-info/" in n}
    return PathDistribution(ZipPath(wheel, f"{name}/"))  # type: ignore[arg-type]


def _required(library: Distribution, extras: Iterable[str]) -> Iterable[Requirement]:
    """Yield what a distribution asks for on this machine, for it alone or for an extra as well."""
    environments = [{"extra": extra} for extra in ("", *extras)]
    for text in library.requires or ():
        requirement = Requirement(text)
        marker = requirement.marker
        if marker is None or any(marker.evaluate(environment) for environment in environments):
            yield requirement
