"""What `device: auto` comes to, beside a driver's tool of the test's own and a build of PyTorch by name."""

import pytest

from empathic import device


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Makes a machine: what nvidia-smi prints, its exit status, and the version of PyTorch that is installed."""

    def made(prints="GPU 0: NVIDIA H200 (UUID: GPU-1)", status=0, torch="2.13.0+cu130"):
        tool, info = tmp_path / "nvidia-smi", tmp_path / "torch-0.dist-info"
        tool.write_text(f"#!/bin/sh\necho '{prints}'\nexit {status}\n")
        tool.chmod(0o755)
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: torch\nVersion: {torch}\n")
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)

    device.here.cache_clear()
    yield made
    device.here.cache_clear()


@pytest.mark.parametrize("given", ["cpu", "cuda"])
def test_a_device_that_is_named_stays_whatever_the_machine_has(machine, given):
    machine()

    assert device.settled({"device": given, "shards": 2}) == {"device": given, "shards": 2}


def test_auto_is_cuda_where_the_driver_lists_a_gpu(machine):
    machine()

    assert device.settled({"device": "auto"}) == {"device": "cuda"}


@pytest.mark.parametrize("visible", ["0", "1,0", "GPU-1"])
def test_a_choice_among_gpus_hides_none(machine, monkeypatch, visible):
    machine()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)

    assert device.here() == "cuda"


@pytest.mark.parametrize("visible", ["", "-1"])
def test_auto_is_cpu_where_the_environment_hides_the_gpus(machine, monkeypatch, visible):
    machine()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)

    assert device.here() == "cpu"


@pytest.mark.parametrize(
    "without",
    [{"torch": "2.13.0+cpu"}, {"prints": "No devices found"}, {"prints": "", "status": 9}],
    ids=["a build for CPUs", "no GPU", "no driver"],
)
def test_auto_is_cpu_where_a_job_would_see_no_gpu(machine, without):
    machine(**without)

    assert device.settled({"device": "auto"}) == {"device": "cpu"}


def test_auto_is_cpu_where_there_is_no_such_tool(machine, monkeypatch, tmp_path):
    machine()
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))

    assert device.here() == "cpu"
