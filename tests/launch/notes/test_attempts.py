"""What workers write down of themselves is read as it was written."""

from pipeline.launch.notes.attempts import Attempt, in_training, next_number, read_attempts, write_attempt


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
