//! The text transformations of AWS WAF: what a value looks like once an attacker's spelling is undone.
//!
//! Pure functions from bytes to bytes. Each takes time linear in the value, knows no error (what can't be decoded stays), and gives the value back
//! borrowed when it changes nothing, which is so for most values of most requests. The output is never longer than the input, but for
//! `UTF8_TO_UNICODE` (three times) and the hashes (a fixed length). Semantics: AWS WAF developer guide, "Using text transformations in AWS WAF";
//! where it says little, the transformation of the same name in ModSecurity, from where AWS took them.

mod base64;
mod bytewise;
mod command;
mod comments;
mod digest;
mod digits;
mod edit;
mod hex;
mod html;
mod path;
mod script;
mod url;
mod utf8;
mod whitespace;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

/// One text transformation (AWS WAFv2 `TextTransformationType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Transform {
    /// The value as it came.
    None,
    /// Runs of white space become one space.
    CompressWhiteSpace,
    /// `&lt;`, `&#60;` and `&#x3c` become characters.
    HtmlEntityDecode,
    /// ASCII letters only.
    Lowercase,
    /// ASCII letters only.
    Uppercase,
    /// Undoes what hides a command from a pattern, for any shell.
    CmdLine,
    /// The same for `cmd.exe` and PowerShell: paths keep their backslashes.
    CmdLineWin,
    /// The same for a Unix shell.
    CmdLineUnix,
    /// `%HH` and `+`.
    UrlDecode,
    /// The same and `%uHHHH`.
    UrlDecodeUni,
    /// Up to the first byte that is not of the alphabet.
    Base64Decode,
    /// Skips bytes that are not of the alphabet.
    Base64DecodeExt,
    /// Pairs of hexadecimal digits become bytes.
    HexDecode,
    /// 16 raw bytes.
    Md5,
    /// 32 raw bytes.
    Sha256,
    /// Each `/* ... */` becomes a space.
    ReplaceComments,
    /// `/*`, `*/`, `--` and `#` go; what stands between them stays.
    RemoveCommentsChar,
    /// ANSI C escapes.
    EscapeSeqDecode,
    /// `0x414243` becomes `ABC`.
    SqlHexDecode,
    /// CSS 2 escapes.
    CssDecode,
    /// JavaScript escapes; a backslash that begins none goes.
    JsDecode,
    /// JavaScript escapes; a backslash that may be part of a Windows path stays.
    JsDecodeExt,
    /// `//`, `.` and `..` are resolved.
    NormalizePath,
    /// The same, with backslashes taken for slashes.
    NormalizePathWin,
    /// Zero bytes go.
    RemoveNulls,
    /// Zero bytes become spaces.
    ReplaceNulls,
    /// Characters outside ASCII become `%uHHHH`.
    Utf8ToUnicode,
    /// All white space goes.
    RemoveWhitespace,
    /// White space at both ends goes.
    Trim,
    /// White space at the start goes.
    TrimLeft,
    /// White space at the end goes.
    TrimRight,
}

impl Transform {
    /// Every transformation of the model, in the order of the enum.
    pub const ALL: [Self; 31] = [
        Self::None,
        Self::CompressWhiteSpace,
        Self::HtmlEntityDecode,
        Self::Lowercase,
        Self::Uppercase,
        Self::CmdLine,
        Self::CmdLineWin,
        Self::CmdLineUnix,
        Self::UrlDecode,
        Self::UrlDecodeUni,
        Self::Base64Decode,
        Self::Base64DecodeExt,
        Self::HexDecode,
        Self::Md5,
        Self::Sha256,
        Self::ReplaceComments,
        Self::RemoveCommentsChar,
        Self::EscapeSeqDecode,
        Self::SqlHexDecode,
        Self::CssDecode,
        Self::JsDecode,
        Self::JsDecodeExt,
        Self::NormalizePath,
        Self::NormalizePathWin,
        Self::RemoveNulls,
        Self::ReplaceNulls,
        Self::Utf8ToUnicode,
        Self::RemoveWhitespace,
        Self::Trim,
        Self::TrimLeft,
        Self::TrimRight,
    ];

