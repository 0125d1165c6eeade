"""program.yaml -> Program."""

from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from peerlab.scenario.acts import ACT_NAMES, Setting, read_acts, require_groups
from peerlab.scenario.kinds import (
    ENVIRONMENT,
    FLAG,
    LINE,
    NAME,
    PATTERN,
    PROGRAM_NAME,
    TEMPLATE,
    TEXT,
    Fields,
    Form,
    Key,
    Schema,
    list_of,
    one_of,
    raw,
)
from peerlab.scenario.model import (
    Action,
    Build,
    Local,
    Messages,
    Parameter,
    ParameterKind,
    Presence,
    Program,
    Sends,
    TerminalKind,
)
from peerlab.scenario.reading import Reading, Scope, suggest
from peerlab.scenario.source import quoted
from peerlab.scenario.tree import Items, Scalar, Tree, is_nothing
from peerlab.scenario.values import Pattern

RESERVED_NAMES: Final = frozenset({*ACT_NAMES, "node", "together"})
"""Words of the language that an action or a parameter cannot be called."""

_CONTEXT: Final = Key("context", LINE, "directory, relative to this file", required=True)
_TARGET: Final = Key("target", LINE, "stage of the Dockerfile")
_DOCKERFILE: Final = Key("dockerfile", LINE, "path in the context (default Dockerfile)")
BUILD: Final = Form("'build'", (_CONTEXT, _TARGET, _DOCKERFILE))

_WORDS: Final = list_of(TEXT, "a list of words")
_LOCAL_COMMAND: Final = Key("command", _WORDS, "what to run, word by word (default 'command')")
_WORKING_DIR: Final = Key(
    "working_dir", LINE, "where, relative to this file (default this file's directory)"
)
LOCAL: Final = Form("'without-image'", (_LOCAL_COMMAND, _WORKING_DIR))

_KIND: Final = Key("kind", one_of(*ParameterKind), "what it takes (default text)")
_DEFAULT: Final = Key("default", TEMPLATE, "its value if none is given; only of kind text")
_SECRET: Final = Key("secret", FLAG, "whether its value is hidden in everything that is kept")
PARAMETER: Final = Form("a parameter", (_KIND, _DEFAULT, _SECRET))

_TAKES: Final = Key(
    "takes",
    raw(
        {
            "type": "object",
            "propertyNames": NAME.schema,
            "additionalProperties": {"anyOf": [{"type": "null"}, PARAMETER.schema()]},
        }
    ),
    "parameters by name; the first is the value beside the action's name",
)
_DIALOGUE: Final = Key(
    "dialogue",
    raw({"type": "array", "items": {"$ref": "#/$defs/act"}}),
    "the acts that it consists of",
    required=True,
)
_SENT_TEXT: Final = Key("text", TEMPLATE, "the message", required=True)
_SENT_TO: Final = Key("to", NAME, "the parameter with the nodes that it is for", required=True)
SENDS: Final = Form("'sends'", (_SENT_TEXT, _SENT_TO))
_SENDS: Final = Key(
    "sends", raw(SENDS.schema()), "the message that is sent when the dialogue has come to its end"
)
ACTION: Final = Form("an action", (_TAKES, _DIALOGUE, _SENDS))

_SENT: Final = Key("sent", PATTERN, "a message was sent: groups to, text, perhaps id")
_RECEIVED: Final = Key("received", PATTERN, "a message has arrived: groups from, text, perhaps id")
MESSAGES: Final = Form("'messages'", (_SENT, _RECEIVED))

_JOINED: Final = Key("joined", PATTERN, "this node is in", required=True)
_LISTED: Final = Key("listed", PATTERN, "who is there, all on this line", required=True)
_ENTRY: Final = Key("entry", PATTERN, "one of those on it: group ip", required=True)
PRESENCE: Final = Form("'presence'", (_JOINED, _LISTED, _ENTRY))

