//! What refers to what, and what edges must be told when that changes. Pure.

use std::collections::{BTreeMap, BTreeSet};

use common::ids::PoolId;

use super::model::{Address, Kind};

/// All that there is, without its contents, as of one version.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    pub version: u64,
    /// By id.
    pub nodes: BTreeMap<String, Node>,
    /// Ids that each refers to, by its id.
    pub uses: BTreeMap<String, BTreeSet<String>>,
    /// The web ACL's id of each pool that has one.
    pub pools: BTreeMap<PoolId, String>,
}

#[derive(Clone, Debug)]
pub struct Node {
    pub kind: Kind,
    pub name: String,
    /// Of its body.
    pub bytes: u64,
    pub capacity: u64,
}

/// One thing that the edges of a pool must be told. The strings are ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A set or a group.
    Part(String),
    WebAcl(String),
    NoWebAcl,
    NoPart(String),
}

impl Graph {
    pub fn named(&self, kind: Kind, name: &str) -> Option<&str> {
        let mut found = self.nodes.iter().filter(|(_, node)| node.kind == kind && node.name == name);
        found.next().map(|(id, _)| id.as_str())
    }

    /// The one that this names wholly.
    pub fn at(&self, address: Address<'_>) -> Option<&Node> {
        self.nodes.get(address.id).filter(|node| node.kind == address.kind && node.name == address.name)
    }

    pub fn count(&self, kind: Kind) -> usize {
        self.nodes.values().filter(|node| node.kind == kind).count()
    }

    /// Names of those that refer to it.
    pub fn users<'g>(&'g self, id: &'g str) -> impl Iterator<Item = &'g str> + 'g {
        let holders = self.uses.iter().filter(move |(_, targets)| targets.contains(id));
        holders.filter_map(|(holder, _)| self.nodes.get(holder)).map(|node| node.name.as_str())
    }

    /// Pools before which this web ACL stands.
    pub fn pools_of<'g>(&'g self, web_acl: &'g str) -> impl Iterator<Item = &'g PoolId> + 'g {
        self.pools.iter().filter(move |(_, of)| *of == web_acl).map(|(pool, _)| pool)
    }

    /// Everything that it refers to, in any number of steps, without it.
    pub fn behind(&self, id: &str) -> BTreeSet<&str> {
        let mut reached = BTreeSet::new();
        let mut waiting: Vec<&str> = self.uses.get(id).into_iter().flatten().map(String::as_str).collect();
        while let Some(next) = waiting.pop() {
            if reached.insert(next) {
                waiting.extend(self.uses.get(next).into_iter().flatten().map(String::as_str));
            }
        }
        reached
    }

    /// Bytes of a web ACL and of everything behind it.
    pub fn weight(&self, web_acl: &str) -> u64 {
        let bytes = |id: &str| self.nodes.get(id).map_or(0, |node| node.bytes);
        self.behind(web_acl).into_iter().map(bytes).sum::<u64>() + bytes(web_acl)
    }
}

/// What the edges of each pool must be told so that they have what `after` says, where they have what `before` said. `touched`: what has another
/// content now. What is referred to comes before what refers to it, and goes after it.
pub fn steps(before: &Graph, after: &Graph, touched: &BTreeSet<String>) -> BTreeMap<PoolId, Vec<Step>> {
    let pools: BTreeSet<&PoolId> = before.pools.keys().chain(after.pools.keys()).collect();
    let told = pools.into_iter().map(|pool| (pool.clone(), steps_of(pool, before, after, touched)));
    told.filter(|(_, steps)| !steps.is_empty()).collect()
}

