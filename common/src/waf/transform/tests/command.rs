use super::{Transform, check};

/// AWS: delete `\ " ' ^`; delete spaces before `/ (`; replace `, ;` with a space; one space for many; lower-case. ModSecurity (cmdLine): other white
/// space counts as a space.
#[test]
fn for_any_shell() {
    check(
        Transform::CmdLine,
        &[
            ("", ""),
            ("id", "id"),
            (r#"C^OM"M'A\ND"#, "command"),
            ("cat /etc/passwd", "cat/etc/passwd"),
            ("cat   /etc", "cat/etc"),
            ("dir ( a )", "dir( a )"),
            ("a,b;c", "a b c"),
            ("a , ;  b", "a b"),
            ("a \"\" b", "a b"),
            ("a\t\r\n\x0b\x0cb", "a b"),
            ("a,/b", "a/b"),
            (" a ", " a "),
            ("ls -la; id", "ls -la id"),
        ],
    );
    check(Transform::CmdLine, &[(b"\xff^A\x80".as_slice(), b"\xffa\x80".as_slice())]);
}

/// As other implementations read the newest guide.
#[test]
fn for_a_unix_shell() {
    check(
        Transform::CmdLineUnix,
        &[
            ("", ""),
            ("cat /etc/passwd", "cat /etc/passwd"),
            (r#"  c\a"t'  /ETC/passwd  "#, "cat /etc/passwd"),
            ("a\t\r\n\x0b\x0cb\n", "a b"),
            // carets, commas and semicolons mean something to a shell
            ("a^b,c;d", "a^b,c;d"),
            ("\"  \"", ""),
        ],
    );
}

/// As other implementations read the newest guide.
#[test]
fn for_a_windows_shell() {
    check(
        Transform::CmdLineWin,
        &[
            ("", ""),
            (r"c:\windows\system32", r"c:\windows\system32"),
            (r#"C:\\Win"dows"\\\\System32"#, r"c:\windows\system32"),
            ("p^o^w^e`rs'hell", "powershell"),
            ("who^\nam^\r\ni", "whoami"),
            ("who^\ri", "who i"),
            (r"a\^\b", r"a\b"),
            ("  dir \t c: ", "dir c:"),
            ("^", ""),
            ("a,b;c", "a,b;c"),
        ],
    );
}

/// AWS: a comment becomes one space, an unterminated one too; a lone end stays. ModSecurity: replaceComments.
#[test]
fn comments_become_spaces() {
    check(
        Transform::ReplaceComments,
        &[
            ("", ""),
            ("plain", "plain"),
            ("union/**/select", "union select"),
            ("Before /* in */ After", "Before   After"),
            ("/*a*//*b*/", "  "),
            ("/* a\r\nb */", " "),
            ("/*/ still inside */x", " x"),
            ("a/* never ends", "a "),
            ("a/*", "a "),
            ("lone */ end", "lone */ end"),
            ("/* /* */ */", "  */"),
            ("/", "/"),
        ],
    );
}

/// AWS, as other implementations read the newest guide: `/*`, `*/`, `--` and `#`. ModSecurity: removeCommentsChar.
#[test]
fn marks_of_comments_go() {
    check(
        Transform::RemoveCommentsChar,
        &[
            ("", ""),
            ("un/**/ion -- x # y", "union  x  y"),
            ("a/*b*/c--d#e", "abcde"),
            ("a-b /c* 2/3", "a-b /c* 2/3"),
            ("---", "-"),
            ("<!-- x -->", "<! x >"),
            // one pass
            ("/--*", "/*"),
            ("/*/", "/"),
        ],
    );
}
