//! Payment services: what they send, and the calls of their clients.

use serde_json::json;

use super::draft::Draft;
use super::random::Random;
use super::{prose, words};

/// An event as Stripe sends it.
pub fn event(random: &mut Random) -> Draft {
    let body = json!({
        "id": format!("evt_{}", random.alphanumeric(24)), "object": "event", "type": random.pick(
            &["payment_intent.succeeded", "charge.refunded", "customer.deleted"]
        ), "created": random.epoch(), "livemode": false,
        "data": {
            "object": {
                "id": format!("pi_{}", random.alphanumeric(24)),
                "amount": random.below(99_999),
                "currency": "eur",
                "description": format!("{} x{}", random.pick(&words::PRODUCTS), random.within(1, 9)),
                "receipt_email": prose::email(random),
                "metadata": { "order": random.ulid(), "note": prose::sentence(random) },
                "shipping": {
                    "name": prose::full_name(random),
                    "address": {
                        "line1": random.pick(&words::STREETS),
                        "city": random.pick(&words::CITIES),
                        "postal_code": random.digits(5),
                    },
                },
                "next_action": null,
            }
        },
        "request": { "id": null, "idempotency_key": random.uuid() },
    });
    Draft::post("/webhooks/stripe")
        .field("User-Agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)")
        .field("Stripe-Signature", format!("t={},v1={}", random.epoch(), random.hex(64)))
        .json(&body)
}

/// A call as Stripe's and PayPal's clients make it.
pub fn call(random: &mut Random) -> Draft {
    if random.percent(50) {
        let name = prose::full_name(random);
        return Draft::post("/v1/payment_intents")
            .field("Authorization", format!("Bearer sk_test_{}", random.alphanumeric(24)))
            .form(&[
                ("amount", "1999"),
                ("currency", "eur"),
                ("payment_method_types[]", "card"),
                ("description", random.pick(&words::PRODUCTS)),
                ("shipping[name]", &name),
                ("shipping[address][line1]", random.pick(&words::STREETS)),
                ("metadata[note]", prose::sentence(random)),
                ("expand[]", "latest_charge"),
            ]);
    }
    Draft::post("/v2/checkout/orders").field("PayPal-Request-Id", random.uuid()).json(&json!({
        "intent": "CAPTURE",
        "purchase_units": [{
            "reference_id": random.ulid(),
            "amount": { "currency_code": "USD", "value": random.price() },
            "payee": { "email_address": prose::email(random) },
            "custom_id": "a=b;c=d",
            "soft_descriptor": "O'BRIEN*SHOP",
        }],
        "application_context": {
            "return_url": "https://shop.example.com/return?step=1&ok=yes",
            "cancel_url": "https://shop.example.com/cancel",
        },
    }))
}
