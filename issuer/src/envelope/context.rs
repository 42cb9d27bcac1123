//! Where a sealed value lives.

/// The cell a value is sealed for. `row` names the parts of the row's primary key after the pool, in order.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    pub table: &'a str,
    pub row: &'a [&'a str],
    pub column: &'a str,
}

impl Context<'_> {
    /// Additional data for the cipher. Every part carries its length, so that no two cells share an encoding.
    pub(super) fn additional_data(&self, scope: &str) -> Vec<u8> {
        let mut out = Vec::with_capacity(128);
        for part in [b"tollgate envelope 1".as_slice(), scope.as_bytes(), self.table.as_bytes(), self.column.as_bytes()]
        {
            push_part(&mut out, part);
        }
        for part in self.row {
            push_part(&mut out, part.as_bytes());
        }
        out
    }
}

fn push_part(out: &mut Vec<u8>, part: &[u8]) {
    out.extend_from_slice(&(part.len() as u64).to_be_bytes());
    out.extend_from_slice(part);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn parts_do_not_run_together() {
        let one = Context { table: "ab", row: &["c", "d"], column: "e" };
        let two = Context { table: "a", row: &["bc", "d"], column: "e" };
        let three = Context { table: "ab", row: &["cd"], column: "e" };
        assert_ne!(one.additional_data("p"), two.additional_data("p"));
        assert_ne!(one.additional_data("p"), three.additional_data("p"));
        assert_ne!(one.additional_data("p"), one.additional_data("q"));
    }

    proptest! {
        #[test]
        fn different_cells_have_different_encodings(a in cell(), b in cell()) {
            prop_assert_eq!(encode(&a) == encode(&b), a == b);
        }
    }

    type Cell = (String, String, Vec<String>, String);

    fn cell() -> impl Strategy<Value = Cell> {
        ("[ab]{0,2}", "[ab]{0,2}", proptest::collection::vec("[ab]{0,2}", 0..3), "[ab]{0,2}")
    }

    fn encode((scope, table, row, column): &Cell) -> Vec<u8> {
        let row: Vec<&str> = row.iter().map(String::as_str).collect();
        Context { table, row: &row, column }.additional_data(scope)
    }
}
