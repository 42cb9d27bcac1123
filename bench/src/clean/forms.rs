//! HTML forms, URL-encoded.

use super::draft::{Client, Draft};
use super::random::Random;
use super::{prose, words};

pub fn request(random: &mut Random) -> Draft {
    let draft = match random.below(7) {
        0 => sign_up(random),
        1 => contact(random),
        2 => checkout(random),
        3 => sign_in(random),
        4 => settings(random),
        5 => survey(random),
        _ => return filter(random),
    };
    draft.by(Client::Page).host("www.example.com").field("Origin", "https://www.example.com")
}

fn sign_up(random: &mut Random) -> Draft {
    let (name, email, password) = (prose::full_name(random), prose::email(random), prose::password(random));
    let token = random.base64(32);
    Draft::post("/signup").form(&[
        ("authenticity_token", &token),
        ("user[name]", &name),
        ("user[email]", &email),
        ("user[password]", &password),
        ("user[password_confirmation]", &password),
        ("user[terms]", "1"),
        ("commit", "Create account & continue »"),
    ])
}

fn contact(random: &mut Random) -> Draft {
    let (name, email, message) = (prose::full_name(random), prose::email(random), prose::text(random));
    let telephone = prose::telephone(random);
    Draft::post("/contact?lang=en").form(&[
        ("csrfmiddlewaretoken", &random.alphanumeric(64)),
        ("your-name", &name),
        ("your-email", &email),
        ("phone", &telephone),
        ("subject", prose::sentence(random)),
        ("message", &message.replace('\n', "\r\n")),
        ("g-recaptcha-response", &random.base64url(200)),
        ("_wp_http_referer", "/contact/?sent=0"),
    ])
}

fn checkout(random: &mut Random) -> Draft {
    let (name, company) = (prose::full_name(random), random.pick(&words::COMPANIES));
    Draft::post("/checkout/address").form(&[
        ("__RequestVerificationToken", &random.base64url(80)),
        ("billing.fullName", &name),
        ("billing.company", company),
        ("billing.street", random.pick(&words::STREETS)),
        ("billing.city", random.pick(&words::CITIES)),
        ("billing.zip", &random.digits(5)),
        ("billing.phone", &prose::telephone(random)),
        ("items[0][title]", random.pick(&words::PRODUCTS)),
        ("items[0][qty]", "2"),
        ("total", &format!("€{}", random.price())),
        ("comment", prose::sentence(random)),
        ("return_to", "/cart?step=3&from=checkout"),
    ])
}

fn sign_in(random: &mut Random) -> Draft {
    let (email, password) = (prose::email(random), prose::password(random));
    Draft::post("/session").form(&[
        ("utf8", "✓"),
        ("login", &email),
        ("password", &password),
        ("remember_me", "on"),
        ("next", random.pick(&["/", "/account/orders?page=1", "https://app.example.com/#/home", "/docs/../help"])),
        ("ViewState", &random.base64(300)),
    ])
}

fn settings(random: &mut Random) -> Draft {
    Draft::post("/settings/profile").form(&[
        ("_method", random.pick(&["put", "patch", "delete"])),
        ("bio", &prose::text(random)),
        ("signature", "-- \r\nAnna O'Brien | Sales & Marketing"),
        ("date_format", "%d.%m.%Y %H:%M"),
        ("time_zone", "(GMT+01:00) Amsterdam, Berlin"),
        ("colors[]", "#ff0000"),
        ("colors[]", "#00ff00"),
        ("column_order", "name,-created_at,status"),
        ("template", "Hello {{first_name}}, your order #{{id}} is {% if late %}late{% endif %}"),
    ])
}

fn survey(random: &mut Random) -> Draft {
    Draft::post("/surveys/17/answers").form(&[
        ("q1", random.pick(&["<18", "18-25", "26-40", ">40"])),
        ("q2", random.pick(&["yes", "no", "n/a", "don't know", "yes & no", "1=1, obviously"])),
        ("q3[]", random.pick(&words::TAGS)),
        ("q3[]", random.pick(&words::TAGS)),
        ("q4", prose::sentence(random)),
        ("q5", &prose::text(random)),
        ("duration_ms", &random.digits(5)),
    ])
}

/// A form whose method is GET.
fn filter(random: &mut Random) -> Draft {
    let query = super::draft::pairs(&[
        ("q", random.pick(&words::PRODUCTS)),
        ("price_min", &random.digits(2)),
        ("price_max", &random.digits(4)),
        ("brand[]", random.pick(&words::COMPANIES)),
        ("size", random.pick(&["14\"", "M/L", "42 2/3", "<10", "XL & up"])),
        ("order", random.pick(&["price asc", "name desc", "-rating", "created_at:desc"])),
        ("commit", "Search"),
    ]);
    Draft::get(format!("/catalog?{query}")).by(Client::Page).host("shop.example.com")
}
