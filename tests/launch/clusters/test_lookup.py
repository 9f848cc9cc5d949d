"""Every profile in slurm/ can be used as it is, but for what a person has to give."""

from __future__ import annotations

import dataclasses
import datetime
import itertools
import re
from pathlib import Path

import pytest

from pipeline.errors import PipelineError
from pipeline.launch.clusters.lookup import Cluster, check_folder, check_name, profiles, read_cluster, read_profile
from pipeline.launch.clusters.placeholders import IN_BRACES
from pipeline.launch.clusters.profile import PLACED, Profile
from pipeline.launch.clusters.queues import WalltimeTier

ROOT = Path(__file__).parents[3]
FILES = sorted((ROOT / "slurm").glob("*.yaml"))

every_profile = pytest.mark.parametrize("name", [path.stem for path in FILES])


def given(name: str) -> list[str]:
    """A placeholder for all that a cluster asks a person for."""
    return [f"{field}=placeholder" for field in read_profile(name).needed()]


def is_site(name: str, profile: Profile) -> bool:
    """Whether a profile is of one cluster that others run."""
    return profile.on_cluster and not profile.one_machine and not name.endswith("_generic")


def test_clusters_are_found_by_name() -> None:
    assert {path.stem for path in FILES} == set(profiles())
    assert len(FILES) >= 9


@every_profile
def test_a_profile_can_be_used(name: str) -> None:
    cluster = read_cluster(name, given(name))
    assert cluster.name == name
    assert cluster.profile.description.endswith(".")
    if cluster.profile.on_cluster:
        assert cluster.profile.tier(1).hours > 0


@every_profile
def test_what_has_to_be_given_is_asked_for_by_name(name: str) -> None:
    for field in read_profile(name).needed():
        others = [text for text in given(name) if not text.startswith(f"{field}=")]
        with pytest.raises(PipelineError, match=f"{name}.yaml: {name} needs a {field}") as refusal:
            read_cluster(name, others)
        assert f"--set cluster.{field}=" in refusal.value.hint


@every_profile
def test_no_placeholder_is_left(name: str) -> None:
    profile = read_cluster(name, given(name)).profile
    texts = [getattr(profile, field) for field in PLACED]
    for text in itertools.chain.from_iterable(text if isinstance(text, tuple) else (text or "",) for text in texts):
        assert not IN_BRACES.search(text)


@every_profile
def test_a_site_says_whom_to_ask_and_when_its_values_were_looked_up(name: str) -> None:
    profile = read_profile(name)
    if is_site(name, profile):
        assert profile.contact.startswith("https://")
        assert datetime.date.fromisoformat(profile.checked) >= datetime.date(2026, 1, 1)
        assert profile.note


@every_profile
def test_a_site_keeps_runs_where_all_nodes_see_them(name: str) -> None:
    profile = read_cluster(name, given(name)).profile
    if is_site(name, profile):
        assert Path(profile.folder).is_absolute()
        check_folder(Cluster(name, profile), Path(profile.folder) / "run")


@every_profile
def test_limits_fit_together(name: str) -> None:
    profile = read_profile(name)
    jobs = profile.max_jobs or 10**9
    assert profile.max_array <= jobs
    assert (profile.max_running or 0) <= jobs
    for tier in profile.bands:
        assert (tier.running or 0) <= jobs
        assert profile.stop_margin_seconds < tier.hours * 3600
    if profile.node is not None:
        assert profile.workers * (profile.cpus or 0) <= profile.node.cpus
        assert (profile.memory_gib_of_job or 0) <= profile.node.memory_gib


@every_profile
def test_the_default_of_one_gpu_scales_to_a_whole_node(name: str) -> None:
    profile = read_profile(name)
    if profile.node is not None:
        assert profile.node.gpus * (profile.cpus or 0) <= profile.node.cpus
        assert profile.node.gpus * (profile.memory_gib or 0) <= profile.node.memory_gib


@every_profile
def test_every_queue_of_a_profile_can_be_asked_for(name: str) -> None:
    for tier in read_profile(name).bands:
        if tier.queue:
            asked = [f"queue={tier.queue}", f"gpus={min(1, tier.gpus[1])}"]
            assert tier.queue in {found.queue for found in read_profile(name, asked).tiers_of_size()}


