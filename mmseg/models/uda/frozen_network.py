"""When a run has the feature distance's frozen network, and where its weights come from."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from mmseg.models.builder import has_pretrained
from mmseg.utils.errors import UserError
from mmseg.utils.logger import get_root_logger

from .feature_distance import FeatureDistance
from .settings import check_feature_distance


class WithFeatureDistance(nn.Module):
    """A method whose student, `model`, may have a feature distance.

    Its frozen network is registered as `imnet_model`.
    """

    model: Any

    def set_up_feature_distance(
        self,
        config: Mapping[str, Any],
        weight: float,
        classes: Sequence[int] | None,
        min_ratio: float | None,
    ) -> None:
        """Add the feature distance where it weighs something and there are ImageNet weights.

        Args:
            config: The student's config.
            weight: See `FeatureDistance`.
            classes: See `FeatureDistance`.
            min_ratio: See `FeatureDistance`.

        Raises:
            UserError: A setting is out of range.
        """
        self._feature_distance_settings = (weight, classes, min_ratio, self.model.num_classes)
        check_feature_distance(*self._feature_distance_settings)
        self.feature_distance: FeatureDistance | None = None
        if weight > 0 and _has_imagenet_weights(config):
            self._add_feature_distance()

    def start_feature_distance(self) -> None:
        """Give the frozen network the student's first weights.

        Weights of the model zoo may turn out not to be had: then there is no feature distance.
        """
        if self.feature_distance is not None and not self.model.backbone.is_pretrained:
            get_root_logger().warning('No ImageNet weights were loaded: no feature distance.')
            self.feature_distance = None
            del self.imnet_model
        if self.feature_distance is not None:
            self.imnet_model.load_state_dict(self.model.state_dict())

    def match_state(self, state_dict: Mapping[str, torch.Tensor]) -> None:
        """Get ready for the state that a run is to go on from, before it is loaded.

        The frozen network of the feature distance comes from there where its ImageNet weights are
        not at hand.

        Args:
            state_dict: Of a whole model like this one.

        Raises:
            UserError: It was trained with the feature distance and this model is without, or the
                other way round.
        """
        weight, is_on = self._feature_distance_settings[0], self.feature_distance is not None
        if _comes_from_checkpoint(state_dict, weight, is_on):
            self._add_feature_distance()
            get_root_logger().info('the network of the feature distance is that of the checkpoint')

    def _add_feature_distance(self) -> None:
        self.feature_distance = FeatureDistance(self.model, *self._feature_distance_settings)
        self.imnet_model = self.feature_distance.model


def _comes_from_checkpoint(state_dict: Iterable[str], weight: float, is_on: bool) -> bool:
    """Say whether a run that goes on has to take its frozen network from the checkpoint.

    Args:
        state_dict: Names of the entries of the whole model that the run goes on from.
        weight: λ_FD of the run.
        is_on: Whether the run has a frozen network already, of ImageNet weights.

    Raises:
        UserError: The run has had a feature distance so far and is to go on without one, or the
            other way round.
    """
    networks = {key.partition('.')[0] for key in state_dict}
    is_held = 'imnet_model' in networks
    if is_held == is_on or 'ema_model' not in networks:
        return False
    if is_on:
        raise UserError(
            'the checkpoint is of a run without the feature distance (its config had none, or its '
            'ImageNet weights were not found), and here it is on: to go on as the run began, give '
            '--options uda.imnet_feature_dist_lambda=0'
        )
    if weight <= 0:
        raise UserError(
            'the checkpoint is of a run with the feature distance, and here '
            'uda.imnet_feature_dist_lambda=0 switches it off: set that as it was, or begin another '
            'run from the weights, with --load-from'
        )
    return True


def _has_imagenet_weights(model: Mapping[str, Any]) -> bool:
    path = model.get('pretrained') or model['backbone'].get('pretrained')
    if has_pretrained(path):
        return True
    get_root_logger().warning(
        'No ImageNet weights (%s): the feature distance is off.', path or 'pretrained is not set'
    )
    return False
