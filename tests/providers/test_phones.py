"""Phone numbers: one spelling for all that people and files write."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.transports.phones import digits_of, e164_of, of_whatsapp


@pytest.mark.parametrize(
    "written",
    [
        "+5531988889999",
        "5531988889999",
        "31988889999",
        "031988889999",
        "005531988889999",
        "+55 (31) 98888-9999",
        " (31) 98888.9999 ",
        "+55\u00a031\u00a098888\u20119999",
        "55/31/988889999",
        "\u202a+55 31 98888-9999\u202c",
    ],
)
def test_however_it_is_written_a_brazilian_mobile_is_one_number(written: str) -> None:
    assert digits_of(written) == "5531988889999"
    assert e164_of(written) == "+5531988889999"


@pytest.mark.parametrize(
    ("written", "digits"),
    [
        ("3133334444", "553133334444"),
        ("03133334444", "553133334444"),
        ("+1 415 555 0100", "14155550100"),
        ("+44 20 7946 0958", "442079460958"),
        ("0044 20 7946 0958", "442079460958"),
        ("+290 1234", "2901234"),
        ("351912345678", "351912345678"),
        ("+123456789012345", "123456789012345"),
    ],
)
def test_a_country_that_is_named_stays_and_a_missing_one_is_brazil(written: str, digits: str) -> None:
    assert digits_of(written) == digits


@pytest.mark.parametrize(
    "written",
    [
        *("", " ", "+", "++5531988889999", "ana", "ana@example.com", "5531988889999@s.whatsapp.net"),
        *("988889999", "88889999", "+123456", "+1234567890123456", "1234567890123456", "+0531988889999", "000"),
        *("05531988889999", "٣١٩٨٨٨٨٩٩٩٩", "31 98888-9999 ramal 2", "31988889999\x00", "31988889999,31988880000"),
    ],
)
def test_what_is_no_number_is_told_apart(written: str) -> None:
    assert digits_of(written) is None
    assert e164_of(written) is None


@given(st.text(max_size=30))
def test_any_text_becomes_digits_or_nothing_and_digits_stay_as_they_are(text: str) -> None:
    digits = digits_of(text)
    if digits is not None:
        assert digits.isascii()
        assert digits.isdecimal()
        assert digits_of(f"+{digits}") == digits


@pytest.mark.parametrize(
    ("user_id", "number"),
    [
        ("553188889999", "+5531988889999"),
        ("5531988889999", "+5531988889999"),
        ("553133334444", "+553133334444"),
        ("16505551234", "+16505551234"),
        ("", ""),
        ("123456789@lid", ""),
    ],
)
def test_a_whatsapp_id_is_a_number_with_its_ninth_digit(user_id: str, number: str) -> None:
    assert of_whatsapp(user_id) == number
