"""The charts of the page: small ones as SVG of attributes, the others as Vega-Lite."""
