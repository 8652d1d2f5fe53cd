"""CUCM tells the devices at both ends of a call: between two telephones it never left the cluster."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.reading import read
from transforms.mediation.contract import Read
from transforms.mediation.source import Source

FRANCE = Source(country="FR", extension_digits=5)
CALL = {
    "cdrRecordType": "1",
    "globalCallID_callManagerId": "1",
    "globalCallID_callId": "8001",
    "origLegCallIdentifier": "301",
    "destLegIdentifier": "302",
    "dateTimeOrigination": "1791187200",
    "dateTimeConnect": "1791187203",
    "dateTimeDisconnect": "1791187214",
    "duration": "11",
    "callingPartyNumber": "0199000001",
    "originalCalledPartyNumber": "0199000002",
    "finalCalledPartyNumber": "0199000002",
    "origDeviceName": "SEP0011223344AA",
    "destDeviceName": "SEP0011223344BB",
    "mobileCallType": "0",
}


def calls(source: Source = FRANCE, **other: str) -> Read:
    row = CALL | other
    return read("cisco_cucm", "csv", [",".join(row), ",".join(row.values())], source)


def one(source: Source = FRANCE, **other: str) -> dict[str, Any]:
    found = calls(source, **other)
    assert found.unbillable == 0
    return found.fields.to_dicts()[0]


TELEPHONES = (
    "SEP0011223344BB",
    "sep0011223344bb",
    "ATA0011223344BB",
    "AN22334455BB080",
    "VGP1122334455BB",
    "CSFaubert",
    "BOT_J.AUBERT",
    "TCTAUBERT",
    "TABAUBERT",
    "CIPC-0042",
)


@pytest.mark.parametrize("device", TELEPHONES)
def test_between_two_telephones_is_no_usage_whatever_their_numbers(device: str) -> None:
    for at in ("origDeviceName", "destDeviceName"):
        found = calls(**{at: device})
        assert (found.unbillable, found.fields.height, found.unreadable.height) == (1, 0, 0)
    assert calls(Source(country="FR"), destDeviceName=device).unbillable == 1
    assert calls(destDeviceName=device, dateTimeConnect="0", duration="0").unbillable == 1


@pytest.mark.parametrize(
    "device",
    [
        "PSTN-TRUNK",
        "SEPARATE-TRUNK",
        "ATALANTA-SBC",
        "ANN_2",
        "ANTWERP-GW",
        "VG224-PARIS",
        "AALN/S0/SU1/0@gw.example.com",
        "CFB_2",
        "192.0.2.1",
        "",
    ],
)
def test_a_gateway_or_a_trunk_is_no_telephone(device: str) -> None:
    assert one(destDeviceName=device)["to_number"] == "+33199000002"
    assert one(origDeviceName=device)["from_number"] == "+33199000001"


def test_files_without_devices_are_read_as_before() -> None:
    row = {name: value for name, value in CALL.items() if not name.endswith("DeviceName") and name != "mobileCallType"}
    assert read("cisco_cucm", "csv", [",".join(row), ",".join(row.values())], FRANCE).fields.height == 1


def test_a_call_between_telephones_that_went_on_within_is_no_usage() -> None:
    assert calls(finalCalledPartyNumber="0199000003").unbillable == 1
    assert calls(finalCalledPartyNumber="70003").unbillable == 1


def test_a_call_from_a_telephone_forwarded_outside_is_usage() -> None:
    call = one(finalCalledPartyNumber="0639980041", destDeviceName="PSTN-TRUNK")
    assert (call["to_number"], call["forwarded_to"], call["forwarded_seconds"]) == (
        "+33199000002",
        "+33639980041",
        "11",
    )


def test_a_call_that_went_on_to_a_mobile_phone_left_the_cluster() -> None:
    # 128: handed out to the mobile network, of which the device of the office tells nothing.
    assert one(mobileCallType="128")["to_number"] == "+33199000002"


def test_a_device_that_comes_in_by_the_settings_is_no_telephone_of_the_cluster() -> None:
    came = Source(country="FR", inbound=("SEP0011223344AA",))
    assert one(came)["direction"] == "inbound"
