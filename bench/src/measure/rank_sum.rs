//! Whether one of two small samples tends to greater values: the exact Mann-Whitney test.

/// Probability, if both samples come from one distribution, that their ranks lie at least as far apart as here (two-sided). Exact
/// without ties; equal values count half, which errs towards 1. `None` when a sample is empty.
pub fn rank_sum_p(one: &[f64], other: &[f64]) -> Option<f64> {
    if one.is_empty() || other.is_empty() {
        return None;
    }
    let pairs = one.iter().flat_map(|a| other.iter().map(move |b| (a, b)));
    let u: f64 = pairs
        .map(|(a, b)| match a.total_cmp(b) {
            std::cmp::Ordering::Greater => 1.0,
            std::cmp::Ordering::Equal => 0.5,
            std::cmp::Ordering::Less => 0.0,
        })
        .sum();
    let farthest = u.min((one.len() * other.len()) as f64 - u).ceil();
    let counts = arrangements(one.len(), other.len());
    // At most half of the pairs: the cast keeps every value.
    let tail: f64 = counts.iter().take(farthest as usize + 1).sum();
    Some((2.0 * tail / counts.iter().sum::<f64>()).min(1.0))
}

/// In how many arrangements of `n` and `m` values U is 0, 1, … n·m: coefficients of the product of (1 - q^(m+i)) / (1 - q^i), i = 1 … n.
fn arrangements(n: usize, m: usize) -> Vec<f64> {
    let mut counts = vec![0.0; n * m + 1];
    if let Some(first) = counts.first_mut() {
        *first = 1.0;
    }
    for i in 1..=n {
        shifted(&counts.clone(), m + i, &mut counts, -1.0);
        for at in i..counts.len() {
            let below = counts.get(at - i).copied().unwrap_or_default();
            if let Some(count) = counts.get_mut(at) {
                *count += below;
            }
        }
    }
    counts
}

/// Adds `factor` times `from`, moved up by `by`, to `to`.
fn shifted(from: &[f64], by: usize, to: &mut [f64], factor: f64) {
    for (value, at) in from.iter().zip(to.iter_mut().skip(by)) {
        *at += factor * value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn p(one: &[f64], other: &[f64]) -> f64 {
        rank_sum_p(one, other).unwrap()
    }

    #[test]
    fn arrangements_of_small_samples() {
        assert_eq!(arrangements(2, 2), [1.0, 1.0, 2.0, 1.0, 1.0]);
        assert_eq!(arrangements(1, 3), [1.0, 1.0, 1.0, 1.0]);
        assert!((arrangements(5, 5).iter().sum::<f64>() - 252.0).abs() < 1e-9, "10 over 5");
    }

    /// Critical values of U at 5 % two-sided, as tables have them: 2 for five and five, 0 for three and five, none for three and three.
    #[test]
    fn probabilities_as_in_tables() {
        let apart = p(&[1.0, 2.0, 3.0, 4.0, 5.0], &[6.0, 7.0, 8.0, 9.0, 10.0]);
        assert!((apart - 2.0 / 252.0).abs() < 1e-12, "{apart}");
        let two_swapped = p(&[1.0, 2.0, 3.0, 4.0, 7.5], &[6.0, 7.0, 8.0, 9.0, 10.0]);
        assert!((two_swapped - 8.0 / 252.0).abs() < 1e-12, "U = 2: {two_swapped}");
        assert!((p(&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0]) - 0.1).abs() < 1e-12);
        assert!((p(&[4.0, 5.0, 6.0, 7.0, 8.0], &[1.0, 2.0, 3.0]) - 2.0 / 56.0).abs() < 1e-12, "either way");
    }

    #[test]
    fn what_is_the_same_is_likely() {
        assert_eq!(p(&[1.0, 2.0, 3.0], &[1.0, 2.0, 3.0]), 1.0);
        assert_eq!(p(&[5.0, 5.0], &[5.0, 5.0, 5.0]), 1.0);
        assert_eq!(rank_sum_p(&[], &[1.0]), None);
    }
}
