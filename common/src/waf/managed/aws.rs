//! Groups under the names that AWS's managed rule groups have, with the names, labels and capacities that the AWS WAF Developer Guide gives for their
//! rules. AWS does not publish what its rules match; these are Tollgate's rules of the same purpose, asked about the same part of the request. A web ACL
//! made for AWS so loads as it is, overrides by rule name too.

use crate::waf::model::{Action, Field, Place, Rule, RuleAction, RuleGroup, Statement, Target, Visibility};

use crate::waf::managed::Shipped;

/// A group: its name, the namespace of its labels after `awswaf:managed:aws:`, its capacity, its rules.
type Group = (&'static str, &'static str, u64, &'static [Entry]);
/// A rule: its name, its label, where it looks, and of which rules it is made.
type Entry = (&'static str, &'static str, Option<Place>, &'static [&'static str]);

const XSS: &[&str] = &[
    "XSS_Script",
    "XSS_Handler",
    "XSS_Uri",
    "XSS_Tag",
    "XSS_Style",
    "XSS_Code",
    "XSS_Xml",
    "XSS_Template",
    "XssSimple",
];
const LFI: &[&str] = &["LFI_Traversal", "LFI_SystemFile", "LFI_Wrapper"];
const SQLI: &[&str] = &["SqlSimple"];
const SQLI_MORE: &[&str] = &[
    "SQLi_UnionSelect",
    "SQLi_SubSelect",
    "SQLi_Delay",
    "SQLi_Function",
    "SQLi_Schema",
    "SQLi_Boolean",
    "SQLi_Break",
    "SQLi_Stacked",
    "SQLi_Comment",
    "SQLi_Select",
    "SQLi_Conditional",
    "SQLi_NoSql",
];
const UNIX: &[&str] = &[
    "RCE_UnixCommand",
    "RCE_UnixSubstitution",
    "RCE_UnixPath",
    "RCE_UnixStart",
    "RCE_Evasion",
    "RCE_Shellshock",
    "LFI_Traversal",
    "UnixVariables",
];
const CMD: &[&str] = &["RCE_Windows"];
const POWERSHELL: &[&str] = &["RCE_PowerShell"];
const PHP: &[&str] = &["RCE_Php"];
const JAVA: &[&str] = &["RCE_Java"];
const LOG4J: &[&str] = &["Bad_Log4Shell"];
const SSRF: &[&str] = &["Bad_Ssrf"];
const RFI: &[&str] = &["RFI_Url"];
const FILES: &[&str] = &["LFI_SystemFile"];

const DESCRIPTION: &str =
    "Rules of Tollgate for the purpose, and under the names, of those that AWS has in this group.";

const QUERY: Option<Place> = Some(Place::Query);
const BODY: Option<Place> = Some(Place::Body);
const COOKIE: Option<Place> = Some(Place::Cookies);
const PATH: Option<Place> = Some(Place::Path);
const HEADER: Option<Place> = Some(Place::Headers);

