"""A trial of a shape: how many weights it has, and what its learning rate is called."""

from pipeline.experiment.trial import TimesLimit


def test_weights_of_a_shape_are_those_of_its_model(experiment):
    linear, shallow = (
        next(t.shape for t in experiment(widths=(4,), models=(m,)).trials()) for m in experiment().models
    )
    assert linear.num_weights == 4
    assert shallow.num_weights == 4 * (1 + 1) + (4 + 1)


def test_tf32_is_stored_as_float32(experiment):
    assert [next(experiment(dtype=dtype).trials()).shape.stored for dtype in ("tf32", "float64")] == [
        "float32",
        "float64",
    ]


def test_a_rate_relative_to_the_limit_says_so():
    assert TimesLimit(0.5).label() == "0.5 x limit"
