//! What an architecture says: a stack of the file's layers in order, or each layer in a small JSON file.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::Deserialize;

use crate::limits::Limits;

/// Which layers weights are of.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Architecture {
    /// All layers of the file in the order of their names, with one nonlinearity between them.
    Stack(Stack),
    /// Layer by layer.
    Layers(Layers),
}

/// A stack of layers found by the names of their weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Stack {
    /// After every layer but the last.
    pub activation: Layer,
    /// (channels, height, width, …) of a row, where the first layer is a convolution.
    pub input: Option<Vec<usize>>,
}

/// Layers one after another.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layers {
    /// Shape of a row; that of the first Linear layer where it is left out.
    #[serde(default)]
    pub input: Option<Vec<usize>>,
    /// The layers, first to last.
    pub layers: Vec<Layer>,
}

/// One layer. Its weights are named by `params` (`conv1` stands for `conv1.weight` and `conv1.bias`), or
/// one by one.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "op", deny_unknown_fields, rename_all_fields = "snake_case")]
#[non_exhaustive]
pub enum Layer {
    /// W x + b with W of shape (out, in).
    Linear {
        /// Prefix of the parameters' names.
        params: Option<String>,
        /// Name of the matrix.
        weight: Option<String>,
        /// Name of the bias.
        bias: Option<String>,
        /// Whether the matrix is (in, out).
        #[serde(default)]
        transposed: bool,
    },
    /// A convolution with weights (out, in / groups, size…).
    Conv {
        /// Prefix of the parameters' names.
        params: Option<String>,
        /// Name of the weights.
        weight: Option<String>,
        /// Name of the bias.
        bias: Option<String>,
        /// Step along each axis.
        #[serde(default)]
        stride: Extents,
        /// Zeros on both sides of each axis.
        #[serde(default)]
        padding: Extents,
        /// Distance between taps.
        #[serde(default)]
        dilation: Extents,
        /// Groups of channels.
        groups: Option<i64>,
    },
    /// A transposed convolution with weights (in, out / groups, size…).
    ConvTranspose {
        /// Prefix of the parameters' names.
        params: Option<String>,
        /// Name of the weights.
        weight: Option<String>,
        /// Name of the bias.
        bias: Option<String>,
        /// Step along each axis.
        #[serde(default)]
        stride: Extents,
        /// Cells cut off on both sides of each axis.
        #[serde(default)]
        padding: Extents,
        /// Cells added at the end of each axis.
        #[serde(default)]
        output_padding: Extents,
        /// Groups of channels.
        groups: Option<i64>,
    },
    /// Batch-norm by its running statistics `P.weight`, `P.bias`, `P.running_mean`, `P.running_var`.
    BatchNorm {
        /// Prefix of the parameters' names.
        params: String,
        /// Added to the variance; 1e-5 where it is left out.
        epsilon: Option<f32>,
    },
    /// max(x, 0).
    Relu {},
    /// A slope below 0.
    LeakyRelu {
        /// 0.01 where it is left out.
        slope: Option<f32>,
    },
    /// A learned slope below 0, one number or one for each channel.
    PRelu {
        /// Prefix of the parameter's name.
        params: Option<String>,
        /// Name of the slopes.
        weight: Option<String>,
    },
    /// |x|.
    Abs {},
    /// min(max(x, min), max).
    Clip {
        /// Lower limit.
        min: Option<f32>,
        /// Upper limit.
        max: Option<f32>,
    },
    /// Another elementwise operator of ONNX, by its name there.
    Elementwise {
        /// Such as Tanh.
        name: String,
    },
    /// The largest of each window.
    MaxPool {
        /// Extents of the window.
        size: Extents,
        /// Step along each axis; the window's extents where it is left out.
        #[serde(default)]
        stride: Extents,
        /// Cells of no value on both sides.
        #[serde(default)]
        padding: Extents,
    },
    /// The mean of each window.
    AveragePool {
        /// Extents of the window.
        size: Extents,
        /// Step along each axis; the window's extents where it is left out.
        #[serde(default)]
        stride: Extents,
        /// Zeros on both sides, which count.
        #[serde(default)]
        padding: Extents,
    },
    /// The mean of each channel.
    GlobalAveragePool {},
    /// All axes as one.
    Flatten {},
    /// The same numbers under another shape.
    Reshape {
        /// Of a row.
        shape: Vec<i64>,
    },
}

