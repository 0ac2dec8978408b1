"""What an adaptation has found out and done, kept in its folder so that it can be gone on with."""

import json
from pathlib import Path
from typing import Any

from mmseg.utils.atomic import atomic_path
from mmseg.utils.errors import UserError
from mmseg.utils.lock import LOCK

from .request import Request, changes

MEMORY = 'progress.json'
# Named once the folders were looked at and the configs written.
PROPOSED = 'proposed'


class Memory:
    """Named plain values in a JSON file, which is whole at any time.

    Args:
        path: The file; made with the first value.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._values: dict[str, Any] = {}
        if path.is_file():
            try:
                self._values = dict(json.loads(path.read_text(encoding='utf-8')))
            except ValueError as error:
                raise UserError(f'{path} is damaged ({error}): give another --out') from error

    def get(self, name: str) -> Any:
        """Return a value, None for one that is not known."""
        return self._values.get(name)

    def set(self, name: str, value: Any) -> None:
        """Keep a value."""
        self._values[name] = value
        with atomic_path(self.path) as temporary:
            temporary.write_text(json.dumps(self._values, indent=1) + '\n', encoding='utf-8')


def memory_for(request: Request) -> Memory:
    """Open the memory of the folder that a request names, for this request alone.

    Raises:
        UserError: The folder holds something else, or what came of another request.
    """
    memory = Memory(request.out / MEMORY)
    asked, before = request.record(), memory.get('asked')
    if before is None:
        others = sorted({p.name for p in request.out.glob('*')} - {LOCK})
        if others:
            raise UserError(
                f'--out {request.out} holds files of your own, such as {others[0]}: give another '
                '--out'
            )
    if not memory.get(PROPOSED):
        memory.set('asked', asked)
        return memory
    assert before is not None
    different = list(changes(before, asked))
    if different:
        raise UserError(
            f'--out {request.out} holds what came of something else: {"; ".join(different)}; give '
            'another --out'
        )
    return memory