    /// The transformation that AWS calls so (`URL_DECODE`), if there is one. Letter case counts, as it does in AWS's API.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|transform| transform.name() == name)
    }

    /// AWS's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::CompressWhiteSpace => "COMPRESS_WHITE_SPACE",
            Self::HtmlEntityDecode => "HTML_ENTITY_DECODE",
            Self::Lowercase => "LOWERCASE",
            Self::Uppercase => "UPPERCASE",
            Self::CmdLine => "CMD_LINE",
            Self::CmdLineWin => "CMD_LINE_WIN",
            Self::CmdLineUnix => "CMD_LINE_UNIX",
            Self::UrlDecode => "URL_DECODE",
            Self::UrlDecodeUni => "URL_DECODE_UNI",
            Self::Base64Decode => "BASE64_DECODE",
            Self::Base64DecodeExt => "BASE64_DECODE_EXT",
            Self::HexDecode => "HEX_DECODE",
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA256",
            Self::ReplaceComments => "REPLACE_COMMENTS",
            Self::RemoveCommentsChar => "REMOVE_COMMENTS_CHAR",
            Self::EscapeSeqDecode => "ESCAPE_SEQ_DECODE",
            Self::SqlHexDecode => "SQL_HEX_DECODE",
            Self::CssDecode => "CSS_DECODE",
            Self::JsDecode => "JS_DECODE",
            Self::JsDecodeExt => "JS_DECODE_EXT",
            Self::NormalizePath => "NORMALIZE_PATH",
            Self::NormalizePathWin => "NORMALIZE_PATH_WIN",
            Self::RemoveNulls => "REMOVE_NULLS",
            Self::ReplaceNulls => "REPLACE_NULLS",
            Self::Utf8ToUnicode => "UTF8_TO_UNICODE",
            Self::RemoveWhitespace => "REMOVE_WHITESPACE",
            Self::Trim => "TRIM",
            Self::TrimLeft => "TRIM_LEFT",
            Self::TrimRight => "TRIM_RIGHT",
        }
    }

    /// The value, transformed. Borrowed when nothing changes: that is how most requests are.
    pub fn apply<'a>(self, input: &'a [u8]) -> Cow<'a, [u8]> {
        match self {
            Self::None => Cow::Borrowed(input),
            Self::CompressWhiteSpace => whitespace::compress(input),
            Self::HtmlEntityDecode => html::decode(input),
            Self::Lowercase => bytewise::lowercase(input),
            Self::Uppercase => bytewise::uppercase(input),
            Self::CmdLine => command::any(input),
            Self::CmdLineWin => command::windows(input),
            Self::CmdLineUnix => command::unix(input),
            Self::UrlDecode => url::decode(input),
            Self::UrlDecodeUni => url::decode_uni(input),
            Self::Base64Decode => base64::decode(input),
            Self::Base64DecodeExt => base64::decode_forgiving(input),
            Self::HexDecode => hex::decode(input),
            Self::Md5 => digest::md5(input),
            Self::Sha256 => digest::sha256(input),
            Self::ReplaceComments => comments::replace(input),
            Self::RemoveCommentsChar => comments::remove_marks(input),
            Self::EscapeSeqDecode => script::ansi_c(input),
            Self::SqlHexDecode => hex::decode_sql(input),
            Self::CssDecode => script::css(input),
            Self::JsDecode => script::javascript(input),
            Self::JsDecodeExt => script::javascript_with_paths(input),
            Self::NormalizePath => path::normalize(input),
            Self::NormalizePathWin => path::normalize_windows(input),
            Self::RemoveNulls => bytewise::remove_nulls(input),
            Self::ReplaceNulls => bytewise::replace_nulls(input),
            Self::Utf8ToUnicode => utf8::to_unicode(input),
            Self::RemoveWhitespace => whitespace::remove(input),
            Self::Trim => Cow::Borrowed(whitespace::trim_left(whitespace::trim_right(input))),
            Self::TrimLeft => Cow::Borrowed(whitespace::trim_left(input)),
            Self::TrimRight => Cow::Borrowed(whitespace::trim_right(input)),
        }
    }
}
