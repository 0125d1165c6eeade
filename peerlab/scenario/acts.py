"""The acts: what a step, or the dialogue of an action, can do with a node."""

from collections.abc import Callable, Collection, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Final

from peerlab.scenario.kinds import (
    DURATION,
    FLAG,
    NAME,
    NOTHING,
    PATTERN,
    STATUS,
    TEMPLATE,
    Fields,
    Form,
    Key,
    Kind,
    raw,
    read_nodes,
)
from peerlab.scenario.model import (
    GRACE,
    Act,
    Action,
    Choose,
    Each,
    EndInput,
    Exits,
    Expect,
    Notice,
    Parameter,
    ParameterKind,
    Pause,
    Perform,
    Plug,
    Restart,
    Resume,
    SendSignal,
    Signal,
    Start,
    StaysSilent,
    Stop,
    Type,
    Unplug,
)
from peerlab.scenario.reading import Reading, Scope, nearest, suggest
from peerlab.scenario.source import quoted
from peerlab.scenario.tree import Entries, Scalar, Tree, is_nothing, spelled_out
from peerlab.scenario.values import Pattern, Template


@dataclass(frozen=True, slots=True)
class Setting:
    """Where acts are read: what they may refer to. None: it is not known what there is."""

    scope: Scope | None
    actions: Mapping[str, Action] | None
    nodes: tuple[str, ...] | None = None
    has_notices: bool = True
    in_dialogue: bool = False
    program: str | None = None


WITHIN: Final = Key("within", DURATION, "how long to wait (default: as the scenario says)")

_ACTS_REF: Final = {"type": "array", "items": {"$ref": "#/$defs/act"}}

_EXPECT: Final = Key(
    "expect",
    PATTERN,
    "wait until the program shows this, and go on after it",
    required=True,
)
_LEARN: Final = Key(
    "learn",
    PATTERN,
    "in the text just matched, whatever matches this is about the node with the address `ip`",
)
_TYPE: Final = Key("type", TEMPLATE, "type this line", required=True)
_SECRET: Final = Key("secret", FLAG, "whether the line is hidden in everything that is kept")
_NOTICE: Final = Key(
    "notice", PATTERN, "wait for a line that the program prints unasked", required=True
)
_CHOOSE: Final = Key(
    "choose",
    raw({"type": "object", "minProperties": 1, "additionalProperties": _ACTS_REF}),
    "wait until one of the patterns shows, and do the acts that stand behind it",
    required=True,
)
_STAYS_SILENT: Final = Key(
    "stays-silent", DURATION, "watch that the program prints nothing for so long", required=True
)
_GRACE: Final = Key(
    "within", DURATION, "how long it may take to end before it is killed (default 10s)"
)
_EXITS: Final = Key(
    "exits",
    Kind(
        {"anyOf": [{"type": "null"}, STATUS.schema]},
        lambda reading, tree: None if is_nothing(tree) else STATUS.read(reading, tree),
    ),
    "wait until the program has ended with this exit status (left out: with any)",
    required=True,
)
_EACH: Final = Key("each", NAME, "a parameter of kind nodes", required=True)
_DO: Final = Key("do", raw(_ACTS_REF), "the acts to do for every node of it", required=True)


def _expect(fields: Fields, _setting: Setting) -> Act | None:
    pattern, learn = fields.get(_EXPECT), fields.get(_LEARN)
    if learn is not None:
        require_groups(fields, _LEARN, learn, "ip")
    within = fields.get(WITHIN)
    return None if pattern is None else Expect(pattern, within, learn)


def _type(fields: Fields, setting: Setting) -> Act | None:
    is_secret, tree = fields.get(_SECRET) or False, fields.tree(_TYPE)
    with fields.reading.hiding() if is_secret else nullcontext():
        text = fields.get(_TYPE)
    if text is None or tree is None:
        return None
    if setting.scope is not None:
        is_secret |= any(name.name in setting.scope.secrets for name in text.references)
    if is_secret:
        fields.reading.secrets.add(tree.span)
    return Type(text, is_secret)


def _notice(fields: Fields, setting: Setting) -> Act | None:
    pattern, within = fields.get(_NOTICE), fields.get(WITHIN)
    if not setting.has_notices:
        message = "the program does not say which lines it prints unasked"
        hint = "give its program file a pattern 'notices', or use 'expect'"
        fields.reading.report("missing-notices", message, fields.span(_NOTICE), hint)
    return None if pattern is None else Notice(pattern, within)


