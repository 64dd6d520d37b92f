"""The load engine inside a Locust process; importing Locust and gevent patches the process."""
