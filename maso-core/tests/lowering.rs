//! Small graphs put together by hand: what each node means, and what is refused.

mod common;

use std::sync::Arc;

use common::{Builder, check_tiers, list};
use maso_core::graph::{Attribute, Axis, GraphNode, Port};
use maso_core::tensor::{Tensor, TensorData};
use maso_core::{Graph, LowerError, LowerOptions, Network, RowAxis, lower};

/// Values and the pieces of the single layer, row by row.
fn one_layer(network: Network, rows: &[f32]) -> (Vec<f32>, Vec<usize>) {
    let layer = network.layout().layers()[0].clone();
    let words = network.layout().words();
    let (values, codes) = check_tiers(network, rows, layer.op());
    let rows = codes.chunks_exact(words);
    let pieces = rows.flat_map(|code| (0..layer.units()).map(|u| layer.piece(code, u))).collect();
    (values, pieces)
}

fn scalar_layer(
    op: &str,
    attributes: &[(&str, Attribute)],
    rows: &[f32],
) -> (Vec<f32>, Vec<usize>) {
    let mut b = Builder::new(None, &[1]);
    let y = b.node_with(op, &["x"], attributes);
    one_layer(b.network(&y), rows)
}

const LINE: [f32; 7] = [-2.0, -1.0, -0.0, 0.0, 0.5, 1.0, 3.0];

#[test]
fn a_knot_belongs_to_the_piece_below_it() {
    let hinge = [0, 0, 0, 0, 1, 1, 1];
    let (values, pieces) = scalar_layer("Relu", &[], &LINE);
    assert_eq!((values, pieces), (vec![0.0, 0.0, 0.0, 0.0, 0.5, 1.0, 3.0], hinge.to_vec()));
    let (values, pieces) = scalar_layer("Abs", &[], &LINE);
    assert_eq!((values, pieces), (vec![2.0, 1.0, 0.0, 0.0, 0.5, 1.0, 3.0], hinge.to_vec()));
    let alpha = [("alpha", Attribute::Float(0.5))];
    let (values, pieces) = scalar_layer("LeakyRelu", &alpha, &LINE);
    assert_eq!((values, pieces), (vec![-1.0, -0.5, 0.0, 0.0, 0.5, 1.0, 3.0], hinge.to_vec()));
}

#[test]
fn clip_has_two_or_three_pieces_or_one() {
    let clip = |low: Option<f32>, high: Option<f32>| {
        let limits = [("min", low), ("max", high)];
        let given = limits.into_iter().filter_map(|(name, v)| Some((name, Attribute::Float(v?))));
        scalar_layer("Clip", &given.collect::<Vec<_>>(), &LINE)
    };
    let (values, pieces) = clip(Some(-1.0), Some(1.0));
    assert_eq!(values, [-1.0, -1.0, 0.0, 0.0, 0.5, 1.0, 1.0]);
    assert_eq!(pieces, [0, 0, 1, 1, 1, 1, 2]);
    assert_eq!(clip(Some(0.0), None).1, [0, 0, 0, 0, 1, 1, 1]);
    assert_eq!(
        clip(None, Some(0.5)),
        (vec![-2.0, -1.0, 0.0, 0.0, 0.5, 0.5, 0.5], vec![0, 0, 0, 0, 0, 1, 1])
    );
    // The limits crossed: a constant, on piece 0 always.
    assert_eq!(clip(Some(2.0), Some(1.0)), (vec![1.0; 7], vec![0; 7]));
    // No limits, or the lowest and highest f32: one piece, no bits.
    let mut b = Builder::new(None, &[3]);
    let y = b.node_with("Clip", &["x"], &[("max", Attribute::Float(f32::MAX))]);
    let layout = b.network(&y).layout().clone();
    assert_eq!((layout.units(), layout.bits(), layout.words()), (3, 0, 0));
}

#[test]
fn hard_sigmoid_is_a_clip_of_a_line() {
    let (values, pieces) = scalar_layer("HardSigmoid", &[("alpha", Attribute::Float(0.5))], &LINE);
    assert_eq!(values, [0.0, 0.0, 0.5, 0.5, 0.75, 1.0, 1.0]);
    assert_eq!(pieces, [0, 0, 1, 1, 1, 1, 2], "1 is on its high knot");
}

#[test]
fn maxima_prefer_the_first_of_equals() {
    let build = |op: &str, constant_first: bool| {
        let mut b = Builder::new(None, &[1]);
        let zero = b.floats(&[], vec![0.0]);
        let inputs = if constant_first { [&*zero, "x"] } else { ["x", &*zero] };
        let y = b.node(op, &inputs);
        one_layer(b.network(&y), &LINE)
    };
    // Max(x, 0) has bit 1 iff x < 0.
    assert_eq!(
        build("Max", false),
        (vec![0.0, 0.0, 0.0, 0.0, 0.5, 1.0, 3.0], vec![1, 1, 0, 0, 0, 0, 0])
    );
    assert_eq!(build("Max", true).1, [0, 0, 0, 0, 1, 1, 1]);
    assert_eq!(
        build("Min", false),
        (vec![-2.0, -1.0, 0.0, 0.0, 0.0, 0.0, 0.0], vec![0, 0, 0, 0, 1, 1, 1])
    );
}

#[test]
fn max_pool_counts_padding_but_never_picks_it() {
    let mut b = Builder::new(None, &[1, 2, 2]);
    let attributes = [("kernel_shape", list(&[2, 2])), ("pads", list(&[1, 1, 0, 0]))];
    let y = b.node_with("MaxPool", &["x"], &attributes);
    let (values, pieces) = one_layer(b.network(&y), &[-1.0, -5.0, -5.0, -1.0]);
    assert_eq!(values, [-1.0, -1.0, -1.0, -1.0]);
    // Positions in kernel order: up-left 0, up-right 1, down-left 2, down-right 3.
    assert_eq!(pieces, [3, 2, 1, 0], "the last one ties at −1 and the first position wins");
}

#[test]
fn three_piece_fields_straddle_words_in_unit_order() {
    let units = 70;
    let mut b = Builder::new(None, &[units]);
    let limits = [("min", Attribute::Float(-1.0)), ("max", Attribute::Float(1.0))];
    let first = b.node("Relu", &["x"]);
    let second = b.node_with("Clip", &["x"], &limits);
    let y = b.node("Add", &[&first, &second]);
    let network = Arc::new(b.network(&y));
    let rows: Vec<f32> = (0..units).map(|i| [-2.0, 0.0, 2.0][i % 3]).collect();
    let (_, code) = check_tiers((*network).clone(), &rows, "two layers");
    let [relu, clip] = network.layout().layers() else { panic!("two layers") };
    assert_eq!((relu.first_bit(), clip.first_bit()), (0, units));
    assert_eq!((network.layout().bits(), code.len()), (3 * units, 4));
    let bit = |at: usize| code[at / 64] >> (at % 64) & 1;
    for unit in 0..units {
        assert_eq!(bit(unit), u64::from(unit % 3 == 2), "relu {unit}");
        let field = bit(units + 2 * unit) | bit(units + 2 * unit + 1) << 1;
        assert_eq!(field, unit as u64 % 3, "clip {unit}, low bit first");
    }
    assert_eq!(code[3] >> (3 * units - 192), 0, "spare bits are 0");
}

