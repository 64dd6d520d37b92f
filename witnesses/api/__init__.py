"""The witness of usage APIs: what customers are billed by, or any API that reports counts."""
