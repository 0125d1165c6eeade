"""What one call of a loader knows: the files it read, what is wrong in them, their variables."""

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from peerlab.scenario.source import Diagnostic, ScenarioError, Source, Span, quoted, visible
from peerlab.scenario.tree import (
    Entries,
    Hole,
    Items,
    Scalar,
    Tree,
    is_nothing,
    one_line,
    read_tree,
)
from peerlab.scenario.values import Reference, Template

LONGEST_LINE: Final = 120
"""Characters of a step's text."""

_MOST_WORDS: Final = 24
"""Possible words that a hint lists."""

_LONGEST_MESSAGE: Final = 300

SECRET: Final = "secret"  # noqa: S105 - a word of the language
"""What a scenario's secrets are variables of: `{secret.NAME}`."""

_ALWAYS_KNOWN: Final = frozenset({"name", "ip"})


@dataclass(frozen=True, slots=True)
class Scope:
    """The variables of a place: texts, nodes (with attributes) and lists of nodes (counted)."""

    texts: frozenset[str] = frozenset()
    nodes: frozenset[str] = frozenset()
    lists: frozenset[str] = frozenset()
    secrets: frozenset[str] = frozenset()
    """Of the texts, those that are hidden in everything that is kept."""
    declared: frozenset[str] | None = None
    """Names of the scenario's secrets; None: where it has none to tell, as in a program file."""
    hides: bool = False
    """Whether what is written here is hidden, so that a secret may stand here."""

    def one_of(self, name: str) -> "Scope":
        """The scope inside an `each`: the list `name` is one node there."""
        return replace(self, nodes=self.nodes | {name}, lists=self.lists - {name})


