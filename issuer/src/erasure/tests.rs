//! Nothing of a user stays.
