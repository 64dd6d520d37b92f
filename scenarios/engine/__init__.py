"""The load engine: what runs inside a Locust process. Importing it patches the process."""
