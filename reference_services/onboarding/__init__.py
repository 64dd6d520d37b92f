"""Onboarding: asks a company a few questions and has four cards made of the answers."""