fn steps_of(pool: &PoolId, before: &Graph, after: &Graph, touched: &BTreeSet<String>) -> Vec<Step> {
    let (was, is) = (before.pools.get(pool), after.pools.get(pool));
    let had = was.map(|id| before.behind(id)).unwrap_or_default();
    let has = is.map(|id| after.behind(id)).unwrap_or_default();
    let mut new: Vec<&str> = has.iter().copied().filter(|id| !had.contains(id) || touched.contains(*id)).collect();
    new.sort_by_key(|id| after.nodes.get(*id).map(|node| node.kind));
    let web_acl = match (was, is) {
        (_, Some(is)) if was != Some(is) || touched.contains(is) => Some(Step::WebAcl(is.clone())),
        (Some(_), None) => Some(Step::NoWebAcl),
        _ => None,
    };
    let mut gone: Vec<&str> = had.iter().copied().filter(|id| !has.contains(id)).collect();
    gone.sort_by_key(|id| std::cmp::Reverse(before.nodes.get(*id).map(|node| node.kind)));
    let gone = gone.into_iter().map(|id| Step::NoPart(id.to_owned()));
    new.into_iter().map(|id| Step::Part(id.to_owned())).chain(web_acl).chain(gone).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(name: &str) -> PoolId {
        PoolId::parse(format!("eu_{name}")).unwrap()
    }

    fn ids<const N: usize>(ids: [&str; N]) -> BTreeSet<String> {
        ids.map(str::to_owned).into()
    }

    /// A web ACL `a` with a group `g` and a set `s`, the group with the patterns `p`; another, `b`, with the set.
    fn graph() -> Graph {
        let node = |kind, bytes| Node { kind, name: "n".into(), bytes, capacity: 0 };
        Graph {
            version: 1,
            nodes: [
                ("a", node(Kind::WebAcl, 1)),
                ("b", node(Kind::WebAcl, 10)),
                ("g", node(Kind::RuleGroup, 100)),
                ("s", node(Kind::IpSet, 1_000)),
                ("p", node(Kind::RegexSet, 10_000)),
            ]
            .map(|(id, node)| (id.to_owned(), node))
            .into(),
            uses: [("a", ids(["g", "s"])), ("b", ids(["s"])), ("g", ids(["p", "s"]))]
                .map(|(id, uses)| (id.to_owned(), uses))
                .into(),
            pools: BTreeMap::new(),
        }
    }

    fn with(graph: &Graph, name: &str, web_acl: &str) -> Graph {
        let mut graph = graph.clone();
        graph.pools.insert(pool(name), web_acl.to_owned());
        graph
    }

    fn part(id: &str) -> Step {
        Step::Part(id.into())
    }

    #[test]
    fn an_association_brings_everything_and_its_end_takes_it_away() {
        let (none, some) = (graph(), with(&graph(), "x", "a"));
        let acl = Step::WebAcl("a".into());
        let came = steps(&none, &some, &ids([]));
        assert_eq!(came, [(pool("x"), vec![part("s"), part("p"), part("g"), acl])].into());
        let gone = |id: &str| Step::NoPart(id.into());
        let went = steps(&some, &none, &ids([]));
        assert_eq!(went, [(pool("x"), vec![Step::NoWebAcl, gone("g"), gone("p"), gone("s")])].into());
        assert_eq!((some.weight("a"), some.weight("b")), (11_101, 1_010));
    }

    #[test]
    fn a_changed_set_goes_to_every_pool_that_uses_it_and_to_no_other() {
        let graph = with(&with(&with(&graph(), "x", "a"), "y", "b"), "z", "b");
        let told = steps(&graph, &graph, &ids(["s"]));
        assert_eq!(told.into_iter().collect::<Vec<_>>(), ["x", "y", "z"].map(|name| (pool(name), vec![part("s")])));
        let told = steps(&graph, &graph, &ids(["p"]));
        assert_eq!(told, [(pool("x"), vec![part("p")])].into());
        assert_eq!(steps(&graph, &graph, &ids([])), BTreeMap::new());
    }

    #[test]
    fn another_web_acl_takes_over_what_both_use() {
        let (before, after) = (with(&graph(), "x", "a"), with(&graph(), "x", "b"));
        let told = steps(&before, &after, &ids([]));
        let gone = |id: &str| Step::NoPart(id.into());
        assert_eq!(told, [(pool("x"), vec![Step::WebAcl("b".into()), gone("g"), gone("p")])].into());
        let told = steps(&after, &before, &ids([]));
        assert_eq!(told, [(pool("x"), vec![part("p"), part("g"), Step::WebAcl("a".into())])].into());
    }

    #[test]
    fn a_changed_web_acl_brings_what_it_newly_uses() {
        let before = with(&graph(), "x", "b");
        let mut after = before.clone();
        after.uses.insert("b".into(), ids(["p"]));
        let told = steps(&before, &after, &ids(["b"]));
        let expected = vec![part("p"), Step::WebAcl("b".into()), Step::NoPart("s".into())];
        assert_eq!(told, [(pool("x"), expected)].into());
    }
}