/// One number for all axes, one for each, or none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Extents {
    /// What the layer does without.
    #[default]
    None,
    /// The same along each axis.
    All(i64),
    /// Axis by axis.
    Each(Vec<i64>),
}

/// Why an architecture is not one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchitectureError {
    /// The text is neither a stack nor a file.
    #[error(
        "architecture {found:?} is not known ({reason}); expected such as mlp:relu, \
         conv:relu:1x28x28, or a JSON file"
    )]
    Text {
        /// The text.
        found: String,
        /// What is not known.
        reason: String,
    },
    /// The file cannot be read.
    #[error("cannot read architecture {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The file is not a description of layers.
    #[error("{} is no architecture (docs/formats.md lists the layers and their fields)", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Where and what.
        source: serde_json::Error,
    },
}

impl Architecture {
    /// A stack such as `mlp:relu`, or the description in a JSON file.
    ///
    /// # Errors
    /// If it is neither.
    pub fn parse(text: &str, limits: &Limits) -> Result<Self, ArchitectureError> {
        let path = Path::new(text);
        let is_file = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json"));
        if is_file || path.is_file() { Self::read(path, limits) } else { text.parse() }
    }

    /// The description in a JSON file.
    ///
    /// # Errors
    /// If it cannot be read or describes no layers.
    pub fn read(path: &Path, limits: &Limits) -> Result<Self, ArchitectureError> {
        let limit = limits.architecture_bytes;
        let read = |source| ArchitectureError::Read { path: path.to_owned(), source };
        let len = std::fs::metadata(path).map_err(read)?.len();
        if len > limit {
            let reason = format!(
                "it has {len} bytes, the limit is {limit} (Limits::architecture_bytes); describe fewer layers"
            );
            return Err(read(std::io::Error::other(reason)));
        }
        let text = std::fs::read(path).map_err(read)?;
        Self::from_json(&text)
            .map_err(|source| ArchitectureError::Json { path: path.to_owned(), source })
    }

    /// The description in JSON text.
    ///
    /// # Errors
    /// If it describes no layers.
    pub fn from_json(text: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(text).map(Self::Layers)
    }
}

impl FromStr for Architecture {
    type Err = ArchitectureError;

    fn from_str(text: &str) -> Result<Self, ArchitectureError> {
        let error = |reason: String| ArchitectureError::Text { found: text.to_owned(), reason };
        let mut parts = text.split(':');
        let kind = parts.next().unwrap_or_default();
        let name = parts.next().unwrap_or_default();
        let activation = activation(name).ok_or_else(|| {
            let known = ACTIVATIONS.map(|(name, _)| name).join(", ");
            error(format!("no nonlinearity {name:?}; known are {known}"))
        })?;
        let input = parts.next().map(|shape| {
            let extents = shape.split('x').map(|extent| extent.parse().ok());
            let extents = extents.collect::<Option<Vec<usize>>>();
            extents.ok_or_else(|| error(format!("no shape {shape:?}")))
        });
        let input = input.transpose()?;
        match (kind, parts.next()) {
            ("mlp" | "conv", None) if kind == "mlp" || input.is_some() => {
                Ok(Self::Stack(Stack { activation, input }))
            }
            ("conv", None) => Err(error("a conv stack needs the shape of a row".to_owned())),
            (_, Some(more)) => Err(error(format!("{more:?} is too much"))),
            _ => Err(error(format!("no kind {kind:?}"))),
        }
    }
}

/// Makes the layer of a nonlinearity.
type Maker = fn() -> Layer;

const ACTIVATIONS: [(&str, Maker); 9] = [
    ("relu", || Layer::Relu {}),
    ("leaky_relu", || Layer::LeakyRelu { slope: None }),
    ("abs", || Layer::Abs {}),
    ("relu6", || Layer::Clip { min: Some(0.0), max: Some(6.0) }),
    ("hardtanh", || Layer::Clip { min: Some(-1.0), max: Some(1.0) }),
    ("tanh", || Layer::Elementwise { name: "Tanh".to_owned() }),
    ("sigmoid", || Layer::Elementwise { name: "Sigmoid".to_owned() }),
    ("softplus", || Layer::Elementwise { name: "Softplus".to_owned() }),
    ("prelu", || Layer::PRelu { params: None, weight: None }),
];

fn activation(name: &str) -> Option<Layer> {
    ACTIVATIONS.iter().find(|(known, _)| *known == name).map(|(_, layer)| layer())
}
