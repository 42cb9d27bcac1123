//! Sentences of people, among them those whose words are also words of SQL, shells and scripts.

use super::random::Random;
use super::words;

/// Ordinary sentences.
pub const PLAIN: [&str; 40] = [
    "Please call me back after 5 pm, I'm at work until then.",
    "The parcel arrived, but the box was damaged; see photos 1-3.",
    "We'd like to order 20 more (blue if possible), thanks!",
    "Isn't there a way to change the delivery date?",
    "I don't know what \"pending\" means -- can you explain?",
    "Total was $149.99 + 19% VAT = $178.49, right?",
    "Meeting moved to 10:30; Bob & Alice can't make it.",
    "It's 3 < 5 and 5 > 3, so why is the sort order wrong?",
    "Great service, 10/10 would buy again!!! :-)",
    "The page says \"error 500\" when I click on 'Save'.",
    "Is it OK to ship to a P.O. box? My address is c/o O'Brien.",
    "See https://www.example.com/help?topic=returns&lang=en#step-2 for details.",
    "Ticket #4711 is a duplicate of #4690 (see comment 3).",
    "He said: 'no way', and hung up.",
    "Price went from 10€ to 12€ -> +20%...",
    "Attn: J. Smith / Accounts payable -- invoice 2025/0042",
    "Yes/No? Either is fine.",
    "* milk\n* eggs\n* bread (2x)\n\nThanks; love you",
    "1) unplug it 2) wait 10 s 3) plug it in again",
    "Can't log in with my e-mail (anna+shop@example.com).",
    "Use the code SPRING-25% before 31/03.",
    "The quick brown fox jumps over the lazy dog.",
    "What's the difference between Pro & Team? Is SSO included?",
    "We need the W-9 form and the bank details (IBAN: DE89 3704 0044 0532 0130 00).",
    "Tea or coffee? Both = happy guests.",
    "Not sure if it's the cable or the adapter. Both are new.",
    "Re: Re: Fwd: your order -- please don't reply to this address",
    "My birthday is 1990-02-29; your form says it doesn't exist?",
    "a) size 42, b) size 43 or c) a refund",
    "I'll be there @ 7, bring the #1 fan",
    "~10 people, +/- 2; budget <= 500",
    "Temperature was -5°C | humidity 80%",
    "{sigh} this is the third time...",
    "Room 101 && 102 are booked; 103 is free",
    "I've got 99 problems, but a glitch ain't one",
    "5' 11\" tall, 80 kg",
    "Please see the file \\\\server\\share\\2025\\report.docx",
    "My path is C:\\Users\\anna\\Documents\\cv.pdf - is that OK?",
    "Look in ~/Downloads or /home/anna/notes.txt",
    "(1) yes; (2) no; (3) maybe -- vote please",
];

