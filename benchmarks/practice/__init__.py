"""Measurements of practice: wrong answers, several people, prices and other questions."""
