"""The language of scenario files: reading, validation, templates and expressions."""