/// With the words of SQL, of shells and of scripts.
pub const TRAPS: [&str; 56] = [
    "Select the best union of the two offers from the table below and drop me a line.",
    "Please select a seat from the table where you'd like to sit.",
    "The trade union will select its delegates from all members or their deputies.",
    "Drop table reservations before Friday; we only have one table left.",
    "Insert the coin into the slot, then select a drink.",
    "Update your calendar and set a reminder where possible.",
    "Delete from your list whatever you don't need.",
    "We have to order by phone, group by region and limit 10 per person.",
    "Is null island a real place? Having been there or not, like it?",
    "Either the cat or 1 of the dogs = 1 of the suspects.",
    "I like it or not, 1=1 in my book. And 2 is 2!",
    "We'll exec the plan: sleep (8 hours), eat, repeat.",
    "Between 5 and 10 people like it, or so they say.",
    "Create table decorations from paper; alter table heights if needed.",
    "The script says: enter left, exit right.",
    "Onload of the truck the pallets must be counted = twice.",
    "Use the curl to make waves, then echo the melody.",
    "cat food; dog food; bird seed; id tags",
    "The function of eval is to eval(uate) students.",
    "Java, Python & Ruby are islands, snakes and gems.",
    "Order by 12 for same-day delivery; sort by price, group by size.",
    "Case when open: the lid is loose. Case when closed: fine. End of story.",
    "Don't wait for delay: 10 minutes is OK, 'twas always so.",
    "How do I convert (int) values into characters? declare what you need.",
    "Our waiter said 'or else' -- rude!",
    "Union Station, select platforms only, from 8 am all trains delayed.",
    "Having count issues: 3 of 5 items missing from order #12 -- where are they?",
    "The char broke; substring beans are better than concat beans.",
    "She shouted \"alert\" and fell from the table; null hurt.",
    "Load file 7 into outfile 8 of the dossier, will you?",
    "User() error: I forgot my password()... version 2 of me will remember.",
    "Execute immediate action if the alarm sounds or the light = red.",
    "Please send /etc/ documents (the 'et cetera' ones) to hr.",
    "Ping me; who am i to judge? ls is short for Los Serranos.",
    "Remove the | bar and the & sign, then wget-ready means 'we get ready'.",
    "Rm 204 -- bin 3; sh: be quiet; env: environment team",
    "If you && your partner || a friend want to come: RSVP.",
    "The `tick` marks are $(not) needed.",
    "<3 this product! >:( but the colour...",
    "I <b>really</b> mean it, <i>please</i> answer",
    "a < b and b > c means nothing here",
    "javascript: the good parts -- did you read it?",
    "Set the style=bold and font-size: 12px please, the onclick thing is broken",
    "The document.cookie recipe: flour, butter; window.location: kitchen",
    "Prompt delivery! confirm('thanks') ;-)",
    "1' x 2' plywood, 3/4\" thick -- need 5; or 6",
    "'Tis the season -- buy one' or one' free",
    "5'; 6'; 7' boards / 8' OR 9' also possible",
    "It's \"AND\" not \"OR\", 'x'='x' in the formula on page 3",
    "SELECT * is bad style says my teacher, FROM now on I'll name columns.",
    "Is `SELECT name FROM users WHERE id = 5` what you meant in lesson 3?",
    "You can't DELETE FROM memory WHERE pain lives; INSERT INTO heart VALUES (hope).",
    "grep the logs, cat the file, kill the process, that's my day",
    "Need sudo? ask root; passwd resets take an hour; see /var/log for details.",
    "php, asp.net and jsp devs wanted (m/f/x); include('you')?",
    "file://server/share doesn't open, http://10.0.0.5/wiki does; ftp:// is dead",
];

/// Markdown as people write it.
pub const MARKDOWN: [&str; 14] = [
    "# Release notes\n\n## 2.1.0\n\n- **Fixed**: `null` in the *from* field\n- Added [docs](https://docs.example.com/v2/?q=a&b=c#top)\n\n> quoted\n",
    "| id | name | price |\n|----|------|-------|\n| 1  | O'Brien | 10.00 |\n| 2  | \"Quoted\" | 5,50 |\n\n---\n",
    "1. Open **Settings** > *Account*\n2. Select `Export`\n3. Wait...\n\n```\nno output\n```\n",
    "![diagram](https://cdn.example.com/img/a%20b.png \"Flow\")\n\nSee [RFC 9110](https://www.rfc-editor.org/rfc/rfc9110#section-9.3.1).",
    "- [x] select colours\n- [ ] order by Friday\n- [ ] drop old table\n\n~~deleted~~ `inline` <br> ***all***",
    "Hello @anna, see #123 & !45. Cc: @bob\n\n/assign @carol\n/label ~bug ~\"needs review\"",
    "The fee is $f(x) = \\frac{1}{2} x^2$ for $x < 5$ || 0 otherwise.\n\n$$\\sum_{i=1}^{n} i$$",
    "Term\n: Definition with `code` and -- dashes\n\n*[HTML]: HyperText\n\nFootnote[^1]\n\n[^1]: It's here.",
    "**Q:** Why?\n**A:** Because; that's why.\n\n&nbsp;&copy; 2025 &mdash; all rights reserved",
    "Steps to reproduce\n===\n* Go to /admin/../settings\n* Click on \"...\"\n\nExpected\n---\nNo error",
    "Config key `db.url` is now `database.url`; set `DB_HOST=localhost` and `PORT=5432`.\n\n`npm i && npm start`",
    "<details><summary>More</summary>\n\nhidden text\n\n</details>",
    "> On Tue, 3 Mar 2026 at 10:00, Anna <anna@example.com> wrote:\n>> Hi,\n>> isn't it?\n>\n> Yes.",
    "Emoji: :+1: 🎉 -- TODO: update the wiki (see [[Start Page]]), then s/foo/bar/g",
];

