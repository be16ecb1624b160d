"""Each example of Gen2, unchanged, at a terminal, against the sandbox."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pexpect
import pytest

from adls_enduser.sandbox import CONTOSO
from adls_enduser.sandbox.resource_manager import SUBSCRIPTION_ID

from ...conftest import PASSWORD
from ...docs.test_examples import output, shown_code

if TYPE_CHECKING:
    from adls_enduser.sandbox import Sandbox

FOLDER = Path(__file__).parents[3] / "examples"
OUTPUTS = {
    "gen2_dask": "Sold: 4950 in 4 parts",
    "gen2_delta": "Version 1 has 4 rows",
    "gen2_one_sign_in": "Gen1: mystore has 0 entries\nGen2: mylake has ['box']",
    "gen2_onelake": "['sales/lake.Lakehouse/Files/sales.parquet']\nSold: 7",
    "gen2_pandas": "Came back unchanged: True",
    "gen2_polars": "Sold: 7",
    "gen2_pyarrow": "Came back unchanged: True",
}


def test_every_example_is_here() -> None:
    """None gets lost."""
    assert {path.stem for path in FOLDER.glob("gen2_*.py")} == set(OUTPUTS)


@pytest.mark.parametrize("name", OUTPUTS)
def test_example(azure: Sandbox, tmp_path: Path, name: str) -> None:
    """The person is asked once, and the program says what it should."""
    azure.entra.device_code_interval = 1.0
    azure.entra.person(f"grace@{CONTOSO}", password=PASSWORD, mfa=True, approves_device_codes=True)
    azure.storage.create("mylake", "box")
    azure.storage.create_workspace("sales", "lake.Lakehouse")
    plain = {key: value for key, value in os.environ.items() if "DISPLAY" not in key}
    terminal = pexpect.spawn(
        sys.executable,
        [str(FOLDER / f"{name}.py")],
        env=plain | azure.environment,
        cwd=tmp_path,
        encoding="utf-8",
        timeout=120,
    )
    shown_code(terminal)
    assert output(terminal).strip().endswith(OUTPUTS[name])
    assert len(azure.log.to("devicecode")) == 1


@pytest.mark.parametrize("name", OUTPUTS)
def test_example_is_short(name: str) -> None:
    """Under 30 lines, a docstring first, and the constants are the sandbox's."""
    text = (FOLDER / f"{name}.py").read_text()
    assert text.startswith('"""')
    assert len(text.splitlines()) < 30
    constants = dict(re.findall(r'^([A-Z_]+) = "(.*)"$', text, re.MULTILINE))
    assert constants["TENANT"] == CONTOSO
    assert constants.get("SUBSCRIPTION_ID", SUBSCRIPTION_ID) == SUBSCRIPTION_ID