#[test]
fn worked_examples_of_the_spline_view() {
    // A 2-3-2 network: pre-activations (3, 2, −1) at (2, 1), output (2, 0).
    let mut b = Builder::new(None, &[2]);
    let w1 = b.floats(&[3, 2], vec![1.0, 1.0, 1.0, -1.0, -1.0, 2.0]);
    let b1 = b.floats(&[3], vec![0.0, 1.0, -1.0]);
    let w2 = b.floats(&[2, 3], vec![1.0, -1.0, 2.0, 0.0, 1.0, 1.0]);
    let b2 = b.floats(&[2], vec![1.0, -2.0]);
    let trans = [("transB", Attribute::Int(1))];
    let h = b.node_with("Gemm", &["x", &w1, &b1], &trans);
    let h = b.node("Relu", &[&h]);
    let y = b.node_with("Gemm", &[&h, &w2, &b2], &trans);
    let rows = [2.0, 1.0, -1.0, -1.0, 0.0, 2.0];
    let (values, codes) = check_tiers(b.network(&y), &rows, "2-3-2");
    assert_eq!(values, [2.0, 0.0, 0.0, -1.0, 9.0, 1.0]);
    assert_eq!(codes, [0b011, 0b010, 0b101]);

    // 1-D correlation with (1, −2), bias 1/2, ReLU, max-pool of 2.
    let mut b = Builder::new(None, &[1, 5]);
    let w = b.floats(&[1, 1, 2], vec![1.0, -2.0]);
    let bias = b.floats(&[1], vec![0.5]);
    let z = b.node("Conv", &["x", &w, &bias]);
    let h = b.node("Relu", &[&z]);
    let pool = [("kernel_shape", list(&[2])), ("strides", list(&[2]))];
    let y = b.node_with("MaxPool", &[&h], &pool);
    let (values, codes) = check_tiers(b.network(&y), &[1.0, 3.0, 2.0, -1.0, 0.0], "1-D");
    assert_eq!(values, [0.0, 4.5]);
    assert_eq!(codes, [0b0100], "ReLU bits 0010; both pools take their first");
}

#[test]
fn shape_arithmetic_with_a_symbolic_batch_resolves() {
    // Reshape to Concat(Shape(x)[0:1], [-1]), as exporters write it.
    let mut b = Builder::new(None, &[2, 3]);
    let shape = b.node("Shape", &["x"]);
    let (zero, one) = (b.ints(&[0]), b.ints(&[1]));
    let rows = b.node("Slice", &[&shape, &zero, &one]);
    let rest = b.ints(&[-1]);
    let target = b.node_with("Concat", &[&rows, &rest], &[("axis", Attribute::Int(0))]);
    let y = b.node("Reshape", &["x", &target]);
    let network = b.network(&y);
    assert_eq!((network.output_shape(), network.row_axis()), (&[6][..], RowAxis::First));

    // The older way: Unsqueeze(Gather(Shape(x), 0)).
    let mut b = Builder::new(None, &[2, 3]);
    let shape = b.node("Shape", &["x"]);
    let index = b.graph.constants.len();
    let scalar = Tensor::new(Vec::new(), TensorData::I64(vec![0])).expect("a scalar");
    b.graph.constants.push((format!("s{index}"), scalar));
    let rows = b.node("Gather", &[&shape, &format!("s{index}")]);
    let rows = b.node_with("Unsqueeze", &[&rows], &[("axes", list(&[0]))]);
    let rest = b.ints(&[6]);
    let target = b.node_with("Concat", &[&rows, &rest], &[("axis", Attribute::Int(0))]);
    let y = b.node("Reshape", &["x", &target]);
    assert_eq!(b.network(&y).output_shape(), [6]);
}

#[test]
fn a_fixed_batch_of_one_is_the_row_axis() {
    let mut b = Builder::new(Some(1), &[2, 3]);
    let target = b.ints(&[1, 6]);
    let y = b.node("Reshape", &["x", &target]);
    let network = b.network(&y);
    assert_eq!((network.output_shape(), network.row_axis()), (&[6][..], RowAxis::First));

    let mut b = Builder::new(Some(4), &[3]);
    let y = b.node("Relu", &["x"]);
    let graph = b.finish(&y);
    let whole = lower(&graph, &LowerOptions::default()).expect("the whole tensor is one row");
    assert_eq!((whole.input().len(), whole.row_axis()), (12, RowAxis::None));
    let options = LowerOptions { row_axis: Some(RowAxis::First), ..LowerOptions::default() };
    assert_eq!(lower(&graph, &options).expect("rows of 3").input().len(), 3);
}

#[test]
fn nodes_that_mix_rows_are_refused() {
    let refused = |build: &dyn Fn(&mut Builder) -> String| {
        let mut b = Builder::new(None, &[2, 3]);
        let y = build(&mut b);
        b.refusal(&y).to_string()
    };
    let reshape = refused(&|b| {
        let target = b.ints(&[3, -1]);
        b.node("Reshape", &["x", &target])
    });
    assert!(reshape.contains("[3, -1]"), "{reshape}");
    let transpose = refused(&|b| b.node("Transpose", &["x"]));
    assert!(transpose.contains("row axis is not the first"), "{transpose}");
    let moved = refused(&|b| {
        let moved = b.node("Transpose", &["x"]);
        b.node("Relu", &[&moved])
    });
    assert!(moved.contains("row axis is not the first axis of its input"), "{moved}");
    let concat = refused(&|b| b.node_with("Concat", &["x", "x"], &[("axis", Attribute::Int(0))]));
    assert!(concat.contains("join along the row axis"), "{concat}");
    let mean = refused(&|b| b.node_with("ReduceMean", &["x"], &[("axes", list(&[0]))]));
    assert!(mean.contains("reduce the row axis"), "{mean}");
    let slice = refused(&|b| {
        let (from, to) = (b.ints(&[0]), b.ints(&[1]));
        b.node("Slice", &["x", &from, &to])
    });
    assert!(slice.contains("slice the row axis"), "{slice}");
}

#[test]
fn trailing_heads_are_left_off_and_named() {
    let mut b = Builder::new(None, &[3]);
    let h = b.node("Relu", &["x"]);
    let p = b.node("Softmax", &[&h]);
    let y = b.node("ArgMax", &[&p]);
    let network = b.network(&y);
    let heads: Vec<_> = network.heads().iter().map(|head| head.op.as_str()).collect();
    assert_eq!(heads, ["Softmax", "ArgMax"]);
    assert_eq!(network.node(network.output()).op, "Relu");
    // Not at the end, it is refused.
    let mut b = Builder::new(None, &[3]);
    let p = b.node("Softmax", &["x"]);
    let y = b.node("Relu", &[&p]);
    assert!(b.refusal(&y).to_string().contains("only left off where it ends"), "named");
}

#[test]
fn every_unsupported_node_is_listed_and_only_those() {
    let mut b = Builder::new(None, &[3]);
    let a = b.node("Elu", &["x"]);
    let c = b.node("Relu", &[&a]);
    let d = b.node("Frobnicate", &[&c]);
    let e = b.node("Mul", &[&d, "x"]);
    let y = b.node("Relu", &[&e]);
    b.node("Sign", &["x"]); // does not reach the output
    let LowerError::Unsupported { nodes, before } = b.refusal(&y) else { panic!("a list") };
    assert_eq!(before, None, "nothing but the input stands before the first of them");
    let ops: Vec<_> = nodes.iter().map(|node| node.op.as_str()).collect();
    assert_eq!(ops, ["Elu", "Frobnicate", "Mul"]);
}

