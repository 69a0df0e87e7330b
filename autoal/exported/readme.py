"""The README of a model's folder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autoal.escape import marked

TEXT = """# A model trained by AutoAL

It distinguishes {count} classes: {classes}.
{measured}
`weights.pt` has its weights, `model.json` the rest. It needs nothing else, wherever you copy them:
neither the data nor the run's folder.

    python -m autoal.predict FOLDER new-files... --out predictions.csv

FOLDER is this folder or the run's. To get the run's labels:

    python -m autoal.labels RUN

From Python:

```python
from autoal import Model

model = Model.read("FOLDER")
names, probs = model.predict_files(["new-file"])
print(names[0], model.classes[probs[0].argmax()], float(probs[0].max()))
```
"""


def readme(facts: Mapping[str, Any]) -> str:
    """The text, in Markdown."""
    classes = facts["classes"]
    shown = ", ".join(map(marked, classes[:20])) + (", ..." if classes[20:] else "")
    return TEXT.format(count=len(classes), classes=shown, measured=_measured(facts))


def _measured(facts: Mapping[str, Any]) -> str:
    parts = []
    if "labels" in facts:
        parts.append(f"It learnt from {facts['labels']:,} labels.")
    if "accuracy" in facts.get("metrics", {}):
        parts.append(f"Its accuracy on the test rows is {facts['metrics']['accuracy']:.4f}.")
    return "".join(f"{part}\n" for part in parts)
