"""Whether what an adaptation said of itself was true, by labels that it never saw."""

import json
import tempfile
from pathlib import Path
from typing import NamedTuple

import torch

from mmseg.apis import load_config
from mmseg.datasets.own_labels import convert_own_labels
from mmseg.selection.ranking import Candidate
from mmseg.selection.verdict import Verdict
from mmseg.utils.errors import UserError

from .judging import ADAPT, compare_by_labels
from .memory import MEMORY, Memory
from .pairs import NO_LABEL, pair_up
from .pictures import look_into
from .plan import Layout, lay_out_pairs, write_mapping
from .telling import Told


class Hindsight(NamedTuple):
    """What was said, and what is true.

    Attributes:
        said: Of the networks that were chosen.
        true: Of the same, by the labels.
    """

    said: Verdict
    true: Verdict

    @property
    def outcome(self) -> str:
        """'right', 'wrong', or 'undecided' where either can't tell."""
        answers = {self.said.answer, self.true.answer}
        if "can't tell" in answers:
            return 'undecided'
        return 'right' if len(answers) == 1 else 'wrong'


def look_back(out: Path, images: Path, labels: Path, device: torch.device, tell: Told) -> Hindsight:
    """Test the two networks that an adaptation chose on labelled images.

    Args:
        out: Folder of an adaptation that has judged itself.
        images: Folder of images of the target; those with a label are tested on.
        labels: Folder of labels, of the values that the labels of the source have.
        device: Where networks run.
        tell: Told what was found in the folders.

    Raises:
        UserError: Nothing was judged there, or no image has a label.
    """
    found = Memory(out / MEMORY).get('found')
    if found is None:
        raise UserError(f'{out}: no adaptation has been judged there: let adapt.sh finish first')
    adapted, source, said = Candidate(*found[0]), Candidate(*found[1]), Verdict(*found[2])
    layout = Layout(out.absolute())
    pairs = pair_up(look_into(images, [labels]).pictures, look_into(labels, [images]).pictures)
    tell(f'{len(pairs.pairs)} labelled images', *pairs.lines(NO_LABEL))
    cfg = load_config(layout.config(ADAPT))
    with tempfile.TemporaryDirectory() as folder:
        lay_out_pairs(pairs.pairs, Path(folder))
        classes = json.loads(layout.mapping.read_text(encoding='utf-8'))['classes']
        mapping = Path(folder, layout.mapping.name)
        write_mapping(classes, mapping)
        convert_own_labels(mapping, Path(folder), None, 1, tell)
        cfg.data.test.update(data_root=folder, img_dir='images', ann_dir='labels')
        return Hindsight(said, compare_by_labels(layout, source, adapted, cfg, device))