#[test]
fn the_caller_may_stop_earlier() {
    let mut b = Builder::new(None, &[3]);
    let h = b.node("Relu", &["x"]);
    let y = b.node("Cos", &[&h]);
    let graph = b.finish(&y);
    let stop = |name: &str| {
        let options = LowerOptions { output: Some(name.to_owned()), ..LowerOptions::default() };
        lower(&graph, &options)
    };
    assert_eq!(stop(&h).expect("a tensor").layout().units(), 3);
    assert_eq!(stop(&graph.nodes[0].name).expect("a node").layout().units(), 3);
    assert_eq!(stop("x").expect("the input").layout().units(), 0);
    let Err(LowerError::UnknownOutput { known, .. }) = stop("T1") else { panic!("no such tensor") };
    assert_eq!(known, [h.as_str(), y.as_str()], "the most similar first");
    let refused = lower(&graph, &LowerOptions::default()).expect_err("a smooth node");
    assert!(refused.to_string().contains(&format!("--output {h} stops there")), "{refused}");
}

#[test]
fn unsorted_files_are_sorted_and_broken_ones_named() {
    let mut b = Builder::new(None, &[2]);
    let h = b.node("Relu", &["x"]);
    let y = b.node("Abs", &[&h]);
    let mut graph = b.finish(&y);
    graph.nodes.reverse();
    let network = lower(&graph, &LowerOptions::default()).expect("acyclic");
    let ops: Vec<_> = network.layout().layers().iter().map(|layer| layer.op()).collect();
    assert_eq!(ops, ["Relu", "Abs"]);

    let broken = |change: &dyn Fn(&mut Graph)| {
        let mut graph = graph.clone();
        change(&mut graph);
        lower(&graph, &LowerOptions::default()).expect_err("it is broken")
    };
    let cycle = broken(&|graph| graph.nodes[1].inputs[0].clone_from(&y));
    assert!(matches!(cycle, LowerError::Cycle { .. }), "{cycle}");
    let missing = broken(&|graph| graph.nodes[0].inputs[0] = "gone".to_owned());
    assert!(matches!(missing, LowerError::MissingTensor { .. }), "{missing}");
    let twice = broken(&|graph| {
        let again = GraphNode { name: "again".to_owned(), ..graph.nodes[0].clone() };
        graph.nodes.push(again);
    });
    assert!(matches!(twice, LowerError::DuplicateTensor { .. }), "{twice}");
}

#[test]
fn weights_and_extents_must_be_usable() {
    let mut b = Builder::new(None, &[1]);
    let w = b.floats(&[1, 1], vec![f32::NAN]);
    let y = b.node("MatMul", &["x", &w]);
    assert!(matches!(b.refusal(&y), LowerError::NonFinite { .. }), "a NaN weight");

    let mut b = Builder::new(None, &[1]);
    let zero = b.floats(&[], vec![0.0]);
    let y = b.node("Div", &["x", &zero]);
    assert!(matches!(b.refusal(&y), LowerError::NonFinite { .. }), "division by 0");

    let mut b = Builder::new(None, &[2]);
    b.graph.inputs[0].shape[1] = Axis::Symbol("width".to_owned());
    let y = b.node("Relu", &["x"]);
    assert!(matches!(b.refusal(&y), LowerError::SymbolicAxis { axis: 1, .. }), "a symbolic width");

    let mut b = Builder::new(None, &[2]);
    b.graph.inputs.push(Port { name: "z".to_owned(), shape: Vec::new(), ..Port::default() });
    let y = b.node("Add", &["x", "z"]);
    assert!(matches!(b.refusal(&y), LowerError::ExtraInputs { .. }), "two inputs");
}

#[test]
fn batch_norm_folds_into_the_sum_before_it_only_where_nothing_else_reads_that() {
    let build = |skip: bool| {
        let mut b = Builder::new(None, &[2]);
        let w = b.floats(&[2, 2], vec![1.0, 2.0, 3.0, 4.0]);
        let z = b.node("MatMul", &["x", &w]);
        let parameters: Vec<String> =
            [2.0, 0.5, 1.0, 4.0].iter().map(|&v| b.floats(&[2], vec![v; 2])).collect();
        let mut inputs = vec![z.as_str()];
        inputs.extend(parameters.iter().map(String::as_str));
        let epsilon = [("epsilon", Attribute::Float(0.0))];
        let n = b.node_with("BatchNormalization", &inputs, &epsilon);
        let y = if skip { b.node("Add", &[&n, &z]) } else { n };
        b.network(&y)
    };
    // scale 2 / √4 = 1, shift 0.5 − 1 = −0.5
    let (folded, kept) = (build(false), build(true));
    assert_eq!((folded.nodes().len(), kept.nodes().len()), (2, 4));
    assert_eq!(check_tiers(folded, &[1.0, 1.0], "folded").0, [3.5, 5.5]);
    assert_eq!(check_tiers(kept, &[1.0, 1.0], "kept").0, [7.5, 11.5]);
}

#[test]
fn operands_of_lower_rank_would_broadcast_the_rows() {
    for op in ["Max", "Add"] {
        let mut b = Builder::new(None, &[2, 3]);
        let r = b.node("Relu", &["x"]);
        let attributes = [("axes", list(&[1])), ("keepdims", Attribute::Int(0))];
        let mean = b.node_with("ReduceMean", &["x"], &attributes);
        let y = b.node(op, &[&r, &mean]);
        let message = b.refusal(&y).to_string();
        assert!(message.contains("would broadcast the row axis"), "{op}: {message}");
    }
}

#[test]
fn a_batch_of_one_is_part_of_the_row_where_nodes_do_not_act_alike_on_it() {
    let whole = |build: &dyn Fn(&mut Builder) -> String| {
        let mut b = Builder::new(Some(1), &[1, 3]);
        let y = build(&mut b);
        let network = b.network(&y);
        assert_eq!(network.row_axis(), RowAxis::None);
        check_tiers(network, &[1.0, 2.0, 3.0], "one row").0
    };
    // Without axes, Squeeze removes the batch too, so axis 0 is the three columns.
    let picked = whole(&|b| {
        let squeezed = b.node("Squeeze", &["x"]);
        let last = b.ints(&[2]);
        b.node("Gather", &[&squeezed, &last])
    });
    assert_eq!(picked, [3.0]);
    assert_eq!(whole(&|b| b.node("Transpose", &["x"])), [1.0, 2.0, 3.0]);
    let flat = whole(&|b| {
        let flat = b.ints(&[3]);
        b.node("Reshape", &["x", &flat])
    });
    assert_eq!(flat, [1.0, 2.0, 3.0]);
}

#[test]
fn repeated_axes_and_empty_names_are_harmless() {
    let mut b = Builder::new(None, &[4]);
    let y = b.node_with("ReduceMean", &["x"], &[("axes", list(&[1, -1]))]);
    assert_eq!(check_tiers(b.network(&y), &[1.0, 2.0, 3.0, 6.0], "mean").0, [3.0]);

    let mut b = Builder::new(None, &[1]);
    let high = b.floats(&[], vec![1.0]);
    b.graph.constants.push((String::new(), Tensor::ints(vec![7])));
    let d = b.node("Dropout", &["x"]);
    b.graph.nodes[0].outputs.push(String::new());
    let y = b.node("Clip", &[&d, "", &high]);
    assert_eq!(one_layer(b.network(&y), &LINE).1, [0, 0, 0, 0, 0, 0, 1]);
}

