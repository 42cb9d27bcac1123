//! Plans as tables of rules, and names on both engines.