_ABOUT: Final = Key("about", TEXT, "what the program is")
_IMAGE: Final = Key("image", LINE, "container image")
_BUILD: Final = Key("build", raw(BUILD.schema()), "how to build the image")
_COMMAND: Final = Key("command", _WORDS, "what to run, word by word")
_WITHOUT_IMAGE: Final = Key(
    "without-image", raw(LOCAL.schema()), "how to run it where no container engine is used"
)
_ENVIRONMENT: Final = Key("environment", ENVIRONMENT, "environment variables")
_TERMINAL: Final = Key(
    "terminal", one_of(*TerminalKind), "how its standard streams are connected (default pipe)"
)
_AFTER: Final = Key(
    "after",
    list_of(PROGRAM_NAME, "a list of programs"),
    "nodes of these programs are ready before a node of this one starts",
)
_READY: Final = Key("ready", PATTERN, "the program is ready once it shows this")
_NOTICES: Final = Key("notices", PATTERN, "lines that the program prints unasked")
_MESSAGES: Final = Key(
    "messages", raw(MESSAGES.schema()), "lines that tell of messages sent and received"
)
_PRESENCE: Final = Key(
    "presence", raw(PRESENCE.schema()), "lines that tell who is there, for the check 'presence'"
)
_STREAMS: Final = Key(
    "streams",
    PATTERN,
    "lines that tell of a stream that comes in: groups from, stream, expected, lost, jitter",
)
_ACTIONS: Final = Key(
    "actions",
    raw(
        {
            "type": "object",
            "propertyNames": NAME.schema,
            "additionalProperties": ACTION.schema(),
        }
    ),
    "small dialogues with a name, for steps to play",
)
PROGRAM: Final = Form(
    "a program file",
    (
        _ABOUT,
        _IMAGE,
        _BUILD,
        _COMMAND,
        _WITHOUT_IMAGE,
        _ENVIRONMENT,
        _TERMINAL,
        _AFTER,
        _READY,
        _NOTICES,
        _MESSAGES,
        _PRESENCE,
        _STREAMS,
        _ACTIONS,
    ),
)

WAYS_TO_RUN: Final[Schema] = {
    "anyOf": [
        {"required": [_IMAGE.name]},
        {"required": [_COMMAND.name]},
        {
            "required": [_WITHOUT_IMAGE.name],
            "properties": {_WITHOUT_IMAGE.name: {"required": [_LOCAL_COMMAND.name]}},
        },
    ],
    "dependentRequired": {_BUILD.name: [_IMAGE.name]},
}
"""The schema of what the keys of a program file need of each other."""


def load_program(name: str, path: Path) -> Program:
    """Read a program file.

    Raises:
        ScenarioError: it cannot be read or is wrong; has everything that is wrong with it.
    """
    reading = Reading()
    program = read_program(reading, name, path)
    reading.finish()
    if program is None:
        raise AssertionError("a program that cannot be read is reported")
    return program


def read_program(
    reading: Reading, name: str, path: Path, known: Collection[str] | None = None
) -> Program | None:
    """Read a program file; None if anything in it is wrong, which is reported.

    `known` are the programs that it can be started after; None: any.
    """
    source, tree = reading.tree(path)
    fields = PROGRAM.read(reading, tree)
    if fields is None:
        return None
    command = fields.get(_COMMAND)
    program = Program(
        name=name,
        path=path,
        about=fields.get(_ABOUT) or "",
        image=fields.get(_IMAGE),
        build=_build(fields, path),
        command=command,
        without_image=_local(fields, path, command),
        environment=fields.get(_ENVIRONMENT) or {},
        terminal=TerminalKind(fields.get(_TERMINAL) or TerminalKind.PIPE),
        after=_after(fields, known),
        ready=fields.get(_READY),
        notices=fields.get(_NOTICES),
        messages=_messages(fields),
        actions=_actions(fields, has_notices=fields.tree(_NOTICES) is not None),
        presence=_presence(fields),
        streams=_streams(fields),
        text=source.text,
    )
    return None if reading.has_problems(path) else program


