"""The cheap vendor: every request once, however it is cut."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.sink import Sink

BODY = b'{"to":"+5511999999999"}'
REQUEST = b"POST /messages HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)


@pytest.fixture(scope="module")
def sink() -> Iterator[Sink]:
    made = Sink()
    yield made
    made.close()


@given(cuts=st.lists(st.integers(0, 3 * len(REQUEST)), max_size=8))
def test_requests_are_answered_once_each_however_they_are_cut(sink: Sink, cuts: list[int]) -> None:
    before, answers, rest = sink.accepted, b"", b""
    edges = [0, *sorted(cuts), 3 * len(REQUEST)]
    for start, end in itertools.pairwise(edges):
        answer, rest = sink.answer(rest + (3 * REQUEST)[start:end])
        answers += answer
    assert rest == b""
    assert sink.accepted == before + 3
    assert answers.count(b'"status":"sent"') == 3


def test_an_answer_is_the_gateways_with_a_length_that_is_right(sink: Sink) -> None:
    head, _, body = sink.answer(REQUEST)[0].partition(b"\r\n\r\n")
    answer = msgspec.json.decode(body)
    assert answer == {"messageId": f"bench-{sink.accepted:012}", "status": "sent"}
    assert f"Content-Length: {len(body)}".encode() in head


def test_the_count_is_told_and_not_counted(sink: Sink) -> None:
    before = sink.accepted
    answer, _rest = sink.answer(b"GET /accepted HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.endswith(b'{"accepted":%d}' % before)
    assert sink.accepted == before
