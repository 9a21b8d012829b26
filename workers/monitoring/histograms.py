"""A Prometheus histogram that takes a whole cycle's values at once, for a fraction of the price."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector


class Series:
    """The values seen under one combination of labels. Used from the event loop's thread only."""

    __slots__ = ("_bounds", "_counts", "_sum", "_total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * len(bounds)
        self._total = 0
        self._sum = 0.0

    def observe(self, value: float) -> None:
        """Count one value."""
        self.observe_many((value,))

    def observe_many(self, values: Iterable[float]) -> None:
        """Count all *values*: one sort and a few bisections instead of a search for each."""
        ordered = sorted(values)
        self._total += len(ordered)
        self._sum += sum(ordered)
        for place, bound in enumerate(self._bounds):
            self._counts[place] += bisect_right(ordered, bound)

    @property
    def sum(self) -> float:
        """All values added up."""
        return self._sum

    def buckets(self) -> list[tuple[str, float]]:
        """Return (`le`, values at most that), ascending, the last one `+Inf`."""
        within = zip(self._bounds, self._counts, strict=True)
        return [(str(bound), float(count)) for bound, count in within] + [
            ("+Inf", float(self._total))
        ]


class BatchHistogram(Collector):
    """A histogram with fixed buckets and labels, registered where it is made."""

    def __init__(
        self,
        name: str,
        documentation: str,
        *,
        labels: Sequence[str],
        buckets: Sequence[float],
        registry: CollectorRegistry,
    ) -> None:
        self._name = name
        self._documentation = documentation
        self._labels = tuple(labels)
        self._bounds = tuple(sorted(buckets))
        self._series: dict[tuple[str, ...], Series] = {}
        if not self._labels:
            self.labels()  # so that it is exported from the start, as Prometheus's own are
        registry.register(self)

    def labels(self, *values: str) -> Series:
        """Return the series of these label values, in the order of the label names."""
        series = self._series.get(values)
        if series is None:
            assert len(values) == len(self._labels), f"{self._name} has labels {self._labels}"
            series = self._series[values] = Series(self._bounds)
        return series

    def collect(self) -> Iterable[Metric]:
        """Yield the samples as Prometheus wants them."""
        family = HistogramMetricFamily(self._name, self._documentation, labels=self._labels)
        for values, series in self._series.items():
            family.add_metric(values, buckets=series.buckets(), sum_value=series.sum)
        yield family

    def describe(self) -> Iterable[Metric]:
        """Yield the name, so that the registry refuses a second metric of that name."""
        yield HistogramMetricFamily(self._name, self._documentation, labels=self._labels)
