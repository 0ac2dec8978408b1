from mmseg.datasets.source_means import means_for_source


def test_means_for_source__synthia_has_the_means_over_16_and_13_classes():
    means = means_for_source({'type': 'SynthiaDataset'})
    assert {name: len(classes) for name, classes in means.items()} == {'mIoU16': 16, 'mIoU13': 13}
    assert set(means['mIoU16']) - set(means['mIoU13']) == {'wall', 'fence', 'pole'}
    assert not {'terrain', 'truck', 'train'} & set(means['mIoU16'])


def test_means_for_source__source_of_an_adaptation_counts_and_its_target_does_not():
    synthia, gta = {'type': 'SynthiaDataset'}, {'type': 'GTADataset'}
    assert means_for_source({'type': 'UDADataset', 'source': synthia, 'target': gta})
    assert not means_for_source({'type': 'UDADataset', 'source': gta, 'target': synthia})
