//! What became of the order of the words that two texts share.

/// A word that stands in both texts: its place in each, and whether it is a value, a name or another word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Shared {
    pub(crate) left: usize,
    pub(crate) right: usize,
    pub(crate) role: Role,
}

/// What a shared word is, as far as its order tells something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    Value,
    Name,
    Other,
}

/// What became of the order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Order {
    /// The share of neighbours that are neighbours no more, 0 to 1. Moving a clause costs little, exchanging single words much.
    pub(crate) torn: f64,
    /// Values changed places among each other while the other words kept theirs.
    pub(crate) values_exchanged: bool,
    /// Names changed places among each other while the other words kept theirs.
    pub(crate) names_exchanged: bool,
}

/// Compares the orders. The list may come in any order.
pub(crate) fn order(mut shared: Vec<Shared>) -> Order {
    shared.sort_unstable();
    let exchanged = |role: Role| is_exchanged(shared.iter().filter(|word| word.role == role).map(|word| word.right));
    let words_stay = !exchanged(Role::Other);
    Order {
        torn: torn(&shared),
        values_exchanged: words_stay && exchanged(Role::Value),
        names_exchanged: words_stay && exchanged(Role::Name),
    }
}

fn is_exchanged(places: impl Iterator<Item = usize>) -> bool {
    let mut last = None;
    for place in places {
        if last > Some(place) {
            return true;
        }
        last = Some(place);
    }
    false
}

#[expect(clippy::cast_precision_loss, reason = "counts of words")]
fn torn(shared: &[Shared]) -> f64 {
    if shared.len() < 2 {
        return 0.0;
    }
    // Neighbours are counted among the shared words only: what stands between them in one text does not tear them.
    let mut ranks: Vec<usize> = (0..shared.len()).collect();
    ranks.sort_unstable_by_key(|index| shared[*index].right);
    let kept = ranks.windows(2).filter(|pair| matches!(pair, [first, second] if first + 1 == *second)).count();
    1.0 - kept as f64 / (shared.len() - 1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(right: &[(usize, Role)]) -> Order {
        order(
            right.iter().enumerate().map(|(left, (right, role))| Shared { left, right: *right, role: *role }).collect(),
        )
    }

    #[test]
    fn a_clause_that_moves_tears_one_pair() {
        use Role::Other;
        let words = |right: &[usize]| of(&right.iter().map(|right| (*right, Other)).collect::<Vec<_>>()).torn;
        assert!(words(&[0, 1, 2, 3, 4]) < f64::EPSILON);
        assert!((words(&[3, 4, 0, 1, 2]) - 0.25).abs() < 1e-9);
        assert!((words(&[2, 1, 0, 3, 4]) - 0.75).abs() < 1e-9);
        assert!(words(&[]) < f64::EPSILON && words(&[7]) < f64::EPSILON);
    }

    #[test]
    fn values_that_change_places() {
        use Role::{Other, Value};
        assert!(of(&[(0, Other), (3, Value), (2, Other), (1, Value)]).values_exchanged);
        assert!(!of(&[(2, Value), (3, Other), (0, Value), (1, Other)]).values_exchanged, "their words went with them");
        assert!(!of(&[(0, Value), (1, Other), (2, Value)]).values_exchanged);
    }
}
