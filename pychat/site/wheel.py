"""Puts the built site into the wheel, for an installed pychat to serve. Hatchling runs this; pychat never does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class SiteInWheel(BuildHookInterface[BuilderConfig]):
    """The build hook that pyproject.toml names."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the site as the folder `static` of the package; an editable install serves the checkout's own."""
        if version == "editable":
            return
        site = Path(self.root) / "build" / "site"
        if not (site / "index.html").is_file():
            self.app.abort("pychat: a wheel needs the built site: run `make wheel`, which builds both.")
        build_data["force_include"][str(site)] = "pychat/static"
