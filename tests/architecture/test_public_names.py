"""Every public name and every registered name leads to something."""

import pytest

import featherdepth
from featherdepth.data import READERS
from featherdepth.data.patterns.grammar import PATTERNS, STEPS
from featherdepth.losses import LOSSES
from featherdepth.networks import NETWORKS
from featherdepth.registry import Registry
from featherdepth.runtime.backends import BACKENDS

REGISTRIES = [READERS, NETWORKS, LOSSES, BACKENDS, PATTERNS, STEPS]


def test_the_public_names_are_sorted_and_each_loads():
    names = [n for n in featherdepth.__all__ if n != "__version__"]

    assert names == sorted(names)
    for name in names:
        assert getattr(featherdepth, name).__name__ == name


def test_a_name_that_is_not_public_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'secret'"):
        _ = featherdepth.secret


@pytest.mark.parametrize("registry", REGISTRIES, ids=lambda r: r.noun)
def test_every_registered_name_leads_to_something(registry: Registry):
    assert len(registry) > 0
    for name in registry:
        assert callable(registry.load(name)) or registry.load(name) is not None
