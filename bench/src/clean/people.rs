//! Names, addresses, telephone numbers and passwords, in all places of a request.

use serde_json::json;

use super::draft::{Client, Draft, component, pairs};
use super::random::Random;
use super::{prose, words};

pub fn request(random: &mut Random) -> Draft {
    let name = prose::full_name(random);
    match random.below(7) {
        0 => Draft::get(format!("/people?name={}&city={}", component(&name), component(random.pick(&words::CITIES)))),
        1 => {
            let query = pairs(&[
                ("last", random.pick(&words::LAST)),
                ("first", random.pick(&words::FIRST)),
                ("match", "fuzzy"),
            ]);
            Draft::get(format!("/directory/search?{query}"))
        }
        2 => Draft::get(format!("/people/{}", component(&name.replace(' ', "-")))),
        3 => Draft::post("/customers").by(Client::Script).json(&json!({
            "name": name, "aka": [
                random.pick(&words::LAST),
                "'Bobby'",
                "Bob \"the Builder\"",
            ], "company": random.pick(&words::COMPANIES),
            "address": {
                "line1": random.pick(&words::STREETS),
                "line2": "2nd floor; ring 'Or'",
                "city": random.pick(&words::CITIES),
                "zip": random.digits(5),
            },
            "phone": prose::telephone(random), "email": prose::email(random), "note": prose::sentence(random),
        })),
        4 => {
            let (password, email) = (prose::password(random), prose::email(random));
            Draft::post("/v1/auth/login")
                .by(Client::Script)
                .json(&json!({ "email": email, "password": password, "remember": true }))
        }
        5 => {
            let (old, new) = (prose::password(random), prose::password(random));
            Draft::post("/account/password").by(Client::Page).form(&[
                ("current", &old),
                ("new", &new),
                ("new_again", &new),
            ])
        }
        _ => {
            let contact = format!(
                "BEGIN:VCARD\r\nVERSION:4.0\r\nFN:{name}\r\nORG:{};Sales & Support\r\nADR;TYPE=home:;;{};{};;{};\r\nTEL;VALUE=uri:tel:{}\r\nEMAIL:{}\r\nNOTE:{}\r\nEND:VCARD\r\n",
                random.pick(&words::COMPANIES),
                random.pick(&words::STREETS),
                random.pick(&words::CITIES),
                random.digits(5),
                prose::telephone(random),
                prose::email(random),
                prose::sentence(random)
            );
            Draft::post("/contacts/import").by(Client::Script).json(&json!({ "format": "vcard", "text": contact }))
        }
    }
}
