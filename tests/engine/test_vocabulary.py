"""Each vocabulary, and each group of its words, is declared in one module."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import daganalysis
from daganalysis.engine import states, vocabulary
from daganalysis.engine.vocabulary import CATEGORIES, RUN_OUTCOMES, SEVERITIES, TASK_OUTCOMES, VERDICTS

PACKAGE = Path(daganalysis.__file__).parent
WORDS = {"run outcome": RUN_OUTCOMES, "task outcome": TASK_OUTCOMES, "category": CATEGORIES, "verdict": VERDICTS, "severity": SEVERITIES}
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.name not in {"vocabulary.py", "states.py"})
DECLARED = {
    frozenset(group): module.__name__
    for module in (vocabulary, states)
    for group in vars(module).values()
    if isinstance(group, tuple | frozenset) and len(group) >= 2
}


def groups_in(path: Path) -> Iterator[frozenset[str]]:
    """Yield the groups of words that a module repeats: three or more words of one vocabulary, or a declared group."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Set | ast.Tuple | ast.List):
            found = frozenset(item.value for item in node.elts if isinstance(item, ast.Constant) and isinstance(item.value, str))
            is_of_one = len(found) >= 3 and len(found) == len(node.elts) and any(found <= words.keys() for words in WORDS.values())
            if is_of_one or found in DECLARED:
                yield found


def test_no_group_of_words_is_written_down_twice() -> None:
    written = [(group, path.name) for path in MODULES for group in {*groups_in(path)}]
    names = {group: [module] for group, module in DECLARED.items()}
    for group, name in written:
        names.setdefault(group, []).append(name)
    assert {tuple(sorted(group)): found for group, found in names.items() if len(found) > 1} == {}


@pytest.mark.parametrize("label", sorted({category.label for category in CATEGORIES.values()} - {"executing", "dispatching"}))
def test_the_label_of_a_category_stands_in_the_vocabulary_alone(label: str) -> None:
    scripts = [*MODULES, *PACKAGE.rglob("*.js"), *PACKAGE.rglob("*.html")]
    assert [path.name for path in scripts if f'"{label}"' in path.read_text(encoding="utf-8")] == []


def test_no_script_of_a_page_writes_down_a_group_of_words() -> None:
    """A page gets them with its data."""
    vocabulary_words = set().union(*WORDS.values())
    lists = [
        (path.name, found) for path in PACKAGE.rglob("*.js") for found in re.findall(r"\[([^\[\]]*)\]", path.read_text(encoding="utf-8"))
    ]
    assert [(name, found) for name, found in lists if len(vocabulary_words & set(re.findall(r'"(\w+)"', found))) > 1] == []


@pytest.mark.parametrize(
    ("mark", "module"),
    [
        ("isprintable()", "escaping.py"),  # which characters are invisible
        ('f"{cluster}/{gid}"', "identifiers.py"),  # the key of a run
        ('partition("#")', "identifiers.py"),
        ('run_id.rpartition("/")', "identifiers.py"),
        ('severity == "error"', None),  # what a rejected record is: REJECTED
        ("get_close_matches", "suggestions.py"),  # what a misspelt name may have been
        ("def is_store_folder", "store_layout.py"),  # what a store is
        ("def scheme_of", "urls.py"),  # what a URL is
        (".0%}", None),  # shares as text: human_share
        ("== 1 else 's'", None),  # counts as text: plural
        ("def human_duration", "humanize.py"),  # durations as text; those of pages are tested equal (tests/pages/test_durations.py)
    ],
)
def test_a_decision_is_made_in_one_module(mark: str, module: str) -> None:
    found = [path.name for path in MODULES if mark in path.read_text(encoding="utf-8")]
    assert found == ([module] if module else [])


def test_every_outcome_that_is_trouble_ranks_before_all_others() -> None:
    by_rank = [RUN_OUTCOMES[name].is_trouble for name in vocabulary.WORST_FIRST]
    assert by_rank == sorted(by_rank, reverse=True)
