//! From arguments to a network, and to the rows that go into it.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use maso_core::{Graph, LowerOptions, Network, Nonlinearities, RowAxis, Rows};
use maso_io::dataset::{self, Access, Columns, Dataset, OpenOptions, Preparation, Scaling};
use maso_io::model::weights::layer_order;
use maso_io::model::{self, Architecture, ReadOptions};
use maso_plugins::host::{Plugin, Registry};
use maso_plugins::network::{PluginNonlinearities, use_kernels};

use crate::args::{
    DataArgs, FileArgs, LayoutArg, ModelArgs, PluginArgs, PointArgs, PreparationArgs, RowAxisArg,
};
use crate::failure::Failure;
use crate::table::count;

/// Reads the model.
pub(crate) fn load(args: &ModelArgs) -> Result<Arc<Network>, Failure> {
    Ok(load_ordered(args)?.0)
}

/// Reads the model for what is defined for piecewise-affine networks only.
pub(crate) fn load_piecewise_affine(args: &ModelArgs, what: &str) -> Result<Arc<Network>, Failure> {
    let network = load(args)?;
    only_piecewise_affine(&network, what)?;
    Ok(network)
}

/// Refuses `what` of a network with a soft layer.
pub(crate) fn only_piecewise_affine(network: &Network, what: &str) -> Result<(), Failure> {
    network.soft_layer().map_or(Ok(()), |node| {
        Err(Failure::Refused(format!(
            "layer {} ({}) is soft, so the network is not piecewise affine: {what} is not defined for it",
            node.name, node.op
        )))
    })
}

/// Reads the model, and says in which order the layers of a stack were found.
pub(crate) fn load_ordered(args: &ModelArgs) -> Result<(Arc<Network>, Vec<String>), Failure> {
    let (graph, network) = load_graph(args)?;
    Ok((network, stack_order(&graph, &read_options(&args.file)?)))
}

/// Reads the model, as the file has it and as a network.
pub(crate) fn load_graph(args: &ModelArgs) -> Result<(Graph, Arc<Network>), Failure> {
    let row_axis = args.row_axis.map(|axis| match axis {
        RowAxisArg::First => RowAxis::First,
        RowAxisArg::None => RowAxis::None,
    });
    let plugins = Arc::new(plugins(&args.plugins)?);
    let options = LowerOptions {
        output: args.output.clone(),
        row_axis,
        nonlinearities: Some(Arc::clone(&plugins) as Arc<dyn Nonlinearities>),
    };
    let (path, how) = (&args.file.model, read_options(&args.file)?);
    let graph = model::read(path, &how)?;
    let network = model::network(path, &graph, &options)?;
    expect_used(&plugins, path)?;
    Ok((graph, Arc::new(network)))
}

/// Every replacement must have replaced something.
pub(crate) fn expect_used(plugins: &PluginNonlinearities, model: &Path) -> Result<(), Failure> {
    let unused = plugins.unused();
    let Some(op) = unused.first() else { return Ok(()) };
    let model = model.display();
    Err(Failure::Usage(format!("--replace {op}: {model} has no operator {op}")))
}

/// Loads the plugins that are named, and finds the kinds that replace operators.
pub(crate) fn plugins(args: &PluginArgs) -> Result<PluginNonlinearities, Failure> {
    // Of two models in one run the second finds them set.
    let _ = use_kernels();
    for file in &args.plugin {
        Plugin::open(file).map_err(|error| Failure::Library(error.into()))?;
    }
    PluginNonlinearities::new(Registry::from_env(), args.replace.iter().cloned())
        .map_err(|error| Failure::Library(error.into()))
}

/// The layers of a stack, in the order that their names were taken to tell; of other models nothing.
pub(crate) fn stack_order(graph: &Graph, how: &ReadOptions) -> Vec<String> {
    match &how.architecture {
        Some(Architecture::Stack(_)) => layer_order(graph),
        _ => Vec::new(),
    }
}

/// How a model file is to be read.
pub(crate) fn read_options(args: &FileArgs) -> Result<ReadOptions, Failure> {
    let mut options = ReadOptions::default();
    options.access = access(args);
    let parse = |text: &String| Architecture::parse(text, &options.limits);
    options.architecture = args.arch.as_ref().map(parse).transpose()?;
    Ok(options)
}

/// How data and label files are to be read.
pub(crate) fn open_options(args: &FileArgs) -> OpenOptions {
    let mut options = OpenOptions::default();
    options.access = access(args);
    options
}

fn access(args: &FileArgs) -> Access {
    if args.buffered { Access::Buffered } else { Access::default() }
}

/// Data rows, and which of them to use.
pub(crate) struct Data {
    pub(crate) rows: Dataset,
    pub(crate) range: Range<usize>,
    /// Whether the user said how the numbers are scaled.
    pub(crate) scaled: bool,
    pub(crate) preparation: Preparation,
    /// Which array or columns of the file, where the user said.
    pub(crate) chosen: Option<String>,
}

impl Data {
    /// All rows of a data set whose scaling is right.
    pub(crate) fn whole(rows: Dataset, scaling: Scaling) -> Self {
        let preparation = Preparation { scaling, ..Preparation::default() };
        let rows = rows.with_scaling(scaling);
        Self { range: 0..rows.len(), rows, scaled: true, preparation, chosen: None }
    }

