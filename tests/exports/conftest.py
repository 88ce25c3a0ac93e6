"""The browser of the tests of pages, here for a trace viewer."""

from tests.pages.conftest import browser

__all__ = ["browser"]
