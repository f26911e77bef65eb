"""The demo's judgement: it must be able to say no."""

from __future__ import annotations

import pytest

from prism.demo.outcomes import Dispatch, Outcome, Rejection
from prism.demo.samples import Sample, State, samples

SENT, FAILED = State("WHATSAPP", "SENT"), State("WHATSAPP", "FAILED", "CONTENT_REJECTED")
REJECTED = Rejection("UNKNOWN_JOURNEY", "$.journey_name", "no campaign")


def dispatch(state: State) -> Dispatch:
    return Dispatch("id", 2, state.channel, state.status, state.reason, None, 1, "Sandbox", "", "")


def judge(sample: Sample, *states: State, rejection: Rejection | None = None, passed: bool = True) -> bool:
    return Outcome(sample, passed, rejection, [dispatch(state) for state in states]).is_expected


def test_a_sample_is_as_expected_when_all_its_dispatches_are() -> None:
    both = Sample("both", b"", "id", states=(State("EMAIL", "SENT"), SENT))
    assert judge(both, SENT, State("EMAIL", "SENT"))
    assert not judge(both, SENT)
    assert not judge(both, SENT, State("EMAIL", "SENT"), SENT)
    assert not judge(both, FAILED, State("EMAIL", "SENT"))
    assert not judge(both, SENT, State("EMAIL", "SENT"), rejection=REJECTED)
    assert not judge(both, SENT, State("EMAIL", "SENT"), passed=False)


def test_a_rejection_is_expected_by_its_code() -> None:
    unknown = Sample("unknown", b"", "id", rejection="UNKNOWN_JOURNEY")
    assert judge(unknown, rejection=REJECTED)
    assert not judge(unknown, rejection=Rejection("MALFORMED_JSON", "$", ""))
    assert not judge(unknown)


def test_a_repeat_needs_what_it_repeats_and_no_rejection() -> None:
    repeat = Sample("again", b"", "id", repeat=True)
    assert judge(repeat, SENT)
    assert not judge(repeat)
    assert not judge(repeat, SENT, rejection=REJECTED)


@pytest.mark.parametrize("seed_is_known", [False, True])
def test_correlation_ids_are_new_with_every_run_but_for_the_seeds_own(seed_is_known: bool) -> None:
    first, second = samples(seed_is_known=seed_is_known), samples(seed_is_known=seed_is_known)
    assert first[0].repeat is seed_is_known
    shared = {sample.correlation_id for sample in first} & {sample.correlation_id for sample in second}
    assert shared == {"550e8400-e29b-41d4-a716-446655440000", ""}
