"""What figshare, the Hugging Face hub and geneontology.org hand out, from this computer.

Addresses keep their paths; only their hosts are replaced. As there, figshare describes a file
before it hands it out, and files of figshare and of the hub come by way of a redirect.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flaky_server import Flaky, as_json, ranged, redirect

ARTICLE = 23796198


def publish(
    server: Flaky, downloads: Mapping[str, Mapping[str, Any]], files: Mapping[str, Path]
) -> dict:
    """Serve a file for every download of a config; the same downloads with addresses here.

    Parameters
    ----------
    server
        A running server.
    downloads
        Section ``downloads`` of a config.
    files
        What is handed out for each download; of a figshare file whose name ends in .h5ad, a zip
        archive around it.

    Returns
    -------
    dict
        The section with ``service``, ``url`` and ``sha256`` replaced.
    """
    if set(downloads) != set(files):
        raise ValueError(f"no file, or no download, for {sorted(set(downloads) ^ set(files))}")
    return {name: _publish(server, block, files[name]) for name, block in downloads.items()}


def _publish(server: Flaky, block: Mapping[str, Any], path: Path) -> dict:
    if "figshare" in block:
        number = block["figshare"]
        name, body = path.name, path.read_bytes()
        if path.suffix == ".h5ad":
            body, name = _zipped(path), f"{path.stem}.zip"
        stored = server.on(f"/storage/{number}/{name}", ranged(body))
        address = server.on(f"/files/{number}", redirect(stored))
        md5 = hashlib.md5(body, usedforsecurity=False).hexdigest()
        about = {
            "id": number, "name": name, "size": len(body), "is_link_only": False,
            "download_url": address, "supplied_md5": md5, "computed_md5": md5,
        }  # fmt: skip
        server.on(f"/v2/articles/{ARTICLE}/files/{number}", as_json(about))
        return {**block, "service": f"{server.url}/v2"}
    body, where = path.read_bytes(), urlsplit(block["url"])
    if where.hostname == "huggingface.co":
        stored = server.on(f"/lfs{where.path}", ranged(body))
        address = server.on(where.path, redirect(stored))
    else:
        address = server.on(where.path, ranged(body))
    moved = {**block, "url": address}
    return moved | ({"sha256": hashlib.sha256(body).hexdigest()} if "sha256" in block else {})


def _zipped(path: Path) -> bytes:
    archive = path.with_suffix(".zip")
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.write(path, path.name)
    return archive.read_bytes()
