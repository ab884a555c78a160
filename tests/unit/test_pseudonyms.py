import hmac
import re
import stat
from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pytest

from empathic import pseudonyms
from empathic.errors import InputError


def test_a_pseudonym_is_the_head_of_an_hmac_over_the_id():
    """RFC 4231, test case 2."""
    ids = pd.Series(["what do ya want for nothing?"], dtype="string")

    assert pseudonyms.pseudonyms(ids, "Jefe").tolist() == ["r" + "5bdcc146bf60"]


@pytest.mark.parametrize("key", ["", "k", "0" * 63, "0" * 64, "0" * 65, "ключ" * 40])
def test_pseudonyms_are_those_of_the_standard_library_s_hmac(key):
    ids = pd.Series(["a", "", "é😀", "x" * 200, *map(str, range(50))], dtype="string")
    expected = ["r" + hmac.new(key.encode(), one.encode(), "sha256").hexdigest()[:12] for one in ids]

    assert pseudonyms.pseudonyms(ids, key).tolist() == expected


def test_the_same_rater_keeps_its_pseudonym_and_another_key_gives_another():
    ids = pd.Series(["ann", "bob", "ann"], dtype="string")

    first, second = pseudonyms.pseudonyms(ids, "one"), pseudonyms.pseudonyms(ids, "two")

    assert first[0] == first[2] != first[1]
    assert not set(first) & set(second)


def test_the_key_is_made_once_for_its_owner_alone(tmp_path):
    path = tmp_path / "private" / "pseudonym.key"

    made = pseudonyms.private_key(path)

    assert re.fullmatch(r"[0-9a-f]{64}", made)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert pseudonyms.private_key(path) == made
    assert [file.name for file in path.parent.iterdir()] == ["pseudonym.key"]


def test_jobs_that_start_at_once_use_one_key(tmp_path):
    path = tmp_path / "pseudonym.key"

    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: pseudonyms.private_key(path), range(64)))

    assert keys == {path.read_text().strip()}


def test_a_spoilt_key_is_refused_and_not_replaced(tmp_path):
    path = tmp_path / "pseudonym.key"
    path.write_text("lost")

    with pytest.raises(InputError) as error:
        pseudonyms.private_key(path)

    assert str(error.value) == (
        f"{path}: this is no key (64 hex digits). Put the key back from where you keep it; without it, delete the "
        "file: every rater gets a new pseudonym."
    )
    assert path.read_text() == "lost"
