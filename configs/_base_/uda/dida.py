# DIDA: DAFormer with the instance level.
_base_ = ['dacs_a999_fdthings.py']
uda = dict(
    instance=dict(
        num_entries=300,
        loss_weight=0.5,
        update_interval=50,
        momentum=0.999,
    )
)