@every_profile
def test_pbs_promises_no_requeue(name: str) -> None:
    profile = read_profile(name)
    assert profile.scheduler != "pbs" or not profile.requeue


@pytest.mark.parametrize(
    ("name", "gpus", "hours"),
    [
        ("soc", 1, 72),
        ("soc", 0, 72),
        ("vanda", 2, 48),
        ("hopper", 2, 144),
        ("hopper", 3, 96),
        ("hopper", 8, 48),
        ("aspire2a", 1, 120),
        ("aspire2a", 0, 120),
        ("aspire2aplus", 1, 24),
        ("aspire2aplus", 8, 120),
    ],
)
def test_the_longest_run_is_what_the_site_grants_and_no_more(name: str, gpus: int, hours: int) -> None:
    asked = [*given(name), f"gpus={gpus}"]
    read_cluster(name, [*asked, f"walltime_minutes={60 * hours}"])
    with pytest.raises(PipelineError, match=rf"--set cluster.walltime_minutes=.* above the {hours} hours"):
        read_cluster(name, [*asked, f"walltime_minutes={60 * hours + 1}"])


def test_a_paid_queue_asks_for_a_project() -> None:
    assert not read_cluster("vanda").profile.needed()
    with pytest.raises(PipelineError, match="vanda needs a project"):
        read_cluster("vanda", ["queue=auto"])
    assert read_cluster("vanda", ["queue=auto", "project=abc"]).profile.project == "abc"


def test_a_person_may_change_any_part_of_a_profile() -> None:
    changes = ["exclude=[a,b]", "node.gpus=8", "gpus=8", "charging.per_gpu_hour=2", "bands.1.hours=30", "qos=null"]
    profile = read_profile("aspire2a", changes)
    assert profile.exclude == ("a", "b")
    assert (profile.gpus, profile.charging.per_gpu_hour, profile.bands[1].hours) == (8, 2, 30)


def test_an_unknown_cluster_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(PipelineError, match="unknown cluster 'vnada'") as refusal:
        read_cluster("vnada")
    assert "did you mean 'vanda'?" in refusal.value.hint


def test_more_gpus_than_a_node_has_are_refused() -> None:
    with pytest.raises(PipelineError, match=r"--set cluster\.gpus=3: 3 GPUs are more than the 2 of a node"):
        read_cluster("vanda", ["gpus=3"])


def test_a_gpu_that_is_written_wrongly_is_refused_before_the_site_does() -> None:
    with pytest.raises(PipelineError, match="unknown GPU 'H100-96'") as refusal:
        read_cluster("soc", ["gpu_type=H100-96"])
    assert "h100-96" in refusal.value.hint


def test_an_unknown_key_is_refused_with_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("description: Mine.\nscheduler: slurm\nfolder: /home/me\nbands: [{hours: 1}]\npartition: gpu\n")
    with pytest.raises(PipelineError, match=r"mine.yaml:5: unknown key 'partition'"):
        read_cluster(str(path))
    path.write_text("description: Mine.\nscheduler: slurm\nfolder: /home/me\nbands:\n  - hours: 1\n    hour: 2\n")
    with pytest.raises(PipelineError, match=r"mine.yaml:6: unknown key 'hour' in bands.0"):
        read_cluster(str(path))


def test_a_mistake_in_a_file_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("description: Mine.\nscheduler: slurm\nfolder: /home/{usr}\nbands: [{hours: 1}]\n")
    with pytest.raises(PipelineError, match=r"mine.yaml:3: unknown placeholder {usr}"):
        read_cluster(str(path))


def test_a_profile_in_the_working_directory_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "slurm").mkdir()
    mine = (ROOT / "slurm" / "soc.yaml").read_text().replace("gpu_type: h100-96", "gpu_type: nv")
    (tmp_path / "slurm" / "soc.yaml").write_text(mine)
    (tmp_path / "slurm" / "lab.yaml").write_text(mine)
    monkeypatch.chdir(tmp_path)
    assert read_cluster("soc").profile.gpu_type == "nv"
    assert read_cluster("lab").name == "lab"
    assert "vanda" in profiles()


