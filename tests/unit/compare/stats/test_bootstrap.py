"""The resamples of a bootstrap, however they are summed up."""

import numpy as np
import pytest

from bench.compare.stats import bootstrap


@pytest.mark.parametrize("size", [2, 5, bootstrap._SHORT, bootstrap._SHORT + 1, 200])
def test_each_resample_has_the_mean_and_the_variance_of_its_values(size):
    values = np.random.default_rng(1).normal(0, 0.02, size)
    drawn = values[np.random.default_rng(2).integers(0, size, (1000, size))]
    means, variances = bootstrap._resampled(values, 1000, np.random.default_rng(2))
    assert means == pytest.approx(drawn.mean(axis=1), rel=1e-12, abs=1e-15)
    assert variances == pytest.approx(drawn.var(axis=1, ddof=1), rel=1e-9, abs=1e-18)
