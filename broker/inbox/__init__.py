"""The pages for people at agencies who have no software of their own."""
