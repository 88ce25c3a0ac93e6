from __future__ import annotations

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from daganalysis.analysis._stage_matching import StageKey, match_stages, stage_keys

SEQUENCES = st.lists(st.sampled_from(["Check", "Work", "Wait", "Start observer", "Start  observer"]), max_size=7)


def keys(*names: str) -> list[StageKey]:
    return [StageKey(name, names[:place].count(name)) for place, name in enumerate(names)]


def told(base: list[StageKey], candidate: list[StageKey]) -> dict[str, str]:
    return {str(new): str(old) for new, old in match_stages(base, candidate).items()}


def test_stages_of_a_name_are_counted_in_each_run_and_those_without_a_run_or_a_name_too():
    nodes = pd.DataFrame({"run_id": ["a", "a", "b", None, None], "name": ["Wait", "Wait", "Wait", None, None]})
    assert [str(key) for key in stage_keys(nodes)] == ["Wait", "Wait #2", "Wait", "(unnamed)", "(unnamed) #2"]


def test_the_same_stages_are_themselves():
    assert told(keys("A", "B", "A"), keys("A", "B", "A")) == {"A": "A", "B": "B", "A #2": "A #2"}


def test_an_inserted_stage_is_nobody_and_its_neighbours_are_themselves():
    assert told(keys("A", "B"), keys("A", "New", "B")) == {"A": "A", "B": "B"}


def test_a_stage_inserted_before_others_of_its_name_moves_their_numbers_alone():
    assert told(keys("A", "Wait", "B", "Wait"), keys("Wait", "A", "Wait", "B", "Wait")) == {
        "A": "A",
        "B": "B",
        "Wait #2": "Wait",
        "Wait #3": "Wait #2",
    }


def test_a_new_name_between_the_same_neighbours_that_is_alike_is_a_renaming():
    found = told(keys("A", "Add agent  for scale_out", "C"), keys("A", "Add agent for scale_out", "C"))
    assert found["Add agent for scale_out"] == "Add agent  for scale_out"


def test_a_name_that_is_not_alike_is_a_removal_and_an_insertion():
    assert told(keys("A", "Minor freeze", "C"), keys("A", "Restore parameters", "C")) == {"A": "A", "C": "C"}


def test_a_stage_that_moved_is_still_itself():
    assert told(keys("A", "B", "C"), keys("B", "C", "A")) == {"A": "A", "B": "B", "C": "C"}


@given(SEQUENCES, SEQUENCES)
def test_the_other_way_round_gives_the_inverse(one, other):
    there, back = match_stages(keys(*one), keys(*other)), match_stages(keys(*other), keys(*one))
    assert there == {new: old for old, new in back.items()}


@given(SEQUENCES, SEQUENCES)
def test_no_name_that_is_on_both_sides_is_left_alone_on_each(one, other):
    matched = match_stages(keys(*one), keys(*other))
    left = {key.name for key in keys(*one) if key not in matched.values()}
    right = {key.name for key in keys(*other) if key not in matched}
    assert not left & right
