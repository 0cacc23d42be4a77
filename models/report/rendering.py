"""How every page is made: templates of this folder filled in, text escaped, pictures inside the file."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from models.report import figures


@dataclass(frozen=True)
class Picture:
    """A figure with its name (its file is `<name>.svg`) and what one sees in it."""

    name: str
    title: str
    caption: str
    svg: bytes

    @property
    def source(self) -> str:
        """As a data URI: its ids cannot meet those of another picture."""
        return "data:image/svg+xml;base64," + base64.b64encode(self.svg).decode()


def drawn(name: str, title: str, caption: str, draw: Callable[[], Any]) -> Picture:
    """The picture that `draw` makes."""
    return Picture(name, title, caption, figures.svg(draw))


def rendered(template: str, **values: Any) -> str:
    """The page that a template of this folder gives; a value that it asks for and is not there raises."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    found = Environment(loader=PackageLoader("models", "report"), undefined=StrictUndefined, autoescape=True,
                        trim_blocks=True, lstrip_blocks=True)  # fmt: skip
    return found.get_template(template).render(**values)
