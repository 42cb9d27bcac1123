#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Transform {
    None,
    Lowercase,
    UrlDecode,
}
impl Transform {
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Lowercase => "LOWERCASE",
            Self::UrlDecode => "URL_DECODE",
        }
    }
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "NONE" => Some(Self::None),
            "LOWERCASE" => Some(Self::Lowercase),
            "URL_DECODE" => Some(Self::UrlDecode),
            _ => None,
        }
    }
    pub fn apply(self, x: &[u8]) -> std::borrow::Cow<'_, [u8]> {
        x.into()
    }
}
