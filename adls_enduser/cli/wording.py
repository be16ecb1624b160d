"""The library's sentences in the words of the command line.

The library's errors name options and calls of Python. Here ``tenant=`` is ``--tenant``, and the
call that an error advises is a command.
"""

from __future__ import annotations

import ast
import re
import shlex

from ..modes import OPTIONS_HELP

_SERVICES = {
    "management_credentials": " --for management",
    "filesystem_token": " --for gen1",
    "storage_credential": "",
}
_NEXT = re.compile(r" ?The next call(, after that)?: $")
_CALL = re.compile(rf"\b({'|'.join(_SERVICES)})\(")
_MODE = re.compile(r"""\b(?:mode|fallback)=["']?(\w+)["']?""")
_NAMES = [*re.findall(r"^(\w+) ", OPTIONS_HELP, re.MULTILINE), "fallback"]
# Not in an address, such as that of the page for an administrator's consent.
_OPTION = re.compile(rf"(?<![?&\w])({'|'.join(_NAMES)})=(?=(\S?))")
# What a command line cannot give: those sentences would be no help.
_NOT_HERE = re.compile(r"\b(password|prompt|cancel|clock)=|\bcache= out|interactive=")
_SPELLED = {"proxies": "proxy"}


def for_shell(text: str) -> str:
    """Return a sentence in the words of the command line."""
    text = _commands_for_calls(text)
    text = text.replace("SignInCache(allow_unencrypted=True)", "--no-keyring")
    text = re.sub(r"SignInCache\([^)]*\)\.sign_out\(\)", "adls-enduser logout --all", text)
    text = re.sub(r"<SignInCache at '?(.*?)'?>", r"\1", text)
    text = text.replace("SignInCache", "--cache")
    text = _MODE.sub(r"adls-enduser login \1", text)
    return _OPTION.sub(_option, text).strip()


def remedy_for_shell(text: str) -> str:
    """Return a remedy in the words of the command line, without what a shell cannot do."""
    sentences = re.split(r"(?<=[.;!?]) (?=[A-Z])", text)
    useful = [one for one in sentences if _CALL.search(one) or not _NOT_HERE.search(one)]
    if text and not useful:
        return "Call it in a terminal, where you can answer."
    return for_shell(" ".join(useful))


def _option(found: re.Match[str]) -> str:
    name = _SPELLED.get(found[1], found[1]).replace("_", "-")
    separate = " " if found[2] and found[2] not in ",.;:)" else ""
    return f"--{name}{separate}"


def _commands_for_calls(text: str) -> str:
    """Return the text with a command, on its own line, in place of each call of a factory."""
    done = ""
    while found := _CALL.search(text):
        end = _end_of_call(text, found.end())
        before, call = text[: found.start()], text[found.start() : end]
        command, text = _command(call), text[end:]
        if command and _NEXT.search(before):
            before, text = _NEXT.sub(_run, before), text.removeprefix(".").lstrip()
            command += "\n" if text else ""
        done += before + (command or call)
    return done + text


def _run(found: re.Match[str]) -> str:
    return " After that:\nRun: " if found[1] else "\nRun: "


def _end_of_call(text: str, position: int) -> int:
    depth = 1
    while depth and position < len(text):
        depth += {"(": 1, ")": -1}.get(text[position], 0)
        position += 1
    return position


def _command(call: str) -> str:
    """Return the command that does what a call does; "" if there is none."""
    try:
        node = ast.parse(call, mode="eval").body
    except SyntaxError:
        return ""
    if not isinstance(node, ast.Call):
        return ""
    words = ["adls-enduser login"]
    keywords = {one.arg or "": one.value for one in node.keywords}
    mode = keywords.pop("mode", node.args[0] if node.args else None)
    words += [str(mode.value)] if isinstance(mode, ast.Constant) else []
    for name, value in keywords.items():
        words += _words(name, value)
    service = _SERVICES[ast.unparse(node.func)]
    return " ".join(words) + service


def _words(name: str, value: ast.expr) -> list[str]:
    if name == "cache" and isinstance(value, ast.Call):
        path = [f"--cache {shlex.quote(ast.literal_eval(one))}" for one in value.args]
        return path + (["--no-keyring"] if value.keywords else [])
    if name in ("password", "prompt", "cancel", "clock", "interactive"):
        return []
    if isinstance(value, ast.Constant) and value.value is not ...:
        return [f"--{name.replace('_', '-')} {shlex.quote(str(value.value))}"]
    return [f"--{name.replace('_', '-')} ..."]
