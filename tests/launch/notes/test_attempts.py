"""What workers write down of themselves is read as it was written."""

import pytest

from pipeline.errors import PipelineError
from pipeline.launch.notes.attempts import (
    DEADLINE,
    Attempt,
    cut_packs,
    in_training,
    next_number,
    read_attempts,
    readable_attempts,
    write_attempt,
)


def attempt(run, number=1, index=0, **fields):
    noted = Attempt("xor-0a1b2c-1", index, 0, number, f"12_{index}", 1000.0 + number, **{"host": "node1"} | fields)
    write_attempt(run, noted)
    return noted


def test_attempts_are_read_as_they_were_written_the_earliest_first(tmp_path):
    first, second = attempt(tmp_path), attempt(tmp_path, number=2, failed={"p1": "ValueError: no"}, pack="p2")
    assert read_attempts(tmp_path) == [first, second]
    assert next_number(tmp_path, "xor-0a1b2c-1", 0, 0) == 3
    assert next_number(tmp_path, "xor-0a1b2c-1", 1, 0) == 1
    assert next_number(tmp_path, "xor-0a1b2c-1", 0, 1) == 1


def test_what_a_worker_began_last_is_in_training_until_it_or_its_job_ends(tmp_path):
    attempt(tmp_path, pack="p1", ended_at=1005.0, end="deadline")
    attempt(tmp_path, number=2, pack="p2")
    attempt(tmp_path, index=1, pack="p3")
    attempt(tmp_path, index=2, pack="p4", ended_at=1005.0, end="finished")
    attempt(tmp_path, index=3)
    assert in_training(read_attempts(tmp_path), {"12_0", "12_1", "12_2", "12_3"}) == {"p2", "p3"}
    assert in_training(read_attempts(tmp_path), {"12_1"}) == {"p3"}


def test_a_damaged_attempt_is_named_and_left_out_where_nobody_needs_it(tmp_path):
    sound = attempt(tmp_path)
    damaged = tmp_path / "jobs" / "xor-0a1b2c-1" / "0-0-2.attempt"
    damaged.write_text('{"submission": "xor')
    assert readable_attempts(tmp_path) == [sound]
    with pytest.raises(PipelineError, match=r"0-0-2\.attempt: not a readable attempt: .*\n  hint: delete it$"):
        read_attempts(tmp_path)


def test_a_pack_was_cut_if_its_last_attempt_ran_out_of_time(tmp_path):
    attempt(tmp_path, pack="p1", end=DEADLINE)
    attempt(tmp_path, index=1, number=2, pack="p1", end="finished")
    cut = attempt(tmp_path, number=2, pack="p2", end=DEADLINE)
    attempt(tmp_path, number=3, pack="p3")
    assert cut_packs(read_attempts(tmp_path)) == {"p2": cut}
