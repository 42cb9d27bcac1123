use super::{Transform, check};

/// AWS: multiple slashes, self-references, and back-references that are not at the beginning. ModSecurity: normalisePath.
const VECTORS: [(&str, &str); 35] = [
    ("", ""),
    ("/", "/"),
    ("x", "x"),
    ("/foo/bar/baz", "/foo/bar/baz"),
    ("/foo/bar\0/baz", "/foo/bar\0/baz"),
    ("foo/", "foo/"),
    (".", ""),
    ("./", ""),
    ("./..", ".."),
    ("./../", "../"),
    ("..", ".."),
    ("../", "../"),
    ("../.", ".."),
    ("../..", "../.."),
    ("../../a", "../../a"),
    ("//", "/"),
    ("/dir/foo//bar", "/dir/foo/bar"),
    ("dir/foo//bar//", "dir/foo/bar/"),
    ("dir/../foo", "foo"),
    ("dir/..", ""),
    ("dir/../", ""),
    ("dir/../../foo", "../foo"),
    ("dir/./.././../../foo/bar/./", "../../foo/bar/"),
    ("dir//.//..//.//..//..//foo//bar", "../../foo/bar"),
    ("dir/a/b/c/../../..", "dir"),
    ("/dir/./a/../b/../c/../", "/dir/"),
    // the root has no parent
    ("/..", "/"),
    ("/../", "/"),
    ("/.", "/"),
    ("/../../etc/passwd", "/etc/passwd"),
    ("/./.././../../x/\0/../../etc/./passwd", "/etc/passwd"),
    // dots that are names
    ("/a../b", "/a../b"),
    ("/.../..a", "/.../..a"),
    ("/.well-known/x.tar.gz", "/.well-known/x.tar.gz"),
    ("/a/..;/b", "/a/..;/b"),
];

#[test]
fn paths_are_resolved() {
    check(Transform::NormalizePath, &VECTORS);
    check(Transform::NormalizePath, &[(r"a\..\b", r"a\..\b")]);
    check(Transform::NormalizePath, &[(b"/\xff/../\xfe".as_slice(), b"/\xfe".as_slice())]);
}

/// AWS: "processes this like NORMALIZE_PATH, but first converts backslash characters to forward slashes".
#[test]
fn paths_of_windows_are_resolved() {
    check(Transform::NormalizePathWin, &VECTORS);
    for (input, expected) in VECTORS {
        let input = input.replace('/', "\\");
        assert_eq!(
            Transform::NormalizePathWin.apply(input.as_bytes()).escape_ascii().to_string(),
            expected.as_bytes().escape_ascii().to_string()
        );
    }
    check(
        Transform::NormalizePathWin,
        &[
            (r"C:\inetpub\..\windows\.\win.ini", "C:/windows/win.ini"),
            (r"a/..\/b", "b"),
            (r"\\server\share", "/server/share"),
        ],
    );
}
