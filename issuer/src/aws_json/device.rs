//! What a user agent says of the device (pure): browser or app, and operating system, as lists of sessions and events show them. It is
//! what the client says, so nothing is decided by it.

/// Where nothing is known (Cognito).
pub const UNKNOWN: &str = "unknown";

/// Token in the user agent, and name. Browsers claim to be each other, so the first that is found counts: who derives from whom comes first.
const APPS: &[(&str, &str)] = &[
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("YaBrowser/", "Yandex Browser"),
    ("Vivaldi/", "Vivaldi"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Version/", "Safari"),
    ("aws-sdk-js/", "AWS SDK for JavaScript"),
    ("aws-sdk-java/", "AWS SDK for Java"),
    ("aws-sdk-kotlin/", "AWS SDK for Kotlin"),
    ("aws-sdk-swift/", "AWS SDK for Swift"),
    ("aws-sdk-go-v2/", "AWS SDK for Go"),
    ("aws-sdk-go/", "AWS SDK for Go"),
    ("aws-sdk-dotnet", "AWS SDK for .NET"),
    ("aws-sdk-php/", "AWS SDK for PHP"),
    ("aws-sdk-ruby3/", "AWS SDK for Ruby"),
    ("aws-sdk-rust/", "AWS SDK for Rust"),
    ("aws-cli/", "AWS CLI"),
    ("Boto3/", "Boto3"),
    ("Botocore/", "Botocore"),
    ("aws-amplify/", "Amplify"),
    ("okhttp/", "OkHttp"),
    ("CFNetwork/", "CFNetwork"),
    ("Dart/", "Dart"),
    ("python-requests/", "Requests"),
    ("curl/", "curl"),
];

/// Text in the user agent, and name; mobile systems name the others, too.
const SYSTEMS: &[(&str, &str)] = &[
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iPadOS"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("os/windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("os/macos", "macOS"),
    ("Darwin", "macOS"),
    ("os/linux", "Linux"),
    ("Linux", "Linux"),
];

/// `Chrome 134, Windows`, one of both, or [`UNKNOWN`].
pub fn describe(user_agent: Option<&str>) -> String {
    let user_agent = user_agent.unwrap_or_default();
    let app = APPS.iter().find(|(token, _)| user_agent.contains(token)).map(|(token, name)| {
        match major_version(user_agent, token) {
            Some(version) => format!("{name} {version}"),
            None => (*name).to_owned(),
        }
    });
    let system = SYSTEMS.iter().find(|(token, _)| user_agent.contains(token)).map(|(_, name)| (*name).to_owned());
    let known: Vec<String> = app.into_iter().chain(system).collect();
    if known.is_empty() { UNKNOWN.to_owned() } else { known.join(", ") }
}

fn major_version<'a>(user_agent: &'a str, token: &str) -> Option<&'a str> {
    let (_, after) = user_agent.split_once(token)?;
    let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
    after.get(..digits).filter(|version| (1..=4).contains(&version.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices() {
        let chrome = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/134.0.0.0 Safari/537.36";
        let cases = [
            (chrome.to_owned(), "Chrome 134, Windows"),
            (format!("{chrome} Edg/134.0.3124.85"), "Edge 134, Windows"),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.3 Safari/605.1.15".into(),
                "Safari 18, macOS",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_3 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/134.0.6998.99 Mobile/15E148 Safari/604.1".into(),
                "Chrome 134, iOS",
            ),
            ("Mozilla/5.0 (X11; Linux x86_64; rv:136.0) Gecko/20100101 Firefox/136.0".into(), "Firefox 136, Linux"),
            ("Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/134.0.0.0 Mobile Safari/537.36".into(), "Chrome 134, Android"),
            ("Boto3/1.40.1 md/Botocore#1.40.1 ua/2.1 os/linux#6.1 md/arch#x86_64 lang/python#3.11".into(), "Boto3 1, Linux"),
            ("MyApp/3 CFNetwork/1568.300.101 Darwin/24.2.0".into(), "CFNetwork 1568, macOS"),
            ("curl/8.5.0".into(), "curl 8"),
            ("Chrome/".into(), "Chrome"),
            ("Chrome/99999999999".into(), "Chrome"),
            ("something".into(), UNKNOWN),
            (String::new(), UNKNOWN),
        ];
        for (agent, wanted) in cases {
            assert_eq!(describe(Some(&agent)), wanted, "{agent}");
        }
        assert_eq!(describe(None), UNKNOWN);
    }
}