#[test]
fn constants_are_rounded_by_casts_and_folded_through_splines() {
    let cast = |to: i64, value: f32| {
        let mut b = Builder::new(None, &[1]);
        let constant = b.floats(&[1], vec![value]);
        let constant = b.node("Abs", &[&constant]);
        let cast = b.node_with("Cast", &[&constant], &[("to", Attribute::Int(to))]);
        let y = b.node("Sum", &["x", &cast]);
        lower(&b.finish(&y), &LowerOptions::default()).map(|n| {
            assert_eq!(n.layout().units(), 0, "a node on constants has no units");
            check_tiers(n, &[10.0], "sum").0[0]
        })
    };
    assert_eq!((cast(1, -2.5), cast(7, -2.5)), (Ok(12.5), Ok(12.0)));
    for (to, value) in [(10, 1e5), (2, 300.0), (6, 3e9), (0, 1.0)] {
        assert!(cast(to, value).is_err(), "type {to} does not hold {value}, or is not known");
    }
}

#[test]
fn integer_remainders_follow_fmod() {
    for (fmod, expected) in [(0, 2.0), (1, -1.0)] {
        let mut b = Builder::new(None, &[1]);
        let (a, c) = (b.ints(&[-7]), b.ints(&[3]));
        let r = b.node_with("Mod", &[&a, &c], &[("fmod", Attribute::Int(fmod))]);
        let r = b.node_with("Cast", &[&r], &[("to", Attribute::Int(1))]);
        let y = b.node("Add", &["x", &r]);
        assert_eq!(check_tiers(b.network(&y), &[0.0], "mod").0, [expected]);
    }
}

#[test]
fn lanes_past_the_last_cell_do_not_overflow() {
    let mut b = Builder::new(None, &[1, 1]);
    let (w, bias) = (b.floats(&[1, 1, 1], vec![1.0]), b.floats(&[1], vec![-1e10]));
    let z = b.node("Conv", &["x", &w, &bias]);
    // Only a pre-activation of −1e10, which no cell has, would overflow.
    let y = b.node_with("LeakyRelu", &[&z], &[("alpha", Attribute::Float(1e30))]);
    assert_eq!(check_tiers(b.network(&y), &[2e10], "one cell").0, [1e10]);
}

#[test]
fn old_operator_sets_and_integer_inputs_are_refused() {
    let mut b = Builder::new(None, &[1]);
    b.graph.opset = 5;
    let y = b.node("Relu", &["x"]);
    assert!(matches!(b.refusal(&y), LowerError::OldOpset { found: 5 }), "operator set 5");

    let integers = |to: i64| {
        let mut b = Builder::new(None, &[1]);
        b.graph.inputs[0].elements = Some("uint8".to_owned());
        let x = b.node_with("Cast", &["x"], &[("to", Attribute::Int(to))]);
        let y = b.node("Relu", &[&x]);
        lower(&b.finish(&y), &LowerOptions::default())
    };
    assert!(integers(1).is_ok(), "bytes cast to float at once");
    assert!(matches!(integers(7), Err(LowerError::InputType { .. })), "integers stay integers");
}

#[test]
fn sizes_beyond_the_limits_are_refused_before_anything_is_allocated() {
    let huge = 1_000_000_000_000;
    let mut b = Builder::new(None, &[huge]);
    let y = b.node("Relu", &["x"]);
    assert!(matches!(b.refusal(&y), LowerError::InputSize { .. }), "a huge row");

    let refused = |shape: &[usize], build: &dyn Fn(&mut Builder) -> String| {
        let mut b = Builder::new(None, shape);
        let y = build(&mut b);
        let error = b.refusal(&y);
        assert!(matches!(error, LowerError::Unsupported { .. }), "{error}");
    };
    refused(&[1, 4], &|b| {
        let pads = [("kernel_shape", list(&[2])), ("pads", list(&[(1 << 31) - 1; 2]))];
        b.node_with("AveragePool", &["x"], &pads)
    });
    refused(&[1, 4], &|b| {
        let dilations = list(&[6_148_914_691_236_517_205]);
        let attributes = [("kernel_shape", list(&[4])), ("dilations", dilations)];
        b.node_with("MaxPool", &["x"], &attributes)
    });
    refused(&[1, 5], &|b| {
        let w = b.floats(&[1, 1, 2], vec![1.0; 2]);
        b.node_with("ConvTranspose", &["x", &w], &[("strides", list(&[1 << 62]))])
    });
    refused(&[1, (1 << 24) + 3], &|b| b.node("GlobalMaxPool", &["x"]));
    refused(&[1], &|b| {
        let shape = b.ints(&[1 << 20, 1]);
        let tall = b.node("ConstantOfShape", &[&shape]);
        let wide = b.node_with("Transpose", &[&tall], &[("perm", list(&[1, 0]))]);
        let table = b.node("Add", &[&tall, &wide]);
        b.node("Add", &["x", &table])
    });
    refused(&[4], &|b| {
        let mut joined = "x".to_owned();
        for _ in 0..40 {
            let axis = [("axis", Attribute::Int(1))];
            joined = b.node_with("Concat", &[&joined, &joined], &axis);
        }
        joined
    });
    refused(&[4], &|b| {
        let none = b.ints(&[0]);
        let empty = b.node("ConstantOfShape", &[&none]);
        let (from, to, back) = (b.ints(&[-1]), b.ints(&[-9]), b.ints(&[-1]));
        let cut = b.node("Slice", &[&empty, &from, &to, &none, &back]);
        b.node_with("Concat", &["x", &cut], &[("axis", Attribute::Int(0))])
    });
}

#[test]
fn deep_and_doubling_graphs_are_described_in_little_space() {
    let mut b = Builder::new(None, &[1]);
    let mut x = "x".to_owned();
    for _ in 0..60 {
        let minus = b.node("Neg", &[&x]);
        x = b.node("Add", &[&x, &minus]);
    }
    for _ in 0..20_000 {
        x = b.node("Identity", &[&x]);
    }
    let y = b.node("Relu", &[&x]);
    let report = b.network(&y).describe();
    assert!(report.layers[0].affine.chars().count() <= 120, "{}", report.layers[0].affine);
}

#[test]
fn choices_between_constants_are_folded() {
    // Where(shape < 0 or not (shape = 2), 3, shape) = (3, 2): a Reshape to (rows, 3, 2).
    let mut b = Builder::new(None, &[6]);
    let (shape, zero, two) = (b.ints(&[-1, 2]), b.ints(&[0]), b.ints(&[2]));
    let three = b.ints(&[3]);
    let below = b.node("Less", &[&shape, &zero]);
    let same = b.node("Equal", &[&shape, &two]);
    let other = b.node("Not", &[&same]);
    let which = b.node("Or", &[&below, &other]);
    let chosen = b.node("Where", &[&which, &three, &shape]);
    let rows = b.ints(&[0]);
    let target = b.node_with("Concat", &[&rows, &chosen], &[("axis", Attribute::Int(0))]);
    let y = b.node("Reshape", &["x", &target]);
    assert_eq!(b.network(&y).output_shape(), [3, 2]);

    let mut b = Builder::new(None, &[2]);
    let zero = b.floats(&[], vec![0.0]);
    let y = b.node("Greater", &["x", &zero]);
    assert!(b.refusal(&y).to_string().contains("of data it is discontinuous"), "a step");
}

#[test]
fn ranges_are_folded() {
    let mut b = Builder::new(None, &[5]);
    let scalar = |b: &mut Builder, value: i64| {
        let tensor = Tensor::new(Vec::new(), TensorData::I64(vec![value])).expect("a scalar");
        let name = format!("s{value}");
        b.graph.constants.push((name.clone(), tensor));
        name
    };
    let ends = [scalar(&mut b, 4), scalar(&mut b, -1), scalar(&mut b, -2)];
    let index = b.node("Range", &[&ends[0], &ends[1], &ends[2]]);
    let y = b.node_with("Gather", &["x", &index], &[("axis", Attribute::Int(1))]);
    assert_eq!(check_tiers(b.network(&y), &[0.0, 1.0, 2.0, 3.0, 4.0], "range").0, [4.0, 2.0, 0.0]);
}