    /// The rows of a file, prepared for `network`.
    pub(crate) fn open(
        args: &DataArgs,
        file: &FileArgs,
        network: &Network,
    ) -> Result<Self, Failure> {
        let data = Self::prepare(&args.data, &args.preparation, file, network)?;
        let (path, count) = (args.data.display(), data.rows.len());
        let range = match args.rows {
            None => 0..count,
            Some(range) => range.of(count).ok_or_else(|| {
                Failure::Usage(format!(
                    "--rows {range}: {path} has {count} rows, so the last possible is ..{count}"
                ))
            })?,
        };
        Ok(Self { range, ..data })
    }

    /// One row of a file, prepared for `network`.
    pub(crate) fn open_point(
        args: &PointArgs,
        file: &FileArgs,
        network: &Network,
    ) -> Result<Self, Failure> {
        let (path, row) = (&args.point.data, args.point.row);
        let data = Self::prepare(path, &args.preparation, file, network)?;
        let count = data.rows.len();
        if row >= count {
            return Err(Failure::Usage(format!(
                "{}:{row}: the file has {count} rows, numbered from 0",
                path.display()
            )));
        }
        Ok(Self { range: row..row + 1, ..data })
    }

    /// Some rows of a file, prepared for `network`, in f64.
    pub(crate) fn rows_at(
        path: &Path,
        numbers: &[usize],
        args: &PreparationArgs,
        file: &FileArgs,
        network: &Network,
    ) -> Result<Vec<Vec<f64>>, Failure> {
        let data = Self::prepare(path, args, file, network)?;
        let (count, mut buffer) = (data.rows.len(), Vec::new());
        let mut row = |&number: &usize| {
            if number >= count {
                return Err(Failure::Usage(format!(
                    "{}:{number}: the file has {count} rows, numbered from 0",
                    path.display()
                )));
            }
            let values = data.rows.block(number..number + 1, &mut buffer);
            let values = values.map_err(|error| Failure::Rows {
                data: path.display().to_string(),
                source: error.into(),
            })?;
            Ok(values.iter().map(|&value| value.into()).collect())
        };
        numbers.iter().map(&mut row).collect()
    }

    /// All rows of a file.
    fn prepare(
        path: &Path,
        args: &PreparationArgs,
        file: &FileArgs,
        network: &Network,
    ) -> Result<Self, Failure> {
        let mut options = open_options(file);
        options.array.clone_from(&args.array);
        options.columns.clone_from(&args.columns);
        let rows = Dataset::open_with(path, &options)?;
        check_width(network, &rows)?;
        let default = Scaling::default();
        let scaling = Scaling {
            scale: args.scale.unwrap_or(default.scale),
            shift: args.shift.unwrap_or(default.shift),
        };
        let preparation = Preparation {
            scaling,
            mean: args.mean.clone(),
            std: args.std.clone(),
            layout: args.layout.map(LayoutArg::layout),
        };
        let scaled = [args.scale, args.shift].iter().any(Option::is_some)
            || !(args.mean.is_empty() && args.std.is_empty());
        let rows = rows.prepared(&preparation, &network.input().shape)?;
        let chosen = args.array.clone().or_else(|| args.columns.as_ref().map(ToString::to_string));
        Ok(Self { range: 0..rows.len(), rows, scaled, preparation, chosen })
    }
}

/// Refuses data that do not fit the model, before anything is packed or any output is begun.
fn check_width(network: &Network, rows: &Dataset) -> Result<(), Failure> {
    let (input, shape) = (network.input(), rows.file_shape());
    let (expected, found) = (input.len(), rows.width());
    if expected == found {
        return Ok(());
    }
    let path = rows.path().display();
    let mut text = format!(
        "{path}: rows have {} each (the file's shape is {shape:?}), but input {:?} takes {expected} \
         (shape {:?})",
        count(found as u64, "number"),
        input.tensor,
        input.shape
    );
    if rows.is_table() && shape[1] > expected {
        text += "; choose as many columns with --columns";
    } else if rows.len() == expected {
        text += "; for a single row save x[None], for rows in columns save x.T";
    } else if let (RowAxis::None, Some(first)) = (network.row_axis(), input.shape.first())
        && expected == found * first
    {
        text += &format!(
            "; the model's first axis is fixed at {first}, so it is taken as part of the row: if it \
             counts rows, say --row-axis 0"
        );
    } else {
        text += "; give the data that the model was made for, with its first axis counting rows";
    }
    Err(Failure::Library(text.into()))
}

/// Labels as many as the data's rows.
pub(crate) fn labels(
    path: &Path,
    array: Option<&str>,
    file: &FileArgs,
    data: &Data,
) -> Result<Vec<i64>, Failure> {
    let mut options = open_options(file);
    options.array = array.map(str::to_owned);
    options.columns = array.map(Columns::one);
    let labels = dataset::read_labels(path, &options)?;
    if labels.len() == data.rows.len() {
        return Ok(labels);
    }
    let (path, rows) = (path.display(), data.rows.path().display());
    Err(Failure::Library(
        format!(
            "labels {path} are {}, but {rows} has {}; expected one label for each row of the file",
            labels.len(),
            count(data.rows.len() as u64, "row")
        )
        .into(),
    ))
}
