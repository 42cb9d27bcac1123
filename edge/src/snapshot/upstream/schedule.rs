//! In which order servers take turns: each as often as its weight, spread out (smooth weighted round robin, as in nginx).

/// Positions of servers, one for each turn of a whole round. `weights` are at least 1.
pub fn schedule(weights: &[u16]) -> Vec<u16> {
    let divisor = weights.iter().copied().fold(0, greatest_common_divisor).max(1);
    let weights: Vec<i64> = weights.iter().map(|weight| i64::from(weight / divisor)).collect();
    let total: i64 = weights.iter().sum();
    let mut credit = vec![0_i64; weights.len()];
    let mut turns = Vec::with_capacity(usize::try_from(total).unwrap_or(0));
    for _ in 0..total {
        for (credit, weight) in credit.iter_mut().zip(&weights) {
            *credit += weight;
        }
        // The first of those with the most credit, so that equal weights keep the order of the list.
        let Some((next, most)) = credit.iter_mut().enumerate().rev().max_by_key(|(_, credit)| **credit) else { break };
        *most -= total;
        turns.extend(u16::try_from(next));
    }
    turns
}

fn greatest_common_divisor(a: u16, b: u16) -> u16 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_weights_keep_the_order_of_the_list() {
        assert_eq!(schedule(&[1, 1, 1]), [0, 1, 2]);
        assert_eq!(schedule(&[7, 7]), [0, 1]);
        assert!(schedule(&[]).is_empty());
    }

    #[test]
    fn a_heavy_server_gets_its_share_without_bursts() {
        assert_eq!(schedule(&[5, 1, 1]), [0, 0, 1, 0, 2, 0, 0]);
        assert_eq!(schedule(&[4, 2]), [0, 1, 0]);
        let turns = schedule(&[100, 50, 25]);
        let share = |server| turns.iter().filter(|turn| **turn == server).count();
        assert_eq!((turns.len(), share(0), share(1), share(2)), (7, 4, 2, 1));
    }
}
