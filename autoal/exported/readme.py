"""What a model's folder says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autoal.escape import marked

TEXT = """# A model trained by AutoAL

It tells {count} classes apart: {classes}.
{measured}
`weights.pt` has its weights, `model.json` the rest. Both are all that it needs, wherever they are
copied: neither the data nor the folder of the run.

    python -m autoal.predict FOLDER new-files... --out predictions.csv

FOLDER is this folder or that of the run, whose labels are told by

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
