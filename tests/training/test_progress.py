"""Progress counts trials, estimates the remaining time, and is readable on a terminal and in a log."""

import io
import re
from pathlib import Path

import pytest

from pipeline.config import read_experiment
from pipeline.durations import duration
from pipeline.models.activations import Tanh
from pipeline.models.shallow import Shallow
from pipeline.plans import make_plan
from pipeline.training import progress as module
from pipeline.training.progress import BAR_WIDTH, TrainingProgress, work_of

ROOT = Path(__file__).parents[2]
NETWORKS = (Shallow(Tanh()), Shallow())
"""Of each there are 12 trials."""


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until it is set."""
    now = [1000.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return now


def test_time_left_follows_from_the_work_done(experiment, clock):
    plan = make_plan("p", experiment(models=NETWORKS, widths=(6, 6 * 2)))
    progress = TrainingProgress(io.StringIO())
    progress.start(plan.packs, plan.packs)
    first, *rest = plan.packs
    clock[0] += 8
    progress.start_pack(first)
    progress.advance(first.trial_steps)
    progress.finish_pack(first, diverged=3)
    work = [work_of(pack) for pack in plan.packs]
    left = 8 * sum(work[1:]) / work[0]
    assert progress.text() == (
        f"12/48 trials, {first.trial_steps / 8:.3g} trial-steps/s, {duration(left)} left, 3 diverged, 0 failed"
    )
    for pack in rest:
        progress.start_pack(pack)
        progress.advance(pack.trial_steps)
        progress.finish_pack(pack, failed=len(pack.trials))
    assert re.fullmatch(r"48/48 trials, .* trial-steps/s, in 8 s, 3 diverged, 36 failed", progress.text())


TOOK = {
    "configs/fixed_vs_learned_basis.yaml": (
        0.09, 0.1, 0.06, 0.12, 0.09, 0.07, 0.14, 0.11, 0.05, 0.11, 0.13, 0.04, 0.04, 0.04, 0.11, 0.09, 0.23, 0.23, 0.27,
        0.23, 0.23, 0.1, 0.11, 0.12, 0.19, 0.09, 0.05, 0.05, 0.06, 0.06, 0.08, 0.07, 0.06, 0.08, 0.07, 0.05, 0.04, 0.12,
        0.09, 0.1, 0.13, 0.13, 0.13, 0.1, 0.4, 0.23, 0.17, 0.26, 0.36, 0.29,
    ),
    "configs/lecture/curse_of_dimension.yaml": (
        0.18, 0.11, 0.13, 0.15, 0.15, 0.76, 0.54, 0.73, 1.67, 2.99, 0.22, 0.28, 0.22, 0.11, 0.14, 0.3, 0.41, 0.61, 1.17,
        2.0, 0.08, 0.07, 0.1, 0.1, 0.14, 0.22, 0.32, 0.51, 3.13, 1.87, 0.23, 0.08, 0.06, 0.11, 0.13, 0.21, 0.31, 0.32,
        0.84, 2.11,
    ),
}  # fmt: skip
"""Seconds that each pack of two experiments took on two cores that others used as well, linear models and networks."""


@pytest.mark.parametrize("config", TOOK)
def test_time_left_is_right_within_a_factor_of_two_from_the_first_tenth_on(config, clock):
    """Of packs of which some take forty times as long as others."""
    plan = make_plan("p", read_experiment(ROOT / config))
    progress, whole = TrainingProgress(io.StringIO()), sum(TOOK[config])
    progress.start(plan.packs, plan.packs)
    for pack, seconds in zip(plan.packs, TOOK[config], strict=True):
        clock[0] += seconds
        progress.start_pack(pack)
        progress.finish_pack(pack)
        done = clock[0] - 1000.0
        if 0.1 * whole <= done <= 0.97 * whole:
            assert 0.5 <= progress.seconds_left() / (whole - done) <= 2


def test_log_has_whole_lines_ten_seconds_apart(experiment, clock):
    plan = make_plan("p", experiment(models=NETWORKS))
    stream = io.StringIO()
    progress = TrainingProgress(stream)
    progress.start(plan.packs, plan.packs)
    progress.start_pack(plan.packs[0])
    for _ in range(40):
        clock[0] += 1
        progress.advance(1)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 4
    assert all(re.fullmatch(r"0/24 trials, 1 trial-steps/s, .* left, 0 diverged, 0 failed", line) for line in lines)


def test_work_found_finished_does_not_flatter_the_rate(experiment, clock):
    plan = make_plan("p", experiment(models=NETWORKS))
    stream = io.StringIO()
    progress = TrainingProgress(stream)
    progress.start(plan.packs, plan.packs[1:], diverged=5)
    clock[0] += 2
    progress.advance(20)
    assert stream.getvalue() == "12 of 24 trials were finished before\n"
    assert progress.text().startswith("12/24 trials, 10 trial-steps/s, ")
    assert progress.text().endswith(", 5 diverged, 0 failed")


def test_pack_that_another_trained_shortens_the_rest_and_not_the_rate(experiment, clock):
    plan = make_plan("p", experiment(models=NETWORKS, widths=(6, 6 * 2)))
    progress = TrainingProgress(io.StringIO())
    progress.start(plan.packs, plan.packs)
    first, others, second, third = plan.packs
    progress.start_pack(first)
    clock[0] += 8
    progress.advance(first.trial_steps)
    progress.finish_pack(first)
    progress.skip_pack(others)
    work = [work_of(pack) for pack in (first, second, third)]
    left = 8 * sum(work[1:]) / work[0]
    assert progress.text().startswith(f"24/48 trials, {first.trial_steps / 8:.3g} trial-steps/s, {duration(left)} left")


def test_updates_of_a_failed_pack_are_not_those_of_the_next(experiment, clock):
    plan = make_plan("p", experiment(models=NETWORKS))
    progress = TrainingProgress(io.StringIO())
    progress.start(plan.packs, plan.packs)
    first, second = plan.packs
    clock[0] += 8
    progress.start_pack(first)
    progress.advance(first.trial_steps)
    progress.finish_pack(first, failed=12)
    progress.start_pack(second)
    left = 8 * work_of(second) / work_of(first)
    assert f", {duration(left)} left, " in progress.text()


@pytest.mark.parametrize("columns", [None, 80])
def test_warning_is_said_once_and_on_a_line_of_its_own(clock, columns):
    stream = io.StringIO() if columns is None else Terminal(columns)
    progress = TrainingProgress(stream)
    for text in ("no locks", "no locks", "no space"):
        progress.warn(text)
    lines = stream.getvalue().splitlines() if columns is None else stream.screen()
    assert lines == ["warning: no locks", "warning: no space"]


def test_time_of_compiling_is_not_that_of_training(experiment, clock):
    plan = make_plan("p", experiment(models=NETWORKS))
    terminal = Terminal()
    progress = TrainingProgress(terminal)
    progress.start(plan.packs, plan.packs)
    with progress.untimed("compiling"):
        clock[0] += 100
    assert terminal.screen() == [f"{'━' * BAR_WIDTH} compiling"]
    progress.start_pack(plan.packs[0])
    clock[0] += 8
    progress.advance(800)
    assert ", 100 trial-steps/s, " in progress.text()


# On a terminal.

CONTROL = re.compile(r"\x1b\[([?\d;]*)([A-Za-z])|(.)", re.DOTALL)


class Terminal(io.StringIO):
    """A terminal that knows what ``rich`` sends: text in colours, a line erased, the cursor moved up."""

    def __init__(self, columns=80):
        super().__init__()
        self.columns = columns

    def isatty(self):
        return True

    def screen(self):
        """The lines that a person sees."""
        rows, row, column = [""], 0, 0
        for argument, command, letter in CONTROL.findall(self.getvalue()):
            if command == "A":
                row -= int(argument or 1)
            elif command == "K":
                rows[row] = ""
            elif letter == "\r":
                column = 0
            elif letter == "\n":
                row, column = row + 1, 0
            elif letter:
                if column == self.columns:
                    row, column = row + 1, 0
                rows += [""] * (row + 1 - len(rows))
                rows[row] = rows[row][:column].ljust(column) + letter + rows[row][column + 1 :]
                column += 1
            else:
                assert command in "mhl"
        return [line.rstrip() for line in rows if line]


@pytest.fixture
def begun(experiment, clock, monkeypatch):
    """A function that begins to show the progress of 24 trials on a terminal, half of the first pack trained."""

    def begin(columns=80):
        monkeypatch.setenv("COLUMNS", str(columns))
        terminal = Terminal(columns)
        plan = make_plan("p", experiment(models=NETWORKS))
        progress = TrainingProgress(terminal)
        progress.start(plan.packs, plan.packs)
        progress.start_pack(plan.packs[0])
        clock[0] += 8
        progress.advance(plan.packs[0].trial_steps // 2)
        return progress, terminal

    return begin


def test_bar_beside_the_sentence_is_as_long_as_the_work_done(begun, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")  # then what is left to do is blank
    progress, terminal = begun()
    (line,) = terminal.screen()
    assert line[BAR_WIDTH:] == f" {progress.text()}"
    done = 2 * BAR_WIDTH * progress._work_done() / progress.cost
    assert line[:BAR_WIDTH].rstrip() == "━" * int(done // 2) + "╸" * int(done % 2)
    assert 0 < done < BAR_WIDTH


def test_bar_begins_where_the_work_found_finished_ends(experiment, clock, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    plan = make_plan("p", experiment(models=NETWORKS, widths=(6, 12)))
    terminal = Terminal()
    progress = TrainingProgress(terminal)
    progress.start(plan.packs, plan.packs[:1])
    progress.draw()
    progress.finish_pack(plan.packs[0])
    begins = 1 - work_of(plan.packs[0]) / progress.cost
    assert terminal.screen()[-1][:BAR_WIDTH].count("━") == int(begins * BAR_WIDTH)
    progress.draw()
    assert terminal.screen()[-1][:BAR_WIDTH] == "━" * BAR_WIDTH


def test_sentence_folds_on_a_narrow_terminal_and_is_erased_whole(begun, clock):
    progress, terminal = begun(columns=40)
    for _ in range(3):
        clock[0] += 1
        progress.draw()
    lines = terminal.screen()
    assert all(len(line) <= 40 for line in lines)
    assert " ".join(line[BAR_WIDTH:].strip() for line in lines) == progress.text()


def test_what_is_said_stands_above_the_bar(begun):
    progress, terminal = begun()
    progress.say("engine: fused")
    said, bar = terminal.screen()
    assert (said, bar[BAR_WIDTH + 1 :]) == ("engine: fused", progress.text())


def test_what_is_said_before_there_is_a_bar_is_a_line(experiment):
    plan = make_plan("p", experiment(models=NETWORKS))
    for stream in (Terminal(), io.StringIO()):
        progress = TrainingProgress(stream)
        progress.start(plan.packs, plan.packs)
        progress.say("engine: fused")
        assert stream.getvalue() == "engine: fused\n"


def test_name_that_looks_like_markup_is_shown_as_it_is(begun):
    progress, terminal = begun()
    name = "/runs/[red]a[/red]/[/x]:warning:[b]"
    progress.warn(name)
    with progress.untimed(name):
        pass
    warning, bar = terminal.screen()
    assert (warning, bar[BAR_WIDTH + 1 :]) == (f"warning: {name}", name)


def test_last_sentence_stays_without_the_bar(begun):
    progress, terminal = begun()
    progress.finish_pack(progress.pack, diverged=2)
    progress.stop()
    assert terminal.screen() == [progress.text()]
    assert terminal.getvalue().endswith("\n")
    progress.close()
    assert terminal.screen() == [progress.text()]


def test_cursor_is_never_left_hidden(begun):
    """A process that is killed has no moment to show it again."""
    progress, terminal = begun()
    for _ in range(2):
        assert terminal.getvalue().rindex("\x1b[?25h") > terminal.getvalue().rindex("\x1b[?25l")
        progress.draw()


def test_nothing_is_written_to_standard_output(begun, capsys):
    progress, _ = begun()
    print("a row")
    progress.stop()
    assert capsys.readouterr().out == "a row\n"


def test_terminal_that_cannot_move_its_cursor_is_a_log(monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    assert not TrainingProgress(Terminal()).live


def test_log_is_no_terminal_although_colours_are_forced(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert not TrainingProgress(io.StringIO()).live


def test_without_colours_the_bar_is_the_same(begun, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    progress, terminal = begun()
    assert "\x1b[3" not in terminal.getvalue()
    assert "\x1b[9" not in terminal.getvalue()
    assert terminal.screen()[0].endswith(f" {progress.text()}")
