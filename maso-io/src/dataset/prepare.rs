//! What happens to the numbers of a row on their way into the model: scaled, perhaps channel by channel,
//! rounded to f32 once, and put into the model's order.

use super::DataError;
use crate::array::{Element, Kind, copy_f32, widen_each};

/// What happens to every number: round_f32(f64(raw) · scale + shift), once. The default leaves f32
/// numbers untouched.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scaling {
    /// Factor.
    pub scale: f64,
    /// Added after.
    pub shift: f64,
}

impl Default for Scaling {
    fn default() -> Self {
        Self { scale: 1.0, shift: 0.0 }
    }
}

impl Scaling {
    #[allow(clippy::cast_possible_truncation, reason = "rows are rounded to f32 here, once")]
    pub(super) fn apply(self, value: f64) -> f32 {
        (value * self.scale + self.shift) as f32
    }
}

/// The order of an image's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Height, width, channels: pixel after pixel.
    Nhwc,
    /// Channels, height, width: plane after plane.
    Nchw,
}

impl Layout {
    /// (channels, height, width) of an image of this `shape`.
    fn extents(self, [a, b, c]: [usize; 3]) -> [usize; 3] {
        match self {
            Self::Nchw => [a, b, c],
            Self::Nhwc => [c, a, b],
        }
    }

    /// Where the number of channel `c`, row `h` and column `w` lies.
    fn place(self, [channels, height, width]: [usize; 3], [c, h, w]: [usize; 3]) -> usize {
        match self {
            Self::Nchw => (c * height + h) * width + w,
            Self::Nhwc => (h * width + w) * channels + c,
        }
    }
}

/// How rows are prepared for a model: first the scaling, then (x − mean) / std by channel, all rounded
/// once; the data's layout is turned into the model's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Preparation {
    /// For every number.
    pub scaling: Scaling,
    /// Subtracted: one number; one for each channel of an image (or each place on the first axis of
    /// another input, leading axes of one place left aside); or one for each number of a row. Empty for
    /// none.
    pub mean: Vec<f64>,
    /// Divided by after that, as many or one. Empty for none.
    pub std: Vec<f64>,
    /// The data's layout, where that may not be the model's.
    pub layout: Option<Layout>,
}

/// A preparation worked out for rows of one width.
#[derive(Clone, Debug)]
pub(super) struct Prepared {
    scales: Scales,
    /// For each number of the model's row, its place in the file's.
    order: Option<Box<[u32]>>,
}

#[derive(Clone, Debug)]
enum Scales {
    Uniform(Scaling),
    /// For each number of the file's row.
    Each(Box<[Scaling]>),
}

impl Default for Prepared {
    fn default() -> Self {
        Self { scales: Scales::Uniform(Scaling::default()), order: None }
    }
}

impl Prepared {
    /// `row` is the shape of the file's rows, `input` that of the model's.
    pub(super) fn new(
        preparation: &Preparation,
        row: &[usize],
        input: &[usize],
    ) -> Result<Self, DataError> {
        let Preparation { scaling, mean, std, layout } = preparation;
        if mean.is_empty() && std.is_empty() && layout.is_none() {
            return Ok(Self { scales: Scales::Uniform(*scaling), order: None });
        }
        let width: usize = row.iter().product();
        let expected: usize = input.iter().product();
        if width != expected {
            let reason =
                format!("rows have {width} numbers, the model's input {input:?} takes {expected}");
            return Err(DataError::Preparation { reason });
        }
        let image = Image::of(row, input, *layout)?;
        let groups = match image {
            Some(image) if layout.is_some() => Groups::Image(image),
            image => Groups::of(image, input, mean.len().max(std.len())),
        };
        let channels = groups.count(width);
        let number = |values: &[f64], what: &str, absent: f64| match values {
            [] => Ok(vec![absent; channels]),
            [one] => Ok(vec![*one; channels]),
            _ if values.len() == channels => Ok(values.to_vec()),
            _ => Err(DataError::Preparation {
                reason: format!(
                    "{} numbers for {what}, expected {}",
                    values.len(),
                    groups.expected(input, width)
                ),
            }),
        };
        let (mean, std) = (number(mean, "the mean", 0.0)?, number(std, "std", 1.0)?);
        if let Some(bad) = std.iter().find(|std| **std <= 0.0 || std.is_nan()) {
            let reason = format!("std is {bad}; expected numbers above 0");
            return Err(DataError::Preparation { reason });
        }
        let of_channel = |c: usize| Scaling {
            scale: scaling.scale / std[c],
            shift: (scaling.shift - mean[c]) / std[c],
        };
        let scales = (0..width).map(|place| of_channel(groups.channel(place, width))).collect();
        let order = match groups {
            Groups::Image(image) => image.order(),
            _ => None,
        };
        Ok(Self { scales: Scales::Each(scales), order })
    }

