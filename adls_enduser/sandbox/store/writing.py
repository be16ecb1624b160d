"""Operations on bytes: CREATE, APPEND, CONCURRENTAPPEND, CONCAT, MSCONCAT."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from ..http import empty_response, json_response
from . import errors, paths
from .acl import READ, WRITE
from .nodes import File

if TYPE_CHECKING:
    from ..http import Response
    from .call import Call
    from .files import Content
    from .nodes import Folder
    from .paths import StorePath

_FLAGS = ("DATA", "METADATA", "CLOSE")


def create(call: Call) -> Response:
    """Handle CREATE: a new file with the body as its bytes; 201.

    ``overwrite`` replaces a file: the service deletes the old one first, with its lease
    (recorded: the Server-Perf header in test_df).
    """
    content = call.tree.content(call.request.body)
    with call.tree.lock:
        file = _new_file(call, content)
    with file.lock:
        _sync(call, file)
    response = empty_response(201)
    response.headers["Location"] = f"https://{call.request.hostname}{call.request.target}"
    return response


def _new_file(call: Call, content: Content) -> File:
    """Add a file; its bytes are deleted if it cannot be added."""
    try:
        return _added_file(call, content)
    except errors.StoreError:
        content.delete()
        raise


def _added_file(call: Call, content: Content) -> File:
    folder = _parent(call)
    existing = call.tree.find_or_none(call.path, call.caller)
    if existing is not None:
        if not (isinstance(existing, File) and call.parameters.flag("overwrite")):
            raise errors.already_exists(paths.show(call.path))
        call.tree.detach(call.path, call.caller)
        existing.content.delete()
    return call.tree.add_file(folder, call.path[-1], call.caller, content, call.mode)


def _parent(call: Call) -> Folder:
    if not call.path:
        raise errors.already_exists("/")
    if call.parameters.flag("CreateParent", default=True):
        return call.tree.make_folders(call.path[:-1], call.caller)
    return call.tree.find_folder(call.path[:-1], call.caller)


def append(call: Call) -> Response:
    """Handle APPEND: add the body at the end, which must be at ``offset`` if that is given.

    ``filesessionid``, here and at CREATE and OPEN, spares the service a search for an open
    file (azure-data-lake-store-net, ``Core``: "to obtain the file handler easily at server");
    it neither grants nor denies access.
    """
    with call.tree.lock:
        file = call.tree.find_file(call.path, call.caller)
        file.require(call.caller, WRITE)
    offset = call.parameters.number("offset")
    with file.lock:
        if file.concurrent:
            raise errors.wrong_append()
        file.require_lease(call.parameters.text("leaseid"), call.tree.now / 1000)
        if offset not in (None, file.content.length):
            raise errors.bad_offset()
        file.content.append(call.request.body)
        _sync(call, file)
    return empty_response()


def concurrent_append(call: Call) -> Response:
    """Handle CONCURRENTAPPEND: add the body at the end, wherever that is, without a lease.

    ``appendMode=autocreate`` creates the file. A file cannot have both data from CREATE or
    APPEND and data from this operation; an empty file takes either (azure-rest-api-specs,
    ``FileSystem_Append`` and ``FileSystem_ConcurrentAppend``; recorded in azure-sdk-for-net:
    ConcurrentAppendToFile and NegativeConcurrentAppend, as is the response).
    """
    flag, now = _flag(call, "DATA"), call.tree.now / 1000
    with call.tree.lock:
        file = _concurrent_file(call)
        file.require(call.caller, WRITE)
    with file.lock:
        if file.content.length and not file.concurrent:
            raise errors.wrong_append()
        file.require_lease("", now)
        file.content.append(call.request.body)
        file.concurrent = file.content.length > 0
        file.sync(flag, "", now)
    return json_response("Operation succeeded.")


def _concurrent_file(call: Call) -> File:
    creates = call.parameters.text("appendMode").lower() == "autocreate"
    if creates and call.tree.find_or_none(call.path, call.caller) is None:
        return _new_file(call, call.tree.content())
    return call.tree.find_file(call.path, call.caller)


def _flag(call: Call, default: str = "CLOSE") -> str:
    return call.parameters.one_of("syncFlag", *_FLAGS, default=default)


def _sync(call: Call, file: File) -> None:
    file.sync(_flag(call), call.parameters.text("leaseid"), call.tree.now / 1000)


def concat(call: Call) -> Response:
    """Handle CONCAT and MSCONCAT: move the bytes of ``sources`` to the end of a file.

    The file is created if it does not exist, and the sources are removed (recorded: test_concat;
    Hadoop's ADL contract test ``testConcatFileOnFile``). ``deleteSourceDirectory`` removes their
    folder with all in it, if they are all in the same (azure-rest-api-specs, ``MsConcat``).
    """
    sources = _sources(call)
    with call.tree.lock:
        folder = _source_folder(call, sources)
        pieces = [_piece(call, source) for source in sources]
        target = _target(call)
        for source in sources:
            call.tree.detach(source, call.caller)
        leftovers = call.tree.remove(folder, call.caller) if folder else []
    _join(target, pieces, call.tree.now / 1000)
    for content in leftovers:
        content.delete()
    return empty_response()


def _join(target: File, pieces: list[File], now: float) -> None:
    with target.lock:
        for piece in pieces:
            with piece.lock:
                target.content.move_from(piece.content)
        target.sync("CLOSE", "", now)


def _sources(call: Call) -> list[StorePath]:
    sources = [paths.parse(name) for name in _names(call)]
    if not sources or len(set(sources)) < len(sources) or call.path in sources:
        raise errors.bad_parameter("sources", "they must be files, each once, and not the target")
    return sources


def _names(call: Call) -> list[str]:
    """Read what SDKs send: JSON; ``sources=a,b`` in the body (before 0.0.20) or in the query."""
    body = call.request.body.decode("utf-8", "replace")
    if body.startswith("{"):
        return _names_in_json(body)
    texts = call.parameters.all("sources") or parse_qs(body).get("sources", [])
    return [name for text in texts for name in text.split(",")]


def _names_in_json(body: str) -> list[str]:
    try:
        names = json.loads(body).get("sources")
    except ValueError:
        names = None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise errors.bad_parameter("sources", "the body has no such list")
    return names


def _source_folder(call: Call, sources: list[StorePath]) -> StorePath:
    """Return the folder that is to be removed too, or the empty path; change nothing yet."""
    folder = sources[0][:-1]
    together = all(source[:-1] == folder for source in sources)
    if not call.parameters.flag("deleteSourceDirectory") or not together:
        return ()
    if not folder or paths.is_below(call.path, folder):
        raise errors.bad_parameter("deleteSourceDirectory", "the target is in that folder")
    call.tree.check_removal(folder, call.caller)
    return folder


def _piece(call: Call, source: StorePath) -> File:
    """Find a source that may be read and removed; change nothing yet."""
    file = call.tree.find_file(source, call.caller)
    file.require(call.caller, READ)
    call.tree.check_detach(source, call.caller)
    return file


def _target(call: Call) -> File:
    existing = call.tree.find_or_none(call.path, call.caller)
    if existing is None:
        folder = _parent(call)
        return call.tree.add_file(folder, call.path[-1], call.caller, call.tree.content())
    if not isinstance(existing, File):
        raise errors.already_exists(paths.show(call.path))
    existing.require(call.caller, WRITE)
    return existing
