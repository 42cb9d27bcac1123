//! Source code, logs and commands as people paste them.

use super::random::Random;

pub const SAMPLES: [&str; 30] = [
    "SELECT o.id, c.name FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.total > 100 AND c.name LIKE 'O%' ORDER BY o.id DESC LIMIT 10;",
    "INSERT INTO users (name, email) VALUES ('Anna', 'anna@example.com') ON CONFLICT DO NOTHING;",
    "UPDATE orders SET status = 'paid' WHERE id IN (1, 2, 3); -- run once",
    "DROP TABLE IF EXISTS tmp_orders;\nCREATE TABLE tmp_orders (id serial PRIMARY KEY);",
    "EXPLAIN ANALYZE SELECT count(*) FROM events WHERE created_at > now() - interval '1 day' GROUP BY type HAVING count(*) > 5",
    "for f in *.log; do gzip \"$f\" && mv \"$f.gz\" /var/backups/; done",
    "curl -sS https://api.example.com/health | jq '.status'",
    "sudo apt-get update && sudo apt-get install -y nginx",
    "cat /etc/hosts | grep localhost; echo $?",
    "docker run --rm -it -v $(pwd):/app -p 8080:80 nginx:alpine sh -c 'ls -la /app'",
    "find . -name '*.tmp' -exec rm {} \\;",
    "ssh deploy@203.0.113.7 'systemctl restart web; tail -n 50 /var/log/web.log'",
    "git log --oneline | head -n 5 > changes.txt 2>&1",
    "import os\n\ndef main():\n    path = os.environ.get('HOME', '/tmp')\n    with open(path + '/x.txt') as f:\n        print(f.read())",
    "import subprocess\nsubprocess.run(['ls', '-l'], check=True)",
    "const items = data.filter(x => x.price > 10 && x.stock !== 0).map(({ id, name }) => `${id}: ${name}`);\nconsole.log(items);",
    "document.querySelector('#save').addEventListener('click', () => { window.location.href = '/done'; });",
    "if (typeof window !== 'undefined') { localStorage.setItem('k', JSON.stringify({ a: 1 })); }",
    "<script src=\"/static/app.js\" defer></script>",
    "<div onclick=\"save()\">Save</div>",
    "export default function App() { return <Button onClick={() => alert('hi')}>Go</Button>; }",
    "<?php\n$name = $_POST['name'] ?? '';\necho htmlspecialchars($name);\n?>",
    "public static void main(String[] args) { Runtime rt = Runtime.getRuntime(); System.out.println(rt.freeMemory()); }",
    "#include <stdio.h>\nint main(void) { printf(\"%d\\n\", 1 << 3); return 0; }",
    "fn main() { let v: Vec<_> = std::env::args().collect(); println!(\"{v:?}\"); }",
    "location /api/ { proxy_pass http://127.0.0.1:8080/; proxy_set_header Host $host; }",
    "{{ range .Values.items }}\n- name: {{ .name | quote }}\n{{ end }}",
    "<dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-core</artifactId><version>2.24.1</version></dependency>",
    "Get-ChildItem -Recurse | Where-Object { $_.Length -gt 1MB } | Select-Object Name",
    "ALTER TABLE orders ADD COLUMN note text; GRANT SELECT ON orders TO reporting;",
];

const TRACES: [&str; 6] = [
    "Traceback (most recent call last):\n  File \"/app/main.py\", line 12, in <module>\n    run()\n  File \"/usr/lib/python3.12/os.py\", line 3, in run\nKeyError: 'HOME'",
    "java.lang.NullPointerException: Cannot invoke \"String.length()\" because \"s\" is null\n\tat com.example.App.main(App.java:5)\n\tat java.base/java.lang.Thread.run(Thread.java:1583)",
    "ERROR 1064 (42000): You have an error in your SQL syntax; check the manual near 'FROM orders' at line 1",
    "TypeError: Cannot read properties of undefined (reading 'id')\n    at onClick (https://app.example.com/static/js/main.js:2:51234)\n    at HTMLButtonElement.dispatch (jquery.js:3:1)",
    "PHP Warning:  include(config.php): failed to open stream: No such file or directory in /var/www/html/index.php on line 3",
    "thread 'main' panicked at src/main.rs:4:10:\ncalled `Option::unwrap()` on a `None` value",
];

pub fn sample(random: &mut Random) -> &'static str {
    random.pick(&SAMPLES)
}

/// A stack trace or another message of a program.
pub fn trace(random: &mut Random) -> &'static str {
    random.pick(&TRACES)
}
