import pytest

from empathic import origin


@pytest.mark.parametrize(
    ("origins", "expected"),
    [
        (["observed"], "observed"),
        (["observed", "stand_in", "observed"], "stand_in"),
        (["stand_in", "simulated"], "simulated"),
        (["observed", "simulated"], "simulated"),
    ],
)
def test_a_result_has_the_weakest_origin_of_what_it_rests_on(origins, expected):
    assert origin.weakest(origins) == expected
    assert origin.weakest(reversed(origins)) == expected


@pytest.mark.parametrize("origins", [[], ["real"], ["observed", None]])
def test_no_origin_or_an_unknown_one_passes_for_nothing(origins):
    with pytest.raises(ValueError):
        origin.weakest(origins)
