//! Vectors of documented behaviour, family by family, then properties over any bytes.
//!
//! Where a table names its source: AWS is the developer guide ("Using text transformations in AWS WAF"), ModSecurity the published tests of its
//! transformation of the same name (`secrules-language-tests`), of which the behaviour is taken, not the text.

mod command;
mod encoding;
mod html;
mod naive;
mod names;
mod path;
mod properties;
mod script;
mod url;
mod whitespace;

use std::borrow::Cow;

use super::Transform;

/// Each input gives its output, and is given back borrowed exactly when it is its own output.
#[track_caller]
fn check<I: AsRef<[u8]> + ?Sized, O: AsRef<[u8]> + ?Sized>(transform: Transform, vectors: &[(&I, &O)]) {
    for (input, expected) in vectors {
        let (input, expected) = (input.as_ref(), expected.as_ref());
        let output = transform.apply(input);
        assert_eq!(
            output.escape_ascii().to_string(),
            expected.escape_ascii().to_string(),
            "{} of \"{}\"",
            transform.name(),
            input.escape_ascii()
        );
        assert_eq!(
            matches!(output, Cow::Borrowed(_)),
            input == expected,
            "{} of \"{}\"",
            transform.name(),
            input.escape_ascii()
        );
    }
}
