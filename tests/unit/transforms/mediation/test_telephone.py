"""Numbers as switches write them; what patterns decide for a column must be what libphonenumber decides one by one."""

from __future__ import annotations

import random

import phonenumbers
import polars as pl
import pytest

from transforms.mediation.telephone import as_e164, by_pattern, international

SPELLED = [
    ("0612345678", "FR", "+33612345678"),
    ("06 12 34 56 78", "FR", "+33612345678"),
    ("612345678", "FR", "+33612345678"),
    ("0033612345678", "FR", "+33612345678"),
    ("33612345678", "FR", "+33612345678"),
    ("+33612345678", "DE", "+33612345678"),
    ("+33 (0)6 12 34 56 78", "FR", "+33612345678"),
    ("00330612345678", "FR", "+33612345678"),
    ("+330612345678", "FR", "+33612345678"),
    ("0034688886392", "FR", "+34688886392"),
    ("34688886392", "FR", "+34688886392"),
    ("2125550123", "US", "+12125550123"),
    ("12125550123", "US", "+12125550123"),
    ("01133612345678", "US", "+33612345678"),
    ("0612345678", "IT", "+390612345678"),
    ("+390612345678", "FR", "+390612345678"),
    ("89161234567", "RU", "+79161234567"),
    ("3639", "FR", "+333639"),
    ("34688886392", "", "+34688886392"),
    ("0612345678", "", "0612345678"),
    ("anonymous", "FR", "anonymous"),
    ("sip:kevin@example.com", "FR", "sip:kevin@example.com"),
    ("1-800-FLOWERS", "US", "1-800-FLOWERS"),
    ("*98", "FR", "*98"),
    ("", "FR", ""),
    ("٠٦١٢٣٤٥٦٧٨", "FR", "٠٦١٢٣٤٥٦٧٨"),
    ("+" + "9" * 40, "FR", "+" + "9" * 40),
    (None, "FR", None),
]


@pytest.mark.parametrize(("spelled", "country", "number"), SPELLED)
def test_a_number_is_read_as_its_country_writes_it(spelled: str | None, country: str, number: str | None) -> None:
    frame = pl.DataFrame({"spelled": [spelled, spelled, "+4930901820"]}, schema={"spelled": pl.String})
    found = frame.select(international(pl.col("spelled"), country)).to_series().to_list()
    assert found == [number, number, "+4930901820"]


def spellings(country: str, draw: random.Random) -> list[str]:
    """Numbers of the country and of others, written in the ways there are, and digits that are no number of any."""
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(country)
    found = []
    for other in (country, country, country, *draw.sample(sorted(phonenumbers.SUPPORTED_REGIONS), 5)):
        kind = draw.choice([phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE])
        example = phonenumbers.example_number_for_type(other, kind)
        if example is None:
            continue
        national = phonenumbers.national_significant_number(example)
        digits = national[:3] + "".join(draw.choice("0123456789") for _ in national[3:])
        code = str(example.country_code)
        found += [digits, code + digits, f"+{code}{digits}", f"+{code}0{digits}", f"00{code}{digits}", f"0{digits}"]
        found += [(metadata.national_prefix or "") + digits, f"011{code}{digits}", f"00{code}0{digits}"]
    found += ["".join(draw.choice("0123456789") for _ in range(draw.randint(2, 15))) for _ in range(12)]
    return found


@pytest.mark.parametrize("country", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_patterns_decide_as_libphonenumber_does(country: str) -> None:
    written = spellings(country, random.Random(country))
    found = pl.DataFrame({"spelled": written}).select(by_pattern(pl.col("spelled"), country)).to_series()
    decided = [(one, number) for one, number in zip(written, found, strict=True) if number is not None]
    assert decided == [(one, as_e164(one, country)) for one, _ in decided]
