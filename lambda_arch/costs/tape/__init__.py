"""Memory without torch: operations on tensors without elements, allocated, saved and freed as torch does.

A tensor here has a shape, strides and a storage of so many bytes, but no values. Operations save what torch's autograd
saves, and the backward pass runs them in autograd's order. A storage is freed when nothing refers to it, as in torch.
"""
