"""A short campaign of kills; the long one is bench/kills.py."""

import killing


def test_a_job_that_is_killed_again_and_again_loses_nothing_makes_nothing_twice_and_says_the_same(tmp_path):
    seen = killing.campaign(tmp_path, 8)

    assert seen.kills == 8 and seen.differing == seen.lost == seen.twice == 0