/// Softshrink as PyTorch's two exporters write it.
fn softshrink(newer: bool) -> Builder {
    let mut b = Builder::new(None, &[1]);
    let lambda = b.floats(&[], vec![0.5]);
    let zero = b.floats(&[], vec![0.0]);
    if newer {
        let size = b.node("Abs", &["x"]);
        let outside = b.node("Greater", &[&size, &lambda]);
        let sign = b.node("Sign", &["x"]);
        let shift = b.node("Mul", &[&sign, &lambda]);
        let moved = b.node("Sub", &["x", &shift]);
        let nothing = b.node("Mul", &["x", &zero]);
        b.node("Where", &[&outside, &moved, &nothing]);
        return b;
    }
    let low = b.floats(&[1], vec![-0.5]);
    let above = b.node("Greater", &["x", &lambda]);
    let down = b.node("Sub", &["x", &lambda]);
    let right = b.node("Where", &[&above, &down, &zero]);
    let below = b.node("Less", &["x", &low]);
    let up = b.node("Add", &["x", &lambda]);
    let left = b.node("Where", &[&below, &up, &zero]);
    b.node("Add", &[&right, &left]);
    b
}

#[test]
fn both_softshrink_patterns_are_one_layer_of_three_pieces() {
    for newer in [false, true] {
        let b = softshrink(newer);
        let last = b.graph.nodes.last().expect("nodes").outputs[0].clone();
        let (values, pieces) = one_layer(b.network(&last), &LINE);
        assert_eq!(values, [-1.5, -0.5, 0.0, 0.0, 0.0, 0.5, 2.5], "newer: {newer}");
        assert_eq!(pieces, [0, 0, 1, 1, 1, 2, 2], "newer: {newer}");
    }
}

#[test]
fn what_only_resembles_a_softshrink_is_refused() {
    for newer in [false, true] {
        let mut b = softshrink(newer);
        // Another knot than shift: it jumps there.
        let other = b.floats(&[], vec![0.25]);
        let compare = b.graph.nodes.iter_mut().find(|node| node.op == "Greater").expect("a node");
        compare.inputs[1] = other;
        let last = b.graph.nodes.last().expect("nodes").outputs[0].clone();
        let error = b.refusal(&last).to_string();
        assert!(error.contains("discontinuous"), "{error}");
    }
}

#[test]
fn shrinks_and_thresholds_are_taken_only_without_a_jump() {
    let lambd = |bias: f32| [("lambd", Attribute::Float(0.5)), ("bias", Attribute::Float(bias))];
    let (values, pieces) = scalar_layer("Shrink", &lambd(0.5), &LINE);
    assert_eq!(values, [-1.5, -0.5, 0.0, 0.0, 0.0, 0.5, 2.5]);
    assert_eq!(pieces, [0, 0, 1, 1, 1, 2, 2]);
    let alpha = |alpha: f32| [("alpha", Attribute::Float(alpha))];
    let (values, _) = scalar_layer("ThresholdedRelu", &alpha(0.0), &LINE);
    assert_eq!(values, [0.0, 0.0, 0.0, 0.0, 0.5, 1.0, 3.0]);
    let refused = [("Shrink", &lambd(0.0)[..]), ("ThresholdedRelu", &alpha(1.0)[..])];
    for (op, attributes) in refused {
        let mut b = Builder::new(None, &[1]);
        let y = b.node_with(op, &["x"], attributes);
        let error = b.refusal(&y).to_string();
        assert!(error.contains("discontinuous"), "{error}");
    }
}

#[test]
fn a_constant_mask_chooses_between_data_and_constants() {
    let mut b = Builder::new(None, &[3]);
    let ones = b.floats(&[3], vec![1.0; 3]);
    let limits = b.floats(&[3], vec![2.0, 0.0, 2.0]);
    let mask = b.node("Less", &[&ones, &limits]);
    let ten = b.floats(&[], vec![10.0]);
    let masked = b.node("Where", &[&mask, &ten, "x"]);
    let twice = b.node("Add", &["x", "x"]);
    let both = b.node("Where", &[&mask, &masked, &twice]);
    let (values, _) = check_tiers(b.network(&both), &[1.0, 2.0, 3.0], "where");
    assert_eq!(values, [10.0, 4.0, 10.0]);
}

#[test]
fn rows_may_be_moved_around_a_gather_of_places() {
    // (n, 2, 3) to (3, n, 2), its places 2 and 0, and back: (n, 2, 2).
    let mut b = Builder::new(None, &[2, 3]);
    let away = b.node_with("Transpose", &["x"], &[("perm", list(&[2, 0, 1]))]);
    let index = Tensor::new(vec![2, 1], TensorData::I64(vec![2, -3])).expect("a tensor");
    b.graph.constants.push(("index".to_owned(), index));
    let picked = b.node("GatherND", &[&away, "index"]);
    let back = b.node_with("Transpose", &[&picked], &[("perm", list(&[1, 2, 0]))]);
    let rows: Vec<f32> = (0..12).map(|i| i as f32).collect();
    let (values, _) = check_tiers(b.network(&back), &rows, "gather");
    assert_eq!(values, [2.0, 0.0, 5.0, 3.0, 8.0, 6.0, 11.0, 9.0]);
}

#[test]
fn a_scaler_in_front_shifts_and_scales_each_feature() {
    let mut b = Builder::new(None, &[2]);
    let floats = |values: &[f32]| Attribute::Floats(values.to_vec());
    let attributes = [("offset", floats(&[1.0, 2.0])), ("scale", floats(&[10.0]))];
    let y = b.node_with("Scaler", &["x"], &attributes);
    b.graph.nodes[0].domain = "ai.onnx.ml".to_owned();
    let (values, _) = check_tiers(b.network(&y), &[3.0, 5.0], "scaler");
    assert_eq!(values, [20.0, 30.0]);
}

#[test]
fn labels_and_what_dresses_them_are_left_off() {
    // sklearn's binary classifier: 1 − p and p joined, the larger one's class.
    let mut b = Builder::new(None, &[3]);
    let h = b.node("Relu", &["x"]);
    let p = b.node("Sigmoid", &[&h]);
    let one = b.floats(&[], vec![1.0]);
    let rest = b.node("Sub", &[&one, &p]);
    let both = b.node_with("Concat", &[&rest, &p], &[("axis", Attribute::Int(1))]);
    let place = b.node("ArgMax", &[&both]);
    b.graph.unread.push(("classes".to_owned(), "strings".to_owned()));
    let label = b.node("ArrayFeatureExtractor", &["classes", &place]);
    b.graph.nodes.last_mut().expect("a node").domain = "ai.onnx.ml".to_owned();
    let shape = b.ints(&[-1]);
    let flat = b.node("Reshape", &[&label, &shape]);
    let network = b.network(&flat);
    let ops: Vec<_> = network.heads().iter().map(|head| head.op.as_str()).collect();
    assert_eq!(ops, ["Sigmoid", "Concat", "ArgMax", "ArrayFeatureExtractor", "Reshape"]);
    assert_eq!(network.output_shape(), [3]);

    // What a live node reads must have been read.
    let mut b = Builder::new(None, &[3]);
    b.graph.unread.push(("bias".to_owned(), "its type is not supported".to_owned()));
    let y = b.node("Add", &["x", "bias"]);
    let error = b.refusal(&y).to_string();
    assert!(error.contains("\"bias\": its type is not supported"), "{error}");
}

