"""The thirty public tables: what is predicted in each, and what is left out of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from superpose.errors import InputError

__all__ = ["QUICK", "TABLES", "BenchTable", "find_table"]


@dataclass(frozen=True)
class BenchTable:
    """One public table; its target is the last column of the file.

    Parameters
    ----------
    name : str
        Its file is NAME.csv or NAME.csv.gz.
    target : str
        Header of the last column.
    classes : int, default=0
        How many classes the target has; 0 where it is a number.
    without : tuple of str, default=()
        Columns that are left out.
    """

    name: str
    target: str
    classes: int = 0
    without: tuple[str, ...] = ()

    @property
    def task(self) -> Literal["classification", "regression"]:
        """What is learned."""
        return "classification" if self.classes else "regression"

    @property
    def metric(self) -> str:
        """What its loss is."""
        return "log loss" if self.classes else "RMSE / sd"


TABLES = {
    table.name: table
    for table in (
        BenchTable("mcycle", "accel"),
        BenchTable("heart_cleveland", "num", classes=2),
        BenchTable("yacht", "residuary_resistance"),
        BenchTable("penguins", "species", classes=3),
        BenchTable("energy_efficiency", "heating_load"),
        BenchTable("energy_efficiency_cooling", "cooling_load"),
        BenchTable("titanic", "survived", classes=2),
        BenchTable("concrete", "strength"),
        BenchTable("banknote", "class", classes=2),
        BenchTable("car_evaluation", "class", classes=4),
        BenchTable("wage", "wage"),
        BenchTable("bank_marketing", "y", classes=2),
        BenchTable("wine_quality_white", "quality"),
        BenchTable("phoneme", "class", classes=2),
        BenchTable("delta_ailerons", "Sa"),
        BenchTable("bank8FM", "rej"),
        BenchTable("seoul_bike", "rented_bikes"),
        BenchTable("mushroom", "class", classes=2),
        BenchTable("house_8L", "price"),
        BenchTable("electricity", "class", classes=2),
        BenchTable("friedman40k", "Y"),
        BenchTable("protein_casp", "RMSD"),
        BenchTable("diamonds", "price"),
        BenchTable("bike_sharing_hour", "cnt"),
        BenchTable("cpu_act", "usr"),
        BenchTable("king_county_houses", "price"),
        BenchTable("adult", "income", classes=2, without=("fnlwgt",)),
        BenchTable("credit_default", "default.payment.next.month", classes=2),
        BenchTable("spambase", "class", classes=2),
        BenchTable("pendigits", "class", classes=10),
    )
}
"""By name, roughly in the order of their cost, so that a run that is cut short has most of them.

``fnlwgt`` of adult is the weight of a survey, not an attribute of a person.
"""

QUICK = ("mcycle", "penguins", "energy_efficiency", "titanic", "car_evaluation", "wage")
"""Numbers and two to four classes, categories, missing values, curves alone and pairs.

Chosen among the small tables as those that ebm fits in less than half a minute: in a quick run its
fits are shorter, beside those of the others, than on the rest of the tables.
"""


def find_table(folder: Path, name: str) -> Path:
    """Where the file of a table is.

    Parameters
    ----------
    folder : path
        The folder of all tables.
    name : str
        Which one.

    Raises
    ------
    InputError
        Where neither NAME.csv nor NAME.csv.gz is there.
    """
    places = [folder / f"{name}{ending}" for ending in (".csv", ".csv.gz")]
    for place in places:
        if place.is_file():
            return place
    raise InputError(
        f"--data must hold {name}.csv or {name}.csv.gz",
        f"found neither in {folder}",
        "name the folder with the tables, or leave the table out of --tables",
    )
