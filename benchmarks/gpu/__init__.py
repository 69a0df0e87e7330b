"""All that a card is to show, in one command: speed, strategies, roads, rounds, going on."""
