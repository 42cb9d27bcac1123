//! The two text formats that scrapers ask for.

/// How metrics are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// OpenMetrics 1.0, with `# EOF`.
    OpenMetrics,
    /// Prometheus's older text format, 0.0.4.
    Text,
}

impl Format {
    /// What an `Accept` header asks for: the older format where it is named and the newer one is not.
    pub fn accepted(accept: Option<&str>) -> Self {
        match accept {
            Some(accept) if accept.contains("text/plain") && !accept.contains("application/openmetrics-text") => {
                Self::Text
            }
            _ => Self::OpenMetrics,
        }
    }

    pub const fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
        }
    }

    /// From OpenMetrics.
    pub fn of(self, text: String) -> String {
        match self {
            Self::OpenMetrics => text,
            Self::Text => older(&text),
        }
    }
}

/// The older format has neither units nor an end, calls a counter by its whole name, and knows no `info`.
fn older(text: &str) -> String {
    let mut older = String::with_capacity(text.len() + 1024);
    let (mut help, mut push) = (None, |line: &str| {
        older.push_str(line);
        older.push('\n');
    });
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            help = rest.split_once(' '); // it comes before the type, which decides the name
        } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
            let (suffix, kind) = match kind {
                "counter" => ("_total", "counter"),
                "info" => ("_info", "gauge"),
                "unknown" => ("", "untyped"),
                other => ("", other),
            };
            if let Some((_, text)) = help.take() {
                push(&format!("# HELP {name}{suffix} {text}"));
            }
            push(&format!("# TYPE {name}{suffix} {kind}"));
        } else if !line.starts_with('#') {
            push(line);
        }
    }
    older
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_older_format_names_counters_whole() {
        let text = "# HELP a_bytes Bytes.\n# TYPE a_bytes counter\n# UNIT a_bytes bytes\na_bytes_total 1\n\
                    # HELP b B.\n# TYPE b info\nb_info{v=\"1\"} 1\n# HELP c C.\n# TYPE c gauge\nc 2\n# EOF\n";
        let expected = "# HELP a_bytes_total Bytes.\n# TYPE a_bytes_total counter\na_bytes_total 1\n\
                        # HELP b_info B.\n# TYPE b_info gauge\nb_info{v=\"1\"} 1\n# HELP c C.\n# TYPE c gauge\nc 2\n";
        assert_eq!(Format::Text.of(text.to_owned()), expected);
        assert_eq!(Format::OpenMetrics.of(text.to_owned()), text);
    }

    #[test]
    fn the_newer_format_is_given_unless_only_the_older_is_asked_for() {
        let prometheus = "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        for accept in [None, Some("*/*"), Some(prometheus), Some("text/html")] {
            assert_eq!(Format::accepted(accept), Format::OpenMetrics, "{accept:?}");
        }
        assert_eq!(Format::accepted(Some("text/plain;version=0.0.4;q=1,*/*;q=0.1")), Format::Text);
    }
}
