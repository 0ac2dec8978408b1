# DIDA: DAFormer with the instance level. `instance=None` switches it off.
_base_ = ['dacs_a999_fdthings.py']
uda = dict(
    instance=dict(
        num_entries=300,  # bank entries N, shared evenly by the classes
        # Folder of a bank that a trained network filled, the published start
        # (tools/build_instance_bank.py); None lets the first iterations fill it, untrained.
        bank_file=None,
        loss_weight=0.5,  # lambda_I
        momentum=0.999,  # of the bank's entries
        momentum_ramps=False,  # whether entries are means of all their vectors at first
        update_interval=50,  # iterations between updates of the bank
        fill_from=0,  # iterations before which the bank is left unfilled
        fill_patience=None,  # iterations until unfilled entries go to other classes; None: 3 N
        follows='class',  # what entries follow: 'class' (published) or 'image'
        vectors='mean',  # what an entry follows: 'mean', 'boundary' or 'mean+boundary'
        form='sum',  # similarity: 'sum' (published code) or 'softmax' (paper)
        temperature=1.0,  # form 'softmax' only
        smoothing=1.0,  # share a of the class prediction in pseudo labels; 1 is no scattering
        pixel_weights='uniform',  # in the loss: 'uniform' (published) or 'pseudo_label'
        masked=False,  # whether the loss is measured on masked images too (uda.mask_mode)
        scale='context',  # of a network of two scales: 'context', 'detail' or 'both'
    )
)
