import os
from types import SimpleNamespace

import numpy as np
import torch

from mmseg.core.hooks import DebugPanelHook
from mmseg.core.visualization import load_picture
from tests.core.hooks.training import (
    CLASSES,
    PALETTE,
    TinySegmentor,
    TinySelfTraining,
    make_runner,
    train,
)


def test_debug_panel_hook__a_sheet_every_interval_and_no_panels_in_between(tmp_path):
    model = TinySelfTraining()
    train(make_runner(model, tmp_path, 5, [DebugPanelHook(2, CLASSES, PALETTE)]))
    assert sorted(os.listdir(tmp_path / 'debug')) == ['000001.png', '000003.png', '000005.png']
    assert model.capture_panels


def test_debug_panel_hook__a_model_without_panels_is_left_alone(tmp_path):
    model = TinySegmentor()
    train(make_runner(model, tmp_path, 2, [DebugPanelHook(1, CLASSES, PALETTE)]))
    assert not (tmp_path / 'debug').exists() and not hasattr(model, 'capture_panels')


def test_debug_panel_hook__the_sheet_shows_labels_in_their_colours_and_the_bank(tmp_path):
    bank = SimpleNamespace(labels=torch.tensor([0, 0, 1, -1]), quotas=[2, 2])
    model = TinySelfTraining(bank)
    train(make_runner(model, tmp_path, 1, [DebugPanelHook(1, CLASSES, PALETTE)]))
    sheet = load_picture(tmp_path / 'debug' / '000001.png')
    without = DebugPanelHook(1, CLASSES, PALETTE).draw(
        model.panels, {'mean': [0.0] * 3, 'std': [255.0] * 3, 'to_rgb': True}
    )
    assert sheet.shape[0] > without.shape[0] + 80
    num_road = int((model.panels['source_label'][:2] == 0).sum()) * 2  # source and pseudo label
    legend_box = 12 * 12
    assert (without == PALETTE[0]).all(-1).sum() == num_road + legend_box
    np.testing.assert_array_equal(without, sheet[: without.shape[0], : without.shape[1]])
