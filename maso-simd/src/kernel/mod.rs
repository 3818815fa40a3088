//! The kernels, written once: generic over a vector type and the block shape.

mod affine;
mod combine;
mod double;
mod extreme;
mod forms;
mod gaps;
mod gate;
mod movement;
mod norms;
mod peak;
mod product;
mod reader;
mod second_pass;
mod soft;
mod soft_pool;
mod spans;
mod spline;
mod transcendental;
mod vector;
mod watch;
mod window_extreme;
mod windows;

pub(crate) use affine::affine;
pub(crate) use combine::combine;
pub(crate) use double::{double, double_extreme, double_spline};
pub(crate) use extreme::extreme;
pub(crate) use forms::{
    add_column, add_column_to, form_signs, largest_forms, sum_forms, sum_forms_twice_as_well,
};
pub(crate) use gate::{gate, pick, put_back};
pub(crate) use movement::{codes, finite, from_lanes, to_lanes};
pub(crate) use norms::norms;
pub(crate) use peak::peak;
pub(crate) use product::product;
pub(crate) use second_pass::second_pass;
pub(crate) use soft_pool::{soft_extreme, soft_window_extreme};
pub(crate) use spans::{occupied_lanes, occupied_row};
pub(crate) use transcendental::map;
pub(crate) use vector::{Double, Lanes, Vector};
pub(crate) use window_extreme::window_extreme;
pub(crate) use windows::windows;

/// A function that runs its body with the tier's instructions enabled.
macro_rules! within {
    ($features:literal, |$($name:ident: $type:ty),*| -> $result:ty { $($body:tt)* }) => {
        |$($name: $type),*| -> $result {
            #[target_feature(enable = $features)]
            fn run($($name: $type),*) -> $result {
                $($body)*
            }
            // SAFETY: the processor has the features (see the file's head).
            unsafe { run($($name),*) }
        }
    };
}
pub(crate) use within;

/// The same for a kernel that keeps margins on request: with and without them it is a function of its own, so that what
/// one needs does not crowd the other's registers.
macro_rules! gauged {
    ($features:literal, |$($name:ident: $type:ty),*| -> $result:ty, $kernel:expr) => {
        |$($name: $type,)* gauge: Option<&mut $crate::Gauge<'_>>| -> $result {
            #[target_feature(enable = $features)]
            fn plain($($name: $type),*) -> $result {
                $kernel($($name,)* None)
            }
            #[target_feature(enable = $features)]
            fn measured($($name: $type,)* gauge: &mut $crate::Gauge<'_>) -> $result {
                $kernel($($name,)* Some(gauge))
            }
            match gauge {
                // SAFETY: the processor has the features (see the file's head).
                None => unsafe { plain($($name),*) },
                // SAFETY: as above.
                Some(gauge) => unsafe { measured($($name,)* gauge) },
            }
        }
    };
}
pub(crate) use gauged;

