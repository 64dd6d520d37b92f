"""Onboarding: collects a company's answers and has Cards create four cards from them."""
