# DAFormer on MiT-B0 with a decoder of 64 channels, light enough to be trained on a CPU.
_base_ = ['daformer_sepaspp_mitb0.py']
model = dict(decode_head=dict(channels=64, decoder_params=dict(embed_dims=64)))