@pytest.mark.parametrize("folder", ["/tmp", "/var/tmp", "/dev/shm"])
def test_a_run_on_a_disk_of_one_node_is_refused_with_a_better_folder(folder: str) -> None:
    cluster = read_cluster("vanda")
    with pytest.raises(PipelineError, match=f"{folder} is different on each node of vanda") as refusal:
        check_folder(cluster, Path(folder, "runs", "x"))
    assert cluster.profile.folder in refusal.value.hint


def test_the_disks_of_a_site_s_own_nodes_are_known_too() -> None:
    cluster = read_cluster("aspire2aplus", given("aspire2aplus"))
    with pytest.raises(PipelineError, match="/raid is different on each node"):
        check_folder(cluster, Path("/raid/me/runs"))


def test_a_profile_that_keeps_runs_there_is_refused_at_once() -> None:
    with pytest.raises(PipelineError, match="/tmp is different on each node of hopper") as refusal:
        read_cluster("hopper", ["project=p", "folder=/tmp/{user}"])
    assert "--set cluster.folder=" in refusal.value.hint


def test_a_link_onto_such_a_disk_is_seen_through(tmp_path: Path) -> None:
    link = tmp_path / "runs"
    link.symlink_to("/dev/shm")
    with pytest.raises(PipelineError, match="/dev/shm is different on each node"):
        check_folder(read_cluster("soc"), link)


def test_on_one_machine_any_folder_will_do() -> None:
    for name in ("local", "dev"):
        check_folder(read_cluster(name), Path("/tmp/runs"))


# The page about them.

PAGE = (ROOT / "slurm" / "README.md").read_text()


def test_the_page_names_every_cluster_and_every_field_of_a_profile() -> None:
    for name in [*profiles(), *(field.name for field in dataclasses.fields(Profile))]:
        assert re.search(rf"[`.]{name}[`.=]", PAGE), name


def test_every_change_that_the_page_shows_can_be_made() -> None:
    typed = re.findall(r'--set "cluster\.([^"]+)"|--set cluster\.([^`\s,;:]+)', PAGE)
    changes = [quoted or plain for quoted, plain in typed if "..." not in quoted + plain and plain != "NAME=VALUE"]
    assert len(changes) > 30
    for change in changes:
        assert any(is_taken(name, change) for name in profiles()), change


def is_taken(name: str, change: str) -> bool:
    """Whether a change fits a cluster."""
    try:
        profile = read_profile(name, [change])
        return not profile.bands or bool(profile.tiers_of_size())
    except PipelineError:
        return False


@every_profile
def test_the_page_tells_the_longest_run(name: str) -> None:
    profile = read_profile(name)
    (row,) = re.findall(rf"^\| `{name}` \|.*$", PAGE, re.MULTILINE)
    if profile.on_cluster:
        longest = max(tier.hours for tier in profile.bands)
        assert f"{longest:g} h" in row


@pytest.mark.parametrize(
    ("name", "refused", "what"),
    [
        ("two words", "", ""),
        ('it\'s "a" $HOME #1,;&`x`', "", ""),
        ("a%%b", "slurm pbs local", "%"),  # submitit fills in %j, %t, %A, %a and SLURM more
        ("a%jb", "slurm pbs local", "%"),
        ("a\nb", "slurm pbs local", "a line break or another unprintable letter"),
        ("a\\b", "slurm pbs", "a backslash"),  # SLURM then fills in nothing: logs go to %j_0_log.out
        ("a:b", "pbs", "a colon"),
        ("\u00e9t\u00e9", "pbs", "letters beyond ASCII"),
    ],
)
def test_jobs_are_not_sent_from_a_folder_whose_name_means_something_else(
    tmp_path: Path, name: str, refused: str, what: str
) -> None:
    for scheduler in ("slurm", "pbs", "local"):
        profile = Profile("A cluster.", scheduler, "runs", gpus=0, bands=(WalltimeTier(1.0),))  # type: ignore[arg-type]
        if scheduler not in refused.split():
            check_name(Cluster("there", profile), tmp_path / name)
            continue
        with pytest.raises(PipelineError, match=f"jobs cannot run in a folder with {what} in its path\n  hint: take"):
            check_name(Cluster("there", profile), tmp_path / name)
