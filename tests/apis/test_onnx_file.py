"""Every kind of head as an ONNX file that gives what PyTorch gives, at sizes of any kind."""

import pytest
import torch
from torch import nn

from mmseg.apis.inference.onnx_network import OnnxSegmentor
from mmseg.models import build_segmentor
from mmseg.utils.errors import UserError
from tests.models import networks
from tests.models.segmentors.test_hrda_encoder_decoder import small_hrda

onnx = pytest.importorskip('onnx', reason="needs the extra 'onnx'")
for name in ('onnxruntime', 'onnxscript'):
    pytest.importorskip(name, reason="needs the extra 'onnx'")

onnx_file = pytest.importorskip('mmseg.apis.onnx_file')
compare, export = onnx_file.compare, onnx_file.export

SIZES = [(1, 128, 192), (2, 96, 64), (1, 125, 187), (1, 37, 50), (1, 32, 32), (1, 300, 33)]
# Those that pool to grids of regions, or relate all pixels.
HEADS = ('psp_r50-d8', 'upernet_mit', 'danet_r50-d8', 'isanet_r50-d8', 'daformer_isa_mitb5')


class Stages(nn.ModuleList):
    """A backbone of four convolutions: exporting a real one takes longer than all heads."""

    def __init__(self, widths, strides):
        pairs = zip([3, *widths], [*widths, 0], [1, *strides], [*strides, 1], strict=True)
        super().__init__(
            nn.Conv2d(inner, outer, 3, stride=after // before, padding=1)
            for inner, outer, before, after in list(pairs)[: len(widths)]
        )

    def forward(self, x):
        maps = []
        for conv in self:
            x = conv(x).tanh()
            maps.append(x)
        return maps


def small(name):
    torch.manual_seed(0)
    model = build_segmentor(networks.small_architecture(name))
    is_mit = 'mit' in name
    widths = [32, 64, 160, 256] if is_mit else [16, 32, 64, 128]
    model.backbone = Stages(widths, [4, 8, 16, 32] if is_mit else [4, 8, 8, 8])
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
        if type(module).__name__ == 'Scale':  # DANet's attention counts for nothing at first
            nn.init.constant_(module.scale, 0.7)
    return onnx_file.Logits(model).eval()


@pytest.mark.parametrize('name', HEADS)
def test_export__a_head_gives_what_it_gives_in_pytorch(name, tmp_path):
    network = small(name)
    export(network, tmp_path / 'x.onnx', {'classes': ['a']})
    for seed, size in enumerate(SIZES):
        images = torch.randn(size[0], 3, *size[1:], generator=torch.Generator().manual_seed(seed))
        comparison = compare(network, tmp_path / 'x.onnx', images)
        assert comparison.difference < 1e-4 and comparison.same > 0.999, size
    told = {prop.key: prop.value for prop in onnx.load(tmp_path / 'x.onnx').metadata_props}
    assert told == {'classes': '["a"]'}


def test_export__a_network_of_two_scales_gives_what_it_gives_in_pytorch(tmp_path):
    model = build_segmentor(small_hrda({'hr_crop_size': [32, 32]}))
    model.backbone = Stages([32, 64, 160, 256], [4, 8, 16, 32])
    network = onnx_file.Logits(model).eval()
    with pytest.raises(
        UserError, match=r'HRDAHead on Stages cuts images .* export it with --window'
    ):
        export(network, tmp_path / 'x.onnx', {})
    export(network, tmp_path / 'x.onnx', {}, window=(64, 64))
    for batch in (1, 3):
        comparison = compare(network, tmp_path / 'x.onnx', torch.randn(batch, 3, 64, 64))
        assert comparison.difference < 1e-4 and comparison.same > 0.999


def test_export__a_graph_of_one_size_is_asked_in_windows_of_it(tmp_path):
    network = small('daformer_isa_mitb5')
    network.model.test_cfg = {'mode': 'slide', 'crop_size': (64, 96), 'stride': (42, 64)}
    told = {'classes': [*'abcdefghijklmnopqrs'][: network.model.num_classes]}
    window = {**told, 'fixed_size': (64, 96)}
    export(network, tmp_path / 'x.onnx', window, window=(64, 96))
    graph = OnnxSegmentor(tmp_path / 'x.onnx', {'mode': 'whole'})
    assert graph.test_cfg == network.model.test_cfg
    facts = [{'flip': False}] * 2
    with torch.inference_mode():
        for size in ((64, 96), (65, 97), (131, 210)):
            images = torch.randn(2, 3, *size)
            pair = [part.inference(images, facts, False) for part in (network.model, graph)]
            torch.testing.assert_close(*pair, atol=1e-5, rtol=1e-4)
        # smaller than the graph takes: padded, and cut
        assert graph.inference(torch.randn(2, 3, 30, 200), facts, False).shape[2:] == (30, 200)


class Stubborn(nn.Module):
    """A head whose graph depends on what the image shows."""

    align_corners = False

    def forward_test(self, inputs, img_metas, test_cfg):
        return inputs[0] if inputs[0].sum() > 0 else -inputs[0]

    def upsample(self, maps, size):
        return maps


@pytest.mark.parametrize('head', [Stubborn()])
def test_export__what_cannot_be_exported_is_one_line_and_no_file(head, tmp_path):
    network = small('psp_r50-d8')
    network.model.decode_head = head
    with pytest.raises(UserError, match='Stubborn on Stages cannot be exported, because ') as told:
        export(network, tmp_path / 'x.onnx', {})
    assert len(str(told.value)) < 320 and '\n' not in str(told.value)
    assert not list(tmp_path.iterdir())


def test_compare__what_onnxruntime_cannot_run_is_one_line(tmp_path):
    (tmp_path / 'x.onnx').write_bytes(b'no graph')
    network = small('psp_r50-d8')
    with pytest.raises(UserError, match='cannot be exported, because onnxruntime cannot run it'):
        compare(network, tmp_path / 'x.onnx', torch.zeros(1, 3, 32, 32))
