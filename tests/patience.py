"""After how long does a test hang that does a lot, on whatever machine?"""

HANGS_S = 3_600
