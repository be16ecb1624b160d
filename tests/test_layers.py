"""The house of the design: a module imports from lower floors only."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import adls_enduser
from adls_enduser import EndUserError, errors

ROOT = Path(adls_enduser.__file__).parent

FLOORS = {
    "errors": 0,
    "tokens": 1,
    "clocks": 1,
    "locks": 1,
    "claims": 1,
    "clouds": 1,
    "calls": 2,
    "remedies": 1,
    "unverified": 2,
    "cache": 2,
    "strategy": 2,
    "refusals": 3,
    "prompts": 2,
    "questions": 2,
    "browsers": 2,
    "pasting": 3,
    "options": 3,
    "source": 3,
    "entra": 4,
    "strategies": 5,
    "adapters": 5,
    "modes": 6,
    "factories": 7,
    "explaining": 7,
    "__init__": 8,
}

THIRD_PARTY = {
    "cryptography": {"cache/sealing.py"},
    "filelock": {"cache/files.py"},
    "keyring": {"cache/keys.py"},
    "platformdirs": {"cache/files.py"},
    "adal": {"entra/adal_backend.py"},
    "msal": {"entra/msal_backend.py"},
    "tenacity": {"entra/http.py"},
    "requests": {"entra/http.py", "adapters/credential.py"},
    "msrestazure": {"adapters/management.py"},
    "azure": {
        "adapters/credential.py",
        "adapters/filesystem.py",
        "entra/azure_core.py",
        "entra/azure_errors.py",
        "strategies/azure_cli.py",
    },
}


def _modules() -> list[Path]:
    return [path for path in sorted(ROOT.rglob("*.py")) if "sandbox" not in path.parts]


def _room(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def _runtime_nodes(tree: ast.AST) -> list[ast.AST]:
    """Give all nodes but those under ``if TYPE_CHECKING:``."""
    found, todo = [], [tree]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        found.append(node)
        todo.extend(ast.iter_child_nodes(node))
    return found


def _own_imports(path: Path, *, runtime: bool) -> set[str]:
    tree = ast.parse(path.read_text())
    nodes = _runtime_nodes(tree) if runtime else list(ast.walk(tree))
    package = path.relative_to(ROOT).parent.parts
    rooms = set()
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1]
            names = (node.module or "").split(".") if node.module else []
            full = [*base, *names]
            rooms |= {full[0]} if full else {alias.name for alias in node.names}
    return rooms


def _foreign_imports(path: Path) -> set[str]:
    found = set()
    for node in _runtime_nodes(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add((node.module or "").split(".")[0])
    return found - set(sys.stdlib_module_names)


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_from_lower_floors_only(path: Path) -> None:
    """No import goes up; within a room, and to an equal floor, it may go sideways."""
    here = _room(path)
    for room in _own_imports(path, runtime=True) - {here}:
        assert FLOORS[room] < FLOORS[here], f"{here} imports {room}"


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_above_knows_of_the_sandbox(path: Path) -> None:
    """The library never imports, not even for types, what pretends to be Azure."""
    assert "sandbox" not in _own_imports(path, runtime=False)


@pytest.mark.parametrize("package", sorted(THIRD_PARTY))
def test_a_foreign_package_is_imported_where_it_is_owned(package: str) -> None:
    """Each foreign package is imported by the modules that own it and by no other."""
    importers = {
        str(path.relative_to(ROOT)) for path in _modules() if package in _foreign_imports(path)
    }
    assert importers == THIRD_PARTY[package]


def test_no_other_foreign_package_is_imported() -> None:
    """Only the declared ones, and IPython inside of a running notebook."""
    found = set().union(*(_foreign_imports(path) for path in _modules()))
    assert found == {*THIRD_PARTY, "IPython"}


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


@pytest.mark.parametrize("path", _modules(), ids=_room)
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
