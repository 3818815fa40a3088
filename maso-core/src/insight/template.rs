//! Class templates: the rows of A as matched filters (Balestriero and Baraniuk, *A Spline Theory of Deep Networks*,
//! 2018, Section 4). Each output is the inner product of the input with its template, and an offset.

use crate::linearize::{Linearization, Matrix, dot};
use crate::network::{Affine, Network, NodeId, Operator, View};

/// The template of one output at a point.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    /// Its row of A, as long as the input.
    pub row: Vec<f64>,
    /// Its offset, the entry of b.
    pub offset: f64,
    /// Row · x: the template's part of the output.
    pub response: f64,
    /// The output: response and offset together.
    pub output: f64,
    /// The cosine of the angle between template and input; 0 if either is 0.
    pub cosine: f64,
    /// |row · x| / (|row · x| + |offset|): how much of the output is the template's, 0 if both are 0.
    pub share: f64,
    /// ‖row‖.
    pub norm: f64,
}

impl Linearization<'_> {
    /// The templates of all outputs at the point, in order.
    #[must_use]
    pub fn templates(&self) -> Vec<Template> {
        let (matrix, offsets) = (self.matrix(), self.offset());
        let x = self.point();
        let length = dot(x, x).sqrt();
        let template = |(output, offset): (usize, f64)| {
            let row = matrix.row(output).to_vec();
            let (response, norm) = (dot(&row, x), dot(&row, &row).sqrt());
            let ratio = |part: f64, whole: f64| if whole == 0.0 { 0.0 } else { part / whole };
            Template {
                offset,
                response,
                output: self.value()[output],
                cosine: ratio(response, norm * length),
                share: ratio(response.abs(), response.abs() + offset.abs()),
                norm,
                row,
            }
        };
        offsets.into_iter().enumerate().map(template).collect()
    }
}

/// The rows of a network's last matrix: the templates of its last layer, in the space of its features.
#[derive(Clone, Debug, PartialEq)]
pub struct LastLayer {
    /// The file's node.
    pub node: String,
    /// W Wᵀ: the inner products of all pairs of rows.
    pub gram: Matrix,
    /// Σ over ordered pairs of different rows of ⟨w, w'⟩²: 0 for orthogonal templates.
    pub orthogonality_penalty: f64,
}

impl Network {
    /// The last matrix before the output; none if the network ends otherwise.
    #[must_use]
    pub fn last_layer(&self) -> Option<LastLayer> {
        let (id, rows) = self.last_matrix()?;
        let count = rows.rows();
        let mut gram = Matrix::zeros(count, count);
        let mut penalty = 0.0;
        for a in 0..count {
            for b in 0..count {
                let product = dot(rows.row(a), rows.row(b));
                gram.row_mut(a)[b] = product;
                penalty += if a == b { 0.0 } else { product * product };
            }
        }
        let node = self.node(id).name.clone();
        Some(LastLayer { node, gram, orthogonality_penalty: penalty })
    }

    fn last_matrix(&self) -> Option<(NodeId, Matrix)> {
        let mut id = self.output();
        while matches!(self.node(id).operator, Operator::View(View::Same)) {
            id = self.node(id).inputs[0];
        }
        let Operator::Affine(Affine::Dense(dense)) = &self.node(id).operator else { return None };
        let rows = || Matrix::new(dense.units, dense.depth, dense.weight.to_vec());
        (dense.batch == 1).then(|| (id, rows()))
    }
}
