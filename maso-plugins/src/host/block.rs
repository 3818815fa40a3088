//! A block of pre-activations, and what is wanted of them.

use super::{Inference, Offers};

/// Lines of contiguous numbers, and places for their results. Strides go from line to line and count numbers.
#[derive(Debug)]
pub struct Block<'a, S> {
    pub(super) lines: usize,
    pub(super) length: usize,
    pub(super) input: Input<'a, S>,
    pub(super) value: Option<Output<'a, S>>,
    pub(super) derivative: Option<Output<'a, S>>,
    pub(super) membership: Option<Planes<'a, S>>,
}

/// Pre-activations.
#[derive(Debug)]
pub(super) struct Input<'a, S> {
    pub(super) data: &'a [S],
    pub(super) stride: usize,
}

/// A place for one number for each pre-activation.
#[derive(Debug)]
pub(super) struct Output<'a, S> {
    pub(super) data: &'a mut [S],
    pub(super) stride: usize,
}

/// A place for one number for each pre-activation and piece.
#[derive(Debug)]
pub(super) struct Planes<'a, S> {
    pub(super) data: &'a mut [S],
    pub(super) line_stride: usize,
    pub(super) piece_stride: usize,
}

impl<'a, S> Block<'a, S> {
    /// One line.
    #[must_use]
    pub fn line(input: &'a [S]) -> Self {
        Self::lines(input, 1, input.len(), input.len())
    }

    /// `lines` lines of `length` numbers each, `stride` apart.
    #[must_use]
    pub fn lines(input: &'a [S], lines: usize, length: usize, stride: usize) -> Self {
        let input = Input { data: input, stride };
        Self { lines, length, input, value: None, derivative: None, membership: None }
    }

    /// Asks for values.
    #[must_use]
    pub fn value(mut self, data: &'a mut [S], stride: usize) -> Self {
        self.value = Some(Output { data, stride });
        self
    }

    /// Asks for derivatives of the values by the pre-activations.
    #[must_use]
    pub fn derivative(mut self, data: &'a mut [S], stride: usize) -> Self {
        self.derivative = Some(Output { data, stride });
        self
    }

    /// Asks for the memberships of all pieces: that of piece p for number i of a line stands at
    /// `p * piece_stride + line * line_stride + i`.
    #[must_use]
    pub fn membership(
        mut self,
        data: &'a mut [S],
        line_stride: usize,
        piece_stride: usize,
    ) -> Self {
        self.membership = Some(Planes { data, line_stride, piece_stride });
        self
    }

    /// Checks it for an instance with so many pieces that offers these outputs.
    pub(super) fn check(self, pieces: usize, offers: Offers) -> Result<Checked<'a, S>, BlockFault> {
        let plane = [self.lines, self.length];
        fits("input", self.input.data.len(), plane, self.input.stride)?;
        if let Some(value) = &self.value {
            fits("value", value.data.len(), plane, value.stride)?;
        }
        if let Some(derivative) = &self.derivative {
            offered("derivatives", offers.derivative)?;
            fits("derivative", derivative.data.len(), plane, derivative.stride)?;
        }
        if let Some(membership) = &self.membership {
            offered("memberships", offers.membership)?;
            membership.fits(plane, pieces)?;
        }
        Ok(Checked(self.joined()))
    }

    /// Lines that follow each other without gaps are one line: fewer and longer loops for the plugin.
    fn joined(mut self) -> Self {
        let strides = [
            Some(self.input.stride),
            self.value.as_ref().map(|value| value.stride),
            self.derivative.as_ref().map(|derivative| derivative.stride),
            self.membership.as_ref().map(|membership| membership.line_stride),
        ];
        if strides.into_iter().flatten().all(|stride| stride == self.length) {
            // No overflow: so many numbers are there.
            self.length *= self.lines;
            self.lines = self.lines.min(1);
        }
        self
    }
}

/// A block that fits its arrays.
#[derive(Debug)]
pub(super) struct Checked<'a, S>(Block<'a, S>);

impl<'a, S> Checked<'a, S> {
    /// The block.
    pub(super) fn into_inner(self) -> Block<'a, S> {
        self.0
    }
}

impl<S> Planes<'_, S> {
    /// Lines within planes, or planes within lines.
    fn fits(&self, [lines, length]: [usize; 2], pieces: usize) -> Result<(), BlockFault> {
        let (inner, outer) = if self.line_stride <= self.piece_stride {
            ((lines, self.line_stride), (pieces, self.piece_stride))
        } else {
            ((pieces, self.piece_stride), (lines, self.line_stride))
        };
        let span = span("membership", [inner.0, length], inner.1)?;
        fits("membership", self.data.len(), [outer.0, span], outer.1)
    }
}

/// Numbers from the first to the last of a plane.
fn span(
    array: &'static str,
    [lines, length]: [usize; 2],
    stride: usize,
) -> Result<usize, BlockFault> {
    if lines == 0 || length == 0 {
        return Ok(0);
    }
    if lines > 1 && stride < length {
        return Err(BlockFault::Stride { array, found: stride, least: length });
    }
    let last = (lines - 1).checked_mul(stride).and_then(|start| start.checked_add(length));
    last.ok_or(BlockFault::Overflow { array })
}

fn fits(
    array: &'static str,
    found: usize,
    plane: [usize; 2],
    stride: usize,
) -> Result<(), BlockFault> {
    let expected = span(array, plane, stride)?;
    if found < expected {
        return Err(BlockFault::Short { array, found, expected });
    }
    Ok(())
}

fn offered(what: &'static str, offered: bool) -> Result<(), BlockFault> {
    if offered { Ok(()) } else { Err(BlockFault::NotOffered { what }) }
}

/// What can be wrong with a block.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BlockFault {
    /// An array ends too early.
    #[error("the block's array {array} has {found} numbers, expected at least {expected}")]
    Short {
        /// Which.
        array: &'static str,
        /// Its numbers.
        found: usize,
        /// Those that the block spans.
        expected: usize,
    },
    /// Lines would overlap.
    #[error("the block's stride of {array} is {found}, expected at least {least}")]
    Stride {
        /// Which.
        array: &'static str,
        /// Its stride.
        found: usize,
        /// What one step must pass over.
        least: usize,
    },
    /// No array can be that long.
    #[error("the block's array {array} would be longer than memory")]
    Overflow {
        /// Which.
        array: &'static str,
    },
    /// The kind does not compute that.
    #[error("it offers no {what}")]
    NotOffered {
        /// What.
        what: &'static str,
    },
    /// The rule is one of the host's.
    #[error("soft inference is {found}: the host computes it, not the plugin")]
    NotCallback {
        /// The rule.
        found: Inference,
    },
}