/// Folds `op` over constants and adds what it gives to three zeros.
fn folded(build: &dyn Fn(&mut Builder) -> String) -> Vec<f32> {
    let mut b = Builder::new(None, &[3]);
    let constant = build(&mut b);
    let y = b.node("Add", &["x", &constant]);
    let network = b.network(&y);
    assert_eq!(network.layout().units(), 0, "a node on constants has no units");
    check_tiers(network, &[0.0; 3], "folded").0
}

#[test]
fn any_operator_of_constants_is_folded() {
    let unary = |op: &str, values: [f32; 3]| {
        folded(&|b| {
            let constant = b.floats(&[3], values.to_vec());
            b.node(op, &[&constant])
        })
    };
    assert_eq!(unary("Sqrt", [4.0, 9.0, 0.25]), [2.0, 3.0, 0.5]);
    assert_eq!(unary("Reciprocal", [4.0, -2.0, 0.5]), [0.25, -0.5, 2.0]);
    assert_eq!(unary("Exp", [0.0; 3]), [1.0; 3]);
    assert_eq!(unary("Log", [1.0; 3]), [0.0; 3]);
    assert_eq!(unary("Tanh", [0.0; 3]), [0.0; 3]);
    assert_eq!(unary("Sigmoid", [0.0; 3]), [0.5; 3]);
    assert_eq!(unary("Sign", [-3.0, 0.0, 0.5]), [-1.0, 0.0, 1.0]);
    assert_eq!(unary("Round", [0.5, 1.5, -2.5]), [0.0, 2.0, -2.0]);
    assert_eq!(unary("Floor", [0.5, -0.5, 3.0]), [0.0, -1.0, 3.0]);
    assert_eq!(unary("Ceil", [0.5, -0.5, 3.0]), [1.0, 0.0, 3.0]);
    assert_eq!(unary("Relu", [-1.0, 0.0, 2.0]), [0.0, 0.0, 2.0]);
    assert_eq!(unary("HardSigmoid", [-9.0, 0.0, 9.0]), [0.0, 0.5, 1.0]);
    assert_eq!(unary("Mean", [1.0, 2.0, 3.0]), [1.0, 2.0, 3.0]);
    let reduced = |op: &str| {
        folded(&|b| {
            let constant = b.floats(&[3, 2], vec![1.0, 2.0, 3.0, 4.0, 5.0, 7.0]);
            let attributes = [("axes", list(&[1])), ("keepdims", Attribute::Int(0))];
            b.node_with(op, &[&constant], &attributes)
        })
    };
    assert_eq!(reduced("ReduceSum"), [3.0, 7.0, 12.0]);
    assert_eq!(reduced("ReduceMean"), [1.5, 3.5, 6.0]);
    assert_eq!(reduced("ReduceMax"), [2.0, 4.0, 7.0]);
    assert_eq!(reduced("ReduceMin"), [1.0, 3.0, 5.0]);
    assert_eq!(reduced("ReduceProd"), [2.0, 12.0, 35.0]);
    let products = |op: &str| {
        folded(&|b| {
            let left = b.floats(&[1, 2], vec![1.0, 2.0]);
            let right = b.floats(&[2, 3], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
            b.node(op, &[&left, &right])
        })
    };
    assert_eq!(products("MatMul"), [9.0, 12.0, 15.0]);
    assert_eq!(products("Gemm"), [9.0, 12.0, 15.0]);
    let clipped = folded(&|b| {
        let (constant, low) = (b.floats(&[3], vec![-1.0, 0.5, 2.0]), b.floats(&[], vec![0.0]));
        let clipped = b.node("Clip", &[&constant, &low]);
        let power = b.floats(&[], vec![2.0]);
        b.node("Pow", &[&clipped, &power])
    });
    assert_eq!(clipped, [0.0, 0.25, 4.0]);
    let convolved = folded(&|b| {
        let image = b.floats(&[1, 1, 4], vec![1.0, 2.0, 3.0, 4.0]);
        let kernel = b.floats(&[1, 1, 2], vec![1.0, -1.0]);
        let sums = b.node("Conv", &[&image, &kernel]);
        let flat = b.node("Squeeze", &[&sums]);
        b.node_with("CastLike", &[&flat, &kernel], &[])
    });
    assert_eq!(convolved, [-1.0; 3]);
}

#[test]
fn folded_integers_stay_integers() {
    // A shape of (rows, Size / Max(rows of the table)), as a Reshape needs it.
    let mut b = Builder::new(None, &[2, 3]);
    let shape = b.node_with("Shape", &["x"], &[("start", Attribute::Int(1))]);
    let product = b.node("ReduceProd", &[&shape]);
    let rows = b.ints(&[0]);
    let target = b.node_with("Concat", &[&rows, &product], &[("axis", Attribute::Int(0))]);
    let y = b.node("Reshape", &["x", &target]);
    assert_eq!(b.network(&y).output_shape(), [6]);

    let mut b = Builder::new(None, &[6]);
    let table = b.floats(&[2, 3], vec![0.0; 6]);
    let size = b.node("Size", &[&table]);
    let (two, one) = (b.ints(&[2]), b.ints(&[1]));
    let half = b.node("Div", &[&size, &two]);
    let least = b.node("Max", &[&half, &one]);
    let rows = b.ints(&[0, -1]);
    let target = b.node_with("Concat", &[&rows, &least], &[("axis", Attribute::Int(0))]);
    let y = b.node("Reshape", &["x", &target]);
    assert_eq!(b.network(&y).output_shape(), [2, 3]);
}

#[test]
fn constants_that_are_not_folded_are_not_called_smooth() {
    for op in ["Erf", "Softmax", "ArgMax"] {
        let mut b = Builder::new(None, &[3]);
        let constant = b.floats(&[3], vec![1.0; 3]);
        let folded = b.node(op, &[&constant]);
        let y = b.node("Add", &["x", &folded]);
        let error = b.refusal(&y).to_string();
        assert!(error.contains("of constants it is not folded"), "{error}");
    }
}

#[test]
fn a_nearest_cell_is_behind_on_axes_that_shrink_before_operator_set_11() {
    let resize = |opset: i64, scales: &[f32]| {
        let mut b = Builder::new(None, &[1, 2, 4]);
        b.graph.opset = opset;
        let scales = b.floats(&[4], scales.to_vec());
        let y = match opset {
            10 => b.node("Resize", &["x", &scales]),
            7..10 => b.node("Upsample", &["x", &scales]),
            _ => b.node("Resize", &["x", "", &scales]),
        };
        let rows: Vec<f32> = (1..9).map(|i| i as f32).collect();
        check_tiers(b.network(&y), &rows, "resize").0
    };
    // ONNX Runtime and the onnx package's cases of operator set 10.
    assert_eq!(resize(10, &[1.0, 1.0, 0.6, 0.6]), [1.0, 3.0]);
    assert_eq!(resize(10, &[1.0, 1.0, 1.0, 1.5]), [1., 1., 2., 3., 3., 4., 5., 5., 6., 7., 7., 8.]);
    assert_eq!(resize(9, &[1.0, 1.0, 1.0, 1.5]), [1., 1., 2., 3., 3., 4., 5., 5., 6., 7., 7., 8.]);
    assert_eq!(resize(11, &[1.0, 1.0, 0.6, 0.6]), [1.0, 3.0]);
}

#[test]
fn sizes_of_a_resize_may_name_the_rows() {
    for opset in [11, 13, 18] {
        // F.interpolate(size=(4, 4)) with a symbolic batch.
        let mut b = Builder::new(None, &[1, 2, 2]);
        b.graph.opset = opset;
        let shape = b.node("Shape", &["x"]);
        let (zero, two, plane) = (b.ints(&[0]), b.ints(&[2]), b.ints(&[4, 4]));
        let front = b.node("Slice", &[&shape, &zero, &two, &zero]);
        let sizes = b.node_with("Concat", &[&front, &plane], &[("axis", Attribute::Int(0))]);
        let y = b.node("Resize", &["x", "", "", &sizes]);
        assert_eq!(b.network(&y).output_shape(), [1, 4, 4]);

        // F.interpolate(scale_factor=2), computed in floating point.
        let mut b = Builder::new(None, &[1, 2, 2]);
        b.graph.opset = opset;
        let shape = b.node("Shape", &["x"]);
        let (zero, two, four) = (b.ints(&[0]), b.ints(&[2]), b.ints(&[4]));
        let plane = b.node("Slice", &[&shape, &two, &four, &zero]);
        let plane = b.node_with("Cast", &[&plane], &[("to", Attribute::Int(1))]);
        let factor = b.floats(&[], vec![2.0]);
        let plane = b.node("Mul", &[&plane, &factor]);
        let plane = b.node("Floor", &[&plane]);
        let plane = b.node_with("Cast", &[&plane], &[("to", Attribute::Int(7))]);
        let front = b.node("Slice", &[&shape, &zero, &two, &zero]);
        let sizes = b.node_with("Concat", &[&front, &plane], &[("axis", Attribute::Int(0))]);
        let y = b.node("Resize", &["x", "", "", &sizes]);
        assert_eq!(b.network(&y).output_shape(), [1, 4, 4]);
    }
}

#[test]
fn a_fixed_extent_of_the_row_axis_leaves_it_as_it_is() {
    let rows = |build: &dyn Fn(&mut Builder) -> String| {
        let mut b = Builder::new(Some(4), &[1, 3]);
        let y = build(&mut b);
        let graph = b.finish(&y);
        let options = LowerOptions { row_axis: Some(RowAxis::First), ..LowerOptions::default() };
        lower(&graph, &options).map(|network| network.output_shape().to_vec())
    };
    let resized = |sizes: [i64; 3]| {
        rows(&|b| {
            let sizes = b.ints(&sizes);
            b.node("Resize", &["x", "", "", &sizes])
        })
    };
    assert_eq!(resized([4, 1, 6]).expect("rows stay"), [1, 6]);
    assert!(resized([8, 1, 6]).is_err(), "rows would double");
    let sliced = |from: i64, to: i64| {
        rows(&|b| {
            let (from, to) = (b.ints(&[from, 0]), b.ints(&[to, 1]));
            b.node("Slice", &["x", &from, &to])
        })
    };
    for (from, to) in [(0, 4), (0, 100), (-4, 4), (0, i64::MAX)] {
        assert_eq!(sliced(from, to).expect("rows stay"), [1, 3], "{from}..{to}");
    }
    for (from, to) in [(0, 3), (1, 4), (0, -1)] {
        assert!(sliced(from, to).is_err(), "{from}..{to} leaves rows out");
    }
}

#[test]
fn casts_of_data_between_floating_point_types_keep_the_numbers() {
    for to in [1, 10, 11, 16] {
        let mut b = Builder::new(None, &[1]);
        let cast = b.node_with("Cast", &["x"], &[("to", Attribute::Int(to))]);
        let y = b.node("Relu", &[&cast]);
        assert_eq!(check_tiers(b.network(&y), &[0.1, -1.0], "cast").0, [0.1, 0.0]);
    }
    for to in [2, 6, 7, 9] {
        let mut b = Builder::new(None, &[1]);
        let y = b.node_with("Cast", &["x"], &[("to", Attribute::Int(to))]);
        assert!(b.refusal(&y).to_string().contains("rounds it"), "type {to}");
    }
}

#[test]
fn half_precision_constants_are_rounded_to_the_nearest_and_then_the_even_one() {
    let halved = |to: i64, values: [f32; 3]| {
        folded(&|b| {
            let constant = b.floats(&[3], values.to_vec());
            b.node_with("Cast", &[&constant], &[("to", Attribute::Int(to))])
        })
    };
    assert_eq!(halved(10, [0.1, 2049.0, 2051.0]), [0.099_975_586, 2048.0, 2052.0]);
    // The least number of half precision, half of it, and a little more than that.
    let least = 2f32.powi(-24);
    assert_eq!(halved(10, [least, least / 2.0, least * 0.51]), [least, 0.0, least]);
    assert_eq!(halved(16, [0.1, 257.0, 259.0]), [0.100_097_656, 256.0, 260.0]);
}

#[test]
fn a_gemm_adds_a_branch_or_has_its_constant_on_the_left() {
    let mut b = Builder::new(None, &[2]);
    let w = b.floats(&[2, 2], vec![1.0, 2.0, 3.0, 4.0]);
    let r = b.node("Relu", &["x"]);
    let y = b.node_with("Gemm", &["x", &w, &r], &[("beta", Attribute::Float(-2.0))]);
    let (values, _) = check_tiers(b.network(&y), &[1.0, -1.0], "branch");
    assert_eq!(values, [1.0 - 3.0 - 2.0, 2.0 - 4.0]);

    for transposed in [0, 1] {
        let mut b = Builder::new(Some(2), &[3]);
        let a = b.floats(
            &[2, 2],
            if transposed == 1 { vec![1.0, 3.0, 2.0, 4.0] } else { vec![1.0, 2.0, 3.0, 4.0] },
        );
        let c = b.floats(&[2, 1], vec![10.0, 20.0]);
        let y = b.node_with("Gemm", &[&a, "x", &c], &[("transA", Attribute::Int(transposed))]);
        let rows = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let (values, _) = check_tiers(b.network(&y), &rows, "left");
        assert_eq!(values, [19.0, 22.0, 25.0, 39.0, 46.0, 53.0], "transA {transposed}");
    }
}

#[test]
fn vectors_and_stacks_multiply_from_the_left() {
    let mut b = Builder::new(None, &[2, 3]);
    let v = b.floats(&[2], vec![1.0, 10.0]);
    let y = b.node("MatMul", &[&v, "x"]);
    let rows = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    assert_eq!(check_tiers(b.network(&y), &rows, "vector").0, [41.0, 52.0, 63.0]);

    // Two matrices of 1 by 2, each on its own two rows of three.
    let mut b = Builder::new(None, &[2, 2, 3]);
    let s = b.floats(&[1, 2, 1, 2], vec![1.0, 10.0, 1.0, -1.0]);
    let y = b.node("MatMul", &[&s, "x"]);
    let rows: Vec<f32> = (1..13).map(|i| i as f32).collect();
    assert_eq!(check_tiers(b.network(&y), &rows, "stack").0, [41.0, 52.0, 63.0, -3.0, -3.0, -3.0]);

    let mut b = Builder::new(Some(3), &[]);
    let m = b.floats(&[2, 3], rows[..6].to_vec());
    let y = b.node("MatMul", &[&m, "x"]);
    assert_eq!(check_tiers(b.network(&y), &[1.0, 0.0, -1.0], "vector data").0, [-2.0, -2.0]);
}

#[test]
fn an_infinity_that_never_wins_keeps_its_piece() {
    for (op, infinity) in [("Max", f32::NEG_INFINITY), ("Min", f32::INFINITY)] {
        let build = |infinity: f32| {
            let mut b = Builder::new(None, &[1]);
            let never = b.floats(&[], vec![infinity]);
            let y = b.node(op, &["x", &never]);
            (b, y)
        };
        let (b, y) = build(infinity);
        assert_eq!(one_layer(b.network(&y), &LINE), (LINE.to_vec(), vec![0; 7]), "{op}");
        let (b, y) = build(-infinity);
        assert!(b.refusal(&y).to_string().contains("always wins"), "{op}");
    }
}

#[test]
fn discontinuous_patterns_are_refused_by_name() {
    let refused = |build: &dyn Fn(&mut Builder) -> String| {
        let mut b = Builder::new(None, &[2]);
        let y = build(&mut b);
        let LowerError::Unsupported { nodes, before } = b.refusal(&y) else { panic!("a list") };
        assert_eq!((nodes.len(), before), (1, None), "{nodes:?}");
        (nodes[0].op.clone(), nodes[0].why.clone())
    };
    // Hardshrink, as the newer and the older exporter write it; Threshold.
    let choices: [&dyn Fn(&mut Builder) -> String; 3] = [
        &|b| {
            let (knot, zero) = (b.floats(&[], vec![0.5]), b.floats(&[], vec![0.0]));
            let size = b.node("Abs", &["x"]);
            let inside = b.node("LessOrEqual", &[&size, &knot]);
            b.node("Where", &[&inside, &zero, "x"])
        },
        &|b| {
            let (low, high) = (b.floats(&[], vec![-0.5]), b.floats(&[], vec![0.5]));
            let zero = b.floats(&[], vec![0.0]);
            let (below, above) = (b.node("Less", &["x", &low]), b.node("Greater", &["x", &high]));
            let outside = b.node("Or", &[&below, &above]);
            let outside = b.node_with("Cast", &[&outside], &[("to", Attribute::Int(9))]);
            b.node("Where", &[&outside, "x", &zero])
        },
        &|b| {
            let (knot, value) = (b.floats(&[], vec![0.5]), b.floats(&[], vec![20.0]));
            let above = b.node("Greater", &["x", &knot]);
            b.node("Where", &[&above, "x", &value])
        },
    ];
    for build in choices {
        let mut b = Builder::new(None, &[2]);
        let y = build(&mut b);
        let LowerError::Unsupported { nodes, .. } = b.refusal(&y) else { panic!("a list") };
        let [node] = &nodes[..] else { panic!("{nodes:?}") };
        assert_eq!(node.op, "Where");
        assert!(node.why.contains("as Hardshrink and Threshold do"), "{}", node.why);
        assert!(node.why.contains("discontinuous"), "{}", node.why);
    }
    for op in ["Sign", "Floor", "Ceil", "Round", "ThresholdedRelu"] {
        let (named, why) = refused(&|b| b.node(op, &["x"]));
        assert!(named == op && why.contains("discontinuous"), "{op}: {why}");
    }
    let (_, why) = refused(&|b| {
        let zero = b.floats(&[], vec![0.0]);
        let above = b.node("Greater", &["x", &zero]);
        let number = b.node_with("Cast", &[&above], &[("to", Attribute::Int(1))]);
        b.node("Mul", &[&number, &zero])
    });
    assert!(why.contains("a comparison of data, which is discontinuous"), "{why}");
}

#[test]
fn the_hint_names_only_tensors_at_which_the_network_can_stop() {
    let mut b = Builder::new(None, &[2, 3]);
    let moved = b.node("Transpose", &["x"]);
    let y = b.node("Relu", &[&moved]);
    let error = b.refusal(&y);
    assert!(matches!(&error, LowerError::Unsupported { before: None, .. }), "{error}");
    assert!(error.to_string().contains("export the model without"), "{error}");

    let mut b = Builder::new(None, &[2, 3]);
    let kept = b.node("Relu", &["x"]);
    let moved = b.node("Transpose", &[&kept]);
    let y = b.node("Relu", &[&moved]);
    assert!(b.refusal(&y).to_string().contains(&format!("--output {kept} stops there")), "kept");
}

#[test]
fn extents_that_count_the_rows_are_named() {
    let refused = |build: &dyn Fn(&mut Builder, &str) -> String| {
        let mut b = Builder::new(None, &[3]);
        let shape = b.node("Shape", &["x"]);
        let made = build(&mut b, &shape);
        let y = b.node("Add", &["x", &made]);
        let error = b.refusal(&y).to_string();
        assert!(error.contains("the number of rows"), "{error}");
    };
    refused(&|b, shape| b.node("ConstantOfShape", &[shape]));
    refused(&|b, shape| {
        let row = b.floats(&[1, 3], vec![1.0; 3]);
        b.node("Tile", &[&row, shape])
    });
    refused(&|b, shape| {
        let row = b.floats(&[1, 3], vec![1.0; 3]);
        b.node("Expand", &[&row, shape])
    });
}

#[test]
fn maps_of_all_nodes_share_one_allowance() {
    let chain = |transposes: usize| {
        let mut b = Builder::new(None, &[1]);
        b.graph.inputs[0].shape[1] = Axis::Fixed(1);
        let shape = b.ints(&[1, 1024, 1024]);
        let mut y = b.node_with("Unsqueeze", &["x"], &[("axes", list(&[1]))]);
        y = b.node("Expand", &[&y, &shape]);
        for _ in 0..transposes {
            y = b.node_with("Transpose", &[&y], &[("perm", list(&[0, 2, 1]))]);
        }
        lower(&b.finish(&y), &LowerOptions::default())
    };
    assert!(chain(4).is_ok(), "a few transposes");
    let error = chain(100).expect_err("too many").to_string();
    assert!(error.contains("MiB") && error.contains("smaller input"), "{error}");
}

#[test]
fn tensors_of_too_many_axes_are_refused() {
    let mut b = Builder::new(None, &[2]);
    let axes = b.ints(&[1 << 16]);
    let ones = Tensor::new(vec![1], TensorData::I64(vec![1])).expect("a tensor");
    let shape = b.node_with("ConstantOfShape", &[&axes], &[("value", Attribute::Tensor(ones))]);
    let rows = b.ints(&[0, 2]);
    let shape = b.node_with("Concat", &[&rows, &shape], &[("axis", Attribute::Int(0))]);
    let y = b.node("Reshape", &["x", &shape]);
    let y = b.node("Transpose", &[&y]);
    assert!(b.refusal(&y).to_string().contains("more than 64 axes"), "axes");
}

#[test]
fn empty_constants_of_huge_extents_are_harmless() {
    let mut b = Builder::new(None, &[3]);
    let shape = b.ints(&[1 << 40, 1 << 40, 0]);
    let empty = b.node("ConstantOfShape", &[&shape]);
    let turned = b.node("Transpose", &[&empty]);
    let less = b.node("Less", &[&turned, &turned]);
    let y = b.node("Where", &[&less, "x", "x"]);
    b.refusal(&y);
}

#[test]
fn what_no_data_goes_through_is_named_behind_another_such_node() {
    let mut b = Builder::new(None, &[3]);
    let two = b.floats(&[], vec![2.0]);
    let mut y = b.node("Cos", &["x"]);
    for op in ["Exp", "Sign", "Relu"] {
        y = b.node(op, &[&y]);
    }
    let power = b.node("Pow", &[&y, &two]);
    let y = b.node("ReduceProd", &[&power]);
    let LowerError::Unsupported { nodes, .. } = b.refusal(&y) else { panic!("a list") };
    let ops: Vec<_> = nodes.iter().map(|node| node.op.as_str()).collect();
    assert_eq!(ops, ["Cos", "Exp", "Sign", "Pow", "ReduceProd"]);
}
