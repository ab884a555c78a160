"""A short campaign of kills; the long one is bench/kills.py."""

import killing
import pytest


@pytest.mark.parametrize("in_writes", [False, True], ids=["at any moment", "while a record is written"])
def test_a_job_that_is_killed_again_and_again_loses_nothing_makes_nothing_twice_and_says_the_same(tmp_path, in_writes):
    seen = killing.campaign(tmp_path, 8 if not in_writes else 4, in_writes=in_writes)

    assert seen.kills == (8 if not in_writes else 4) and seen.differing == seen.lost == seen.twice == 0
