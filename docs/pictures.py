"""Take the pictures of what a person sees: ``make docs`` runs this before the site is built.

Real programs run on the sandbox: in a pseudo-terminal, in a notebook's kernel and in Chromium
without a window. Chromium then draws what they showed. Without Chromium the site has no such
pictures; with CI set, that is an error.
"""

from __future__ import annotations

import html
import os
import re
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import pexpect
from nbclient import NotebookClient
from nbconvert import HTMLExporter
from selenium.webdriver.common.by import By

from adls_enduser.sandbox import CONTOSO, Sandbox
from adls_enduser.sandbox.demo.browser import NoBrowser, open_chromium
from adls_enduser.sandbox.directory import ADA, GRACE, GRACE_PASSWORD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selenium.webdriver import Chrome

FOLDER = Path(__file__).parent / "pictures"
WAIT = 30
SIGN_IN = f"""\
from adls_enduser import storage_credential

credential = storage_credential({{options}}, tenant="{CONTOSO}")
print("Signed in:", credential.whoami().username)
"""
TERMINAL = """\
<meta charset="utf-8"><title>Terminal</title><style>body {{ margin: 0 }}
pre {{ display: inline-block; margin: 0; padding: 16px 20px; background: #1e1e1e; color: #e6e6e6;
font: 15px/1.45 "DejaVu Sans Mono", monospace; width: 860px; white-space: pre-wrap;
overflow-wrap: anywhere }}</style><pre>{}</pre>"""
NARROW = "<style>body { max-width: 900px; margin: 0 }</style>"


def main() -> str | None:
    """Take all pictures; return why not, if that is an error."""
    try:
        with Sandbox(environ=None) as azure, open_chromium(azure) as chrome:
            azure.entra.device_code_interval = 1.0
            for take in (_terminals, _device_code_page, _browser_pages, _notebook):
                take(azure, Camera(chrome))
    except NoBrowser as reason:
        if os.environ.get("CI"):
            return f"The pictures cannot be taken: {reason}."
        sys.stdout.write(f"The site is built without screenshots: {reason}.\n")
    return None


class Camera:
    """Chromium, and what it is used for here."""

    def __init__(self, chrome: Chrome) -> None:
        self.chrome = chrome

    def show(self, page: str) -> None:
        """Open a page that exists in memory alone."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "page.html")
            path.write_text(page, "utf-8")
            self.chrome.get(path.as_uri())

    def take(self, name: str, element: str = "body") -> None:
        """Save what one element of the page looks like."""
        self.chrome.find_element(By.CSS_SELECTOR, element).screenshot(str(FOLDER / f"{name}.png"))

    def fill(self, **fields: str) -> None:
        """Type into the fields of these ids."""
        for field, text in fields.items():
            element = self.chrome.find_element(By.ID, field)
            element.clear()
            element.send_keys(text)

    def submit(self, title: str) -> None:
        """Press the first button, and wait for the page of this title."""
        from selenium.webdriver.support.ui import WebDriverWait

        self.chrome.find_element(By.CSS_SELECTOR, "button").click()
        WebDriverWait(self.chrome, WAIT).until(lambda chrome: chrome.title == title)


@contextmanager
def _program(azure: Sandbox, options: str) -> Iterator[pexpect.spawn[str]]:
    """Run a program at a terminal of 80 columns, where no browser can open."""
    plain = {name: value for name, value in os.environ.items() if "DISPLAY" not in name}
    plain.pop("CI", None)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "first.py").write_text(SIGN_IN.format(options=options), "utf-8")
        child = pexpect.spawn(
            sys.executable, ["first.py"], cwd=folder, env=plain | azure.environment,
            encoding="utf-8", timeout=WAIT, dimensions=(24, 80),
        )  # fmt: skip
        yield child
        child.close(force=True)


def _terminals(azure: Sandbox, camera: Camera) -> None:
    """Show a device code and a password at the terminal, up to the end of the program."""
    with _program(azure, '"device_code"') as child:
        child.expect(r"enter the code (\w+)")
        azure.entra.approve(child.match[1], by=ADA)
        shown = child.before + child.after
        child.expect(pexpect.EOF)
        _draw(camera, "terminal", shown + child.before)
    with _program(azure, f'"password", username="{ADA}"') as child:
        child.expect("Password for .*: ")
        _draw(camera, "terminal-password", child.before + child.after + "\N{LEFT HALF BLOCK}")


def _draw(camera: Camera, name: str, shown: str) -> None:
    text = shown.replace("\r\n", "\n").rstrip()
    camera.show(TERMINAL.format(html.escape(f"$ python first.py\n{text}")))
    camera.take(name, "pre")


def _device_code_page(azure: Sandbox, camera: Camera) -> None:
    """Show the page that the prompt names, with the code filled in."""
    with _program(azure, '"device_code"') as child:
        child.expect(r"open (\S+) in a browser and enter the code (\w+)")
        camera.chrome.get(child.match[1])
        camera.fill(code=child.match[2])
        camera.take("device-code-page", "main")


def _browser_pages(azure: Sandbox, camera: Camera) -> None:
    """Show the pages of mode ``"browser"`` to a person with a second factor."""
    with _program(azure, f'"browser", username="{GRACE}"') as child:
        child.expect(r"(https://\S+)")
        camera.chrome.get(child.match[1])
        camera.fill(password=GRACE_PASSWORD)
        camera.take("browser-page", "main")
        camera.submit("Verify your identity")
        camera.take("second-factor-page", "main")
        camera.fill(otc=azure.entra.one_time_code(GRACE))
        camera.submit("Your sign-in was received")
        camera.take("received-page")
        child.expect(pexpect.EOF)


def _notebook(azure: Sandbox, camera: Camera) -> None:
    """Show a cell that signs in, and below it the prompt."""
    azure.entra.approver = ADA
    cell = nbformat.v4.new_code_cell(SIGN_IN.format(options='"device_code"'))
    notebook = nbformat.v4.new_notebook(cells=[cell])
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    client = NotebookClient(notebook, timeout=WAIT, kernel_name="python3")
    client.execute(env=environment | azure.environment)
    page, _ = HTMLExporter(template_name="lab").from_notebook_node(notebook)
    # Scripts and fonts of other hosts, which a picture does not need.
    page = re.sub(r'<(script|link)\b[^>]*(?:src|href)="https?:[^>]*>(?:</script>)?', "", page)
    camera.show(page + NARROW)
    camera.take("notebook", ".jp-Cell")


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    sys.exit(main())
