"""The program attacked as a hostile tester would: kills, wrong requests, damaged files, plugins."""
