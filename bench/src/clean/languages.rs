//! Texts in several scripts, in JSON, forms, paths and queries.

use serde_json::json;

use super::draft::{Client, Draft, component, pairs};
use super::random::Random;

const SENTENCES: [&str; 44] = [
    "Здравствуйте, когда будет доставлен мой заказ № 4711?",
    "Мама мыла раму; папа — «читал» газету.",
    "Скидка 20% — только до 31.12!",
    "Выберите стол и стулья (или скамью).",
    "Добрий день, чи можна змінити адресу?",
    "Объединение таблиц: выбрать всё из списка",
    "Καλημέρα, πού είναι η παραγγελία μου;",
    "Η τιμή είναι 12,50 € (με ΦΠΑ).",
    "Δεν μπορώ να συνδεθώ!",
    "مرحبا، أين طلبي رقم ٤٧١١؟",
    "السعر ١٢٫٥٠ ريال فقط!",
    "لا أستطيع تسجيل الدخول؛ ساعدوني",
    "שלום, מתי יגיע המשלוח שלי?",
    "ז'בוטינסקי 7, ת\"א",
    "צה\"ל; ג'ירפה ועוד",
    "你好，请问我的订单什么时候发货？",
    "选择“全部”或“部分”，然后点击〈保存〉。",
    "价格：￥12.50（含税）",
    "我不能登录；密码＝忘记了",
    "訂單編號：４７１１、數量：３",
    "請選擇表格中的聯合優惠",
    "こんにちは、注文はいつ届きますか？",
    "「保存」ボタンを押しても動きません…",
    "価格は１２，５００円です（税込）。",
    "ＳＥＬＥＣＴボタンがない；どうすれば？",
    "東京都千代田区丸の内1-1-1 〇〇ビル＜3階＞",
    "안녕하세요, 주문은 언제 배송되나요?",
    "가격은 12,500원입니다 (부가세 포함).",
    "로그인할 수 없어요ㅠㅠ",
    "नमस्ते, मेरा ऑर्डर कहाँ है?",
    "कीमत ₹१२५० है।",
    "สวัสดีค่ะ สินค้าจะมาถึงเมื่อไหร่",
    "ราคา ๑๒.๕๐ บาท",
    "Xin chào, đơn hàng của tôi đâu rồi?",
    "Ğüzel bir gün; İstanbul'da hava açık",
    "L'été, c'est où qu'on va ? « À la plage ! »",
    "¿Dónde está mi pedido? ¡Ayuda!",
    "Größe 42½ – Straße „Am Löß“",
    "Žluťoučký kůň úpěl ďábelské ódy",
    "Zażółć gęślą jaźń",
    "Ein Glas Wasser & 'ne Brezel, bitte",
    "🎉🎊 Alles Gute! 🎂👩‍❤️‍👨",
    "❤️‍🔥 so good 😋👍🏽 10/10",
    "(╯°□°)╯︵ ┻━┻ ¯\\_(ツ)_/¯",
];

pub fn request(random: &mut Random) -> Draft {
    let words = text(random);
    match random.below(8) {
        0 => Draft::get(format!("/search?q={}", component(&words))).by(Client::Page).host("www.example.com"),
        1 => Draft::get(format!("/wiki/{}", component(&sentence(random).replace(['/', '?', ' '], "_"))))
            .by(Client::Page)
            .host("www.example.com"),
        2 => Draft::post("/comments").by(Client::Page).form(&[
            ("author", sentence(random)),
            ("text", &words),
            ("utf8", "✓"),
        ]),
        3 => Draft::post("/api/messages").by(Client::Script).json(&json!({
            "to": random.uuid(),
            "text": words,
            "locale": random.pick(&["ru", "el", "ar", "he", "zh-CN", "ja", "ko", "hi"]),
        })),
        4 => Draft::post("/api/translate")
            .by(Client::Program)
            .json(&json!({ "q": [words, sentence(random)], "source": "auto", "target": "en", "format": "text" })),
        5 => Draft::post("/api/translate").by(Client::Program).text("application/json", escaped(&words)),
        6 => Draft::post("/notes").by(Client::Program).text("text/plain; charset=utf-8", words),
        _ => Draft::get(format!(
            "/catalog/items?{}",
            pairs(&[("title", sentence(random)), ("category", sentence(random)), ("page", "2")]),
        ))
        .by(Client::Script),
    }
}

/// One or more sentences.
pub fn text(random: &mut Random) -> String {
    random.some(&SENTENCES, 1, 4, " ")
}

pub fn sentence(random: &mut Random) -> &'static str {
    random.pick(&SENTENCES)
}

/// A JSON object whose text is all `\uXXXX`.
fn escaped(text: &str) -> String {
    let units: String = text.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect();
    format!("{{\"text\":\"{units}\"}}")
}