const GROUPS: &[Group] = &[
    (
        "AWSManagedRulesCommonRuleSet",
        "core-rule-set",
        700,
        &[
            ("NoUserAgent_HEADER", "NoUserAgent_Header", None, &["NoUserAgent"]),
            ("UserAgent_BadBots_HEADER", "BadBots_Header", HEADER, &["Scanner_Agent"]),
            ("SizeRestrictions_QUERYSTRING", "SizeRestrictions_QueryString", None, &["QuerySize"]),
            ("SizeRestrictions_Cookie_HEADER", "SizeRestrictions_Cookie_Header", None, &["CookieSize"]),
            ("SizeRestrictions_BODY", "SizeRestrictions_Body", None, &["BodySize"]),
            ("SizeRestrictions_URIPATH", "SizeRestrictions_URIPath", None, &["PathSize"]),
            ("EC2MetaDataSSRF_BODY", "EC2MetaDataSSRF_Body", BODY, SSRF),
            ("EC2MetaDataSSRF_COOKIE", "EC2MetaDataSSRF_Cookie", COOKIE, SSRF),
            ("EC2MetaDataSSRF_URIPATH", "EC2MetaDataSSRF_URIPath", PATH, SSRF),
            ("EC2MetaDataSSRF_QUERYARGUMENTS", "EC2MetaDataSSRF_QueryArguments", QUERY, SSRF),
            ("GenericLFI_QUERYARGUMENTS", "GenericLFI_QueryArguments", QUERY, LFI),
            ("GenericLFI_URIPATH", "GenericLFI_URIPath", PATH, LFI),
            ("GenericLFI_BODY", "GenericLFI_Body", BODY, LFI),
            ("RestrictedExtensions_URIPATH", "RestrictedExtensions_URIPath", PATH, &["LFI_Path"]),
            ("RestrictedExtensions_QUERYARGUMENTS", "RestrictedExtensions_QueryArguments", QUERY, FILES),
            ("GenericRFI_QUERYARGUMENTS", "GenericRFI_QueryArguments", QUERY, RFI),
            ("GenericRFI_BODY", "GenericRFI_Body", BODY, RFI),
            ("GenericRFI_URIPATH", "GenericRFI_URIPath", PATH, RFI),
            ("CrossSiteScripting_COOKIE", "CrossSiteScripting_Cookie", COOKIE, XSS),
            ("CrossSiteScripting_QUERYARGUMENTS", "CrossSiteScripting_QueryArguments", QUERY, XSS),
            ("CrossSiteScripting_BODY", "CrossSiteScripting_Body", BODY, XSS),
            ("CrossSiteScripting_URIPATH", "CrossSiteScripting_URIPath", PATH, XSS),
        ],
    ),
    (
        "AWSManagedRulesAdminProtectionRuleSet",
        "admin-protection",
        100,
        &[("AdminProtection_URIPATH", "AdminProtection_URIPath", PATH, &["AdminPath"])],
    ),
    (
        "AWSManagedRulesKnownBadInputsRuleSet",
        "known-bad-inputs",
        200,
        &[
            ("JavaDeserializationRCE_HEADER", "JavaDeserializationRCE_Header", HEADER, JAVA),
            ("JavaDeserializationRCE_BODY", "JavaDeserializationRCE_Body", BODY, JAVA),
            ("JavaDeserializationRCE_URIPATH", "JavaDeserializationRCE_URIPath", PATH, JAVA),
            ("JavaDeserializationRCE_QUERYSTRING", "JavaDeserializationRCE_QueryString", QUERY, JAVA),
            ("Host_localhost_HEADER", "Host_Localhost_Header", None, &["HostLocalhost"]),
            ("PROPFIND_METHOD", "Propfind_Method", None, &["Propfind"]),
            ("ExploitablePaths_URIPATH", "ExploitablePaths_URIPath", PATH, FILES),
            ("Log4JRCE_HEADER", "Log4JRCE_Header", HEADER, LOG4J),
            ("Log4JRCE_QUERYSTRING", "Log4JRCE_QueryString", QUERY, LOG4J),
            ("Log4JRCE_BODY", "Log4JRCE_Body", BODY, LOG4J),
            ("Log4JRCE_URIPATH", "Log4JRCE_URIPath", PATH, LOG4J),
        ],
    ),
    (
        "AWSManagedRulesSQLiRuleSet",
        "sql-database",
        200,
        &[
            ("SQLi_QUERYARGUMENTS", "SQLi_QueryArguments", QUERY, SQLI),
            ("SQLiExtendedPatterns_QUERYARGUMENTS", "SQLiExtendedPatterns_QueryArguments", QUERY, SQLI_MORE),
            ("SQLi_BODY", "SQLi_Body", BODY, SQLI),
            ("SQLiExtendedPatterns_BODY", "SQLiExtendedPatterns_Body", BODY, SQLI_MORE),
            ("SQLi_COOKIE", "SQLi_Cookie", COOKIE, SQLI),
        ],
    ),
    (
        "AWSManagedRulesLinuxRuleSet",
        "linux-os",
        200,
        &[
            ("LFI_URIPATH", "LFI_URIPath", PATH, FILES),
            ("LFI_QUERYSTRING", "LFI_QueryString", QUERY, FILES),
            ("LFI_HEADER", "LFI_Header", HEADER, FILES),
        ],
    ),
    (
        "AWSManagedRulesUnixRuleSet",
        "posix-os",
        100,
        &[
            ("UNIXShellCommandsVariables_QUERYARGUMENTS", "UNIXShellCommandsVariables_QUERYARGUMENTS", QUERY, UNIX),
            ("UNIXShellCommandsVariables_BODY", "UNIXShellCommandsVariables_BODY", BODY, UNIX),
        ],
    ),
    (
        "AWSManagedRulesWindowsRuleSet",
        "windows-os",
        200,
        &[
            ("WindowsShellCommands_COOKIE", "WindowsShellCommands_Cookie", COOKIE, CMD),
            ("WindowsShellCommands_QUERYARGUMENTS", "WindowsShellCommands_QueryArguments", QUERY, CMD),
            ("WindowsShellCommands_BODY", "WindowsShellCommands_Body", BODY, CMD),
            ("PowerShellCommands_COOKIE", "PowerShellCommands_Cookie", COOKIE, POWERSHELL),
            ("PowerShellCommands_QUERYARGUMENTS", "PowerShellCommands_QueryArguments", QUERY, POWERSHELL),
            ("PowerShellCommands_BODY", "PowerShellCommands_Body", BODY, POWERSHELL),
        ],
    ),
    (
        "AWSManagedRulesPHPRuleSet",
        "php-app",
        100,
        &[
            ("PHPHighRiskMethodsVariables_HEADER", "PHPHighRiskMethodsVariables_Header", HEADER, PHP),
            ("PHPHighRiskMethodsVariables_QUERYSTRING", "PHPHighRiskMethodsVariables_QueryString", QUERY, PHP),
            ("PHPHighRiskMethodsVariables_BODY", "PHPHighRiskMethodsVariables_Body", BODY, PHP),
        ],
    ),
];