def _after(fields: Fields, known: Collection[str] | None) -> tuple[str, ...]:
    names, tree = fields.get(_AFTER) or (), fields.tree(_AFTER)
    for item in tree.items if isinstance(tree, Items) else ():
        if known is not None and isinstance(item, Scalar) and item.text not in known:
            message = f"unknown program {quoted(item.text)}"
            hint = suggest(item.text, sorted(known))
            fields.reading.report("unknown-program", message, item.span, hint)
    return names


def _build(fields: Fields, path: Path) -> Build | None:
    tree = fields.get(_BUILD)
    if tree is not None and not fields.has(_IMAGE):
        hint = "add an image: the name that is given to what is built"
        message = "got 'build' without 'image', expected both"
        fields.reading.report("missing-key", message, fields.span(_BUILD), hint)
    parts = None if tree is None else BUILD.read(fields.reading, tree)
    if parts is None:
        return None
    context = (path.parent / (parts.get(_CONTEXT) or "")).resolve()
    dockerfile = parts.get(_DOCKERFILE) or "Dockerfile"
    return Build(context, parts.get(_TARGET), context / dockerfile)


def _local(fields: Fields, path: Path, command: tuple[str, ...] | None) -> Local:
    tree = fields.get(_WITHOUT_IMAGE)
    parts = None if tree is None else LOCAL.read(fields.reading, tree)
    is_local = fields.has(_WITHOUT_IMAGE) and (parts is None or parts.has(_LOCAL_COMMAND))
    if not (is_local or fields.has(_IMAGE) or fields.has(_COMMAND)):
        message = "got neither 'image' nor 'command', nor a 'command' in 'without-image'"
        hint = "an image is for a container engine; a command alone runs where none is used"
        fields.reading.report("missing-key", message, fields.entries.span, hint)
    if parts is None:
        return Local(command, path.parent.resolve())
    return Local(parts.get(_LOCAL_COMMAND) or command, _working_dir(parts, path))


def _working_dir(local: Fields, path: Path) -> Path:
    """What is written, absolute. Instead of a directory that is not there, the file's own one."""
    own = path.parent.resolve()
    given, place = local.get(_WORKING_DIR), local.tree(_WORKING_DIR)
    if given is None or place is None or local.reading.recorded:
        return own
    # Too long a name, or a directory that may not be looked into, is an error of its own.
    with suppress(OSError):
        if (own / given).is_dir():
            return (own / given).resolve()
    message = f"there is no directory {quoted(str(path.parent / given))}"
    local.reading.report("missing-directory", message, place.span)
    return own


def _messages(fields: Fields) -> Messages:
    tree = fields.get(_MESSAGES)
    parts = None if tree is None else MESSAGES.read(fields.reading, tree)
    if parts is None:
        return Messages()
    sent, received = parts.get(_SENT), parts.get(_RECEIVED)
    for key, pattern, peer in ((_SENT, sent, "to"), (_RECEIVED, received, "from")):
        if pattern is not None:
            text = "quoted" if "quoted" in pattern.groups else "text"
            require_groups(parts, key, pattern, peer, text)
    return Messages(sent, received)


def _presence(fields: Fields) -> Presence | None:
    tree = fields.get(_PRESENCE)
    parts = None if tree is None else PRESENCE.read(fields.reading, tree)
    if parts is None:
        return None
    joined, listed, entry = parts.get(_JOINED), parts.get(_LISTED), parts.get(_ENTRY)
    if entry is not None:
        require_groups(parts, _ENTRY, entry, "ip")
    if joined is None or listed is None or entry is None:
        return None
    return Presence(joined, listed, entry)


def _streams(fields: Fields) -> Pattern | None:
    pattern = fields.get(_STREAMS)
    if pattern is not None:
        require_groups(fields, _STREAMS, pattern, "from", "stream", "expected", "lost", "jitter")
    return pattern


