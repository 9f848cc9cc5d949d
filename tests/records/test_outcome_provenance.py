"""The provenance of an outcome fills the columns that an outcome has for it."""

import dataclasses

import polars as pl

from pipeline.records.outcome_provenance import NO_JOB, OutcomeProvenance
from pipeline.records.schema import OUTCOMES


def test_every_field_is_a_column_of_the_outcomes():
    row = dataclasses.asdict(OutcomeProvenance("4711_3", 2, "0123abcd"))
    assert pl.DataFrame([row]).schema.items() <= OUTCOMES.items()


def test_outside_of_a_job_there_is_no_id_and_one_attempt():
    assert dataclasses.asdict(NO_JOB) == {"job": "", "attempt": 1, "code": ""}
