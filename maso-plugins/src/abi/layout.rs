//! Sizes and offsets of the structs, asserted at compile time where a pointer has 64 bits. `tests/layout.rs`
//! compares them with what a C compiler makes of the header.
#![cfg(target_pointer_width = "64")]

use super::{Block, Host, Kind, Math, Parameter, PluginTable, Spline, Str};
use std::mem::{offset_of, size_of};

/// Asserts a struct's size and the offsets of its fields.
macro_rules! layout {
    ($type:ty, $size:literal: $($field:ident $offset:literal),+) => {
        const _: () = assert!(size_of::<$type>() == $size, "size of a struct");
        $(const _: () = assert!(offset_of!($type, $field) == $offset, "offset of a field");)+
    };
}

layout!(Str, 16: data 0, length 8);
layout!(Math, 56: struct_size 0, abi_minor 4, exp_f32 8, sigmoid_f32 16, tanh_f32 24, exp_f64 32,
    sigmoid_f64 40, tanh_f64 48);
layout!(Host, 32: struct_size 0, abi_minor 4, context 8, set_error 16, math 24);
layout!(Spline, 56: struct_size 0, abi_minor 4, pieces 8, slopes 16, offsets 24, knots 32, rule 40,
    reserved 44, beta 48);
layout!(Block<f32>, 96: struct_size 0, abi_minor 4, lines 8, length 16, input 24, input_stride 32,
    value 40, value_stride 48, derivative 56, derivative_stride 64, membership 72,
    membership_line_stride 80, membership_piece_stride 88);
layout!(Block<f64>, 96: struct_size 0, abi_minor 4, lines 8, length 16, input 24, input_stride 32,
    value 40, value_stride 48, derivative 56, derivative_stride 64, membership 72,
    membership_line_stride 80, membership_piece_stride 88);
layout!(Parameter, 64: struct_size 0, abi_minor 4, name 8, description 24, default_value 40, minimum 48,
    maximum 56);
layout!(Kind, 104: struct_size 0, abi_minor 4, name 8, description 24, flags 40, parameter_count 48,
    parameter 56, create 64, destroy 72, spline 80, soft_f32 88, soft_f64 96);
layout!(PluginTable, 88: struct_size 0, abi_minor 4, name 8, version 24, description 40, licence 56,
    kind_count 72, kind 80);
