"""The language of scenario files: reading, validation, templates, expressions."""
