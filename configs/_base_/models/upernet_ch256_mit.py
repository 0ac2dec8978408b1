# UPerNet on MiT-B5 with as many channels as DAFormer's decoder.
_base_ = ['upernet_mit.py']
model = dict(decode_head=dict(channels=256))
