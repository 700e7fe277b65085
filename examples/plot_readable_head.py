"""
A head one can read, on any network
===================================

Where a network ends in a linear layer, a ``KSTHead`` can stand: one curve from each learned feature
to each class. The digits of scikit-learn, eight by eight pixels, are small enough to train on here.
"""

# %%
# A trunk that hands over eight numbers, and the head. Everything before the head stays a black box;
# what is said about the eight numbers afterwards is exact.

import torch
from sklearn.datasets import load_digits
from torch import nn

from superpose.networks import KSTHead
from superpose.plots import HeadDisplay

digits = load_digits()
images = torch.tensor(digits.images / 16, dtype=torch.float32)
labels = torch.tensor(digits.target)
train, test = slice(0, 1300), slice(1300, None)

torch.manual_seed(0)
trunk = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 8))
head = KSTHead(8, [str(digit) for digit in range(10)])
network = nn.Sequential(trunk, head)

# %%
# Training is the ordinary loop. The prior of the curves is one number to add to the loss, and the
# curves have a learning rate of their own.

groups = [{"params": trunk.parameters()}, {"params": head.parameters(), "lr": 1e-2}]
optimizer = torch.optim.Adam(groups, lr=2e-3)
for _ in range(30):
    for rows in torch.randperm(1300).split(65):
        loss = nn.functional.cross_entropy(network(images[rows]), labels[rows])
        loss = loss + 1e-3 * head.prior()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

network.eval()
right = (network(images[test]).argmax(1) == labels[test]).float().mean()
print(f"right on images not seen: {right:.1%}")

# %%
# Only sums of curves are seen in the scores, so their levels are open. ``centre`` fixes them: each
# curve has mean zero over the rows given.

features = trunk(images[test]).detach()
head.centre(features)

# %%
# One picture: what each feature adds to each class, which images drive the feature, and why the
# network says what it says about the image it is least sure of.

doubt = int(network(images[test]).softmax(1).amax(1).argmin())
HeadDisplay(head, features, images[test].numpy(), row=doubt).plot()

# %%
# What the picture cannot say is what a feature *is*: that it is high for some images and low for
# others is all that is known of it. Train with fewer features, or with names for them, where the
# features themselves must be read.
