"""What holds for all tests."""

from __future__ import annotations

from hypothesis import settings

# A shared machine may be slow at any moment; a test says what is true, not how soon.
settings.register_profile("gate", deadline=None)
settings.load_profile("gate")
