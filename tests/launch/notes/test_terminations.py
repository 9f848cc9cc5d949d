"""Who ended a job is remembered beside it."""

import pytest

from pipeline.launch.notes.terminations import cancelled, killed, note_cancelled, note_killed, words_of_pbs

NOISE = "stty: 'standard input': Inappropriate ioctl for device\nJobs out of memory are killed: node policy\n"


def test_job_stays_cancelled_since_it_was_first_told_to_end(tmp_path):
    folder = tmp_path / "jobs" / "xor-0a1b2c-1"
    assert cancelled(folder) == {}
    note_cancelled(folder, ["12_0"])
    first = cancelled(folder)
    note_cancelled(folder, ["12_0", "12_3"])
    assert cancelled(folder).keys() == {"12_0", "12_3"}
    assert cancelled(folder)["12_0"] == first["12_0"]


def test_cause_that_a_server_has_named_once_outlives_its_memory(tmp_path):
    assert killed(tmp_path, "12_0") == ""
    note_killed(tmp_path, "12_0", "out of memory")
    note_killed(tmp_path, "12_0", "time limit")
    assert (killed(tmp_path, "12_0"), killed(tmp_path, "12_1")) == ("out of memory", "")


def test_who_may_not_write_to_a_run_may_ask_about_it(tmp_path):
    note_killed(tmp_path / "of somebody else", "12_0", "out of memory")
    assert killed(tmp_path / "of somebody else", "12_0") == ""


@pytest.mark.parametrize(
    ("spool", "words"),
    [
        ("", ""),
        (NOISE, ""),
        (f"{NOISE}=>> PBS: job killed: mem 577916kb exceeded limit 460800kb\n",
         "mem 577916kb exceeded limit 460800kb"),
        ("=>> PBS: job killed: node 1 (n2) requested job die, code 15010\nTerminated\n",
         "node 1 (n2) requested job die, code 15010"),
        ("Cgroup mem limit exceeded: \n", ""),  # the hook counts what the kernel reclaimed: nobody was killed
        ("echo =>> PBS: job killed: no\n", ""),
    ],
)  # fmt: skip
def test_words_of_pbs_are_found_among_the_noise_of_a_login_shell(tmp_path, spool, words):
    (tmp_path / "12.pbs01.OU").write_text(spool)
    assert words_of_pbs([tmp_path / "12.pbs01.OU", tmp_path / "missing"]) == words
