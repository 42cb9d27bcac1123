//! Who proves: the two names that go into x and into the signature.

/// For a user: the pool's name (the part of its id after `_`) and `USER_ID_FOR_SRP`. For a device: its group key and its key.
#[derive(Clone, Copy, Debug)]
pub struct Identity<'a> {
    pub realm: &'a str,
    pub name: &'a str,
}
