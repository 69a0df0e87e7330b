"""What may be hung into the cycle."""

from collections.abc import Callable, Sequence

from autoal.data.rows import Rows
from autoal.query.view import View
from autoal.record.round import Round

# From the rounds so far and the view that would be queried: why no more is to be bought, or "".
Stop = Callable[[Sequence[Round], View], str]

# From that view and the rounds so far: rows that were made and join the pool, or None.
Growth = Callable[[View, Sequence[Round]], Rows | None]
