"""Contract tests for strategies and credentials, as pytest classes to inherit from.

``StrategyContract`` is for a strategy of any kind, ``EntraStrategyContract`` for one that
signs in at Entra ID, ``CredentialContract`` for what a factory returns::

    # test_my_strategy.py
    import pytest
    from adls_enduser.testing import StrategyContract

    class TestMyStrategy(StrategyContract):
        @pytest.fixture
        def strategy(self):
            return MyStrategy(...)  # in a state in which sign_in() needs no keyboard

The last two run on the sandbox and take its fixture ``azure_sandbox``: put
``pytest_plugins = ["adls_enduser.sandbox.pytest_plugin"]`` into your top ``conftest.py``, and
make the strategy with ``clock=azure_sandbox.clock``, because the tests move that clock.

Needs the extra ``[testing]``.
"""

from ..errors import import_failed

try:
    import pytest

    # Before they are imported, so that a failing assert shows its values.
    pytest.register_assert_rewrite(f"{__name__}.credentials", f"{__name__}.strategies")
    from .credentials import CredentialContract
    from .strategies import EntraStrategyContract, StrategyContract
except ImportError as error:
    raise import_failed(error, __name__, "'adls-enduser[testing]'") from error

__all__ = ["CredentialContract", "EntraStrategyContract", "StrategyContract"]
