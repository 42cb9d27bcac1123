//! Which feed.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::{InvalidId, PoolId};

/// One feed a pool, and one for what belongs to no pool. As text: the pool's id, or `global` (which no pool can be called: a
/// pool id has an underscore).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum FeedName {
    Global,
    Pool(PoolId),
}

impl FeedName {
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        if text == "global" { Ok(Self::Global) } else { PoolId::parse(text).map(Self::Pool) }
    }

    pub fn as_str(&self) -> &str {
        match self {
            Self::Global => "global",
            Self::Pool(pool) => pool.as_str(),
        }
    }
}

impl fmt::Display for FeedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<PoolId> for FeedName {
    fn from(pool: PoolId) -> Self {
        Self::Pool(pool)
    }
}

impl TryFrom<String> for FeedName {
    type Error = InvalidId;
    fn try_from(text: String) -> Result<Self, InvalidId> {
        Self::parse(&text)
    }
}

impl From<FeedName> for String {
    fn from(name: FeedName) -> String {
        name.as_str().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_a_pool_or_global() {
        assert_eq!(FeedName::parse("global").unwrap(), FeedName::Global);
        assert_eq!(FeedName::parse("eu-1_Ab9").unwrap().as_str(), "eu-1_Ab9");
        assert!(FeedName::parse("Global").is_err());
        assert!(FeedName::parse("").is_err());
    }
}