/// One to some sentences.
pub fn text(random: &mut Random) -> String {
    let count = random.within(1, 5);
    (0..count).map(|_| sentence(random)).collect::<Vec<_>>().join(if random.percent(20) { "\n\n" } else { " " })
}

/// One of eight has words that are also words of SQL, shells and scripts.
pub fn sentence(random: &mut Random) -> &'static str {
    if random.percent(12) { random.pick(&TRAPS) } else { random.pick(&PLAIN) }
}

/// A sentence or a Markdown document.
pub fn document(random: &mut Random) -> String {
    match random.below(3) {
        0 => random.pick(&MARKDOWN).to_owned(),
        1 => format!("{}\n\n{}", random.pick(&MARKDOWN), text(random)),
        _ => text(random),
    }
}

pub fn full_name(random: &mut Random) -> String {
    format!("{} {}", random.pick(&words::FIRST), random.pick(&words::LAST))
}

/// `anna.obrien+news@example.com`.
pub fn email(random: &mut Random) -> String {
    let letters = |text: &str| text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
    let (first, last) = (letters(random.pick(&words::FIRST)), letters(random.pick(&words::LAST)));
    let tail = random.pick(&["", "", "+news", "_84", "-work", "'s", ".jr", "+a/b"]);
    format!("{first}{}{last}{tail}@{}", random.pick(&[".", "_", "-", ""]), random.pick(&words::DOMAINS))
}

pub fn telephone(random: &mut Random) -> String {
    let digits = random.digits(7);
    let (a, b) = digits.split_at(3);
    match random.below(6) {
        0 => format!("+1 (555) {a}-{b}"),
        1 => format!("+44 20 {a} {b} ext. {}", random.digits(3)),
        2 => format!("0049/30/{a}{b}"),
        3 => format!("+353 (0)21 {a} {b}"),
        4 => format!("555.{a}.{b};ext={}", random.digits(2)),
        _ => format!("+81-3-{a}-{b}"),
    }
}

/// With the symbols that password rules ask for.
pub fn password(random: &mut Random) -> String {
    let made = random.pick(&[
        "correct horse battery staple",
        "P@ssw0rd!",
        "a'b\"c;d--e",
        "<Secret>123",
        "x=1;y=2",
        "100%sure&safe",
        "`tick`$HOME",
        "../..//Up!",
        "Tr0ub4dor&3",
        "{json:\"like\"}",
        "()&|;<>",
        "'or'1'='1-is-a-joke",
        "ümläut-Paß!",
        "пароль-42!",
        "密码Passw0rd",
        "|pipe|line|9",
        "\\back\\slash1",
        "# hash # 7",
        "select*2024",
        "Union;Jack1",
    ]);
    match random.below(3) {
        0 => made.to_owned(),
        1 => format!("{made}{}", random.digits(2)),
        _ => random.characters(
            b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789!\"#$%&'()*+,-./:;<=>?@[]^_`{|}~",
            16,
        ),
    }
}
