import hashlib
import subprocess
import sys

from empathic import ids

COMPOSED, DECOMPOSED = "caf\u00e9", "cafe\u0301"


def first_16(text):
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]


def test_a_response_is_identified_by_the_json_of_all_that_a_rater_saw():
    written_out = '["p1","I \\"can\'t\\" go on.\\n\u2028ok","human",0,"Na\u00efve \U0001f642"]'

    made = ids.response_id("p1", 'I "can\'t" go on.\n\u2028ok', "human", 0, "Na\u00efve \U0001f642")

    assert made == first_16(written_out)


def test_a_known_response_keeps_its_id():
    assert first_16('["p1","post","human",0,"reply"]') == "cb5e772a65ea22d3"
    assert ids.response_id("p1", "post", "human", 0, "reply") == "cb5e772a65ea22d3"


def test_a_text_that_a_study_lacks_is_null():
    assert ids.response_id("p1", None, "llama", 2, None) == first_16('["p1",null,"llama",2,null]')
    assert ids.response_id("p1", "", "llama", 2, None) != ids.response_id("p1", None, "llama", 2, None)


def test_two_spellings_of_one_letter_are_one_text():
    assert ids.response_id("p", COMPOSED, "s", 0, DECOMPOSED) == ids.response_id("p", DECOMPOSED, "s", 0, COMPOSED)
    assert ids.response_id("p", COMPOSED, "s", 0, DECOMPOSED) == first_16(f'["p","{COMPOSED}","s",0,"{COMPOSED}"]')


def test_every_part_of_a_response_counts():
    parts = ("p", "post", "s", 0, "reply")
    others = ("q", "post ", "t", 1, "reply.")
    changed = [parts[:place] + (other,) + parts[place + 1 :] for place, other in enumerate(others)]

    assert len({ids.response_id(*given) for given in [parts, *changed]}) == 6


def test_a_seed_is_the_first_63_bits_of_the_hash_of_its_parts():
    digest = hashlib.sha256('[20240327,"study1","llama","pé1",0]'.encode()).digest()

    made = ids.seed(20240327, "study1", "llama", "pé1", 0)

    assert made == int.from_bytes(digest[:8], "big") // 2
    assert 0 <= made < 2**63


def test_a_seed_is_the_same_in_another_process_and_differs_by_type_and_by_place():
    code = "from empathic import ids; print(ids.seed(1, 'a'))"
    elsewhere = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": ":".join(sys.path), "PYTHONHASHSEED": "7"}, capture_output=True
    )

    assert int(elsewhere.stdout) == ids.seed(1, "a") == 1155254847670415180
    assert len({ids.seed(1, "a"), ids.seed("1", "a"), ids.seed("a", 1), ids.seed("1a"), ids.seed(1, "a", "")}) == 5