/// One tier's table of kernels: each text compiled for a vector type and block shapes.
macro_rules! tier_kernels {
    ($tier:expr, vector: $vector:ty, double: $double:ty, features: $features:literal,
     panel: ($rows:literal, $registers:literal, $pair:literal), windows: $window_registers:literal,
     product: ($product_rows:literal, $product_registers:literal)) => {
        pub(crate) static KERNELS: $crate::Kernels = $crate::Kernels {
            tier: $tier,
            affine: $crate::kernel::gauged!(
                $features,
                |block: &$crate::AffineBlock<'_>, out: &mut [f32], ldo: usize, fields: &mut [u64]| -> bool,
                $crate::kernel::affine::<$vector, $rows, $registers, $pair>
            ),
            combine: $crate::kernel::gauged!(
                $features,
                |sum: &$crate::Combine<'_>, out: &mut [f32], fields: &mut [u64]| -> bool,
                $crate::kernel::combine::<$vector>
            ),
            extreme: $crate::kernel::gauged!(
                $features,
                |block: &$crate::ExtremeBlock<'_>,
                 out: &mut [f32; $crate::PANEL],
                 winner: &mut [u32; $crate::PANEL]| -> (),
                $crate::kernel::extreme::<$vector>
            ),
            map: $crate::kernel::within!($features, |function: $crate::soft::Function,
                                                     x: &[f32],
                                                     y: &mut [f32]|
             -> () {
                $crate::kernel::map::<$vector>(function, x, y)
            }),
            second_pass: $crate::kernel::gauged!(
                $features,
                |row: &$crate::second_pass::SplineRow<'_>,
                 numbers: &mut [f32],
                 bits: &mut [[u32; 2]]| -> bool,
                $crate::kernel::second_pass::<$vector>
            ),
            soft_extreme: $crate::kernel::gauged!(
                $features,
                |block: &$crate::ExtremeBlock<'_>,
                 pool: &$crate::SoftPool<'_>,
                 out: &mut [f32; $crate::PANEL],
                 winner: &mut [u32; $crate::PANEL]| -> (),
                $crate::kernel::soft_extreme::<$vector>
            ),
            soft_window_extreme: $crate::kernel::gauged!(
                $features,
                |block: &$crate::WindowExtreme<'_>,
                 pool: &$crate::SoftPool<'_>,
                 out: &mut [f32],
                 planes: &mut [u32]| -> (),
                $crate::kernel::soft_window_extreme::<$vector>
            ),
            windows: $crate::kernel::gauged!(
                $features,
                |block: &$crate::WindowBlock<'_>, out: &mut [f32], planes: &mut [u32]| -> bool,
                $crate::kernel::windows::<$vector, $window_registers>
            ),
            window_extreme: $crate::kernel::gauged!(
                $features,
                |block: &$crate::WindowExtreme<'_>, out: &mut [f32], planes: &mut [u32]| -> (),
                $crate::kernel::window_extreme::<$vector>
            ),
            double: $crate::kernel::within!($features, |block: &$crate::DoubleBlock<'_>,
                                                        out: &mut [$crate::DoubleLanes]|
             -> () {
                $crate::kernel::double::<$double, $window_registers>(block, out)
            }),
            double_spline: $crate::kernel::within!(
                $features,
                |spline: &$crate::DoubleSpline<'_>,
                 measure: &$crate::DoubleMeasure<'_>,
                 numbers: &mut [$crate::DoubleLanes],
                 planes: &mut [u32],
                 kept: &mut $crate::DoubleMargins|
                 -> () {
                    $crate::kernel::double_spline::<$double>(spline, measure, numbers, planes, kept)
                }
            ),
            double_extreme: $crate::kernel::within!(
                $features,
                |block: &$crate::DoubleExtreme<'_>,
                 measure: &$crate::DoubleMeasure<'_>,
                 out: &mut $crate::DoubleLanes,
                 planes: &mut [u32],
                 kept: &mut $crate::DoubleMargins|
                 -> () {
                    $crate::kernel::double_extreme::<$double>(block, measure, out, planes, kept)
                }
            ),
            product: $crate::kernel::within!($features, |block: &$crate::Product<'_, f32>,
                                                         out: &mut [f32],
                                                         ldo: usize|
             -> () {
                $crate::kernel::product::<$vector, $product_rows, $product_registers>(
                    block, out, ldo,
                )
            }),
            double_product: $crate::kernel::within!($features, |block: &$crate::Product<
                '_,
                f64,
            >,
                                                                out: &mut [f64],
                                                                ldo: usize|
             -> () {
                $crate::kernel::product::<$double, $product_rows, $product_registers>(
                    block, out, ldo,
                )
            }),
            form_signs: $crate::kernel::within!($features, |block: &$crate::FormBlock<'_>,
                                                            at: [f64; 2],
                                                            limit: f64,
                                                            above: &mut [u64],
                                                            near: &mut [u64]|
             -> () {
                $crate::kernel::form_signs::<$double>(block, at, limit, above, near)
            }),
            add_column: $crate::kernel::within!($features, |block: &$crate::FormBlock<'_>,
                                                            column: $crate::Weights<'_>,
                                                            step: [f64; 3],
                                                            to: &mut [f64]|
             -> () {
                $crate::kernel::add_column::<$double>(block, column, step, to)
            }),
            add_column_to: $crate::kernel::within!($features, |numbers: &mut [f64],
                                                               column: $crate::Weights<'_>,
                                                               step: [f64; 3]|
             -> () {
                $crate::kernel::add_column_to::<$double>(numbers, column, step)
            }),
            largest_forms: $crate::kernel::within!($features, |block: &$crate::FormBlock<'_>,
                                                               reach: [f64; 2]|
             -> [f64; 2] {
                $crate::kernel::largest_forms::<$double>(block, reach)
            }),
            sum_forms: $crate::kernel::within!($features, |sum: &$crate::FormSum<'_>,
                                                           numbers: &mut [f64]|
             -> () {
                $crate::kernel::sum_forms::<$double>(sum, numbers)
            }),
            sum_forms_twice_as_well: $crate::kernel::within!($features, |sum: &$crate::FormSum<
                '_,
            >,
                                                                         numbers: &mut [f64]|
             -> () {
                $crate::kernel::sum_forms_twice_as_well::<$double>(sum, numbers)
            }),
            gate: $crate::kernel::within!($features, |gate: &$crate::Gate<'_>,
                                                      numbers: &mut [f32]|
             -> () {
                $crate::kernel::gate::<$vector>(gate, numbers)
            }),
            pick: $crate::kernel::within!($features, |winners: &$crate::Winners<'_>,
                                                      input: &[f32],
                                                      out: &mut [f32]|
             -> () {
                $crate::kernel::pick::<$vector>(winners, input, out)
            }),
            put_back: $crate::kernel::within!($features, |winners: &$crate::Winners<'_>,
                                                          output: &[f32],
                                                          input: &mut [f32]|
             -> () {
                $crate::kernel::put_back::<$vector>(winners, output, input)
            }),
            to_lanes: $crate::kernel::within!($features, |rows: &[f32],
                                                          stride: usize,
                                                          width: usize,
                                                          lanes: &mut [f32]|
             -> () {
                $crate::kernel::to_lanes::<$vector>(rows, stride, width, lanes)
            }),
            from_lanes: $crate::kernel::within!($features, |lanes: &[f32],
                                                            width: usize,
                                                            rows: &mut [f32]|
             -> () {
                $crate::kernel::from_lanes::<$vector>(lanes, width, rows)
            }),
            codes: $crate::kernel::within!($features, |planes: &[u32],
                                                       words: usize,
                                                       codes: &mut [u64]|
             -> () {
                $crate::kernel::codes(planes, words, codes)
            }),
            occupied_row: $crate::kernel::within!($features, |row: &[f32],
                                                              mask: &mut [u64]|
             -> () {
                $crate::kernel::occupied_row::<$vector>(row, mask)
            }),
            occupied_lanes: $crate::kernel::within!($features, |lanes: &[[f32;
                                                                      $crate::PANEL]],
                                                                mask: &mut [u64]|
             -> () {
                $crate::kernel::occupied_lanes::<$vector>(lanes, mask)
            }),
            finite: $crate::kernel::within!($features, |numbers: &[f32]| -> bool {
                $crate::kernel::finite::<$vector>(numbers)
            }),
            norms: $crate::kernel::within!($features, |x: &[f32],
                                                       shape: [usize; 2],
                                                       masks: &mut [u64],
                                                       norms: &mut [$crate::Norms]|
             -> () {
                $crate::kernel::norms::<$vector>(x, shape, masks, norms)
            }),
            peak: $crate::kernel::within!($features, |rounds: usize| -> (usize, f32) {
                $crate::kernel::peak::<$vector>(rounds)
            }),
        };
    };
}
pub(crate) use tier_kernels;
