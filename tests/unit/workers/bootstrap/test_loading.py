"""That the collector rests while modules are loaded, and only then."""

import gc

import pytest

from workers.bootstrap.loading import loading


def test_the_collector_rests_and_goes_on() -> None:
    with loading():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_it_goes_on_where_loading_fails() -> None:
    with pytest.raises(ImportError), loading():
        raise ImportError
    assert gc.isenabled()


def test_one_that_rested_before_rests_on() -> None:
    gc.disable()
    try:
        with loading():
            assert not gc.isenabled()
        assert not gc.isenabled()
    finally:
        gc.enable()
