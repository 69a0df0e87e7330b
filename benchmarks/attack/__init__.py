"""Attacks on the program, as by a hostile tester: kills, wrong requests, damaged files, plugins."""
