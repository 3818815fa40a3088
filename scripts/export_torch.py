"""The PyTorch models of export_models.py: how each is built, and what is expected of maso."""
import torch
import torchvision
from torch import nn


class UNet(nn.Module):
    """Two levels down, two up, with skip connections."""

    def __init__(self, up, width=8):
        super().__init__()
        block = lambda i, o: nn.Sequential(nn.Conv2d(i, o, 3, padding=1), nn.BatchNorm2d(o), nn.ReLU())
        self.down = nn.ModuleList([block(1, width), block(width, 2 * width)])
        self.middle = block(2 * width, 4 * width)
        self.pool = nn.MaxPool2d(2)
        if up == "transposed":
            self.up = nn.ModuleList([nn.ConvTranspose2d(4 * width, 2 * width, 2, stride=2),
                                     nn.ConvTranspose2d(2 * width, width, 2, stride=2)])
            self.join = nn.ModuleList([block(4 * width, 2 * width), block(2 * width, width)])
        else:
            self.up = nn.ModuleList([nn.Upsample(scale_factor=2, mode=up) for _ in range(2)])
            self.join = nn.ModuleList([block(6 * width, 2 * width), block(3 * width, width)])
        self.last = nn.Conv2d(width, 2, 1)

    def forward(self, x):
        first = self.down[0](x)
        second = self.down[1](self.pool(first))
        x = self.middle(self.pool(second))
        x = self.join[0](torch.cat([self.up[0](x), second], 1))
        x = self.join[1](torch.cat([self.up[1](x), first], 1))
        return self.last(x)


def dcgan(width=16):
    """The generator of Radford et al. (2016) without its tanh."""
    layers, channels = [], [100, 8 * width, 4 * width, 2 * width, width]
    for i, (a, b) in enumerate(zip(channels, channels[1:])):
        layers += [nn.ConvTranspose2d(a, b, 4, 2 if i else 1, 1 if i else 0, bias=False),
                   nn.BatchNorm2d(b), nn.ReLU()]
    return nn.Sequential(*layers, nn.ConvTranspose2d(width, 3, 4, 2, 1, bias=False))


class Maxout(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(12, 30), nn.Linear(10, 5)

    def forward(self, x):
        return self.b(self.a(x).view(-1, 10, 3).max(2).values)


class Reducing(nn.Module):
    """Means and sums over axes, a chunk, a pad and a skip."""

    def __init__(self):
        super().__init__()
        self.conv, self.last = nn.Conv2d(3, 8, 3), nn.Linear(12, 4)

    def forward(self, x):
        x = torch.relu(self.conv(nn.functional.pad(x, (1, 2, 0, 1))))
        a, b = x.chunk(2, 1)
        x = torch.minimum(a, b) + a.mean((2, 3), keepdim=True)
        return self.last(torch.cat([x.amax((2, 3)), x.sum((2, 3)), b.flatten(2).mean(-1)], 1))


class Patches(nn.Module):
    """Pixels shuffled, depthwise and dilated convolutions, leaky units."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 12, 3, padding=2, dilation=2), nn.LeakyReLU(0.1), nn.PixelShuffle(2),
            nn.Conv2d(3, 3, 3, groups=3, padding="same"), nn.PReLU(3), nn.PixelUnshuffle(2),
            nn.AvgPool2d(3, 2, 1, count_include_pad=False), nn.AdaptiveAvgPool2d(1), nn.Flatten(1),
            nn.Linear(12, 4))

    def forward(self, x):
        return self.body(x)


class Series(nn.Module):
    """Convolutions along one axis."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv1d(2, 8, 5, stride=2), nn.BatchNorm1d(8), nn.ReLU(), nn.MaxPool1d(3, 2, ceil_mode=True),
            nn.ConvTranspose1d(8, 4, 3, stride=2, output_padding=1), nn.Hardtanh(), nn.Flatten(),
            nn.LazyLinear(6))
        self.body(torch.zeros(1, 2, 40))

    def forward(self, x):
        return self.body(x)


