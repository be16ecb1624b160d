#!/usr/bin/env bash
# After "import distributed", copy.copy() of any exception keeps its traceback, and so its frames.
#
# Versions: distributed 2026.7.0 with tblib 3.2.2, on CPython 3.11.
# Guess before the first run: copy.copy(exception) has no traceback and no cause, whatever else is
# imported, since an exception's __reduce__ holds its class, its arguments and its attributes only.
# Seen: distributed/utils.py installs tblib's reducers for every exception class that exists by then
# (copyreg), and copy.copy asks the same table as pickle. From then on a copy carries the traceback
# and the cause, and the local variables of the frames stay in memory as long as the copy.
# Code that copies an error to drop its frames, such as a cache of failures, keeps them after all.
# Output seen:
#   before: traceback False, cause False, local freed True
#   after: traceback True, cause True, local freed False
#
# Exits with status 1 if the output is another one.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/python" -m pip install --quiet --disable-pip-version-check distributed==2026.7.0 tblib==3.2.2 2>/dev/null
cat > "$folder/program.py" <<'PY'
import copy
import gc
import weakref


class Local:
    """Something that a frame holds."""


def fail(seen: list[weakref.ref[Local]]) -> None:
    local = Local()
    seen.append(weakref.ref(local))
    raise ValueError("refused") from KeyError("first")


def copied_error(seen: list[weakref.ref[Local]]) -> Exception:
    try:
        fail(seen)
    except ValueError as error:
        return copy.copy(error)
    raise AssertionError


def report(when: str) -> None:
    seen: list[weakref.ref[Local]] = []
    error = copied_error(seen)
    gc.collect()
    traceback, cause = error.__traceback__ is not None, error.__cause__ is not None
    print(f"{when}: traceback {traceback}, cause {cause}, local freed {seen[0]() is None}")


report("before")
import distributed  # noqa: E402, F401

report("after")
PY
seen=$("$folder/env/bin/python" "$folder/program.py")
printf '%s\n' "$seen"
[ "$seen" = "before: traceback False, cause False, local freed True
after: traceback True, cause True, local freed False" ]
