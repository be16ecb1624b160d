"""Programs that carry the package with them: frozen, zipped, or with a part of it missing.

tests/clients/test_frozen.py runs frozen programs.
"""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
import zipapp
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import adls_enduser
from adls_enduser.sandbox import CONTOSO

from .test_package import ROOT, _modules, _runtime_nodes

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = "tests.programs.every_mode"
ADA = {"mode": "password", "username": f"ada@{CONTOSO}", "password": "ada-password"}
GRACE = {"mode": "device_code", "username": f"grace@{CONTOSO}"}


def _name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__")


def _imported(path: Path) -> Iterator[str]:
    """Return what a module's import statements may name, but those under TYPE_CHECKING."""
    package = path.parent.relative_to(ROOT.parent).parts
    for node in _runtime_nodes(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            parts = [*package[: len(package) + 1 - node.level], *(node.module or "").split(".")]
            base = ".".join(filter(None, parts))
            yield from (base, *(f"{base}.{alias.name}" for alias in node.names))


def test_every_module_is_named_by_an_import_statement() -> None:
    """PyInstaller and cx_Freeze follow those, Nuitka only those that are not for types alone."""
    files = {_name(path): path for path in _modules()}
    todo, reached = ["adls_enduser"], set()
    while todo:
        name = todo.pop()
        if name in files and name not in reached:
            reached.add(name)
            todo += [name.rpartition(".")[0], *_imported(files[name])]
    assert reached == set(files)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Return a program with the whole package in one file (``python -m zipapp``)."""
    folder = tmp_path / "app"
    shutil.copytree(ROOT, folder / "adls_enduser", ignore=shutil.ignore_patterns("__pycache__"))
    main = Path(__file__).parent / "programs" / f"{PROGRAM.rpartition('.')[2]}.py"
    shutil.copy(main, folder / "__main__.py")
    zipapp.create_archive(folder)
    shutil.rmtree(folder)
    return tmp_path / "app.pyz"


@pytest.mark.any_sdk
@pytest.mark.parametrize("options", [ADA, GRACE], ids=["password", "device_code"])
def test_it_runs_from_a_zip(archive: Path, options: dict[str, str], library: str) -> None:
    """The library does, and so does the sandbox with its pages."""
    told = json.dumps({**options, "library": library})
    sandbox = [sys.executable, "-m", "adls_enduser.sandbox", "--quiet", "--approve"]
    done = subprocess.run(
        [*sandbox, "--", sys.executable, str(archive), told],
        capture_output=True,
        text=True,
        cwd=archive.parent,
        env=os.environ | {"PYTHONPATH": str(archive)},
        timeout=60,
    )
    assert done.stdout.strip() == options["username"], done.stderr


def _last_line(program: str, *, path: Path | None = None) -> str:
    """Return the last line of the error with which a program ends."""
    environment = {**os.environ, "PYTHONPATH": f"{path or ''}{os.pathsep}{ROOT.parent}"}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60)
    return done.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize(
    ("part", "program"),
    [
        ("credentials.management", "adls_enduser.management_credentials(prompt=print)"),
        ("credentials.credential", "adls_enduser.management_credentials(prompt=print)"),
        ("credentials.filesystem", "adls_enduser.filesystem_token(prompt=print)"),
        ("entra.adal_backend", "adls_enduser.DeviceCode().sign_in('x')"),
        ("entra.msal_backend", "adls_enduser.DeviceCode(library='msal').sign_in('x')"),
        ("entra.responses", "adls_enduser.DeviceCode(library='msal').sign_in('x')"),
        ("strategies.password", "adls_enduser.explain('password')"),
        (
            "strategies.fallback",
            "adls_enduser.management_credentials(fallback='browser', prompt=print)",
        ),
        ("sandbox.faults", "import adls_enduser.sandbox"),
        ("testing.credentials", "import adls_enduser.testing"),
    ],
)
def test_a_missing_part_of_ours_is_no_missing_package(part: str, program: str) -> None:
    """Nothing that pip could install is named: the program was built without that part."""
    gone = f"import sys; sys.modules['adls_enduser.{part}'] = None\n"
    last = _last_line(f"{gone}import adls_enduser\n{program}")
    assert last.startswith("adls_enduser.errors.ConfigurationError: This program has only a part")
    assert f"adls_enduser.{part}" in last
    assert "pip install" not in last


@pytest.mark.parametrize(
    ("package", "program", "extra"),
    [
        ("msal", "adls_enduser.DeviceCode(library='msal').sign_in('x')", "'adls-enduser[msal]'"),
        ("adal", "adls_enduser.DeviceCode().sign_in('x')", "adal"),
        (
            "filelock",
            "import tempfile; adls_enduser.SignInCache(tempfile.mkdtemp()).sign_out()",
            "'adls-enduser[cache]'",
        ),
        ("keyring", "adls_enduser.SignInCache('kept').check()", "'adls-enduser[cache]'"),
        (
            "platformdirs",  # for what is not the usual folder of Linux
            "import os; os.environ['XDG_DATA_HOME'] = 'x'; adls_enduser.SignInCache().check()",
            "'adls-enduser[cache]'",
        ),
        ("msrestazure", "adls_enduser.management_credentials(prompt=print)", "msrestazure"),
        ("trustme", "import adls_enduser.sandbox", "'adls-enduser[sandbox]'"),
    ],
)
def test_a_package_that_cannot_be_imported(
    tmp_path: Path, package: str, program: str, extra: str
) -> None:
    """It is there, but broken (as with a library of another system): its own reason is told.

    When it is needed: until then nothing but its absence can be known.
    """
    (tmp_path / f"{package}.py").write_text("raise ImportError('wrong ELF class')\n")
    last = _last_line(f"import adls_enduser\n{program}", path=tmp_path)
    assert last.startswith("adls_enduser.errors.MissingDependency: ")
    assert "cannot be imported: wrong ELF class" in last
    assert last.endswith(f"{extra}")


@pytest.mark.parametrize(
    ("package", "program", "extra"),
    [
        ("msal", "adls_enduser.DeviceCode(library='msal').sign_in('x')", "'adls-enduser[msal]'"),
        ("adal", "adls_enduser.management_credentials(prompt=print)", "msrestazure"),
        ("requests", "adls_enduser.DeviceCode().sign_in('x')", "adal"),
        ("keyring", "adls_enduser.SignInCache('kept').check()", "'adls-enduser[cache]'"),
    ],
)
def test_a_package_whose_import_raises_another_error(
    tmp_path: Path, package: str, program: str, extra: str
) -> None:
    """As pyOpenSSL's with a newer cryptography: an AttributeError."""
    (tmp_path / f"{package}.py").write_text("raise AttributeError('no X509_V_FLAG')\n")
    last = _last_line(f"import adls_enduser\n{program}", path=tmp_path)
    assert last.startswith("adls_enduser.errors.MissingDependency: ")
    assert "cannot be imported: AttributeError: no X509_V_FLAG" in last
    assert last.endswith(extra)


def test_a_frozen_program_must_be_built_again() -> None:
    """Where pip alone does not help."""
    program = "import sys; sys.frozen = True; sys.modules['msal'] = None\nimport adls_enduser\n"
    last = _last_line(f"{program}adls_enduser.DeviceCode(library='msal')")
    assert last.endswith("Run: pip install 'adls-enduser[msal]', and build this program again")


def test_the_version_needs_no_metadata(tmp_path: Path) -> None:
    """A copy of the package alone knows it: the one that was installed."""
    from importlib.metadata import version

    program = "import adls_enduser; print(adls_enduser.__version__)"
    shutil.copy(ROOT / "__init__.py", tmp_path / "adls_enduser.py")
    command = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.append('.'); {program}"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=60)
    assert done.stdout.strip() == version("adls-enduser") == adls_enduser.__version__