/// AWS's groups, made of the rules of these.
pub fn groups(sources: &[&RuleGroup]) -> Vec<Shipped> {
    let shipped = |group: &Group| {
        let (name, ..) = *group;
        Shipped { vendor: "AWS", name, description: DESCRIPTION, group: made(group, sources) }
    };
    GROUPS.iter().map(shipped).collect()
}

fn made((name, namespace, capacity, entries): &Group, sources: &[&RuleGroup]) -> RuleGroup {
    let rules = entries.iter().zip(0..).filter_map(|(entry, priority)| rule(entry, priority, sources)).collect();
    RuleGroup {
        name: (*name).to_owned(),
        arn: None,
        capacity: *capacity,
        rules,
        bodies: Default::default(),
        visibility: visibility(name),
        label_namespace: format!("awswaf:managed:aws:{namespace}:"),
        watched: None,
    }
}

fn rule((name, label, place, parts): &Entry, priority: u32, sources: &[&RuleGroup]) -> Option<Rule> {
    let of = |part: &&str| sources.iter().flat_map(|group| &group.rules).find(|rule| rule.name == **part);
    let statements = parts.iter().filter_map(of).map(|rule| rule.statement.clone());
    let statement = match place {
        None => one_of(statements.collect()),
        Some(place) => one_of(statements.filter_map(|statement| within(statement, *place)).collect()),
    };
    Some(Rule {
        name: (*name).to_owned(),
        priority,
        statement: statement?,
        action: RuleAction::Own(Action::Block(None)),
        labels: vec![(*label).to_owned()],
        captcha_immunity: None,
        challenge_immunity: None,
        visibility: visibility(name),
    })
}

fn visibility(name: &str) -> Visibility {
    Visibility { metric: name.to_owned(), measured: true, sampled: true }
}

fn one_of(mut statements: Vec<Statement>) -> Option<Statement> {
    if statements.len() > 1 { Some(Statement::Or(statements)) } else { statements.pop() }
}

/// What of a statement is about this place; None where nothing is.
fn within(statement: Statement, place: Place) -> Option<Statement> {
    let all = |inner: Vec<Statement>| inner.into_iter().filter_map(|one| within(one, place)).collect::<Vec<_>>();
    Some(match statement {
        Statement::Or(inner) => return one_of(all(inner)),
        Statement::And(inner) => {
            let count = inner.len();
            let inner = all(inner);
            return (inner.len() == count).then_some(Statement::And(inner));
        }
        Statement::Not(inner) => Statement::Not(Box::new(within(*inner, place)?)),
        Statement::Regex { target, pattern } => Statement::Regex { target: in_place(target, place)?, pattern },
        Statement::Sqli { target, sensitivity } => Statement::Sqli { target: in_place(target, place)?, sensitivity },
        Statement::Xss { target } => Statement::Xss { target: in_place(target, place)? },
        Statement::Size { target, comparison, bytes } => {
            Statement::Size { target: in_place(target, place)?, comparison, bytes }
        }
        _ => return None,
    })
}

fn in_place(target: Target, place: Place) -> Option<Target> {
    let of = match &target.field {
        Field::Inputs { places, oversize } if places.contains(&place) => {
            let field = Field::Inputs { places: vec![place], oversize: *oversize };
            return Some(Target { field, ..target });
        }
        Field::SingleHeader(_) | Field::Headers(_) => Place::Headers,
        Field::Body(_) | Field::JsonBody { .. } => Place::Body,
        Field::UriPath => Place::Path,
        Field::QueryString | Field::AllQueryArguments | Field::SingleQueryArgument(_) => Place::Query,
        Field::Cookies(_) => Place::Cookies,
        _ => return None,
    };
    (of == place).then_some(target)
}
