"""Importing all modules of a package, so that what they declare is registered without a list of them."""

import sys
from importlib import import_module
from pkgutil import iter_modules


def import_modules(package: str) -> None:
    """Import every module of a package, by name."""
    for module in iter_modules(sys.modules[package].__path__):
        import_module(f"{package}.{module.name}")
