"""A real but tiny network, its self-training wrapper, and a runner to train them."""

import logging

import torch
from mmcv.runner import IterTimerHook
from torch import nn

from mmseg.core.adaptation import AdaptationMethod, student_of
from mmseg.core.runner import IterBasedRunner

CLASSES = ('road', 'sky')
PALETTE = [[128, 64, 128], [70, 130, 180]]


class TinySegmentor(nn.Module):
    """One convolution and dropout, so that seeds matter."""

    CLASSES, PALETTE = CLASSES, PALETTE

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 2, 3, padding=1)
        self.dropout = nn.Dropout(0.5)

    def train_step(self, batch, optimizer):
        logits = self.conv(self.dropout(batch['img']))
        loss = nn.functional.cross_entropy(logits, batch['gt_semantic_seg'][:, 0])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return {'log_vars': {'loss': loss.item()}, 'num_samples': len(batch['img'])}


class TinySelfTraining(AdaptationMethod):
    """A student, a teacher that lags behind, and what the debug panels look at."""

    CLASSES, PALETTE = CLASSES, PALETTE

    def __init__(self, bank=None) -> None:
        super().__init__()
        self.model, self.ema_model = TinySegmentor(), TinySegmentor()
        self.ema_model.requires_grad_(False)
        self._bank = bank

    @property
    def bank(self):
        return self._bank

    def get_model(self):
        return self.model

    def get_ema_model(self):
        return self.ema_model

    def train_step(self, batch, optimizer):
        if self.capture_panels:
            num_images, _, height, width = batch['img'].shape
            self.panels = {
                'source': batch['img'],
                'target': batch['img'],
                'source_label': batch['gt_semantic_seg'],
                'pseudo_label': batch['gt_semantic_seg'][:, 0],
                'pseudo_weight': torch.ones(num_images, height, width),
            }
        return self.model.train_step(batch, optimizer)


def batches(start: int, stop: int):
    """Batches that are functions of their number."""
    for iteration in range(start, stop):
        generator = torch.Generator().manual_seed(iteration)
        norm_cfg = {'mean': [0.0] * 3, 'std': [255.0] * 3, 'to_rgb': True}
        yield {
            'img': torch.rand(3, 3, 6, 8, generator=generator),
            'gt_semantic_seg': torch.randint(0, 2, (3, 1, 6, 8), generator=generator),
            'img_metas': [{'img_norm_cfg': norm_cfg}] * 3,
        }


def make_runner(model, work_dir, max_iters=4, hooks=(), amp=None, meta=None):
    """A runner with the hooks given, in order."""
    torch.manual_seed(0)
    student = student_of(model)
    for parameter in student.parameters():
        nn.init.normal_(parameter)
    runner = IterBasedRunner(
        device=torch.device('cpu'),
        amp=amp,
        model=model,
        optimizer=torch.optim.AdamW(student.parameters(), lr=0.1),
        work_dir=str(work_dir),
        logger=logging.getLogger('mmseg'),
        meta={'seed': 0} if meta is None else meta,
        max_iters=max_iters,
    )
    runner.register_hook(IterTimerHook(), 'LOW')
    for hook in hooks:
        runner.register_hook(hook, 'VERY_LOW')
    return runner


def train(runner):
    """Train from where the runner stands to its end."""
    runner.run(list(batches(runner.iter, runner.max_iters)))
    return runner