def _choose(fields: Fields, setting: Setting) -> Act | None:
    reading, tree, within = fields.reading, fields.get(_CHOOSE), fields.get(WITHIN)
    entries = None if tree is None else reading.entries(tree, "a mapping of patterns to acts")
    if entries is None:
        return None
    if not entries.pairs:
        message = "got no patterns, expected at least one"
        reading.report("empty", message, fields.span(_CHOOSE))
    branches = []
    for key, acts in entries.pairs:
        pattern = PATTERN.read(reading, key)
        if pattern is not None:
            branches.append((pattern, read_acts(reading, acts, setting)))
    return Choose(tuple(branches), within)


def _stays_silent(fields: Fields, _setting: Setting) -> Act | None:
    seconds = fields.get(_STAYS_SILENT)
    return None if seconds is None else StaysSilent(seconds)


def _exits(fields: Fields, _setting: Setting) -> Act | None:
    return Exits(fields.get(_EXITS), fields.get(WITHIN))


def _each(fields: Fields, setting: Setting) -> Act | None:
    reading, name, tree = fields.reading, fields.get(_EACH), fields.get(_DO)
    if name is None or tree is None:
        return None
    if setting.scope is None or not setting.in_dialogue:
        message = "'each' is for the dialogue of an action"
        reading.report("misplaced-step", message, fields.span(_EACH), "write a step for each node")
        return None
    if name not in setting.scope.lists:
        message = f"unknown parameter {quoted(name)}, expected one of kind nodes"
        where = fields.tree(_EACH) or fields.entries
        reading.report(
            "unknown-parameter", message, where.span, suggest(name, sorted(setting.scope.lists))
        )
        return None
    inside = setting.scope.one_of(name)
    with reading.scope(inside):
        acts = read_acts(reading, tree, replace(setting, scope=inside))
    return Each(name, acts)


_Row = tuple[Form, Callable[[Fields, Setting], Act | None]]


def _act(*keys: Key[object]) -> Form:
    return Form(f"the act {keys[0].name!r}", keys)


def _bare(name: str, about: str, make: Callable[[Fields], Act], *beside: Key[object]) -> _Row:
    """An act that needs nothing but its name."""
    key = Key(name, NOTHING, about, required=True)

    def build(fields: Fields, _setting: Setting) -> Act | None:
        fields.get(key)
        return make(fields)

    return _act(key, *beside), build


def _grace(fields: Fields) -> float:
    return fields.get(_GRACE) or GRACE


_BUILDERS: Final[tuple[_Row, ...]] = (
    (_act(_EXPECT, WITHIN, _LEARN), _expect),
    (_act(_TYPE, _SECRET), _type),
    (_act(_NOTICE, WITHIN), _notice),
    (_act(_CHOOSE, WITHIN), _choose),
    _bare("start", "start the program, which then does not start before", lambda _: Start()),
    (_act(_STAYS_SILENT), _stays_silent),
    _bare("eof", "close the program's standard input", lambda _: EndInput()),
    _bare("interrupt", "interrupt it, as Ctrl-C does", lambda _: SendSignal(Signal.INTERRUPT)),
    _bare("kill", "kill the program", lambda _: SendSignal(Signal.KILL)),
    _bare("pause", "let the whole node stand still", lambda _: Pause()),
    _bare("resume", "let a paused node go on", lambda _: Resume()),
    _bare("unplug", "pull the node's cable", lambda _: Unplug()),
    _bare("plug", "put the node's cable back", lambda _: Plug()),
    _bare("stop", "ask the program to end, else kill it", lambda it: Stop(_grace(it)), _GRACE),
    _bare("restart", "stop it and start it again", lambda it: Restart(_grace(it)), _GRACE),
    (_act(_EXITS, WITHIN), _exits),
    (_act(_EACH, _DO), _each),
)
_ACTS: Final = {form.keys[0].name: (form, build) for form, build in _BUILDERS}

ACT_FORMS: Final = tuple(form for form, _ in _BUILDERS)
ACT_NAMES: Final = tuple(_ACTS)


def require_groups(fields: Fields, key: Key[Pattern], pattern: Pattern, *groups: str) -> None:
    """Report named groups that the pattern of `key` should have and has not."""
    for group in groups:
        if group not in pattern.groups:
            message = f"the pattern of {key.name!r} lacks the group {group!r}"
            where = fields.tree(key) or fields.entries
            hint = f"write (?P<{group}>...) around that part of it"
            fields.reading.report("missing-group", message, where.span, hint)


def read_acts(reading: Reading, tree: Tree, setting: Setting) -> tuple[Act, ...]:
    """A list of acts, which may be empty; those that are wrong are left out."""
    items = reading.items(tree, "a list of acts") or ()
    acts = [read_act(reading, item, setting) for item in items]
    return tuple(act for act in acts if act is not None)


