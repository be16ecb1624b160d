"""The package as a whole: what it imports, what importing it loads, and its public names."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import adls_enduser
from adls_enduser import EndUserError, errors

ROOT = Path(adls_enduser.__file__).parent

# Each is declared in setup.cfg; which module may import it stands in pyproject.toml, where
# import-linter checks it.
FOREIGN = {
    "adal",
    "azure",
    "cryptography",
    "filelock",
    "keyring",
    "msal",
    "msrestazure",
    "platformdirs",
    "requests",
    "tenacity",
    "urllib3",
    "IPython",  # in a running notebook only
}


def _modules() -> list[Path]:
    return [
        path for path in sorted(ROOT.rglob("*.py")) if not {"sandbox", "testing"} & set(path.parts)
    ]


def _runtime_nodes(tree: ast.AST) -> list[ast.AST]:
    """Return all nodes but those under ``if TYPE_CHECKING:``."""
    found, todo = [], [tree]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        found.append(node)
        todo.extend(ast.iter_child_nodes(node))
    return found


def _foreign_imports(path: Path) -> set[str]:
    found = set()
    for node in _runtime_nodes(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add((node.module or "").split(".")[0])
    return found - set(sys.stdlib_module_names)


def test_no_other_foreign_package_is_imported() -> None:
    """The library imports the declared packages and no other."""
    assert set().union(*(_foreign_imports(path) for path in _modules())) == FOREIGN


def test_importing_the_package_loads_no_third_party_module() -> None:
    """A fresh interpreter has only the standard library and this package afterwards."""
    program = (
        "import sys; before = set(sys.modules); import adls_enduser;"
        "new = {name.split('.')[0] for name in set(sys.modules) - before};"
        "print(sorted(new - set(sys.stdlib_module_names)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "['adls_enduser']"


def test_importing_the_package_loads_no_module_of_its_own() -> None:
    """Each public name loads its module when it is first asked for."""
    program = (
        "import sys, adls_enduser; ours = lambda: {one for one in sys.modules if 'adls_e' in one};"
        "first = ours(); adls_enduser.PUBLIC; print(sorted(first), 'adls_enduser.clouds' in ours())"
    )
    done = subprocess.run(
        # Isolated from site, where an editable install may load a finder named for us.
        [sys.executable, "-S", "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT.parent,
    )
    assert done.stdout.strip() == "['adls_enduser'] True"


def test_public_names_are_shown() -> None:
    """``dir`` tells of names that are not loaded yet."""
    assert set(adls_enduser.__all__) <= set(dir(adls_enduser))


def test_the_version_is_the_installed_one() -> None:
    """``__version__`` comes from the package's metadata."""
    from importlib.metadata import version

    assert adls_enduser.__version__ == version("adls-enduser")


def test_every_public_name_is_there() -> None:
    """Everything in ``__all__`` can be had, and an unknown name is an AttributeError."""
    for name in adls_enduser.__all__:
        assert getattr(adls_enduser, name) is not None
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = adls_enduser.no_such_name


_ERRORS = {
    name
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, EndUserError)
}
# Their message says what the argument must be.
_WRONG_CALLS = {"EndUserError", "ConfigurationError"}


@pytest.mark.parametrize("path", _modules(), ids=str)
def test_every_error_says_what_to_do(path: Path) -> None:
    """Whoever builds an error gives its remedy, which the caller has in hand."""
    silent = [
        f"line {node.lineno}: {ast.unparse(node)}"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in _ERRORS - _WRONG_CALLS
        and "remedy" not in {keyword.arg for keyword in node.keywords}
    ]
    assert silent == []
