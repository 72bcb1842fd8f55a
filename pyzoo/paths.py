"""Where pyzoo keeps and finds its files."""

import os
import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def lean_dir() -> Path:
    """The Lean sources: `lean/` of a checkout, or their copy inside an installed package."""
    packaged = PACKAGE / "_lean"
    return packaged if packaged.is_dir() else PACKAGE.parent / "lean"


def trust_file() -> Path:
    """`trust_boundaries.yaml` of a checkout, or its copy inside an installed package."""
    packaged = PACKAGE / "trust_boundaries.yaml"
    return packaged if packaged.is_file() else PACKAGE.parent / "trust_boundaries.yaml"


def cache_dir() -> Path:
    """The user's cache folder for pyzoo; `PYZOO_CACHE` overrides it."""
    if override := os.environ.get("PYZOO_CACHE"):
        return Path(override)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "pyzoo"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "pyzoo"
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "pyzoo"
