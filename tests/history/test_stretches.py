"""The ledger of a timeline: it books time without gap or overlap, and no more to the engine than the engine takes."""

from __future__ import annotations

from daganalysis.engine.times import SECOND_NS
from daganalysis.history.stretches import Ledger


def ledger(end: float | None = 100) -> Ledger:
    return Ledger(0, None if end is None else round(end * SECOND_NS), SECOND_NS, stage=1)


def told(book: Ledger) -> list[tuple[float, float, str]]:
    return [(s.start / SECOND_NS, s.end / SECOND_NS, s.category) for s in book.stretches]


def test_what_follows_alike_becomes_one_stretch():
    book = ledger()
    book.book(2 * SECOND_NS, "execute", to_stage=1)
    book.book(5 * SECOND_NS, "execute", to_stage=1)
    assert told(book) == [(0, 5, "execute")]


def test_nothing_is_booked_twice_and_nothing_beyond_the_end():
    book = ledger(end=4)
    book.book(3 * SECOND_NS, "execute", to_stage=1)
    book.book(2 * SECOND_NS, "detect", to_stage=1)
    book.book(9 * SECOND_NS, "lost", to_stage=1)
    assert told(book) == [(0, 3, "execute"), (3, 4, "lost")]


def test_a_step_of_minutes_is_not_the_engine_at_work():
    book = ledger()
    book.book(60 * SECOND_NS, "handoff", to_stage=2)
    assert told(book) == [(0, 60, "unattributed")]


def test_stages_that_are_stepped_over_take_a_pass_each():
    book = ledger()
    book.book(8 * SECOND_NS, "handoff", to_stage=9)
    assert told(book) == [(0, 8, "handoff")]


def test_where_stamps_contradict_each_other_neither_the_engine_nor_loss_is_booked():
    book = ledger()
    book.unsure_until = 3 * SECOND_NS
    book.book(4 * SECOND_NS, "detect", to_stage=1)
    assert told(book) == [(0, 3, "unattributed"), (3, 4, "detect")]


def test_work_that_turns_begins_a_leg_and_a_wait_that_turns_does_not():
    book = ledger()
    book.book(2 * SECOND_NS, "wait_operator", to_stage=1)
    assert not book.turn("rollback")
    assert [s.direction for s in book.stretches] == ["rollback"]
    book.book(3 * SECOND_NS, "execute", to_stage=1)
    assert book.turn("forward")
    assert book.leg == 2


def test_a_wait_after_work_does_not_turn_the_work_before_it():
    book = ledger()
    book.book(SECOND_NS, "execute", to_stage=1)
    book.book(2 * SECOND_NS, "wait_operator", to_stage=1)
    assert book.turn("rollback")
    book.book(3 * SECOND_NS, "execute", to_stage=1)
    assert [(s.leg, s.direction) for s in book.stretches] == [(1, "forward"), (1, "forward"), (2, "rollback")]


def test_passes_follow_one_another_tick_by_tick():
    book = ledger()
    book.pass_at, book.cursor = SECOND_NS // 2, 2 * SECOND_NS
    assert book.next_pass() == 2.5 * SECOND_NS
