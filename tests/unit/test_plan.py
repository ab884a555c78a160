"""What a run would cost, from a tiny model's own records and a price per token, reckoned by hand."""

import itertools
import json
from datetime import UTC, datetime

import pytest
from tiny_model import make_tokenizer, save

from empathic import generation, plan, posts, prompts, records, settings, yamlfile
from empathic.errors import InputError

POSTS = 'post_id,domain,text\np1,work,I am sad\np2,work,"I am very, very sad"\np3,home,You hurt me\n'
PROMPT = "Reply to this:\n{post}"


@pytest.fixture
def config(tmp_path):
    """A run of one study with a model here and one behind an API; as made from YAML, and read."""
    (tmp_path / "posts.csv").write_text(POSTS)
    (tmp_path / "prompt.md").write_text(PROMPT)
    save(tmp_path / "tiny")
    prompt = str(tmp_path / "prompt.md")
    here = {"kind": "transformers", "title": "Tiny", "model": "tiny", "quantization": "none", "batch_size": 2}
    here |= {"context": 128, "prompt": prompt, "samples": 2, "sampling": {"max_new_tokens": 8, "temperature": 0.9}}
    api = {"kind": "openai", "title": "GPT", "model": "gpt", "licence": "terms", "prompt": prompt}
    api |= {"sampling": {"max_tokens": 100}, "price_per_million": {"input": 10, "output": 30, "currency": "EUR"}}
    given = {"file": str(tmp_path / "posts.csv"), "origin": "observed", "rights": "ours"}
    return {
        "run": "planned",
        "cache": str(tmp_path / "cache"),
        "models": {"tiny": {"kind": "folder", "title": "Tiny", "licence": "MIT", "folder": str(tmp_path / "tiny")}},
        "sources": {"here": here, "api": api},
        "studies": {"s": {"title": "S", "posts": given, "posts_may_leave": True, "sources": ["here", "api"]}},
    }


def planned(config):
    return {part.source: part for part in plan.parts(settings.read(config), pytest.fail)}


def generate(config, how_many):
    read = settings.read(config)
    source, given = read["sources"]["here"], read["studies"]["s"]["posts"]
    manifest = plan.weights.there_already("tiny", read["models"]["tiny"], None)
    arm = generation.Arm("s", "here", source, manifest, prompts.read(source["prompt"]), read["seed"])
    table = posts.read(given["file"], origin="observed").head(how_many)
    generation.answer(table, arm, plan.Path(read["cache"]), "planned.1of1", (1, 1), lambda line: None)
    [file] = plan.Path(read["cache"]).rglob("*.jsonl")
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_tokens_are_counted_by_the_model_s_own_tokenizer_with_its_chat_template(config):
    part = planned(config)["here"]

    texts = ["I am sad", "I am very, very sad", "You hurt me"]
    turn = "<|im_start|>user\nReply to this:\n{}<|im_end|>\n<|im_start|>assistant\n"
    tokens = sum(len(make_tokenizer()(turn.format(text))["input_ids"]) for text in texts)
    assert (part.responses, part.cached, part.read, part.written) == (6, 0, 2 * tokens, 6 * 8)
    assert part.hours is None and part.money is None


def under_way(made):
    """Seconds in which a record was being made, counted by the microsecond's edges between which one was."""
    spans = [[datetime.fromisoformat(record[edge]) for edge in ("started", "ended")] for record in made]
    edges = sorted({edge for span in spans for edge in span})
    return sum(
        (after - before).total_seconds()
        for before, after in itertools.pairwise(edges)
        if any(started <= before and after <= ended for started, ended in spans)
    )


