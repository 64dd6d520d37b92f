"""View models: results as rows of text, shared by all renderings."""
