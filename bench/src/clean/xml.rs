//! XML: SAML by POST and by redirect, SOAP, feeds, sitemaps, WebDAV.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::draft::{Client, Draft, component};
use super::random::Random;
use super::{prose, words};

pub fn request(random: &mut Random) -> Draft {
    match random.below(7) {
        0 => {
            let response = STANDARD.encode(saml(random));
            Draft::post("/saml2/idpresponse").by(Client::Page).host("auth.example.com").form(
                &[("SAMLResponse", &response), ("RelayState", &random.base64(60))]
            )
        }
        1 => Draft::get(
            format!(
                "/saml/sso?SAMLRequest={}&RelayState={}&SigAlg={}&Signature={}",
                component(&random.base64(420)),
                component("https://app.example.com/?a=1&b=2"),
                component("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"),
                component(&random.base64(256)),
            )
        ).by(Client::Page).host("auth.example.com"),
        2 | 3 => soap(random),
        4 => Draft::post("/feeds/import").by(Client::Program).text(
            "application/xml",
            format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<products>\n  <product id=\"{}\"><title>{}</title><price currency=\"EUR\">{}</price><description><![CDATA[{}]]></description></product>\n</products>\n",
                random.digits(6),
                escape(random.pick(&words::PRODUCTS)),
                random.price(),
                prose::text(random),
            ),
        ),
        5 => Draft::post("/xmlrpc").by(Client::Program).text(
            "text/xml",
            format!(
                "<?xml version=\"1.0\"?><methodCall><methodName>metaWeblog.newPost</methodName><params><param><value><string>{}</string></value></param><param><value><i4>{}</i4></value></param></params></methodCall>",
                escape(prose::sentence(random)),
                random.digits(4),
            ),
        ),
        _ => Draft::post("/ocs/v2/invoices").by(Client::Program).text(
            "application/xml; charset=utf-8",
            format!(
                "<Invoice xmlns=\"urn:oasis:names:specification:ubl:schema:xsd:Invoice-2\" xmlns:cbc=\"urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2\"><cbc:ID>2026/{}</cbc:ID><cbc:IssueDate>{}</cbc:IssueDate><cbc:Note>{}</cbc:Note><cbc:Name>{}</cbc:Name></Invoice>",
                random.digits(4),
                random.date(),
                escape(&prose::text(random)),
                escape(random.pick(&words::COMPANIES)),
            ),
        ),
    }
}

fn soap(random: &mut Random) -> Draft {
    let action = random.pick(&["GetOrder", "UpdateCustomer", "ExecuteQuery", "SelectItems"]);
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">\n  <soap:Header><wsse:Security xmlns:wsse=\"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd\"><wsse:Username>{}</wsse:Username><wsse:Password>{}</wsse:Password></wsse:Security></soap:Header>\n  <soap:Body><{action} xmlns=\"http://example.com/orders\"><id>{}</id><name>{}</name><note xsi:nil=\"true\"/><where>{}</where></{action}></soap:Body>\n</soap:Envelope>",
        escape(&prose::email(random)),
        escape(&prose::password(random)),
        random.uuid(),
        escape(&prose::full_name(random)),
        escape(random.pick(&words::CITIES))
    );
    Draft::post("/services/OrderService.svc")
        .by(Client::Program)
        .field("SOAPAction", format!("\"http://example.com/orders/{action}\""))
        .text("text/xml; charset=utf-8", body)
}

fn saml(random: &mut Random) -> String {
    let (id, moment) = (random.hex(40), random.moment());
    format!(
        "<samlp:Response xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" ID=\"_{id}\" Version=\"2.0\" IssueInstant=\"{moment}\" Destination=\"https://auth.example.com/saml2/idpresponse\"><saml:Issuer xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">https://idp.example.org/metadata</saml:Issuer><ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:SignatureValue>{}</ds:SignatureValue></ds:Signature><saml:Assertion><saml:Subject><saml:NameID Format=\"urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress\">{}</saml:NameID></saml:Subject><saml:AttributeStatement><saml:Attribute Name=\"displayName\"><saml:AttributeValue>{}</saml:AttributeValue></saml:Attribute></saml:AttributeStatement></saml:Assertion></samlp:Response>",
        random.base64(256),
        escape(&prose::email(random)),
        escape(&prose::full_name(random))
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&apos;")
}