    /// The elements themselves, where they already are what the kernels read.
    pub(super) fn in_place<'b>(&self, element: Element, bytes: &'b [u8]) -> Option<&'b [f32]> {
        let fits = element.is_native_f32() && self.is_untouched() && self.order.is_none();
        if fits { bytemuck::try_cast_slice(bytes).ok() } else { None }
    }

    fn is_untouched(&self) -> bool {
        matches!(self.scales, Scales::Uniform(scaling) if scaling == Scaling::default())
    }

    /// Whole rows of `width` elements.
    pub(super) fn convert(&self, element: Element, bytes: &[u8], width: usize, out: &mut [f32]) {
        match &self.scales {
            Scales::Uniform(scaling) if element.kind == Kind::U8 => {
                let table: [f32; 256] = std::array::from_fn(|byte| {
                    scaling.apply(u8::try_from(byte).unwrap_or(u8::MAX).into())
                });
                out.iter_mut().zip(bytes).for_each(|(out, &byte)| *out = table[usize::from(byte)]);
            }
            Scales::Uniform(_) if element.kind == Kind::F32 && self.is_untouched() => {
                copy_f32(bytes, element.big_endian, out);
            }
            Scales::Uniform(scaling) => {
                widen_each(element, bytes, |place, value| out[place] = scaling.apply(value));
            }
            Scales::Each(scales) => {
                let rows = bytes.chunks_exact(width * element.size());
                for (bytes, out) in rows.zip(out.chunks_exact_mut(width)) {
                    widen_each(element, bytes, |i, value| out[i] = scales[i].apply(value));
                }
            }
        }
        self.reorder(width, out);
    }

    /// Whole rows of `width` numbers.
    pub(super) fn convert_numbers(&self, numbers: &[f64], width: usize, out: &mut [f32]) {
        for (place, (out, &value)) in out.iter_mut().zip(numbers).enumerate() {
            let scaling = match &self.scales {
                Scales::Uniform(scaling) => *scaling,
                Scales::Each(scales) => scales[place % width],
            };
            *out = scaling.apply(value);
        }
        self.reorder(width, out);
    }

    fn reorder(&self, width: usize, out: &mut [f32]) {
        let Some(order) = &self.order else { return };
        let mut as_filed = vec![0.0; width];
        for row in out.chunks_exact_mut(width) {
            as_filed.copy_from_slice(row);
            row.iter_mut().zip(order).for_each(|(to, &from)| *to = as_filed[from as usize]);
        }
    }
}

/// Which numbers of a row share their mean and std.
enum Groups {
    /// Those of an image's channel.
    Image(Image),
    /// Those of one place on the first axis, of so many.
    First(usize),
    /// None: each number has its own.
    Features,
}

impl Groups {
    /// Channels of an image, or else the first axis; each number by itself where that alone fits the
    /// `given` numbers, or the model's rows are a list.
    fn of(image: Option<Image>, input: &[usize], given: usize) -> Self {
        let width: usize = input.iter().product();
        let axes = without_ones(input, 1);
        let first = axes.first().copied().filter(|_| axes.len() > 1);
        match (image, first) {
            (Some(image), _) if given < 2 || image.extents[0] == given => Self::Image(image),
            (_, Some(first)) if first == given => Self::First(first),
            (Some(image), _) => Self::Image(image),
            (None, Some(first)) if given != width => Self::First(first),
            _ => Self::Features,
        }
    }

    fn count(&self, width: usize) -> usize {
        match self {
            Self::Image(image) => image.extents[0],
            Self::First(first) => *first,
            Self::Features => width,
        }
    }

    fn channel(&self, place: usize, width: usize) -> usize {
        match self {
            Self::Image(image) => image.channel(place),
            Self::First(first) => place / (width / first).max(1),
            Self::Features => place,
        }
    }