def test_a_night_between_two_parts_of_a_job_makes_it_no_slower(config):
    made = generate(config, 2)
    [file] = plan.Path(config["cache"]).rglob("*.jsonl")
    later = []
    for number, record in enumerate(made):
        times = [datetime(2026, 1, 1, 12 * (number // 2), 0, second, tzinfo=UTC) for second in (number % 2, 4)]
        record |= dict(zip(("started", "ended"), [time.isoformat() for time in times], strict=True), new_tokens=8)
        record.pop(records.SEAL)
        later.append(json.dumps(record | {records.SEAL: records._seal(record)}))
    file.write_text("\n".join(later) + "\n")

    # Two pairs, the one twelve hours after the other: 0 to 4 and 1 to 4 seconds, twice; 4 times 8 tokens in 8 seconds.
    assert len(made) == 4 and planned(config)["here"].tokens_per_s == pytest.approx(4)


def test_what_is_there_already_costs_nothing_and_gives_the_speed(config):
    made = generate(config, 2)
    part = planned(config)["here"]

    speed = sum(record["new_tokens"] for record in made) / under_way(made)
    assert (part.responses, part.cached, part.written) == (6, 4, 2 * 8)
    assert part.tokens_per_s == pytest.approx(speed) and part.on == made[0]["device_name"]
    assert part.hours == pytest.approx(16 / speed / 3600)
    config["sources"]["here"]["quantization"] = "nf4"
    assert planned(config)["here"].tokens_per_s is None


def test_what_an_api_would_charge_is_its_price_for_what_is_read_and_at_most_written(config):
    part = planned(config)["api"]

    read = sum(round(1.35 * (3 + words)) for words in (3, 5, 3))
    assert (part.responses, part.read, part.written) == (3, read, 300)
    assert part.money == pytest.approx((read * 10 + 300 * 30) / 1e6)
    del config["sources"]["api"]["sampling"]
    assert planned(config)["api"].money is None and planned(config)["api"].written is None


def test_what_may_be_drawn_again_counts_as_often_as_it_may(config):
    before = planned(config)
    for source in config["sources"].values():
        source["redraws"] = 2

    after = planned(config)

    assert after["here"].written == 3 * before["here"].written == 3 * 6 * 8
    assert (after["api"].read, after["api"].written) == (3 * before["api"].read, 900)


def test_a_device_left_to_the_machine_finds_the_records_of_the_one_it_has(config):
    generate(config, 2)
    config["sources"]["here"]["device"] = "auto"

    assert planned(config)["here"].cached == (4 if plan.device.here() == "cpu" else 0)


def test_a_model_past_its_day_and_a_price_that_is_not_given_are_said(config):
    config["sources"]["api"] |= {"retires_on": "2999-01-01"}
    said = plan.text(settings.read(config), pytest.fail)
    assert "retire" not in said and "price_per_million" not in said

    config["sources"]["api"] |= {"retires_on": "2026-10-23", "price_per_million": None}
    said = plan.text(settings.read(config), pytest.fail)

    assert (
        "The model of 'api' was announced to retire on 2026-10-23: where the endpoint no longer knows it, responses "
        "of it can only come from an archive (kind: archived).\n"
        "What 'api' costs is not known: price_per_million of the source.\n"
    ) in said


def test_the_plan_says_all_that_in_words_and_what_it_cannot_know(config):
    llama = {"kind": "hub", "title": "Llama", "licence": "its own", "repository": "lab/llama"}
    config["models"]["llama"] = llama | {"revision": "a" * 40, "size_gb": 26}
    config["sources"]["far"] = config["sources"]["here"] | {"model": "llama"}
    config["studies"]["s"]["sources"].append("far")

    said = plan.text(settings.read(config), pytest.fail)

    assert "Run 'planned', before it starts:" in said
    assert "0.01 EUR" in said
    assert "Where no speed stands" in said and "run a few posts first" in said
    assert "Tiny: 0.0 GB, here\nLlama: about 26 GB, to be fetched\nresults: about 3 MB\n" in said


@pytest.mark.parametrize("shipped", ["config.yaml", "configs/smoke.yaml"])
def test_what_the_default_run_fetches_has_a_size(tmp_path, shipped):
    read = settings.read(yamlfile.read_config(plan.Path(__file__).parents[2] / shipped))
    models = {name for source in read["sources"].values() if (name := source.get("model"))}
    models |= {study["style"]["embeddings"] for study in read["studies"].values()} - {None}

    lines = plan.disk(read | {"cache": str(tmp_path)}, [plan.Part("s", name, 1, 0, 1, 1) for name in read["sources"]])

    assert len(lines) == len(models) + 1 and models
    assert all(line.endswith(" GB, to be fetched") for line in lines[:-1]), lines


def test_a_run_that_generates_nothing_says_so_and_a_bad_file_of_posts_is_one_message(config, tmp_path):
    frozen = json.loads(json.dumps(config))
    frozen["studies"]["s"]["frozen"] = "data/frozen/planned/s"

    assert plan.text(settings.read(frozen), pytest.fail) == "Run 'planned': no response is generated or asked for.\n"
    (tmp_path / "posts.csv").write_text(POSTS + "p1,work,Again\n")
    with pytest.raises(InputError, match="'p1' stands twice"):
        planned(config)
