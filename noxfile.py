"""The environments that ``make test``, ``make lint`` and ``make demo`` run in."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess

import nox

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.error_on_missing_interpreters = False
nox.options.reuse_existing_virtualenvs = True

# Never let uv fetch an interpreter: tests run on the Pythons that the machine has.
os.environ["UV_PYTHON_DOWNLOADS"] = "never"


def _all_of_pyenv() -> None:
    """Let pyenv's shims answer for every Python that it holds, not just the chosen one."""
    if shutil.which("pyenv") is None or "PYENV_VERSION" in os.environ:
        return
    listed = subprocess.run(["pyenv", "versions", "--bare"], capture_output=True, text=True)
    chosen = subprocess.run(["pyenv", "version-name"], capture_output=True, text=True)
    first = chosen.stdout.strip().split(":")
    rest = [one for one in listed.stdout.split() if one not in first]
    os.environ["PYENV_VERSION"] = ":".join(first + rest)


_all_of_pyenv()

TEST = nox.project.dependency_groups(nox.project.load_toml("pyproject.toml"), "test")
LINT = nox.project.dependency_groups(nox.project.load_toml("pyproject.toml"), "lint")

STORE = ["0.0.52", "0.0.53", "1.0.1"]
ACCOUNT = ["0.5.0", "1.1.0b1"]
RESOURCE = ["26.0.0", "10.3.0"]
COMBINATIONS = [
    nox.param(*versions, id="-".join(versions))
    for versions in itertools.product(STORE, ACCOUNT, RESOURCE)
]


def _install(session: nox.Session, store: str, account: str, resource: str) -> None:
    session.install(
        f"azure-datalake-store=={store}",
        f"azure-mgmt-datalake-store=={account}",
        f"azure-mgmt-resource=={resource}",
        *TEST,
        "-e",
        ".[sandbox]",
    )


@nox.session
@nox.parametrize("store,account,resource", COMBINATIONS)
def sdks(session: nox.Session, store: str, account: str, resource: str) -> None:
    """Run the whole suite beside one combination of Azure's packages."""
    _install(session, store, account, resource)
    session.run("pytest", "-n", "2", *session.posargs)