    /// How many numbers there may be, in words.
    fn expected(&self, input: &[usize], width: usize) -> String {
        let several = match self {
            Self::Image(image) => (image.extents[0], "channels of the model's input"),
            Self::First(first) => (*first, "places on the first axis of the model's input"),
            Self::Features => (width, "numbers of a row"),
        };
        match several {
            (1, _) => format!("1 (the model's input is {input:?})"),
            (count, of) => format!("1 or {count}, as many as the {of} {input:?}"),
        }
    }
}

/// A shape of more than `least` axes without the leading ones that have one place alone.
fn without_ones(shape: &[usize], least: usize) -> &[usize] {
    let ones = shape.iter().take_while(|&&extent| extent == 1).count();
    &shape[ones.min(shape.len().saturating_sub(least))..]
}

/// The layout, other than the model's, in which rows of this shape are images that a model of this
/// input takes.
pub(super) fn other_layout(row: &[usize], input: &[usize]) -> Option<Layout> {
    let axes = <[usize; 3]>::try_from(without_ones(row, 3)).ok()?;
    if axes == without_ones(input, 3) {
        return None;
    }
    let turned = |layout: &Layout| {
        let image = Image::of(row, input, Some(*layout));
        image.is_ok_and(|image| image.is_some_and(|image| image.model != *layout))
    };
    [Layout::Nhwc, Layout::Nchw].into_iter().find(turned)
}

/// Rows as images: as the file has them, and as the model takes them.
struct Image {
    /// Channels, height, width.
    extents: [usize; 3],
    file: Layout,
    model: Layout,
}

impl Image {
    /// `None` where the model takes no images.
    fn of(
        row: &[usize],
        input: &[usize],
        layout: Option<Layout>,
    ) -> Result<Option<Self>, DataError> {
        let Ok(shape) = <[usize; 3]>::try_from(without_ones(input, 3)) else {
            let reason = format!(
                "a layout needs a model that takes images, its input is {input:?}; leave --layout out"
            );
            return match layout {
                Some(_) => Err(DataError::Preparation { reason }),
                None => Ok(None),
            };
        };
        let in_file = <[usize; 3]>::try_from(without_ones(row, 3)).ok();
        let both = [Layout::Nchw, Layout::Nhwc];
        let fits = |model: &Layout| match (in_file, layout) {
            (Some(row), Some(layout)) => layout.extents(row) == model.extents(shape),
            _ => true,
        };
        // A last axis of a few numbers behind larger ones holds channels.
        let guess = usize::from(shape[2] <= 4 && shape[0] > 4);
        let model = [both[guess], both[1 - guess]].into_iter().find(fits);
        let Some(model) = model else {
            return Err(DataError::Preparation {
                reason: format!(
                    "rows of shape {row:?} in the layout given are no images of the model's input \
                     {input:?}; leave --layout out, or turn them in numpy"
                ),
            });
        };
        Ok(Some(Self { extents: model.extents(shape), file: layout.unwrap_or(model), model }))
    }

    /// The channel of the number at `place` of the file's row.
    fn channel(&self, place: usize) -> usize {
        let [channels, height, width] = self.extents;
        match self.file {
            Layout::Nchw => place / (height * width),
            Layout::Nhwc => place % channels,
        }
    }

    /// Where the numbers of the model's row lie in the file's; `None` where that is the same order.
    fn order(&self) -> Option<Box<[u32]>> {
        let [channels, height, width] = self.extents;
        let mut order = vec![0u32; channels * height * width];
        for c in 0..channels {
            for h in 0..height {
                for w in 0..width {
                    let from = self.file.place(self.extents, [c, h, w]);
                    let to = self.model.place(self.extents, [c, h, w]);
                    order[to] = u32::try_from(from).ok()?;
                }
            }
        }
        let moved = order.iter().enumerate().any(|(to, &from)| to != from as usize);
        moved.then(|| order.into())
    }
}

#[cfg(test)]
mod tests {
    use half::{bf16, f16};

    use super::*;

    fn scaled(scaling: Scaling) -> Prepared {
        Prepared { scales: Scales::Uniform(scaling), order: None }
    }

    fn element(description: &str) -> Element {
        Element::parse(description).expect("a known type")
    }

