"""The engine's own log lines."""

from __future__ import annotations

import pytest

from daganalysis.engine.log_lines import ending_of, remote_child, scale_out_child, sent_operator


@pytest.mark.parametrize(
    ("lines", "how"),
    [
        ([], None),
        (["all well"], None),
        (["ERROR: [Common.Unexpected]: Unexpected error: exit status 1"], "failed"),
        (["ERROR: dial tcp failed"], "failed"),
        (["sub task timeout"], "timeout"),
        (["ERROR: [Common.Unexpected]: Unexpected error: task 12 timeout"], "timeout"),
        (["sub task cancelled"], "cancelled"),
        (["wait operator to advance"], "waiting"),
        (["ERROR: task unexpectedly interrupted and cannot continue"], "interrupted"),
        (["sub task timeout", "started again", "ERROR: broken"], "failed"),
        (["Start observer: wait operator to advance"], None),
    ],
)
def test_the_last_telling_line_says_how_an_attempt_failed(lines: list[str], how: str | None) -> None:
    assert ending_of(lines) == how


def test_lines_name_the_child_dags_they_speak_of() -> None:
    assert scale_out_child("create local scale out dag success, genericID:22130706433028869") == "22130706433028869"
    assert remote_child("ERROR: [Task.RemoteTask.Failed]: Remote task 22130706433028869 Start observer failed") == "22130706433028869"
    assert remote_child("remote task 22130706433028869 Start observer running [1/1]") == "22130706433028869"
    assert sent_operator("send operator RETRY request to /api/v1/task/dag/2213") == ("RETRY", "2213")
