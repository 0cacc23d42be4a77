"""What every page must be, whatever its head learns."""

from __future__ import annotations

import re
from collections.abc import Mapping

from models.report.page import PAGE


def stands_alone(page: str, *, pictures: int) -> None:
    """All pictures, at least so many, are in the page; it asks for nothing from anywhere and runs nothing."""
    sources = re.findall(r'src="([^"]{0,30})', page)
    assert len(sources) >= pictures
    assert all(one.startswith("data:image/svg+xml;base64,") for one in sources)
    assert not re.search(r'(?:href|src|url\()\s*=?\s*["\']?(?:https?:)?//', page)
    assert not re.search(r"https?://", page)
    assert "<script" not in page


def is_whole(files: Mapping[str, bytes]) -> None:
    """Every picture of the page is a file of its own too."""
    pictures = {name for name in files if name != PAGE}
    assert files[PAGE].decode().count("<figure") == len(pictures)
    assert all(files[name].startswith(b"<?xml") for name in pictures)


def sections(page: str) -> list[str]:
    """The titles of its sections, in order."""
    return re.findall(r"<h2>(.*?)</h2>", page)
