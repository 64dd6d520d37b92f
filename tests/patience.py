"""After how long a test that does a lot counts as hanging."""

HANGS_S = 3_600
