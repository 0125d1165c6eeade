"""Results as JUnit XML, for the test reports of CI systems.

There is no standard; this is what those that read it have in common:

- jenkinsci/junit-plugin, SuiteResult.java and CaseResult.java: a suite without a case is not seen;
  of a case only one `<failure>` or `<error>` is;
- jenkinsci/xunit-plugin, junit-10.xsd: which elements and attributes there are (older versions of
  it have `file` and `line`, too);
- https://docs.gitlab.com/ci/testing/unit_test_reports: shows `classname`, `name`, `file` and the
  text of `<failure>` and `<error>`; of cases with the same name only the first, so none are here;
  files below 30 MB;
- dorny/test-reporter, java-junit-parser.ts: wants a `name` and a `time` everywhere;
- mikepenz/action-junit-report, testParser.ts: annotates `file` and `line` of a case.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC
from typing import Final
from xml.etree import ElementTree as ET

from peerlab.checks.result import Result
from peerlab.checks.verdict import Finding, Judged, Outcome
from peerlab.errors import PeerlabError
from peerlab.report.account import (
    account,
    account_of_error,
    headline,
    outcome_of,
    points_shown,
    sentence,
)
from peerlab.report.text import shown_path

_ELEMENTS: Final = {Outcome.FAILED: "failure", Outcome.UNKNOWN: "error"}


def as_junit(results: Sequence[Result], error: PeerlabError | None = None) -> str:
    """One suite a run, one case a check; a lab that broke and an early end are cases as well."""
    root = ET.Element("testsuites", name="peerlab")
    names: Counter[tuple[str, str]] = Counter()
    for result in results:
        _add_run(root, result, names)
    if error is not None:
        suite = ET.SubElement(root, "testsuite", name="peerlab", time="0")
        case = _case(suite, "peerlab", "the whole of it", names)
        _tell(case, "error", sentence(error.message), account_of_error(error))
    for element in (*root, root):
        counts = {"tests": "testcase", "failures": "failure", "errors": "error"}
        for attribute, tag in counts.items():
            element.set(attribute, str(sum(1 for _ in element.iter(tag))))
        element.set("skipped", "0")
    root.set("time", f"{sum(result.seconds for result in results):.3f}")
    ET.indent(root)
    text: str = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _add_run(root: ET.Element, result: Result, names: Counter[tuple[str, str]]) -> None:
    name = sentence(result.scenario.name)
    suite = ET.SubElement(root, "testsuite", name=name, time=f"{result.seconds:.3f}")
    if result.began is not None:
        began = result.began.astimezone(UTC).replace(tzinfo=None)  # a zone is not for all readers
        suite.set("timestamp", began.isoformat(timespec="seconds"))
    _add_properties(suite, result)
    path, group = shown_path(result.scenario.path), name.replace("/", ".")
    for check in result.verdict.checks:
        case = _case(suite, group, sentence(check.shown), names)
        case.set("file", path)
        where = _first_where(check) or check.where
        if where is not None:
            case.set("line", str(where[0]))
        outcome = outcome_of(result.verdict, check)
        if outcome is not Outcome.PASSED:
            kind = _ELEMENTS[outcome]
            told = headline(result.verdict, check), account(result.verdict, check)
            _tell(case, kind, *told, of=check.name)
    if result.error is not None or result.interrupted:
        case = _case(suite, group, "lab", names)
        case.set("file", path)
        error = result.error or PeerlabError("the run was interrupted")
        _tell(case, "error", sentence(error.message), account_of_error(error))
    if len(suite) > 1:  # GitLab adds up the cases, others take what the suite says
        suite[1].set("time", f"{result.seconds:.3f}")


def _add_properties(suite: ET.Element, result: Result) -> None:
    properties = ET.SubElement(suite, "properties")
    told = {
        "backend": result.backend,
        "seed": str(result.seed),
        "evidence": shown_path(result.evidence),
        "points": points_shown(result.verdict.points, result.verdict.earned),
        "submission": result.submission or "",
    }
    for name, value in told.items():
        if value:
            ET.SubElement(properties, "property", name=name, value=sentence(value))


def _case(suite: ET.Element, group: str, name: str, names: Counter[tuple[str, str]]) -> ET.Element:
    """A case, with a number behind its name where there was one of that name before."""
    names[group, name] += 1
    if (times := names[group, name]) > 1:
        name = f"{name} ({times})"
    return ET.SubElement(suite, "testcase", classname=group, name=name, time="0")


def _tell(case: ET.Element, kind: str, message: str, text: str, of: str = "peerlab") -> None:
    ET.SubElement(case, kind, message=message, type=of).text = text


def _first_where(check: Judged) -> tuple[int, int] | None:
    def worth(finding: Finding) -> bool:
        return finding.where is not None and finding.outcome is check.outcome

    return next((finding.where for finding in check.findings if worth(finding)), None)