def _actions(fields: Fields, *, has_notices: bool) -> Mapping[str, Action]:
    reading, tree = fields.reading, fields.get(_ACTIONS)
    entries = None if tree is None else reading.entries(tree, "a mapping of actions")
    if entries is None:
        return {}
    reserved = RESERVED_NAMES | {key.text for key, _ in entries.pairs}
    actions = {}
    for key, value in entries.pairs:
        name = _free_name(reading, key, RESERVED_NAMES)
        parts = ACTION.read(reading, value)
        if parts is None:
            continue
        parameters = _parameters(parts, reserved)
        scope = _scope(parameters)
        with reading.scope(scope):
            dialogue = parts.get(_DIALOGUE)
            setting = Setting(scope, {}, None, has_notices=has_notices, in_dialogue=True)
            acts = () if dialogue is None else read_acts(reading, dialogue, setting)
            sends = _sends(parts, scope)
        if name is not None:
            actions[name] = Action(name, parameters, acts, sends)
    return actions


def _sends(action: Fields, scope: Scope) -> Sends | None:
    tree = action.get(_SENDS)
    parts = None if tree is None else SENDS.read(action.reading, tree)
    if parts is None:
        return None
    text, to = parts.get(_SENT_TEXT), parts.get(_SENT_TO)
    possible = (scope.nodes | scope.lists) - {"node"}
    if to is not None and to not in possible:
        message = f"unknown parameter {quoted(to)}, expected one of kind node or nodes"
        where = parts.tree(_SENT_TO) or parts.entries
        hint = suggest(to, sorted(possible))
        action.reading.report("unknown-parameter", message, where.span, hint)
    if text is not None and any(each.name in scope.secrets for each in text.references):
        message = "the text of a message is kept, so there can be no secret in it"
        where = parts.tree(_SENT_TEXT) or parts.entries
        hint = "leave the secret out, or the parameter's 'secret'"
        action.reading.report("conflicting-keys", message, where.span, hint)
    return None if text is None or to is None else Sends(text, to)


def _scope(parameters: tuple[Parameter, ...]) -> Scope:
    def of_kind(kind: ParameterKind) -> frozenset[str]:
        return frozenset(parameter.name for parameter in parameters if parameter.kind is kind)

    return Scope(
        texts=of_kind(ParameterKind.TEXT),
        nodes=of_kind(ParameterKind.NODE) | {"node"},
        lists=of_kind(ParameterKind.NODES),
        secrets=frozenset(parameter.name for parameter in parameters if parameter.secret),
    )


def _parameters(action: Fields, reserved: frozenset[str]) -> tuple[Parameter, ...]:
    reading, tree = action.reading, action.get(_TAKES)
    entries = None if tree is None else reading.entries(tree, "a mapping of parameters")
    if entries is None:
        return ()
    read = [_parameter(reading, key, value, reserved) for key, value in entries.pairs]
    return tuple(parameter for parameter in read if parameter is not None)


def _parameter(
    reading: Reading, key: Scalar, tree: Tree, reserved: frozenset[str]
) -> Parameter | None:
    name = _free_name(reading, key, reserved)
    if is_nothing(tree):
        return None if name is None else Parameter(name)
    if isinstance(tree, Scalar):
        message = f"got the text {quoted(tree.text)}, expected a mapping or nothing"
        hint = "a default is written {default: ...}"
        reading.report("wrong-kind", message, tree.span, hint)
        return None
    fields = PARAMETER.read(reading, tree)
    if fields is None or name is None:
        return None
    kind = ParameterKind(fields.get(_KIND) or ParameterKind.TEXT)
    with reading.scope(Scope(nodes=frozenset({"node"}))):
        default = fields.get(_DEFAULT)
    for extra in (_DEFAULT, _SECRET):
        if kind is not ParameterKind.TEXT and fields.tree(extra) is not None:
            message = f"a parameter of kind {kind} has no {extra.name!r}"
            reading.report("conflicting-keys", message, fields.span(extra), "leave it out")
    return Parameter(name, kind, default, fields.get(_SECRET) or False)


def _free_name(reading: Reading, key: Scalar, reserved: frozenset[str]) -> str | None:
    name = NAME.read(reading, key)
    if name in reserved:
        message = f"the name {quoted(key.text)} is taken by an act, an action or the language"
        reading.report("bad-name", message, key.span, "choose another name")
        return None
    return name