class Volumes(nn.Module):
    """Convolutions along three axes."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv3d(1, 4, 3, padding=1), nn.BatchNorm3d(4), nn.ReLU(), nn.MaxPool3d(2),
            nn.Conv3d(4, 6, 3), nn.ReLU(), nn.AvgPool3d(2), nn.Flatten(), nn.LazyLinear(5))
        self.body(torch.zeros(1, 1, 10, 10, 10))

    def forward(self, x):
        return self.body(x)


def mlp(activation):
    return nn.Sequential(nn.Flatten(), nn.Linear(20, 24), activation, nn.Dropout(0.5),
                         nn.Linear(24, 16), nn.BatchNorm1d(16), activation, nn.Linear(16, 6))


def vision(name):
    return lambda: getattr(torchvision.models, name)(weights=None)


class Adaptive(nn.Module):
    """Adaptive pooling to a size that is no divisor, as VGG has it on small images."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(4), nn.Flatten(),
                                  nn.Linear(64, 3))

    def forward(self, x):
        return self.body(x)


# Builder, input shape, whether maso takes it.
TORCH = {
    "resnet18": (vision("resnet18"), (3, 224, 224), True),
    "resnet18_64": (vision("resnet18"), (3, 64, 64), True),
    "vgg11_bn": (vision("vgg11_bn"), (3, 224, 224), True),
    "vgg11_bn_64": (vision("vgg11_bn"), (3, 64, 64), True),
    "mobilenet_v2": (vision("mobilenet_v2"), (3, 96, 96), True),
    "squeezenet": (vision("squeezenet1_1"), (3, 96, 96), True),
    "densenet": (vision("densenet121"), (3, 64, 64), True),
    "googlenet": (lambda: torchvision.models.googlenet(weights=None, init_weights=True), (3, 64, 64), True),
    "shufflenet": (vision("shufflenet_v2_x0_5"), (3, 64, 64), True),
    "mnasnet": (vision("mnasnet0_5"), (3, 64, 64), True),
    "unet_transposed": (lambda: UNet("transposed", 4), (1, 16, 16), True),
    "unet_nearest": (lambda: UNet("nearest", 4), (1, 16, 16), True),
    "unet_bilinear": (lambda: UNet("bilinear", 4), (1, 16, 16), True),
    "dcgan": (lambda: dcgan(64), (100, 1, 1), True),
    "dcgan_small": (lambda: dcgan(2), (100, 1, 1), True),
    "adaptive": (Adaptive, (1, 8, 8), True),
    "maxout": (Maxout, (12,), True),
    "reducing": (Reducing, (3, 9, 8), True),
    "patches": (Patches, (3, 10, 10), True),
    "series": (Series, (2, 40), True),
    "volumes": (Volumes, (1, 10, 10, 10), True),
    "mlp_relu": (lambda: mlp(nn.ReLU()), (20,), True),
    "mlp_leaky": (lambda: mlp(nn.LeakyReLU()), (20,), True),
    "mlp_hardsigmoid": (lambda: mlp(nn.Hardsigmoid()), (20,), True),
    "mlp_relu6": (lambda: mlp(nn.ReLU6()), (20,), True),
    "mlp_softshrink": (lambda: mlp(nn.Softshrink(0.3)), (20,), True),
    "mlp_hardshrink": (lambda: mlp(nn.Hardshrink(0.3)), (20,), False),
    "mlp_threshold": (lambda: mlp(nn.Threshold(0.1, 20.0)), (20,), False),
    # The newer exporter has no rule for RReLU.
    "mlp_rrelu": (lambda: mlp(nn.RReLU()), (20,), True),
    "mlp_hardswish": (lambda: mlp(nn.Hardswish()), (20,), False),
    "mlp_half": (lambda: mlp(nn.ReLU()).half(), (20,), True),
    "mlp_double": (lambda: mlp(nn.ReLU()).double(), (20,), True),
}
