from pathlib import Path

import pandas as pd
import pytest

from empathic import demographics
from empathic.errors import InputError
from empathic.exports import Export

BANDS = [18, 25, 35]


def export(**told):
    names = [f"p{number}" for number in range(len(next(iter(told.values()))))]
    table = pd.DataFrame({"platform_id": names, **told}).astype("string")
    nobody = pd.DataFrame()
    return Export(Path("told.csv"), "observed", nobody, nobody, (), (), 0, True, demographics=table)


def test_ages_are_given_in_bands_that_begin_where_the_config_says():
    ages = ["17", "18", "24", "25", "34", "35", "99", "DATA_EXPIRED", None, " 20 "]

    found = demographics.allowed(export(Age=ages), ["age"], BANDS)

    assert found["age"].fillna("none").tolist() == [
        "below 18",
        "18-24",
        "18-24",
        "25-34",
        "25-34",
        "35 or older",
        "35 or older",
        "none",
        "none",
        "18-24",
    ]


def test_columns_go_by_their_names_in_small_letters_and_those_not_allowed_stay_behind():
    made = export(**{"Ethnicity simplified": ["White", "CONSENT_REVOKED"], "City": ["Ulm", "Bonn"]})

    found = demographics.allowed(made, ["ethnicity_simplified", "sex"], BANDS)

    assert list(found) == ["ethnicity_simplified", "sex"]
    assert found.fillna("none").to_numpy().tolist() == [["White", "none"], ["none", "none"]]


@pytest.mark.parametrize(
    ("told", "name", "problem"),
    [
        ({"Age": ["31", "thirty"]}, "age", "told.csv, column 'age': an age is no number from 0 to 120. Take it out"),
        ({"Age": ["121"]}, "age", "told.csv, column 'age': an age is no number from 0 to 120. Take it out"),
        (
            {"Birth year": ["1990", "no"]},
            "birth_year",
            "told.csv, column 'birth_year': it holds numbers, which may tell who a person is: only `age` may, which is "
            "given in bands. Take it out of ratings > demographics, or correct the file.",
        ),
    ],
)
def test_numbers_that_may_tell_who_a_person_is_are_refused_and_not_repeated(told, name, problem):
    with pytest.raises(InputError) as error:
        demographics.allowed(export(**told), [name], BANDS)

    assert str(error.value).startswith(problem)
    assert not any(cell in str(error.value) for cell in told[next(iter(told))] if cell != "no")


def test_what_no_export_tells_is_refused_with_the_nearest_that_is_told():
    with pytest.raises(InputError) as error:
        demographics.check([export(Sex=["a"], Age=["1"])], ["age", "sexx"])

    assert str(error.value) == (
        "told.csv: no export tells 'sexx' of the raters (did you mean 'sex'?). Name the file with the demographics "
        "under exports, or take the name out of ratings > demographics."
    )
