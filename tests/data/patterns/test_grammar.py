"""A specification is read as it is documented, and a wrong one says in one line what is known."""

import pytest

from featherdepth.data.patterns.areas import Range
from featherdepth.data.patterns.counts import Uniform, UniformBernoulli
from featherdepth.data.patterns.grammar import PATTERNS, STEPS, form, parse
from featherdepth.data.patterns.moves import Rotate, Shift
from featherdepth.data.patterns.noise import Outliers, Quantize
from featherdepth.data.patterns.zones import Phone, Zones
from featherdepth.errors import UsageError


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("uniform-500", Uniform(count=500)),
        ("uniform-bernoulli-500", UniformBernoulli(count=500)),
        ("range-0.6-2000", Range(share=0.6, count=2000)),
        ("range-1-all", Range(share=1.0, count="all")),
        ("zones-8x4", Zones(zones=(8, 4), sigma=0.03)),
        ("zones-8x4-0", Zones(zones=(8, 4), sigma=0.0)),
        ("phone", Phone(points=(24, 24))),
    ],
)
def test_values_behind_a_name_are_its_fields_in_order(text: str, pattern: object):
    assert parse(text).pattern == pattern


def test_steps_keep_their_order_and_units_may_be_written():
    specification = parse("uniform-5+outliers-0.05+shift-5px+rotate-.5deg+quantize-1mm+shift-2")

    assert specification.steps == (
        Outliers(share=0.05),
        Shift(length=5.0),
        Rotate(angle=0.5),
        Quantize(step=1.0),
        Shift(length=2.0),
    )


def test_forms_name_the_values():
    assert form(PATTERNS, "uniform") == "uniform-COUNT"
    assert form(PATTERNS, "zones") == "zones-AxB[-SIGMA]"
    assert form(PATTERNS, "phone") == "phone[-AxB]"
    assert form(STEPS, "shift") == "shift-LENGTHpx"
    assert form(PATTERNS, "all") == "all"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("foo-3", "unknown pattern 'foo-3'; known: all, between, border, density, edges, grid,"),
        ("unifrom-500", "did you mean uniform-COUNT? known: all, between"),
        ("", "unknown pattern ''; known: all"),
        ("uniform-5+", "unknown step ''; known: blocks, drop, gauss, jitter, only, outliers"),
        ("uniform-5+gaus-1", "unknown step 'gaus-1'; did you mean gauss-SIGMA? known: blocks"),
        ("uniform", "pattern 'uniform': no count behind uniform; expected uniform-COUNT"),
        ("uniform-5-6", "2 values behind uniform; expected uniform-COUNT"),
        ("uniform-x", "uniform.count: expected int, got 'x'"),
        ("uniform-1.5", "uniform.count: expected int, got 1.5"),
        ("uniform--5", "2 values behind uniform"),
        ("uniform-0", "0 points; expected 1 or more"),
        ("uniform-5px", "uniform.count: expected int, got '5px'"),
        ("zones-8", "8 is not AxB; expected zones-AxB[-SIGMA]"),
        ("zones-0x8", "0x8 zones; expected 1x1 to 256x256"),
        ("zones-8x8-7", "sigma 7; expected a share from 0 to 0.5"),
        ("lines-2000", "2000 lines; expected 1 to 1024"),
        ("lines-16-99999", "99999 columns; expected 1 to 10000"),
        ("keep-lines-17", "17 lines; expected a divisor of 64, such as 16"),
        ("sensor-x", "sensor.model: 'x' is not one of 'hdl64e', 'hdl32e', 'vlp16'"),
        ("percent-101", "101 percent; expected above 0, up to 100"),
        ("range-0", "share 0; expected above 0, up to 1"),
        ("between-3-2", "from 3 to 2 m; expected 0 <= near < far"),
        ("square-hole-0", "a hole of 0 pixels; expected 1 or more"),
        ("border-1", "share 1; expected above 0, below 1"),
        ("lowres-1", "factor 1; expected 2 to 256"),
        ("grid-9-2", "jitter 2; expected a share from 0 to 1"),
        ("rosette-9999999", "9999999 points; expected up to 1000000"),
        ("all+outliers-2", "share 2; expected 0 to 1"),
        ("all+quantize-0", "steps of 0 mm; expected above 0, up to 10000"),
        ("all+blocks-1", "blocks of 1 px; expected 2 to 256"),
        ("all+shift-5000", "5000 px; expected 0 to 1000"),
        ("all+rotate-90", "90 degrees; expected 0 to 45"),
        ("all+only-0", "0 points; expected 1 or more"),
        ("uniform-" + "9" * 5000, "uniform.count: expected int, got '99"),
    ],
)
def test_a_wrong_specification_is_one_line(text: str, words: str):
    with pytest.raises(UsageError) as caught:
        parse(text)

    assert words in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("registry", [PATTERNS, STEPS], ids=lambda r: r.noun)
def test_every_name_has_a_summary_that_speaks_of_its_values(registry):
    for name in registry:
        cls = registry.load(name)

        assert cls.__doc__ and not cls.__doc__.startswith(cls.__name__ + "(")
        assert hasattr(cls, "draw" if registry is PATTERNS else "apply")
