"""What is downloaded, from where, and the checksum that it must have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge

from featurelens.options import STRICT, form

API = "https://api.figshare.com/v2"
"""Address of figshare's service."""
ARTICLE = 23796198
"""Number of multiDGD's article at figshare."""

Address = Annotated[
    str, form(r"^https?://[^/]+", "an address that begins with http:// or https://")
]
Place = Annotated[
    str,
    form(
        r"^resources/([\w.+-]+/)*[\w.+-]+$",
        "a path below resources/, of letters, digits and . + - _ between its slashes",
    ),
]
Sha256 = Annotated[str, form(r"^[0-9a-fA-F]{64}$", "a SHA-256 of 64 hexadecimal digits")]


@dataclass(frozen=True, kw_only=True)
class DownloadConfig:
    """A file to download, where nothing lies at its path yet."""

    __pydantic_config__ = STRICT

    path: Place
    """Where it goes, below resources/; datasets, models and collections name it by this path."""
    url: Address | None = None
    """Its address; either this or figshare."""
    figshare: Annotated[int, Ge(1)] | None = None
    """Its number at figshare, which tells address, size and checksum; a zip archive is unpacked."""
    article: Annotated[int, Ge(1)] = ARTICLE
    """Number of the figshare article; the default is that of multiDGD."""
    service: Address = API
    """Address of figshare's service, for those who have a mirror of it."""
    sha256: Sha256 | None = None
    """Checksum; without one that of the first download is kept beside the file and enforced."""

    def __post_init__(self) -> None:
        if (self.url is None) == (self.figshare is None):
            raise ValueError("give either the url of the file or its number at figshare")
        if ".." in self.path.split("/") or "." in self.path.split("/"):
            raise ValueError("path must name a file below resources/, without . or ..")


def belongs_to(resource: str, path: str) -> bool:
    """Whether a resource is the file at ``path``, or a file below that folder."""
    return resource == path or resource.startswith(path.rstrip("/") + "/")
