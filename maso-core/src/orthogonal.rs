//! Orthonormal vectors, and vectors taken apart along them: what Q R is made of.

use crate::linearize::dot;

/// Numbers other than zero up to which a row is taken one by one.
const FEW: usize = 8;

/// The places of the numbers of `row` that are not zero, if they are few.
pub(crate) fn few(row: &[f64]) -> Option<Vec<usize>> {
    let places = (0..row.len()).filter(|&i| row[i] != 0.0);
    let places: Vec<usize> = places.take(FEW + 1).collect();
    (places.len() <= FEW).then_some(places)
}

/// row · y, where `few` has the places of the row's numbers if they are few.
pub(crate) fn product(row: &[f64], few: &Option<Vec<usize>>, y: &[f64]) -> f64 {
    match few {
        Some(places) => places.iter().map(|&i| row[i] * y[i]).sum(),
        None => dot(row, y),
    }
}

/// A vector as its coordinates in an orthonormal basis and what is left over, by Gram and Schmidt: once more if little is
/// left, so that what is left is orthogonal (Kahan's "twice is enough").
pub(crate) fn split(basis: &[Vec<f64>], vector: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let few = few(vector);
    let mut along: Vec<f64> = basis.iter().map(|q| product(vector, &few, q)).collect();
    let mut rest = vector.to_vec();
    subtract(basis, &along, &mut rest);
    if dot(&rest, &rest) < 0.5 * dot(vector, vector) {
        let again: Vec<f64> = basis.iter().map(|q| dot(q, &rest)).collect();
        subtract(basis, &again, &mut rest);
        along.iter_mut().zip(&again).for_each(|(along, again)| *along += again);
    }
    (along, rest)
}

fn subtract(basis: &[Vec<f64>], along: &[f64], rest: &mut [f64]) {
    for (&part, q) in along.iter().zip(basis).filter(|(part, _)| **part != 0.0) {
        rest.iter_mut().zip(q).for_each(|(rest, q)| *rest -= part * q);
    }
}

/// R⁻¹ x, for an upper triangle whose column k has its first k + 1 numbers.
pub(crate) fn solve_upper(r: &[Vec<f64>], mut x: Vec<f64>) -> Vec<f64> {
    for column in (0..x.len()).rev() {
        x[column] /= r[column][column];
        let factor = x[column];
        let above = &r[column][..column];
        x[..column].iter_mut().zip(above).for_each(|(x, r)| *x -= factor * r);
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn what_is_left_is_orthogonal_and_the_parts_add_up() {
        let mut random = Random::new(3);
        let mut basis: Vec<Vec<f64>> = Vec::new();
        for step in 0..30 {
            let mut vector: Vec<f64> = (0..40).map(|_| random.normal()).collect();
            if let Some(last) = basis.last() {
                // Nearly along what is there, every other time.
                let factor = if step % 2 == 0 { 1e6 } else { 0.0 };
                vector.iter_mut().zip(last).for_each(|(v, q)| *v += factor * q);
            }
            let (along, rest) = split(&basis, &vector);
            let length = dot(&rest, &rest).sqrt();
            for q in &basis {
                assert!((dot(q, &rest) / length).abs() < 1e-12, "step {step}: orthogonal");
            }
            for i in 0..40 {
                let parts = along.iter().zip(&basis).map(|(part, q)| part * q[i]).sum::<f64>();
                assert!((parts + rest[i] - vector[i]).abs() < 1e-8, "step {step}: the sum");
            }
            basis.push(rest.iter().map(|v| v / length).collect());
        }
    }

    #[test]
    fn triangles_are_solved() {
        let r = [vec![2.0], vec![1.0, 4.0], vec![0.5, -1.0, 0.25]];
        let x = solve_upper(&r, vec![5.0, 7.0, 0.75]);
        let product = |row: usize| (row..3).map(|column| r[column][row] * x[column]).sum::<f64>();
        assert_eq!([product(0), product(1), product(2)], [5.0, 7.0, 0.75], "R x");
    }
}
