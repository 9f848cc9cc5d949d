"""What workers write down of themselves is read as it was written."""

from pipeline.launch.notes.attempts import Attempt, next_number, read_attempts, write_attempt


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
