"""The services under test: Onboarding, Cards and Workflow, small and honest."""
