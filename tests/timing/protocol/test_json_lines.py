import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambda_arch.store import Setup
from lambda_arch.timing.protocol.json_lines import ProtocolError, from_line, to_line
from lambda_arch.timing.protocol.messages import Machine, PeaksRequest, Reply, Request, SampleReply

setups = st.builds(Setup, batch_size=st.integers(1, 9), threads=st.integers(1, 4), compile=st.booleans())
st.register_type_strategy(Setup, setups)
requests = st.one_of([st.builds(kind) for kind in Request.__args__])
replies = st.one_of([st.builds(kind) for kind in Reply.__args__])


def same(a, b):
    return a == b or (str(a) == str(b) and "nan" in str(a))  # NaN is not equal to itself


@settings(max_examples=30)
@given(requests)
def test_requests_come_back_as_they_were(message):
    line = to_line(message)
    assert line.count("\n") == 1
    assert same(from_line(line, Request), message)


@settings(max_examples=30)
@given(replies)
def test_replies_come_back_as_they_were(message):
    assert same(from_line(to_line(message), Reply), message)


def test_types_are_checked():
    line = json.loads(to_line(PeaksRequest("cpu", 1, 2)))
    assert math.isclose(from_line(json.dumps(line), Request).seconds, 2.0)
    for name, value in {"device": 3, "threads": "1", "seconds": None}.items():
        with pytest.raises(ProtocolError, match=f"PeaksRequest.{name}="):
            from_line(json.dumps({**line, name: value}), Request)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "Traceback",
        "[1]",
        "{}",
        '{"message": "Nothing"}',
        '{"message": "MachineRequest"}',
        to_line(PeaksRequest("", 1, 1)),
    ],
)
def test_what_is_no_message_is_refused(line):
    with pytest.raises(ProtocolError):
        from_line(line, Machine | SampleReply)
