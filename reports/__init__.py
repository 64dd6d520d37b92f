"""What do people and machines read of a run?"""