    fn converted(element: Element, bytes: &[u8], scaling: Scaling) -> Vec<f32> {
        let width = bytes.len() / element.size();
        let mut out = vec![0.0; width];
        scaled(scaling).convert(element, bytes, width, &mut out);
        // Number by number is the same as all alike.
        let each = Scales::Each(vec![scaling; width].into());
        let mut one_by_one = vec![0.0; width];
        let each = Prepared { scales: each, order: None };
        each.convert(element, bytes, width, &mut one_by_one);
        assert_eq!(out, one_by_one, "{element}");
        out
    }

    #[test]
    fn every_type_and_byte_order_converts() {
        let plain =
            |description, bytes: &[u8]| converted(element(description), bytes, Scaling::default());
        assert_eq!(plain("|u1", &[0, 255]), [0.0, 255.0]);
        assert_eq!(plain("|b1", &[0, 1, 2]), [0.0, 1.0, 1.0]);
        assert_eq!(element("|b1").to_string(), "bool");
        assert_eq!(plain("|i1", &[0xFF]), [-1.0]);
        assert_eq!(plain("<i2", &[0xFE, 0xFF]), [-2.0]);
        assert_eq!(plain(">i2", &[0xFF, 0xFE]), [-2.0]);
        assert_eq!(plain("<u2", &[0xFE, 0xFF]), [65534.0]);
        assert_eq!(plain(">i4", &(-3i32).to_be_bytes()), [-3.0]);
        assert_eq!(plain("<u4", &7u32.to_le_bytes()), [7.0]);
        assert_eq!(plain(">i8", &(1i64 << 40).to_be_bytes()), [1.099_511_6e12]);
        assert_eq!(plain("<u8", &(1u64 << 63).to_le_bytes()), [9.223_372e18]);
        assert_eq!(plain(">f2", &f16::from_f32(0.5).to_be_bytes()), [0.5]);
        assert_eq!(plain(">f4", &(-1.5f32).to_be_bytes()), [-1.5]);
        assert_eq!(plain("<f8", &0.1f64.to_le_bytes()), [0.1]);
        let brain = Element { kind: Kind::Bf16, big_endian: false };
        let bytes = bf16::from_f32(-3.0).to_le_bytes();
        assert_eq!(converted(brain, &bytes, Scaling::default()), [-3.0]);
    }

    #[test]
    fn untouched_f32_keeps_its_bits() {
        let mut out = [1.0];
        scaled(Scaling::default()).convert(element(">f4"), &(-0.0f32).to_be_bytes(), 1, &mut out);
        assert_eq!(out[0].to_bits(), 1 << 31, "a negative zero stays one");
    }

    #[test]
    fn scaling_rounds_once() {
        let scaling = Scaling { scale: 1.0 / 255.0, shift: -0.5 };
        for byte in 0..=255u8 {
            #[allow(clippy::cast_possible_truncation, reason = "the rounding under test")]
            let expected = (f64::from(byte) * (1.0 / 255.0) - 0.5) as f32;
            assert_eq!(converted(element("|u1"), &[byte], scaling), [expected]);
            let wide = i64::from(byte).to_le_bytes();
            assert_eq!(converted(element("<i8"), &wide, scaling), [expected], "on every path");
            let mut out = [0.0];
            scaled(scaling).convert_numbers(&[f64::from(byte)], 1, &mut out);
            assert_eq!(out, [expected], "from text, too");
        }
    }

    #[test]
    fn only_untouched_native_f32_is_used_in_place() {
        let values = [1.0f32, -2.5];
        let bytes: &[u8] = bytemuck::cast_slice(&values);
        let native = element(if cfg!(target_endian = "big") { ">f4" } else { "<f4" });
        let foreign = element(if cfg!(target_endian = "big") { "<f4" } else { ">f4" });
        let plain = scaled(Scaling::default());
        assert_eq!(plain.in_place(native, bytes), Some(&values[..]));
        assert_eq!(plain.in_place(foreign, bytes), None);
        assert_eq!(scaled(Scaling { scale: 2.0, shift: 0.0 }).in_place(native, bytes), None);
        let turned = Prepared { order: Some([1, 0].into()), ..plain };
        assert_eq!(turned.in_place(native, bytes), None);
    }
}
