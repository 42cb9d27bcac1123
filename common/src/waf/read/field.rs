//! The field to match, and the transformations.

use super::Invalid;
use super::node::{Node, Object};
use crate::waf::Transform;
use crate::waf::model::{
    BodyFallback, CookieFilter, Fallback, Field, HeaderFilter, JsonPaths, NameFilter, Oversize, Place, PreParse, Scope,
    Target,
};

/// Transformations of one kind that a statement may have (AWS's quota).
const MAX_TRANSFORMS: usize = 10;

/// The members of a statement that say what it inspects.
pub fn target(object: &mut Object<'_>) -> Result<Target, Invalid> {
    let node = object.required("FieldToMatch")?;
    let field = field(node)?;
    let transforms = transforms(&object.required("TextTransformations")?)?;
    let pre = match object.optional("PreParseTextTransformations") {
        None => Vec::new(),
        Some(node) => {
            let node = node.named("PRE_PARSE_TEXT_TRANSFORMATION");
            if !matches!(field, Field::SingleQueryArgument(_) | Field::AllQueryArguments) {
                return Err(node.invalid("is for SingleQueryArgument and AllQueryArguments only"));
            }
            by_priority(&node, |kind| kind.choice(&PRE_PARSE))?
        }
    };
    Ok(Target { field, pre, transforms })
}

const PRE_PARSE: [(&str, PreParse); 5] = [
    ("NONE", PreParse::None),
    ("URL_DECODE", PreParse::UrlDecode),
    ("URL_DECODE_UNI", PreParse::UrlDecodeUni),
    ("COMBINE_DUPLICATE_QUERY_ARGS_BY_COMMA", PreParse::CombineDuplicates),
    ("REPLACE_SEMICOLONS_WITH_AMPERSANDS", PreParse::SemicolonsToAmpersands),
];

/// In the order of their priorities. NONE does nothing, so it is left out.
pub fn transforms(node: &Node<'_>) -> Result<Vec<Transform>, Invalid> {
    let node = node.clone().named("TEXT_TRANSFORMATION");
    let mut transforms = by_priority(&node, |kind| {
        let name = kind.text()?;
        Transform::named(name).ok_or_else(|| kind.invalid("is no text transformation"))
    })?;
    transforms.retain(|transform| *transform != Transform::None);
    Ok(transforms)
}

fn by_priority<T>(node: &Node<'_>, kind: impl Fn(&Node<'_>) -> Result<T, Invalid>) -> Result<Vec<T>, Invalid> {
    let mut found: Vec<(u64, T)> = Vec::new();
    for item in node.items(1..=MAX_TRANSFORMS)? {
        let mut object = item.object()?;
        let at = object.required("Priority")?;
        let priority = at.number(0..=i32::MAX as u64)?;
        if found.iter().any(|(other, _)| *other == priority) {
            return Err(at.invalid("stands here twice"));
        }
        found.push((priority, kind(&object.required("Type")?)?));
        object.finish()?;
    }
    found.sort_by_key(|(priority, _)| *priority);
    Ok(found.into_iter().map(|(_, kind)| kind).collect())
}

pub fn field(node: Node<'_>) -> Result<Field, Invalid> {
    let (name, inner) = node.named("FIELD_TO_MATCH").union()?;
    Ok(match name {
        "SingleHeader" => Field::SingleHeader(one_name(inner.named("SINGLE_HEADER"), 64)?.to_ascii_lowercase()),
        "SingleQueryArgument" => {
            Field::SingleQueryArgument(one_name(inner.named("SINGLE_QUERY_ARGUMENT"), 64)?.to_ascii_lowercase())
        }
        "Claim" => Field::Claim(one_name(inner, 512)?.to_owned()),
        "Inputs" => inputs(inner.object()?)?,
        "AllQueryArguments" => plain(inner, Field::AllQueryArguments)?,
        "UriPath" => plain(inner, Field::UriPath)?,
        "QueryString" => plain(inner, Field::QueryString)?,
        "Method" => plain(inner, Field::Method)?,
        "Headers" => headers(inner.named("HEADER_MATCH_PATTERN").object()?)?,
        "Cookies" => cookies(inner.named("COOKIE_MATCH_PATTERN").object()?)?,
        "JsonBody" => json_body(inner.named("JSON_MATCH_PATTERN").object()?)?,
        "Body" => {
            let mut object = inner.object()?;
            let oversize = oversize(object.optional("OversizeHandling"))?;
            object.finish()?;
            Field::Body(oversize.unwrap_or(Oversize::Continue))
        }
        "HeaderOrder" => {
            let mut object = inner.object()?;
            let oversize = oversize(Some(object.required("OversizeHandling")?))?;
            object.finish()?;
            Field::HeaderOrder(oversize.unwrap_or(Oversize::Continue))
        }
        "JA3Fingerprint" => Field::Ja3(only_fallback(inner)?),
        "JA4Fingerprint" => Field::Ja4(only_fallback(inner)?),
        "UriFragment" => {
            let mut object = inner.named("FALLBACK_BEHAVIOR").object()?;
            let told = object.optional("FallbackBehavior").map(|node| fallback(&node)).transpose()?;
            object.finish()?;
            Field::UriFragment(told.unwrap_or(Fallback::Match))
        }
        _ => return Err(inner.invalid("is no field to match")),
    })
}

