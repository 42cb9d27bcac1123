//! Settings in the environment.

/// The variables that are text. Others are none of ours, and must not keep a role from starting (`std::env::vars` panics at them).
pub fn texts() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}