def read_act(reading: Reading, tree: Tree, setting: Setting) -> Act | None:
    """One act: a bare word, or a mapping with the name of an act or action among its keys."""
    entries = reading.entries(spelled_out(tree), "an act: its name, or a mapping")
    if entries is None:
        return None
    actions = setting.actions or {}
    heads = [key for key, _ in entries.pairs if key.text in _ACTS or key.text in actions]
    if len(heads) > 1:
        names = " and ".join(repr(key.text) for key in heads)
        message, hint = f"got {names} in one step, expected one of them", "begin each with '- '"
        reading.report("one-at-a-time", message, heads[1].span, hint)
        return None
    if not heads:
        _report_unknown(reading, entries, setting)
        return None
    name = heads[0].text
    if name in actions:
        return _perform(reading, entries, actions[name], setting)
    form, build = _ACTS[name]
    fields = form.read(reading, entries)
    return None if fields is None else build(fields, setting)


def _report_unknown(reading: Reading, entries: Entries, setting: Setting) -> None:
    if setting.actions is None:
        return
    if not entries.pairs:
        reading.report("empty", "got an empty mapping, expected an act", entries.span)
        return
    first = entries.pairs[0][0]
    acts = [name for name in _ACTS if setting.in_dialogue or name != "each"]
    place = f"with the program {setting.program!r}" if setting.program else "here"
    hint = suggest(first.text, [*setting.actions, *acts], place)
    reading.report("unknown-step", f"unknown step {quoted(first.text)}", first.span, hint)


def _perform(reading: Reading, entries: Entries, action: Action, setting: Setting) -> Act | None:
    key, arguments, meant = _arguments(reading, entries, action)
    texts: dict[str, Template] = {}
    nodes: dict[str, tuple[str, ...]] = {}
    for parameter in action.parameters:
        argument = arguments.get(parameter.name)
        if argument is None and parameter.default is None:
            if parameter.name in meant:
                continue
            message = f"{action.name!r} lacks its parameter {parameter.name!r}"
            takes = ", ".join(known.name for known in action.parameters)
            reading.report("missing-parameter", message, key.span, f"it takes: {takes}")
        elif parameter.kind is ParameterKind.TEXT:
            text = _text_of(reading, parameter, argument)
            if text is not None:
                texts[parameter.name] = text
        elif argument is not None:
            nodes[parameter.name] = _nodes_of(reading, parameter, argument, setting)
    return Perform(action.name, texts, nodes)


def _arguments(
    reading: Reading, entries: Entries, action: Action
) -> tuple[Scalar, Mapping[str, Tree], Collection[str | None]]:
    """The action's name as it is written, what is given, and which names are probably misspelt."""
    key, head = next(pair for pair in entries.pairs if pair[0].text == action.name)
    given = [pair for pair in entries.pairs if pair[0] is not key]
    if isinstance(head, Entries):
        if given:
            message = f"the parameters of {action.name!r} are given both inside and beside it"
            reading.report("mixed-parameters", message, given[0][0].span, "put all into one place")
        given = [*head.pairs, *given]
    elif not is_nothing(head):
        first = next((parameter.name for parameter in action.parameters), "")
        given = [(Scalar(first, head.span, plain=True), head), *given]
    arguments: dict[str, Tree] = {}
    known = [parameter.name for parameter in action.parameters]
    for name, tree in given:
        if not known:
            message = f"{action.name!r} takes nothing"
            reading.report("unknown-parameter", message, name.span, "leave it out")
        elif name.text not in known:
            message = f"{action.name!r} has no parameter {quoted(name.text)}"
            reading.report("unknown-parameter", message, name.span, suggest(name.text, known))
        elif name.text in arguments:
            message = f"the parameter {name.text!r} is given twice"
            reading.report("mixed-parameters", message, name.span, "keep one of them")
        else:
            arguments[name.text] = tree
    meant = {nearest(name.text, known) for name, _ in given if name.text not in known}
    return key, arguments, meant


def _text_of(reading: Reading, parameter: Parameter, argument: Tree | None) -> Template | None:
    if argument is None:
        return parameter.default
    if parameter.secret:
        reading.secrets.add(argument.span)
    with reading.hiding() if parameter.secret else nullcontext():
        return TEMPLATE.read(reading, argument)


def _nodes_of(
    reading: Reading, parameter: Parameter, argument: Tree, setting: Setting
) -> tuple[str, ...]:
    names = read_nodes(reading, argument, setting.nodes)
    if parameter.kind is ParameterKind.NODE and len(names) > 1:
        message = f"got {len(names)} nodes, expected one for {parameter.name!r}"
        reading.report("bad-name", message, argument.span)
    return names