fn inputs(mut object: Object<'_>) -> Result<Field, Invalid> {
    let list = object.required("Places")?;
    let mut places: Vec<Place> = Vec::new();
    for item in list.items(1..=5)? {
        let place = item.choice(&[
            ("QUERY", Place::Query),
            ("BODY", Place::Body),
            ("COOKIES", Place::Cookies),
            ("PATH", Place::Path),
            ("HEADERS", Place::Headers),
        ])?;
        if places.contains(&place) {
            return Err(item.invalid("stands here twice"));
        }
        places.push(place);
    }
    let oversize = oversize(object.optional("OversizeHandling"))?.unwrap_or(Oversize::Continue);
    object.finish()?;
    Ok(Field::Inputs { places, oversize })
}

fn plain(node: Node<'_>, field: Field) -> Result<Field, Invalid> {
    node.nothing_in_it().map(|()| field)
}

fn one_name(node: Node<'_>, chars: usize) -> Result<&str, Invalid> {
    let mut object = node.object()?;
    let name = object.required("Name")?.text_of(1..=chars)?;
    object.finish()?;
    Ok(name)
}

pub fn only_fallback(node: Node<'_>) -> Result<Fallback, Invalid> {
    let mut object = node.named("FALLBACK_BEHAVIOR").object()?;
    let told = fallback(&object.required("FallbackBehavior")?)?;
    object.finish()?;
    Ok(told)
}

pub fn fallback(node: &Node<'_>) -> Result<Fallback, Invalid> {
    node.choice(&[("MATCH", Fallback::Match), ("NO_MATCH", Fallback::NoMatch)])
}

fn oversize(node: Option<Node<'_>>) -> Result<Option<Oversize>, Invalid> {
    let choices = [("CONTINUE", Oversize::Continue), ("MATCH", Oversize::Match), ("NO_MATCH", Oversize::NoMatch)];
    node.map(|node| node.named("OVERSIZE_HANDLING").choice(&choices)).transpose()
}

fn scope(node: &Node<'_>) -> Result<Scope, Invalid> {
    node.choice(&[("ALL", Scope::All), ("KEY", Scope::Key), ("VALUE", Scope::Value)])
}

fn headers(mut object: Object<'_>) -> Result<Field, Invalid> {
    let names = names(object.required("MatchPattern")?, ["IncludedHeaders", "ExcludedHeaders"], 64)?;
    let scope = scope(&object.required("MatchScope")?.named("MAP_MATCH_SCOPE"))?;
    let oversize = oversize(Some(object.required("OversizeHandling")?))?.unwrap_or(Oversize::Continue);
    object.finish()?;
    Ok(Field::Headers(HeaderFilter { names: names.in_lower_case(), scope, oversize }))
}

fn cookies(mut object: Object<'_>) -> Result<Field, Invalid> {
    let names = names(object.required("MatchPattern")?, ["IncludedCookies", "ExcludedCookies"], 60)?;
    let scope = scope(&object.required("MatchScope")?.named("MAP_MATCH_SCOPE"))?;
    let oversize = oversize(Some(object.required("OversizeHandling")?))?.unwrap_or(Oversize::Continue);
    object.finish()?;
    Ok(Field::Cookies(CookieFilter { names, scope, oversize }))
}

fn names(node: Node<'_>, [included, excluded]: [&str; 2], chars: usize) -> Result<NameFilter, Invalid> {
    let (name, inner) = node.union()?;
    let list = || -> Result<Vec<String>, Invalid> {
        inner.items(1..=199)?.map(|item| Ok(item.text_of(1..=chars)?.to_owned())).collect()
    };
    if name == "All" {
        inner.clone().nothing_in_it().map(|()| NameFilter::All)
    } else if name == included {
        Ok(NameFilter::Only(list()?))
    } else if name == excluded {
        Ok(NameFilter::Except(list()?))
    } else {
        Err(inner.invalid(format!("must be All, {included} or {excluded}")))
    }
}

fn json_body(mut object: Object<'_>) -> Result<Field, Invalid> {
    let (name, inner) = object.required("MatchPattern")?.union()?;
    let paths = match name {
        "All" => inner.nothing_in_it().map(|()| JsonPaths::All)?,
        "IncludedPaths" => JsonPaths::Only(
            inner.items(1..=usize::MAX)?.map(|item| pointer(&item).map(str::to_owned)).collect::<Result<_, _>>()?,
        ),
        _ => return Err(inner.invalid("must be All or IncludedPaths")),
    };
    let scope = scope(&object.required("MatchScope")?.named("JSON_MATCH_SCOPE"))?;
    let invalid = object.optional("InvalidFallbackBehavior").map(|node| {
        node.named("BODY_PARSING_FALLBACK_BEHAVIOR").choice(&[
            ("MATCH", BodyFallback::Match),
            ("NO_MATCH", BodyFallback::NoMatch),
            ("EVALUATE_AS_STRING", BodyFallback::AsString),
        ])
    });
    let invalid = invalid.transpose()?.unwrap_or(BodyFallback::UpToError);
    let oversize = oversize(object.optional("OversizeHandling"))?.unwrap_or(Oversize::Continue);
    object.finish()?;
    Ok(Field::JsonBody { paths, scope, invalid, oversize })
}

/// RFC 6901.
fn pointer<'j>(node: &Node<'j>) -> Result<&'j str, Invalid> {
    let text = node.text_of(1..=512)?;
    let escapes = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    if text.starts_with('/') && escapes { Ok(text) } else { Err(node.invalid("is no JSON pointer")) }
}

impl NameFilter {
    fn in_lower_case(self) -> Self {
        let lower = |names: Vec<String>| names.into_iter().map(|name| name.to_ascii_lowercase()).collect();
        match self {
            Self::All => Self::All,
            Self::Only(names) => Self::Only(lower(names)),
            Self::Except(names) => Self::Except(lower(names)),
        }
    }
}
