//! Every reason why a request head has no canonical form.

macro_rules! ambiguities {
    ($($(#[$doc:meta])+ $name:ident, $status:literal, $code:literal, $text:literal;)+) => {
        /// Why a request was refused before any rule saw it. Closed: a new reason does not compile without its mappings.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, thiserror::Error)]
        pub enum Ambiguity {
            $($(#[$doc])+ #[error($text)] $name,)+
        }

        impl Ambiguity {
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The HTTP status to answer with. Close the connection after it.
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status,)+ }
            }

            /// A stable name for logs and metrics: `[a-z0-9_]+`.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }
        }
    };
}

ambiguities! {
    /// Empty, over 32 bytes, not a token (RFC 9110 §9.1), or with lower-case letters.
    InvalidMethod, 400, "invalid_method", "the method is not an upper-case token";
    /// CONNECT, TRACE or TRACK (E15).
    MethodRefused, 405, "method_refused", "the method is never forwarded";

    /// See [`Limits::max_target_bytes`](super::Limits).
    TargetTooLong, 414, "target_too_long", "the request target is too long";
    /// `*` (RFC 9112 §3.2.4).
    AsteriskTarget, 400, "asterisk_target", "the asterisk form of the target is refused";
    /// Neither a path nor an `http(s)` URL: authority form, another scheme, a relative path; in HTTP/2 anything but a path.
    InvalidTarget, 400, "invalid_target", "the request target is neither a path nor an http URL";
    /// A `#`: some readers cut there, others do not.
    FragmentInTarget, 400, "fragment_in_target", "the request target has a fragment";
    /// User information in an authority (RFC 9110 §4.2.4).
    UserInfo, 400, "user_info", "the authority has user information";
    /// A raw byte of 0x80 or above in the target.
    NonAsciiTarget, 400, "non_ascii_target", "the request target has raw bytes outside ASCII";
    /// A control character in the target, raw or, in the path, encoded.
    ControlInTarget, 400, "control_in_target", "the request target has a control character";
    /// A space or one of `"<>`, which RFC 3986 allows nowhere.
    InvalidTargetCharacter, 400, "invalid_target_character", "the request target has a character that must be encoded";
    /// A `%` without two hex digits.
    BadEscape, 400, "bad_escape", "the request target has a bad percent escape";

    /// `%2F` in the path.
    EncodedSlash, 400, "encoded_slash", "the path has an encoded slash";
    /// `\` in the path: a slash to some readers.
    Backslash, 400, "backslash", "the path has a backslash";
    /// `%5C` in the path.
    EncodedBackslash, 400, "encoded_backslash", "the path has an encoded backslash";
    /// `%00` in the path.
    EncodedNul, 400, "encoded_nul", "the path has an encoded NUL";
    /// `;` or `%3B` in the path: some origins cut the segment there.
    PathParameter, 400, "path_parameter", "the path has a semicolon";
    /// A segment `.` or `..`, plain or encoded.
    DotSegment, 400, "dot_segment", "the path has a dot segment";
    /// `//` in the path: some origins merge the slashes.
    EmptySegment, 400, "empty_segment", "the path has an empty segment";
    /// `%25` before two hex digits: who decodes twice reads another path.
    DoubleEscape, 400, "double_escape", "the path is escaped twice";
    /// Escapes that are not UTF-8, such as the overlong slash `%C0%AF`.
    NotUtf8, 400, "not_utf8", "the decoded path is not UTF-8";

    /// No `Host` and no `:authority`.
    MissingHost, 400, "missing_host", "there is no host";
    /// `Host` more than once, equal or not.
    DuplicateHost, 400, "duplicate_host", "there is more than one Host field";
    /// Not a name, an IPv4 address or a bracketed IPv6 address with an optional port.
    InvalidHost, 400, "invalid_host", "the host is not valid";
    /// The URL in the target names another host than `Host`.
    AbsoluteTargetMismatch, 400, "absolute_target_mismatch", "the target's host differs from Host";
    /// `:authority` differs from `Host` (E14).
    AuthorityMismatch, 400, "authority_mismatch", ":authority differs from Host";

    /// Both `Content-Length` and `Transfer-Encoding` (RFC 9112 §6.3).
    LengthAndEncoding, 400, "length_and_encoding", "there are both Content-Length and Transfer-Encoding";
    /// Not a plain decimal number of bytes.
    InvalidLength, 400, "invalid_length", "Content-Length is not a number";
    /// `Content-Length` more than once, equal or not.
    DuplicateLength, 400, "duplicate_length", "there is more than one Content-Length";
    /// `Transfer-Encoding` more than once.
    DuplicateEncoding, 400, "duplicate_encoding", "there is more than one Transfer-Encoding";
    /// `Transfer-Encoding` other than `chunked`, or in HTTP/1.0.
    UnsupportedEncoding, 400, "unsupported_encoding", "Transfer-Encoding is not chunked";
    /// See [`ChunkedBody`](super::ChunkedBody).
    InvalidChunk, 400, "invalid_chunk", "the chunked body is malformed";
    /// `content_length`, `transfer_encoding`: a framing header to origins that fold names.
    FramingAlias, 400, "framing_alias", "a header name imitates a framing header";

    /// Over [`Limits::max_headers`](super::Limits).
    TooManyHeaders, 431, "too_many_headers", "there are too many header fields";
    /// Over [`Limits::max_header_bytes`](super::Limits).
    HeadersTooLarge, 431, "headers_too_large", "the header fields are too large";
    /// Not a token; in HTTP/2 also one with upper-case letters.
    InvalidHeaderName, 400, "invalid_header_name", "a header name is not a token";
    /// A line break before a space or tab: obsolete line folding (RFC 9112 §5.2).
    ObsFold, 400, "obs_fold", "a header value is folded over lines";
    /// CR or LF in a value.
    LineBreakInHeader, 400, "line_break_in_header", "a header value has a line break";
    /// NUL in a value.
    NulInHeader, 400, "nul_in_header", "a header value has a NUL";
    /// Another control character in a value; in HTTP/2 also white space at its ends (RFC 9113 §8.2.1).
    InvalidHeaderValue, 400, "invalid_header_value", "a header value is not valid";
    /// `Connection`, `Keep-Alive`, `Proxy-Connection`, `Transfer-Encoding`, `Upgrade` or a `TE` other than `trailers` in
    /// HTTP/2 (RFC 9113 §8.2.2).
    ConnectionSpecificHeader, 400, "connection_specific_header", "HTTP/2 forbids connection-specific headers";
    /// A name that an origin may take for an identity header, under [`AliasAction::Refuse`](super::AliasAction).
    IdentityAlias, 400, "identity_alias", "a header name imitates an identity header";
    /// `Connection` names an identity header, to have it removed on the way (T20).
    IdentityNominated, 400, "identity_nominated", "Connection names an identity header";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn codes_are_distinct_names_and_statuses_are_client_errors() {
        let codes: HashSet<_> = Ambiguity::ALL.iter().map(|a| a.code()).collect();
        assert_eq!(codes.len(), Ambiguity::ALL.len());
        for reason in Ambiguity::ALL {
            assert!(reason.code().bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'));
            assert!((400..500).contains(&reason.status()), "{reason:?}");
        }
    }
}
