"""The completions for each shell, made from the parsers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .commands import COMMANDS, command_parser, load
from .parsers import PROGRAM

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .parsers import Argument


def arguments_of() -> dict[str, list[Argument]]:
    """Return the arguments of each command."""
    return {name: command_parser(name, load(name)).arguments for name in COMMANDS}


def _is_path(argument: Argument) -> bool:
    return argument.value in ("FILE", "PATH")


def _option_names(arguments: list[Argument]) -> list[str]:
    return [one.name for one in arguments if one.name.startswith("-")] + ["--help"]


def _values(arguments: list[Argument]) -> list[str]:
    """Return the values of the argument that is no option."""
    return [value for one in arguments if not one.name.startswith("-") for value in one.choices]


_BASH = """\
_adls_enduser() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} index
    COMPREPLY=()
    for ((index = 2; index < COMP_CWORD; index++)); do
        [[ ${{COMP_WORDS[index]}} == -- ]] || continue
        if ((index == COMP_CWORD - 1)); then
            COMPREPLY=($(compgen -c -- "$word"))
        else
            COMPREPLY=($(compgen -f -- "$word"))
        fi
        return
    done
    if ((COMP_CWORD == 1)); then
        COMPREPLY=($(compgen -W "{commands} --help --version" -- "$word"))
        return
    fi
    case $before in
{values}
    esac
    case ${{COMP_WORDS[1]}} in
{options}
    esac
}}
complete -F _adls_enduser {program}"""


def bash() -> str:
    """Return the completions for bash."""
    known = arguments_of()
    every = {one.name: one for arguments in known.values() for one in arguments}
    values = [line for one in every.values() for line in _bash_value(one)]
    options = [
        f"        {name}) {_bash_words(_values(arguments) + _option_names(arguments))} ;;"
        for name, arguments in known.items()
    ]
    return _BASH.format(
        commands=" ".join(COMMANDS),
        values="\n".join(values),
        options="\n".join(options),
        program=PROGRAM,
    )


def _bash_words(words: list[str]) -> str:
    return f"""COMPREPLY=($(compgen -W "{" ".join(words)}" -- "$word"))"""


def _bash_value(argument: Argument) -> Iterator[str]:
    if not argument.value or not argument.name.startswith("-"):
        return
    if _is_path(argument):
        action = 'COMPREPLY=($(compgen -f -- "$word"))'
    else:
        action = _bash_words(list(argument.choices)) if argument.choices else ":"
    yield f"        {argument.name}) {action}; return ;;"


_ZSH = """\
#compdef {program}
_adls_enduser() {{
    local curcontext=$curcontext state line
    typeset -A opt_args
    _arguments -C '(- *)--help[show the help]' '(- *)--version[show the version]' \\
        '1: :->command' '*:: :->rest'
    case $state in
        command)
            local -a commands=(
{commands}
            )
            _describe command commands ;;
        rest)
            case $words[1] in
{rest}
            esac ;;
    esac
}}
compdef _adls_enduser {program}"""


# Behind "--" the words are those of another command.
_ZSH_PROGRAM = """\
local separator=${{words[(i)--]}}
                    if ((separator < CURRENT)); then
                        shift $separator words
                        ((CURRENT -= separator))
                        _normal
                    else
                        {own}
                    fi"""


def zsh() -> str:
    """Return the completions for zsh."""
    commands = [
        f"                {_quoted(f'{name}:{one.summary}')}" for name, one in COMMANDS.items()
    ]
    rest = [_zsh_command(name, arguments) for name, arguments in arguments_of().items()]
    return _ZSH.format(commands="\n".join(commands), rest="\n".join(rest), program=PROGRAM)


def _zsh_command(name: str, arguments: list[Argument]) -> str:
    specs = [*map(_zsh_spec, arguments), "'--help[show the help]'"]
    own = f"_arguments {' '.join(specs)}"
    body = _ZSH_PROGRAM.format(own=own) if load(name).TAKES_PROGRAM else own
    return f"                {name}) {body} ;;"


def _zsh_spec(argument: Argument) -> str:
    sentence = argument.help.replace("[", "(").replace("]", ")").replace(":", " -")
    action = "_files" if _is_path(argument) else f"({' '.join(argument.choices)})"
    if not argument.name.startswith("-"):
        return _quoted(f"1:{argument.name}:{action}")
    value = (
        f":{argument.value.lower()}:{action if action != '()' else ''}" if argument.value else ""
    )
    return _quoted(f"{argument.name}[{sentence}]{value}")


def fish() -> str:
    """Return the completions for fish."""
    lines = [f"complete -c {PROGRAM} -f"]
    for name, entry in COMMANDS.items():
        lines.append(f"{_FISH_FIRST} -a {name} -d {_quoted(entry.summary)}")
    for name, arguments in arguments_of().items():
        command = f"complete -c {PROGRAM} -n '__fish_seen_subcommand_from {name}'"
        lines += [f"{command} {_fish_argument(one)}" for one in arguments]
        lines.append(f"{command} -l help -d 'show the help'")
    return "\n".join([*lines, _FISH_PROGRAM])


_FISH_FIRST = f"complete -c {PROGRAM} -n __fish_use_subcommand"
_FISH_PROGRAM = (
    f"complete -c {PROGRAM} -n 'contains -- -- (commandline -opc)'"
    " -a '(__fish_complete_subcommand --fcs-skip=3)'"
)


def _fish_argument(argument: Argument) -> str:
    choices = f" -a {_quoted(' '.join(argument.choices))}" if argument.choices else ""
    if not argument.name.startswith("-"):
        return choices.lstrip()
    kind = "" if not argument.value else (" -r -F" if _is_path(argument) else " -x")
    return f"-l {argument.name.lstrip('-')}{kind}{choices} -d {_quoted(argument.help)}"


def _quoted(text: str) -> str:
    """Return a text in single quotes, for any of the shells."""
    return "'" + text.replace("'", "\N{RIGHT SINGLE QUOTATION MARK}") + "'"