class Reading:
    """One call of a loader: what was read, what is wrong with it, which variables it uses.

    Attributes:
        recorded: it reads what evidence has of a run, elsewhere: directories that programs were
            run in need not be here, nor programs that no node ran.
        attributes: what is known of nodes, for variables.
        secrets: places that are not shown.
    """

    def __init__(self, *, recorded: bool = False) -> None:
        self.recorded = recorded
        self._sources: dict[Path, Source] = {}
        self._found: dict[tuple[str, str, Span], Diagnostic] = {}
        self._uses: list[tuple[Template, Scalar, Scope]] = []
        self._scope: Scope | None = Scope()
        self._declared: dict[str, Span] = {}
        self._used: set[str] = set()
        self.attributes: set[str] = set(_ALWAYS_KNOWN)
        self.secrets: set[Span] = set()

    def tree(self, path: Path) -> tuple[Source, Tree]:
        """Read a file; what cannot be read is a hole."""
        source, tree, problems = read_tree(path)
        self._sources[path] = source
        for problem in problems:
            self._found.setdefault((problem.code, problem.message, problem.span), problem)
        return source, Hole(Span(path, 1, 1, 1, 1)) if tree is None else tree

    def report(self, code: str, message: str, span: Span, hint: str | None = None) -> None:
        """Take down a problem. The same one at the same place counts once."""
        line = self._sources[span.path].line(span.line)
        message = (
            message if len(message) <= _LONGEST_MESSAGE else message[:_LONGEST_MESSAGE] + "..."
        )
        problem = Diagnostic(code, message, span, hint, line)
        self._found.setdefault((code, message, span), problem)

    def source(self, span: Span) -> Source:
        """The text that `span` lies in."""
        return self._sources[span.path]

    def one_line(self, tree: Tree) -> str:
        """What is written at `tree`, on one line of at most 120 characters, without secrets."""
        line = visible(one_line(tree, self._sources[tree.span.path], self.secrets))
        if isinstance(tree, Entries):
            line = line[1:-1]
        return line if len(line) <= LONGEST_LINE else line[: LONGEST_LINE - 3] + "..."

    def has_problems(self, path: Path) -> bool:
        """Whether anything in that file is wrong so far."""
        return any(span.path == path for _, _, span in self._found)

    @contextmanager
    def scope(self, scope: Scope | None) -> Iterator[None]:
        """Read templates and patterns with these variables; None: do not ask about them."""
        before, self._scope = self._scope, scope
        try:
            yield
        finally:
            self._scope = before

    @contextmanager
    def hiding(self) -> Iterator[None]:
        """Read what is hidden in everything that is kept, so that secrets may stand there."""
        with self.scope(None if self._scope is None else replace(self._scope, hides=True)):
            yield

    def declare(self, secret: str, span: Span) -> None:
        """Take down the name of a secret; one that is used nowhere is told in the end."""
        self._declared[secret] = span

    def note(self, template: Template, scalar: Scalar) -> None:
        """Take down a use of variables, to be looked at when every pattern is known."""
        if self._scope is not None and template.references:
            self._uses.append((template, scalar, self._scope))

    def finish(self) -> None:
        """Look at the variables, then give all problems, each file's by position.

        Raises:
            ScenarioError: there is one.
        """
        for template, scalar, scope in self._uses:
            for reference in template.references:
                self._check_variable(reference, scalar.span, scope)
        # Where something else is wrong, what could not be read may be what uses it.
        for name in [] if self._found else self._declared.keys() - self._used:
            message = f"the secret {quoted(name)} is used nowhere"
            hint = f"type it with {{{SECRET}.{name}}}, or leave it out"
            self.report("unused-secret", message, self._declared[name], hint)
        if self._found:
            order = {path: index for index, path in enumerate(self._sources)}
            raise ScenarioError(
                sorted(self._found.values(), key=lambda found: (order[found.span.path], found.span))
            )

    def _check_variable(self, reference: Reference, span: Span, scope: Scope) -> None:
        name, attribute = reference.name, reference.attribute
        if name in scope.nodes:
            if attribute is None or attribute in self.attributes:
                return
        elif (name in scope.texts and attribute is None) or (
            name in scope.lists and attribute == "count"
        ):
            return
        elif name == SECRET and attribute is not None and scope.declared is not None:
            self._check_secret(reference, attribute, span, scope)
            return
        possible = [*scope.texts, *scope.nodes, *(f"{name}.count" for name in scope.lists)]
        if name in scope.nodes:
            possible = [f"{name}.{known}" for known in self.attributes]
        literal = f"{{{{{reference}}}}} is a literal {{{reference}}}"
        advice = suggest(str(reference), sorted(possible))
        self.report(
            "unknown-variable",
            f"unknown variable {quoted(str(reference))}",
            self.source(span).within(span, f"{{{reference}}}"),
            f"{advice}; {literal}" if possible else f"no variables here; {literal}",
        )

    def _check_secret(self, reference: Reference, name: str, span: Span, scope: Scope) -> None:
        where = self.source(span).within(span, f"{{{reference}}}")
        if name not in (scope.declared or ()):
            hint = suggest(name, sorted(scope.declared or ()))
            if not scope.declared:
                hint = f"declare it: secrets: [{name}]"
            self.report("unknown-secret", f"unknown secret {quoted(name)}", where, hint)
            return
        self._used.add(name)
        if not scope.hides:
            message = f"the secret {quoted(name)} would be seen here"
            hint = "it can be typed with 'secret: true', or be given to a parameter that is secret"
            self.report("misplaced-secret", message, where, hint)

    # Structure

    def scalar(self, tree: Tree, expected: str) -> Scalar | None:
        """`tree` if it is text."""
        if isinstance(tree, Scalar) and not is_nothing(tree):
            return tree
        hint = None
        if isinstance(tree, Items | Entries) and tree.flow:
            hint = "text that begins with { or [ needs quotes"
        elif isinstance(tree, Scalar) and tree.text:
            hint = f"the word {tree.text} needs quotes"
        elif isinstance(tree, Scalar) and expected == "text":
            hint = 'an empty text is written ""'
        self._wrong_kind(tree, expected, hint)
        return None

    def items(self, tree: Tree, expected: str) -> tuple[Tree, ...] | None:
        """What is in the list `tree`."""
        if isinstance(tree, Items):
            return tree.items
        self._wrong_kind(tree, expected)
        return None

    def entries(self, tree: Tree, expected: str) -> Entries | None:
        """`tree` if it is a mapping."""
        if isinstance(tree, Entries):
            return tree
        self._wrong_kind(tree, expected)
        return None

    def _wrong_kind(self, tree: Tree, expected: str, hint: str | None = None) -> None:
        if not isinstance(tree, Hole):
            message = f"got {_described(tree)}, expected {expected}"
            self.report("wrong-kind", message, tree.span, hint)


def _described(tree: Scalar | Items | Entries) -> str:
    if isinstance(tree, Scalar):
        return "nothing" if is_nothing(tree) else f"the text {quoted(tree.text)}"
    return "a list" if isinstance(tree, Items) else "a mapping"


def nearest(word: str, possible: Iterable[str]) -> str | None:
    """The possible word that `word` is probably a misspelling of."""
    return next(iter(difflib.get_close_matches(word[:64], possible, n=1)), None)


def suggest(word: str, possible: Iterable[str], place: str = "here") -> str:
    """A hint for an unknown word: the nearest known one, and all that are possible."""
    known = list(possible)
    close = nearest(word, known)
    meant = "" if close is None else f"did you mean {close!r}? "
    shown = ", ".join(known[:_MOST_WORDS])
    more = f" and {len(known) - _MOST_WORDS} more" if len(known) > _MOST_WORDS else ""
    return f"{meant}possible {place}: {shown}{more}" if known else f"nothing is possible {place}"
