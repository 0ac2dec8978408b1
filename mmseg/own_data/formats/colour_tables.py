"""Tables of class colours, as they come with masks."""

import re
from collections.abc import Mapping
from pathlib import Path

from mmseg.utils.errors import UserError

_SEPARATORS = r'[\s,;:]+'
_TRIPLE = _SEPARATORS.join([r'(\d{1,3})'] * 3)
# CVAT's and Datumaro's labelmap.txt: name:red,green,blue:parts:actions
_LABELMAP = re.compile(r'^([^:#]+):\s*(\d{1,3}),\s*(\d{1,3}),\s*(\d{1,3})\s*(?::.*)?$')
# CamVid's label_colors.txt: red green blue name
_COLOUR_FIRST = re.compile(rf'^{_TRIPLE}{_SEPARATORS}(\D.*)$')
# CamVid's class_dict.csv: name,red,green,blue
_NAME_FIRST = re.compile(rf'^(.*\D.*?){_SEPARATORS}{_TRIPLE}\W*$')
_NUMBERED = re.compile(r'^\d+\s*[,;\t]\s*(.+)$')
_NAMES = re.compile(r'class_dict|label.?map|label.?colou?rs?|colou?r.?map|classes|palette', re.I)

Table = Mapping[str, tuple[int, int, int]]


def find_table(folder: Path) -> Path | None:
    """Return the table that lies in a folder of masks, or beside it; None where there is none.

    Raises:
        UserError: There are several.
    """
    for place in (folder, folder.parent):
        found = [
            path
            for path in sorted(place.iterdir())
            if path.suffix.lower() in ('.csv', '.txt') and _NAMES.search(path.stem)
        ]
        tables = [path for path in found if _is_table(path)]
        if len(tables) > 1:
            names = ', '.join(path.name for path in tables)
            raise UserError(f'several tables of colours in {place}: {names}; name one by --colours')
        if tables:
            return tables[0]
    return None


def read_table(path: Path) -> Table:
    """Read class → colour (red, green, blue) in [0, 255], in the order of the file.

    A class a line, and its colour before or behind it; lines that begin with #, and a first line of
    headings, do not count.

    Raises:
        UserError: Names the line that is none, or a colour or class that stands there twice.
    """
    if not path.is_file():
        raise UserError(f'there is no table of colours {path}')
    table: dict[str, tuple[int, int, int]] = {}
    is_first = True
    for number, raw in enumerate(path.read_text(encoding='utf-8-sig').splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith('#'):
            continue
        found = _parse(line)
        if found is None:
            if not is_first:
                raise UserError(f'{path}, line {number}: expected a name and r, g, b, got {line!r}')
        elif max(found[1]) > 255:
            raise UserError(f'{path}, line {number}: expected colours up to 255, got {line!r}')
        elif found[0] in table or found[1] in table.values():
            raise UserError(f'{path}, line {number}: {line!r} stands there twice')
        else:
            table[found[0]] = found[1]
        is_first = False
    if len(table) < 2:
        raise UserError(f'{path} names {len(table)} classes with a colour: expected 2 or more')
    return table


def _parse(line: str) -> tuple[str, tuple[int, int, int]] | None:
    """Return name and colour of a line; None where it has none."""
    if match := _LABELMAP.match(line) or _NAME_FIRST.match(line):
        name, *numbers = match.groups()
    elif match := _COLOUR_FIRST.match(line):
        *numbers, name = match.groups()
    else:
        return None
    if numbered := _NUMBERED.match(name):
        name = numbered[1]
    red, green, blue = map(int, numbers)
    return name.strip(' \t"\',;'), (red, green, blue)


def _is_table(path: Path) -> bool:
    try:
        return bool(read_table(path))
    except (UserError, UnicodeDecodeError):
        return False
