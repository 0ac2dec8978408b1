"""What happens around the training steps; the order is set by `mmseg.apis.train`."""

from .bank_hook import BankHook
from .checkpoint_hook import CheckpointHook
from .debug_panel_hook import DebugPanelHook
from .evaluation_hook import EvalHook
from .external_loggers import TensorboardLoggerHook, WandbLoggerHook
from .iteration_seed_hook import IterationSeedHook
from .non_finite_hook import NonFiniteHook
from .optimizer_hook import GradientCumulativeOptimizerHook, OptimizerHook
from .processes_hook import ProcessesHook
from .result_hook import ResultHook
from .text_logger_hook import TextLoggerHook

__all__ = [
    'BankHook',
    'CheckpointHook',
    'DebugPanelHook',
    'EvalHook',
    'GradientCumulativeOptimizerHook',
    'IterationSeedHook',
    'NonFiniteHook',
    'OptimizerHook',
    'ProcessesHook',
    'ResultHook',
    'TensorboardLoggerHook',
    'TextLoggerHook',
    'WandbLoggerHook',
]
