"""Search is judged on the handbook, loaded once, as the tests of the server have it."""

from servers.docs.conftest import handbook, knowledge

__all__ = ["handbook", "knowledge"]
