//! Tests over every operation: a request made from its table is accepted, and no spoilt one does harm.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::exception::Exception;
use crate::fault::Fault;
use crate::operation::Decoder;
use crate::shape::{Kind, Presence, Shape, Structure};
use crate::specimens::{TEXTS, request as sample};
use crate::{identity, idp, waf};

fn decoders() -> impl Iterator<Item = &'static Decoder> {
    idp::op::DECODERS.iter().chain(identity::op::DECODERS).chain(waf::op::DECODERS)
}

fn decode(decoder: &Decoder, request: Map<String, Value>) -> Result<(), Fault> {
    (decoder.decode)(&serde_json::to_vec(&request).unwrap())
}

#[test]
fn every_operation_accepts_what_its_table_allows() {
    for decoder in decoders() {
        for wanted in [&[Presence::Required, Presence::Optional][..], &[Presence::Required]] {
            let request = sample((decoder.shape)(), wanted);
            decode(decoder, request).unwrap_or_else(|fault| panic!("{}: {fault:?}", decoder.name));
        }
    }
}

#[test]
fn every_required_member_is_missed() {
    for decoder in decoders() {
        for member in (decoder.shape)().members.iter().filter(|member| member.presence == Presence::Required) {
            for absent in [None, Some(Value::Null)] {
                let mut request = sample((decoder.shape)(), &[Presence::Required]);
                request.remove(member.name);
                request.extend(absent.map(|null| (member.name.to_owned(), null)));
                let fault = decode(decoder, request).unwrap_err();
                let name = format!("{}{}", member.name[..1].to_lowercase(), &member.name[1..]);
                let expected = "failed to satisfy constraint: Member must not be null";
                assert_eq!(fault.message, format!("1 validation error detected: Value null at '{name}' {expected}"));
                assert_eq!(fault.exception, decoder.service.violation());
            }
        }
    }
}

/// A member whose name the Rust type did not know would be ignored in silence. So each is given a value that no type takes.
#[test]
fn types_know_every_member_of_their_tables() {
    for decoder in decoders() {
        let request = Value::Object(sample((decoder.shape)(), &[Presence::Required, Presence::Optional]));
        let mut spoilt = 0;
        for_each_spoilt(&request, (decoder.shape)(), &mut |path, value| {
            spoilt += 1;
            assert!(!(decoder.fits_type)(value), "{} ignores {path}", decoder.name);
        });
        assert!(spoilt >= 1 && (decoder.fits_type)(request), "{}", decoder.name);
    }
}

fn for_each_spoilt(request: &Value, structure: &Structure, visit: &mut dyn FnMut(&str, Value)) {
    let mut places = Vec::new();
    collect_places(request, structure, "", &mut places);
    for (pointer, wrong) in places {
        let mut spoilt = request.clone();
        *spoilt.pointer_mut(&pointer).unwrap() = wrong;
        visit(&pointer, spoilt);
    }
}

/// JSON pointers to every member, each with a value of a type that it does not have.
fn collect_places(value: &Value, structure: &Structure, at: &str, places: &mut Vec<(String, Value)>) {
    for member in structure.members {
        let pointer = format!("{at}/{}", member.name);
        let value = &value[member.name];
        match &member.shape.kind {
            Kind::Document => continue,
            Kind::Boolean => places.push((pointer.clone(), json!("x"))),
            _ => places.push((pointer.clone(), json!(true))),
        }
        match &member.shape.kind {
            Kind::Structure(inner) => collect_places(value, inner, &pointer, places),
            Kind::List { item: Shape { kind: Kind::Structure(inner), .. }, .. } => {
                collect_places(&value[0], inner, &format!("{pointer}/0"), places);
            }
            Kind::Map { value: Shape { kind: Kind::Structure(inner), .. }, .. } => {
                let (name, entry) = value.as_object().unwrap().iter().next().unwrap();
                collect_places(entry, inner, &format!("{pointer}/{name}"), places);
            }
            _ => {}
        }
    }
}

fn arbitrary_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        proptest::sample::select(TEXTS).prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::btree_map(any::<String>(), inner, 0..6)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

/// Puts `spoilt` in the place of the node that the steps lead to.
fn spoil(value: &mut Value, steps: &[usize], spoilt: Value) {
    let count = match value {
        Value::Array(items) => items.len(),
        Value::Object(members) => members.len(),
        _ => 0,
    };
    match (steps.split_first(), value) {
        (Some((step, rest)), Value::Array(items)) if count > 0 => spoil(&mut items[step % count], rest, spoilt),
        (Some((step, rest)), Value::Object(members)) if count > 0 => {
            spoil(members.values_mut().nth(step % count).unwrap(), rest, spoilt);
        }
        (_, value) => *value = spoilt,
    }
}

/// A spoilt request is accepted or refused in one of three ways; tables and types never disagree.
fn assert_orderly(result: Result<(), Fault>) -> Result<(), TestCaseError> {
    if let Err(fault) = result {
        let known = [Exception::InvalidParameter, Exception::Validation, Exception::Serialization];
        prop_assert!(known.contains(&fault.exception), "{fault:?}");
        prop_assert!(fault.cause().is_none(), "table and type disagree: {fault:?}");
        prop_assert!(fault.message.len() < 512 << 10);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn spoilt_requests_are_refused_in_order(
        which in any::<proptest::sample::Index>(),
        steps in proptest::collection::vec(0_usize..40, 1..7),
        spoilt in arbitrary_json(),
    ) {
        let all: Vec<&Decoder> = decoders().collect();
        let decoder = all[which.index(all.len())];
        let mut request = Value::Object(sample((decoder.shape)(), &[Presence::Required, Presence::Optional]));
        spoil(&mut request, &steps, spoilt);
        assert_orderly((decoder.decode)(&serde_json::to_vec(&request).unwrap()))?;
    }

    #[test]
    fn arbitrary_bytes_are_refused_in_order(which in any::<proptest::sample::Index>(), body in any::<Vec<u8>>()) {
        let all: Vec<&Decoder> = decoders().collect();
        assert_orderly((all[which.index(all.len())].decode)(&body))?;
    }
}
