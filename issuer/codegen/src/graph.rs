//! Which shapes are read, which are written, and what can be said about each.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::Error;
use crate::spec::{Kind, Shape, Spec};

/// A spec with the questions that generation asks of it answered.
#[derive(Debug)]
pub struct Graph<'a> {
    pub spec: &'a Spec,
    /// Shapes a request can hold: these have validation tables.
    pub read: BTreeSet<&'a str>,
    /// Shapes that are the whole input or output of an operation, to the operation's name.
    pub requests: BTreeMap<&'a str, &'a str>,
    pub responses: BTreeMap<&'a str, &'a str>,
}

impl<'a> Graph<'a> {
    pub fn new(spec: &'a Spec) -> Result<Self, Error> {
        let mut graph = Self { spec, read: BTreeSet::new(), requests: BTreeMap::new(), responses: BTreeMap::new() };
        for (name, operation) in &spec.operations {
            graph.requests.insert(&operation.input.shape, name);
            let read = graph.reach(&operation.input.shape, &mut Vec::new())?;
            graph.read.extend(read);
            if let Some(output) = &operation.output {
                graph.reach(&output.shape, &mut Vec::new())?;
                // One shape may answer several operations (IdentityPool): the first names it.
                graph.responses.entry(&output.shape).or_insert(name);
            }
        }
        Ok(graph)
    }

    pub fn shape(&self, name: &str) -> Result<&'a Shape, Error> {
        self.spec.shapes.get(name).ok_or_else(|| Error::MissingShape(name.to_owned()))
    }

    /// Structures that are neither the whole input nor the whole output of an operation.
    pub fn nested(&self) -> impl Iterator<Item = (&'a str, &'a Shape)> {
        self.spec.shapes.iter().map(|(name, shape)| (name.as_str(), shape)).filter(|(name, shape)| {
            let whole = self.requests.contains_key(name) || self.responses.contains_key(name);
            shape.is_structure() && !shape.exception && !whole
        })
    }

    /// Whether the Rust type has a default: an enum has no natural one, so a structure that requires one has none either.
    pub fn has_default(&self, name: &str) -> Result<bool, Error> {
        let shape = self.shape(name)?;
        if shape.is_enum() {
            return Ok(false);
        }
        for required in &shape.required {
            if let Some(member) = shape.members.get(required)
                && !self.has_default(&member.shape)?
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn reach(&self, name: &'a str, path: &mut Vec<&'a str>) -> Result<BTreeSet<&'a str>, Error> {
        if path.contains(&name) {
            return Err(Error::RecursiveShape(name.to_owned()));
        }
        let shape = self.shape(name)?;
        let complete = match shape.kind {
            Kind::List => shape.member.is_some(),
            Kind::Map => shape.key.is_some() && shape.value.is_some(),
            _ => true,
        };
        if !complete {
            return Err(Error::IncompleteShape(name.to_owned()));
        }
        path.push(name);
        let mut reached = BTreeSet::from([name]);
        for part in shape.parts() {
            reached.extend(self.reach(part, path)?);
        }
        path.pop();
        Ok(reached)
    }
}
