"""The figures of a run as Vega-Lite, drawn with Altair from aggregated numbers."""
