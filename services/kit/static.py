"""The built web client: a folder of few files, read into memory once and answered from there.

An address is looked up among the names that were read, so no address can reach any other file. What the build names
by its hash (`/assets/…`) is kept by browsers for ever; everything else is asked for again. Where a file has siblings
`.br` and `.gz`, the smallest that the client takes is sent. An address without a file is one of the client's own pages
and gets `index.html`.
"""

import mimetypes
import re
from pathlib import Path
from typing import NamedTuple, Self

from starlette.requests import Request
from starlette.responses import Response

from services.kit import problems

INDEX = "/index.html"
ASSETS = "/assets/"
FOR_EVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"
CODINGS = {".br": "br", ".gz": "gzip"}
"""How the build's compressed siblings end, the smaller first, and what HTTP calls them."""

REFUSED = re.compile(r"q\s*=\s*0(\.0*)?")

MEDIA_TYPES = {".js": "text/javascript", ".webmanifest": "application/manifest+json", ".svg": "image/svg+xml"}
"""Where the machine's own table may be wrong or silent; a wrong type would be refused by the browser (nosniff)."""


class _File(NamedTuple):
    """`coded`: the content under each coding of HTTP that it exists in, best first."""

    media_type: str
    content: bytes
    coded: dict[str, bytes]


class Site:
    """The files of one build."""

    def __init__(self, files: dict[str, _File]) -> None:
        self._files = files

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """The build in `folder`, None when there is none (no `index.html`)."""
        visible = (p for p in folder.rglob("*") if p.is_file() and not p.name.startswith("."))
        found = {f"/{p.relative_to(folder).as_posix()}": p for p in visible}
        if INDEX not in found:
            return None
        files = {}
        for name, path in found.items():
            if name.endswith(tuple(CODINGS)) and name.rpartition(".")[0] in found:
                continue
            siblings = {coding: found.get(name + end) for end, coding in CODINGS.items()}
            coded = {coding: sibling.read_bytes() for coding, sibling in siblings.items() if sibling is not None}
            files[name] = _File(_media_type(path), path.read_bytes(), coded)
        return cls(files)

    def answer(self, request: Request) -> Response:
        """The file at the address, or the client itself. Raises NotFound for an asset that this build lacks."""
        path = request.url.path
        file = self._files.get(path)
        if file is None:
            if path.startswith(ASSETS):
                raise problems.NotFound
            file = self._files[INDEX]
        headers = {"Cache-Control": FOR_EVER if path.startswith(ASSETS) else ASK_AGAIN}
        content = file.content
        if file.coded:
            headers["Vary"] = "Accept-Encoding"
            taken = accepted(request.headers.get("accept-encoding", ""))
            coding = next((coding for coding in file.coded if coding in taken), None)
            if coding is not None:
                content = file.coded[coding]
                headers["Content-Encoding"] = coding
        return Response(content, headers=headers, media_type=file.media_type)


def accepted(header: str) -> set[str]:
    """The codings that an Accept-Encoding names and does not refuse (`q=0`)."""
    taken = set()
    for part in header.lower().split(","):
        coding, _, weight = part.partition(";")
        if not REFUSED.fullmatch(weight.strip()):
            taken.add(coding.strip())
    return taken


def _media_type(path: Path) -> str:
    known = MEDIA_TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0]
    return known or "application/octet-stream"
